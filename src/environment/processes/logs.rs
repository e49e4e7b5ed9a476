//! What the processes of an environment print.

use super::Status;
use crate::model::lease::Lease;
use crate::sys::docker;
use crate::sys::exec::Lines;
use crate::sys::fs;
use crate::sys::store::Store;
use anyhow::{Context, Result};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// How many starts of a process keep their log.
const KEPT: usize = 5;

/// How many starts before the last one keep their log.
pub const EARLIER: u64 = KEPT as u64 - 1;

/// The most that is read of a log's end, in bytes.
const TAIL: u64 = 1 << 20;

/// The most that is read at once of a log that grows, in bytes.
const LOOK: u64 = 1 << 20;

/// The longest line that is waited for, in bytes: a longer one, or one that never ends, is shown in pieces.
const LONGEST_LINE: usize = 64 << 10;

/// The longest log, in bytes: of a longer one, the next command that deals with logs keeps the end.
const LONGEST: u64 = 64 << 20;

/// Shortens the logs of an environment that have become too long. No daemon watches them.
pub fn shorten(store: &Store, lease: &Lease) -> Result<()> {
    let mut logs = fs::entries(&store.logs(&lease.id))?;
    logs.retain(|file| file.extension().is_some_and(|end| end == "log"));
    logs.iter().try_for_each(|log| fs::keep_tail(log, LONGEST, TAIL))
}

/// The file for the next start of a process. The oldest ones go.
pub(super) fn next(store: &Store, lease: &Lease, name: &str) -> Result<PathBuf> {
    let dir = store.logs(&lease.id);
    let mut starts = starts(&dir, name)?;
    starts.sort_unstable();
    for old in starts.iter().rev().skip(KEPT - 1) {
        let log = file(&dir, name, *old);
        fs::remove(&super::exit_file(&log))?;
        fs::remove(&log)?;
    }
    let log = file(&dir, name, starts.last().map_or(1, |last| last + 1));
    store.make_log(&lease.id, &log)?;
    Ok(log)
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
    let mut file = File::open(log).with_context(|| format!("cannot read {}", log.display()))?;
    tail_of(&mut file, lines)
}

/// The last lines of a file, which is read to the end that it has now.
fn tail_of(file: &mut File, lines: usize) -> Result<String> {
    let mut text = Vec::new();
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    // It may grow faster than it is read.
    file.take(TAIL).read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.split_inclusive('\n').collect();
    Ok(all[all.len().saturating_sub(lines)..].concat())
}

/// Where what a process or a container prints is kept.
pub enum Source {
    /// In this file.
    File(PathBuf),
    /// By Docker, for this container.
    Container(String),
}

impl Source {
    /// Of a process or container; `None`: it was not started.
    pub fn of(one: &Status) -> Option<Source> {
        let container = || one.container.clone().map(Source::Container);
        one.log.clone().map(Source::File).or_else(container)
    }

    /// Of a start of a process, so many before the last one, also when it is not on record any more, as after `down`; `None`:
    /// there is no log.
    pub fn left(
        store: &Store,
        lease: &Lease,
        process: &str,
        before: usize,
    ) -> Result<Option<Source>> {
        let dir = store.logs(&lease.id);
        let mut starts = starts(&dir, process)?;
        starts.sort_unstable();
        let start = starts.into_iter().rev().nth(before);
        Ok(start.map(|start| Source::File(file(&dir, process, start))))
    }

    /// The file.
    pub fn file(&self) -> Option<PathBuf> {
        match self {
            Source::File(file) => Some(file.clone()),
            Source::Container(_) => None,
        }
    }

    /// The last lines.
    pub fn tail(&self, count: usize) -> Result<String> {
        match self {
            Source::File(file) => tail(file, count),
            Source::Container(name) => Ok(joined(docker::logs(name, count)?)),
        }
    }

    /// The last lines and those that come.
    pub fn follow(&self, count: usize) -> Result<Follower> {
        Ok(match self {
            Source::File(file) => Follower::File(Growing::after(file, count)?),
            Source::Container(name) => Follower::Container(docker::follow(name, count)?),
        })
    }
}

/// Reads what a process or a container prints, by whole lines.
pub enum Follower {
    /// From a file that grows.
    File(Growing),
    /// From Docker.
    Container(Lines),
}

impl Follower {
    /// The lines that have come since the last call, and whether more may come: from a process while it prints to this
    /// log. `log`: that of the process, if it runs.
    pub fn lines(&mut self, log: Option<&Path>) -> Result<(String, bool)> {
        Ok(match self {
            Follower::File(file) => {
                let process_runs = log.is_some_and(|log| log == file.log);
                file.lines(process_runs)?
            }
            Follower::Container(lines) => match lines.come() {
                Some(lines) => (joined(lines), true),
                None => (String::new(), false),
            },
        })
    }
}

fn joined(lines: Vec<String>) -> String {
    lines.into_iter().map(|line| line + "\n").collect()
}

/// A log that grows.
pub struct Growing {
    log: PathBuf,
    file: File,
    begun: Vec<u8>,
    /// The last line that was shown is a piece of one that had not ended.
    is_cut: bool,
}

impl Growing {
    /// With its last lines.
    fn after(log: &Path, count: usize) -> Result<Growing> {
        let mut file = File::open(log).with_context(|| format!("cannot read {}", log.display()))?;
        let begun = tail_of(&mut file, count)?.into_bytes();
        Ok(Growing { log: log.to_owned(), file, begun, is_cut: false })
    }

    /// The lines that have come since the last call, and whether more may come; the last one of all may have no end.
    fn lines(&mut self, process_runs: bool) -> Result<(String, bool)> {
        // It was shortened, to what was shown already.
        if self.file.metadata()?.len() < self.file.stream_position()? {
            self.file.seek(SeekFrom::End(0))?;
        }
        let read = (&self.file).take(LOOK).read_to_end(&mut self.begun)?;
        let goes_on = process_runs || read as u64 == LOOK;
        // The end of a line of which all was shown already.
        if self.is_cut && self.begun.first() == Some(&b'\n') {
            self.begun.remove(0);
            self.is_cut = false;
        }
        let whole = self.begun.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let end = match (goes_on, self.begun.len() - whole <= LONGEST_LINE) {
            (true, true) => whole,
            (true, false) => whole_letters(&self.begun),
            (false, _) => self.begun.len(),
        };
        let lines: Vec<u8> = self.begun.drain(..end).collect();
        self.is_cut = lines.last().map_or(self.is_cut, |byte| *byte != b'\n');
        Ok((String::from_utf8_lossy(&lines).into_owned(), goes_on))
    }
}

/// How long the text is without a letter of UTF-8 that has only begun.
fn whole_letters(text: &[u8]) -> usize {
    let begun = text.utf8_chunks().last().map_or(0, |chunk| chunk.invalid().len());
    text.len() - begun
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
        let mut follower = Growing::after(&log, 1).unwrap();
        fs::append(&log, b"four\nfi").unwrap();
        assert_eq!(follower.lines(true).unwrap().0, "three\nfour\n");
        fs::append(&log, b"ve\n").unwrap();
        assert_eq!(follower.lines(true).unwrap().0, "five\n");
        fs::append(&log, b"the end").unwrap();
        assert_eq!(follower.lines(true).unwrap().0, "");
        assert_eq!(follower.lines(false).unwrap().0, "the end");
    }

    #[test]
    fn a_log_that_is_too_long_keeps_its_last_lines_and_is_followed_on() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("web.1.log");
        let mut printing = File::options().create(true).append(true).open(&log).unwrap();
        let mut print = |text: &str| std::io::Write::write_all(&mut printing, text.as_bytes());
        print("one\ntwo\nthree\n").unwrap();
        let mut follower = Growing::after(&log, 9).unwrap();
        assert_eq!(follower.lines(true).unwrap().0, "one\ntwo\nthree\n");
        fs::keep_tail(&log, 14, 8).unwrap();
        assert_eq!(tail(&log, 9).unwrap(), "one\ntwo\nthree\n", "it is not too long");
        fs::keep_tail(&log, 13, 8).unwrap();
        assert_eq!(tail(&log, 9).unwrap(), "three\n");
        assert_eq!(follower.lines(true).unwrap().0, "");
        print("four\n").unwrap();
        assert_eq!(tail(&log, 9).unwrap(), "three\nfour\n");
        assert_eq!(follower.lines(true).unwrap().0, "four\n");
    }

    #[test]
    fn a_log_that_grows_without_end_is_read_in_pieces() {
        let zero = Path::new("/dev/zero");
        assert_eq!(tail(zero, 1).unwrap().len() as u64, TAIL);
        let mut follower = Growing {
            log: zero.to_owned(),
            file: File::open(zero).unwrap(),
            begun: Vec::new(),
            is_cut: false,
        };
        for process_runs in [true, false] {
            let (lines, goes_on) = follower.lines(process_runs).unwrap();
            assert_eq!((lines.len() as u64, goes_on), (LOOK, true), "a line that never ends");
        }
    }

    #[test]
    fn a_line_that_is_shown_in_pieces_ends_once_and_breaks_no_letter() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("web.1.log");
        fs::append(&log, b"").unwrap();
        let mut follower = Growing::after(&log, 1).unwrap();
        // Its first piece ends inside of a letter, and its last one right before the line's end.
        let line = format!("x{}y", "\u{fc}".repeat(LOOK as usize - 1));
        fs::append(&log, format!("{line}\n\nnext\n").as_bytes()).unwrap();
        let mut shown: Vec<String> = Vec::new();
        for _ in 0..4 {
            let (lines, _) = follower.lines(true).unwrap();
            shown.extend(lines.lines().map(str::to_owned));
        }
        let end = shown.split_off(shown.len() - 3);
        assert!(end[0].ends_with('y') && end[1..] == ["", "next"], "{:?}", &end[1..]);
        assert_eq!(shown.concat() + &end[0], line);
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
