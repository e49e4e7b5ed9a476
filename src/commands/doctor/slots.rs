//! How many slots are left.

use super::Finding;
use crate::model::config::Config;
use crate::service::{Server, inventory};
use crate::sys::store::Store;
use anyhow::Result;
use serde::Serialize;
use std::collections::BTreeSet;

/// How many slots of a pool are free.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Pool"))]
pub(super) struct Left {
    /// Its key in the configuration.
    pub(super) pool: String,
    /// How many are free.
    pub(super) free: usize,
    /// The size of the pool.
    pub(super) of: usize,
}

/// The free slots of each pool in the configuration: no lease holds them, and an index holds no keys at all.
pub(super) fn left(store: &Store, config: Option<&Config>) -> Result<Vec<Left>> {
    let (leases, _) = store.survey()?;
    let mut left = Vec::new();
    for (name, port) in config.iter().flat_map(|config| &config.ports) {
        let Some((first, last)) = port.range else { continue };
        let held = |port: &u16| leases.iter().any(|lease| lease.ports.values().any(|p| p == port));
        let (pool, of) = (format!("ports.{name}"), usize::from(last - first) + 1);
        left.push(Left { pool, free: (first..=last).filter(|port| !held(port)).count(), of });
    }
    for (name, service) in config.iter().flat_map(|config| &config.services) {
        let Some((first, last)) = service.range else { continue };
        let occupied = Server::of_service(service).map(|server| inventory::occupied(&server));
        let occupied: BTreeSet<u32> =
            occupied.into_iter().flatten().map(|(index, _)| index).collect();
        let parts = || leases.iter().flat_map(|lease| &lease.parts);
        let held = |index: &u32| {
            let index_text = index.to_string();
            occupied.contains(index)
                || service.main == index_text
                || parts().any(|part| part.kind == service.kind && part.holds == index_text)
        };
        let (pool, of) = (format!("services.{name}"), (last - first) as usize + 1);
        left.push(Left { pool, free: (first..=last).filter(|index| !held(index)).count(), of });
    }
    Ok(left)
}

/// Pools that are empty.
pub(super) fn look(store: &Store, config: Option<&Config>) -> Result<Vec<Finding>> {
    let empty = left(store, config)?.into_iter().filter(|left| left.free == 0);
    let finding = |left: Left| {
        let what = format!("no free slot in {}: the next `add` fails", left.pool);
        Finding::warning(what, "git agentenv list --all --idle 7d")
    };
    Ok(empty.map(finding).collect())
}
