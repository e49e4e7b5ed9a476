//! Compares files of two checkouts.

use super::fs::{self, Stands};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// So many files of a directory are named one by one.
const NAMED: usize = 20;

/// The files at or below `entry` in `tree` that `main` does not have with the same content at the same path. Too many are named
/// by `entry` alone. A link is the same if `main` has an equal one, or if it leads to that path there.
///
/// What cannot be read counts as different, a directory without any file as nothing.
pub fn changed(main: &Path, tree: &Path, entry: &str) -> Vec<String> {
    let path = Path::new(entry.trim_end_matches('/'));
    let parent = path.parent().unwrap_or(Path::new(""));
    let main = fs::canonical(main);
    // By a link, the file there could be the one here.
    if fs::canonical(&main.join(parent)) != main.join(parent) {
        return vec![entry.to_owned()];
    }
    let mut found = Vec::new();
    collect(&main, tree, path, &mut found);
    match found.len() > NAMED {
        true => vec![entry.to_owned()],
        false => found.iter().map(|path| path.display().to_string()).collect(),
    }
}

fn collect(main: &Path, tree: &Path, path: &Path, found: &mut Vec<PathBuf>) {
    if found.len() > NAMED {
        return;
    }
    let (there, here) = (main.join(path), tree.join(path));
    let kinds = (fs::stands(&here).ok(), fs::stands(&there).ok());
    if let (Some(Stands::Directory), Some(Stands::Directory)) = kinds
        && let Ok(entries) = fs::entries(&here)
    {
        for name in entries.iter().filter_map(|entry| entry.file_name()) {
            collect(main, tree, &path.join(name), found);
        }
        return;
    }
    let is_same = match kinds {
        (Some(Stands::Nothing), _) => true,
        (Some(Stands::Link), _) => same_link(&here, &there),
        (Some(Stands::Directory), _) => is_hollow(&here),
        (Some(Stands::File), Some(Stands::File)) => same_content(&here, &there).unwrap_or(false),
        _ => false,
    };
    if !is_same {
        found.push(path.to_owned());
    }
}

/// Whether no directory at or below this one holds anything but directories.
fn is_hollow(dir: &Path) -> bool {
    let is_hollow = |entry: &PathBuf| {
        fs::stands(entry).is_ok_and(|stands| stands == Stands::Directory) && is_hollow(entry)
    };
    fs::entries(dir).is_ok_and(|entries| entries.iter().all(is_hollow))
}

fn same_link(here: &Path, there: &Path) -> bool {
    let Ok(target) = here.read_link() else { return false };
    there.read_link().is_ok_and(|other| other == target)
        || target == there
        || (here.exists() && fs::canonical(here) == fs::canonical(there))
}

fn same_content(one: &Path, other: &Path) -> std::io::Result<bool> {
    let (one, other) = (File::open(one)?, File::open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut one, mut other) = (BufReader::new(one), BufReader::new(other));
    loop {
        let (a, b) = (one.fill_buf()?, other.fill_buf()?);
        let length = a.len().min(b.len());
        if length == 0 || a[..length] != b[..length] {
            return Ok(a.is_empty() && b.is_empty());
        }
        one.consume(length);
        other.consume(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_what_differs_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let (main, tree) = (root.join("main"), root.join("tree"));
        for checkout in [&main, &tree] {
            std::fs::create_dir_all(checkout.join("secrets")).unwrap();
            for (file, text) in [(".env", "A=1\n"), ("secrets/a", "a"), ("secrets/b", "b")] {
                fs::replace(&checkout.join(file), text.as_bytes()).unwrap();
            }
        }
        let changed = |entry| changed(&main, &tree, entry);
        assert!(changed(".env").is_empty() && changed("secrets/").is_empty());
        fs::replace(&tree.join(".env"), b"A=2\n").unwrap();
        fs::replace(&tree.join("secrets/c"), b"").unwrap();
        assert_eq!(changed(".env"), [".env"]);
        assert_eq!(changed("secrets/"), ["secrets/c"]);

        std::fs::create_dir(main.join("venv")).unwrap();
        symlink(main.join("venv"), tree.join("venv")).unwrap();
        assert!(changed("venv").is_empty(), "it leads to the one in main");
        for checkout in [&main, &tree] {
            symlink("../shared", checkout.join("equal")).unwrap();
        }
        assert!(changed("equal").is_empty());
        symlink(&root, tree.join("other")).unwrap();
        assert_eq!(changed("other"), ["other"]);

        // What main has is a way to the file itself.
        std::fs::remove_file(main.join(".env")).unwrap();
        symlink(tree.join(".env"), main.join(".env")).unwrap();
        std::fs::create_dir(tree.join("deep")).unwrap();
        fs::replace(&tree.join("deep/file"), b"").unwrap();
        symlink(tree.join("deep"), main.join("deep")).unwrap();
        assert_eq!(changed(".env"), [".env"]);
        assert_eq!(changed("deep/file"), ["deep/file"]);
        assert_eq!(changed("deep/"), ["deep"]);
        std::fs::create_dir_all(tree.join("hollow/er")).unwrap();
        assert!(changed("hollow/").is_empty());
    }
}
