//! Finishes interrupted operations and releases resources of deleted worktrees.

mod homeless;
mod settle;

pub use homeless::{Homeless, homeless};
pub use settle::{Released, Settled, settle_all};

use crate::environment::context::Context;
use crate::environment::worktree::{self, Neighbours};
use crate::error::{self, Exit, exit_of};
use crate::model::lease::{Lease, Phase};
use crate::model::shell;
use crate::sys::fs::{self, Stands};
use crate::sys::mounts;
use crate::sys::repo::Worktree;
use crate::ui::Ui;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// Why a lease is due to be released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Due {
    /// An `add` was interrupted.
    AddInterrupted,
    /// A `remove` was interrupted before anything was destroyed: it is an environment again.
    CloseInterrupted,
    /// A `remove` was interrupted.
    RemoveInterrupted,
    /// A `remove` did not finish moving the environment to the trash.
    KeepInterrupted,
    /// A `restore` did not finish.
    RestoreInterrupted,
    /// The worktree was deleted.
    WorktreeGone,
    /// The whole repository was deleted.
    RepositoryGone,
}

/// Whether a lease is due, judged by what exists. What cannot be read is not due.
pub fn due(lease: &Lease) -> Result<Option<Due>> {
    due_with(lease, &Neighbours::default(), || worktree::of(lease))
}

/// As [`due`], among what was seen near it, with the caller's way to find the lease's worktree.
pub fn due_with(
    lease: &Lease,
    near: &Neighbours,
    tree: impl FnOnce() -> Result<Option<Worktree>>,
) -> Result<Option<Due>> {
    if unmounted(lease)?.is_some() {
        return Ok(None);
    }
    if fs::stands(&lease.repository)? == Stands::Nothing {
        // That its disk is there is known by now.
        let is_due = homeless(lease, near)?.is_none() && was_deleted(&lease.repository)?;
        return Ok(is_due.then_some(Due::RepositoryGone));
    }
    Ok(match lease.phase {
        Phase::Creating => Some(Due::AddInterrupted),
        Phase::Closing => Some(Due::CloseInterrupted),
        Phase::Removing => Some(Due::RemoveInterrupted),
        Phase::Keeping => Some(Due::KeepInterrupted),
        Phase::Restoring => Some(Due::RestoreInterrupted),
        Phase::Ready => match tree()? {
            Some(tree) if fs::stands(&tree.path)? != Stands::Nothing => None,
            // Its disk may be unmounted; git keeps it, too.
            Some(tree) if worktree::is_locked(lease, &tree) => None,
            Some(tree) if is_out_of_sight(lease, &tree)? => None,
            Some(tree) => {
                let moved = worktree::moved_to(near, &lease.main, &tree)?;
                moved.is_none().then_some(Due::WorktreeGone)
            }
            None => homeless(lease, near)?.is_none().then_some(Due::WorktreeGone),
        },
    })
}

/// What of an environment may be on a disk that is not mounted, and the command for when that disk is gone for good.
pub fn unmounted(lease: &Lease) -> Result<Option<(String, String)>> {
    let (repository, worktree) = (&lease.repository, &lease.path);
    // The disk of a worktree that git moved is recorded for the lease.
    let places = [
        ("repository", repository, vec![repository.as_path()]),
        ("worktree", worktree, vec![worktree.as_path(), Path::new(&lease.id)]),
    ];
    for (what, path, recorded) in places {
        if fs::stands(path)? != Stands::Nothing {
            continue;
        }
        let away = recorded.into_iter().find_map(|name| mounts::away(name).transpose());
        let Some(away) = away.transpose()? else { continue };
        let (name, path, point) = (&lease.name, path.display(), away.point.display());
        let what = format!(
            "`{name}`: {what} {path} is missing: its disk, which was mounted at {point}, may be unmounted"
        );
        let records: Vec<String> = away.records.iter().map(|file| shell::path(file)).collect();
        let main = shell::path(&lease.main);
        let forget = format!("rm {} && mkdir -p {main} && git agentenv prune", records.join(" "));
        return Ok(Some((what, forget)));
    }
    Ok(None)
}

/// That git moved a worktree to where it is not, and may be on a disk that was never seen; and the command for when it was
/// deleted.
pub fn out_of_sight(lease: &Lease) -> Result<Option<(String, String)>> {
    let Some(tree) = worktree::of(lease)? else { return Ok(None) };
    let (name, path) = (&lease.name, tree.path.display());
    let what = format!(
        "`{name}`: worktree {path} is missing, with all that was beside it: its disk may be unmounted"
    );
    let deleted = "git worktree prune && git agentenv prune".to_owned();
    Ok(is_out_of_sight(lease, &tree)?.then_some((what, deleted)))
}

/// Whether nothing says that a missing worktree was deleted: git moved it to a place that was never seen, and there is nothing.
fn is_out_of_sight(lease: &Lease, tree: &Worktree) -> Result<bool> {
    let above = tree.path.parent().unwrap_or(&tree.path);
    // It may have been moved again since it was seen on a disk.
    let is_of = |disk: PathBuf| disk.parent().is_some() && tree.path.starts_with(disk);
    Ok(fs::canonical(&tree.path) != lease.path
        && fs::stands(&tree.path)? == Stands::Nothing
        && !mounts::noted(Path::new(&lease.id))?.is_some_and(is_of)
        && (fs::stands(above)? == Stands::Nothing || fs::entries(above)?.is_empty()))
}

/// A missing directory counts as deleted when the disk is there that it was on, as far as that is known, else only when its
/// parent can be read: a disk may be unmounted.
pub fn is_gone_for_good(path: &Path) -> Result<bool> {
    Ok(mounts::away(path)?.is_none() && was_deleted(path)?)
}

/// As [`is_gone_for_good`], where no disk is away that it could be on.
fn was_deleted(path: &Path) -> Result<bool> {
    if mounts::is_noted(path)? {
        return Ok(true);
    }
    let parent = path.parent().unwrap_or(path);
    let above = if path.file_name().is_some_and(|name| name == ".git") {
        parent.parent().unwrap_or(parent)
    } else {
        parent
    };
    Ok(fs::stands(above)? == Stands::Directory && !fs::entries(above)?.is_empty()
        || fs::stands(parent)? == Stands::Directory)
}

/// Releases, before `add`, what an earlier environment of the same branch left behind.
pub fn stale(context: &Context, ui: &Ui, branch: &str) -> Result<()> {
    let mut earlier = Vec::new();
    for lease in context.leases()? {
        if lease.branch.as_deref() == Some(branch) && due(&lease)?.is_some() {
            ui.say(format!("releasing what the earlier `{}` left behind", lease.name));
            earlier.push(lease);
        }
    }
    let settled = settle_all(ui, &context.store, &earlier, false);
    for (lease, settled) in earlier.iter().zip(settled) {
        match settled.map_err(|error| held(lease, error))? {
            Settled::Settled(..) | Settled::NotDue => {}
            Settled::Busy => return Err(busy(lease)),
        }
    }
    Ok(())
}

/// `add` has no `--force`, so the hint names the command that has.
fn held(lease: &Lease, error: anyhow::Error) -> anyhow::Error {
    if exit_of(&error) != Exit::Refused {
        return error;
    }
    let name = &lease.name;
    error::refused(format!("{error:#}"))
        .hint(format!("save it, or discard it: `git agentenv remove --force {name}`"))
        .into()
}

/// The refusal because another process works on an environment.
pub fn busy(lease: &Lease) -> anyhow::Error {
    let message = format!("another process is working on environment `{}`", lease.name);
    error::refused(message).hint("wait until it has finished").into()
}
