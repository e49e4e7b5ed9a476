//! Files and directories.

#![expect(clippy::disallowed_methods, reason = "this file writes and removes files")]

mod gradual;
mod newest;
mod read;
mod unfinished;
mod write;

pub use gradual::remove_dir_while;
pub use newest::{changed, modified, newest};
pub use read::{LIMIT, head, read, read_own, word};
pub use unfinished::{is_unfinished, sweep, sweep_of, sweep_of_with};
pub use write::{
    append, create, keep_tail, make_empty, put, put_exactly, replace, replace_as, sync_written,
    unfinished, unfinished_size, write_text,
};

use anyhow::{Context, Result};
use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What stands at a path, without following a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// Nothing.
    Nothing,
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, wherever it leads.
    Link,
    /// A socket, a pipe, a device.
    Other,
}

/// What stands at `path`, without following a link.
pub fn stands(path: &Path) -> Result<Stands> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_symlink() => Ok(Stands::Link),
        Ok(meta) if meta.is_dir() => Ok(Stands::Directory),
        Ok(meta) if meta.is_file() => Ok(Stands::File),
        Ok(_) => Ok(Stands::Other),
        Err(error) if is_absent(&error) => Ok(Stands::Nothing),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The bytes that a file or a directory with all that is in it takes on the disk, as far as it can be read. Links are
/// not followed.
pub fn size(path: &Path) -> u64 {
    const BLOCK: u64 = 512;
    let Ok(meta) = fs::symlink_metadata(path) else { return 0 };
    let below = match meta.is_dir() {
        true => entries(path).unwrap_or_default().iter().map(|entry| size(entry)).sum(),
        false => 0,
    };
    meta.blocks() * BLOCK + below
}

/// Moves a file or a directory to a path where nothing is, on the same file system; when this returns, it is on the disk.
///
/// # Errors
/// When something is there, the paths are on two file systems, a directory may not be written, or the disk is full; it is
/// where it was then.
pub fn move_to(from: &Path, to: &Path) -> Result<()> {
    rename(from, to)?;
    sync_dirs([from, to].into_iter().filter_map(Path::parent)).or_else(|error| {
        let why = move_failed(from, to);
        rename_to(to, from).with_context(|| format!("{why}, nor back: {error:#}"))?;
        Err(error.context(why))
    })
}

/// As [`move_to`], but only on the disk after [`sync_dirs`].
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    rename_to(from, to).with_context(|| move_failed(from, to))
}

fn move_failed(from: &Path, to: &Path) -> String {
    format!("cannot move {} to {}", from.display(), to.display())
}

/// Makes last on the disk what was created, renamed or removed in these directories. Each is synced once; one that is not
/// there any more is left out.
pub fn sync_dirs<'a>(dirs: impl IntoIterator<Item = &'a Path>) -> Result<()> {
    unsynced(dirs).into_values().try_for_each(Err)
}

/// As [`sync_dirs`]; gives those that cannot be synced, and why. None of them keeps another from it.
pub fn unsynced<'a>(dirs: impl IntoIterator<Item = &'a Path>) -> BTreeMap<&'a Path, anyhow::Error> {
    let dirs: BTreeSet<&Path> = dirs.into_iter().collect();
    dirs.into_iter().filter_map(|dir| Some((dir, sync_dir(dir).err()?))).collect()
}

fn sync_dir(dir: &Path) -> Result<()> {
    match File::open(dir) {
        Err(error) if is_absent(&error) => Ok(()),
        opened => opened
            .and_then(|dir| dir.sync_all())
            .with_context(|| format!("cannot sync directory {}", dir.display())),
    }
}

fn rename_to(from: &Path, to: &Path) -> std::io::Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some network file systems cannot look and rename in one.
        Err(Errno::INVAL | Errno::NOSYS)
            if fs::symlink_metadata(to).is_err_and(|e| is_absent(&e)) =>
        {
            fs::rename(from, to)
        }
        moved => Ok(moved?),
    }
}

/// Removes a file; a missing one is no error.
pub fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if !is_absent(&error) => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Creates a directory and its parents.
pub fn make_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("cannot create directory {}", path.display()))
}

/// As [`make_dir`]; what was created is on the disk when this returns.
pub fn make_lasting_dir(path: &Path) -> Result<()> {
    let missing: Vec<&Path> = path.ancestors().take_while(|dir| !dir.exists()).collect();
    make_dir(path)?;
    sync_dirs(missing.into_iter().filter_map(Path::parent))
}

/// Creates a directory; `false`: something has its place.
pub fn make_new_dir(path: &Path) -> Result<bool> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        made => made
            .map(|()| true)
            .with_context(|| format!("cannot create directory {}", path.display())),
    }
}

/// Creates a directory and its parents, for this user alone.
pub fn make_private_dir(path: &Path) -> Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("cannot create directory {}", path.display()))
}

/// Removes a directory with its content; a missing one is no error.
pub fn remove_dir(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if !is_absent(&error) => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Removes a directory in which nothing is; one that holds something, or is not there, is left alone.
///
/// # Errors
/// When it cannot be removed for another reason.
pub fn remove_empty_dir(path: &Path) -> Result<()> {
    match fs::remove_dir(path) {
        Err(error) if !is_absent(&error) && error.kind() != ErrorKind::DirectoryNotEmpty => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Whether two paths are on the same file system.
pub fn same_device(one: &Path, other: &Path) -> bool {
    device(one).is_some_and(|own| device(other) == Some(own))
}

/// The number of the file system that a path is on; `None`: there is nothing.
pub fn device(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path).map(|meta| meta.dev()).ok()
}

/// The entries of a directory, sorted; none when it is not there.
pub fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let listed = match fs::read_dir(dir) {
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        listed => listed.and_then(|entries| {
            entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()
        }),
    };
    let mut paths = listed.with_context(|| format!("cannot read directory {}", dir.display()))?;
    paths.sort();
    Ok(paths)
}

/// The path with every link and `..` resolved as far as it exists; the rest is kept.
pub fn canonical(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => canonical(parent).join(name),
        _ => path.to_owned(),
    }
}

/// The permissions of a file, as in `chmod`.
pub fn mode(path: &Path) -> Option<u32> {
    fs::symlink_metadata(path).ok().map(|meta| meta.mode() & 0o7777)
}

/// Sets the permissions of a file or directory.
pub fn set_mode(path: &Path, mode: u32) -> Result<()> {
    let set = fs::set_permissions(path, fs::Permissions::from_mode(mode));
    set.with_context(|| format!("cannot change the permissions of {}", path.display()))
}

/// Whether a file exists and belongs to another user.
pub fn is_foreign(path: &Path) -> bool {
    let me = rustix::process::geteuid().as_raw();
    fs::symlink_metadata(path).is_ok_and(|meta| meta.uid() != me)
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests;
