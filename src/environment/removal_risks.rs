//! What removing an environment would destroy, named before it happens.

use crate::environment::{files, worktree};
use crate::error::{self, Exit, exit_of};
use crate::model::config;
use crate::model::lease::{Lease, Part};
use crate::service::{self, Session, State};
use crate::sys::repo::Worktree;
use crate::sys::{git, listeners};
use anyhow::Result;
use serde::Serialize;
use std::fmt;

/// Something that would be lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Loss {
    /// What kind of thing.
    pub kind: Kind,
    /// The thing, as its tool names it.
    pub what: String,
    /// Only `--force` removes it. The rest is reported and removed.
    pub needs_force: bool,
}

/// The kinds of things that would be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "LossKind"))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Changed or untracked files.
    Uncommitted,
    /// Ignored files that are not ours.
    Ignored,
    /// Commits that no other reference holds.
    Commits,
    /// A client is connected to the database.
    Session,
    /// A client is connected to the Redis index.
    Client,
    /// A Redis index holds keys, but no longer our mark.
    Unmarked,
    /// A process listens on one of the environment's ports.
    Process,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.word(), self.what)
    }
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Uncommitted => "uncommitted",
            Kind::Ignored => "ignored file",
            Kind::Commits => "commits",
            Kind::Session => "database session",
            Kind::Client => "redis client",
            Kind::Unmarked => "redis index",
            Kind::Process => "process",
        }
    }

    fn plural(self) -> &'static str {
        match self {
            Kind::Ignored => "ignored files",
            Kind::Session => "database sessions",
            Kind::Client => "redis clients",
            Kind::Unmarked => "redis indexes",
            Kind::Process => "processes",
            Kind::Uncommitted | Kind::Commits => self.word(),
        }
    }
}

/// How many there are of each kind, in few words.
pub fn counted(losses: &[Loss]) -> String {
    let mut kinds: Vec<Kind> = losses.iter().map(|loss| loss.kind).collect();
    kinds.dedup();
    let count = |kind: &Kind| losses.iter().filter(|loss| loss.kind == *kind).count();
    let words = kinds.iter().map(|kind| match count(kind) {
        1 => format!("1 {}", kind.word()),
        many => format!("{many} {}", kind.plural()),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// Everything that would be lost with this environment, and with its branch. A server that does not answer loses
/// nothing: its part stays on the lease.
pub fn of(lease: &Lease, with_branch: bool) -> Result<Vec<Loss>> {
    let mut losses = of_worktree(lease, with_branch)?;
    for part in &lease.parts {
        if let Some(keys) = unmarked(lease, part) {
            push(&mut losses, Kind::Unmarked, format!("{}: {keys}", part.holds), true);
        }
        for session in sessions(lease, part) {
            let kind = if part.kind == config::Kind::Redis { Kind::Client } else { Kind::Session };
            push(&mut losses, kind, format!("{}: {session}", part.holds), true);
        }
    }
    for (variable, port) in &lease.ports {
        for process in listeners::on(*port) {
            push(&mut losses, Kind::Process, format!("{variable} {port}: {process}"), false);
        }
    }
    Ok(losses)
}

fn sessions(lease: &Lease, part: &Part) -> Vec<Session> {
    let resource = lease.resource(part);
    resource.and_then(|resource| service::inventory::sessions(&resource)).unwrap_or_default()
}

/// The keys in an index whose mark an application deleted with FLUSHDB, of a lease that does not know the server on
/// which it claimed it empty: else they came afterwards, and go as marked ones do.
fn unmarked(lease: &Lease, part: &Part) -> Option<String> {
    let is_redis = part.kind == config::Kind::Redis;
    if !is_redis || !lease.was_whole() || part.server_id.is_some() {
        return None;
    }
    match service::state(&lease.resource(part).ok()?, &lease.id) {
        Ok(State::Unmarked(keys)) => Some(format!("{keys}; `git agentenv adopt` marks it again")),
        _ => None,
    }
}

/// What would be lost with its worktree alone. Asks git, and no server.
pub fn of_worktree(lease: &Lease, with_branch: bool) -> Result<Vec<Loss>> {
    let mut losses = Vec::new();
    let Some(tree) = worktree::of(lease)?.filter(Worktree::is_present) else { return Ok(losses) };
    match of_tree(&mut losses, lease, &tree, with_branch) {
        // The index may be broken: `--force` removes that, too.
        Err(error) if exit_of(&error) != Exit::Interrupted => {
            let what = format!("git cannot read it: {error:#}");
            push(&mut losses, Kind::Uncommitted, what, true);
        }
        looked => looked?,
    }
    Ok(losses)
}

/// Refuses when something would be lost that needs `--force`.
pub fn require_none(lease: &Lease, losses: &[Loss], force: bool) -> Result<()> {
    let named: Vec<String> =
        losses.iter().filter(|loss| loss.needs_force).map(|loss| format!("\n  {loss}")).collect();
    if named.is_empty() || force {
        return Ok(());
    }
    let message = format!("cannot remove `{}`: this would be lost{}", lease.name, named.concat());
    Err(error::refused(message).hint("save it, or discard it with `--force`").into())
}

fn of_tree(
    losses: &mut Vec<Loss>,
    lease: &Lease,
    tree: &Worktree,
    with_branch: bool,
) -> Result<()> {
    for entry in worktree::work(lease, tree)? {
        push(losses, Kind::Uncommitted, entry.trim().to_owned(), true);
    }
    for file in ignored(lease, tree)? {
        let needs_force = !is_rebuilt(&file);
        push(losses, Kind::Ignored, file, needs_force);
    }
    match files::own_lines(lease)? {
        0 => {}
        lines => {
            let what = format!("{} ({lines} of its lines are yours)", lease.env_file);
            push(losses, Kind::Ignored, what, true);
        }
    }
    let alone = match &lease.branch {
        None => git::only_here(&tree.path, "HEAD", None)?,
        Some(branch) if with_branch => git::only_here(&tree.path, "HEAD", Some(branch))?,
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

/// Ignored files that are not ours, and directories that hold nothing else.
fn ignored(lease: &Lease, tree: &Worktree) -> Result<Vec<String>> {
    let sqlite = lease.parts.iter().filter(|part| part.kind == config::Kind::Sqlite);
    let databases: Vec<&String> = sqlite.map(|part| &part.holds).collect();
    let mut files = Vec::new();
    for entry in git::ignored(&tree.path)? {
        let holds = |file: &String| entry.ends_with('/') && file.starts_with(&entry);
        if holds(&lease.env_file) || databases.iter().any(|file| holds(file)) {
            files.extend(git::ignored_below(&tree.path, &entry)?);
        } else {
            files.push(entry);
        }
    }
    files.sort();
    files.dedup();
    files.retain(|file| {
        *file != lease.env_file && !databases.iter().any(|own| is_of_sqlite(own, file))
    });
    Ok(files)
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

fn is_rebuilt(file: &str) -> bool {
    let path = file.trim_end_matches('/');
    let in_rebuilt =
        path.split('/').any(|part| REBUILT.contains(&part) || part.ends_with(".egg-info"));
    in_rebuilt || path.ends_with(".pyc") || path.ends_with(".log") || path.ends_with(".DS_Store")
}

fn push(losses: &mut Vec<Loss>, kind: Kind, what: String, needs_force: bool) {
    losses.push(Loss { kind, what, needs_force });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_losses_have_a_plural() {
        let loss = |kind| Loss { kind, what: String::new(), needs_force: true };
        let losses = [Kind::Ignored, Kind::Ignored, Kind::Session].map(loss);
        assert_eq!(counted(&losses), "2 ignored files, 1 database session");
    }
}
