//! The names of all variables, and the section `env`.

use super::{Config, Kind, Values};
use crate::model::config::diagnostic::{Checked, Diagnostic};
use crate::model::envfile::is_name;
use crate::model::template::Template;
use indexmap::IndexMap;

/// Variables that control shells and git, or that this program writes itself.
const RESERVED: [&str; 9] =
    ["COMPOSE_PROJECT_NAME", "PATH", "HOME", "SHELL", "USER", "PWD", "IFS", "ENV", "BASH_ENV"];

/// The variable that compose reads its files from; ours with a `compose:` section.
pub(super) const COMPOSE_FILE: &str = "COMPOSE_FILE";

const RESERVED_BEGINNINGS: [&str; 4] = ["LD_", "DYLD_", "GIT_", "AGENTENV_"];

/// Template keys beside variables.
pub(super) const KEYS: [&str; 5] = ["repo", "name", "project", "path", "main"];

/// Checks the names of all variables and the templates of `env`.
pub(super) fn check(config: &Config) -> Checked<()> {
    let mut seen: IndexMap<&str, Vec<String>> = IndexMap::new();
    for (name, path) in names(config) {
        allowed(name, &path)?;
        if let Some(first) = seen.get(name) {
            let message = format!("`{name}` is already defined by `{}`", first.join("."));
            return Err(Diagnostic::at(&path, message).or_at(first));
        }
        seen.insert(name, path);
    }
    let values = Sample::of(config);
    let url = config.url.iter().map(|template| (vec!["url"], template));
    let env = config.env.iter().map(|(name, template)| (vec!["env", name], template));
    for (path, template) in url.chain(env) {
        let template = Template::parse(template);
        let template = template.map_err(|error| Diagnostic::because(&path, &error))?;
        let known = config.env_keys();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let checked = template.check(known);
        checked.map_err(|error| Diagnostic::because(&path, &error))?;
        let name = path[path.len() - 1];
        let rendered = config.variable(name, &template, &values.values());
        rendered.map_err(|error| Diagnostic::because(&path, &error))?;
    }
    Ok(())
}

/// Whether a configuration may use this name for a variable.
pub fn is_free_name(name: &str) -> bool {
    allowed(name, &[]).is_ok()
}

/// Every variable, with the path that defines it.
fn names(config: &Config) -> impl Iterator<Item = (&str, Vec<String>)> {
    let path = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
    let ports = config.ports.keys().map(move |name| (name.as_str(), path(&["ports", name])));
    let services = config.services.iter().map(move |(key, service)| {
        (service.variable.as_str(), path(&["services", key, "variable"]))
    });
    let compose = config.compose.iter().map(move |_| (COMPOSE_FILE, path(&["compose", "file"])));
    let env = config.env.keys().map(move |name| (name.as_str(), path(&["env", name])));
    ports.chain(services).chain(compose).chain(env)
}

fn allowed(name: &str, path: &[String]) -> Checked<()> {
    if !is_name(name) {
        let wrong = Diagnostic::at(path, format!("{name:?} is not a variable name"));
        return Err(wrong.hint("use letters, digits and `_`; do not start with a digit"));
    }
    let upper = name.to_ascii_uppercase();
    let reserved = RESERVED.contains(&upper.as_str())
        || RESERVED_BEGINNINGS.iter().any(|beginning| upper.starts_with(beginning));
    if reserved {
        return Err(Diagnostic::at(path, format!("`{name}` is reserved")));
    }
    if KEYS.contains(&name) {
        let message = format!("`{name}` is a template key");
        return Err(Diagnostic::at(path, message));
    }
    Ok(())
}

/// Sample values, to test the templates with.
struct Sample {
    ports: IndexMap<String, u16>,
    parts: IndexMap<String, String>,
}

impl Sample {
    fn of(config: &Config) -> Self {
        let ports = config.ports.iter().map(|(name, port)| (name.clone(), port.main));
        let parts = config.services.values().map(|service| {
            let part = match service.kind {
                Kind::Redis => service.main.clone(),
                _ => service.part("repo", "feature-x").unwrap_or_default(),
            };
            (service.variable.clone(), part)
        });
        Sample { ports: ports.collect(), parts: parts.collect() }
    }

    fn values(&self) -> Values<'_> {
        Values {
            repo: "repo",
            name: "feature-x",
            project: "repo-feature-x",
            path: "/home/me/repo-feature-x",
            main: "/home/me/repo",
            ports: &self.ports,
            parts: &self.parts,
            hosts: None,
        }
    }
}
