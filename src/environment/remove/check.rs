//! Every refusal of a removal, before anything is destroyed.

use super::{Keep, Removal, RemoveOptions, Removed, Run, reopen};
use crate::environment::nested::{self, Place};
use crate::environment::removal_risks::{self, Loss, Risks};
use crate::environment::trees::Trees;
use crate::environment::worktree::{self, Neighbours};
use crate::environment::{closing, hooks, reclaim, trash};
use crate::error;
use crate::model::lease::{Lease, Phase};
use crate::service::removal::Servers;
use crate::sys::parallel;
use crate::sys::store::Store;
use crate::ui::{ErrorReport, Ui};
use anyhow::{Result, anyhow};

impl Run<'_> {
    /// Every refusal, before anything is destroyed; each lease comes with the losses that the user confirmed at a prompt.
    pub fn check(&self, chosen: &[(Lease, Vec<Loss>)]) -> Vec<Result<Removal>> {
        let (store, servers) = (&self.context.store, &self.servers);
        let (ui, options, config) = (self.ui, self.options, self.config());
        let leases = parallel::each(chosen, |(lease, _)| {
            let mut lease = current(store, ui, options, servers, lease)?;
            config.iter().for_each(|config| lease.learn_also(config));
            Ok(lease)
        });
        let places = nested::places(store);
        let known: Vec<&Lease> = leases.iter().flatten().collect();
        let trees = Trees::of(known.iter().copied());
        let look = || removal_risks::of_all(store, &known, &trees, options.delete_branch, servers);
        let (_, risks) = parallel::both(|| servers.containers().is_ok(), look);
        let mut risks = risks.into_iter();
        let mut look = |(lease, (_, agreed)): (Result<Lease>, &(Lease, Vec<Loss>))| {
            let lease = lease?;
            let risks = risks.next().unwrap_or_else(|| Err(anyhow!("no look at `{}`", lease.name)));
            let places = places.as_deref().map_err(error::again)?;
            self.judge(lease, risks?, agreed, (places, &trees))
        };
        leases.into_iter().zip(chosen).map(&mut look).collect()
    }

    fn judge(
        &self,
        lease: Lease,
        risks: Risks,
        agreed: &[Loss],
        (places, trees): (&[Place], &Trees),
    ) -> Result<Removal> {
        let mut serious = risks.losses.iter().filter(|loss| loss.needs_force).peekable();
        let given_up = serious.peek().is_some() && serious.all(|loss| agreed.contains(loss));
        let force = self.options.force || given_up;
        let refusal = trees
            .of_repository(&lease)
            .and_then(|trees| nested::require_none_inside(&lease, places, trees, "remove"))
            .and_then(|()| self.require(&lease, trees, &risks.losses, force));
        let refusal = refusal.err();
        if !self.options.dry_run
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
    fn require(&self, lease: &Lease, trees: &Trees, losses: &[Loss], force: bool) -> Result<()> {
        match trees.find(lease)? {
            Some(tree) if !closing::is_closed(lease)? => {
                worktree::require_unlocked(lease, tree)?;
                worktree::require_in_place(lease, tree)?;
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
        if !self.options.dry_run || force || self.options.no_hooks {
            return Ok(());
        }
        let config = self.config.as_ref().map_err(error::again)?;
        let hooks = config.as_ref().map_or(&[][..], |config| &config.hooks.pre_remove);
        hooks::require_trusted(self.context, hooks)
    }
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
