//! The state directory: where it is, and who may use it.

use super::{env, fs, lock};
use crate::error;
use anyhow::Result;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A file that is deleted when the disk is full, so that the lease of what is removed can be written.
pub const RESERVE: &str = "reserve";

/// How large it is, in bytes: some leases.
const RESERVE_SIZE: usize = 64 << 10;

/// The state directory: `AGENTENV_STATE_DIR`, else `git-agentenv` below `XDG_STATE_HOME`.
pub fn path() -> Result<PathBuf> {
    if let Some(dir) = env::path("AGENTENV_STATE_DIR") {
        return absolute(dir);
    }
    let state = env::path("XDG_STATE_HOME")
        .filter(|dir| dir.is_absolute())
        .or_else(|| env::path("HOME").map(|home| home.join(".local/state")));
    let state = state.ok_or_else(|| {
        error::usage("neither HOME nor XDG_STATE_HOME is set").hint(lock::WRITABLE)
    })?;
    Ok(state.join("git-agentenv"))
}

/// A relative path would be another store in each directory, and hand out the same ports again.
fn absolute(dir: PathBuf) -> Result<PathBuf> {
    if dir.is_absolute() {
        return Ok(dir);
    }
    let message = format!("AGENTENV_STATE_DIR is not an absolute path: {}", dir.display());
    let hint = "unset AGENTENV_STATE_DIR, or set it to an absolute path";
    Err(error::usage(message).hint(hint).into())
}

/// Who may use a state directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Its owner.
    User,
    /// Its group: the directory has the setgid bit and is writable for the group (`chmod 2770`).
    Group,
}

impl Access {
    /// Who may use this directory.
    pub fn of(dir: &Path) -> Access {
        const SHARED: u32 = 0o2020;
        match fs::mode(dir) {
            Some(mode) if mode & SHARED == SHARED => Access::Group,
            _ => Access::User,
        }
    }

    /// Replaces a file, readable and writable for every user of the directory, whatever the umask.
    pub fn replace(self, path: &Path, content: &[u8]) -> Result<()> {
        self.put(path, content)?;
        fs::sync_written(path)
    }

    /// As [`Access::replace`]; it is on the disk after a sync of its directory.
    pub fn put(self, path: &Path, content: &[u8]) -> Result<()> {
        match self {
            Access::User => fs::put(path, content),
            Access::Group => fs::put_exactly(path, content, self.of_file()),
        }
    }

    /// As [`Access::replace`], with the reserve in `dir`, see [`or_use_reserve`].
    pub fn replace_or_use_reserve(self, dir: &Path, path: &Path, content: &[u8]) -> Result<()> {
        or_use_reserve(dir, path, || self.replace(path, content))
    }

    /// Writes the reserve of this state directory where there is none.
    ///
    /// # Errors
    /// When there is no room for it; nothing of it is left then.
    pub fn keep_reserve(self, dir: &Path) -> Result<()> {
        let reserve = dir.join(RESERVE);
        if reserve.exists() { Ok(()) } else { self.replace(&reserve, &[0; RESERVE_SIZE]) }
    }

    /// Creates a directory inside, for the same users. One of this user's that others may read is closed to them: what
    /// applications print lies there, and who can open a lock can hold it.
    pub fn make_dir(self, path: &Path) -> Result<()> {
        const OTHERS: u32 = 0o077;
        match (self, fs::mode(path).filter(|_| path.is_dir())) {
            (Access::User, None) => fs::make_private_dir(path),
            // Where this cannot be changed, as on a file system without permissions, it is used as it is.
            (Access::User, Some(mode)) if mode & OTHERS != 0 => {
                fs::set_mode(path, mode & !OTHERS).ok();
                Ok(())
            }
            (Access::Group, None) => {
                fs::make_dir(path)?;
                fs::set_mode(path, 0o2770)
            }
            _ => Ok(()),
        }
    }

    /// The permissions of a file inside.
    pub fn of_file(self) -> u32 {
        match self {
            Access::User => 0o600,
            Access::Group => 0o660,
        }
    }
}

/// Writes to `path`; on a full disk what is there is replaced with the room of the reserve in the state directory `dir`: what
/// is about to be removed frees more than that.
pub fn or_use_reserve(dir: &Path, path: &Path, write: impl Fn() -> Result<()>) -> Result<()> {
    match write() {
        Err(error) if is_full(&error) && path.exists() => {
            fs::remove(&dir.join(RESERVE))?;
            write()
        }
        written => written,
    }
}

/// Whether an error comes from a disk without space, or a user without quota.
pub fn is_full(error: &anyhow::Error) -> bool {
    matches!(kind(error), Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
}

/// Whether an error says that another user's file or directory may not be read.
pub fn is_forbidden(error: &anyhow::Error) -> bool {
    kind(error) == Some(ErrorKind::PermissionDenied)
}

fn kind(error: &anyhow::Error) -> Option<ErrorKind> {
    error.chain().find_map(|cause| Some(cause.downcast_ref::<std::io::Error>()?.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_for_one_user_is_closed_to_others() {
        let dir = tempfile::tempdir().unwrap();
        let (inside, lock) = (dir.path().join("locks"), dir.path().join("lock"));
        Access::User.make_dir(&inside).unwrap();
        assert_eq!(fs::mode(&inside), Some(0o700));
        // Those of earlier versions were open.
        fs::set_mode(&inside, 0o755).unwrap();
        Access::User.make_dir(&inside).unwrap();
        assert_eq!(fs::mode(&inside), Some(0o700));
        drop(lock::attempt(&lock).unwrap());
        assert_eq!(fs::mode(&lock), Some(0o600));
    }

    #[test]
    fn in_a_shared_directory_the_group_may_do_what_the_owner_may() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Access::of(dir.path()), Access::User);
        fs::set_mode(dir.path(), 0o2770).unwrap();
        let access = Access::of(dir.path());
        assert_eq!(access, Access::Group);
        let (inside, file) = (dir.path().join("leases"), dir.path().join("leases/x"));
        access.make_dir(&inside).unwrap();
        access.replace(&file, b"x").unwrap();
        assert_eq!((fs::mode(&inside), fs::mode(&file)), (Some(0o2770), Some(0o660)));
        let file = inside.join("lock");
        drop(lock::attempt(&file).unwrap());
        assert_eq!(fs::mode(&file), Some(0o660));
    }
}
