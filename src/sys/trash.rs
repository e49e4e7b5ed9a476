//! The trash of this user: a directory for each environment in it, with its record and the keys of its Redis indexes.

use super::fs;
use super::state_dir::{self, Access};
use super::store::Store;
use crate::model::trash::{Record, VERSION};
use anyhow::{Context, Result};
use std::fmt;
use std::path::{Path, PathBuf};

/// A record that cannot be read. What it is about stays where it is.
#[derive(Debug)]
pub struct Unreadable {
    /// The file.
    pub file: PathBuf,
    /// Why it cannot be read.
    pub why: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        write!(f, "cannot read the record {file} of the trash: {}", self.why)
    }
}

/// The directory of what is kept of this lease beside the repository and the servers.
pub fn dir(store: &Store, id: &str) -> PathBuf {
    store.dir().join("trash").join(id)
}

/// The file with the keys of a lease's Redis index.
pub fn keys(store: &Store, id: &str, service: &str) -> PathBuf {
    dir(store, id).join(format!("{service}.keys"))
}

/// Everything in the trash, the newest first, and the records that cannot be read.
pub fn survey(store: &Store) -> Result<(Vec<Record>, Vec<Unreadable>)> {
    let (mut records, mut unreadable) = (Vec::new(), Vec::new());
    for dir in dirs(store)? {
        let file = dir.join(RECORD);
        match load(&file) {
            Ok(found) => records.extend(found),
            // Another user's, who may not want it read.
            Err(why) if is_foreign_dir(store, &dir) && state_dir::is_forbidden(&why) => {}
            Err(why) => unreadable.push(Unreadable { file, why: format!("{why:#}") }),
        }
    }
    records.sort_by_key(|record| std::cmp::Reverse(record.order()));
    Ok((records, unreadable))
}

/// The record of this lease as it is now.
pub fn record(store: &Store, id: &str) -> Result<Option<Record>> {
    let file = dir(store, id).join(RECORD);
    load(&file).with_context(|| format!("cannot read the record {}", file.display()))
}

/// Whether another user wrote this record, into a state directory that a group shares: it is that user's to delete.
pub fn is_foreign(store: &Store, id: &str) -> bool {
    is_foreign_dir(store, &dir(store, id))
}

/// Whether another user made this directory, in a state directory that a group shares.
pub fn is_foreign_dir(store: &Store, dir: &Path) -> bool {
    store.access() == Access::Group && fs::is_foreign(dir)
}

/// A directory for each environment. One of the whole trash that another user keeps closed holds nothing of this one's.
fn dirs(store: &Store) -> Result<Vec<PathBuf>> {
    let whole = store.dir().join("trash");
    match fs::entries(&whole) {
        Err(error) if is_foreign_dir(store, &whole) && state_dir::is_forbidden(&error) => {
            Ok(Vec::new())
        }
        dirs => dirs,
    }
}

/// A number larger than that of everything in the trash.
pub fn next_serial(store: &Store) -> Result<u64> {
    Ok(survey(store)?.0.iter().map(|one| one.serial).max().unwrap_or(0) + 1)
}

/// Writes a record; when this returns, it is on the disk.
pub fn save(store: &Store, record: &Record) -> Result<()> {
    let (dir, access) = (dir(store, &record.lease.id), store.access());
    let (whole, file) = (store.dir().join("trash"), dir.join(RECORD));
    access.make_dir(&whole)?;
    access.make_dir(&dir)?;
    if fs::stands(&file)? == fs::Stands::Nothing {
        fs::sync_dirs([store.dir(), whole.as_path()])?;
    }
    let text = serde_yaml::to_string(record).context("cannot write a record of the trash")?;
    access.replace_or_use_reserve(store.dir(), &file, text.as_bytes())
}

/// Forgets a record, and the keys beside it.
///
/// # Errors
/// When it cannot be removed.
pub fn forget(store: &Store, id: &str) -> Result<()> {
    let dir = dir(store, id);
    let record = dir.join(RECORD);
    // The record goes last: without it, nothing says what the rest is.
    for file in fs::entries(&dir)?.iter().filter(|file| **file != record) {
        fs::remove(file)?;
    }
    fs::remove_dir(&dir)?;
    remove_whole(store)
}

/// Removes the files that processes which were killed left unfinished, and directories without a record.
pub fn sweep(store: &Store) -> Result<()> {
    for dir in dirs(store)?.iter().filter(|dir| !is_foreign_dir(store, dir)) {
        fs::sweep(dir)?;
        fs::remove_empty_dir(dir)?;
    }
    remove_whole(store)
}

/// The directories of leases with something in them and no record.
pub fn without_record(store: &Store) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for dir in dirs(store)?.into_iter().filter(|dir| !is_foreign_dir(store, dir)) {
        let files = fs::entries(&dir)?;
        if !files.is_empty() && !files.contains(&dir.join(RECORD)) {
            found.push(dir);
        }
    }
    Ok(found)
}

/// Removes the directory of the whole trash when it is empty; another user may have made it.
fn remove_whole(store: &Store) -> Result<()> {
    match fs::remove_empty_dir(&store.dir().join("trash")) {
        Err(error) if store.access() == Access::Group && state_dir::is_forbidden(&error) => Ok(()),
        removed => removed,
    }
}

const RECORD: &str = "record.yaml";

fn load(file: &Path) -> Result<Option<Record>> {
    let Some(content) = fs::read_own(file)? else {
        return Ok(None);
    };
    let record: Record = serde_yaml::from_slice(&content)?;
    anyhow::ensure!(record.version <= VERSION, "it was written by a newer git-agentenv");
    let named = file.parent().and_then(Path::file_name);
    anyhow::ensure!(
        named.is_some_and(|dir| dir == record.lease.id.as_str()),
        "it is in the directory of another one"
    );
    Ok(Some(record))
}
