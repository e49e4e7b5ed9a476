//! The processes of an environment's application: started, watched and stopped, without a daemon.
//!
//! Each runs in a session of its own, below a shell that supervises it, and carries the lease's id and its own name
//! in its environment, as do all that it starts: what was started is found again even when its supervisor was killed, or
//! the command that started it before it could record it.

mod logs;
mod proof;
mod ready;
mod stack;
mod start;
mod stop;
mod strangers;
mod table;

pub use logs::{EARLIER, Follower, Source, shorten, tail};
pub use ready::wait;
pub use stack::{Containers, require_trusted};
pub use start::{require_startable, start};
pub use stop::{GRACE, Stopped, end, require_outside, stop};
pub use strangers::{Machine, Stranger, end_inside};
pub use table::Table;

use crate::model::config::Config;
use crate::model::lease::Lease;
use crate::sys::fs;
use crate::sys::process::{self, Process};
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// How a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ProcessState"))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It runs.
    Running,
    /// A container that runs and whose health check has not passed, or that is started again and again.
    Starting,
    /// It ended by itself.
    Exited,
    /// A signal ended it.
    Killed,
    /// It was not started, or `down` stopped it.
    Stopped,
}

/// A process or a container of an environment and how it is.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Process"))]
pub struct Status {
    /// Its name in the configuration; a container's is that of its service, and its number if it is not the first.
    pub name: String,
    /// The container; null: it is a process.
    pub container: Option<String>,
    /// How it is.
    pub state: State,
    /// Its exit code, when it ended by itself.
    pub exit: Option<i32>,
    /// The process id of its command.
    pub pid: Option<u32>,
    /// How long it has been running, in seconds.
    pub uptime: Option<u64>,
    /// The memory of its whole process group, in bytes.
    pub memory: Option<u64>,
    /// The ports that its command line names, or at which the container is published.
    pub ports: Vec<u16>,
    /// The file that holds what the process printed.
    pub log: Option<PathBuf>,
}

/// The configured processes of an environment, those that were started under another configuration, and its containers.
pub fn of(table: &Table, lease: &Lease, config: &Config, containers: &Containers) -> Vec<Status> {
    let mut found = processes(table, lease, config);
    found.extend(containers.of(lease));
    found
}

fn processes(table: &Table, lease: &Lease, config: &Config) -> Vec<Status> {
    let forgotten = lease.processes.keys().filter(|name| !config.processes.contains_key(*name));
    config
        .processes
        .keys()
        .chain(forgotten)
        .map(|name| {
            let line = config.processes.get(name).map_or("", |process| process.run.as_str());
            table.status(&lease.id, name, lease.processes.get(name), ports_in(lease, line))
        })
        .collect()
}

/// How it ended: a shell's exit code above 128 stands for a signal.
fn ended(exit: Option<i32>) -> State {
    if exit.is_some_and(|code| code <= 128) { State::Exited } else { State::Killed }
}

/// How often the machine is looked at again while processes of the environment start others.
const LOOKS: usize = 10;

/// All that the environment's processes started and that still runs, without this process and those above it.
fn running(lease: &Lease) -> Vec<Process> {
    let mut looks = LOOKS;
    loop {
        looks -= 1;
        let table = Table::read();
        let all = table.all();
        let marked = &process::marked(&lease.id) - &process::ancestors(all);
        // One that was started after the table was read may be all that is left of those in it.
        if looks > 0 && marked.iter().any(|pid| !all.contains_key(pid)) {
            continue;
        }
        return led_and(marked, &table, lease);
    }
}

/// These processes of an environment, those of its groups, and all that they started.
fn led_and(mut found: BTreeSet<u32>, table: &Table, lease: &Lease) -> Vec<Process> {
    for started in lease.processes.values().filter(|started| table.is_alive(started)) {
        found.extend(table.led(started).map(|one| one.pid));
    }
    let all = table.all();
    let above = process::ancestors(all);
    let found = process::with_descendants(all, &found - &above);
    (&found - &above).iter().filter_map(|pid| all.get(pid).cloned()).collect()
}

/// The ids of those of the leases in whose environments something may run.
pub fn running_in(leases: &[&Lease]) -> BTreeSet<String> {
    let recorded = leases.iter().filter(|lease| !lease.processes.is_empty());
    let mut running = marked_in(leases);
    running.extend(recorded.map(|lease| lease.id.clone()));
    running
}

/// The ids of those of the leases whose mark a process carries, without this process and those above it.
pub fn marked_in(leases: &[&Lease]) -> BTreeSet<String> {
    if leases.is_empty() {
        return BTreeSet::new();
    }
    let mut marks = process::marks();
    marks.retain(|_, mark| leases.iter().any(|lease| lease.id == mark.lease));
    if !marks.is_empty() {
        let above = process::ancestors(&process::all());
        marks.retain(|pid, _| !above.contains(pid));
    }
    marks.into_values().map(|mark| mark.lease).collect()
}

/// The ports whose variables a command line names, in the environment's order.
fn ports_in(lease: &Lease, line: &str) -> Vec<u16> {
    let named = variables(line);
    let is_named = |(name, _): &(&String, &u16)| named.contains(name.as_str());
    lease.ports.iter().filter(is_named).map(|(_, port)| *port).collect()
}

/// `$NAME` and `${NAME…}` in a command line for `sh`.
fn variables(line: &str) -> BTreeSet<&str> {
    let name = |rest: &'_ str| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        end.unwrap_or(rest.len())
    };
    let starts = line.split('$').skip(1).map(|rest| rest.strip_prefix('{').unwrap_or(rest));
    starts.map(|rest| &rest[..name(rest)]).filter(|name| !name.is_empty()).collect()
}

/// Where a process that ends by itself leaves its exit code.
fn exit_file(log: &Path) -> PathBuf {
    log.with_extension("exit")
}

fn exit_code(log: &Path) -> Option<i32> {
    fs::word(&exit_file(log))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_of_a_command_line_are_found() {
        let line = "PORT=$WEB_PORT serve --hmr ${HMR_PORT:-1} '$' $";
        assert_eq!(variables(line), BTreeSet::from(["HMR_PORT", "WEB_PORT"]));
    }
}
