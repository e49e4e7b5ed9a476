//! The deletion of a directory that can be left to another process half-way.

use anyhow::{Context, Result};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, unlinkat};
use rustix::io::Errno;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Removes a directory with its content, for as long as it may go on; `false`: something is left. A missing one is no error.
///
/// # Errors
/// When something cannot be removed.
pub fn remove_dir_while(path: &Path, may_go_on: &dyn Fn() -> bool) -> Result<bool> {
    let dir = match open(CWD, path) {
        Err(Errno::NOENT) => return Ok(true),
        dir => dir.with_context(|| format!("cannot open {}", path.display()))?,
    };
    if !empty(dir.as_fd(), path, may_go_on)? {
        return Ok(false);
    }
    let removed = unlinkat(CWD, path, AtFlags::REMOVEDIR);
    removed.map(|()| true).with_context(|| format!("cannot remove {}", path.display()))
}

/// Never through a link: what is swapped for one meanwhile is not followed.
fn open(dir: BorrowedFd<'_>, path: impl rustix::path::Arg) -> Result<rustix::fd::OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(dir, path, flags, Mode::empty())
}

fn empty(dir: BorrowedFd<'_>, path: &Path, may_go_on: &dyn Fn() -> bool) -> Result<bool> {
    let listed = listed(dir).with_context(|| format!("cannot read {}", path.display()))?;
    for (name, kind) in listed {
        if !may_go_on() {
            return Ok(false);
        }
        let entry = path.join(OsStr::from_bytes(name.to_bytes()));
        let named = || format!("cannot remove {}", entry.display());
        let is_dir = match kind {
            FileType::Directory => true,
            _ => match unlinkat(dir, &name, AtFlags::empty()) {
                // Not every file system says what an entry is.
                Err(Errno::ISDIR | Errno::PERM) if kind == FileType::Unknown => true,
                Err(error) if error != Errno::NOENT => return Err(error).with_context(named),
                _ => false,
            },
        };
        if !is_dir {
            continue;
        }
        let below = open(dir, &name).with_context(named)?;
        if !empty(below.as_fd(), &entry, may_go_on)? {
            return Ok(false);
        }
        unlinkat(dir, &name, AtFlags::REMOVEDIR).with_context(named)?;
    }
    Ok(true)
}

fn listed(dir: BorrowedFd<'_>) -> Result<Vec<(CString, FileType)>, Errno> {
    let mut found = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            found.push((entry.file_name().to_owned(), entry.file_type()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::fs;

    #[test]
    fn it_stops_half_way_and_goes_on_later() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("dir");
        for file in ["a/b/c", "a/d", "e"] {
            let file = dir.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        let kept = root.path().join("kept");
        fs::write(&kept, "").unwrap();
        std::os::unix::fs::symlink(root.path(), dir.join("link")).unwrap();
        let left = Cell::new(2);
        let twice = || left.replace(left.get() - 1) > 0;
        assert!(!remove_dir_while(&dir, &twice).unwrap() && dir.exists());
        assert!(remove_dir_while(&dir, &|| true).unwrap() && !dir.exists());
        assert!(remove_dir_while(&dir, &|| true).unwrap() && kept.exists());
    }
}
