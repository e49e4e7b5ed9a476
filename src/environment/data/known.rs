//! The template databases that exist, whether a service still wants them or not.

use crate::environment::data::spares;
use crate::environment::workspace::Workspace;
use crate::environment::{orphans, reclaim};
use crate::error::{Exit, exit_of};
use crate::model::config::{Config, Kind};
use crate::service::Server;
use crate::service::postgres::template::{self, Template};
use crate::sys::fs::{self, Stands};
use crate::sys::store::Store;
use anyhow::Result;
use std::collections::BTreeSet;

/// A template database of the repository, whether a service still wants it or not.
pub struct Known {
    server: Server,
    /// The database.
    pub template: Template,
}

impl Known {
    /// Drops it, unless it is another one by now.
    pub fn drop(&self, store: &Store) -> Result<bool> {
        let _one = store.lock_templates(&self.template.mark.repository, || ())?;
        let dropped = template::drop(&self.server, store.id(), &self.template)?;
        spares::drop_stale(store, &self.server)?;
        Ok(dropped)
    }
}

/// The template databases of the repository, on the servers that its configuration names.
pub fn known(workspace: &Workspace<'_>) -> Result<Vec<Known>> {
    let context = workspace.context;
    let services = workspace.config.services.values();
    let postgres = services.filter(|service| service.kind == Kind::Postgres);
    let servers: BTreeSet<Server> = postgres.filter_map(Server::of_service).collect();
    let mut known = Vec::new();
    for server in servers {
        let mut found = template::list(&server, context.store.id())?;
        found.retain(|template| template.mark.repository == context.repo.common);
        known.extend(found.into_iter().map(|template| Known { server: server.clone(), template }));
    }
    Ok(known)
}

/// Drops the spares of templates that are gone or were made again, as far as the servers answer.
pub fn drop_stale_spares(store: &Store, config: Option<&Config>) -> Result<()> {
    postgres_servers(store, config)?.iter().try_for_each(|server| {
        match spares::drop_stale(store, server) {
            Err(error) if exit_of(&error) != Exit::Service => Err(error),
            _ => Ok(()),
        }
    })
}

fn postgres_servers(store: &Store, config: Option<&Config>) -> Result<BTreeSet<Server>> {
    let mut servers = orphans::servers(&store.leases()?, config);
    servers.retain(|server| server.kind == Kind::Postgres);
    Ok(servers)
}

/// The template databases of repositories that are gone, as far as the servers answer.
pub fn abandoned(store: &Store, config: Option<&Config>) -> Result<Vec<Known>> {
    let mut abandoned = Vec::new();
    for server in postgres_servers(store, config)? {
        for template in template::list(&server, store.id()).unwrap_or_default() {
            let repository = &template.mark.repository;
            let is_gone = fs::stands(repository)? == Stands::Nothing;
            if is_gone && reclaim::is_gone_for_good(repository)? {
                abandoned.push(Known { server: server.clone(), template });
            }
        }
    }
    Ok(abandoned)
}
