//! What removing an environment would destroy, named before it happens.

mod described;
mod files;
mod going;

pub use described::{Taken, ask, branch, described, hold_rows, taken};
pub use going::{Going, branches};

use crate::environment::processes::{Machine, running_in};
use crate::environment::trees::Trees;
use crate::environment::{closing, part_problem, parts, reclaim, worktree};
use crate::error::{self, Exit, exit_of};
use crate::model::config;
use crate::model::lease::{Lease, Part, Phase};
use crate::service::removal::{Look, Servers};
use crate::sys::parallel;
use crate::sys::process::Dir;
use crate::sys::repo::Worktree;
use crate::sys::store::Store;
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
    /// A database has another name than the lease knows: it was renamed by hand.
    Renamed,
    /// A process that `up` did not start runs in the worktree, or listens on one of the environment's ports.
    Process,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.word(), self.what)
    }
}

impl Loss {
    /// It as a line for what would be removed: processes without `--force` go on.
    pub fn outlook(&self) -> String {
        match self.kind {
            Kind::Process => format!("still runs: {}", self.what),
            _ => format!("would lose: {self}"),
        }
    }

    /// Whether it is a client of a server, which ends with its process.
    pub fn is_client(&self) -> bool {
        matches!(self.kind, Kind::Session | Kind::Client)
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
            Kind::Renamed => "database",
            Kind::Process => "process",
        }
    }

    fn plural(self) -> &'static str {
        match self {
            Kind::Ignored => "ignored files",
            Kind::Session => "database sessions",
            Kind::Client => "redis clients",
            Kind::Unmarked => "redis indexes",
            Kind::Renamed => "databases",
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

/// What removing an environment takes.
#[derive(Debug, Clone, Default)]
pub struct Risks {
    /// What would be lost.
    pub losses: Vec<Loss>,
    /// The bytes of each part that says so, in the order of the lease's parts.
    pub sizes: Vec<Option<u64>>,
    /// Something that `up` started may run.
    pub runs_own: bool,
}

/// Everything that would be lost with these environments, whose worktrees were read, and with their branches: all of them are
/// looked at side by side.
/// A server that does not answer loses nothing: its part stays on the lease.
pub fn of_all(
    store: &Store,
    leases: &[&Lease],
    trees: &Trees,
    with_branch: bool,
    servers: &Servers,
) -> Vec<Result<Risks>> {
    let going = branches(store, leases, with_branch);
    let look = || parallel::each(leases, |lease| of_tree(lease, trees.find(lease)?, &going));
    let here = || parallel::both(look, || Machine::read(leases, running_in(leases)));
    let ((worktrees, machine), looks) = parallel::both(here, || parts::look(servers, leases));
    let found = leases.iter().zip(worktrees).zip(looks).map(|((lease, losses), looks)| {
        let runs_own = machine.runs_own(lease);
        let mut risks = Risks { losses: losses?, sizes: Vec::new(), runs_own };
        for (part, look) in lease.parts.iter().zip(looks) {
            risks.sizes.push(look.as_ref().ok().and_then(|look| look.size));
            risks.losses.extend(look.iter().flat_map(|look| of_part(lease, part, look, runs_own)));
        }
        for stranger in machine.strangers(lease, &Dir::at(&lease.path)) {
            push(&mut risks.losses, Kind::Process, stranger.to_string(), false);
        }
        Ok(risks)
    });
    found.collect()
}

/// What would be lost with a part that looks like this. Where something that `up` started may be connected, a session needs no
/// `--force` yet: it is looked at again when that has ended.
pub fn of_part(lease: &Lease, part: &Part, look: &Look, runs_own: bool) -> Vec<Loss> {
    let (mut losses, holds) = (Vec::new(), &part.holds);
    // Where the lease knows the server on which it claimed the index empty, its keys go as marked ones do.
    let is_claimed = part.server_id.is_some() || !lease.was_whole();
    if let Some(keys) = look.unmarked.as_ref().filter(|_| !is_claimed) {
        let what = format!("{holds}: {keys}; `git agentenv adopt` marks it again");
        push(&mut losses, Kind::Unmarked, what, true);
    }
    if let Some(now) = part_problem::elsewhere(lease, look.renamed.clone()) {
        let back = part_problem::rename_back(&now, part);
        let what = format!(
            "{holds} was renamed to `{now}` by hand; rename it back in psql: `{back}`, or `--force` leaves it to you"
        );
        push(&mut losses, Kind::Renamed, what, true);
    }
    for (database, session) in &look.sessions {
        let kind = if part.kind == config::Kind::Redis { Kind::Client } else { Kind::Session };
        push(&mut losses, kind, format!("{database}: {session}"), !runs_own);
    }
    losses
}

/// What would be lost with its worktree and its branch alone. Asks git, and no server.
pub fn of_worktree(lease: &Lease, going: &Going<'_>) -> Result<Vec<Loss>> {
    of_tree(lease, worktree::of(lease)?.as_ref(), going)
}

/// As [`of_worktree`], with the worktree of the lease, which was read.
pub fn of_tree(lease: &Lease, tree: Option<&Worktree>, going: &Going<'_>) -> Result<Vec<Loss>> {
    let mut losses = Vec::new();
    let looked = files::of_branch(&mut losses, lease, going);
    or_unread(&mut losses, looked)?;
    let Some(tree) = tree else { return Ok(losses) };
    let (at, tree) = closing::found(lease, tree)?;
    // What is closed and `removing` was looked at.
    let is_agreed = lease.phase == Phase::Removing && at.path != lease.path;
    if is_agreed {
        return Ok(losses);
    }
    let looked = files::of_head(&mut losses, &tree, going);
    or_unread(&mut losses, looked)?;
    if !tree.is_present() {
        if let Some((what, _)) = reclaim::unmounted(lease)? {
            push(&mut losses, Kind::Uncommitted, what, true);
        }
        return Ok(losses);
    }
    let looked = files::of_tree(&mut losses, &at, &tree);
    or_unread(&mut losses, looked)?;
    Ok(losses)
}

/// The index may be broken: `--force` removes that, too.
fn or_unread(losses: &mut Vec<Loss>, looked: Result<()>) -> Result<()> {
    match looked {
        Err(error) if exit_of(&error) != Exit::Interrupted => {
            let what = format!("git cannot read it: {error:#}");
            push(losses, Kind::Uncommitted, what, true);
            Ok(())
        }
        looked => looked,
    }
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
