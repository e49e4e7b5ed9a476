//! Finishes what was interrupted, and gives back what belongs to worktrees that are gone.

use crate::environment::context::Context;
use crate::environment::teardown::{self, Force};
use crate::environment::{removal_risks, worktree};
use crate::error::{self, Exit, exit_of};
use crate::model::lease::{Lease, Phase};
use crate::model::shell;
use crate::sys::fs::{self, Stands};
use crate::sys::repo::Worktree;
use crate::sys::store::Store;
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
    due_with(lease, || worktree::of(lease))
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
            Some(tree) if worktree::is_locked(lease, &tree) => None,
            Some(tree) => worktree::elsewhere(lease, &tree)?.is_none().then_some(Due::WorktreeGone),
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
    let (repair, word) = (worktree::repairing(&lease.path), shell::path(&lease.path));
    (what, format!("{repair} && git agentenv adopt {word}"))
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

/// What became of a lease that was looked at.
#[derive(Debug)]
pub enum Settled {
    /// What it held was given back, or would be; this is what it held, and why.
    Settled(Box<Lease>, Due),
    /// Nothing is to be given back.
    NotDue,
    /// Another process is at work on it.
    Busy,
}

/// Gives back what one lease holds if it is due.
///
/// # Errors
/// When it could not be given back; it stays on record.
pub fn settle(ui: &Ui, store: &Store, lease: &Lease, dry_run: bool) -> Result<Settled> {
    let Some(_working) = store.try_lock_lease(&lease.id)? else {
        return Ok(Settled::Busy);
    };
    // It may have come to its end since the leases were read.
    let Some(lease) = store.lease(&lease.id)? else {
        return Ok(Settled::NotDue);
    };
    let Some(due) = due(&lease)? else {
        return Ok(Settled::NotDue);
    };
    if !dry_run {
        give_back(ui, store, &lease, due)?;
    }
    Ok(Settled::Settled(Box::new(lease), due))
}

/// Without the user's word: what has live sessions or holds work stays.
fn give_back(ui: &Ui, store: &Store, lease: &Lease, due: Due) -> Result<()> {
    if due == Due::AddInterrupted {
        return teardown::undo(ui, store, lease);
    }
    removal_risks::require_none(lease, &removal_risks::of(lease, false)?, false)?;
    let lease = Lease { phase: Phase::Removing, ..lease.clone() };
    store.save(&lease)?;
    teardown::remove(ui, store, &lease, Force::default())
}

/// Before `add`: what an earlier environment of the same branch left behind.
///
/// # Errors
/// When another process is at work on it, or it cannot be given back.
pub fn stale(context: &Context, ui: &Ui, branch: &str) -> Result<()> {
    for lease in context.leases()? {
        if lease.branch.as_deref() != Some(branch) || due(&lease)?.is_none() {
            continue;
        }
        ui.say(format!("giving back what the earlier `{}` left", lease.name));
        match settle(ui, &context.store, &lease, false).map_err(|error| held(&lease, error))? {
            Settled::Settled(..) | Settled::NotDue => {}
            Settled::Busy => return Err(busy(&lease)),
        }
    }
    Ok(())
}

/// `add` has no `--force` that could give anything up.
fn held(lease: &Lease, error: anyhow::Error) -> anyhow::Error {
    if exit_of(&error) != Exit::Refused {
        return error;
    }
    let name = &lease.name;
    error::refused(format!("{error:#}"))
        .hint(format!("save it, or give it up: `git agentenv remove --force {name}`"))
        .into()
}

/// The refusal because another process works on an environment.
pub fn busy(lease: &Lease) -> anyhow::Error {
    let message = format!("another process is working on the environment `{}`", lease.name);
    error::refused(message).hint("wait until it is done").into()
}
