//! Deletes what leases hold: at `remove`, after a failed `add`, and when `prune` finishes either.

mod parts;
mod together;

pub use together::{
    Going, end_all, end_containers, end_processes, remove_all, remove_containers, remove_volumes,
};

use crate::environment::{closing, files, trash, worktree};
use crate::error;
use crate::model::lease::{Lease, Part, Phase};
use crate::model::shell;
use crate::service::removal::Servers;
use crate::sys::repo::{self, MARK, Worktree};
use crate::sys::store::Store;
use crate::sys::{failpoint, fs, git, parallel};
use crate::ui::Ui;
use anyhow::Result;

/// What may be destroyed although it is in use or holds work.
#[derive(Debug, Clone, Copy, Default)]
pub struct Force {
    /// Uncommitted and untracked files.
    pub work: bool,
    /// Live database sessions.
    pub sessions: bool,
    /// Keys in a Redis index of the lease whose mark an application flushed.
    pub unmarked: bool,
}

/// Rolls back an `add` that did not finish.
///
/// # Errors
/// Partial, naming what could not be deleted; the lease keeps it.
pub fn undo(ui: &Ui, store: &Store, lease: &Lease) -> Result<()> {
    undo_all(ui, store, &Servers::of(&[lease]), &[lease]).into_iter().collect()
}

/// Rolls back each `add` that did not finish, as [`undo`] does.
pub fn undo_all(ui: &Ui, store: &Store, servers: &Servers, leases: &[&Lease]) -> Vec<Result<()>> {
    let left: Vec<_> = parallel::each(leases, |lease| take_back(store, lease));
    let force = Force { work: true, sessions: true, unmarked: false };
    let wanted: Vec<_> = leases.iter().map(|lease| (*lease, force)).collect();
    let ((), gone) =
        parallel::both(|| trash::sync_gone(ui, leases), || parts::release(ui, servers, &wanted));
    let ended = leases.iter().zip(left).zip(gone).map(|((lease, mut left), gone)| {
        let parts = parts::left(lease, gone, &mut left);
        conclude(store, lease, parts, left)
    });
    ended.collect()
}

/// Deletes what an `add` made outside the servers; gives what could not be deleted.
fn take_back(store: &Store, lease: &Lease) -> Vec<anyhow::Error> {
    let mut left = Vec::new();
    if lease.adopted {
        keep(&mut left, "environment file", files::remove_env(lease));
        keep(&mut left, "compose file", files::remove_compose(lease));
        keep(&mut left, "worktree's mark", unmark(lease));
    } else {
        keep(&mut left, "worktree", half_made(store, lease));
        keep(&mut left, "branch", branch(lease));
    }
    left
}

/// Removes the worktree of a lease that is `removing`: one that is closed was looked at, and is only taken from git.
fn worktree(store: &Store, lease: &Lease, tree: Option<&Worktree>, force: Force) -> Result<()> {
    if closing::is_closed(lease)? {
        return closing::take(store, lease, tree);
    }
    let Some(tree) = tree else {
        return if lease.remains { worktree::finish(lease) } else { Ok(()) };
    };
    worktree::require_in_place(lease, tree)?;
    if lease.phase == Phase::Removing {
        worktree::repair(tree)?;
    }
    // With `--force` it goes even where git cannot read it.
    let work = if force.work { Vec::new() } else { worktree::unheld(lease, tree)?.work };
    if let Some(first) = work.first() {
        let more = work.len();
        let message = format!(
            "{} has uncommitted work ({more}, first `{}`)",
            tree.path.display(),
            first.trim()
        );
        let hint = "commit or stash it, or discard it with `--force`";
        return Err(error::refused(message).hint(hint).into());
    }
    worktree::remove(lease, tree, true)
}

/// Removes a worktree that `add` did not finish. One that holds work stays.
fn half_made(store: &Store, lease: &Lease) -> Result<()> {
    match worktree::of(lease)? {
        Some(tree) if worktree::is_shell(&tree)? => worktree::discard(&tree)?,
        // A git that is ended between making the directory and noting that it did leaves it, and nothing else.
        None => fs::remove_empty_dir(&lease.path)?,
        tree => worktree(store, lease, tree.as_ref(), Force::default())?,
    }
    fragments(store, lease)
}

fn fragments(store: &Store, lease: &Lease) -> Result<()> {
    let _lock = store.lock_repository(&lease.repository)?;
    worktree::discard_fragments(&lease.repository, &[lease])
}

/// Deletes the branch that `add` created, if it still is at that commit and no worktree has it checked out.
fn branch(lease: &Lease) -> Result<()> {
    let (Some(branch), Some(commit)) = (&lease.branch, &lease.branch_created_at) else {
        return Ok(());
    };
    if repo::checked_out(&lease.repository)?.contains_key(branch) {
        return Ok(());
    }
    if git::birth_of_branch(&lease.main, branch)?.as_deref() != Some(&lease.mark()) {
        return Ok(());
    }
    if git::resolve(&lease.main, &format!("refs/heads/{branch}"))? != *commit {
        return Ok(());
    }
    git::delete_branch(&lease.repository, branch, commit)
}

/// Deletes the branch of `--delete-branch`, if it still is at the commit that was counted.
pub(super) fn unwanted_branch(ui: &Ui, lease: &Lease) -> Result<()> {
    let (Some(branch), Some(commit)) = (&lease.branch, &lease.delete_branch_at) else {
        return Ok(());
    };
    match git::tip(&lease.main, &format!("refs/heads/{branch}"))? {
        Some(_) if repo::checked_out(&lease.repository)?.contains_key(branch) => {
            ui.warn(format!("keeping branch `{branch}`: it is checked out elsewhere"));
            Ok(())
        }
        Some(now) if now == *commit => git::delete_branch(&lease.repository, branch, commit),
        Some(_) => {
            ui.warn(format!("keeping branch `{branch}`: it has new commits"));
            Ok(())
        }
        None => Ok(()),
    }
}

fn unmark(lease: &Lease) -> Result<()> {
    match worktree::of(lease)? {
        Some(tree) => fs::remove(&tree.admin.join(MARK)),
        None => Ok(()),
    }
}

/// Deletes the lease, or keeps it with what is left.
fn conclude(
    store: &Store,
    lease: &Lease,
    parts: Vec<Part>,
    left: Vec<anyhow::Error>,
) -> Result<()> {
    if left.is_empty() {
        failpoint::point("before-forgotten")?;
        worktree::remove_empty_parents(lease);
        store.forget(&lease.id)?;
        return failpoint::point("forgotten");
    }
    let hint = way_out(store, lease, &parts);
    store.save(&Lease { parts, ..lease.clone() })?;
    let failure = error::left(&format!("`{}` partially removed", lease.name), &left);
    Err(failure.hint(hint).into())
}

/// What to do about parts that could not be released.
pub fn way_out(store: &Store, lease: &Lease, parts: &[Part]) -> String {
    let prune = "fix that and run `git agentenv prune`";
    if parts.is_empty() {
        return prune.to_owned();
    }
    // Only the user knows whether the server ever comes back.
    let record = shell::path(&store.file(&lease.id));
    let held: Vec<String> = parts.iter().map(ToString::to_string).collect();
    let held = held.join(", ");
    format!(
        "{prune}; if the server is gone for good, delete the lease: `rm {record}`; one that comes back would still have {held}"
    )
}

fn keep(left: &mut Vec<anyhow::Error>, what: &str, result: Result<()>) {
    if let Err(error) = result {
        left.push(error.context(format!("cannot release the {what}")));
    }
}
