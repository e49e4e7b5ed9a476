//! Copies of files: by reflink where the file system can, else byte by byte.

use crate::sys::fs::{self as files, Stands};
use anyhow::{Context, Result};
use rustix::fs::{CWD, OFlags, RenameFlags};
use std::fs::{self, DirBuilder, File, FileTimes};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// How long a copy of data may take: as long as it needs, and yet no process is left for ever beside a server that hangs.
pub const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// After how many bytes of a file are counted.
const CHUNK: u64 = 64 << 20;

/// Copies files between two file systems, and remembers whether reflinks work there.
#[derive(Debug, Default)]
pub struct Copier {
    /// A reflink was refused: the next file is not tried.
    no_reflink: AtomicBool,
    /// The bytes that were copied.
    copied: AtomicU64,
}

impl Copier {
    /// How many bytes were copied so far.
    pub fn copied(&self) -> u64 {
        self.copied.load(Ordering::Relaxed)
    }

    fn count(&self, bytes: u64) {
        self.copied.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Copies a regular file with its mode and modification time, or a symbolic link as it is.
    ///
    /// Never replaces anything. A crash leaves no half-written file under the name `to`. Returns whether there is a
    /// new file: `false` when `to` exists, or `from` is gone or neither file nor link.
    pub fn copy(&self, from: &Path, to: &Path) -> Result<bool> {
        let copied = match files::stands(from)? {
            Stands::File => self.file(from, to),
            Stands::Link => fs::read_link(from).and_then(|target| symlink(target, to)),
            Stands::Nothing | Stands::Directory | Stands::Other => return Ok(false),
        };
        match copied {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error)
                .with_context(|| format!("cannot copy {} to {}", from.display(), to.display())),
        }
    }

    fn file(&self, from: &Path, to: &Path) -> io::Result<()> {
        if to.symlink_metadata().is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let nofollow = OFlags::NOFOLLOW.bits().cast_signed();
        let mut source = File::options().read(true).custom_flags(nofollow).open(from)?;
        let meta = source.metadata()?;
        let fresh = files::unfinished(to);
        let copied = (|| {
            if cloned(&source, &fresh) {
                self.count(meta.len());
            } else {
                let mut options = File::options();
                let mut target =
                    options.write(true).create_new(true).mode(meta.mode() & 0o7777).open(&fresh)?;
                self.fill(&mut source, &mut target)?;
                target.set_times(FileTimes::new().set_modified(meta.modified()?))?;
            }
            rustix::fs::renameat_with(CWD, &fresh, CWD, to, RenameFlags::NOREPLACE)
                .map_err(io::Error::from)
        })();
        if copied.is_err() {
            fs::remove_file(&fresh).ok();
        }
        copied
    }

    fn fill(&self, source: &mut File, target: &mut File) -> io::Result<()> {
        if !self.no_reflink.load(Ordering::Relaxed) {
            if reflinked(source, target) {
                self.count(source.metadata()?.len());
                return Ok(());
            }
            self.no_reflink.store(true, Ordering::Relaxed);
        }
        loop {
            match io::copy(&mut source.take(CHUNK), target)? {
                0 => return Ok(()),
                bytes => self.count(bytes),
            }
        }
    }
}

/// Shares the blocks of `source` with the new file `target`.
#[cfg(target_os = "linux")]
fn reflinked(source: &File, target: &File) -> bool {
    rustix::fs::ioctl_ficlone(target, source).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn reflinked(_: &File, _: &File) -> bool {
    false
}

/// Creates `to` with the blocks, the mode and the times of `source`: APFS.
#[cfg(target_vendor = "apple")]
fn cloned(source: &File, to: &Path) -> bool {
    rustix::fs::fclonefileat(source, CWD, to, rustix::fs::CloneFlags::empty()).is_ok()
}

#[cfg(not(target_vendor = "apple"))]
fn cloned(_: &File, _: &Path) -> bool {
    false
}

/// Creates the directory `to`, below a directory that exists, with the mode of `from`. Returns `false` when something
/// else than a directory is there; a symbolic link is never followed.
pub fn directory(from: &Path, to: &Path) -> Result<bool> {
    match files::stands(to)? {
        Stands::Directory => return Ok(true),
        Stands::Nothing => {}
        Stands::File | Stands::Link | Stands::Other => return Ok(false),
    }
    // The user can always write into it: files follow.
    let mode = fs::symlink_metadata(from).map_or(0o777, |meta| meta.mode() & 0o777) | 0o700;
    match DirBuilder::new().mode(mode).create(to) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(error).with_context(|| format!("cannot create the directory {}", to.display()))
        }
        _ => Ok(true),
    }
}

/// Creates a symbolic link to the absolute path `target`; `false` when something is there already.
pub fn link(target: &Path, at: &Path) -> Result<bool> {
    match symlink(target, at) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error)
            .with_context(|| format!("cannot link {} to {}", at.display(), target.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_content_the_mode_and_the_time() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("a"), dir.path().join("b"));
        files::replace_as(&from, b"content", 0o750).unwrap();
        let past = std::time::UNIX_EPOCH + Duration::from_secs(1_000_000);
        File::options().write(true).open(&from).unwrap().set_modified(past).unwrap();
        let copier = Copier::default();
        assert!(copier.copy(&from, &to).unwrap());
        assert_eq!(files::read(&to).unwrap().unwrap(), b"content");
        assert_eq!(files::mode(&to), files::mode(&from));
        assert_eq!(fs::metadata(&to).unwrap().modified().unwrap(), past);
        assert_eq!(files::entries(dir.path()).unwrap(), [from, to], "nothing else is left");
        assert_eq!(copier.copied(), 7);
    }

    #[test]
    fn nothing_is_replaced_and_no_link_followed() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        files::replace(&at("a"), b"new").unwrap();
        files::replace(&at("b"), b"old").unwrap();
        symlink("nowhere", at("link")).unwrap();
        let copier = Copier::default();
        assert!(!copier.copy(&at("a"), &at("b")).unwrap());
        assert!(!copier.copy(&at("a"), &at("link")).unwrap());
        assert!(!copier.copy(&at("gone"), &at("c")).unwrap());
        assert_eq!(files::read(&at("b")).unwrap().unwrap(), b"old");
        assert!(!directory(dir.path(), &at("link")).unwrap());
        assert!(copier.copy(&at("link"), &at("copy")).unwrap());
        assert_eq!(fs::read_link(at("copy")).unwrap(), Path::new("nowhere"));
    }
}
