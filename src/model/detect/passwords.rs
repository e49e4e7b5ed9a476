//! Passwords of servers: the variable that `add` reads one from, and what a tracked file gives applications.

use crate::model::compose::syntax::interpolated;
use crate::model::config::{Kind, Place};
use crate::model::detect::clues::{Clues, Placed};
use crate::model::detect::compose;
use crate::model::detect::roles::Role;

impl Clues<'_> {
    /// The variable with the password for `add`: of MySQL on this machine, and of Redis in a container that asks for one.
    pub(super) fn password_env(
        &self,
        placed: Option<Placed<'_>>,
        place: Option<&Place>,
        prefix: &str,
    ) -> Option<String> {
        let own = || self.beside(Role::Password, prefix).map(|var| var.name.clone());
        match (self.kind, place?) {
            (Kind::Mysql, Place::Host) => own(),
            (Kind::Redis, _) => {
                let (_, name) = interpolated(placed?.1.required()?);
                name.or_else(own)
            }
            _ => None,
        }
    }

    /// The password itself, if a tracked file has it and a URL can hold it. The server of `infra up` wants none.
    pub(super) fn password(&self, placed: Option<Placed<'_>>, prefix: &str) -> Option<String> {
        let text = match placed {
            Some((_, service)) => self.resolved(self.of_container(service)?),
            None => self.beside(Role::Password, prefix)?.value.clone(),
        };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let is_word = !text.is_empty() && text != "null" && text.chars().all(is_plain);
        (is_word && self.evidence.seen.is_public_password(&text)).then_some(text)
    }

    /// What a container's own file says, as it stands there.
    fn of_container<'a>(&self, service: &'a compose::Service) -> Option<&'a str> {
        let names: &[&str] = match self.kind {
            Kind::Redis => return service.required(),
            Kind::Mysql => &["MYSQL_ROOT_PASSWORD", "MARIADB_ROOT_PASSWORD"],
            _ => &["POSTGRES_PASSWORD"],
        };
        names.iter().find_map(|name| service.raw(name))
    }

    /// The text with its variable's value, else with the default.
    fn resolved(&self, text: &str) -> String {
        let (default, name) = interpolated(text);
        let mut given = self.evidence.vars.iter().filter(|var| !var.is_default);
        let own = name.and_then(|name| given.find(|var| var.name == name && !var.value.is_empty()));
        own.map_or(default, |var| var.value.clone())
    }
}
