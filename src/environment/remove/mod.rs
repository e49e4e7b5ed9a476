//! Removes environments: every refusal first, then they are closed, looked at once more, and destroyed.

mod carry_out;
mod last_look;
mod running;

pub use carry_out::carry_out;
pub use last_look::reopen;
pub use running::say as say_running;

use crate::environment::context::Context;
use crate::environment::nested::{self, Place};
use crate::environment::processes::Stranger;
use crate::environment::removal_risks::{self, Loss, Risks, Taken};
use crate::environment::worktree::{self, Neighbours};
use crate::environment::{closing, hooks, reclaim, trash};
use crate::error;
use crate::model::config::{Config, Trash};
use crate::model::lease::{Lease, Phase};
use crate::service::removal::Servers;
use crate::sys::lock::Lock;
use crate::sys::parallel;
use crate::sys::store::Store;
use crate::ui::{ErrorReport, Ui};
use anyhow::{Result, anyhow};
use serde::Serialize;
use std::path::PathBuf;

/// How to remove an environment.
#[derive(Debug, Clone, Copy, Default)]
pub struct RemoveOptions {
    /// Remove it although something would be lost.
    pub force: bool,
    /// Delete its branch as well.
    pub delete_branch: bool,
    /// Only look.
    pub dry_run: bool,
    /// Do not run the `pre_remove` hooks.
    pub no_hooks: bool,
    /// Whether it goes to the trash.
    pub keep: Keep,
}

impl RemoveOptions {
    /// How the trash keeps it; `None`: it is destroyed.
    fn wish(self, config: Option<&Config>) -> Option<Trash> {
        let configured = config.and_then(|config| config.trash);
        match self.keep {
            Keep::No => None,
            Keep::Yes => Some(configured.unwrap_or_default()),
            Keep::AsConfigured => configured,
        }
    }

    /// Whether environments go to the trash in this repository.
    pub fn goes_to_trash(self, context: &Context) -> bool {
        self.wish(context.config().ok().flatten().as_ref()).is_some()
    }
}

/// Whether a removed environment goes to the trash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Keep {
    /// Where the configuration has the key `trash`.
    #[default]
    AsConfigured,
    /// Always.
    Yes,
    /// Never.
    No,
}

/// What was, or would be, removed.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Removed {
    /// The environment.
    pub name: String,
    /// Its branch; null for a detached HEAD.
    pub branch: Option<String>,
    /// Its worktree.
    pub path: PathBuf,
    /// What it holds of the servers.
    pub services: Vec<Taken>,
    /// What is lost with it.
    pub losses: Vec<Loss>,
    /// A dry run: why it would not be removed. Missing: it would be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<ErrorReport>,
    /// What still runs in its worktree, or listens on its ports. Empty in a dry run: `losses` names it.
    pub running: Vec<Stranger>,
    /// Its branch was deleted, too.
    pub branch_deleted: bool,
    /// Until when it can be restored from the trash, in seconds since 1970; null: it is gone for good.
    pub kept_until: Option<u64>,
}

/// An environment that passed every check.
pub struct Removal {
    /// The environment.
    pub lease: Lease,
    /// What the answer says of it.
    pub removed: Removed,
    /// The user agreed to what is lost.
    pub force: bool,
    /// Something that `up` started was running.
    runs_own: bool,
}

/// Removes one environment, after every check.
pub fn one(context: &Context, ui: &Ui, options: RemoveOptions, lease: &Lease) -> Result<Removed> {
    let _working = lock(context, ui, std::iter::once(lease))?;
    let servers = Servers::of(&[lease]);
    let chosen = (lease.clone(), Vec::new());
    let checked = check(context, ui, options, &servers, &[chosen]);
    let removals = checked.into_iter().collect::<Result<Vec<_>>>()?;
    let removed = carry_out(context, ui, options, servers, removals).into_iter().next();
    removed.unwrap_or_else(|| Err(anyhow!("no environment was removed")))
}

/// Makes this the one process that works on these environments. Every process locks in the order of the ids: in
/// different orders, two of them would wait for each other for ever.
pub fn lock<'a>(
    context: &Context,
    ui: &Ui,
    leases: impl Iterator<Item = &'a Lease>,
) -> Result<Vec<Lock>> {
    let mut leases: Vec<&Lease> = leases.collect();
    leases.sort_by_key(|lease| &lease.id);
    leases.into_iter().map(|lease| context.lock_lease(ui, lease)).collect()
}

/// Every refusal, before anything is destroyed; each lease comes with the losses that the user confirmed at a prompt.
pub fn check(
    context: &Context,
    ui: &Ui,
    options: RemoveOptions,
    servers: &Servers,
    chosen: &[(Lease, Vec<Loss>)],
) -> Vec<Result<Removal>> {
    let store = &context.store;
    let config = context.config().ok().flatten();
    let leases = parallel::each(chosen, |(lease, _)| {
        let mut lease = current(store, ui, options, servers, lease)?;
        config.iter().for_each(|config| lease.learn_also(config));
        Ok(lease)
    });
    let places = nested::places(store);
    let known: Vec<&Lease> = leases.iter().flatten().collect();
    let look = || removal_risks::of_all(store, &known, options.delete_branch, servers);
    let (_, risks) = parallel::both(|| servers.containers().is_ok(), look);
    let mut risks = risks.into_iter();
    let mut look = |(lease, (_, agreed)): (Result<Lease>, &(Lease, Vec<Loss>))| {
        let lease = lease?;
        let risks = risks.next().unwrap_or_else(|| Err(anyhow!("no look at `{}`", lease.name)))?;
        let places = places.as_deref().map_err(error::again)?;
        judge(context, options, lease, risks, (agreed, places))
    };
    leases.into_iter().zip(chosen).map(&mut look).collect()
}

/// The lease as it is now. What another process closed and did not live to remove is opened again, and what it left half way
/// to or from the trash is brought back: only a complete environment can be looked at.
fn current(
    store: &Store,
    ui: &Ui,
    options: RemoveOptions,
    servers: &Servers,
    lease: &Lease,
) -> Result<Lease> {
    let recorded = store.current(lease)?;
    if options.dry_run {
        return Ok(match recorded.phase {
            Phase::Closing | Phase::Removing => recorded,
            _ => as_seen(recorded, lease),
        });
    }
    let whole = match recorded.phase {
        Phase::Closing => reopen(store, servers, recorded)?,
        Phase::Restoring => bring_back(store, ui, &recorded)?,
        Phase::Keeping if options.keep == Keep::No || trash::lacks_record(store, &recorded)? => {
            bring_back(store, ui, &recorded)?
        }
        Phase::Removing => return Ok(recorded),
        _ => as_seen(recorded, lease),
    };
    if whole.phase == Phase::Ready {
        trash::forget_stale(store, &whole)?;
    }
    Ok(whole)
}

/// A lease with the path and the branch that git had for it.
fn as_seen(recorded: Lease, seen: &Lease) -> Lease {
    Lease { path: seen.path.clone(), branch: seen.branch.clone(), ..recorded }
}

fn bring_back(store: &Store, ui: &Ui, lease: &Lease) -> Result<Lease> {
    ui.say(format!("bringing `{}` back from the trash, to look at it", lease.name));
    trash::bring_back(ui, store, lease)
}

fn judge(
    context: &Context,
    options: RemoveOptions,
    lease: Lease,
    risks: Risks,
    (agreed, places): (&[Loss], &[Place]),
) -> Result<Removal> {
    let mut serious = risks.losses.iter().filter(|loss| loss.needs_force).peekable();
    let given_up = serious.peek().is_some() && serious.all(|loss| agreed.contains(loss));
    let force = options.force || given_up;
    let refusal = nested::require_none_inside(&lease, places, "remove");
    let refusal = refusal.and_then(|()| require(context, options, &lease, &risks.losses, force));
    let refusal = refusal.err();
    if !options.dry_run
        && let Some(refusal) = refusal
    {
        return Err(refusal);
    }
    let runs_own = risks.runs_own;
    let removed = Removed {
        name: lease.name.clone(),
        branch: lease.branch.clone(),
        path: lease.path.clone(),
        services: removal_risks::taken(&lease, &risks),
        losses: risks.losses,
        refusal: refusal.as_ref().map(ErrorReport::of),
        running: Vec::new(),
        branch_deleted: false,
        kept_until: None,
    };
    Ok(Removal { lease, removed, force, runs_own })
}

/// Refuses what may not go. A dry run asks for trust as well, which is asked for when the hooks run.
fn require(
    context: &Context,
    options: RemoveOptions,
    lease: &Lease,
    losses: &[Loss],
    force: bool,
) -> Result<()> {
    match worktree::of(lease)? {
        Some(tree) if !closing::is_closed(lease)? => {
            worktree::require_unlocked(lease, &tree)?;
            worktree::require_in_place(lease, &tree)?;
        }
        // On its way to the trash, git's record goes first.
        None if lease.phase != Phase::Keeping => {
            if let Some(homeless) = reclaim::homeless(lease, &Neighbours::default())? {
                let ways = homeless.ways(lease);
                let hint = format!(
                    "{ways}; or copy your work out of the worktree and delete it, then `git agentenv prune`"
                );
                return Err(error::refused(homeless.what(lease)).hint(hint).into());
            }
        }
        _ => {}
    }
    removal_risks::require_none(lease, losses, force)?;
    if !options.dry_run || force || options.no_hooks {
        return Ok(());
    }
    let config = context.config()?.unwrap_or_default();
    hooks::require_trusted(context, &config.hooks.pre_remove)
}
