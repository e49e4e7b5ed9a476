//! What the processes of an environment print.

use crate::model::lease::Lease;
use crate::sys::fs;
use crate::sys::store::Store;
use anyhow::{Context, Result};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// How many starts of a process keep their log.
const KEPT: usize = 5;

/// The most that is read of a log's end, in bytes.
const TAIL: u64 = 1 << 20;

/// The file for the next start of a process. The oldest ones go.
pub(super) fn next(store: &Store, lease: &Lease, name: &str) -> Result<PathBuf> {
    let dir = store.logs(&lease.id);
    fs::make_dir(&dir)?;
    let mut starts = starts(&dir, name)?;
    starts.sort_unstable();
    for old in starts.iter().rev().skip(KEPT - 1) {
        let log = file(&dir, name, *old);
        fs::remove(&super::exit_file(&log))?;
        fs::remove(&log)?;
    }
    Ok(file(&dir, name, starts.last().map_or(1, |last| last + 1)))
}

fn file(dir: &Path, name: &str, start: u64) -> PathBuf {
    dir.join(format!("{name}.{start}.log"))
}

fn starts(dir: &Path, name: &str) -> Result<Vec<u64>> {
    let number = |file: &PathBuf| {
        let file = file.file_name()?.to_str()?;
        file.strip_prefix(name)?.strip_prefix('.')?.strip_suffix(".log")?.parse().ok()
    };
    Ok(fs::entries(dir)?.iter().filter_map(number).collect())
}

/// The last lines of a log.
pub fn tail(log: &Path, lines: usize) -> Result<String> {
    let mut text = Vec::new();
    let mut file = File::open(log).with_context(|| format!("cannot read {}", log.display()))?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    file.take(TAIL).read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.split_inclusive('\n').collect();
    Ok(all[all.len().saturating_sub(lines)..].concat())
}

/// Reads a log as it grows, by whole lines.
pub struct Follower {
    file: File,
    begun: Vec<u8>,
}

impl Follower {
    /// From the log's end on.
    pub fn at_end(log: &Path) -> Result<Follower> {
        let mut file = File::open(log).with_context(|| format!("cannot read {}", log.display()))?;
        file.seek(SeekFrom::End(0))?;
        Ok(Follower { file, begun: Vec::new() })
    }

    /// The lines that have come since the last call.
    pub fn lines(&mut self) -> Result<String> {
        self.file.read_to_end(&mut self.begun)?;
        let end = self.begun.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines: Vec<u8> = self.begun.drain(..end).collect();
        Ok(String::from_utf8_lossy(&lines).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_read_from_its_end_and_by_whole_lines() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("web.1.log");
        fs::append(&log, b"one\ntwo\nthree\n").unwrap();
        assert_eq!(tail(&log, 2).unwrap(), "two\nthree\n");
        let mut follower = Follower::at_end(&log).unwrap();
        fs::append(&log, b"four\nfi").unwrap();
        assert_eq!(follower.lines().unwrap(), "four\n");
        fs::append(&log, b"ve\n").unwrap();
        assert_eq!(follower.lines().unwrap(), "five\n");
    }

    #[test]
    fn another_process_whose_name_begins_the_same_has_its_own_numbers() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["web.1.log", "web.12.log", "web-admin.3.log", "web.1.exit"] {
            fs::append(&dir.path().join(name), b"").unwrap();
        }
        let mut found = starts(dir.path(), "web").unwrap();
        found.sort_unstable();
        assert_eq!(found, [1, 12]);
    }
}
