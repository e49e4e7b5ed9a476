//! Finishes what was interrupted, and gives back what belongs to worktrees that are gone.

use super::context::Context;
use crate::apply::farewell::{self, Force};
use crate::apply::tree;
use crate::error::{Exit, Failure};
use crate::model::lease::{Lease, Phase};
use crate::sys::fs::{self, Stands};
use crate::sys::repo::Worktree;
use crate::ui::Ui;
use anyhow::Result;

/// Why a lease is due to be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Due {
    /// An `add` did not come to its end.
    AddInterrupted,
    /// A `remove` did not come to its end.
    RemoveInterrupted,
    /// The worktree is gone.
    WorktreeGone,
    /// The whole repository is gone.
    RepositoryGone,
}

/// Whether a lease is due, judged by what is there. What cannot be asked is not due.
///
/// # Errors
/// When git's directories cannot be read.
pub fn due(lease: &Lease) -> Result<Option<Due>> {
    due_with(lease, || tree::of(lease))
}

/// As [`due`], when it is known how to find the lease's worktree.
///
/// # Errors
/// When git's directories cannot be read.
pub fn due_with(
    lease: &Lease,
    tree: impl FnOnce() -> Result<Option<Worktree>>,
) -> Result<Option<Due>> {
    if fs::stands(&lease.repository)? == Stands::Nothing {
        let is_due = !is_homeless(lease)? && is_gone_for_good(&lease.repository)?;
        return Ok(is_due.then_some(Due::RepositoryGone));
    }
    Ok(match lease.phase {
        Phase::Creating => Some(Due::AddInterrupted),
        Phase::Removing => Some(Due::RemoveInterrupted),
        Phase::Ready => match tree()? {
            Some(tree) if fs::stands(&tree.path)? != Stands::Nothing => None,
            // Its disk may be away, and git keeps it, too.
            Some(tree) if tree::is_locked(lease, &tree) => None,
            Some(tree) => tree::elsewhere(lease, &tree)?.is_none().then_some(Due::WorktreeGone),
            None => Some(Due::WorktreeGone),
        },
    })
}

/// Whether the worktree is there and its repository is not: that may have been moved, and what somebody works with
/// in the worktree stays.
///
/// # Errors
/// When the file system does not say.
pub fn is_homeless(lease: &Lease) -> Result<bool> {
    Ok(fs::stands(&lease.repository)? == Stands::Nothing
        && fs::stands(&lease.path.join(".git"))? == Stands::File)
}

/// What is the matter with an environment whose repository is not there, and the way back.
pub fn homeless(lease: &Lease) -> (String, String) {
    let (name, main, path) = (&lease.name, lease.main.display(), lease.path.display());
    let what = format!("`{name}`: its repository {main} is gone, and its worktree {path} is not");
    let command = format!("git worktree repair {path} && git agentenv adopt {path}");
    (what, command)
}

/// A directory that is not there is only gone when the one above it can be looked at: a disk may be away.
fn is_gone_for_good(path: &std::path::Path) -> Result<bool> {
    let parent = path.parent().unwrap_or(path);
    let above = if path.file_name().is_some_and(|name| name == ".git") {
        parent.parent().unwrap_or(parent)
    } else {
        parent
    };
    Ok(fs::stands(above)? == Stands::Directory && !fs::entries(above)?.is_empty()
        || fs::stands(parent)? == Stands::Directory)
}

/// Before `add`: what an earlier, interrupted `add` or `remove` of the same branch left behind.
///
/// # Errors
/// When another process is at work on it, or it cannot be given back.
pub fn stale(context: &Context, ui: &Ui, branch: &str) -> Result<()> {
    for lease in context.leases()? {
        if lease.branch.as_deref() != Some(branch) || due(&lease)?.is_none() {
            continue;
        }
        let Some(_working) = context.store.try_lock_lease(&lease.id)? else {
            return Err(busy(&lease));
        };
        // It may have come to its end since the leases were read.
        let Some(lease) = context.store.lease(&lease.id)? else {
            continue;
        };
        if due(&lease)?.is_some() {
            ui.say(format!("finishing what was interrupted in `{}`", lease.name));
            farewell::finish(ui, &context.store, &lease, Force::default())?;
        }
    }
    Ok(())
}

/// The refusal because another process works on an environment.
pub fn busy(lease: &Lease) -> anyhow::Error {
    let message = format!("another process is working on the environment `{}`", lease.name);
    Failure::new(Exit::Refused, message).hint("wait until it is done").into()
}
