//! Stops the processes of an environment.

use super::{running, stack};
use crate::model::lease::Lease;
use crate::sys::interrupt;
use crate::sys::process::{self, Process};
use crate::sys::store::Store;
use anyhow::Result;
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

/// How long processes have to end by themselves after SIGTERM.
pub const GRACE: Duration = Duration::from_secs(10);

/// How long the system has to remove a killed process.
const REAPING: Duration = Duration::from_secs(5);

/// How long until the next look at what still runs; each takes as long again as the one before, up to a limit.
const PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(80);

/// What was stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stopped {
    /// How many processes.
    pub processes: usize,
    /// How many of them did not end by themselves.
    pub killed: usize,
    /// How many containers.
    pub containers: usize,
}

/// Stops all that `up` started in the environment, whatever it has become, and forgets it.
///
/// The caller holds the lease's lock. Fails when a process cannot be ended.
pub fn stop(store: &Store, lease: &mut Lease, grace: Duration) -> Result<Stopped> {
    let stopped = end(lease, grace)?;
    // First, so that they do not count as dead where the engine does not answer.
    if !lease.processes.is_empty() {
        lease.processes.clear();
        store.save(lease)?;
    }
    Ok(Stopped { containers: stack::stop(lease, grace)?, ..stopped })
}

/// Stops all that `up` started in an environment that goes: its record is not kept.
pub fn end(lease: &Lease, grace: Duration) -> Result<Stopped> {
    end_all(lease, grace, &[Signal::TERM], || running(lease))
}

/// Sends these signals to all that `running` finds, and SIGKILL after the grace time, until nothing is left.
pub(super) fn end_all(
    lease: &Lease,
    grace: Duration,
    signals: &[Signal],
    running: impl Fn() -> Vec<Process>,
) -> Result<Stopped> {
    let begin = Instant::now();
    let (mut asked, mut killed) = (BTreeSet::new(), BTreeSet::new());
    let mut pause = PAUSE;
    loop {
        // Looked at anew each time: what is told to end can start others.
        let running = running();
        if running.is_empty() {
            let (processes, killed) = (asked.len(), killed.len());
            return Ok(Stopped { processes, killed, containers: 0 });
        }
        interrupt::check()?;
        if begin.elapsed() > grace + REAPING {
            let pids: Vec<String> = running.iter().map(|one| one.pid.to_string()).collect();
            anyhow::bail!("cannot end the processes {} of `{}`", pids.join(", "), lease.name);
        }
        for process in running {
            let fresh = asked.insert((process.pid, process.identity.clone()));
            if begin.elapsed() >= grace {
                killed.insert((process.pid, process.identity.clone()));
                process::signal(&process, Signal::KILL);
            } else if fresh {
                signals.iter().for_each(|signal| process::signal(&process, *signal));
            }
        }
        thread::sleep(pause);
        pause = LONGEST_PAUSE.min(2 * pause);
    }
}
