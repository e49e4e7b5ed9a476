//! Locks between processes: `flock(2)` on an open file, which the kernel releases when the holder dies.

use super::state_dir::Access;
use super::{fs, interrupt};
use crate::error;
use anyhow::{Context, Result};
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

/// The longest pause between two attempts to take a lock.
const PAUSE: Duration = Duration::from_millis(16);

/// The hint where the directory of the locks cannot be written.
pub const WRITABLE: &str = "set AGENTENV_STATE_DIR to a writable directory";

/// A lock, held for as long as this lives.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Takes the lock at `path`; when another process holds it, calls `waiting` once and waits.
pub fn take(path: &Path, waiting: impl FnOnce()) -> Result<Lock> {
    if let Some(lock) = attempt(path)? {
        return Ok(lock);
    }
    waiting();
    // A blocking flock would not notice Ctrl-C.
    let mut pause = Duration::from_millis(1);
    loop {
        interrupt::check()?;
        std::thread::sleep(pause);
        if let Some(lock) = attempt(path)? {
            return Ok(lock);
        }
        pause = (pause * 2).min(PAUSE);
    }
}

/// As [`attempt`], with a moment for a killed holder to disappear: a child that it had just forked holds its locks
/// until `execve`.
pub fn attempt_for(path: &Path, patience: Duration) -> Result<Option<Lock>> {
    let deadline = Instant::now() + patience;
    loop {
        let lock = attempt(path)?;
        if lock.is_some() || Instant::now() >= deadline {
            return Ok(lock);
        }
        interrupt::check()?;
        std::thread::sleep(PAUSE);
    }
}

/// Takes the lock at `path`, or nothing when another process holds it.
pub fn attempt(path: &Path) -> Result<Option<Lock>> {
    loop {
        let file = open(path)?;
        match file.try_lock() {
            // Its last holder may have removed the file meanwhile: no other process would ever see this lock.
            Ok(()) if is_at(&file, path) => return Ok(Some(Lock { _file: file })),
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
    }
}

/// Writes into a lock file what it stands for, unless it says so already.
pub fn label(path: &Path, text: &[u8]) -> Result<()> {
    let file = open(path)?;
    if file.metadata().is_ok_and(|meta| meta.len() == text.len() as u64) {
        return Ok(());
    }
    file.write_all_at(text, 0).with_context(|| format!("cannot write {}", path.display()))
}

fn is_at(file: &File, path: &Path) -> bool {
    let same = |one: &std::fs::Metadata, other: &std::fs::Metadata| {
        (one.dev(), one.ino()) == (other.dev(), other.ino())
    };
    matches!((file.metadata(), path.metadata()), (Ok(one), Ok(other)) if same(&one, &other))
}

fn open(path: &Path) -> Result<File> {
    let open = |create| File::options().create_new(create).write(true).mode(0o600).open(path);
    loop {
        match open(false) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            opened => return opened.map_err(|error| unusable(path, error)),
        }
        match open(true) {
            // Another process was faster.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(unusable(path, error)),
            Ok(file) => {
                if path.parent().map(Access::of) == Some(Access::Group) {
                    fs::set_mode(path, 0o660)?;
                }
                return Ok(file);
            }
        }
    }
}

fn unusable(path: &Path, error: std::io::Error) -> anyhow::Error {
    let failure = error::failed(format!("cannot open {}", path.display()));
    let forbidden =
        matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem);
    let failure = if forbidden { failure.hint(WRITABLE) } else { failure };
    anyhow::Error::new(error).context(failure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::hint_of;

    #[test]
    fn one_holder_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = take(&path, || panic!("no process holds it")).unwrap();
        assert!(attempt(&path).unwrap().is_none());
        drop(held);
        assert!(attempt(&path).unwrap().is_some());
    }

    #[test]
    fn where_no_lock_may_be_the_way_out_is_told() {
        for (kind, told) in
            [(ErrorKind::ReadOnlyFilesystem, Some(WRITABLE)), (ErrorKind::Other, None)]
        {
            assert_eq!(hint_of(&unusable(Path::new("x"), kind.into())), told);
        }
    }

    #[test]
    fn a_lock_whose_file_was_removed_is_free() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let removed = open(&path).unwrap();
        removed.lock().unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(!is_at(&removed, &path));
        let held = attempt(&path).unwrap().unwrap();
        assert!(attempt(&path).unwrap().is_none());
        drop(held);
    }
}
