//! A project's compose file, made over for one environment: a whole file, because version 1 of compose cannot take
//! ports and dependencies away again in an override file.
//!
//! Applications keep their services, names and paths. The project's own database and cache services go; a forwarder
//! takes the names of each and leads to the shared server. Only the forwarder is on the servers' network: on a network
//! that two stacks share, compose gives both their services the same names, and Docker answers with either.

mod carried;
mod dotenv;
mod environment;
mod files;
mod forwarder;
mod include;
pub(in crate::model) mod kind;
mod load;
mod merge;
mod mounts;
mod networks;
mod paths;
mod ports;
mod routers;
mod service;
pub(in crate::model) mod syntax;
#[cfg(test)]
mod tests;
mod write;

pub use carried::{Lost, lost};
pub(in crate::model) use carried::{holders, uncarried};
pub use dotenv::{DOTENV, deciding};
pub use files::Read;
pub use kind::{is_data, of_image};
pub use load::{load, load_alone};
pub use paths::join;
pub use ports::Slot;
pub use write::text;

use super::config::{Config, Kind, Values};
use indexmap::IndexMap;
use load::services;
use serde_yaml::{Mapping, Value};

/// The file that is written, in the directory of the project's own.
pub const FILE: &str = "compose.agentenv.yaml";

/// The label that holds the lease's id on what compose makes.
pub const LEASE: &str = "agentenv.lease";

/// Where the file for environments is: beside the project's own, because its paths are relative to its directory.
pub fn beside(file: &str) -> String {
    join(paths::dir(file), FILE)
}

/// A shared server, as containers reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The services of the configuration that are on it.
    pub services: Vec<String>,
    /// What kind it is.
    pub kind: Kind,
    /// The image that it runs; `None`: it is no container.
    pub image: Option<String>,
    /// Its name on its network.
    pub host: String,
    /// The port there.
    pub port: u16,
    /// Its network; `None`: it runs on this machine.
    pub network: Option<String>,
}

/// What the file is made over for.
pub struct Environment<'a> {
    /// The lease's id.
    pub id: &'a str,
    /// The configuration.
    pub config: &'a Config,
    /// The environment's names, ports and parts.
    pub values: Values<'a>,
    /// The shared servers that containers can reach.
    pub servers: &'a [Server],
    /// The text of an `env_file`, by its path relative to the compose file's directory; `None`: there is none.
    pub env_file: Read<'a>,
}

/// The file, and what the user should know of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// The file's content.
    pub file: Mapping,
    /// Plain facts, one line each.
    pub notes: Vec<String>,
}

impl Stack {
    /// The file as text, for every version of compose.
    pub fn text(&self) -> String {
        text(&self.file)
    }
}

/// A shared server with the names that the application's containers call it.
struct Linked<'a> {
    server: &'a Server,
    /// The services of the file that it stands for.
    replaced: Vec<String>,
    /// All names; the first is the host that variables get.
    names: Vec<String>,
    /// The stack itself is on the server's network.
    direct: bool,
}

/// Makes a file over for an environment.
///
/// # Errors
/// When a variable's value cannot be rendered.
pub fn of_environment(mut file: Mapping, environment: &Environment<'_>) -> anyhow::Result<Stack> {
    let mut notes = Vec::new();
    let linked = linked(&file, environment);
    let off: Vec<String> = linked.iter().flat_map(|one| one.replaced.iter().cloned()).collect();
    for key in ["version", "name"] {
        file.shift_remove(key);
    }
    file.retain(|key, _| !key.as_str().is_some_and(|key| key.starts_with("x-")));
    networks::separate(&mut file);
    let known: Vec<String> = services(&file).map(|(name, _)| name.to_owned()).collect();
    let over = service::Over {
        environment,
        pointing: environment::Pointing::of(environment, &linked)?,
        built: service::built(&file, environment.values.project),
        stays: &|name| known.iter().any(|own| own == name) && !off.iter().any(|own| own == name),
    };
    if let Some(all) = file.get_mut("services").and_then(Value::as_mapping_mut) {
        all.retain(|name, _| !name.as_str().is_some_and(|name| off.iter().any(|own| own == name)));
        for (name, one) in all.iter_mut() {
            if let (Some(name), Some(one)) = (name.as_str(), one.as_mapping_mut()) {
                over.apply(name, one, &mut notes);
            }
        }
    }
    let own = environment.config.compose.as_ref().map_or("", |section| section.file.as_str());
    mounts::separate(&mut file, paths::dir(own), &mut notes);
    routers::separate(&mut file, environment.values.project, &mut notes);
    forwarder::add(&mut file, &linked);
    networks::mark(&mut file, environment.id);
    Ok(Stack { file, notes })
}

/// The services whose images are built from the repository.
pub fn built(file: &Mapping) -> impl Iterator<Item = &str> {
    services(file).filter(|(_, service)| service.contains_key("build")).map(|(name, _)| name)
}

/// The services of a file's text that compose starts when no profile is named.
pub fn started(text: &str) -> Vec<String> {
    let file: Mapping = serde_yaml::from_str(text).unwrap_or_default();
    let plain = services(&file).filter(|(_, service)| !service.contains_key("profiles"));
    plain.map(|(name, _)| name.to_owned()).collect()
}

/// The servers that take the place of the file's own, each for those of its kind.
fn linked<'a>(file: &Mapping, environment: &Environment<'a>) -> Vec<Linked<'a>> {
    let keep = environment.config.compose.as_ref().map_or(&[][..], |compose| &compose.keep);
    let mut found: Vec<Linked<'a>> = Vec::new();
    for server in environment.servers {
        let first = !found.iter().any(|other| other.server.kind == server.kind);
        let own: Vec<(&str, &Mapping)> = services(file)
            .filter(|(_, one)| first && kind::shared(one) == Some(server.kind))
            .collect();
        let (kept, replaced): (Vec<_>, Vec<_>) =
            own.into_iter().partition(|(name, _)| keep.iter().any(|kept| kept == name));
        if replaced.is_empty() && !kept.is_empty() {
            continue;
        }
        let direct = replaced.is_empty() && networks::joins(file, server.network.as_deref());
        let mut names: Vec<String> = Vec::new();
        for (name, service) in &replaced {
            networks::names(file, name, service).into_iter().for_each(|name| {
                if !names.contains(&name) {
                    names.push(name);
                }
            });
        }
        if names.is_empty() {
            names.push(if direct { server.host.clone() } else { server.services[0].clone() });
        }
        let replaced = replaced.into_iter().map(|(name, _)| name.to_owned()).collect();
        found.push(Linked { server, replaced, names, direct });
    }
    found
}

/// The `env_file`s of a file with the services that need them, by path relative to its directory.
pub fn env_files(file: &Mapping) -> IndexMap<String, Vec<String>> {
    let mut found: IndexMap<String, Vec<String>> = IndexMap::new();
    for (name, service) in services(file) {
        for path in environment::files(service) {
            found.entry(path).or_default().push(name.to_owned());
        }
    }
    found
}
