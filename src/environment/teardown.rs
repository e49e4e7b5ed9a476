//! Gives back what a lease holds: after a failure, at `remove`, and when `prune` finishes either.

use crate::environment::{files, processes, worktree};
use crate::error::{self, Exit, Failure, exit_of};
use crate::model::config::Place;
use crate::model::lease::{Lease, Part, Phase};
use crate::model::shell;
use crate::service::{self, Gone, inventory};
use crate::sys::repo::{self, MARK, Worktree};
use crate::sys::store::Store;
use crate::sys::{docker, failpoint, fs, git};
use crate::ui::Ui;
use anyhow::{Result, anyhow};
use std::thread;

/// What the user gave up, in so many words.
#[derive(Debug, Clone, Copy, Default)]
pub struct Force {
    /// Uncommitted and untracked files may go.
    pub work: bool,
    /// Live database sessions may be ended.
    pub sessions: bool,
    /// Keys in a redis index of the lease may go although an application flushed the mark.
    pub unmarked: bool,
}

/// Takes an environment away that is on record as `removing`. The record goes last.
///
/// # Errors
/// When something could not be given back: it is named, and stays on record.
pub fn remove(ui: &Ui, store: &Store, lease: &Lease, force: Force) -> Result<()> {
    let mut left = Vec::new();
    keep(&mut left, "processes", processes::end(lease, processes::GRACE).map(drop));
    keep(&mut left, "containers", containers(lease));
    failpoint::point("containers-removed")?;
    let tree = worktree::of(lease)?;
    let step = ui.step("worktree");
    let taken = worktree(lease, tree.as_ref(), force);
    let remains = taken.is_err() && worktree::has_remains(lease)?;
    if taken.is_err() && !remains {
        return taken;
    }
    let lease = &Lease { remains, ..lease.clone() };
    fragments(store, lease)?;
    if taken.is_ok() {
        step.done();
    }
    keep(&mut left, "worktree", taken);
    keep(&mut left, "branch", unwanted_branch(ui, lease));
    let parts = services(ui, lease, force, &mut left);
    conclude(store, lease, parts, left)
}

/// Takes back what an `add` made that did not come to its end.
///
/// # Errors
/// When something could not be given back: it is named, and stays on record.
pub fn undo(ui: &Ui, store: &Store, lease: &Lease) -> Result<()> {
    let mut left = Vec::new();
    if lease.adopted {
        keep(&mut left, "environment file", files::remove_env(lease));
        keep(&mut left, "worktree's mark", unmark(lease));
    } else {
        keep(&mut left, "worktree", half_made(store, lease));
        keep(&mut left, "branch", branch(lease));
    }
    let parts =
        services(ui, lease, Force { work: true, sessions: true, unmarked: false }, &mut left);
    conclude(store, lease, parts, left)
}

/// Removes the worktree. Without the user's word only what no work is in, whatever was deleted of it before.
fn worktree(lease: &Lease, tree: Option<&Worktree>, force: Force) -> Result<()> {
    let Some(tree) = tree else {
        return if lease.remains { worktree::finish(lease) } else { Ok(()) };
    };
    worktree::require_in_place(lease, tree)?;
    if lease.phase == Phase::Removing {
        worktree::repair(tree)?;
    }
    // Where git cannot even say, the user's word is enough.
    let work = if force.work { Vec::new() } else { worktree::work(lease, tree)? };
    if let Some(first) = work.first() {
        let more = work.len();
        let message = format!(
            "{} has uncommitted work ({more}, first `{}`)",
            tree.path.display(),
            first.trim()
        );
        let hint = "commit or stash it, or give it up with `--force`";
        return Err(error::refused(message).hint(hint).into());
    }
    worktree::remove(lease, tree, true)
}

/// A worktree that `add` did not finish. Nobody was told of it; if work is in it all the same, it stays.
fn half_made(store: &Store, lease: &Lease) -> Result<()> {
    match worktree::of(lease)? {
        Some(tree) if worktree::is_shell(&tree)? => worktree::discard(&tree)?,
        tree => worktree(lease, tree.as_ref(), Force::default())?,
    }
    fragments(store, lease)
}

fn fragments(store: &Store, lease: &Lease) -> Result<()> {
    let _lock = store.lock_repository(&lease.repository)?;
    worktree::discard_fragments(lease)
}

/// The branch that `add` made, when it still is as it was made and no worktree has it.
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
    git::delete_branch(&lease.main, branch, commit)
}

/// The branch that the user no longer wants, unless it has moved on since.
fn unwanted_branch(ui: &Ui, lease: &Lease) -> Result<()> {
    let (Some(branch), Some(commit)) = (&lease.branch, &lease.delete_branch_at) else {
        return Ok(());
    };
    match git::resolve(&lease.main, &format!("refs/heads/{branch}")) {
        Ok(_) if repo::checked_out(&lease.repository)?.contains_key(branch) => {
            ui.warn(format!("the branch `{branch}` is kept: it is checked out elsewhere"));
            Ok(())
        }
        Ok(now) if now == *commit => git::delete_branch(&lease.main, branch, commit),
        Ok(_) => {
            ui.warn(format!("the branch `{branch}` is kept: it has moved on"));
            Ok(())
        }
        Err(error) if exit_of(&error) == Exit::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn unmark(lease: &Lease) -> Result<()> {
    match worktree::of(lease)? {
        Some(tree) => fs::remove(&tree.admin.join(MARK)),
        None => Ok(()),
    }
}

/// Containers that were started in the worktree. Where no engine is and none was needed, there are none.
fn containers(lease: &Lease) -> Result<()> {
    let needs_docker = lease.parts.iter().any(|part| !matches!(part.place, Place::Host));
    match docker::remove_project(&lease.project, &lease.path) {
        Err(_) if !needs_docker => Ok(()),
        removed => removed.map(drop),
    }
}

/// Gives the parts back side by side; gives those that could not be.
fn services(ui: &Ui, lease: &Lease, force: Force, left: &mut Vec<anyhow::Error>) -> Vec<Part> {
    let results: Vec<_> = thread::scope(|scope| {
        let start = |part| scope.spawn(move || give_back(ui, lease, part, force));
        let started: Vec<_> = lease.parts.iter().map(start).collect();
        let panicked = |_| Err(anyhow!("a service's thread panicked"));
        started.into_iter().map(|part| part.join().unwrap_or_else(panicked)).collect()
    });
    let mut parts = Vec::new();
    for (part, result) in lease.parts.iter().zip(results) {
        if let Err(error) = result {
            parts.push(part.clone());
            left.push(error);
        }
    }
    parts
}

fn give_back(ui: &Ui, lease: &Lease, part: &Part, force: Force) -> Result<()> {
    let what = format!("{} {}", part.service, part.holds);
    let step = ui.step(&what);
    let reclaimed = match force.unmarked {
        true => service::reclaim(part, &lease.id).map(drop),
        false => Ok(()),
    };
    let gone = reclaimed
        .and_then(|()| service::give_back(part, &lease.id, force.sessions, &lease.path))
        .map_err(|error| error.context(format!("cannot give back {what}")))?;
    match gone {
        Gone::Dropped => step.done(),
        Gone::Missing => step.nothing(),
        Gone::NotOurs(whose) => {
            step.nothing();
            ui.warn(format!("{what} is left alone: it is not this environment's ({whose})"));
        }
        Gone::Busy(sessions) => {
            step.nothing();
            let message = format!("{what} is in use by {}", inventory::listed(&sessions));
            let hint = "end these sessions, or give them up with `--force`";
            return Err(error::refused(message).hint(hint).into());
        }
    }
    Ok(())
}

/// Forgets the lease, or keeps it on record with what is left.
fn conclude(
    store: &Store,
    lease: &Lease,
    parts: Vec<Part>,
    left: Vec<anyhow::Error>,
) -> Result<()> {
    if left.is_empty() {
        failpoint::point("before-forgotten")?;
        store.forget(&lease.id)?;
        return failpoint::point("forgotten");
    }
    let hint = way_out(store, lease, &parts);
    store.save(&Lease { parts, ..lease.clone() })?;
    let named: Vec<String> = left.iter().map(|error| format!("{error:#}")).collect();
    let message =
        format!("done in part; still on record for `{}`: {}", lease.name, named.join("; "));
    let interrupted = left.iter().any(|error| exit_of(error) == Exit::Interrupted);
    let exit = if interrupted { Exit::Interrupted } else { Exit::Partial };
    Err(Failure::new(exit, message).hint(hint).into())
}

fn way_out(store: &Store, lease: &Lease, parts: &[Part]) -> String {
    let prune = "`git agentenv prune` finishes it once that is mended";
    if parts.is_empty() {
        return prune.to_owned();
    }
    // Whether a server ever comes back only the user knows.
    let record = shell::path(&store.file(&lease.id));
    format!("{prune}; if its server is gone for good, delete the record: `rm {record}`")
}

fn keep(left: &mut Vec<anyhow::Error>, what: &str, result: Result<()>) {
    if let Err(error) = result {
        left.push(error.context(format!("cannot give back the {what}")));
    }
}
