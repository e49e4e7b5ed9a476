//! Moves the worktree of an environment to another directory.

use crate::environment::context::Context;
use crate::environment::{files, nested, resolve, unused, worktree};
use crate::error;
use crate::model::lease::{Lease, Phase};
use crate::model::shell;
use crate::sys::docker::Projects;
use crate::sys::fs::{self, Stands};
use crate::sys::git;
use crate::sys::repo::{self, Worktree};
use crate::ui::Ui;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// Moves it, unless it is there already, and returns its new directory. As with `git worktree move`, a directory that
/// exists gets the worktree inside. What names the old place is left to [`adopt`](super::adopt), which repairs it.
///
/// # Errors
/// `Refused` when it is in use, locked or not complete, or when something is at the path; nothing is changed then.
pub fn worktree(context: &Context, ui: &Ui, lease: &Lease, wanted: &Path) -> Result<PathBuf> {
    let (_working, lease) = context.lock_current(ui, lease)?;
    let tree = complete(&lease)?;
    let wanted = fs::canonical(wanted);
    if fs::canonical(&tree.path) != wanted && worktree::elsewhere(&lease, &tree)?.is_none() {
        require_unused(&lease, "move")?;
    }
    to(context, &lease, &tree, wanted)
}

/// The worktree of an environment that is complete.
///
/// # Errors
/// `Refused` when it is not.
pub fn complete(lease: &Lease) -> Result<Worktree> {
    let tree = worktree::of(lease)?.filter(|_| lease.phase == Phase::Ready);
    tree.ok_or_else(|| resolve::incomplete(lease))
}

/// As [`worktree()`], of one that nothing uses, for those who hold the lease's lock.
pub fn to(context: &Context, lease: &Lease, tree: &Worktree, wanted: PathBuf) -> Result<PathBuf> {
    match worktree::elsewhere(lease, tree)? {
        // A git that was killed had moved the directory, but not noted it.
        Some(place) if fs::canonical(&place) == wanted => {
            git::repair_worktree(&lease.main, &wanted)?;
        }
        _ if fs::canonical(&tree.path) == wanted => {}
        _ => return carry_out(context, lease, tree, wanted),
    }
    Ok(wanted)
}

fn carry_out(
    context: &Context,
    lease: &Lease,
    tree: &Worktree,
    wanted: PathBuf,
) -> Result<PathBuf> {
    worktree::require_in_place(lease, tree)?;
    worktree::require_unlocked(lease, tree)?;
    let lease = Lease { path: fs::canonical(&tree.path), ..lease.clone() };
    let target = match fs::stands(&wanted)? {
        Stands::Directory => wanted.join(lease.path.file_name().unwrap_or_default()),
        _ => wanted,
    };
    if target == lease.path {
        return Ok(target);
    }
    let places = nested::places(&context.store)?;
    let trees = repo::worktrees(&lease.repository)?;
    nested::require_none_inside(&lease, &places, &trees, "move")?;
    nested::require_outside(&target, &lease, &places, &trees)?;
    if fs::stands(&target)? != Stands::Nothing {
        return Err(error::refused(format!("{} already exists", target.display())).into());
    }
    if let Some(parent) = target.parent().filter(|parent| !parent.is_dir()) {
        let failure = error::refused(format!("{} is not a directory", parent.display()));
        return Err(failure.hint(format!("create it: `mkdir -p {}`", shell::path(parent))).into());
    }
    git::move_worktree(&lease.main, &lease.path, &target)?;
    files::ignore_worktrees(&context.store, &Lease { path: target.clone(), ..lease })?;
    Ok(target)
}

/// Its containers that do not run. Only the directory tells whose they are: from another one no command would find them.
fn stopped(lease: &Lease, containers: &Projects) -> Vec<String> {
    let own = containers.of(&lease.project, &lease.path).into_iter();
    let stopped = own.filter(|container| !container.is_up());
    stopped.map(|container| format!("its container `{}` is stopped", container.name)).collect()
}

/// What runs would write to the old place, or go on with variables that name it.
pub fn require_unused(lease: &Lease, verb: &str) -> Result<()> {
    let containers = match Projects::list() {
        Err(_) if lease.compose_file.is_none() => None,
        containers => Some(containers?),
    };
    let active = unused::active(&[lease], containers.as_ref());
    let mut uses = active.into_iter().flatten().collect::<Vec<_>>();
    uses.extend(containers.iter().flat_map(|containers| stopped(lease, containers)));
    for connected in unused::connected(&[lease]) {
        uses.extend(connected?.then(|| "a client is connected to its servers".to_owned()));
    }
    if uses.is_empty() {
        return Ok(());
    }
    let message = format!("cannot {verb} `{}`, it is in use:\n  {}", lease.name, uses.join("\n  "));
    let hint = format!(
        "stop what `up` started, and remove its containers: `git agentenv down {}`; end the rest, and {verb} again",
        shell::word(&lease.name)
    );
    Err(error::refused(message).hint(hint).into())
}
