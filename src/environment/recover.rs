//! Restores a lost lease from the marks that it left: in the worktree's admin directory and on the servers.

use crate::environment::context::Context;
use crate::environment::workspace::Workspace;
use crate::environment::{self, mains, occupancy};
use crate::error;
use crate::model::config::{Config, Service};
use crate::model::envfile::{self, Block};
use crate::model::lease::Lease;
use crate::model::overflow;
use crate::model::plan::{self, Held, Request};
use crate::model::slot::Taken;
use crate::service::{Server, inventory};
use crate::sys::repo::Worktree;
use crate::sys::{failpoint, fs};
use anyhow::Result;
use indexmap::IndexMap;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

/// Writes the lease of this id again, for the worktree that carries its mark.
///
/// A database or index belongs to it only where the server says so: the environment file may come with the branch.
/// It only chooses between several, and says which ports were used.
///
/// # Errors
/// `Service` when a server does not answer: what it holds is unknown then, and nothing is written.
pub fn lease(
    workspace: &Workspace<'_>,
    tree: &Worktree,
    id: &str,
    request: &Request,
) -> Result<Lease> {
    let Workspace { context, config, ui } = workspace;
    let file = fs::canonical(&tree.path).join(&config.env_file);
    let block = fs::read(&file)?.and_then(|content| envfile::block(&content));
    let block = block.filter(|block| block.lease_id == id);
    require_servers(context, config, block.as_ref())?;
    let held = held(workspace, block.as_ref(), id)?;
    let mains = mains::slots(&context.store, &context.repo.common);
    let _working = context.store.lock_lease(id, || ())?;
    let _lock = context.lock(ui)?;
    // Another process may have restored it meanwhile.
    if let Some(lease) = context.store.lease(id)? {
        return Ok(lease);
    }
    let taken = Taken { mains, ..taken(workspace, &file)? };
    let plan = plan::restore(config, &context.facts(id.to_owned(), &taken), request, &held)?.lease;
    let plan = plan.into_ready(tree.admin.clone());
    let plan = Lease { hooks_pending: false, ..plan };
    context.store.remember(&context.repo.common)?;
    context.store.note_disks(&plan)?;
    context.store.save(&plan)?;
    failpoint::point("lease-restored")?;
    for (variable, port) in plan
        .ports
        .iter()
        .filter(|(name, port)| held.ports.get(*name).is_some_and(|old| old != *port))
    {
        ui.warn(format!("{variable} is {port} now: its old port is taken or not in its range"));
    }
    ui.say(format!("restored the lost lease of `{}`", plan.name));
    Ok(plan)
}

/// What others hold: this environment file is its own.
fn taken(workspace: &Workspace<'_>, file: &Path) -> Result<Taken> {
    let Workspace { context, config, .. } = workspace;
    let (mut taken, _) = occupancy::taken(&context.store, &context.repo, config)?;
    let own = file.display().to_string();
    taken.ports.retain(|_, holder| *holder != own);
    taken.indexes.retain(|_, holder| *holder != own);
    taken.databases.retain(|_, holder| *holder != own);
    taken.projects.retain(|_, holder| *holder != own);
    Ok(taken)
}

/// What carries the lease's mark on the servers, and the ports in its environment file.
fn held(workspace: &Workspace<'_>, block: Option<&Block>, id: &str) -> Result<Held> {
    let Workspace { context, config, .. } = workspace;
    let mut found: BTreeMap<Server, Vec<String>> = BTreeMap::new();
    let seconds = environment::overflow::seconds(&context.store)?.into_iter();
    let seconds: Vec<Server> = seconds.map(|one| one.server).collect();
    let configured = config.services.values().filter_map(Server::of_service);
    for server in configured.chain(seconds.iter().cloned()) {
        if let Entry::Vacant(server) = found.entry(server) {
            let own = inventory::held_by(server.key(), id)?;
            server.insert(own);
        }
    }
    let mut held = Held::default();
    for (name, service) in &config.services {
        let place = overflow::place(&service.place, context.store.id());
        let second = seconds.iter().find(|second| Some(&second.place) == place.as_ref());
        let servers = Server::of_service(service).into_iter().chain(second.cloned());
        for server in servers.filter(|one| one.kind == service.kind) {
            let Some(own) = found.get_mut(&server) else { continue };
            let Some(at) = chosen(own, service, block) else { continue };
            held.parts.insert(name.clone(), own.remove(at));
            if Some(&server.place) == place.as_ref() {
                held.seconds.insert(name.clone(), (server.place, server.port));
            }
            break;
        }
    }
    let vars = block.map(|block| &block.vars).into_iter().flatten();
    let ports = vars.filter(|(name, _)| config.ports.contains_key(*name));
    held.ports = ports
        .filter_map(|(name, port)| Some((name.clone(), port.parse().ok()?)))
        .collect::<IndexMap<String, u16>>();
    Ok(held)
}

/// Which of a server's marked parts is this service's: the one that the environment file names, else the only one.
fn chosen(own: &[String], service: &Service, block: Option<&Block>) -> Option<usize> {
    let named = block.and_then(|block| block.vars.get(&service.variable));
    let position = named.and_then(|named| own.iter().position(|part| part == named));
    position.or_else(|| (own.len() == 1).then_some(0))
}

/// Refuses while the default servers are down: the SQLite default would know nothing of what they hold.
fn require_servers(context: &Context, config: &Config, block: Option<&Block>) -> Result<()> {
    let missing = |name: &&String| {
        let defaults = Config::default();
        let of_default = defaults.services.values().any(|service| service.variable == **name);
        of_default && config.services.values().all(|service| service.variable != **name)
    };
    let mut names = block.into_iter().flat_map(|block| block.vars.keys());
    match names.find(missing) {
        Some(name) if context.config()?.is_none() => {
            let message =
                format!("cannot restore the lost lease: the server of {name} is not running");
            Err(error::service(message).hint("start it: `git agentenv infra up`").into())
        }
        _ => Ok(()),
    }
}
