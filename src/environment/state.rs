//! The state of environments at a glance: one look at the machine for all of them; no server is asked.

use crate::environment::{reclaim, resolve, worktree};
use crate::model::lease::{Lease, Phase};
use crate::sys::git::status::{self, Status};
use crate::sys::repo::{self, Worktree};
use crate::sys::{fs, listeners, net, parallel};
use anyhow::Result;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::thread;

/// Everything exists.
pub const READY: &str = "ready";
/// The worktree was deleted.
pub const GONE: &str = "gone";
/// The environment file is missing.
pub const INCOMPLETE: &str = "incomplete";

#[cfg(test)]
const WORDS: [&str; 7] =
    [READY, "creating", "removing", "restoring", GONE, INCOMPLETE, "hooks pending"];

/// The state of an environment.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct State {
    /// The state in one word. `incomplete`: the environment file is missing. `gone`: the worktree was deleted.
    #[cfg_attr(test, schemars(extend("enum" = WORDS)))]
    pub state: &'static str,
    /// A process listens on one of its ports.
    pub listening: bool,
    /// The ports on which a process listens.
    pub listening_on: Vec<u16>,
    /// What git says of its files and commits; missing when git was not asked or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
}

/// What is known of the machine.
#[derive(Default)]
pub struct Glance {
    listening: BTreeSet<u16>,
    trees: BTreeMap<PathBuf, Option<Vec<Worktree>>>,
    mains: BTreeMap<PathBuf, Option<String>>,
}

impl Glance {
    /// Looks once for all these leases, and gives each the branch and the path that its worktree has now.
    pub fn take(leases: impl FnOnce() -> Result<Vec<Lease>>) -> Result<(Vec<Lease>, Glance)> {
        thread::scope(|scope| {
            // The system's table of sockets is long, and comes while the files are read.
            let listening = scope.spawn(listeners::ports);
            let mut leases = leases()?;
            let mut glance = Glance::default();
            leases.iter_mut().for_each(|lease| glance.look(lease));
            let listening = listening.join().unwrap_or_default();
            glance.listening = listening.unwrap_or_else(|| tried(&leases));
            Ok((leases, glance))
        })
    }

    fn look(&mut self, lease: &mut Lease) {
        let common = &lease.repository;
        let trees = self.trees.entry(common.clone()).or_insert_with(|| {
            self.mains.insert(common.clone(), repo::main_branch(common));
            repo::worktrees(common).ok()
        });
        if let Some(trees) = trees {
            resolve::place(lease, trees);
        }
    }

    /// One environment, without asking git.
    pub fn of(&self, lease: &Lease) -> State {
        let ports = lease.ports.values().copied();
        let listening_on: Vec<u16> = ports.filter(|port| self.listening.contains(port)).collect();
        State {
            state: self.word(lease),
            listening: !listening_on.is_empty(),
            listening_on,
            status: None,
        }
    }

    /// One environment, with what git says of its files and commits.
    pub fn with_status(&self, lease: &Lease) -> State {
        let mut state = self.of(lease);
        let main = self.mains.get(&lease.repository).and_then(Option::as_deref);
        if state.state != GONE {
            state.status = status::of(&lease.path, main).ok();
        }
        state
    }

    fn word(&self, lease: &Lease) -> &'static str {
        match lease.phase {
            Phase::Creating => "creating",
            Phase::Closing | Phase::Removing | Phase::Keeping => "removing",
            Phase::Restoring => "restoring",
            Phase::Ready if self.is_gone(lease) => GONE,
            Phase::Ready if !is_file(&lease.path.join(&lease.env_file)) => INCOMPLETE,
            Phase::Ready if lease.hooks_pending => "hooks pending",
            Phase::Ready => READY,
        }
    }

    fn is_gone(&self, lease: &Lease) -> bool {
        // Where the worktrees cannot be read, nothing is gone.
        let Some(Some(trees)) = self.trees.get(&lease.repository) else {
            return false;
        };
        let tree = || Ok(worktree::among(lease, trees).cloned());
        reclaim::due_with(lease, tree).is_ok_and(|due| due.is_some())
    }
}

fn is_file(path: &Path) -> bool {
    matches!(fs::stands(path), Ok(fs::Stands::File))
}

/// The ports that a process listens on, found by connecting: for systems without a list of them.
fn tried(leases: &[Lease]) -> BTreeSet<u16> {
    let ports: Vec<u16> = leases.iter().flat_map(|lease| lease.ports.values().copied()).collect();
    let answers = parallel::each(&ports, |&port| net::is_listening(port));
    ports.iter().zip(answers).filter(|(_, answers)| *answers).map(|(&port, _)| port).collect()
}
