//! Postgres and Redis: one service for each database or index that the project's files tell apart.

use crate::model::config::{self, Kind, Place};
use crate::model::detect::compose::{self, Stack};
use crate::model::detect::roles::{self, Role};
use crate::model::detect::url::Url;
use crate::model::detect::vars::Var;
use crate::model::detect::{Evidence, Project, Service};
use crate::model::name;

/// Who connects to the server of `infra up`.
const SHARED_USER: &str = "postgres";

/// Finds them.
pub(super) fn find(project: &mut Project, evidence: &Evidence<'_>) {
    for kind in [Kind::Postgres, Kind::Redis] {
        let clues = Clues::of(evidence, kind);
        clues.notes(project);
        for service in clues.services() {
            let taken =
                |other: &Service| other.key == service.key || other.variable == service.variable;
            if !project.services.iter().any(taken) {
                project.services.push(service);
            }
        }
        if clues.is_only_guessed() {
            project
                .guessed
                .extend(clues.packages().map(|found| format!("{} (from {found})", title(kind))));
        }
    }
    let own: Vec<String> = evidence.stacks.iter().filter_map(|stack| own(project, stack)).collect();
    project.notes.extend(own);
    if project.services.is_empty() {
        project
            .missing
            .push("Postgres and Redis: an SQLite file is each worktree's own".to_owned());
    }
}

/// How the servers of a file start that `infra up` does not start, because it holds more than these.
fn own(project: &Project, stack: &Stack) -> Option<String> {
    let is_used = |service: &&compose::Service| {
        let place = Some(stack.place(service));
        project.services.iter().any(|used| used.place == place)
    };
    let names: Vec<&str> =
        stack.services.iter().filter(is_used).map(compose::Service::name).collect();
    (project.infra.as_ref() != Some(&stack.file) && !names.is_empty()).then(|| {
        let (file, start) = (&stack.file, stack.start(&names));
        format!("{file}: {} must run before `git agentenv add`: `{start}`", names.join(" and "))
    })
}

fn title(kind: Kind) -> &'static str {
    if kind == Kind::Redis { "Redis" } else { "Postgres" }
}

/// What says something of the servers of one kind.
struct Clues<'a> {
    evidence: &'a Evidence<'a>,
    kind: Kind,
    /// Variables that name a database or an index.
    parts: Vec<&'a Var>,
    /// Variables that hold a URL.
    urls: Vec<(&'a Var, Url)>,
    /// Its service in a compose file.
    placed: Option<(&'a Stack, &'a compose::Service)>,
}

/// A part of the main checkout that environments need one of their own instead of.
struct Part<'a> {
    main: String,
    variable: Option<&'a Var>,
    url: Option<&'a Url>,
    why: String,
}

impl<'a> Clues<'a> {
    fn of(evidence: &'a Evidence<'a>, kind: Kind) -> Self {
        let of_role = |wanted: Role| {
            evidence.vars.iter().filter(move |var| roles::of(&var.name) == Some((kind, wanted)))
        };
        let url = |var: &'a Var| {
            let url = Url::parse(&var.value).filter(|url| url.kind == kind)?;
            Some((var, url))
        };
        let mut parts: Vec<&Var> = of_role(Role::Part).collect();
        parts.sort_by_key(|var| var.value.is_empty());
        let stacks = evidence.stacks.iter();
        let mut all =
            stacks.flat_map(|stack| stack.services.iter().map(move |service| (stack, service)));
        Clues {
            evidence,
            kind,
            parts,
            urls: evidence.vars.iter().filter_map(url).collect(),
            placed: all.find(|(_, service)| service.kind == Some(kind)),
        }
    }

    /// A service for each distinct part; none when nothing says that there is a server.
    fn services(&self) -> Vec<Service> {
        let mut services: Vec<Service> = Vec::new();
        for part in self.distinct() {
            let first = services.is_empty();
            let stem = part.variable.filter(|_| !first).map(|var| stem(&var.name));
            services.push(self.service(part, stem));
        }
        services
    }

    fn distinct(&self) -> Vec<Part<'_>> {
        let mut found: Vec<Part<'_>> = Vec::new();
        // A database may have several names for one value; each index has its own.
        let most = if self.kind == Kind::Redis { self.parts.len() } else { 1 };
        for var in self.parts.iter().take(most) {
            let main = self.usable(&var.value).unwrap_or_else(|| self.usual());
            let why = format!("{}: {}", var.file, var.name);
            found.push(Part { main, variable: Some(var), url: None, why });
        }
        for (var, url) in &self.urls {
            let main = self.usable(&url.part).unwrap_or_else(|| self.usual());
            match found.iter_mut().find(|known| known.main == main) {
                Some(known) => known.url = known.url.or(Some(url)),
                None => {
                    let why = format!("{}: {}", var.file, var.name);
                    found.push(Part { main, variable: Some(var), url: Some(url), why });
                }
            }
        }
        if found.is_empty() {
            let why = self.placed.map(|(stack, service)| stack.why(service));
            let why = why.or_else(|| self.packages().next());
            found.extend(why.map(|why| Part {
                main: self.usual(),
                variable: None,
                url: None,
                why,
            }));
        }
        found
    }

    fn service(&self, part: Part<'_>, stem: Option<String>) -> Service {
        let (key, usual) = match self.kind {
            Kind::Redis => ("redis", "REDIS_DB"),
            _ => ("postgres", "POSTGRES_DB"),
        };
        let named = part
            .variable
            .filter(|var| roles::of(&var.name).is_some_and(|(_, role)| role == Role::Part));
        let variable = match (named, &stem) {
            (Some(var), _) => var.name.clone(),
            (None, Some(stem)) => free_name(stem, usual),
            (None, None) => usual.to_owned(),
        };
        let key = stem.map_or(key.to_owned(), |stem| stem.to_lowercase());
        Service {
            key,
            kind: self.kind,
            variable,
            main: part.main,
            user: if self.kind == Kind::Postgres { self.user(part.url) } else { String::new() },
            place: self.place(),
            is_shared: self.is_shared(),
            port: self.port(part.url),
            why: self.placed.map_or(part.why, |(stack, service)| stack.why(service)),
        }
    }

    /// What the main checkout uses when nothing says it.
    fn usual(&self) -> String {
        if self.kind == Kind::Redis {
            return "0".to_owned();
        }
        let rails = self.evidence.seen.named("database.yml").next();
        let rails = rails.and_then(|path| of_rails(self.evidence.seen.text(path)));
        let said = [self.in_container("POSTGRES_DB"), rails];
        let repo = || name::database(&name::repo_slug(&self.evidence.seen.repo));
        said.into_iter().flatten().find(|text| is_plain(text)).unwrap_or_else(repo)
    }

    /// A value that the configuration takes.
    fn usable(&self, value: &str) -> Option<String> {
        match self.kind {
            Kind::Redis => value.parse::<u16>().ok().map(|index| index.to_string()),
            _ => Some(value.to_owned()).filter(|text| is_plain(text)),
        }
    }

    /// Environments use the server of `infra up`: this machine reaches none of the project's own, and no file names one.
    fn is_shared(&self) -> bool {
        let vars = self.evidence.vars.iter();
        let mut hosts = vars.filter(|var| {
            roles::of(&var.name) == Some((self.kind, Role::Host)) && !var.value.is_empty()
        });
        let is_named =
            hosts.any(|var| !var.is_default) || self.urls.iter().any(|(var, _)| !var.is_default);
        self.place().is_none() && (self.placed.is_some() || !is_named)
    }

    /// The server of `infra up` has no role but `postgres`.
    fn user(&self, url: Option<&Url>) -> String {
        if self.is_shared() {
            return SHARED_USER.to_owned();
        }
        let vars = self.evidence.vars.iter();
        let mut vars = vars.filter(|var| roles::of(&var.name) == Some((self.kind, Role::User)));
        let said = [
            self.in_container("POSTGRES_USER"),
            vars.find(|var| is_plain(&var.value)).map(|var| var.value.clone()),
            url.map(|url| url.user.clone()),
        ];
        let usual = || SHARED_USER.to_owned();
        said.into_iter().flatten().find(|text| is_plain(text)).unwrap_or_else(usual)
    }

    /// Where it runs. Applications on this machine cannot reach a container without a published port.
    fn place(&self) -> Option<Place> {
        let (stack, service) = self.placed.filter(|(_, service)| service.published().is_some())?;
        let place = stack.place(service);
        let plain = match &place {
            Place::Container(name) => is_plain(name),
            Place::Compose { project, service } => is_plain(project) && is_plain(service),
            Place::Host => true,
        };
        plain.then_some(place)
    }

    fn port(&self, url: Option<&Url>) -> u16 {
        let port = match self.placed {
            Some((_, service)) => service.published(),
            None => url.filter(|url| url.is_local()).and_then(|url| url.port),
        };
        port.filter(|port| *port > 0).or(self.kind.port()).unwrap_or_default()
    }

    fn in_container(&self, name: &str) -> Option<String> {
        self.placed.and_then(|(_, service)| service.value(name))
    }

    /// The packages that talk to such a server.
    fn packages(&self) -> impl Iterator<Item = String> + '_ {
        let frameworks = self.evidence.frameworks.iter();
        let needs = frameworks.filter(|framework| framework.servers.contains(&self.kind));
        needs.map(|framework| framework.found.clone())
    }

    fn is_only_guessed(&self) -> bool {
        self.parts.is_empty() && self.urls.is_empty() && self.placed.is_none()
    }

    fn notes(&self, project: &mut Project) {
        let Some((stack, service)) =
            self.placed.filter(|(_, service)| service.published().is_none())
        else {
            return;
        };
        let port = self.kind.port().unwrap_or_default();
        project.notes.push(format!(
            "{} publishes no port: applications on this machine cannot reach it; environments use the shared server \
             of `git agentenv infra up`, unless the service gets `ports: [\"{port}:{port}\"]`",
            stack.why(service)
        ));
    }
}

/// A variable for a further service: `CELERY_BROKER_DB`.
fn free_name(stem: &str, usual: &str) -> String {
    let name = format!("{stem}_DB");
    if config::is_free_name(&name) { name } else { format!("{usual}_{name}") }
}

/// `CELERY_BROKER_URL` is the `CELERY_BROKER`.
fn stem(variable: &str) -> String {
    let endings =
        ["_DATABASE_URL", "_DB_URL", "_REDIS_URL", "_URL", "_URI", "_DSN", "_DB", "_LOCATION"];
    let cut = endings.iter().find_map(|ending| variable.strip_suffix(ending));
    cut.filter(|stem| !stem.is_empty()).unwrap_or(variable).to_owned()
}

/// The database of the section `development`. The file is a template of ERB, so it may be no YAML.
fn of_rails(text: &str) -> Option<String> {
    let section = text.lines().skip_while(|line| !line.starts_with("development:")).skip(1);
    let mut inside = section.take_while(|line| line.is_empty() || line.starts_with([' ', '#']));
    let value = inside.find_map(|line| line.trim().strip_prefix("database:"))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned())
}

/// What the configuration takes as a name.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= name::IDENTIFIER
        && !text.starts_with(['-', '.'])
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}
