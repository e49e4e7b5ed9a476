//! SQLite: a database file inside the worktree, created by the application.

use super::{File, State};
use crate::sys::fs;
use anyhow::Result;

/// Creates the directory of the file, so that the application can create the file. The worktree has to exist.
///
/// # Errors
/// When a symbolic link in the branch leads out of the worktree, or the directory cannot be created.
pub fn create(file: &File) -> Result<()> {
    let path = file.full();
    let parent = path.parent().unwrap_or(&file.worktree);
    if !fs::canonical(parent).starts_with(fs::canonical(&file.worktree)) {
        return Err(file.outside());
    }
    fs::make_dir(parent)
}

/// Whether the file exists.
pub fn state(file: &File) -> State {
    if file.full().exists() { State::Ours } else { State::Missing }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_stays_inside() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree");
        std::fs::create_dir(&tree).unwrap();
        let file = |path: &str| File::new(&tree, path).unwrap();
        create(&file("data/db.sqlite3")).unwrap();
        assert!(tree.join("data").is_dir());
        std::os::unix::fs::symlink(dir.path(), tree.join("out")).unwrap();
        assert!(create(&file("out/x.db")).is_err());
        assert!(create(&file("out/made/x.db")).is_err());
        assert!(!dir.path().join("made").exists());
    }
}
