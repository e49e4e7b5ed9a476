//! What says something of the servers of one kind, and the services that come of it.

use crate::model::config::Kind;
use crate::model::detect::address::stem;
use crate::model::detect::compose::{self, Stack};
use crate::model::detect::roles::{self, Role};
use crate::model::detect::sections::development;
use crate::model::detect::servers::is_plain;
use crate::model::detect::url::Url;
use crate::model::detect::vars::Var;
use crate::model::detect::{Evidence, Project, Service};
use crate::model::name;

/// A server in a compose file.
pub(super) type Placed<'a> = (&'a Stack, &'a compose::Service);

/// What says something of the servers of one kind.
pub(super) struct Clues<'a> {
    pub(super) evidence: &'a Evidence<'a>,
    pub(super) kind: Kind,
    /// Variables that name a database or an index.
    parts: Vec<&'a Var>,
    /// Variables that hold a URL.
    pub(super) urls: Vec<(&'a Var, Url)>,
    /// The servers in compose files.
    pub(super) placed: Vec<Placed<'a>>,
}

/// A part of the main checkout that environments need one of their own instead of.
pub(super) struct Part<'a> {
    pub(super) main: String,
    /// The server, of those in compose files.
    pub(super) site: Option<usize>,
    pub(super) variable: Option<&'a Var>,
    pub(super) url: Option<&'a Url>,
    pub(super) why: String,
}

impl<'a> Clues<'a> {
    pub(super) fn of(evidence: &'a Evidence<'a>, kind: Kind) -> Self {
        let is_part = |var: &&Var| evidence.role(&var.name) == Some((kind, Role::Part));
        let url = |var: &'a Var| {
            let url = Url::parse(&var.value).filter(|url| url.kind == kind)?;
            Some((var, url))
        };
        let mut parts: Vec<&Var> = evidence.vars.iter().filter(is_part).collect();
        parts.sort_by_key(|var| var.value.is_empty());
        let stacks = evidence.stacks.iter();
        let all =
            stacks.flat_map(|stack| stack.services.iter().map(move |service| (stack, service)));
        Clues {
            evidence,
            kind,
            parts,
            urls: evidence.vars.iter().filter_map(url).collect(),
            placed: all
                .filter(|(_, service)| service.kind == Some(kind))
                .filter(|(stack, service)| !evidence.kept.iter().any(|one| one.is(stack, service)))
                .collect(),
        }
    }

    /// A service for each distinct part of each server; none when nothing says that there is one.
    pub(super) fn services(&self) -> Vec<Service> {
        let mut services: Vec<Service> = Vec::new();
        for part in self.distinct() {
            let first = services.is_empty();
            let stem = part.variable.filter(|_| !first).map(|var| stem(&var.name));
            services.extend(self.service(part, stem));
        }
        services
    }

    /// The server that a URL leads to, of those in compose files: by its port on this machine, or by its name there.
    pub(super) fn site(&self, url: &Url) -> Option<usize> {
        let is_it = |(_, service): &Placed<'_>| match url.is_local() {
            true => service.published() == url.port(),
            false => service.is_called(&url.host),
        };
        let found = self.placed.iter().position(is_it);
        found.or((!self.placed.is_empty()).then_some(0))
    }

    /// The same for a variable that names only the part, by the variables beside it for the host and the port.
    fn site_beside(&self, var: &Var) -> Option<usize> {
        let prefix = roles::prefix(&var.name);
        let beside = |wanted: Role| {
            let vars = self.evidence.vars.iter();
            vars.filter(move |other| self.evidence.role(&other.name) == Some((self.kind, wanted)))
                .find(|other| roles::prefix(&other.name) == prefix && !other.value.is_empty())
        };
        let at = |is_it: &dyn Fn(&compose::Service) -> bool| {
            self.placed.iter().position(|(_, service)| is_it(service))
        };
        let by_name = beside(Role::Host).and_then(|host| at(&|one| one.is_called(&host.value)));
        let by_port = || {
            let port = beside(Role::Port)?.value.parse().ok()?;
            at(&|one| one.published() == Some(port))
        };
        by_name.or_else(by_port).or((!self.placed.is_empty()).then_some(0))
    }

    fn distinct(&self) -> Vec<Part<'_>> {
        let mut found: Vec<Part<'_>> = Vec::new();
        // A database may have several names for one value; each index has its own.
        let most = if self.kind == Kind::Redis { self.parts.len() } else { 1 };
        for var in self.parts.iter().take(most) {
            let main = self.usable(&var.value).unwrap_or_else(|| self.usual(self.site_beside(var)));
            let why = format!("{}: {}", var.file, var.name);
            let site = self.site_beside(var);
            found.push(Part { main, site, variable: Some(var), url: None, why });
        }
        for (var, url) in &self.urls {
            let site = self.site(url);
            let main = self.usable(&url.part).unwrap_or_else(|| self.usual(site));
            match found.iter_mut().find(|known| known.main == main && known.site == site) {
                Some(known) => known.url = known.url.or(Some(url)),
                None => {
                    let why = format!("{}: {}", var.file, var.name);
                    found.push(Part { main, site, variable: Some(var), url: Some(url), why });
                }
            }
        }
        if found.is_empty() {
            let site = (!self.placed.is_empty()).then_some(0);
            let why = self.placed.first().map(|(stack, service)| stack.why(service));
            let why = why.or_else(|| self.packages().next());
            found.extend(why.map(|why| Part {
                main: self.usual(site),
                site,
                variable: None,
                url: None,
                why,
            }));
        }
        found
    }

    /// What the main checkout uses when nothing says it.
    fn usual(&self, site: Option<usize>) -> String {
        if self.kind == Kind::Redis {
            return "0".to_owned();
        }
        let rails = self.evidence.seen.named("database.yml").next();
        let rails = rails.and_then(|path| of_rails(self.evidence.seen.text(path)));
        let placed = site.and_then(|at| self.placed.get(at));
        let inside = |name: &str| placed.and_then(|(_, service)| service.value(name));
        let place = self.evidence.places.iter().find(|place| place.kind == Some(self.kind));
        let place = place.map(|place| place.part.clone());
        let said = match self.kind {
            Kind::Mysql => [inside("MYSQL_DATABASE"), inside("MARIADB_DATABASE"), rails, place],
            // The image names the database after the user.
            _ => [inside("POSTGRES_DB"), inside("POSTGRES_USER"), rails, place],
        };
        said.into_iter().flatten().find(|text| is_plain(text)).unwrap_or_else(|| self.guess())
    }

    /// A database that is called like the repository.
    pub(super) fn guess(&self) -> String {
        name::database(&name::repo_slug(&self.evidence.seen.repo))
    }

    /// A value that the configuration takes.
    fn usable(&self, value: &str) -> Option<String> {
        match self.kind {
            Kind::Redis => value.parse::<u16>().ok().map(|index| index.to_string()),
            _ => Some(value.to_owned()).filter(|text| is_plain(text)),
        }
    }

    /// The packages that talk to such a server.
    pub(super) fn packages(&self) -> impl Iterator<Item = String> + '_ {
        let frameworks = self.evidence.frameworks.iter();
        let needs = frameworks.filter(|framework| framework.servers.contains(&self.kind));
        needs.map(|framework| framework.found.clone())
    }

    pub(super) fn is_only_guessed(&self) -> bool {
        self.parts.is_empty() && self.urls.is_empty() && self.placed.is_empty()
    }

    /// Nothing but packages says that there is such a server, and these talk to another kind of database too.
    pub(super) fn is_one_of_several(&self) -> bool {
        let mut frameworks = self.evidence.frameworks.iter();
        let other = |kind: &Kind| *kind != self.kind && *kind != Kind::Redis;
        self.kind != Kind::Redis
            && self.is_only_guessed()
            && self.packages().next().is_some()
            && frameworks.any(|framework| framework.servers.iter().any(other))
    }

    /// A variable or a URL names a server of this kind.
    pub(super) fn is_named(&self) -> bool {
        !self.parts.is_empty() || !self.urls.is_empty()
    }

    /// Says which servers applications on this machine cannot reach.
    pub(super) fn notes(&self, project: &mut Project) {
        let Some((stack, service)) =
            self.placed.first().filter(|(_, service)| service.published().is_none())
        else {
            return;
        };
        if self.kind == Kind::Mysql && project.compose.as_ref() == Some(&stack.file) {
            return;
        }
        let port = self.kind.port().unwrap_or_default();
        let instead = match self.kind {
            Kind::Mysql => "environments get no database there",
            _ => "environments use the shared server of `git agentenv infra up`",
        };
        project.notes.push(format!(
            "{} publishes no port: applications on this machine cannot reach it; {instead}, unless the service gets \
             `ports: [\"{port}:{port}\"]`",
            stack.why(service)
        ));
    }
}

/// The database of the section `development`. The file is a template of ERB, so it may be no YAML.
fn of_rails(text: &str) -> Option<String> {
    let text = development(text);
    let section = text.lines().skip_while(|line| !line.starts_with("development:")).skip(1);
    let mut inside = section.take_while(|line| line.is_empty() || line.starts_with([' ', '#']));
    let value = inside.find_map(|line| line.trim().strip_prefix("database:"))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned())
}
