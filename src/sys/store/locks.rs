//! The locks of the store, each an open file: the kernel releases them, however a process ends.

use super::{Store, is_hex, short_hash};
use crate::model::lease::Lease;
use crate::sys::{fs, lock};
use anyhow::Result;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a killed process may still hold its locks.
const PASSING: Duration = Duration::from_millis(300);

/// The lock of a lease that may be lost. Dropped, it leaves no file that was not there before.
#[derive(Debug)]
pub struct LostLock {
    /// The file that was made for it.
    made: Option<PathBuf>,
    _lock: lock::Lock,
}

impl Drop for LostLock {
    /// The lock is held until after this: another process that waits for it makes the file again.
    fn drop(&mut self) {
        if let Some(file) = &self.made {
            fs::remove(file).ok();
        }
    }
}

/// What the name of a lock for hooks has behind the lease's id.
const HOOKS: &str = "-hooks";

impl Store {
    /// The lock under which slots are chosen. Never hold it while git or docker runs.
    pub fn lock(&self, waiting: impl FnOnce()) -> Result<lock::Lock> {
        lock::take(&self.dir.join("lock"), waiting)
    }

    /// The lock of the one process that works on this lease.
    pub fn lock_lease(&self, id: &str, waiting: impl FnOnce()) -> Result<lock::Lock> {
        lock::take(&self.lock_file(id), waiting)
    }

    /// Locks a lease and reads it again: what another process did to it before is seen.
    ///
    /// # Errors
    /// `NotFound` when it was removed meanwhile.
    pub fn lock_current(
        &self,
        lease: &Lease,
        waiting: impl FnOnce(),
    ) -> Result<(lock::Lock, Lease)> {
        let lock = self.lock_lease(&lease.id, waiting)?;
        Ok((lock, self.current(lease)?))
    }

    /// As [`Store::lock_lease`], but nothing when another process works on it.
    pub fn try_lock_lease(&self, id: &str) -> Result<Option<lock::Lock>> {
        lock::attempt_for(&self.lock_file(id), PASSING)
    }

    /// As [`Store::try_lock_lease`], of a lease that may be lost.
    pub fn try_lock_lost(&self, id: &str) -> Result<Option<LostLock>> {
        let file = self.lock_file(id);
        let made = (!file.exists()).then_some(file);
        Ok(self.try_lock_lease(id)?.map(|lock| LostLock { made, _lock: lock }))
    }

    /// The lock of the one process that runs the hooks of this lease: they take minutes, in which others may work on it.
    pub fn lock_hooks(&self, id: &str, waiting: impl FnOnce()) -> Result<lock::Lock> {
        lock::take(&self.hooks_file(id), waiting)
    }

    /// As [`Store::lock_hooks`], but nothing when another process runs them.
    pub fn try_lock_hooks(&self, id: &str) -> Result<Option<lock::Lock>> {
        lock::attempt(&self.hooks_file(id))
    }

    /// The lock around the moments in which git writes to what a repository's worktrees share.
    pub fn lock_repository(&self, common: &Path) -> Result<lock::Lock> {
        lock::take(&self.repository_file(common), || ())
    }

    /// The lock of the one process that makes or drops a repository's template databases.
    pub fn lock_templates(&self, common: &Path, waiting: impl FnOnce()) -> Result<lock::Lock> {
        let name = format!("repository-{}-templates", short_hash(common));
        lock::take(&self.lock_file(&name), waiting)
    }

    /// The lock of the one process that starts or stops the shared servers. Compose itself lets two of them create everything
    /// twice.
    pub fn lock_infra(&self, waiting: impl FnOnce()) -> Result<lock::Lock> {
        lock::take(&self.lock_file("infra"), waiting)
    }

    /// Removes what killed processes left in the store: unfinished files, and locks of leases that do not exist.
    pub fn sweep(&self) -> Result<()> {
        for dir in ["", "leases", "servers", "spares", "trust"] {
            fs::sweep(&self.dir.join(dir))?;
        }
        for file in fs::entries(&self.dir.join("locks"))? {
            let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let stem = stem.strip_suffix(HOOKS).unwrap_or(stem);
            if !is_hex(stem, 24) || self.file(stem).exists() {
                continue;
            }
            let held = lock::attempt(&file)?;
            if held.is_some() && !self.file(stem).exists() {
                fs::remove(&file)?;
            }
        }
        Ok(())
    }

    pub(super) fn hooks_file(&self, id: &str) -> PathBuf {
        self.lock_file(&format!("{id}{HOOKS}"))
    }

    /// Removes the lock file of a lease that there is not, for those who hold the lock.
    pub fn forget_lock(&self, id: &str) -> Result<()> {
        fs::remove(&self.lock_file(id))
    }

    pub(super) fn lock_file(&self, name: &str) -> PathBuf {
        self.dir.join("locks").join(format!("{name}.lock"))
    }
}
