//! The worktrees near the place of one that is missing: it may have been moved without git.

use crate::sys::parallel::{self, locked};
use crate::sys::{fs, git};
use anyhow::Result;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The linked worktrees in some directories and one level below, each directory read once. Before
/// something is destroyed, take new ones.
#[derive(Default)]
pub struct Neighbours(Mutex<BTreeMap<PathBuf, Vec<Linked>>>);

/// A worktree and the admin directory that it names.
struct Linked {
    place: PathBuf,
    admin: PathBuf,
}

impl Neighbours {
    /// A worktree that names this admin directory and for which this is so, near the old place of a
    /// worktree, or near or in its main checkout.
    pub(super) fn find(
        &self,
        main: &Path,
        old: &Path,
        admin: &Path,
        is_it: impl Fn(&Path) -> bool,
    ) -> Result<Option<PathBuf>> {
        let mut read = locked(&self.0);
        for dir in [old.parent(), main.parent(), Some(main)].into_iter().flatten() {
            if !read.contains_key(dir) {
                read.insert(dir.to_owned(), linked(dir)?);
            }
            let mut near = read[dir].iter().filter(|one| one.admin == admin);
            if let Some(found) = near.find(|one| is_it(&one.place)) {
                return Ok(Some(found.place.clone()));
            }
        }
        Ok(None)
    }
}

fn linked(dir: &Path) -> Result<Vec<Linked>> {
    let found = parallel::each_by_cpu(&fs::entries(dir)?, |entry| {
        let below = fs::entries(entry).unwrap_or_default();
        let places = std::iter::once(entry.clone()).chain(below);
        let linked = |place: PathBuf| Some(Linked { admin: git::admin_of(&place).ok()?, place });
        places.filter_map(linked).collect::<Vec<_>>()
    });
    Ok(found.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_directory_is_read_once() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let (main, old) = (root.join("main"), root.join("trees/x"));
        let admin = |name: &str| main.join(".git/worktrees").join(name);
        let link = |place: &str, name: &str| {
            let pointer = root.join(place).join(".git");
            fs::make_dir(pointer.parent().unwrap()).unwrap();
            let text = format!("gitdir: {}\n", admin(name).display());
            fs::replace(&pointer, text.as_bytes()).unwrap();
            fs::make_dir(&admin(name)).unwrap();
        };
        link("trees/group/x", "x");
        link("main/inside", "y");
        let near = Neighbours::default();
        let find =
            |near: &Neighbours, name| near.find(&main, &old, &admin(name), |_| true).unwrap();
        assert_eq!(find(&near, "x"), Some(root.join("trees/group/x")));
        assert_eq!(find(&near, "y"), Some(root.join("main/inside")));
        link("trees/later", "z");
        assert_eq!(find(&near, "z"), None);
        assert_eq!(find(&Neighbours::default(), "z"), Some(root.join("trees/later")));
        assert_eq!(near.find(&main, &old, &admin("x"), |_| false).unwrap(), None);
    }
}
