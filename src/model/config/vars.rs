//! The variables of one environment.

use super::{Config, Kind, Service, variables};
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
}

impl Config {
    /// All variables of an environment, in the order of the environment file. Fails when a value
    /// contains a character that environment files cannot hold.
    pub fn vars(&self, values: &Values) -> Result<IndexMap<String, String>> {
        let mut vars = IndexMap::new();
        vars.insert("COMPOSE_PROJECT_NAME".to_owned(), values.project.to_owned());
        let ports = values.ports.iter();
        vars.extend(ports.map(|(name, port)| (name.clone(), port.to_string())));
        vars.extend(values.parts.iter().map(|(name, part)| (name.clone(), part.clone())));
        for (name, value) in &vars {
            check_value(name, value)?;
        }
        for (name, template) in &self.env {
            let value = self.variable(name, &Template::parse(template)?, values)?;
            vars.insert(name.clone(), value);
        }
        Ok(vars)
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
            return server(self.services.get(service)?, key);
        }
        let port = values.ports.get(key).map(u16::to_string);
        port.or_else(|| values.parts.get(key).cloned())
    }
}

fn server(service: &Service, key: &str) -> Option<String> {
    match key {
        "port" => Some(service.port.to_string()),
        // Every place publishes its port on this machine.
        "host" => Some("localhost".to_owned()),
        "user" => Some(service.user.clone()),
        _ => None,
    }
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
