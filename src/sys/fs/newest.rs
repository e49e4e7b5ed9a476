//! When something in a directory changed last.

use super::{entries, stands};
use crate::sys::fs::Stands;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// When the newest file or directory in and below a path changed, in seconds since 1970; links are not followed. It stops at
/// the first that is not older than `since`.
///
/// # Errors
/// When something cannot be read.
pub fn newest(path: &Path, since: u64) -> Result<u64> {
    let Some(mut newest) = changed(path)? else { return Ok(0) };
    if newest >= since || stands(path)? != Stands::Directory {
        return Ok(newest);
    }
    for entry in entries(path)? {
        newest = newest.max(self::newest(&entry, since)?);
        if newest >= since {
            break;
        }
    }
    Ok(newest)
}

/// When this path itself changed, in seconds since 1970; `None`: nothing is there.
pub fn changed(path: &Path) -> Result<Option<u64>> {
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    Ok(modified(path)?.map(seconds))
}

/// When this path itself changed, as exactly as the file system knows; `None`: nothing is there.
pub fn modified(path: &Path) -> Result<Option<SystemTime>> {
    match fs::symlink_metadata(path).and_then(|meta| meta.modified()) {
        Ok(time) => Ok(Some(time)),
        Err(error) if super::is_absent(&error) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}
