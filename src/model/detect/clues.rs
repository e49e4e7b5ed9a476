//! What says something of the servers of one kind, and the services that come of it.

use crate::model::config::Kind;
use crate::model::detect::address::stem;
use crate::model::detect::compose::{self, Stack};
use crate::model::detect::roles::{self, Role};
use crate::model::detect::url::Url;
use crate::model::detect::vars::{self, Var};
use crate::model::detect::{Evidence, Project, Service};

/// A server in a compose file.
pub(super) type Placed<'a> = (&'a Stack, &'a compose::Service);

/// What says something of the servers of one kind.
pub(super) struct Clues<'a> {
    pub(super) evidence: &'a Evidence<'a>,
    pub(super) kind: Kind,
    /// Variables that name a database or an index.
    pub(super) parts: Vec<&'a Var>,
    /// Variables that hold a URL.
    pub(super) urls: Vec<(&'a Var, Url)>,
    /// The servers in compose files.
    pub(super) placed: Vec<Placed<'a>>,
}

impl<'a> Clues<'a> {
    pub(super) fn of(evidence: &'a Evidence<'a>, kind: Kind) -> Self {
        let is_part =
            |var: &&Var| evidence.role(&var.name) == Some((kind, Role::Part)) && !var.is_file();
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
    pub(super) fn site_beside(&self, var: &Var) -> Option<usize> {
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

    /// The packages that talk to such a server.
    pub(super) fn packages(&self) -> impl Iterator<Item = String> + '_ {
        let frameworks = self.evidence.frameworks.iter();
        let needs = frameworks.filter(|framework| framework.servers.contains(&self.kind));
        needs.map(|framework| framework.found.clone())
    }

    pub(super) fn is_only_guessed(&self) -> bool {
        self.parts.is_empty() && self.urls.is_empty() && self.placed.is_empty()
    }

    /// Nothing but packages and images says that there is such a server, and there are others for another kind of database.
    pub(super) fn is_one_of_several(&self) -> bool {
        let packages = self.evidence.frameworks.iter().flat_map(|one| one.servers.clone());
        let images = self.evidence.stacks.iter().flat_map(Stack::kinds);
        let other = |kind: Kind| kind != self.kind && kind != Kind::Redis;
        self.kind != Kind::Redis
            && self.parts.is_empty()
            && self.urls.is_empty()
            && (self.packages().next().is_some() || !self.placed.is_empty())
            && packages.chain(images).any(other)
    }

    /// A file gives a URL of a server of this kind, or a value to a variable for `least`.
    pub(super) fn is_given(&self, least: Role) -> bool {
        let is_given = |var: &Var| !var.is_default && !var.value.is_empty();
        self.urls.iter().any(|(var, _)| is_given(var))
            || (least == Role::Part && self.parts.iter().any(|var| is_given(var)))
    }

    /// Only packages name such a server, and code does without each variable for one; or an example of PHP, which names what
    /// the framework could use, keeps nothing there.
    pub(super) fn is_only_possible(&self) -> bool {
        let of_kind =
            |var: &&Var| self.evidence.role(&var.name).is_some_and(|(kind, _)| kind == self.kind);
        let mut vars = self.evidence.vars.iter().filter(of_kind).peekable();
        // A URL that is none of Redis chooses something else.
        let is_idle = |var: &Var| {
            let role = self.evidence.role(&var.name).map(|(_, role)| role);
            var.is_optional || (role == Some(Role::Url) && !var.value.is_empty())
        };
        let is_optional = vars.peek().is_some() && vars.all(is_idle);
        let is_php = self.evidence.seen.named("composer.json").next().is_some();
        let is_kept = || self.evidence.vars.iter().any(vars::is_redis_chosen);
        self.urls.is_empty() && self.placed.is_empty() && (is_optional || (is_php && !is_kept()))
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
