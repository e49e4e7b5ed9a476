//! Points a service's variables at the environment's databases and indexes, as containers reach them.

use super::merge::by_name;
use super::syntax::{interpolated, scalar};
use super::{Environment, Linked};
use crate::model::config::{Kind, Service};
use crate::model::detect::roles::{self, Role};
use crate::model::envfile;
use anyhow::Result;
use indexmap::IndexMap;
use serde_yaml::{Mapping, Value};

/// The variables, and how others are made to lead to the same.
pub(super) struct Pointing<'a> {
    environment: &'a Environment<'a>,
    linked: &'a [Linked<'a>],
    /// As containers of the stack read them.
    inside: IndexMap<String, String>,
    /// As processes of this machine read them.
    outside: IndexMap<String, String>,
}

impl<'a> Pointing<'a> {
    pub(super) fn of(environment: &'a Environment<'a>, linked: &'a [Linked<'a>]) -> Result<Self> {
        let mut hosts = IndexMap::new();
        for one in linked {
            let port = if one.direct {
                one.server.port
            } else {
                one.server.kind.port().unwrap_or(one.server.port)
            };
            for key in &one.server.services {
                hosts.insert(key.clone(), (one.names[0].clone(), port));
            }
        }
        let (inside, outside) = environment.config.container_vars(&environment.values, &hosts)?;
        Ok(Pointing { environment, linked, inside, outside })
    }

    /// Whether a service uses a shared server, as far as its text tells.
    pub(super) fn is_wanted(&self, service: &Mapping, built: &[(String, String)]) -> bool {
        let image = service.get("image").and_then(Value::as_str);
        if service.contains_key("build") || built.iter().any(|(built, _)| image == Some(built)) {
            return true;
        }
        let mut text = serde_yaml::to_string(service).unwrap_or_default();
        for file in files(service) {
            text.push_str(&(self.environment.env_file)(&file).unwrap_or_default());
        }
        let names = self.linked.iter().flat_map(|one| one.names.iter());
        let is_part = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        let words: Vec<&str> = text.split(|c| !is_part(c)).collect();
        names.chain(self.inside.keys()).any(|name| words.contains(&name.as_str()))
    }

    /// Gives the service the environment's variables; those that lead to a server by another name follow.
    pub(super) fn apply(&self, service: &mut Mapping) {
        let on_host = service.get("network_mode").and_then(Value::as_str) == Some("host");
        let ours = if on_host { &self.outside } else { &self.inside };
        let mut led = Mapping::new();
        for file in files(service) {
            let text = (self.environment.env_file)(&file).unwrap_or_default();
            for (name, value) in envfile::parse(text.as_bytes()) {
                if let Some(value) = self.led(&name, &value) {
                    led.insert(name.into(), value.into());
                }
            }
        }
        let own = service.shift_remove("environment").map(by_name);
        if let Some(Value::Mapping(own)) = own {
            for (name, value) in own {
                let value = match self.led(&scalar(&name), &scalar(&value)) {
                    Some(led) if !on_host => led.into(),
                    _ => value,
                };
                led.insert(name, value);
            }
        }
        for (name, value) in ours {
            if on_host || !led.get(name.as_str()).is_some_and(is_inside) {
                led.insert(name.as_str().into(), value.as_str().into());
            }
        }
        if !led.is_empty() {
            service.insert("environment".into(), led.into());
        }
    }

    /// The value of a variable that names a server's part in the main checkout; `None`: it does not.
    fn led(&self, name: &str, value: &str) -> Option<String> {
        if value.contains("://") {
            return self.linked.iter().find_map(|one| self.url(one, value));
        }
        // A MySQL server of the stack stays in it.
        let (kind, role) =
            roles::of(name, Kind::Postgres).filter(|(kind, _)| *kind != Kind::Mysql)?;
        let one = self.linked.iter().find(|one| one.server.kind == kind)?;
        let service = self.service(one, &interpolated(value).0)?;
        match role {
            Role::Part => self.environment.values.parts.get(&service.variable).cloned(),
            Role::User if kind == Kind::Postgres => Some(service.user.clone()),
            _ => None,
        }
    }

    /// The service of a server whose part in the main checkout this is, else its first.
    fn service(&self, one: &Linked<'_>, main: &str) -> Option<&Service> {
        let services = one.server.services.iter();
        let all: Vec<&Service> =
            services.filter_map(|key| self.environment.config.services.get(key)).collect();
        let main = if main.is_empty() { "0" } else { main };
        all.iter().find(|service| service.main == main).or(all.first()).copied()
    }

    /// A URL whose host is one of the server's names, with the environment's part.
    fn url(&self, one: &Linked<'_>, text: &str) -> Option<String> {
        let Address { scheme, login, address, main, query } = Address::of(text)?;
        let host = address.split(':').next()?;
        let is_it = one.names.iter().any(|name| name == host);
        let service = self.service(one, &interpolated(main).0).filter(|_| is_it)?;
        let part = self.environment.values.parts.get(&service.variable)?;
        let login = match one.server.kind {
            Kind::Postgres => login_as(&service.user, login),
            _ => login.to_owned(),
        };
        Some(format!("{scheme}://{login}{address}/{part}{query}"))
    }
}

/// The pieces of a URL.
struct Address<'a> {
    scheme: &'a str,
    /// With its `@`.
    login: &'a str,
    address: &'a str,
    main: &'a str,
    /// With its `?`.
    query: &'a str,
}

impl<'a> Address<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let end =
            rest.find(['?', '#']).filter(|at| !rest[..*at].ends_with(':')).unwrap_or(rest.len());
        let (body, query) = rest.split_at(end);
        let (login, address) = body.split_at(body.rfind('@').map_or(0, |at| at + 1));
        let (address, main) = address.split_once('/').unwrap_or((address, ""));
        Some(Address { scheme, login, address, main, query })
    }
}

/// The host of a URL.
pub(super) fn host(text: &str) -> Option<&str> {
    Address::of(text)?.address.split(':').next()
}

/// The same login with another user; a password stays.
fn login_as(user: &str, login: &str) -> String {
    let own = super::syntax::colons(login.trim_end_matches('@'));
    match *own {
        [_, password] => format!("{user}:{password}@"),
        _ => format!("{user}@"),
    }
}

/// An address of the application as its own containers reach it.
fn is_inside(value: &Value) -> bool {
    let url = scalar(value);
    let host = ["http://", "https://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    host.is_some_and(|host| {
        !["localhost", "127.0.0.1", "$"].iter().any(|own| host.starts_with(own))
    })
}

/// The paths of a service's `env_file`, short or long.
pub(super) fn files(service: &Mapping) -> Vec<String> {
    let entries = match service.get("env_file") {
        Some(Value::Sequence(list)) => list.iter().collect(),
        one => one.into_iter().collect::<Vec<_>>(),
    };
    let optional = |entry: &&Value| entry.get("required").and_then(Value::as_bool) != Some(false);
    let paths =
        entries.into_iter().filter(optional).map(|entry| entry.get("path").unwrap_or(entry));
    paths.map(scalar).filter(|path| !path.is_empty()).collect()
}
