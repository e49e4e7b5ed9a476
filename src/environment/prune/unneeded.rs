//! Removes environments that are not needed any more, as `remove` does without `--force`: those that nothing has used for a
//! time, and those whose branch is merged.

use super::{Kept, Report};
use crate::environment::context::{Context, current_dir};
use crate::environment::remove::{Removal, RemoveOptions, Removed, Run};
use crate::environment::trees::Trees;
use crate::environment::worktree::Neighbours;
use crate::environment::{reclaim, resolve, unused};
use crate::error::{Exit, exit_of};
use crate::model::lease::{Lease, Phase};
use crate::model::unused::Merged;
use crate::sys::docker::Projects;
use crate::ui::Ui;
use anyhow::{Result, anyhow};
use serde::Serialize;
use std::collections::BTreeMap;

/// Which environments are not needed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Criteria {
    /// Those that nothing has used for so many seconds.
    pub idle: Option<u64>,
    /// Those whose branch is merged into the default branch.
    pub merged: bool,
}

/// An environment that is not needed, and why.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Unneeded {
    /// What goes with it.
    #[serde(flatten)]
    pub removed: Removed,
    /// Why it is not needed.
    #[serde(flatten)]
    pub reason: Reason,
}

/// Why an environment is not needed.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "UnneededBecause"))]
pub struct Reason {
    /// For how many seconds nothing has used it; missing when that was not asked, or is less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<u64>,
    /// How its branch is merged; missing when that was not asked, or it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged: Option<Merged>,
    /// The branch into which it is merged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub into: Option<String>,
}

/// Finds what is not needed in this repository and could be removed. What cannot is noted as skipped, with the reason.
pub fn find(
    context: &Context,
    ui: &Ui,
    criteria: Criteria,
    report: &mut Report,
) -> Result<Vec<(Lease, Unneeded)>> {
    let leases = ready(context)?;
    let (_, found) = look(context, ui, (criteria, true), &leases, report)?;
    let mut unneeded = Vec::new();
    for (reason, Removal { lease, removed, .. }) in found {
        match &removed.refusal {
            Some(refusal) => report.skip(&lease, &anyhow!("{}", refusal.message)),
            None => unneeded.push((lease, Unneeded { removed, reason })),
        }
    }
    Ok(unneeded)
}

/// Removes those of the environments that are still not needed and that no other process works on.
pub fn remove(
    context: &Context,
    ui: &Ui,
    criteria: Criteria,
    wanted: &[Lease],
    report: &mut Report,
) -> Result<()> {
    let mut working = BTreeMap::new();
    for lease in wanted {
        if let Some(lock) = context.store.try_lock_lease(&lease.id)? {
            working.insert(lease.id.clone(), lock);
        }
    }
    let mut leases = ready(context)?;
    leases.retain(|lease| working.contains_key(&lease.id));
    let (run, found) = look(context, ui, (criteria, false), &leases, report)?;
    let (reasons, removals): (Vec<Reason>, Vec<Removal>) = found.into_iter().unzip();
    let names: Vec<String> = removals.iter().map(|one| one.lease.name.clone()).collect();
    let ended = run.carry_out(removals);
    for ((name, reason), ended) in names.iter().zip(reasons).zip(ended) {
        match ended {
            Ok(removed) => report.removed.push(Unneeded { removed, reason }),
            // Found by the last look only.
            Err(why) if exit_of(&why) == Exit::Refused => report.skipped.push(Kept::of(name, &why)),
            Err(why) => report.keep(name, &why),
        }
    }
    Ok(())
}

/// The environments of this repository and this user that nothing is being done to. One that is due is released whatever it
/// was needed for.
fn ready(context: &Context) -> Result<Vec<Lease>> {
    let mut leases = resolve::current(context)?;
    let trees = Trees::of(&leases);
    let is_due = |lease: &Lease| {
        let due =
            reclaim::due_with(lease, &Neighbours::default(), || Ok(trees.find(lease)?.cloned()));
        matches!(due, Ok(Some(_)))
    };
    leases.retain(|lease| {
        lease.phase == Phase::Ready && !context.store.is_foreign(lease) && !is_due(lease)
    });
    Ok(leases)
}

/// Looks at what is not needed of these, as before a removal.
fn look<'a>(
    context: &'a Context,
    ui: &'a Ui,
    (criteria, dry_run): (Criteria, bool),
    leases: &[Lease],
    report: &mut Report,
) -> Result<(Run<'a>, Vec<(Reason, Removal)>)> {
    let (mut chosen, mut reasons, mut found) = (Vec::new(), Vec::new(), Vec::new());
    for (lease, judged) in leases.iter().zip(judge(leases, criteria)?) {
        match judged {
            Ok(None) => {}
            Ok(Some(reason)) => {
                chosen.push((lease.clone(), Vec::new()));
                reasons.push(reason);
            }
            Err(why) => report.skip(lease, &why),
        }
    }
    let options = RemoveOptions { dry_run, ..RemoveOptions::default() };
    let meant: Vec<&Lease> = chosen.iter().map(|(lease, _)| lease).collect();
    let run = Run::begin(context, ui, options, &meant);
    for ((checked, reason), (lease, _)) in run.check(&chosen).into_iter().zip(reasons).zip(&chosen)
    {
        match checked {
            Ok(removal) => found.push((reason, removal)),
            Err(why) => report.skip(lease, &why),
        }
    }
    Ok((run, found))
}

/// Why each of these environments is not needed; `None`: it is.
///
/// # Errors
/// Of each, why that is unknown, or why it stays although it is not needed.
fn judge(leases: &[Lease], criteria: Criteria) -> Result<Vec<Result<Option<Reason>>>> {
    let here = current_dir()?;
    let leases: Vec<&Lease> = leases.iter().collect();
    let idle = match criteria.idle {
        Some(limit) => unused::idle(&leases, limit),
        None => leases.iter().map(|_| Ok(None)).collect(),
    };
    let containers = criteria.merged.then(Projects::list);
    let (merged, active) = match &containers {
        Some(all) => (unused::merged(&leases), unused::active(&leases, all.as_ref().ok())),
        None => (leases.iter().map(|_| Ok(None)).collect(), Vec::new()),
    };
    let mut active = active.into_iter();
    let judge = |((lease, idle), merged): ((&&Lease, Result<Option<u64>>), Result<_>)| {
        let active = active.next().unwrap_or_default();
        let (idle, merged): (_, Option<(Merged, String)>) = (idle?, merged?);
        if idle.is_none() && merged.is_none() {
            return Ok(None);
        }
        anyhow::ensure!(!here.starts_with(&lease.path), "the current directory is in it");
        if let Some(active) = active.first() {
            anyhow::bail!("{active}");
        }
        containers.as_ref().map_or(Ok(()), |all| unused::require_seen(lease, all))?;
        let (merged, into) = merged.unzip();
        Ok(Some(Reason { idle, merged, into }))
    };
    Ok(leases.iter().zip(idle).zip(merged).map(judge).collect())
}
