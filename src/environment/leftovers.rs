//! Unfinished files that killed processes left outside the state directory.

use crate::model::lease::Lease;
use crate::sys::fs;
use crate::sys::git;
use crate::sys::repo::{self, MARK};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What `init` and `hook` write in the main checkout.
const IN_MAIN: &[&str] = &[
    ".agentenv.yaml",
    "AGENTS.md",
    "CLAUDE.md",
    ".claude/settings.json",
    ".claude/settings.local.json",
];

/// Removes them from these repositories and from the worktrees of these leases. Only files that are named for one of
/// ours and for a process that has ended are removed; a directory that cannot be read is left alone.
pub fn sweep(repositories: &BTreeSet<PathBuf>, leases: &[Lease]) {
    for lease in leases {
        fs::sweep_of(&lease.path.join(&lease.env_file)).ok();
    }
    for common in repositories {
        of_repository(common).iter().for_each(|file| drop(fs::sweep_of(file)));
    }
}

fn of_repository(common: &Path) -> Vec<PathBuf> {
    let trees = repo::worktrees(common).unwrap_or_default();
    let admin = trees.iter().flat_map(|tree| [MARK, "locked"].map(|file| tree.admin.join(file)));
    let mut files: Vec<PathBuf> = admin.collect();
    let main = common.parent().filter(|_| common.ends_with(".git"));
    if let Some(main) = main.filter(|main| main.is_dir()) {
        files.extend(IN_MAIN.iter().map(|file| main.join(file)));
        files.extend(git::hooks_dir(main).ok().map(|(dir, _)| dir.join("post-checkout")));
    }
    files
}
