//! The variables of one environment.

use super::variables::COMPOSE_FILE;
use super::{Config, Kind, Service, variables};
use crate::error;
use crate::model::compose;
use crate::model::envfile::check_value;
use crate::model::template::Template;
use anyhow::Result;
use indexmap::IndexMap;

/// The values of one environment, for the templates of `env`.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    /// The repository's name as templates show it.
    pub repo: &'a str,
    /// The environment's name.
    pub name: &'a str,
    /// The Compose project.
    pub project: &'a str,
    /// The worktree's absolute path.
    pub path: &'a str,
    /// The main checkout's absolute path.
    pub main: &'a str,
    /// The ports, by variable.
    pub ports: &'a IndexMap<String, u16>,
    /// Database, file or index of each service, by variable.
    pub parts: &'a IndexMap<String, String>,
    /// Host and port of services that are reached elsewhere than the configuration says: from containers, or on a second
    /// server.
    pub hosts: Option<&'a Hosts>,
}

/// Host and port of services, by their names in the configuration.
pub type Hosts = IndexMap<String, (String, u16)>;

/// How long all values together may be, in bytes: a template can name a long value again and again.
const LONGEST: usize = 256 << 10;

impl Config {
    /// All variables of an environment, in the order of the environment file. Fails when a value
    /// contains a character that environment files cannot hold, or all together are too long.
    pub fn vars(&self, values: &Values) -> Result<IndexMap<String, String>> {
        let mut vars = IndexMap::new();
        vars.insert("COMPOSE_PROJECT_NAME".to_owned(), values.project.to_owned());
        if let Some(compose) = &self.compose {
            let file = compose::beside(&compose.file);
            let whole = format!("{}/{file}", values.path);
            // From wherever compose is called, unless the path holds what an environment file cannot.
            let usable = !whole.contains(':') && check_value(COMPOSE_FILE, &whole).is_ok();
            vars.insert(COMPOSE_FILE.to_owned(), if usable { whole } else { file });
        }
        let ports = values.ports.iter();
        vars.extend(ports.map(|(name, port)| (name.clone(), port.to_string())));
        vars.extend(values.parts.iter().map(|(name, part)| (name.clone(), part.clone())));
        for (name, value) in &vars {
            check_value(name, value)?;
        }
        let mut length = 0;
        for (name, template) in &self.env {
            let value = self.variable(name, &Template::parse(template)?, values)?;
            length += value.len();
            if length > LONGEST {
                let message = format!("the values of `env:` are longer than {LONGEST} bytes");
                return Err(error::config(message).hint("shorten them in .agentenv.yaml").into());
            }
            vars.insert(name.clone(), value);
        }
        Ok(vars)
    }

    /// The variables that lead to these services, as containers read them and as processes of this machine do. Those
    /// that lead to other services are left out.
    ///
    /// # Errors
    /// As [`Config::vars`].
    pub fn container_vars(
        &self,
        values: &Values,
        hosts: &Hosts,
    ) -> Result<(IndexMap<String, String>, IndexMap<String, String>)> {
        let own = |key: &str| {
            let name = key.split_once('.').map_or(key, |(name, _)| name);
            let is_it = |(service, of): (&String, &Service)| {
                (service == name || of.variable == name).then(|| hosts.contains_key(service))
            };
            self.services.iter().find_map(is_it)
        };
        let parts = values.parts.iter().filter(|(variable, _)| own(variable) == Some(true));
        let mut inside: IndexMap<String, String> =
            parts.map(|(variable, part)| (variable.clone(), part.clone())).collect();
        let mut outside = inside.clone();
        for (name, text) in &self.env {
            let template = Template::parse(text)?;
            // A port of this machine says nothing of the one that the container listens on.
            let is_port = |port: &String| *text == format!("{{{port}}}");
            if template.keys().any(|key| own(key) == Some(false))
                || values.ports.keys().any(is_port)
            {
                continue;
            }
            outside.insert(name.clone(), self.variable(name, &template, values)?);
            let values = Values { hosts: Some(hosts), ..*values };
            let value = self.variable(name, &template, &values)?;
            inside.insert(name.clone(), self.as_inside(value, &template, hosts));
        }
        Ok((inside, outside))
    }

    /// A value in which the addresses of this machine's ports are those inside.
    fn as_inside(&self, value: String, template: &Template, hosts: &Hosts) -> String {
        let has = |key: &str| template.keys().any(|one| one == key);
        let here = |port: u16| ["localhost", "127.0.0.1"].map(|host| format!("{host}:{port}"));
        hosts.iter().fold(value, |value, (name, (host, port))| {
            let Some(service) = self.services.get(name) else { return value };
            let has_port = has(&format!("{name}.port"));
            let is_led = has_port || has(&service.variable);
            let ports = (service.port, *port);
            let value = if is_led { string_inside(&value, host, ports) } else { value };
            // A port of the template is the one inside already.
            let ports = [Some(service.port), has_port.then_some(*port)];
            ports.into_iter().flatten().flat_map(here).fold(value, |value, from| {
                let end = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_digit());
                match value.split_once(from.as_str()) {
                    Some((before, rest)) if end(rest) => format!("{before}{host}:{port}{rest}"),
                    _ => value,
                }
            })
        })
    }

    /// Where the application of an environment is reached; `None`: not configured.
    pub fn url_of(&self, values: &Values) -> Result<Option<String>> {
        let render = |url| self.variable("url", &Template::parse(url)?, values);
        self.url.as_deref().map(render).transpose()
    }

    /// The keys that the templates of `env` may use.
    pub fn env_keys(&self) -> Vec<String> {
        let fixed = variables::KEYS.iter().map(|key| (*key).to_owned());
        let services = self.services.iter().flat_map(|(name, service)| {
            let server = match service.kind {
                Kind::Sqlite => &[][..],
                Kind::Custom if service.port == 0 => &["host", "user"],
                _ => &["port", "host", "user"],
            };
            let server = server.iter().map(move |key| format!("{name}.{key}"));
            server.chain([service.variable.clone()])
        });
        let ports = self.ports.keys().cloned();
        fixed.chain(ports).chain(services).collect()
    }

    /// One variable of `env`.
    pub(super) fn variable(
        &self,
        name: &str,
        template: &Template,
        values: &Values,
    ) -> Result<String> {
        let value = template.render_with(&|before, key| {
            let value = self.value(key, values)?;
            let in_url = before.contains("://");
            Some(if in_url { percent_encoded(&value) } else { value })
        })?;
        check_value(name, &value)?;
        Ok(value)
    }

    fn value(&self, key: &str, values: &Values) -> Option<String> {
        match key {
            "repo" => return Some(values.repo.to_owned()),
            "name" => return Some(values.name.to_owned()),
            "project" => return Some(values.project.to_owned()),
            "path" => return Some(values.path.to_owned()),
            "main" => return Some(values.main.to_owned()),
            _ => {}
        }
        if let Some((service, key)) = key.rsplit_once('.') {
            return server(service, self.services.get(service)?, key, values.hosts);
        }
        let port = values.ports.get(key).map(u16::to_string);
        port.or_else(|| values.parts.get(key).cloned())
    }
}

fn server(name: &str, service: &Service, key: &str, hosts: Option<&Hosts>) -> Option<String> {
    let inside = hosts.and_then(|hosts| hosts.get(name));
    match key {
        "port" => Some(inside.map_or(service.port, |(_, port)| *port).to_string()),
        // Every place publishes its port on this machine.
        "host" => Some(inside.map_or("localhost", |(host, _)| host).to_owned()),
        "user" => Some(service.user.clone()),
        _ => None,
    }
}

/// A connection string whose host is this machine, with the host and the port that containers know.
fn string_inside(value: &str, host: &str, (here, inside): (u16, u16)) -> String {
    let word = |part: &str| {
        let (name, at) = part.split_once('=')?;
        Some((name.to_owned(), name.trim().to_lowercase(), at.trim().to_owned()))
    };
    let is_host = |part: &str| {
        word(part).is_some_and(|(_, key, at)| {
            ["host", "server", "data source"].contains(&&*key)
                && ["localhost", "127.0.0.1"].contains(&&*at)
        })
    };
    if !value.split(';').any(is_host) {
        return value.to_owned();
    }
    let led = |part: &str| match word(part) {
        Some((name, ..)) if is_host(part) => format!("{name}={host}"),
        Some((name, key, at)) if key == "port" && at == here.to_string() => {
            format!("{name}={inside}")
        }
        _ => part.to_owned(),
    };
    value.split(';').map(led).collect::<Vec<_>>().join(";")
}

/// A value as part of a URL; slashes stay, for the paths among them.
fn percent_encoded(text: &str) -> String {
    let encoded = text.bytes().map(|b| match b {
        b'/' | b'-' | b'.' | b'_' => char::from(b).to_string(),
        b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    });
    encoded.collect()
}
