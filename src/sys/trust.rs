//! Which commands the user approved, kept outside the repository.

use super::fs;
use super::state_dir::Access;
use super::store::Store;
use crate::model::hash::sha256;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// Whether exactly these commands were approved for this repository.
pub fn is_trusted(store: &Store, repository: &Path, commands: &[String]) -> bool {
    let file = file(store, repository);
    if fs::is_foreign(&file) {
        return false;
    }
    let approved = fs::word(&file).unwrap_or_default();
    approved.lines().any(|line| line == fingerprint(commands))
}

/// Approves these lists of commands, and no others, for this repository.
pub fn approve(store: &Store, repository: &Path, lists: &[&[String]]) -> Result<()> {
    let lines: String = lists.iter().map(|commands| fingerprint(commands) + "\n").collect();
    let file = file(store, repository);
    store.access().make_dir(file.parent().unwrap_or(store.dir()))?;
    fs::replace(&file, lines.as_bytes())
}

/// Revokes every approval for this repository; `false` when there was none.
pub fn revoke(store: &Store, repository: &Path) -> Result<bool> {
    let file = file(store, repository);
    let approved = fs::read(&file)?.is_some();
    fs::remove(&file).map(|()| approved)
}

fn file(store: &Store, repository: &Path) -> PathBuf {
    let name = sha256(repository.as_os_str().as_encoded_bytes());
    let name = match store.access() {
        Access::User => name,
        // A user approves commands only for themselves.
        Access::Group => format!("{name}-{}", rustix::process::geteuid().as_raw()),
    };
    store.dir().join("trust").join(name)
}

/// A hash in which no list of commands looks like another.
fn fingerprint(commands: &[String]) -> String {
    let lengths: String =
        commands.iter().map(|command| format!("{}:{command},", command.len())).collect();
    sha256(lengths)
}
