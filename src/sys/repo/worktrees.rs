//! The linked worktrees of a repository, as their admin directories tell.

use crate::sys::{fs, parallel};
use anyhow::Result;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The file in a worktree's admin directory that says which lease it belongs to.
///
/// Git ignores it, keeps it when the tree is moved, and removes it with the admin directory.
pub const MARK: &str = "agentenv";

/// A linked worktree, as its admin directory tells.
#[derive(Debug, Clone)]
pub struct Worktree {
    /// Its directory below `worktrees/` in the common directory.
    pub admin: PathBuf,
    /// Where it was when git last looked.
    pub path: PathBuf,
    /// The branch that is checked out; `None`: a detached HEAD.
    pub branch: Option<String>,
    /// Why it is locked, when it is.
    pub locked: Option<String>,
    /// The lease that it belongs to.
    pub lease: Option<String>,
}

impl Worktree {
    /// Its directory is there and is this worktree's.
    pub fn is_present(&self) -> bool {
        let pointer = fs::word(&self.path.join(".git"));
        pointer
            .and_then(|text| text.strip_prefix("gitdir: ").map(PathBuf::from))
            .is_some_and(|admin| fs::canonical(&self.path.join(admin)) == self.admin)
    }
}

/// The worktrees that are linked to the repository with this common directory.
pub fn worktrees(common: &Path) -> Result<Vec<Worktree>> {
    let admins = fs::entries(&fs::canonical(&common.join("worktrees")))?;
    Ok(parallel::each_by_cpu(&admins, |admin| worktree(admin)).into_iter().flatten().collect())
}

/// The branch that the main checkout of the repository with this common directory is on.
pub fn main_branch(common: &Path) -> Option<String> {
    head_branch(&common.join("HEAD"))
}

/// The branches that are checked out, each with the linked worktree that has it; `None`: the main checkout.
/// Git refuses to check out one of these once more, and deleting one breaks its worktree.
///
/// The HEAD of a bare repository counts as checked out: git falls back on it.
pub fn checked_out(common: &Path) -> Result<BTreeMap<String, Option<Worktree>>> {
    let linked = worktrees(common)?.into_iter();
    let linked = linked.filter_map(|tree| Some((tree.branch.clone()?, Some(tree))));
    let main = main_branch(common).map(|branch| (branch, None));
    Ok(main.into_iter().chain(linked).collect())
}

/// The lease that the mark in an admin directory names.
pub fn mark(admin: &Path) -> Option<String> {
    // A loss of power leaves an empty file.
    fs::word(&admin.join(MARK)).filter(|id| !id.is_empty())
}

/// What one admin directory says; `None` when git would not call it a worktree either.
pub fn worktree(admin: &Path) -> Option<Worktree> {
    // A loss of power leaves an empty file.
    let pointer = fs::word(&admin.join("gitdir")).filter(|pointer| !pointer.is_empty())?;
    let pointer = PathBuf::from(pointer);
    let pointer = if pointer.is_absolute() { pointer } else { fs::canonical(&admin.join(pointer)) };
    let path = pointer.parent()?.to_owned();
    Some(Worktree {
        branch: head_branch(&admin.join("HEAD")),
        locked: fs::word(&admin.join("locked")),
        lease: mark(admin),
        path,
        admin: admin.to_owned(),
    })
}

fn head_branch(head: &Path) -> Option<String> {
    let text = fs::word(head)?;
    Some(text.strip_prefix("ref: refs/heads/")?.to_owned())
}
