//! The worktree: made, recognised, and taken away.

use crate::error;
use crate::model::lease::{Lease, Phase};
use crate::model::plan::{Plan, Start, Target};
use crate::model::shell;
use crate::sys::failpoint;
use crate::sys::fs::{self, Stands};
use crate::sys::git::{self, Checkout};
use crate::sys::repo::{self, Worktree};
use crate::sys::store::Store;
use anyhow::Result;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Makes the worktree of a plan, and the branch when it is new; gives its admin directory.
///
/// # Errors
/// When git refuses or fails.
pub fn make(store: &Store, plan: &Plan) -> Result<PathBuf> {
    let lease = &plan.lease;
    if lease.adopted {
        return git::mark_worktree(&lease.path, &lease.id);
    }
    let mark = lease.mark();
    let what = match &plan.target {
        Target::Branch { name, start } => {
            if let Start::New { commit } | Start::Remote { commit, .. } = start {
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
    git::checkout(&lease.path)?;
    git::unlock(&admin)?;
    failpoint::point("worktree-unlocked")?;
    Ok(admin)
}

/// The worktree that belongs to a lease, whole or half made.
///
/// # Errors
/// When the admin directories cannot be read.
pub fn of(lease: &Lease) -> Result<Option<Worktree>> {
    Ok(among(lease, &repo::worktrees(&lease.repository)?).cloned())
}

/// The one of its repository's worktrees that belongs to a lease, whole or half made.
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

/// What stands in the worktree that only there exists: changed, deleted and untracked files.
///
/// A checkout that never came to its end has no index yet, and a removal that did not leaves files missing;
/// neither is anybody's work.
///
/// # Errors
/// When git cannot say.
pub fn work(lease: &Lease, tree: &Worktree) -> Result<Vec<String>> {
    if !tree.is_present() || !tree.admin.join("index").exists() {
        return Ok(Vec::new());
    }
    let is_ours = |file: &str| file == lease.env_file || fs::is_unfinished(Path::new(file));
    let is_ready = lease.phase == Phase::Ready;
    let mut entries = git::status(&tree.path)?;
    entries.retain(|entry| {
        let untracked = entry.strip_prefix("?? ");
        let is_deleted = entry.starts_with(" D ") || entry.starts_with("D  ");
        !untracked.is_some_and(is_ours) && (is_ready || !is_deleted)
    });
    Ok(entries)
}

/// Goes on unless somebody locked the worktree: that is never forced.
///
/// # Errors
/// Refused, with the reason that the lock gives.
pub fn require_unlocked(lease: &Lease, tree: &Worktree) -> Result<()> {
    let reason = tree.locked.as_deref().unwrap_or_default();
    if !is_locked(lease, tree) {
        return Ok(());
    }
    let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    let message = format!("the worktree {} is locked{why}", lease.path.display());
    let path = shell::path(&lease.path);
    let hint = format!("`git worktree unlock {path}`, when nobody needs the lock");
    Err(error::refused(message).hint(hint).into())
}

/// Goes on unless the worktree was moved without git's help: it is in use where it is now.
///
/// # Errors
/// Refused, with the place.
pub fn require_in_place(lease: &Lease, tree: &Worktree) -> Result<()> {
    let Some(place) = elsewhere(lease, tree)? else { return Ok(()) };
    let message = format!("the worktree was moved away from {}", tree.path.display());
    let failure = error::refused(message);
    Err(failure.hint(format!("`{}` tells git where it is now", repairing(&place))).into())
}

/// The command that tells git where a worktree is that was moved without its help.
pub fn repairing(place: &Path) -> String {
    format!("git worktree repair {}", shell::path(place))
}

/// Whether somebody locked the worktree: it may be on a disk that is away.
pub fn is_locked(lease: &Lease, tree: &Worktree) -> bool {
    tree.locked.as_ref().is_some_and(|reason| *reason != lease.mark())
}

/// Puts back the pointer file of a worktree whose removal was cut short, so that git can look at what is left.
///
/// # Errors
/// When it cannot be written.
pub fn repair(tree: &Worktree) -> Result<()> {
    let pointer = tree.path.join(".git");
    if fs::stands(&tree.path)? != Stands::Directory || fs::stands(&pointer)? != Stands::Nothing {
        return Ok(());
    }
    fs::replace(&pointer, format!("gitdir: {}\n", tree.admin.display()).as_bytes())
}

/// Takes a worktree away for good.
///
/// # Errors
/// When git refuses: without `force` it does when there is work in it, and always when somebody locked it.
pub fn remove(lease: &Lease, tree: &Worktree, force: bool) -> Result<()> {
    if tree.locked.as_deref() == Some(lease.mark().as_str()) {
        git::unlock(&tree.admin)?;
    }
    if fs::stands(&tree.path)? == Stands::Nothing {
        require_unlocked(lease, tree)?;
        return fs::remove_dir(&tree.admin);
    }
    let removed = git::remove_worktree(&lease.main, &tree.path, force);
    if removed.is_ok() || fs::stands(&tree.admin)? != Stands::Nothing {
        return removed;
    }
    // Git is past the point of no return: a checkout that outlived its parent wrote into what git deleted.
    remove_remains(&tree.path)
}

/// Deletes what git left of a worktree that it has let go of, unless another one or a repository was put there.
///
/// # Errors
/// When something cannot be deleted.
pub fn finish(lease: &Lease) -> Result<()> {
    let is_taken = |tree: &Worktree| fs::canonical(&tree.path) == fs::canonical(&lease.path);
    let own = lease.admin.as_deref().unwrap_or(Path::new(""));
    let taken = repo::worktrees(&lease.repository)?.iter().any(is_taken);
    if taken || is_anothers(&lease.path, own)? { Ok(()) } else { remove_remains(&lease.path) }
}

/// Whether git has let go of a worktree whose directory is still there.
///
/// # Errors
/// When there is no knowing.
pub fn has_remains(lease: &Lease) -> Result<bool> {
    Ok(of(lease)?.is_none() && fs::stands(&lease.path)? != Stands::Nothing)
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

/// Nothing was ever checked out in the worktree. Git may not even be able to read what it has written of it.
///
/// # Errors
/// When its directory cannot be read.
pub fn is_shell(tree: &Worktree) -> Result<bool> {
    let own = tree.path.join(".git");
    let is_empty = fs::entries(&tree.path)?.iter().all(|entry| *entry == own);
    Ok((is_empty || is_anothers(&tree.path, &tree.admin)?) && !tree.admin.join("index").exists())
}

/// Removes a worktree in which nothing was checked out, without git's help.
///
/// # Errors
/// When it cannot be removed.
pub fn discard(tree: &Worktree) -> Result<()> {
    if !is_anothers(&tree.path, &tree.admin)? {
        fs::remove_dir(&tree.path)?;
    }
    fs::remove_dir(&tree.admin)
}

/// Whether somebody's own repository or worktree stands now where the one with this admin directory was.
fn is_anothers(path: &Path, own: &Path) -> Result<bool> {
    Ok(match fs::stands(&path.join(".git"))? {
        Stands::Nothing => false,
        // One that names nothing yet is git's, which was killed over it.
        Stands::File => git::admin_of(path).is_ok_and(|admin| admin != own),
        Stands::Directory | Stands::Link | Stands::Other => true,
    })
}

/// Removes admin directories that a killed git had only begun to write, or not removed to the end: without a
/// `gitdir` they are nobody's to git either, but it can trip over them at every command.
///
/// # Errors
/// When they cannot be read or removed.
pub fn discard_fragments(lease: &Lease) -> Result<()> {
    let name = lease.path.file_name().unwrap_or_default().as_encoded_bytes();
    for admin in fs::entries(&lease.repository.join("worktrees"))? {
        let word = |file: &str| fs::word(&admin.join(file)).filter(|word| !word.is_empty());
        let begins = admin.file_name().is_some_and(|own| own.as_encoded_bytes().starts_with(name));
        let foreign = word("locked").is_some_and(|mark| mark != lease.mark());
        if begins && !foreign && word("gitdir").is_none() {
            fs::remove_dir(&admin)?;
        }
    }
    Ok(())
}

/// Where the worktree is in use after it was moved without git's help; `None` when it stands where git has it.
///
/// Git would call it prunable. Looked for near where it was and near the main checkout.
///
/// # Errors
/// When these directories cannot be read.
pub fn elsewhere(lease: &Lease, tree: &Worktree) -> Result<Option<PathBuf>> {
    if fs::stands(&tree.path)? != Stands::Nothing {
        return Ok(None);
    }
    let is_it = |place: &PathBuf| git::admin_of(place).is_ok_and(|admin| admin == tree.admin);
    let near = [tree.path.parent(), lease.main.parent(), Some(lease.main.as_path())];
    for dir in near.into_iter().flatten() {
        for entry in fs::entries(dir)? {
            let below = fs::entries(&entry).unwrap_or_default();
            if let Some(place) = std::iter::once(entry).chain(below).find(is_it) {
                return Ok(Some(place));
            }
        }
    }
    Ok(None)
}
