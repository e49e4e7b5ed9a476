//! Processes that `up` did not start: what else runs in a worktree, or listens on its ports.

use super::stop::{self, Stopped};
use super::{Containers, running};
use crate::model::lease::Lease;
use crate::sys::listeners;
use crate::sys::process::{self, Dir, Process};
use anyhow::Result;
use rustix::process::Signal;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

/// How long they have to end by themselves.
const GRACE: Duration = Duration::from_secs(5);

/// A shell is deaf to SIGTERM, and what Ctrl-Z stopped to both until it goes on.
const SIGNALS: [Signal; 3] = [Signal::TERM, Signal::HUP, Signal::CONT];

/// A process that `up` did not start, in an environment's worktree or on one of its ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Stranger {
    /// Its process id.
    pub pid: u32,
    /// Its program.
    pub program: String,
    /// The directory it runs in; null: not known.
    pub dir: Option<PathBuf>,
    /// The port of the environment that it listens on; null: none.
    pub port: Option<u16>,
}

impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", self.program, self.pid)?;
        if let Some(dir) = &self.dir {
            write!(f, " in {}", dir.display())?;
        }
        self.port.map_or(Ok(()), |port| write!(f, ", listens on {port}"))
    }
}

/// The processes of this machine, read once for several environments.
pub struct Machine {
    dirs: BTreeMap<u32, PathBuf>,
    listening: Option<BTreeSet<u16>>,
    /// Read only where one of them may be a stranger. After the directories: of one that has ended meanwhile, nothing says
    /// any more that this process had started it.
    all: OnceLock<BTreeMap<u32, Process>>,
    /// The leases in whose environments something of `up` may run.
    own: BTreeSet<String>,
    containers: Containers,
}

impl Machine {
    /// Reads them. `own` are the ids of those of the leases in whose environments something of `up`
    /// may run.
    pub fn read(leases: &[&Lease], own: BTreeSet<String>) -> Self {
        Machine {
            dirs: process::dirs(),
            listening: listeners::ports(),
            all: OnceLock::new(),
            own,
            containers: Containers::look(leases.iter().copied()).unwrap_or(Containers::none()),
        }
    }

    /// Whether something may run that `up` started in this environment.
    pub fn runs_own(&self, lease: &Lease) -> bool {
        self.own.contains(&lease.id) || self.containers.are_up(lease)
    }

    /// The strangers of an environment whose worktree is at `dir` now, and may have been at its usual place when the machine was read.
    pub fn strangers(&self, lease: &Lease, dir: &Dir) -> Vec<Stranger> {
        let all = || self.all.get_or_init(process::all);
        let names = [&dir.path, &lease.path];
        let is_inside = |(pid, cwd): &(&u32, &PathBuf)| {
            let is_named = names.iter().any(|name| dir.holds(**pid, cwd, name));
            is_named && all().contains_key(*pid)
        };
        // As people know it: a closed worktree has another path, which goes soon.
        let usual = |cwd: PathBuf| match cwd.strip_prefix(&dir.path) {
            Ok(below) => lease.path.components().chain(below.components()).collect(),
            Err(_) => cwd,
        };
        let mut found: BTreeMap<u32, Stranger> = BTreeMap::new();
        for (&pid, cwd) in self.dirs.iter().filter(is_inside) {
            let (program, dir) = (process::program(pid), Some(usual(cwd.clone())));
            found.insert(pid, Stranger { pid, program, dir, port: None });
        }
        for &port in lease.ports.values() {
            if self.listening.as_ref().is_some_and(|all| !all.contains(&port)) {
                continue;
            }
            for listener in listeners::on(port) {
                let (pid, program, dir) = (listener.pid, listener.program, listener.dir.map(usual));
                let stranger = Stranger { pid, program, dir, port: Some(port) };
                found.entry(pid).or_insert(stranger).port = Some(port);
            }
        }
        if found.is_empty() {
            return Vec::new();
        }
        let own: BTreeSet<u32> = match self.runs_own(lease) {
            true => running(lease).into_iter().map(|process| process.pid).collect(),
            false => BTreeSet::new(),
        };
        let kept = kept(all());
        found.retain(|pid, _| !kept.contains(pid) && !own.contains(pid));
        found.into_values().collect()
    }
}

/// Ends what runs in the worktree of an environment that goes, wherever its directory is now; nothing outside of it.
///
/// # Errors
/// When a process cannot be ended.
pub fn end_inside(lease: &Lease, dir: &Path) -> Result<Stopped> {
    let ended = stop::end_all(&lease.name, GRACE, &SIGNALS, || {
        if process::inside(dir).is_empty() {
            return Vec::new();
        }
        let all = process::all();
        // Read after them: an id that has changed hands meanwhile comes with an identity that is no longer its own.
        let strangers = &process::inside(dir) - &kept(&all);
        strangers.iter().filter_map(|pid| all.get(pid).cloned()).collect()
    })?;
    Ok(ended.without(&BTreeSet::new()))
}

/// This process, those above it and those that it started.
fn kept(all: &BTreeMap<u32, Process>) -> BTreeSet<u32> {
    let started = process::with_descendants(all, BTreeSet::from([std::process::id()]));
    &process::ancestors(all) | &started
}
