//! What `infra` works on: the configuration, and the servers that it names.

use crate::environment::compose::ServersFile;
use crate::environment::context::{Context, current_dir};
use crate::model::config::{Config, Kind, Place};
use crate::service::Server;
use crate::sys::compose::Infra;
use crate::sys::env;
use crate::sys::repo::Repo;
use crate::sys::store::Store;
use anyhow::Result;

/// The configuration, and the repository that has it.
pub(super) struct Found {
    pub(super) config: Config,
    pub(super) context: Option<Context>,
}

impl Found {
    /// The repository's configuration; outside a repository the default.
    pub(super) fn here() -> Result<Found> {
        let Ok(repo) = Repo::discover(&current_dir()?) else {
            return Ok(Found { config: Config::default(), context: None });
        };
        let context = Context { repo, store: Store::open()? };
        let config = context.config()?.unwrap_or_default();
        Ok(Found { config, context: Some(context) })
    }

    /// The repository's own file of the servers.
    pub(super) fn file(&self) -> Result<Option<ServersFile>> {
        let Some(context) = &self.context else { return Ok(None) };
        ServersFile::read(&context.repo.main, &self.config)
    }
}

/// The servers of this file, else the built-in ones, in the project in which environments look for them.
pub(super) fn infra(found: &Found, file: Option<ServersFile>) -> Result<Infra> {
    let is_own = file.is_some();
    let infra = Infra::of(file.map(|file| file.definition));
    let named = found.config.services.values().find_map(|service| match &service.place {
        Place::Compose { project, .. } => Some(project.clone()),
        _ => None,
    });
    // Whatever a file without a name would be called.
    Ok(match named.filter(|_| is_own) {
        Some(project) => infra.in_project(project),
        None => infra,
    })
}

/// The servers that a configuration names.
pub(super) fn servers(config: &Config) -> Vec<(String, Server)> {
    let server = |(name, service): (&String, _)| Some((name.clone(), Server::of_service(service)?));
    config.services.iter().filter_map(server).collect()
}

/// Port variables for the built-in Compose file, except those that the caller has set.
pub(super) fn ports(config: &Config) -> Vec<(String, String)> {
    let variable = |kind| match kind {
        Kind::Postgres => Some("AGENTENV_POSTGRES_PORT"),
        Kind::Redis => Some("AGENTENV_REDIS_PORT"),
        Kind::Mysql | Kind::Sqlite | Kind::Custom => None,
    };
    let mut ports = Vec::new();
    for service in config.services.values() {
        if let Some(variable) = variable(service.kind).filter(|name| env::var(name).is_none()) {
            ports.push((variable.to_owned(), service.port.to_string()));
        }
    }
    ports
}
