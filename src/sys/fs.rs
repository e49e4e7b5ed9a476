//! Files: whole or not at all.

#![expect(clippy::disallowed_methods, reason = "this file writes and removes files")]

mod gradual;
mod unfinished;

pub use gradual::remove_dir_while;
pub use unfinished::{is_unfinished, sweep, sweep_of};

use crate::sys::failpoint;
use anyhow::{Context, Result};
use rustix::fs::{CWD, OFlags, RenameFlags};
use rustix::io::Errno;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The most that is read of a file that another user may have written, in bytes.
pub const LIMIT: u64 = 1 << 20;

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

/// The content of a file, or `None` when there is none. At most [`LIMIT`] bytes, never through a link.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    // Neither a link is followed nor a pipe waited for.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = match File::options().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(_) if stands(path)? == Stands::Link => {
            anyhow::bail!("{} is a symbolic link", path.display())
        }
        Err(error) => return Err(unreadable(path, error)),
    };
    let meta = file.metadata().map_err(|error| unreadable(path, error))?;
    if !meta.is_file() {
        anyhow::bail!("{} is not a file", path.display());
    }
    let mut content = Vec::with_capacity(usize::try_from(meta.len().min(LIMIT) + 1).unwrap_or(0));
    file.take(LIMIT + 1).read_to_end(&mut content).map_err(|error| unreadable(path, error))?;
    if content.len() as u64 > LIMIT {
        anyhow::bail!("{} is longer than {LIMIT} bytes", path.display());
    }
    Ok(Some(content))
}

/// The first bytes of a file, at most this many, also through a link.
pub fn head(path: &Path, count: u64) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    let file = File::open(path).map_err(|error| unreadable(path, error))?;
    file.take(count).read_to_end(&mut content).map_err(|error| unreadable(path, error))?;
    Ok(content)
}

/// The content of a file that this program wrote itself, whatever its length; `None` when there is none.
pub fn read_own(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(unreadable(path, error)),
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
/// When something is there, the paths are on two file systems, or a directory may not be written.
pub fn move_to(from: &Path, to: &Path) -> Result<()> {
    let moved = match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some network file systems cannot look and rename in one.
        Err(Errno::INVAL | Errno::NOSYS) if stands(to)? == Stands::Nothing => fs::rename(from, to),
        moved => moved.map_err(std::io::Error::from),
    };
    let synced = moved.and_then(|()| {
        [from, to]
            .iter()
            .filter_map(|path| path.parent())
            .try_for_each(|dir| File::open(dir)?.sync_all())
    });
    synced.with_context(|| format!("cannot move {} to {}", from.display(), to.display()))
}

/// The content of a short text file, trimmed; `None` when it is absent or unreadable.
pub fn word(path: &Path) -> Option<String> {
    let content = read(path).ok()??;
    Some(String::from_utf8_lossy(&content).trim().to_owned())
}

/// Replaces a file by this content: readers see the old one or the new one, and a crash leaves one of them.
/// Only the user may read it.
///
/// # Errors
/// When the directory cannot be written or the disk is full; the old content stands then.
pub fn replace(path: &Path, content: &[u8]) -> Result<()> {
    write(path, content, 0o600, false)
}

/// As [`replace`], for a file of the user's, with these permissions as far as the umask lets them. Removes what a
/// killed process left of the same file.
pub fn replace_as(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    sweep_of(path)?;
    write(path, content, mode, false)
}

/// As [`replace`], with exactly these permissions.
pub fn replace_exactly(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    write(path, content, mode, true)
}

fn write(path: &Path, content: &[u8], mode: u32, exactly: bool) -> Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let fresh = unfinished(path);
    let replaced = write_new(&fresh, content, mode).and_then(|()| {
        if exactly {
            fs::set_permissions(&fresh, fs::Permissions::from_mode(mode))?;
        }
        fs::rename(&fresh, path)?;
        File::open(dir)?.sync_all()
    });
    if replaced.is_err() {
        fs::remove_file(&fresh).ok();
    }
    replaced.with_context(|| format!("cannot write {}", path.display()))?;
    failpoint::point("file-replaced")
}

/// A new name beside `path` for content that is renamed to `path` when it is whole; see [`is_unfinished`].
pub fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.{}.new", std::process::id(), unique()))
}

/// Adds to the end of a file in one write, making it and its directory when they are not there.
pub fn append(path: &Path, content: &[u8]) -> Result<()> {
    make_dir(path.parent().unwrap_or(Path::new(".")))?;
    File::options()
        .append(true)
        .create(true)
        .open(path)
        .and_then(|mut file| file.write_all(content))
        .with_context(|| format!("cannot write {}", path.display()))
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

/// Removes a directory with its content; a missing one is no error.
pub fn remove_dir(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if !is_absent(&error) => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Writes a file where none is, whole or not at all. `false`: one is there.
pub fn create(path: &Path, content: &[u8]) -> Result<bool> {
    let fresh = unfinished(path);
    let created = write_new(&fresh, content, 0o666)
        .with_context(|| format!("cannot write {}", path.display()))
        .and_then(|()| move_to(&fresh, path));
    if created.is_ok() {
        return Ok(true);
    }
    fs::remove_file(&fresh).ok();
    if stands(path)? == Stands::Nothing { created.map(|()| true) } else { Ok(false) }
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
    let device = |path: &Path| fs::symlink_metadata(path).map(|meta| meta.dev()).ok();
    device(one).is_some_and(|own| device(other) == Some(own))
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

fn write_new(path: &Path, content: &[u8], mode: u32) -> std::io::Result<()> {
    let mut file = File::options().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn unreadable(path: &Path, error: std::io::Error) -> anyhow::Error {
    anyhow::Error::new(error).context(format!("cannot read {}", path.display()))
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn unique() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

#[cfg(test)]
mod tests;
