//! Directories of removals whose lease is lost, and of which the trash has no record: no command finishes them.

use crate::environment::{orphans, trash};
use crate::model::lease::{self, Lease};
use crate::model::shell;
use crate::sys::fs::{self, Stands};
use crate::sys::repo::{self, Worktree};
use crate::sys::store::Store;
use crate::sys::trash as records;
use anyhow::Result;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// What was left, and the command that ends it. Looked for where worktrees of these leases' repositories are or would be; what
/// another process works on is left out.
pub fn find(store: &Store, leases: &[Lease], here: Option<&Path>) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for common in orphans::repositories(store, leases, here)? {
        // What cannot be read may be known to git.
        let Ok(trees) = repo::worktrees(&common) else { continue };
        for dir in places(&common, leases, &trees) {
            for path in fs::entries(&dir).unwrap_or_default() {
                let Some(id) = trash::id_of(&common, &path) else { continue };
                if !records::is_foreign_dir(store, &path)
                    && fs::stands(&path)? != Stands::Nothing
                    && is_lost(store, id)
                {
                    let closed = trees.iter().find(|tree| tree.lease.as_deref() == Some(id));
                    found.push(described(&path, closed));
                }
            }
        }
    }
    for path in records::without_record(store)? {
        let id = path.file_name().and_then(OsStr::to_str);
        if id.is_some_and(|id| is_lost(store, id)) {
            found.push(described(&path, None));
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// The directories in which worktrees of a repository are, and what the trash has in the repository.
fn places(common: &Path, leases: &[Lease], trees: &[Worktree]) -> BTreeSet<PathBuf> {
    let leases = leases.iter().filter(|lease| lease.repository == common);
    let paths = leases.map(|lease| lease.path.as_path());
    let paths = paths.chain(trees.iter().map(|tree| tree.path.as_path())).chain(common.parent());
    let places = paths.filter_map(Path::parent).map(Path::to_owned);
    places.chain([trash::in_repository(common)]).collect()
}

/// Whether an id of this store has neither lease nor record, and no process works on it. What cannot be read is not lost.
fn is_lost(store: &Store, id: &str) -> bool {
    id.starts_with(store.id())
        && lease::is_id(id)
        && lacks_all(store, id)
        && is_idle(store, id).unwrap_or(false)
}

fn lacks_all(store: &Store, id: &str) -> bool {
    !store.file(id).exists() && matches!(records::record(store, id), Ok(None))
}

fn is_idle(store: &Store, id: &str) -> Result<bool> {
    let Some(_working) = store.try_lock_lease(id)? else { return Ok(false) };
    // A process may have finished with it meanwhile.
    let is_lost = lacks_all(store, id);
    if is_lost {
        // No lease has this id, so the file is only what was made above.
        store.forget_lock(id)?;
    }
    Ok(is_lost)
}

fn described(path: &Path, closed: Option<&Worktree>) -> (String, String) {
    let (shown, word) = (path.display(), shell::path(path));
    let Some(tree) = closed else {
        let what = format!(
            "{shown} holds files of a removed environment whose record was lost: copy what you need, then delete it"
        );
        return (what, format!("rm -rf {word}"));
    };
    let (own, back) = (tree.path.display(), shell::path(&tree.path));
    let what = format!(
        "{shown} is worktree {own}, whose removal was interrupted and whose record was lost: put it back"
    );
    if !matches!(fs::stands(&tree.path), Ok(Stands::Nothing)) {
        return (format!("{what}, once its place is free"), format!("ls -d {back}"));
    }
    let adopt = format!("git -C {back} agentenv adopt {back}");
    (what, format!("mv {word} {back} && {{ git -C {back} worktree unlock {back}; {adopt}; }}"))
}
