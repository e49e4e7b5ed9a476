//! The files of an environment that is removed for good: deleted beside everything else, and by a process of their own where
//! that takes longer.

use super::place;
use crate::environment::worktree;
use crate::model::lease::Lease;
use crate::model::trash::Record;
use crate::sys::fs::{self, Stands};
use crate::sys::repo::Worktree;
use crate::sys::store::Store;
use crate::sys::{clock, failpoint, trash as records};
use crate::ui::Ui;
use anyhow::Result;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Takes git's record of a worktree from it in one step: other gits never read half of it. It is on the disk after
/// [`sync_gone`].
///
/// # Errors
/// When it can neither be moved nor deleted.
pub fn take_admin(lease: &Lease, tree: &Worktree) -> Result<()> {
    let to = admin(lease);
    let moved =
        fs::make_dir(to.parent().unwrap_or(&to)).and_then(|()| fs::rename(&tree.admin, &to));
    if moved.is_err() && fs::stands(&tree.admin)? != Stands::Nothing {
        return worktree::remove_admin(&tree.admin);
    }
    failpoint::point("admin-taken")
}

/// Deletes the files of a closed worktree, for as long as `may_go_on`; `false`: some are left.
///
/// # Errors
/// When one cannot be deleted.
pub fn delete(lease: &Lease, may_go_on: &(dyn Fn() -> bool + Sync)) -> Result<bool> {
    for dir in [place::beside(&lease.path, &lease.id), admin(lease)] {
        if !fs::remove_dir_while(&dir, may_go_on)? {
            return Ok(false);
        }
    }
    place::clear(&lease.repository, &lease.id)?;
    failpoint::point("files-deleted")?;
    Ok(true)
}

/// Makes last what was deleted of worktrees: a lease or a record that is forgotten before would leave the rest to nobody.
/// A directory that cannot be synced, as on a full disk, is named and keeps nothing from going: what comes back after a loss of
/// power is named by `prune`.
pub fn sync_gone(ui: &Ui, leases: &[&Lease]) {
    let records: BTreeSet<PathBuf> =
        leases.iter().map(|one| one.repository.join("worktrees")).collect();
    let dirs = leases.iter().flat_map(|lease| [lease.path.parent(), Some(&*lease.repository)]);
    for why in fs::unsynced(records.iter().map(PathBuf::as_path).chain(dirs.flatten())).values() {
        ui.warn(format!("{why:#}; what was deleted there may be back after a loss of power"));
    }
}

/// Leaves the files of a closed worktree to [`super::empty_in_background`], and forgets its lease.
///
/// # Errors
/// When that cannot be recorded; the lease is still there then.
pub fn discard(store: &Store, lease: &Lease) -> Result<()> {
    let place = place::beside(&lease.path, &lease.id);
    records::save(store, &Record::discarded(lease.clone(), place, clock::now()))?;
    failpoint::point("files-recorded")?;
    store.forget(&lease.id)
}

fn admin(lease: &Lease) -> PathBuf {
    place::base(&lease.repository, &lease.id).join("admin")
}
