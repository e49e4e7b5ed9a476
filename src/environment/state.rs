//! The state of environments at a glance: one look at the machine for all of them; no server is asked.

use crate::environment::facts::{self, Facts, Place};
use crate::environment::reclaim::{self, Homeless};
use crate::environment::worktree::{self, Neighbours};
use crate::environment::{processes, resolve};
use crate::model::lease::{Lease, Phase};
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
/// The environment file is missing, or the mark in git's record of the worktree.
pub const INCOMPLETE: &str = "incomplete";
/// The worktree exists, and git has no record of it.
pub const UNRECORDED: &str = "no record";

#[cfg(test)]
const WORDS: [&str; 8] =
    [READY, "creating", "removing", "restoring", GONE, UNRECORDED, INCOMPLETE, "hooks pending"];

/// The state of an environment.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct State {
    /// The state in one word. `incomplete`: the environment file is missing, or the mark in git's record of the worktree.
    /// `gone`: the worktree was deleted. `no record`: git has no record of the worktree, which exists.
    #[cfg_attr(test, schemars(extend("enum" = WORDS)))]
    pub state: &'static str,
    /// A process listens on one of its ports.
    pub listening: bool,
    /// The ports on which a process listens.
    pub listening_on: Vec<u16>,
    /// How many of the processes that `up` started run.
    pub running: usize,
    /// How many of them died: a signal ended them, or they exited with a code other than 0.
    pub died: usize,
    /// What takes longer to find out.
    #[serde(flatten)]
    pub facts: Facts,
}

/// What is known of the machine.
#[derive(Default)]
pub struct Glance {
    listening: BTreeSet<u16>,
    trees: BTreeMap<PathBuf, Option<Vec<Worktree>>>,
    mains: BTreeMap<PathBuf, Option<String>>,
    processes: processes::Table,
    near: Neighbours,
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
            if leases.iter().any(|lease| !lease.processes.is_empty()) {
                glance.processes = processes::Table::read();
            }
            let listening = listening.join().unwrap_or_default();
            glance.listening = listening.unwrap_or_else(|| tried(&leases));
            Ok((leases, glance))
        })
    }

    fn look(&mut self, lease: &mut Lease) {
        if let Some(trees) = self.trees_of(&lease.repository) {
            resolve::place(lease, trees);
        }
    }

    fn trees_of(&mut self, common: &Path) -> Option<&Vec<Worktree>> {
        let trees = self.trees.entry(common.to_owned()).or_insert_with(|| {
            self.mains.insert(common.to_owned(), repo::main_branch(common));
            repo::worktrees(common).ok()
        });
        trees.as_ref()
    }

    /// One environment, without asking git.
    pub fn of(&self, lease: &Lease) -> State {
        let ports = lease.ports.values().copied();
        let listening_on: Vec<u16> = ports.filter(|port| self.listening.contains(port)).collect();
        let (running, died) = self.processes.count(lease);
        State {
            state: self.word(lease),
            listening: !listening_on.is_empty(),
            listening_on,
            running,
            died,
            facts: Facts::default(),
        }
    }

    /// One environment, with what git says of its files and commits.
    pub fn with_status(&self, lease: &Lease) -> State {
        let mut state = self.of(lease);
        if let Some(place) = self.place(lease) {
            state.facts = facts::of(&place);
        }
        state
    }

    /// Where to look for what takes longer to find out; `None`: the worktree is not there.
    pub fn place(&self, lease: &Lease) -> Option<Place> {
        let trees = self.trees.get(&lease.repository)?.as_ref()?;
        let tree = worktree::among(lease, trees)?;
        let there = lease.path.is_dir();
        there.then(|| Place {
            path: lease.path.clone(),
            admin: tree.admin.clone(),
            beside: self.main_branch(&lease.repository),
        })
    }

    /// The branch that the main checkout of this repository is on.
    pub fn main_branch(&self, common: &Path) -> Option<String> {
        self.mains.get(common).cloned().flatten()
    }

    /// The worktrees of a repository that belong to none of the leases and are there.
    pub fn plain(&mut self, common: &Path, leases: &[Lease]) -> Vec<Worktree> {
        let Some(trees) = self.trees_of(common) else { return Vec::new() };
        let owned: BTreeSet<&Path> = leases
            .iter()
            .filter(|lease| lease.repository == common)
            .filter_map(|lease| {
                worktree::among(lease, trees).or_else(|| worktree::standing(lease, trees))
            })
            .map(|tree| tree.admin.as_path())
            .collect();
        let is_plain = |tree: &&Worktree| !owned.contains(tree.admin.as_path());
        trees.iter().filter(is_plain).filter(|tree| tree.is_present()).cloned().collect()
    }

    fn word(&self, lease: &Lease) -> &'static str {
        match lease.phase {
            Phase::Creating => "creating",
            Phase::Closing | Phase::Removing | Phase::Keeping => "removing",
            Phase::Restoring => "restoring",
            Phase::Ready if self.is_gone(lease) => GONE,
            Phase::Ready => self.broken(lease).unwrap_or_else(|| whole(lease)),
        }
    }

    fn is_gone(&self, lease: &Lease) -> bool {
        // Where the worktrees cannot be read, nothing is gone.
        let Some(Some(trees)) = self.trees.get(&lease.repository) else {
            return false;
        };
        let tree = || Ok(worktree::among(lease, trees).cloned());
        reclaim::due_with(lease, &self.near, tree).is_ok_and(|due| due.is_some())
    }

    /// What its worktree and its repository lack that lead to each other.
    fn broken(&self, lease: &Lease) -> Option<&'static str> {
        let trees = self.trees.get(&lease.repository).and_then(Option::as_ref);
        if trees.is_some_and(|trees| worktree::among(lease, trees).is_some()) {
            return None;
        }
        match reclaim::homeless(lease, &self.near).ok()?? {
            Homeless::Unmarked(_) => Some(INCOMPLETE),
            _ => Some(UNRECORDED),
        }
    }
}

fn whole(lease: &Lease) -> &'static str {
    match is_file(&lease.path.join(&lease.env_file)) {
        false => INCOMPLETE,
        true if lease.hooks_pending => "hooks pending",
        true => READY,
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
