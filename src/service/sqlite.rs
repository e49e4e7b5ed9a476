//! SQLite: a database file inside the worktree, created by the application.

use super::State;
use crate::error;
use crate::model::lease::Part;
use crate::sys::fs;
use anyhow::Result;
use std::path::{Component, Path, PathBuf};

/// Makes sure that the application can create the file. The worktree has to be there.
///
/// # Errors
/// When the file would lie outside the worktree, or its directory cannot be made.
pub fn make(part: &Part, worktree: &Path) -> Result<()> {
    let path = path(part, worktree)?;
    let parent = path.parent().unwrap_or(worktree);
    // The branch may hold a symbolic link that leads out.
    if !fs::canonical(parent).starts_with(fs::canonical(worktree)) {
        return Err(outside(part));
    }
    fs::make_dir(parent)
}

/// The file, which need not exist.
///
/// # Errors
/// When it would lie outside the worktree.
pub fn path(part: &Part, worktree: &Path) -> Result<PathBuf> {
    let path = Path::new(&part.holds);
    let inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    if part.holds.is_empty() || !path.components().all(inside) {
        return Err(outside(part));
    }
    Ok(worktree.join(path))
}

/// Whether the file is there.
///
/// # Errors
/// When it would lie outside the worktree.
pub fn state(part: &Part, worktree: &Path) -> Result<State> {
    Ok(if path(part, worktree)?.exists() { State::Ours } else { State::Missing })
}

fn outside(part: &Part) -> anyhow::Error {
    let message = format!("sqlite file `{}` is not inside the worktree", part.holds);
    error::config(message)
        .hint("`name` of a sqlite service is a path relative to the worktree")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::{Kind, Place};

    fn part(holds: &str) -> Part {
        Part {
            service: "db".to_owned(),
            kind: Kind::Sqlite,
            variable: "SQLITE".to_owned(),
            holds: holds.to_owned(),
            place: Place::Host,
            user: String::new(),
            port: 0,
        }
    }

    #[test]
    fn the_file_stays_inside() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree");
        std::fs::create_dir(&tree).unwrap();
        make(&part("data/db.sqlite3"), &tree).unwrap();
        assert!(tree.join("data").is_dir());
        for bad in ["", "../x", "/x", "data/../../x"] {
            assert!(make(&part(bad), &tree).is_err(), "{bad}");
        }
        std::os::unix::fs::symlink(dir.path(), tree.join("out")).unwrap();
        assert!(make(&part("out/x.db"), &tree).is_err());
        assert!(make(&part("out/made/x.db"), &tree).is_err());
        assert!(!dir.path().join("made").exists());
    }
}
