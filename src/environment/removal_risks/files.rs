//! What would be lost with the files and commits of a worktree.

use super::{Going, Kind, Loss, push};
use crate::environment::{files, worktree};
use crate::model::config;
use crate::model::lease::{Lease, Phase};
use crate::sys::compare;
use crate::sys::fs::{self, Stands};
use crate::sys::git::{self, Unheld};
use crate::sys::repo::Worktree;
use anyhow::Result;

pub(super) fn of_tree(losses: &mut Vec<Loss>, lease: &Lease, tree: &Worktree) -> Result<()> {
    let Unheld { work, ignored, .. } = worktree::unheld(lease, tree)?;
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

/// The commits that are lost with the HEAD of a worktree, whether its directory is there or not: git keeps what it has checked
/// out until its record of the worktree goes. The lease may not know yet that it is detached.
pub(super) fn of_head(losses: &mut Vec<Loss>, tree: &Worktree, going: &Going<'_>) -> Result<()> {
    let head = fs::word(&tree.admin.join("HEAD")).filter(|head| !head.is_empty());
    let holder = match (head, &tree.branch) {
        (None, _) => return Ok(()),
        (_, Some(_)) if !going.with_own => return Ok(()),
        (_, Some(branch)) => format!("{branch} holds"),
        (Some(head), None) => format!("a detached HEAD holds: {head}"),
    };
    commits(losses, &holder, git::only_here(tree, going.branches())?);
    Ok(())
}

/// The commits that are lost with the branch, whether there is a worktree or not.
pub(super) fn of_branch(losses: &mut Vec<Loss>, lease: &Lease, going: &Going<'_>) -> Result<()> {
    let Some(branch) = lease.branch.as_ref().filter(|_| going.with_own) else { return Ok(()) };
    let (chosen, is_begun) = (&lease.delete_branch_at, lease.phase != Phase::Ready);
    let tip = match chosen {
        Some(commit) if !is_begun => commit.clone(),
        _ => match git::tip(&lease.main, &format!("refs/heads/{branch}"))? {
            Some(tip) => tip,
            None => return Ok(()),
        },
    };
    // That it goes was agreed to when its removal began.
    if is_begun && lease.phase != Phase::Closing && chosen.as_ref() == Some(&tip) {
        return Ok(());
    }
    let alone = git::only_below(&lease.main, &lease.repository, &tip, going.branches())?;
    commits(losses, &format!("{branch} holds"), alone);
    Ok(())
}

fn commits(losses: &mut Vec<Loss>, holder: &str, alone: usize) {
    let what = format!("{alone} that only {holder}");
    // The branch and the HEAD of its worktree are at the same commit as a rule.
    if alone > 0 && !losses.iter().any(|loss| loss.what == what) {
        push(losses, Kind::Commits, what, true);
    }
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
