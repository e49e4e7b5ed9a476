//! Worktrees that lie in one another: who moves or deletes the outer one takes the inner one along.

use crate::error;
use crate::model::lease::Lease;
use crate::model::shell;
use crate::sys::repo::{self, Worktree};
use crate::sys::store::Store;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// Refuses to make or move a worktree into another one; `leases` are those of the machine, `trees` those of the repository. The
/// main checkout is not among them: its directory stays.
pub fn require_outside(
    path: &Path,
    own: &Lease,
    leases: &[Lease],
    trees: &[Worktree],
) -> Result<()> {
    let others = places(own, leases, trees);
    match others.iter().find(|(place, _)| path.starts_with(place)) {
        None => Ok(()),
        Some((place, _)) => {
            let message = format!(
                "cannot put `{}` at {}: the worktree {} is around it",
                own.name,
                path.display(),
                place.display()
            );
            Err(error::refused(message).hint("choose a directory outside of it").into())
        }
    }
}

/// Refuses to `verb` an environment while another worktree lies in its own. `--force` does not allow it: what is in there
/// is another's.
///
/// # Errors
/// Names the worktrees.
pub fn require_none_inside(store: &Store, lease: &Lease, verb: &str) -> Result<()> {
    // What cannot be read holds no place that is known; `doctor` names it.
    let (leases, _) = store.survey()?;
    let trees = repo::worktrees(&lease.repository)?;
    let mut inner = places(lease, &leases, &trees);
    inner.retain(|(place, _)| place.starts_with(&lease.path));
    let Some((place, name)) = inner.first() else { return Ok(()) };
    let lines: String = inner.iter().map(|(place, _)| format!("\n  {}", place.display())).collect();
    let message = format!("cannot {verb} `{}`: there are other worktrees in it{lines}", lease.name);
    let moving = match name {
        Some(name) => format!("git agentenv move {}", shell::word(name)),
        None => format!("git worktree move {}", shell::path(place)),
    };
    let hint = format!("move each out of it, or remove it first: `{moving} <directory>`");
    Err(error::refused(message).hint(hint).into())
}

/// Where the other worktrees are, with the names of those that are environments.
fn places(own: &Lease, leases: &[Lease], trees: &[Worktree]) -> Vec<(PathBuf, Option<String>)> {
    let others = leases.iter().filter(|lease| lease.id != own.id);
    let leased = others.map(|lease| (lease.path.clone(), Some(lease.name.clone())));
    let plain = trees.iter().filter(|tree| tree.lease.is_none());
    let plain = plain.map(|tree| (tree.path.clone(), None));
    leased.chain(plain).filter(|(place, _)| *place != own.path && place.is_dir()).collect()
}
