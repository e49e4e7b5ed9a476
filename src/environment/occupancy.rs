//! Which slots are taken on this machine, by leases and by environment files.

use crate::environment::mains;
use crate::environment::workspace::Workspace;
use crate::model::config::{Config, Kind, Service};
use crate::model::envfile;
use crate::model::lease::Lease;
use crate::model::overflow;
use crate::model::slot::{Holder, Slot, Taken};
use crate::service::{Server, inventory};
use crate::sys::fs;
use crate::sys::repo::{self, Repo};
use crate::sys::store::{Remembered, Store};
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What others hold, from all leases and from every environment file of the known repositories.
pub fn taken(store: &Store, repo: &Repo, config: &Config) -> Result<(Taken, Vec<Lease>)> {
    taken_but(store, repo, config, "")
}

/// As [`taken`], without what the lease with this id holds.
///
/// # Errors
/// As [`taken`].
pub fn taken_but(
    store: &Store,
    repo: &Repo,
    config: &Config,
    id: &str,
) -> Result<(Taken, Vec<Lease>)> {
    let mut leases = store.leases()?;
    leases.retain(|lease| lease.id != id);
    let mut taken = Taken::default();
    for lease in &leases {
        count(&mut taken, lease, &repo.common);
    }
    for Remembered { server, .. } in store.remembered_servers()? {
        if overflow::first(&server.place).is_some() {
            taken.take_overflow(&server.place, server.port);
        }
    }
    for file in env_files(repo, config, &leases) {
        count_file(&mut taken, &file, config);
    }
    Ok((taken, leases))
}

/// Counts what a lease holds as taken, for an environment of the repository with this common directory.
pub fn count(taken: &mut Taken, lease: &Lease, common: &Path) {
    let holder = format!("the environment `{}` ({})", lease.name, lease.path.display());
    taken.ports.extend(lease.ports.values().map(|&port| (port, holder.clone())));
    for part in &lease.parts {
        taken.take(part.kind, &part.holds, &holder);
        if overflow::first(&part.place).is_some() {
            taken.take_overflow(&part.place, part.port);
        }
    }
    taken.projects.insert(lease.project.clone(), holder.clone());
    if lease.repository == common {
        taken.names.insert(lease.name.clone(), holder);
    }
}

/// The environment files of this repository's worktrees and of those that leases know.
fn env_files(repo: &Repo, config: &Config, leases: &[Lease]) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::from([repo.main.join(&config.env_file)]);
    let mut repositories = BTreeSet::from([repo.common.as_path()]);
    repositories.extend(leases.iter().map(|lease| lease.repository.as_path()));
    for common in repositories {
        // A repository that was deleted or cannot be read has no environment file in use.
        let trees = repo::worktrees(common).unwrap_or_default();
        files.extend(trees.into_iter().map(|tree| tree.path.join(&config.env_file)));
    }
    files
}

/// A file written by hand or by a script counts as much as a lease, but only for what to avoid.
fn count_file(taken: &mut Taken, file: &Path, config: &Config) {
    let Ok(Some(content)) = fs::read(file) else {
        return;
    };
    let holder = file.display().to_string();
    for (name, value) in envfile::parse(&content) {
        if let (true, Ok(port)) = (config.ports.contains_key(&name), value.parse()) {
            taken.ports.entry(port).or_insert_with(|| holder.clone());
        }
        for service in config.services.values().filter(|service| service.variable == name) {
            taken.take(service.kind, &value, &holder);
        }
        if name == "COMPOSE_PROJECT_NAME" {
            taken.projects.entry(value).or_insert_with(|| holder.clone());
        }
    }
}

/// What is asked before the lock of the machine is taken.
pub struct Before {
    /// Slots that turned out to be in use.
    pub occupied: Vec<(Slot, Holder)>,
    /// Slots that the main checkouts of other repositories use.
    pub mains: BTreeMap<Slot, Holder>,
}

impl Before {
    /// Asks the servers and reads the configurations.
    pub fn ask(workspace: &Workspace<'_>) -> Before {
        let Workspace { context, config, .. } = workspace;
        let mains = mains::slots(&context.store, &context.repo.common);
        Before { occupied: occupied(config), mains }
    }

    /// Counts it.
    pub fn count(&self, taken: &mut Taken) {
        self.occupied.iter().for_each(|(slot, by)| taken.occupy(*slot, by));
        taken.mains.clone_from(&self.mains);
    }
}

/// Redis indexes that hold keys, on the servers that answer at once.
fn occupied(config: &Config) -> Vec<(Slot, Holder)> {
    let redis = config.services.values().filter(|service| service.kind == Kind::Redis);
    let all = |service: &Service| {
        let server = Server::of_service(service)?;
        let mut all = inventory::occupied(&server);
        // Not for a second server either: what the first one has would not be an error there.
        let own = overflow::first_index(service)..inventory::databases(&server).unwrap_or(0);
        let in_no_range = |index: &u32| {
            let mut ranges = config.services.values().filter_map(|one| one.range);
            !ranges.any(|(first, last)| (first..=last).contains(index))
        };
        let by = "the first Redis, which has this index, too";
        all.extend(own.filter(in_no_range).map(|index| (index, by.to_owned())));
        Some(all)
    };
    redis.filter_map(all).flatten().map(|(index, by)| (Slot::Index(index), by)).collect()
}
