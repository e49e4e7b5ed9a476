//! Closes the worktree of an environment that is removed: its directory gets another name, so that nothing is written while
//! nobody looks any more. Opened again, it is as it was.

use crate::environment::{trash, worktree};
use crate::error;
use crate::model::lease::Lease;
use crate::model::shell;
use crate::sys::fs::{self, Stands};
use crate::sys::repo::Worktree;
use crate::sys::store::Store;
use crate::sys::{failpoint, git};
use anyhow::{Result, anyhow};
use std::path::PathBuf;

/// Where the directory of a closed worktree is.
fn place(lease: &Lease) -> PathBuf {
    trash::beside(&lease.path, &lease.id)
}

/// Whether the worktree of this lease is closed. Where it is in its own place, or was never ready, the other directory is not
/// ours.
pub fn is_closed(lease: &Lease) -> Result<bool> {
    let is_open = || git::admin_of(&lease.path).ok() == lease.admin;
    let is_there = fs::stands(&place(lease))? == Stands::Directory;
    Ok(is_there && lease.was_whole() && !is_open())
}

/// Where the directory of a worktree is, closed or not.
pub fn now_at(lease: &Lease) -> Result<PathBuf> {
    Ok(if is_closed(lease)? { place(lease) } else { lease.path.clone() })
}

/// A lease and its worktree with the path where its directory is now.
pub fn found(lease: &Lease, tree: &Worktree) -> Result<(Lease, Worktree)> {
    let (mut lease, mut tree) = (lease.clone(), tree.clone());
    if is_closed(&lease)? {
        tree.path = place(&lease);
        lease.path.clone_from(&tree.path);
    }
    Ok((lease, tree))
}

/// Closes a worktree; it is on the disk after [`sync`].
///
/// # Errors
/// Why its directory cannot be renamed; it is as it was then. `Refused` where another has the name that it would get.
pub fn close(lease: &Lease, tree: &Worktree) -> Result<()> {
    if is_closed(lease)? {
        return Ok(());
    }
    let to = place(lease);
    if fs::stands(&to)? != Stands::Nothing {
        let message =
            format!("cannot close worktree {}: {} exists", lease.path.display(), to.display());
        let word = shell::path(&to);
        return Err(error::refused(message)
            .hint(format!("move it away: `mv {word} {word}.old`"))
            .into());
    }
    if !fs::entries(&tree.admin.join("modules"))?.is_empty() {
        return Err(anyhow!("git cannot move a worktree with submodules"));
    }
    // `git worktree prune` would delete git's record of a worktree whose directory is gone.
    let lock = tree.admin.join("locked");
    let is_new = fs::create(&lock, format!("{}\n", lease.mark()).as_bytes())?;
    if !is_new {
        worktree::require_unlocked(lease, &Worktree { locked: fs::word(&lock), ..tree.clone() })?;
    }
    let moved = fs::rename(&lease.path, &to);
    if moved.is_err() && is_new {
        git::unlock(&tree.admin)?;
    }
    moved
}

/// Makes last that each of these worktrees was closed, or opened again: what is on record next says so.
pub fn sync(leases: &[&Lease]) -> Vec<Result<()>> {
    let unsynced = fs::unsynced(leases.iter().filter_map(|lease| lease.path.parent()));
    let failed = |lease: &&Lease| unsynced.get(lease.path.parent()?).map(error::again);
    leases.iter().map(|lease| failed(lease).map_or(Ok(()), Err)).collect()
}

/// Opens a worktree again, as far as it was closed; it is on the disk after [`sync`].
///
/// # Errors
/// When something else has its name by now.
pub fn open(lease: &Lease) -> Result<()> {
    let (from, to) = (place(lease), &lease.path);
    if is_closed(lease)? {
        fs::rename(&from, to).map_err(|error| {
            let message = format!("cannot put the worktree {} back", to.display());
            let path = shell::path(to);
            let way = match fs::stands(to) {
                Ok(Stands::Nothing) => "fix that".to_owned(),
                _ => format!("move what is there away (`mv {path} {path}.old`)"),
            };
            let hint = format!("{way}, then run `git agentenv prune`");
            error.context(error::partial(message).hint(hint))
        })?;
    }
    failpoint::point("worktree-opened")?;
    let Some(tree) = worktree::of(lease)? else { return Ok(()) };
    if fs::canonical(&tree.path) != *to {
        // A git that ran inside told git the other name.
        git::repair_worktree(&lease.main, to)?;
    }
    if tree.locked.as_deref() == Some(lease.mark().as_str()) {
        git::unlock(&tree.admin)?;
    }
    Ok(())
}

/// Takes a closed worktree from git; its files are only to be deleted then.
///
/// # Errors
/// When git's record of it cannot be taken away.
pub fn take(store: &Store, lease: &Lease, tree: Option<&Worktree>) -> Result<()> {
    // It names a record that another worktree may get.
    fs::remove(&place(lease).join(".git"))?;
    failpoint::point("worktree-unlinked")?;
    let Some(tree) = tree else { return Ok(()) };
    let _lock = store.lock_repository(&lease.repository)?;
    trash::take_admin(lease, tree)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Exit, exit_of};
    use std::path::Path;

    fn of(dir: &Path) -> (Lease, Worktree) {
        let admin = dir.join("admin");
        let lease = Lease { path: dir.join("x"), admin: Some(admin.clone()), ..Lease::example() };
        fs::make_dir(&admin).unwrap();
        fs::make_dir(&lease.path).unwrap();
        let path = lease.path.clone();
        (lease, Worktree { admin, path, branch: None, locked: None, lease: None })
    }

    #[test]
    fn a_lock_that_was_there_before_stays_and_its_own_goes() {
        let dir = tempfile::tempdir().unwrap();
        let (lease, tree) = of(&dir.path().canonicalize().unwrap());
        let lock = tree.admin.join("locked");
        fs::remove_dir(&lease.path).unwrap();
        assert!(close(&lease, &tree).is_err());
        assert_eq!(fs::stands(&lock).unwrap(), Stands::Nothing);
        fs::replace(&lock, lease.mark().as_bytes()).unwrap();
        assert!(close(&lease, &tree).is_err());
        assert_eq!(fs::word(&lock), Some(lease.mark()));
        // Closed already, it is left as it is.
        fs::remove(&lock).unwrap();
        fs::make_dir(&place(&lease)).unwrap();
        close(&lease, &tree).unwrap();
        assert_eq!(fs::stands(&lock).unwrap(), Stands::Nothing);
    }

    #[test]
    fn a_foreign_directory_with_the_name_is_refused_beside_any_worktree() {
        let dir = tempfile::tempdir().unwrap();
        let (lease, tree) = of(&dir.path().canonicalize().unwrap());
        fs::make_dir(&place(&lease)).unwrap();
        let pointer = format!("gitdir: {}", tree.admin.display());
        fs::replace(&lease.path.join(".git"), pointer.as_bytes()).unwrap();
        fs::make_dir(&tree.admin.join("modules/library")).unwrap();
        assert_eq!(exit_of(&close(&lease, &tree).unwrap_err()), Exit::Refused);
        fs::remove_dir(&place(&lease)).unwrap();
        assert_eq!(exit_of(&close(&lease, &tree).unwrap_err()), Exit::Failed);
        // A worktree that was never ready was never closed.
        fs::make_dir(&place(&lease)).unwrap();
        let half_made = Lease { admin: None, ..lease.clone() };
        assert!(!is_closed(&half_made).unwrap());
        fs::remove_dir(&lease.path).unwrap();
        assert!(is_closed(&lease).unwrap() && !is_closed(&half_made).unwrap());
    }
}
