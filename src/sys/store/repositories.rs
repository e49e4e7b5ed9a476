//! The repositories that had environments, and the disks that they and the worktrees were on.

use super::{Store, short_hash};
use crate::model::lease::Lease;
use crate::sys::fs::{self, Stands};
use crate::sys::{lock, mounts};
use anyhow::Result;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

impl Store {
    /// Records that a repository has environments, in the file of its lock: a worktree may outlive its lease.
    pub fn remember(&self, common: &Path) -> Result<()> {
        lock::label(&self.repository_file(common), common.as_os_str().as_encoded_bytes())
    }

    /// The repositories that had environments, as far as they were recorded.
    pub fn repositories(&self) -> Result<Vec<PathBuf>> {
        let mut repositories = Vec::new();
        for file in fs::entries(&self.dir.join("locks"))? {
            let name = file.file_name().unwrap_or_default().as_encoded_bytes();
            let label = if name.starts_with(b"repository-") { fs::read(&file)? } else { None };
            let label = label.filter(|label| !label.is_empty());
            repositories.extend(label.map(|label| PathBuf::from(OsString::from_vec(label))));
        }
        Ok(repositories)
    }

    /// Records on which disks the repository and the worktree of a lease are, as far as they are there: a disk may be away when
    /// they are looked for again. That of the worktree is recorded for the lease's id as well: git may have moved it there.
    pub fn note_disks(&self, lease: &Lease) -> Result<()> {
        if fs::stands(&lease.repository)? != Stands::Nothing {
            mounts::note(&self.dir, self.access, &lease.repository)?;
        }
        let disk = mounts::point_of(&lease.path);
        if disk.parent().is_some() {
            mounts::note(&self.dir, self.access, &disk)?;
        }
        let id = Path::new(&lease.id);
        if fs::stands(&lease.path)? != Stands::Nothing
            && (disk.parent().is_some() || mounts::is_noted(id)?)
        {
            mounts::note_as(&self.dir, self.access, id, &disk)?;
        }
        Ok(())
    }

    pub(super) fn repository_file(&self, common: &Path) -> PathBuf {
        self.lock_file(&format!("repository-{}", short_hash(common)))
    }
}
