//! When something in a directory changed last.

use super::{entries, stands};
use crate::sys::fs::Stands;
use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

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

/// When this path itself changed; `None`: nothing is there.
pub fn changed(path: &Path) -> Result<Option<u64>> {
    match fs::symlink_metadata(path) {
        Ok(meta) => Ok(Some(u64::try_from(meta.mtime()).unwrap_or(0))),
        Err(error) if super::is_absent(&error) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}
