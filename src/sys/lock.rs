//! Locks between processes: an open file's `flock`, which the kernel gives back when its holder dies.

use anyhow::{Context, Result};
use std::fs::{File, TryLockError};
use std::path::Path;

/// A lock, held for as long as this lives.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Takes the lock at `path`; when another process holds it, calls `waiting` once and waits.
///
/// # Errors
/// When the file cannot be made or locked.
pub fn take(path: &Path, waiting: impl FnOnce()) -> Result<Lock> {
    if let Some(lock) = attempt(path)? {
        return Ok(lock);
    }
    waiting();
    let file = open(path)?;
    file.lock()
        .with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(Lock { _file: file })
}

/// Takes the lock at `path`, or nothing when another process holds it.
///
/// # Errors
/// When the file cannot be made or locked.
pub fn attempt(path: &Path) -> Result<Option<Lock>> {
    let file = open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock { _file: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

fn open(path: &Path) -> Result<File> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = take(&path, || panic!("nobody holds it")).unwrap();
        assert!(attempt(&path).unwrap().is_none());
        drop(held);
        assert!(attempt(&path).unwrap().is_some());
    }
}
