//! Environments of which the worktree and the repository do not lead to each other any more: what was moved decides the way
//! back. Their resources stay.

use crate::environment::closing;
use crate::environment::worktree::{self, Neighbours, record};
use crate::model::lease::{Lease, Phase};
use crate::model::shell;
use crate::sys::fs::{self, Stands};
use anyhow::Result;
use std::path::PathBuf;

/// What became of an environment.
pub enum Homeless {
    /// Its worktree was moved here without git, which deleted its record then.
    Strayed(PathBuf),
    /// That, or this is another worktree, which has the record by now and is not where that says either.
    Ambiguous(PathBuf),
    /// Git deleted its record of a worktree that is in its place.
    Forgotten,
    /// Git's record of this worktree has lost its mark.
    Unmarked(PathBuf),
    /// Its repository is not there, or is another one.
    Moved,
}

/// Whether the worktree exists and its repository does not, or has no record of it or none with its mark, and why.
///
/// # Errors
/// When that cannot be read.
pub fn homeless(lease: &Lease, near: &Neighbours) -> Result<Option<Homeless>> {
    if let Some(place) = record::unmarked(lease) {
        return Ok(Some(Homeless::Unmarked(place)));
    }
    if let Some(place) = record::stray(lease, near)? {
        let is_ambiguous = record::is_ambiguous(lease);
        let of = if is_ambiguous { Homeless::Ambiguous } else { Homeless::Strayed };
        return Ok(Some(of(place)));
    }
    let is_homeless = if fs::stands(&lease.repository)? != Stands::Nothing {
        is_without_record(lease)?
    } else {
        let is_closed = lease.phase == Phase::Closing && closing::is_closed(lease)?;
        is_closed || fs::stands(&lease.path.join(".git"))? == Stands::File
    };
    Ok(is_homeless.then(|| match record::is_lost(lease) {
        Ok(true) => Homeless::Forgotten,
        _ => Homeless::Moved,
    }))
}

/// Whether git's record of the worktree is gone, which still names it, or one with its mark in another repository.
fn is_without_record(lease: &Lease) -> Result<bool> {
    let is_named =
        |admin: PathBuf| Some(&admin) == lease.admin.as_ref() || record::is_marked(lease, &admin);
    Ok(record::is_unknown(lease)? && record::named(lease).is_some_and(is_named))
}

impl Homeless {
    /// The problem.
    pub fn what(&self, lease: &Lease) -> String {
        let (name, main, path) = (&lease.name, lease.main.display(), lease.path.display());
        let moved = |place: &PathBuf| {
            let place = place.display();
            format!(
                "`{name}`: worktree {path} was moved to {place}, and repository {main} has no record of it"
            )
        };
        match self {
            Homeless::Strayed(place) => moved(place),
            Homeless::Ambiguous(place) => {
                format!("{}; or that is another worktree that was moved", moved(place))
            }
            Homeless::Unmarked(place) => {
                let place = place.display();
                format!("`{name}`: the mark in git's record of worktree {place} is missing")
            }
            Homeless::Forgotten | Homeless::Moved if lease.repository.exists() => {
                format!(
                    "`{name}`: repository {main} has no record of worktree {path}, which exists"
                )
            }
            Homeless::Forgotten | Homeless::Moved => {
                format!("`{name}`: repository {main} no longer exists, but worktree {path} does")
            }
        }
    }

    /// When its command is right.
    pub fn when(&self) -> &'static str {
        match self {
            Homeless::Strayed(_) => "move it back:",
            Homeless::Ambiguous(_) => "look at its files:",
            Homeless::Forgotten => "if `git worktree prune` deleted the record:",
            Homeless::Unmarked(_) => "mark it again:",
            Homeless::Moved => "if the repository was moved, run there:",
        }
    }

    /// The command that repairs it, or helps to.
    pub fn command(&self, lease: &Lease) -> String {
        let own = shell::path(&lease.path);
        let adopt = format!("git agentenv adopt {own}");
        match self {
            Homeless::Strayed(place) => format!("mv {} {own} && {adopt}", shell::path(place)),
            Homeless::Ambiguous(place) => format!("ls -A {}", shell::path(place)),
            Homeless::Forgotten => adopt,
            Homeless::Unmarked(place) => format!("git agentenv adopt {}", shell::path(place)),
            Homeless::Moved => format!("{} && {adopt}", worktree::repairing(&lease.path)),
        }
    }

    /// What to do about it: each command with when it is right.
    pub fn ways(&self, lease: &Lease) -> String {
        let own = format!("{} `{}`", self.when(), self.command(lease));
        match self {
            Homeless::Forgotten => format!("{own}; {}", Homeless::Moved.ways(lease)),
            _ => own,
        }
    }
}
