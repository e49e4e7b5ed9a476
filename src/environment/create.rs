//! From facts to a plan to an environment: the part that `add` and `adopt` share.

use crate::environment::apply::{self, Outcome};
use crate::environment::context::Context;
use crate::environment::data::template::Templates;
use crate::environment::workspace::Workspace;
use crate::environment::{adopt, checkout, occupancy, reclaim};
use crate::model::lease::{Lease, Phase};
use crate::model::plan::{self, Facts, Plan, Request};
use crate::model::slot::Taken;
use crate::sys::fs::{self, Stands};
use crate::sys::lock::Lock;
use crate::sys::{failpoint, net};
use anyhow::Result;

/// Creates one environment; tries another Redis index when the chosen one turns out to hold keys.
///
/// # Errors
/// When it cannot be made; nothing of it is left then.
pub fn one(workspace: &Workspace<'_>, request: Request) -> Result<Lease> {
    let ui = workspace.ui;
    let templates = Templates::of(workspace, &workspace.config, &request)?;
    let mut occupied = occupancy::occupied(&workspace.config);
    loop {
        let (plan, _working) = reserve(workspace, request.clone(), &occupied)?;
        match apply::make(ui, &workspace.context.store, &plan, &templates)? {
            Outcome::Ready(lease) => {
                templates.begin_spares();
                return Ok(*lease);
            }
            Outcome::Occupied { index, by } => {
                ui.say(format!("redis index {index} is used by {by}; trying the next"));
                occupied.push((index, by));
            }
        }
    }
}

/// Chooses the slots and writes the lease, under the lock of the machine.
fn reserve(
    workspace: &Workspace<'_>,
    request: Request,
    occupied: &[(u32, String)],
) -> Result<(Plan, Lock)> {
    let context = workspace.context;
    let id = context.store.new_id()?;
    let working = context.store.lock_lease(&id, || ())?;
    let waiting = || workspace.ui.say("waiting for another git-agentenv to choose its slots");
    let recorded = context.store.lock(waiting).and_then(|_lock| {
        let (plan, leases) = decide(workspace, request, occupied, id.clone(), &[])?;
        leases.iter().try_for_each(|other| require_no_rival(context, &plan.lease, other))?;
        context.store.remember(&context.repo.common)?;
        failpoint::point("before-lease")?;
        context.store.save(&plan.lease)?;
        failpoint::point("lease-written")?;
        Ok(plan)
    });
    // Nothing was created yet, so nothing stays on record.
    if recorded.is_err() {
        context.store.forget(&id).ok();
    }
    Ok((recorded?, working))
}

/// Chooses slots that neither the leases nor what is only planned holds.
fn decide(
    workspace: &Workspace<'_>,
    request: Request,
    occupied: &[(u32, String)],
    id: String,
    planned: &[Lease],
) -> Result<(Plan, Vec<Lease>)> {
    let Workspace { context, config, .. } = workspace;
    let (mut taken, leases): (Taken, Vec<Lease>) =
        occupancy::taken(&context.store, &context.repo, config)?;
    for (index, by) in occupied {
        // A lease names the owner better than the keys do.
        taken.indexes.entry(*index).or_insert_with(|| by.clone());
    }
    planned.iter().for_each(|lease| occupancy::count(&mut taken, lease, &context.repo.common));
    let facts = Facts {
        id,
        repository: &context.repo.common,
        main: &context.repo.main,
        repo_name: crate::model::name::repo_slug(&context.repo.name()),
        taken: &taken,
        port_free: &net::is_free,
        path_free: &|path| {
            matches!(fs::stands(path), Ok(Stands::Nothing))
                && leases.iter().all(|lease| lease.path != path)
        },
    };
    Ok((plan::add(config, &facts, request)?, leases))
}

/// Refuses when another process took the same branch or worktree before this one had the lock.
fn require_no_rival(context: &Context, lease: &Lease, other: &Lease) -> Result<()> {
    let same_branch = lease.branch.is_some() && lease.branch == other.branch;
    if other.repository != lease.repository || !(same_branch || lease.path == other.path) {
        return Ok(());
    }
    let is_made =
        || Ok::<_, anyhow::Error>(adopt::tree_here(context)?.lease == Some(other.id.clone()));
    if other.phase == Phase::Creating || (lease.adopted && is_made()?) {
        return Err(reclaim::busy(other));
    }
    match &lease.branch {
        Some(branch) if !lease.adopted => checkout::require_free(&context.repo, branch),
        _ => Ok(()),
    }
}

/// The leases that `add` would write, in order. Nothing is created.
pub fn plan_only(
    workspace: &Workspace<'_>,
    requests: impl IntoIterator<Item = Request>,
) -> Result<Vec<Lease>> {
    let occupied = occupancy::occupied(&workspace.config);
    let mut planned = Vec::new();
    for request in requests {
        let id = workspace.context.store.new_id()?;
        let (plan, _) = decide(workspace, request, &occupied, id, &planned)?;
        planned.push(plan.lease);
    }
    Ok(planned)
}
