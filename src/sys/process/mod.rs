//! The processes of this machine: who they are, who started them, and how they are ended.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod ps;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use ps as system;

use rustix::process::{Pid, Signal};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The variable that every process of an environment carries: the id of its lease.
pub const MARK: &str = "AGENTENV_LEASE";

/// The variable that tells which process of the configuration it is, or was started by.
pub const NAME: &str = "AGENTENV_PROCESS";

/// Both.
pub const MARKS: [&str; 2] = [MARK, NAME];

/// What a process carries in [`MARKS`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The id of the lease.
    pub lease: String,
    /// The process of the configuration.
    pub name: Option<String>,
}

impl Mark {
    /// Among the assignments of an environment.
    fn among<'a>(assignments: impl Iterator<Item = &'a [u8]> + Clone) -> Option<Mark> {
        let value = |variable: &str| {
            let mut values = assignments
                .clone()
                .filter_map(|one| one.strip_prefix(variable.as_bytes())?.strip_prefix(b"="));
            values.next().map(|value| String::from_utf8_lossy(value).into_owned())
        };
        Some(Mark { lease: value(MARK)?, name: value(NAME) })
    }
}

/// A process that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// The process that started it, or that took it over.
    pub parent: u32,
    /// Its process group.
    pub group: u32,
    /// What tells it from another process that gets the same id later.
    pub identity: String,
    /// Its memory, in bytes.
    pub memory: u64,
}

/// All processes of this machine by id, without those that have ended and are only not waited for.
pub fn all() -> BTreeMap<u32, Process> {
    system::all().into_iter().map(|process| (process.pid, process)).collect()
}

/// What tells a process from another one with the same id; `None`: it has ended.
pub fn identity(pid: u32) -> Option<String> {
    system::one(pid).map(|process| process.identity)
}

/// The processes of this user whose environment names this lease in [`MARK`].
pub fn marked(lease: &str) -> BTreeSet<u32> {
    let marked = system::marks().into_iter().filter(|(_, mark)| mark.lease == lease);
    marked.map(|(pid, _)| pid).collect()
}

/// The processes of this user that carry a mark.
pub fn marks() -> BTreeMap<u32, Mark> {
    system::marks()
}

/// A directory as it is now, also when it has been renamed or deleted.
#[derive(Debug, Clone)]
pub struct Dir {
    /// Its path.
    pub path: PathBuf,
    /// Its device and inode; `None`: there is no such directory.
    inode: Option<(u64, u64)>,
}

impl Dir {
    /// The directory at this path.
    pub fn at(path: &Path) -> Dir {
        let inode = path.metadata().ok().map(|dir| (dir.dev(), dir.ino()));
        Dir { path: path.to_owned(), inode }
    }

    /// Whether a process whose directory has the path `cwd` runs in this one or below, which had
    /// the path `name` then. Another directory that has or had the same name is told apart by its
    /// inode, on Linux; of one that was deleted before, only the name is left.
    pub fn holds(&self, pid: u32, cwd: &Path, name: &Path) -> bool {
        let is_it = |below| self.inode.is_none_or(|inode| system::is_at(pid, below, inode));
        cwd.strip_prefix(name).is_ok_and(is_it)
    }
}

/// The processes of this user that run in this directory or below.
pub fn inside(dir: &Path) -> BTreeSet<u32> {
    let at = Dir::at(dir);
    let inside = dirs().into_iter().filter(|(pid, cwd)| at.holds(*pid, cwd, dir));
    inside.map(|(pid, _)| pid).collect()
}

/// The directories in which the processes of this user run.
pub fn dirs() -> BTreeMap<u32, PathBuf> {
    system::dirs()
}

/// The program of a process, as people know it.
pub fn program(pid: u32) -> String {
    system::program(pid)
}

/// This process and those above it: ending one of them would end the caller.
pub fn ancestors(all: &BTreeMap<u32, Process>) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    let mut next = Some(std::process::id());
    while let Some(pid) = next.filter(|pid| *pid > 0 && found.insert(*pid)) {
        next = all.get(&pid).map(|process| process.parent);
    }
    found
}

/// These processes and all that they started.
pub fn with_descendants(all: &BTreeMap<u32, Process>, roots: BTreeSet<u32>) -> BTreeSet<u32> {
    let mut found = roots;
    loop {
        let children = all.values().filter(|process| found.contains(&process.parent));
        let fresh: Vec<u32> =
            children.map(|process| process.pid).filter(|pid| !found.contains(pid)).collect();
        if fresh.is_empty() {
            return found;
        }
        found.extend(fresh);
    }
}

/// Sends a signal to a process, unless its id belongs to another one by now.
pub fn signal(process: &Process, signal: Signal) {
    if let Some(pid) = i32::try_from(process.pid).ok().and_then(Pid::from_raw) {
        system::signal(pid, &process.identity, signal);
    }
}
