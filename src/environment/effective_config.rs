//! Which configuration applies: the project's own, else the shared servers, else the embedded default.

use crate::environment::context::Context;
use crate::environment::signs;
use crate::model::config::{Config, Kind, Origin, Place, serverless, unconfigured};
use crate::sys::docker;
use anyhow::Result;

/// The project's configuration, and what to say of it where an environment is created. Without a file: the defaults when
/// their servers run, else SQLite, which needs no server.
pub fn configuration(context: &Context) -> Result<(Config, Vec<String>)> {
    if let Some(config) = context.config()? {
        return Ok((config, Vec::new()));
    }
    let signs = signs::of(&context.repo);
    let mut config = unconfigured(&signs);
    let (why, way_out) = match missing(&mut config) {
        None if !config.services.is_empty() => return Ok((config, Vec::new())),
        None => (NO_SIGN.to_owned(), "configure servers with `git agentenv init`"),
        Some(why) => (why, "start Postgres and Redis with `git agentenv infra up`"),
    };
    let mut choice = vec![format!("using SQLite: {why}; {way_out}")];
    let mut config = serverless(&signs);
    for service in config.services.values_mut().filter(|one| one.kind == Kind::Sqlite) {
        if context.repo.main.join(&service.main).is_file() {
            choice.push(format!(
                "new environments start with a copy of the main checkout's {}",
                service.main
            ));
            service.from = Origin::Main;
        }
    }
    Ok((config, choice))
}

/// Why a project without a configuration gets no shared servers; `None`: it gets them.
pub fn servers_missing() -> Option<String> {
    missing(&mut Config::default())
}

/// The shared servers may run for another project: they are not for one that does not use them.
const NO_SIGN: &str = "this project shows no sign of Postgres or Redis";

/// Why the default servers cannot be used. When they can, `config` gets their published ports.
fn missing(config: &mut Config) -> Option<String> {
    if config.services.is_empty() {
        return None;
    }
    let containers = match docker::containers() {
        Ok(containers) => containers,
        Err(error) => return Some(format!("the Docker engine does not answer ({error})")),
    };
    for (name, service) in &mut config.services {
        let Place::Container(wanted) = &service.place else {
            continue;
        };
        let found = docker::pick(&containers, wanted);
        let Some(container) = found.filter(|found| found.is_up()) else {
            let wanted = found.map_or(wanted, |found| &found.name);
            return Some(format!("the shared {name} (container {wanted}) is not running"));
        };
        if let Some(port) = service.kind.port().and_then(|port| container.published(port)) {
            service.port = port;
        }
    }
    None
}
