//! Why the process that makes spares failed: it is detached, and has no other place to say it.

use super::{Store, short_hash};
use crate::model::hash::sha256;
use crate::sys::{clock, fs};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The directory of the records in the store.
const DIR: &str = "spares";

/// A failure to make the spares of a service, which lasts until they are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SparesFailed {
    /// The repository's common directory.
    pub repository: PathBuf,
    /// Its main checkout.
    pub main: PathBuf,
    /// The service in the configuration.
    pub service: String,
    /// When, in seconds since 1970.
    pub at: u64,
    /// Why.
    pub why: String,
}

impl Store {
    /// Records why the spares of a service could not be made.
    pub fn note_spares_failed(
        &self,
        (repository, main): (&Path, &Path),
        service: &str,
        why: String,
    ) -> Result<()> {
        let (repository, main) = (repository.to_owned(), main.to_owned());
        let record =
            SparesFailed { repository, main, service: service.to_owned(), at: clock::now(), why };
        let text = serde_yaml::to_string(&record).context("cannot write a record of spares")?;
        self.access.make_dir(&self.dir.join(DIR))?;
        let file = self.spares_file(&record.repository, service);
        self.access.replace_or_use_reserve(&self.dir, &file, text.as_bytes())
    }

    /// Deletes the record: the spares were made, or nothing wants them any more.
    pub fn forget_spares_failed(&self, repository: &Path, service: &str) -> Result<()> {
        fs::remove(&self.spares_file(repository, service))
    }

    /// All records, as far as they can be read.
    pub fn spares_failed(&self) -> Result<Vec<SparesFailed>> {
        let records = self.records(DIR)?.into_iter();
        let read = records.filter_map(|(_, content)| serde_yaml::from_slice(&content).ok());
        let mut found: Vec<SparesFailed> = read.collect();
        found.sort_by_key(|one| (one.repository.clone(), one.service.clone()));
        Ok(found)
    }

    fn spares_file(&self, repository: &Path, service: &str) -> PathBuf {
        let name = format!("{}-{}", short_hash(repository), &sha256(service)[..8]);
        self.dir.join(DIR).join(format!("{name}.yaml"))
    }
}
