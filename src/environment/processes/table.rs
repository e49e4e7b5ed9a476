//! What of an environment's processes runs, as one look at the machine tells.

use super::{State, Status, ended, exit_code};
use crate::model::lease::{Lease, Started};
use crate::sys::clock;
use crate::sys::process::{self, Mark, Process};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// The processes of this machine at one moment.
#[derive(Default)]
pub struct Table {
    all: BTreeMap<u32, Process>,
    /// Read only where a supervisor has gone: that takes longer than the rest.
    marks: OnceLock<BTreeMap<u32, Mark>>,
}

impl Table {
    /// Reads them.
    pub fn read() -> Table {
        Table { all: process::all(), marks: OnceLock::new() }
    }

    /// Of the processes that `up` started, how many run, and how many died.
    pub fn count(&self, lease: &Lease) -> (usize, usize) {
        let is_running = |one: &Status| one.state == State::Running;
        (self.started(lease).filter(is_running).count(), self.died(lease).count())
    }

    /// Of the processes that `up` started, those that died: ended by a signal or with an exit code other than 0.
    pub fn died<'a>(&'a self, lease: &'a Lease) -> impl Iterator<Item = Status> + 'a {
        let is_dead = |one: &Status| {
            matches!(one.state, State::Exited | State::Killed) && one.exit != Some(0)
        };
        self.started(lease).filter(is_dead)
    }

    fn started<'a>(&'a self, lease: &'a Lease) -> impl Iterator<Item = Status> + 'a {
        let started = lease.processes.iter();
        started.map(|(name, started)| self.status(&lease.id, name, Some(started), Vec::new()))
    }

    /// How a process of the configuration is.
    pub(super) fn status(
        &self,
        lease: &str,
        name: &str,
        started: Option<&Started>,
        ports: Vec<u16>,
    ) -> Status {
        let members = started.map(|started| self.members(lease, name, started)).unwrap_or_default();
        let alive = started.filter(|_| !members.is_empty());
        let exit = started.filter(|_| alive.is_none()).and_then(|one| exit_code(&one.log));
        let state = match (started, exit) {
            _ if alive.is_some() => State::Running,
            (None, _) => State::Stopped,
            // The `up` that was to launch it was killed before it did.
            (Some(Started { pid: 0, .. }), None) => State::Stopped,
            (Some(_), exit) => ended(exit),
        };
        Status {
            name: name.to_owned(),
            container: None,
            state,
            exit,
            pid: alive.and_then(|started| self.command(started, &members)),
            uptime: alive.map(|started| clock::now().saturating_sub(started.since)),
            memory: alive.map(|_| members.iter().map(|one| one.memory).sum()),
            ports,
            log: started.map(|started| started.log.clone()),
        }
    }

    /// The processes that a started process consists of. Its supervisor can be ended alone, by a signal to nothing but
    /// it, or the `up` that started it before it knew the id; what runs on is told by its mark then.
    fn members(&self, lease: &str, name: &str, started: &Started) -> Vec<&Process> {
        if self.is_alive(started) {
            return self.led(started).collect();
        }
        // One that ended by itself has ended, whatever daemons it left.
        if exit_code(&started.log).is_some() {
            return Vec::new();
        }
        self.marked(lease, name).iter().map(|pid| &self.all[pid]).collect()
    }

    /// What carries the mark of this process of the configuration, without this process and those above it.
    pub(super) fn marked(&self, lease: &str, name: &str) -> BTreeSet<u32> {
        let above = process::ancestors(&self.all);
        let is_it = |mark: &Mark| mark.lease == lease && mark.name.as_deref() == Some(name);
        let marks = self.marks.get_or_init(process::marks).iter();
        let found = marks.filter(|(pid, mark)| {
            is_it(mark) && self.all.contains_key(pid) && !above.contains(pid)
        });
        found.map(|(pid, _)| *pid).collect()
    }

    /// The process that runs the command line: what its supervisor started, else the first of those that are left.
    fn command(&self, started: &Started, members: &[&Process]) -> Option<u32> {
        let is_member = |pid: u32| members.iter().any(|one| one.pid == pid);
        let child = |of: u32| members.iter().find(|one| one.parent == of).map(|one| one.pid);
        let root = members.iter().find(|one| !is_member(one.parent))?;
        // The supervisor leads the group, also where its id was not recorded.
        let leads = root.pid == started.pid || started.pid == 0 && root.pid == root.group;
        Some(child(root.pid).filter(|_| leads).unwrap_or(root.pid))
    }

    /// A supervisor and its process group, which it makes when it has begun.
    pub(super) fn led(&self, started: &Started) -> impl Iterator<Item = &Process> {
        let leader = started.pid;
        self.all.values().filter(move |one| one.pid == leader || one.group == leader)
    }

    /// Whether a supervisor runs that has not started its command yet.
    pub(super) fn is_beginning(&self, started: &Started) -> bool {
        self.is_alive(started) && self.all.values().all(|one| one.parent != started.pid)
    }

    /// Whether the supervisor that was recorded still runs, and not another process under its id.
    pub(super) fn is_alive(&self, started: &Started) -> bool {
        self.all.get(&started.pid).is_some_and(|now| now.identity == started.identity)
    }

    /// These processes.
    pub(super) fn all(&self) -> &BTreeMap<u32, Process> {
        &self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn process(pid: u32, parent: u32, group: u32) -> (u32, Process) {
        (pid, Process { pid, parent, group, identity: format!("{pid}@boot"), memory: 1000 })
    }

    /// The supervisor 10 with its command 11 and what that started, 12; the daemon 20 of another process.
    fn table(all: &[(u32, u32, u32)]) -> Table {
        let mark = |name: &str| Mark { lease: "x".to_owned(), name: Some(name.to_owned()) };
        let marks = [(10, mark("web")), (11, mark("web")), (12, mark("web")), (20, mark("other"))];
        let marks = BTreeMap::from(marks).into();
        Table {
            all: all.iter().map(|&(pid, parent, of)| process(pid, parent, of)).collect(),
            marks,
        }
    }

    #[test]
    fn a_process_runs_while_anything_of_it_lives_and_its_id_is_that_of_its_command() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("web.1.log");
        let mut started = Started { pid: 10, identity: "10@boot".to_owned(), since: 0, log };
        let seen = |all: &[(u32, u32, u32)], started: &Started| {
            let one = table(all).status("x", "web", Some(started), Vec::new());
            (one.state, one.pid, one.memory)
        };
        let whole = [(10, 1, 10), (11, 10, 10), (12, 11, 10), (20, 1, 20)];
        assert_eq!(seen(&whole, &started), (State::Running, Some(11), Some(3000)));
        let orphans = [(11, 1, 10), (12, 11, 10), (20, 1, 20)];
        assert_eq!(seen(&orphans, &started), (State::Running, Some(11), Some(2000)));
        assert_eq!(seen(&[(20, 1, 20)], &started), (State::Killed, None, None));
        // `up` was killed before it knew the id: when it had launched it, and before.
        started.pid = 0;
        assert_eq!(seen(&whole, &started), (State::Running, Some(11), Some(3000)));
        assert_eq!(seen(&[(20, 1, 20)], &started), (State::Stopped, None, None));
        crate::sys::fs::append(&dir.path().join("web.1.exit"), b"3\n").unwrap();
        assert_eq!(seen(&[(12, 1, 12)], &started), (State::Exited, None, None));
        assert_eq!(table(&orphans).marked("x", "web"), BTreeSet::from([11, 12]));
    }

    #[test]
    fn a_reused_process_id_is_another_process() {
        let table = Table::read();
        let me = &table.all[&std::process::id()];
        let log = PathBuf::from("/nowhere/web.1.log");
        let identity = me.identity.clone();
        let mut started = Started { pid: me.pid, identity, since: clock::now(), log };
        assert!(table.is_alive(&started));
        started.identity = "earlier".to_owned();
        let gone = table.status("x", "web", Some(&started), Vec::new());
        assert_eq!((gone.state, gone.pid), (State::Killed, None));
        assert_eq!(table.status("x", "web", None, Vec::new()).state, State::Stopped);
    }
}
