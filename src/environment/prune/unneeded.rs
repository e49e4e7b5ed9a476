//! Removes environments that are not needed any more, in the way of `remove` without `--force`: those that nothing has used
//! for a time, and those whose branch is merged.

use super::{Kept, Report};
use crate::environment::context::{Context, current_dir};
use crate::environment::remove::{self, Removal, RemoveOptions};
use crate::environment::{parts, resolve, unused};
use crate::error::{Exit, exit_of};
use crate::model::lease::{Lease, Phase};
use crate::model::unused::Merged;
use crate::service::removal::Servers;
use crate::sys::lock::Lock;
use crate::ui::Ui;
use anyhow::Result;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Which environments are not needed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Criteria {
    /// Those that nothing has used for so many seconds.
    pub idle: Option<u64>,
    /// Those whose branch is merged into the default branch.
    pub merged: bool,
}

/// An environment that is not needed, and why.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Unneeded {
    /// Its name.
    pub name: String,
    /// Its branch, which stays; null for a detached HEAD.
    pub branch: Option<String>,
    /// Its worktree.
    pub path: PathBuf,
    /// For how many seconds nothing has used it; missing when that was not asked, or is less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<u64>,
    /// How its branch is merged; missing when that was not asked, or it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged: Option<Merged>,
    /// The branch into which it is merged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub into: Option<String>,
    /// The bytes of its Postgres databases; null when no server says.
    pub bytes: Option<u64>,
    /// Until when it can be restored from the trash, in seconds since 1970; null: it is gone for good.
    pub kept_until: Option<u64>,
}

/// Environments that are not needed and may be removed. No other process works on them meanwhile.
pub struct Found {
    chosen: Vec<(Unneeded, Removal)>,
    servers: Servers,
    criteria: Criteria,
    _working: Vec<Lock>,
}

/// Finds what is not needed in this repository; what of that cannot be removed is noted as skipped, with the reason.
pub fn find(context: &Context, criteria: Criteria, report: &mut Report) -> Result<Found> {
    let here = current_dir()?;
    let mut leases = resolve::current(context)?;
    leases.retain(|lease| lease.phase == Phase::Ready && !context.store.is_foreign(lease));
    let all: Vec<&Lease> = leases.iter().collect();
    let (mut working, mut chosen, mut reasons) = (Vec::new(), Vec::new(), Vec::new());
    for (lease, judged) in all.iter().zip(judge(&all, criteria, &here)) {
        match judged {
            Ok(None) => {}
            Ok(Some(reason)) => {
                // What another process works on is needed.
                if let Some(lock) = context.store.try_lock_lease(&lease.id)? {
                    working.push(lock);
                    chosen.push(((*lease).clone(), Vec::new()));
                    reasons.push(reason);
                }
            }
            Err(why) => report.skip(lease, &why),
        }
    }
    let locked: Vec<&Lease> = chosen.iter().map(|(lease, _)| lease).collect();
    let servers = Servers::of(&locked);
    let bytes = sizes(&locked, &servers);
    let checked = remove::check(context, RemoveOptions::default(), &servers, &chosen);
    let mut found = Vec::new();
    for (((checked, mut reason), bytes), lease) in
        checked.into_iter().zip(reasons).zip(bytes).zip(locked)
    {
        match checked {
            Ok(removal) => {
                reason.bytes = bytes;
                found.push((reason, removal));
            }
            Err(why) => report.skip(lease, &why),
        }
    }
    Ok(Found { chosen: found, servers, criteria, _working: working })
}

/// Removes what was found and is still not needed.
pub fn remove(context: &Context, ui: &Ui, found: Found, report: &mut Report) -> Result<()> {
    let Found { chosen, servers, criteria, _working } = found;
    let leases: Vec<&Lease> = chosen.iter().map(|(_, removal)| &removal.lease).collect();
    let judged = judge(&leases, criteria, &current_dir()?);
    let mut going = Vec::new();
    for ((reason, removal), judged) in chosen.iter().zip(judged) {
        match judged {
            Ok(None) => report.skip(&removal.lease, &anyhow::anyhow!("it is used again")),
            Ok(Some(_)) => going.push(reason.name.clone()),
            Err(why) => report.skip(&removal.lease, &why),
        }
    }
    let (reasons, removals): (Vec<Unneeded>, Vec<Removal>) =
        chosen.into_iter().filter(|(reason, _)| going.contains(&reason.name)).unzip();
    let ended = remove::carry_out(context, ui, RemoveOptions::default(), servers, removals);
    for (reason, ended) in reasons.into_iter().zip(ended) {
        match ended {
            Ok(removed) => {
                report.removed.push(Unneeded { kept_until: removed.kept_until, ..reason })
            }
            Err(why) if exit_of(&why) == Exit::Refused => {
                report.skipped.push(Kept::of(&reason.name, &why))
            }
            Err(why) => report.keep(&reason.name, &why),
        }
    }
    Ok(())
}

impl Found {
    /// The environments.
    pub fn unneeded(&self) -> impl Iterator<Item = &Unneeded> {
        self.chosen.iter().map(|(unneeded, _)| unneeded)
    }
}

impl Unneeded {
    fn of(lease: &Lease) -> Self {
        let Lease { name, branch, path, .. } = lease.clone();
        Unneeded {
            name,
            branch,
            path,
            idle: None,
            merged: None,
            into: None,
            bytes: None,
            kept_until: None,
        }
    }
}

/// Why each of these environments is not needed; `None`: it is.
///
/// # Errors
/// Of each, why that is unknown, or why it stays although it is not needed.
fn judge(leases: &[&Lease], criteria: Criteria, here: &Path) -> Vec<Result<Option<Unneeded>>> {
    let none = |_: &&Lease| Ok(None);
    let idle = match criteria.idle {
        Some(limit) => unused::idle(leases, limit),
        None => leases.iter().map(none).collect(),
    };
    let merged = match criteria.merged {
        true => unused::merged(leases),
        false => leases.iter().map(|_| Ok(None)).collect(),
    };
    let active = if criteria.merged { unused::active(leases) } else { Vec::new() };
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
        let (merged, into) = merged.unzip();
        Ok(Some(Unneeded { idle, merged, into, ..Unneeded::of(lease) }))
    };
    leases.iter().zip(idle).zip(merged).map(judge).collect()
}

/// The bytes that the databases of each take, as far as the servers say.
fn sizes(leases: &[&Lease], servers: &Servers) -> Vec<Option<u64>> {
    let held: Vec<_> = leases.iter().map(|lease| (*lease, false)).collect();
    let looks = parts::each(&held, |held| servers.look(held)).into_iter();
    looks
        .map(|looks| looks.into_iter().filter_map(|look| look.ok()?.size).reduce(|a, b| a + b))
        .collect()
}
