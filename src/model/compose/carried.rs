//! Servers of a file that the shared ones would take the place of, although nothing in the file leads the application to
//! an environment's own part there.

use super::environment::{files, host};
use super::files::Read;
use super::kind::shared;
use super::load::services;
use super::syntax::environment;
use super::{Environment, linked, networks};
use crate::model::config::Kind;
use crate::model::detect::roles::{self, Role};
use crate::model::envfile;
use serde_yaml::Mapping;

/// A server that gives way to a shared one, where its applications use the main checkout's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The service of the file.
    pub server: String,
    /// The variables that hold the environment's part. If the application's code reads one of them, all is well.
    pub variables: Vec<String>,
}

/// Those of a configuration that does not keep them.
pub fn lost(file: &Mapping, environment: &Environment<'_>) -> Vec<Lost> {
    let config = environment.config;
    let holders = |kind| {
        let services = config.services.values().filter(|service| service.kind == kind);
        holders(services.map(|service| &service.variable), config.env.iter())
    };
    let replaced: Vec<String> =
        linked(file, environment).into_iter().flat_map(|one| one.replaced).collect();
    uncarried(file, environment.env_file, &holders)
        .into_iter()
        .filter(|(server, _)| replaced.contains(server))
        .map(|(server, kind)| Lost { server, variables: holders(kind) })
        .collect()
}

/// The variables of services, and those of `env` whose templates hold one of these.
pub(in crate::model) fn holders<'a>(
    variables: impl Iterator<Item = &'a String>,
    env: impl Iterator<Item = (&'a String, &'a String)> + Clone,
) -> Vec<String> {
    let mut found = Vec::new();
    for variable in variables {
        let part = format!("{{{variable}}}");
        let of_part = env.clone().filter(|(_, template)| template.contains(&part));
        found.push(variable.clone());
        found.extend(of_part.map(|(name, _)| name.clone()));
    }
    found
}

/// The servers of which no application of the file gets a part by a variable: not by a URL, not by a name that is known,
/// and not by one of `holders`. A host alone leads to the server, and there to the main checkout's part.
pub(in crate::model) fn uncarried(
    file: &Mapping,
    env_file: Read<'_>,
    holders: &dyn Fn(Kind) -> Vec<String>,
) -> Vec<(String, Kind)> {
    let applications: Vec<Application> = services(file)
        .filter(|(_, service)| shared(service).is_none())
        .map(|(_, service)| Application::of(service, env_file))
        .collect();
    let servers: Vec<(&str, Kind, Vec<String>)> = services(file)
        .filter_map(|(name, service)| Some((name, service, shared(service)?)))
        .map(|(name, service, kind)| (name, kind, networks::names(file, name, service)))
        .collect();
    let lost = servers.iter().filter(|(name, kind, names)| {
        let others = servers.iter().filter(|(other, ..)| other != name);
        let others: Vec<&String> = others.flat_map(|(.., names)| names).collect();
        let holders = holders(*kind);
        !applications.iter().any(|one| {
            one.is_led(*kind, names) || one.names(&others).any(|name| holders.contains(&name))
        })
    });
    lost.map(|(name, kind, _)| ((*name).to_owned(), *kind)).collect()
}

/// What an application's own service says.
struct Application {
    vars: Vec<(String, String)>,
    text: String,
}

impl Application {
    fn of(service: &Mapping, env_file: Read<'_>) -> Self {
        let mut vars = environment(service.get("environment"));
        let mut text = serde_yaml::to_string(service).unwrap_or_default();
        for content in files(service).iter().filter_map(|path| env_file(path)) {
            vars.extend(envfile::parse(content.as_bytes()));
            text.push_str(&content);
        }
        Application { vars, text }
    }

    /// A variable is a URL of the server, or names a part of this kind by its own name.
    fn is_led(&self, kind: Kind, server: &[String]) -> bool {
        self.vars.iter().any(|(name, value)| match host(value) {
            Some(host) => server.iter().any(|name| name == host),
            None => roles::of(name, Kind::Postgres) == Some((kind, Role::Part)),
        })
    }

    /// All that could be names of variables, without those that are URLs of the other servers.
    fn names(&self, others: &[&String]) -> impl Iterator<Item = String> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_of_other = |name: &str| {
            let mut vars = self.vars.iter().filter(|(var, _)| var == name);
            vars.any(|(_, value)| {
                host(value).is_some_and(|host| others.iter().any(|one| *one == host))
            })
        };
        let words = self.text.split(move |c| !is_part(c));
        words.filter(move |word| !is_of_other(word)).map(str::to_owned)
    }
}
