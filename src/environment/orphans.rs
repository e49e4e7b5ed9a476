//! Databases and indexes that carry our mark but whose lease was lost.

use crate::model::config::Config;
use crate::model::lease::Lease;
use crate::service::{self, Resource, Server};
use crate::sys::store::Store;
use anyhow::Result;
use std::collections::BTreeSet;

/// A resource on a server that only a lost lease of this store can have held.
pub struct Orphan {
    /// The lost lease's id.
    pub id: String,
    /// What it held.
    pub resource: Resource,
}

/// A server that did not answer. Nothing on it is touched.
pub struct Silent {
    /// Where it is.
    pub server: String,
    /// Why it did not answer.
    pub why: anyhow::Error,
}

/// Asks the servers that leases and the configuration name.
pub fn find(store: &Store, config: Option<&Config>) -> Result<(Vec<Orphan>, Vec<Silent>)> {
    let mut marked = Vec::new();
    let mut silent = Vec::new();
    for server in servers(&store.leases()?, config) {
        match service::inventory::marked(&server) {
            Ok(found) => {
                marked.extend(found.into_iter().map(|(id, resource)| Orphan { id, resource }))
            }
            Err(why) => silent.push(Silent { server: server.title(), why }),
        }
    }
    // A lease is written before anything carries its mark: leases read now cover all that was seen above.
    let known: BTreeSet<String> = store.leases()?.into_iter().map(|lease| lease.id).collect();
    marked.retain(|orphan| orphan.id.starts_with(store.id()) && !known.contains(&orphan.id));
    Ok((marked, silent))
}

fn servers(leases: &[Lease], config: Option<&Config>) -> BTreeSet<Server> {
    let held = leases.iter().flat_map(|lease| &lease.parts).filter_map(Server::of_part);
    let configured = config.iter().flat_map(|config| config.services.values());
    held.chain(configured.filter_map(Server::of_service)).collect()
}
