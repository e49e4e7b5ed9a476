//! What would be lost with the files and commits of a worktree.

use super::{Kind, Loss, push};
use crate::environment::{files, worktree};
use crate::model::config;
use crate::model::lease::Lease;
use crate::sys::compare;
use crate::sys::fs::{self, Stands};
use crate::sys::git::{self, Unheld};
use crate::sys::repo::Worktree;
use anyhow::Result;

pub(super) fn of_tree(
    losses: &mut Vec<Loss>,
    lease: &Lease,
    tree: &Worktree,
    going: &[&str],
) -> Result<()> {
    let Unheld { work, ignored } = worktree::unheld(lease, tree)?;
    for entry in work {
        push(losses, Kind::Uncommitted, entry.trim().to_owned(), true);
    }
    for file in not_ours(lease, tree, ignored)? {
        let rebuilt = rebuilt(&file);
        if let Some(whole) = rebuilt
            && fs::stands(&tree.path.join(whole))? != Stands::Link
        {
            push(losses, Kind::Ignored, whole.to_owned(), false);
            continue;
        }
        // What the main checkout has as well is no loss: a copy of its `.env`, a link to its `venv`.
        for changed in compare::changed(&lease.main, &tree.path, &file) {
            push(losses, Kind::Ignored, changed, rebuilt.is_none());
        }
    }
    losses.dedup();
    match files::own_lines(lease)? {
        0 => {}
        lines => {
            let what = format!("{} ({lines} of its lines are yours)", lease.env_file);
            push(losses, Kind::Ignored, what, true);
        }
    }
    let alone = match &lease.branch {
        None => git::only_here(tree, going)?,
        Some(branch) if going.contains(&branch.as_str()) => git::only_here(tree, going)?,
        Some(_) => 0,
    };
    if alone > 0 {
        let on = lease.branch.as_deref().unwrap_or("a detached HEAD");
        push(losses, Kind::Commits, format!("{alone} that only {on} holds"), true);
    }
    for (submodule, count) in git::only_in_submodules(tree)? {
        let what = match count {
            Some(count) => {
                format!("{count} in the submodule {submodule} that no remote of it has")
            }
            None => format!("those of the submodule {submodule}, which git cannot count"),
        };
        push(losses, Kind::Commits, what, true);
    }
    Ok(())
}

/// Those of the ignored files that are not ours, and directories that hold nothing else.
fn not_ours(lease: &Lease, tree: &Worktree, found: Vec<String>) -> Result<Vec<String>> {
    let sqlite = lease.parts.iter().filter(|part| part.kind == config::Kind::Sqlite);
    let databases: Vec<&String> = sqlite.map(|part| &part.holds).collect();
    let mut ignored = Vec::new();
    for entry in found {
        let holds = |file: &String| entry.ends_with('/') && file.starts_with(&entry);
        if files::own(lease).iter().any(holds) {
            ignored.extend(git::ignored_below(tree, &entry)?);
        } else {
            ignored.push(entry);
        }
    }
    ignored.sort();
    ignored.dedup();
    ignored.retain(|file| {
        !files::own(lease).contains(file) && !databases.iter().any(|own| is_of_sqlite(own, file))
    });
    Ok(ignored)
}

/// A database's file, or a journal that SQLite keeps beside it.
fn is_of_sqlite(database: &str, file: &str) -> bool {
    file.strip_prefix(database).is_some_and(|rest| ["", "-journal", "-wal", "-shm"].contains(&rest))
}

/// What tools rebuild by themselves: named, but removed without `--force`.
const REBUILT: &[&str] = &[
    "__pycache__",
    ".cache",
    ".eggs",
    ".gradle",
    ".mypy_cache",
    ".next",
    ".nox",
    ".nuxt",
    ".parcel-cache",
    ".pytest_cache",
    ".ruff_cache",
    ".svelte-kit",
    ".tox",
    ".turbo",
    ".venv",
    ".vite",
    "build",
    "coverage",
    "dist",
    "htmlcov",
    "node_modules",
    "target",
    "venv",
    "vendor",
];

/// What of a path tools rebuild: the path up to the first directory of theirs, else a file of theirs.
fn rebuilt(file: &str) -> Option<&str> {
    let mut end = 0;
    for part in file.split_inclusive('/') {
        end += part.len();
        let name = part.trim_end_matches('/');
        if REBUILT.contains(&name) || name.ends_with(".egg-info") {
            return Some(&file[..end]);
        }
    }
    let path = file.trim_end_matches('/');
    [".pyc", ".log", ".DS_Store"].iter().any(|ending| path.ends_with(ending)).then_some(file)
}
