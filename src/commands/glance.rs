//! How environments are at a glance: one look at the machine for all of them, and no server is asked.

use super::view::Environment;
use super::{recover, select};
use crate::apply::tree;
use crate::model::lease::{Lease, Phase};
use crate::sys::repo::{self, Worktree};
use crate::sys::status::{self, Status};
use crate::sys::{fs, listeners, net, parallel};
use anyhow::Result;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::thread;

/// Everything is there.
pub const READY: &str = "ready";
/// The worktree is not there any more.
pub const GONE: &str = "gone";
/// The environment file is not there.
pub const INCOMPLETE: &str = "incomplete";

/// An environment and how it is, in JSON.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The environment.
    #[serde(flatten)]
    pub environment: Environment,
    /// How it is.
    pub state: &'static str,
    /// Something listens on one of its ports.
    pub listening: bool,
    /// The ports that something listens on.
    pub listening_on: Vec<u16>,
    /// What git says; left out when it was not asked or cannot say.
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
    ///
    /// # Errors
    /// When there is no knowing the leases.
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
            select::place(lease, trees);
        }
    }

    /// One environment, without asking git.
    pub fn row(&self, lease: &Lease) -> Row {
        let ports = lease.ports.values().copied();
        let listening_on: Vec<u16> = ports.filter(|port| self.listening.contains(port)).collect();
        Row {
            environment: lease.into(),
            state: self.state(lease),
            listening: !listening_on.is_empty(),
            listening_on,
            status: None,
        }
    }

    /// One environment, with what git says of its files and commits.
    pub fn row_with_status(&self, lease: &Lease) -> Row {
        let mut row = self.row(lease);
        let main = self.mains.get(&lease.repository).and_then(Option::as_deref);
        if row.state != GONE {
            row.status = status::of(&lease.path, main).ok();
        }
        row
    }

    fn state(&self, lease: &Lease) -> &'static str {
        match lease.phase {
            Phase::Creating => "creating",
            Phase::Removing => "removing",
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
        let tree = || Ok(tree::among(lease, trees).cloned());
        recover::due_with(lease, tree).is_ok_and(|due| due.is_some())
    }
}

fn is_file(path: &Path) -> bool {
    matches!(fs::stands(path), Ok(fs::Stands::File))
}

/// The ports that something listens on, where the system has no list of them.
fn tried(leases: &[Lease]) -> BTreeSet<u16> {
    let ports: Vec<u16> = leases.iter().flat_map(|lease| lease.ports.values().copied()).collect();
    let answers = parallel::each(&ports, |&port| net::is_listening(port));
    ports.iter().zip(answers).filter(|(_, answers)| *answers).map(|(&port, _)| port).collect()
}
