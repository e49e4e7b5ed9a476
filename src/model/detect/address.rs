//! Services: where a part's server runs, and who connects to it.

use crate::model::config::{self, Kind, Place};
use crate::model::detect::Service;
use crate::model::detect::clues::{Clues, Placed};
use crate::model::detect::parts::Part;
use crate::model::detect::roles::{self, Role};
use crate::model::detect::servers::{self, is_plain};
use crate::model::detect::url::Url;
use crate::model::detect::vars::Var;

/// Who connects to the server of `infra up`.
pub(super) const SHARED_USER: &str = "postgres";

impl Clues<'_> {
    /// `None`: applications on this machine reach no server of this kind.
    pub(super) fn service(&self, part: Part<'_>, stem: Option<String>) -> Option<Service> {
        let (key, usual) = match self.kind {
            Kind::Redis => ("redis", "REDIS_DB"),
            Kind::Mysql => ("mysql", "MYSQL_DATABASE"),
            _ => ("postgres", "POSTGRES_DB"),
        };
        let is_part =
            |var: &&Var| self.evidence.role(&var.name).is_some_and(|(_, role)| role == Role::Part);
        let named = part.variable.filter(is_part);
        let variable = match (named, &stem) {
            (Some(var), _) => var.name.clone(),
            (None, Some(stem)) => free_name(stem, usual),
            (None, None) => usual.to_owned(),
        };
        let placed = part.site.and_then(|at| self.placed.get(at).copied());
        let place = self.place(placed)?;
        let is_shared = place.is_none() && self.is_shared(placed);
        let prefix = part.variable.map_or_else(String::new, |var| roles::prefix(&var.name));
        Some(Service {
            key: stem.map_or(key.to_owned(), |stem| stem.to_lowercase()),
            kind: self.kind,
            variable,
            is_guess: part.is_guess,
            main: part.main.clone(),
            user: self.user(&part, placed, is_shared, place.as_ref()),
            password_env: self.password_env(placed, place.as_ref(), &prefix),
            password: self.password(placed, &prefix).filter(|_| !is_shared),
            place,
            is_shared,
            port: self.port(placed, part.url),
            prefix,
            stack: placed.map(|(stack, _)| stack.file.clone()),
            site: part.site,
            why: placed.map_or(part.why, |(stack, service)| stack.why(service)),
        })
    }

    /// The variable for `role` that stands beside one of this prefix, else the one without a prefix.
    pub(super) fn beside(&self, role: Role, prefix: &str) -> Option<&Var> {
        let is_it = |var: &&Var| self.evidence.role(&var.name) == Some((self.kind, role));
        let vars = || self.evidence.vars.iter().filter(is_it).filter(|var| !var.value.is_empty());
        let of = |wanted: &str| vars().find(|var| roles::prefix(&var.name) == wanted);
        of(prefix).or_else(|| of(""))
    }

    /// Environments use the server of `infra up`: this machine reaches none of the project's own, and no file names one.
    fn is_shared(&self, placed: Option<Placed<'_>>) -> bool {
        let is_host = |var: &&Var| {
            let role = self.evidence.role(&var.name);
            role.is_some_and(|(kind, role)| {
                kind == self.kind && matches!(role, Role::Host | Role::Address)
            })
        };
        let mut hosts = self.evidence.vars.iter().filter(is_host);
        let is_named = hosts.any(|var| !var.is_default && !var.value.is_empty())
            || self.urls.iter().any(|(var, _)| !var.is_default);
        placed.is_some() || !is_named
    }

    /// The server of `infra up` has no role but `postgres`. On MySQL, only the administrator creates databases.
    fn user(
        &self,
        part: &Part<'_>,
        placed: Option<Placed<'_>>,
        is_shared: bool,
        place: Option<&Place>,
    ) -> String {
        let usual = if self.kind == Kind::Mysql { "root" } else { SHARED_USER };
        if self.kind == Kind::Redis {
            return String::new();
        }
        if is_shared || (self.kind == Kind::Mysql && place != Some(&Place::Host)) {
            return usual.to_owned();
        }
        let prefix = part.variable.map_or_else(String::new, |var| roles::prefix(&var.name));
        let said = [
            placed.and_then(|(_, service)| service.value("POSTGRES_USER")),
            part.url.map(|url| url.user.clone()).filter(|user| is_plain(user)),
            self.beside(Role::User, &prefix).map(|var| var.value.clone()),
        ];
        said.into_iter().flatten().find(|text| is_plain(text)).unwrap_or_else(|| usual.to_owned())
    }

    /// Where it runs: `Some(None)` in the shared container. Applications on this machine cannot reach a container without
    /// a published port, and `infra up` starts no MySQL.
    fn place(&self, placed: Option<Placed<'_>>) -> Option<Option<Place>> {
        let open = placed.filter(|(_, service)| service.published().is_some());
        let place = open.and_then(|(stack, service)| servers::place(stack, service));
        match (self.kind, placed) {
            (Kind::Mysql, None) => Some(Some(Place::Host)),
            (Kind::Mysql, Some(_)) => place.map(Some),
            _ => Some(place),
        }
    }

    fn port(&self, placed: Option<Placed<'_>>, url: Option<&Url>) -> u16 {
        let is_port = |var: &&Var| self.evidence.role(&var.name) == Some((self.kind, Role::Port));
        let said = || {
            let mut vars = self.evidence.vars.iter().filter(is_port);
            vars.find_map(|var| var.value.parse().ok()).filter(|_| self.kind == Kind::Mysql)
        };
        let port = match placed {
            Some((_, service)) => service.published(),
            None => url.filter(|url| url.is_local()).and_then(|url| url.port).or_else(said),
        };
        port.filter(|port| *port > 0).or(self.kind.port()).unwrap_or_default()
    }
}

/// A variable for a further service: `CELERY_BROKER_DB`.
fn free_name(stem: &str, usual: &str) -> String {
    let name = format!("{stem}_DB");
    if config::is_free_name(&name) { name } else { format!("{usual}_{name}") }
}

/// `CELERY_BROKER_URL` is the `CELERY_BROKER`.
pub(super) fn stem(variable: &str) -> String {
    let endings = [
        "_DATABASE_URL",
        "_DB_URL",
        "_REDIS_URL",
        "_URL",
        "_URI",
        "_DSN",
        "_DATABASE_NAME",
        "_DB_NAME",
        "_POSTGRES_DB",
        "_DB",
        "_LOCATION",
    ];
    let cut = endings.iter().find_map(|ending| variable.strip_suffix(ending));
    cut.filter(|stem| !stem.is_empty()).unwrap_or(variable).to_owned()
}
