//! What a file holds.

use super::{Stands, is_absent, stands};
use anyhow::Result;
use rustix::fs::OFlags;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The most that is read of a file that another user may have written, in bytes.
pub const LIMIT: u64 = 1 << 20;

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

/// The content of a file that this program or git wrote itself, whatever its length; `None` when there is none.
pub fn read_own(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(unreadable(path, error)),
    }
}

/// The content of a short text file, trimmed; `None` when it is absent or unreadable.
pub fn word(path: &Path) -> Option<String> {
    let content = read(path).ok()??;
    Some(String::from_utf8_lossy(&content).trim().to_owned())
}

fn unreadable(path: &Path, error: std::io::Error) -> anyhow::Error {
    anyhow::Error::new(error).context(format!("cannot read {}", path.display()))
}
