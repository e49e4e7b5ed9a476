//! Worktrees that lie in one another: who moves or deletes the outer one takes the inner one along.

use crate::environment::closing;
use crate::error;
use crate::model::lease::Lease;
use crate::model::shell;
use crate::sys::repo::Worktree;
use crate::sys::store::Store;
use crate::sys::trash;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// A directory that belongs to an environment, or to a plain worktree.
pub struct Place {
    path: PathBuf,
    /// The environment's id and name.
    of: Option<(String, String)>,
}

/// Where the environments of the machine have their files, also those on their way out and those in the trash.
pub fn places(store: &Store) -> Result<Vec<Place>> {
    places_of(store, &store.survey()?.0)
}

/// As [`places`], with the leases of the machine, which were read.
pub fn places_of(store: &Store, leases: &[Lease]) -> Result<Vec<Place>> {
    // What cannot be read holds no place that is known; `doctor` names it.
    let (records, _) = trash::survey(store)?;
    let place = |lease: &Lease, path: PathBuf| Place {
        path,
        of: Some((lease.id.clone(), lease.name.clone())),
    };
    let kept = records.iter().map(|record| place(&record.lease, record.place.clone()));
    let live = leases.iter().map(|lease| Ok(place(lease, closing::now_at(lease)?)));
    live.chain(kept.map(Ok)).collect()
}

/// Refuses to make or move an environment's worktree into another one. Not counted: the main checkout, whose directory stays, and
/// what is around it.
pub fn require_outside(
    path: &Path,
    own: &Lease,
    places: &[Place],
    trees: &[Worktree],
) -> Result<()> {
    let plain = plain(trees);
    let is_around = |place: &&Place| {
        path.starts_with(&place.path)
            && !own.main.starts_with(&place.path)
            && place.is_anothers(own)
    };
    let Some(outer) = places.iter().chain(&plain).find(is_around) else { return Ok(()) };
    let message = format!(
        "cannot put `{}` at {}: it is inside the worktree {}",
        own.name,
        path.display(),
        outer.path.display()
    );
    Err(error::refused(message).hint("choose a directory outside of it").into())
}

/// Refuses to `verb` an environment while another worktree lies in its own. `--force` does not allow it: what is in there
/// is another's.
///
/// # Errors
/// Names the worktrees.
pub fn require_none_inside(
    lease: &Lease,
    places: &[Place],
    trees: &[Worktree],
    verb: &str,
) -> Result<()> {
    let plain = plain(trees);
    let is_inside =
        |place: &&Place| place.path.starts_with(&lease.path) && place.is_anothers(lease);
    let inner: Vec<&Place> = places.iter().chain(&plain).filter(is_inside).collect();
    let Some(first) = inner.first() else { return Ok(()) };
    let lines: String = inner.iter().map(|place| format!("\n  {}", place.path.display())).collect();
    let message = format!("cannot {verb} `{}`: other worktrees are inside it{lines}", lease.name);
    let moving = match &first.of {
        Some((_, name)) => format!("git agentenv move {}", shell::word(name)),
        None => format!("git worktree move {}", shell::path(&first.path)),
    };
    let hint = format!("move or remove them first: `{moving} <directory>`");
    Err(error::refused(message).hint(hint).into())
}

/// The worktrees that are no environments.
fn plain(trees: &[Worktree]) -> Vec<Place> {
    let plain = trees.iter().filter(|tree| tree.lease.is_none());
    plain.map(|tree| Place { path: tree.path.clone(), of: None }).collect()
}

impl Place {
    fn is_anothers(&self, own: &Lease) -> bool {
        let is_own = self.of.as_ref().is_some_and(|(id, _)| *id == own.id);
        !is_own && self.path != own.path && self.path.is_dir()
    }
}
