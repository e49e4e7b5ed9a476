//! Which configuration files of other programs this program created: only those are deleted when nothing is left in them.

use super::{Store, short_hash};
use crate::sys::fs;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// The directory of the records in the store.
const DIR: &str = "created";

impl Store {
    /// Records that this program created a file.
    pub fn note_created(&self, file: &Path) -> Result<()> {
        self.access.make_dir(&self.dir.join(DIR))?;
        self.access.replace(&self.created_file(file), file.as_os_str().as_encoded_bytes())
    }

    /// Whether this program created a file.
    pub fn was_created(&self, file: &Path) -> bool {
        self.created_file(file).exists()
    }

    /// Deletes the record: the file is deleted.
    pub fn forget_created(&self, file: &Path) -> Result<()> {
        fs::remove(&self.created_file(file))
    }

    fn created_file(&self, file: &Path) -> PathBuf {
        self.dir.join(DIR).join(short_hash(file))
    }
}
