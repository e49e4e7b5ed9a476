//! The worktree of an environment: create, find, remove.

mod fragments;
mod neighbours;
pub mod record;

pub use fragments::{discard as discard_fragments, remove as remove_admin};
pub use neighbours::Neighbours;

use crate::error;
use crate::model::lease::{Lease, Phase};
use crate::model::plan::{Plan, Start, Target};
use crate::model::shell;
use crate::sys::fs::{self, Stands};
use crate::sys::git::{self, Checkout, Unheld};
use crate::sys::repo::{self, Worktree};
use crate::sys::store::Store;
use crate::sys::{compare, failpoint};
use anyhow::Result;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Creates the worktree of a plan, and its branch if that is new; returns the admin directory.
pub fn make(store: &Store, plan: &Plan) -> Result<PathBuf> {
    let lease = &plan.lease;
    if lease.adopted {
        return git::mark_worktree(&lease.path, &lease.id);
    }
    let mark = lease.mark();
    let what = match &plan.target {
        Target::Branch { name, start } => {
            if let Start::New { commit, .. } | Start::Remote { commit, .. } = start {
                git::create_branch(&lease.main, name, commit, &mark)?;
            }
            Checkout::Branch(name)
        }
        Target::Detached { commit, .. } => Checkout::Detached(commit),
    };
    {
        // Two git processes that make or read admin directories at the same time fail now and then.
        let _lock = store.lock_repository(&lease.repository)?;
        git::add_worktree(&lease.main, &lease.path, what, &mark)?;
        if let Target::Branch { name, start: Start::Remote { remote, .. } } = &plan.target {
            git::track(&lease.main, name, remote)?;
        }
    }
    let admin = git::mark_worktree(&lease.path, &lease.id)?;
    failpoint::point("worktree-marked")?;
    git::checkout(&lease.main, &lease.path)?;
    Ok(admin)
}

/// Takes our lock off a new worktree when its mark is on the disk: until then the lock tells whose it is.
pub fn unlock(lease: &Lease, admin: &Path) -> Result<()> {
    fs::sync_dirs([admin])?;
    if lease.adopted {
        return Ok(());
    }
    git::unlock(admin)?;
    failpoint::point("worktree-unlocked")
}

/// The worktree that belongs to a lease, also one that `add` did not finish.
pub fn of(lease: &Lease) -> Result<Option<Worktree>> {
    Ok(among(lease, &repo::worktrees(&lease.repository)?).cloned())
}

/// The one of its repository's worktrees that belongs to a lease, also one that `add` did not finish.
pub fn among<'a>(lease: &Lease, trees: &'a [Worktree]) -> Option<&'a Worktree> {
    let marked = trees.iter().find(|tree| tree.lease.as_deref() == Some(&lease.id));
    marked.or_else(|| {
        let mark = lease.mark();
        let half_made = |tree: &&Worktree| {
            tree.lease.is_none() && tree.locked.as_deref() == Some(mark.as_str())
        };
        trees.iter().find(half_made)
    })
}

/// The one of these worktrees that has the lease's mark, or has lost it.
pub fn standing<'a>(lease: &Lease, trees: &'a [Worktree]) -> Option<&'a Worktree> {
    let marked = trees.iter().find(|tree| tree.lease.as_deref() == Some(&lease.id));
    marked.or_else(|| trees.iter().find(|tree| record::is_unmarked(lease, tree)))
}

/// The files of the worktree that no commit holds: its work (changed, deleted and untracked ones), and the ignored ones.
///
/// A checkout that did not finish has no index yet, and a removal that did not finish leaves files missing: neither
/// is work. Nor is a file that the main checkout has as well, or a link to it, if it is untracked or git was told to overlook it.
pub fn unheld(lease: &Lease, tree: &Worktree) -> Result<Unheld> {
    if !tree.is_present() {
        return Ok(Unheld::default());
    }
    let is_checked_out = tree.admin.join("index").exists();
    let is_written =
        |file: &str| file == lease.env_file || Some(file) == lease.compose_file.as_deref();
    let is_ours = |file: &str| is_written(file) || fs::is_unfinished(Path::new(file));
    let is_ready = lease.phase == Phase::Ready;
    let mut unheld = git::status(tree)?;
    let is_in_main = |file: &str| compare::changed(&lease.main, &tree.path, file).is_empty();
    unheld.work.retain(|entry| {
        let untracked = entry.strip_prefix("?? ");
        let is_deleted = entry.starts_with(" D ") || entry.starts_with("D  ");
        is_checked_out
            && !untracked.is_some_and(|file| is_ours(file) || is_in_main(file))
            && (is_ready || !is_deleted)
    });
    for file in std::mem::take(&mut unheld.overlooked) {
        if !is_ours(&file) && !is_in_main(&file) {
            unheld.work.push(format!(" M {file} (git was told to overlook it)"));
        }
    }
    Ok(unheld)
}

/// Refuses a worktree that the user locked, with the lock's reason. `--force` never overrides it.
pub fn require_unlocked(lease: &Lease, tree: &Worktree) -> Result<()> {
    let reason = tree.locked.as_deref().unwrap_or_default();
    if !is_locked(lease, tree) {
        return Ok(());
    }
    let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    let message = format!("worktree {} is locked{why}", lease.path.display());
    let path = shell::path(&lease.path);
    let hint = format!("unlock it: `git worktree unlock {path}`");
    Err(error::refused(message).hint(hint).into())
}

/// Refuses a worktree that was moved without git, also where a link leads to it now: it is in use where it is.
pub fn require_in_place(lease: &Lease, tree: &Worktree) -> Result<()> {
    let is_link = fs::stands(&tree.path)? == Stands::Link && tree.path.is_dir();
    let place = if is_link { Some(fs::canonical(&tree.path)) } else { elsewhere(lease, tree)? };
    let Some(place) = place else { return Ok(()) };
    let message = format!("worktree {} was moved without git", tree.path.display());
    let failure = error::refused(message);
    Err(failure.hint(format!("tell git its new place: `{}`", repairing(&place))).into())
}

/// The command that tells git where a worktree is that was moved without git.
pub fn repairing(place: &Path) -> String {
    format!("git worktree repair {}", shell::path(place))
}

/// Whether the user locked the worktree: it may be on a disk that is not mounted.
pub fn is_locked(lease: &Lease, tree: &Worktree) -> bool {
    tree.locked.as_ref().is_some_and(|reason| *reason != lease.mark())
}

/// Restores the `.git` file of a worktree whose removal was interrupted, so that git can read what is left.
pub fn repair(tree: &Worktree) -> Result<()> {
    let pointer = tree.path.join(".git");
    if fs::stands(&tree.path)? != Stands::Directory || fs::stands(&pointer)? != Stands::Nothing {
        return Ok(());
    }
    fs::replace(&pointer, format!("gitdir: {}\n", tree.admin.display()).as_bytes())
}

/// Removes a worktree.
///
/// # Errors
/// When git refuses: without `force` if it holds work, and always if the user locked it.
pub fn remove(lease: &Lease, tree: &Worktree, force: bool) -> Result<()> {
    if tree.locked.as_deref() == Some(lease.mark().as_str()) {
        git::unlock(&tree.admin)?;
    }
    if fs::stands(&tree.path)? == Stands::Nothing {
        require_unlocked(lease, tree)?;
        return remove_admin(&tree.admin);
    }
    let removed = git::remove_worktree(&lease.main, &tree.path, force);
    if removed.is_ok() || fs::stands(&tree.admin)? != Stands::Nothing {
        return removed;
    }
    // Git has deleted its record; a checkout that outlived its parent process wrote into the directory meanwhile.
    remove_remains(&tree.path)
}

/// Deletes the files of a worktree that git no longer knows, unless another worktree or repository is there now.
pub fn finish(lease: &Lease) -> Result<()> {
    let is_taken = |tree: &Worktree| fs::canonical(&tree.path) == fs::canonical(&lease.path);
    let own = lease.admin.as_deref().unwrap_or(Path::new(""));
    let taken = repo::worktrees(&lease.repository)?.iter().any(is_taken);
    if taken || is_anothers(&lease.path, own)? { Ok(()) } else { remove_remains(&lease.path) }
}

/// Whether git no longer knows a worktree whose directory is still there.
pub fn has_remains(lease: &Lease) -> Result<bool> {
    Ok(of(lease)?.is_none() && fs::stands(&lease.path)? != Stands::Nothing)
}

/// Removes the directories above a deleted worktree that are named for the environment and empty, as a template like
/// `../{name}/{repo}` creates them.
pub fn remove_empty_parents(lease: &Lease) {
    let named = |dir: &&Path| dir.file_name().is_some_and(|name| name == lease.name.as_str());
    for dir in lease.path.ancestors().skip(1).take_while(named) {
        if fs::remove_empty_dir(dir).is_err() {
            return;
        }
    }
}

fn remove_remains(path: &Path) -> Result<()> {
    for _ in 0..REMAINS_TRIES {
        if fs::remove_dir(path).is_ok() {
            return Ok(());
        }
        std::thread::sleep(REMAINS_PAUSE);
    }
    fs::remove_dir(path)
}

const REMAINS_TRIES: u32 = 40;
const REMAINS_PAUSE: Duration = Duration::from_millis(50);

/// Whether nothing was ever checked out in the worktree. Git may not be able to read its own record of it.
pub fn is_shell(tree: &Worktree) -> Result<bool> {
    let own = tree.path.join(".git");
    let is_empty = fs::entries(&tree.path)?.iter().all(|entry| *entry == own);
    Ok((is_empty || is_anothers(&tree.path, &tree.admin)?) && !tree.admin.join("index").exists())
}

/// Removes a worktree in which nothing was checked out, without git.
pub fn discard(tree: &Worktree) -> Result<()> {
    if !is_anothers(&tree.path, &tree.admin)? {
        fs::remove_dir(&tree.path)?;
    }
    remove_admin(&tree.admin)
}

/// Whether another repository or worktree is now where the one with this admin directory was.
fn is_anothers(path: &Path, own: &Path) -> Result<bool> {
    Ok(match fs::stands(&path.join(".git"))? {
        Stands::Nothing => false,
        // A file that names nothing is left by a git that was killed.
        Stands::File => git::admin_of(path).is_ok_and(|admin| admin != own),
        Stands::Directory | Stands::Link | Stands::Other => true,
    })
}

/// Where the worktree is after it was moved without git; `None` if it is where git has it.
///
/// Git would call it prunable. Searched beside its old place and beside and in the main checkout.
pub fn elsewhere(lease: &Lease, tree: &Worktree) -> Result<Option<PathBuf>> {
    moved_to(&Neighbours::default(), &lease.main, tree)
}

/// As [`elsewhere`], among what was seen near it, of a worktree whose lease may be lost.
pub fn moved_to(near: &Neighbours, main: &Path, tree: &Worktree) -> Result<Option<PathBuf>> {
    if fs::stands(&tree.path)? != Stands::Nothing {
        return Ok(None);
    }
    near.find(main, &tree.path, &tree.admin, |_| true)
}
