//! Files that are written whole or not at all.

use super::{Stands, is_absent, make_dir, mode, move_to, stands, sweep_of, sync_dirs};
use crate::sys::failpoint;
use anyhow::{Context, Result};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Replaces a file by this content: readers see the old one or the new one, and a crash leaves one of them.
/// Only the user may read it.
///
/// # Errors
/// When the directory cannot be written or the disk is full; the old content stands then.
pub fn replace(path: &Path, content: &[u8]) -> Result<()> {
    put(path, content)?;
    sync_written(path)
}

/// As [`replace`], for a file of the user's, with these permissions as far as the umask lets them. Removes what a
/// killed process left of the same file.
pub fn replace_as(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    sweep_of(path)?;
    rename_new(path, content, mode, false)?;
    sync_written(path)
}

/// Writes a text file of the user's: it keeps its permissions, and its directory is made if need be.
pub fn write_text(path: &Path, text: &str) -> Result<()> {
    make_dir(path.parent().unwrap_or(path))?;
    replace_as(path, text.as_bytes(), mode(path).unwrap_or(0o644))
}

/// As [`replace`]; it is on the disk after [`sync_written`], or one [`sync_dirs`] for all files of a directory.
pub fn put(path: &Path, content: &[u8]) -> Result<()> {
    rename_new(path, content, 0o600, false)
}

/// As [`put`], with exactly these permissions.
pub fn put_exactly(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    rename_new(path, content, mode, true)
}

/// Makes last what [`put`] wrote.
pub fn sync_written(path: &Path) -> Result<()> {
    sync_dirs(path.parent()).with_context(|| format!("cannot write {}", path.display()))?;
    failpoint::point("file-replaced")
}

fn rename_new(path: &Path, content: &[u8], mode: u32, exactly: bool) -> Result<()> {
    let fresh = unfinished(path);
    let replaced = write_new(&fresh, content, mode).and_then(|()| {
        if exactly {
            fs::set_permissions(&fresh, fs::Permissions::from_mode(mode))?;
        }
        fs::rename(&fresh, path)
    });
    if replaced.is_err() {
        fs::remove_file(&fresh).ok();
    }
    replaced.with_context(|| format!("cannot write {}", path.display()))
}

/// A new name beside `path` for content that is renamed to `path` when all of it is written; see [`super::is_unfinished`].
pub fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.{}.new", std::process::id(), unique()))
}

/// The size of what this process writes beside `path` to be renamed to it; `None`: nothing.
pub fn unfinished_size(path: &Path) -> Option<u64> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let begin = format!(".{name}.{}.", std::process::id());
    let is_it = |file: &PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&begin) && name.ends_with(".new")
    };
    let all = super::entries(path.parent()?).ok()?;
    Some(fs::metadata(all.iter().find(|file| is_it(file))?).ok()?.len())
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

/// Makes an empty file with exactly these permissions where none is.
pub fn make_empty(path: &Path, mode: u32) -> Result<()> {
    let made = File::options().write(true).create_new(true).mode(0o600).open(path);
    let set = made.and_then(|file| file.set_permissions(fs::Permissions::from_mode(mode)));
    set.with_context(|| format!("cannot write {}", path.display()))
}

/// Cuts a file that is longer than `limit` down to its last lines, at most `tail` bytes of them. What another process
/// appends meanwhile can be lost, but no later line: it goes on at the new end.
pub fn keep_tail(path: &Path, limit: u64, tail: u64) -> Result<()> {
    let cut = || {
        let mut file = File::options().read(true).append(true).open(path)?;
        let length = file.metadata()?.len();
        if length <= limit {
            return Ok(());
        }
        let mut kept = Vec::new();
        file.seek(SeekFrom::Start(length - tail.min(length)))?;
        (&mut file).take(tail).read_to_end(&mut kept)?;
        let begin = kept.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        file.set_len(0)?;
        file.write_all(&kept[begin..])
    };
    let cut: std::io::Result<()> = cut();
    // It was deleted meanwhile.
    let cut = cut.or_else(|error| if is_absent(&error) { Ok(()) } else { Err(error) });
    cut.with_context(|| format!("cannot shorten {}", path.display()))
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

fn write_new(path: &Path, content: &[u8], mode: u32) -> std::io::Result<()> {
    let mut file = File::options().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn unique() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}
