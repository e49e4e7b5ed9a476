//! Stops the processes of an environment.

use super::{Table, logs, running, stack};
use crate::error;
use crate::model::lease::{Lease, Started};
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

/// One that was stopped, as by Ctrl-Z, hears nothing until it goes on.
pub(super) const SIGNALS: [Signal; 2] = [Signal::TERM, Signal::CONT];

/// What was stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stopped {
    /// How many processes, without their supervisors.
    pub processes: usize,
    /// How many of them did not end by themselves.
    pub killed: usize,
    /// How many containers.
    pub containers: usize,
}

/// Refuses to stop what runs this very command: it would be half stopped, and started a second time by `restart`.
pub fn require_outside(lease: &Lease) -> Result<()> {
    let table = Table::read();
    let above = process::ancestors(table.all());
    let runs_this = |started: &Started| {
        table.is_alive(started) && table.led(started).any(|one| above.contains(&one.pid))
    };
    let Some((name, _)) = lease.processes.iter().find(|(_, started)| runs_this(started)) else {
        return Ok(());
    };
    let message = format!("this command runs in the process `{name}` of `{}`", lease.name);
    Err(error::refused(message).hint("run it in a shell that `up` did not start").into())
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
    logs::shorten(store, lease)?;
    Ok(Stopped { containers: stack::stop(lease, grace)?, ..stopped })
}

/// Stops all that `up` started in an environment that goes: its record is not kept.
pub fn end(lease: &Lease, grace: Duration) -> Result<Stopped> {
    let supervisors: BTreeSet<u32> = lease.processes.values().map(|one| one.pid).collect();
    let ended = end_all(&lease.name, grace, &SIGNALS, || running(lease))?;
    Ok(ended.without(&supervisors))
}

/// Processes that were ended, each by its id and what tells it from a later one with that id.
pub(super) struct Ended {
    asked: BTreeSet<(u32, String)>,
    killed: BTreeSet<(u32, String)>,
}

impl Ended {
    /// How many, less those with these ids.
    pub(super) fn without(&self, left_out: &BTreeSet<u32>) -> Stopped {
        let count = |of: &BTreeSet<(u32, String)>| {
            of.iter().filter(|(pid, _)| !left_out.contains(pid)).count()
        };
        Stopped { processes: count(&self.asked), killed: count(&self.killed), containers: 0 }
    }
}

/// Sends these signals to all that `running` finds in the environment `name`, and SIGKILL after the grace time, until
/// nothing is left.
pub(super) fn end_all(
    name: &str,
    grace: Duration,
    signals: &[Signal],
    running: impl Fn() -> Vec<Process>,
) -> Result<Ended> {
    let begin = Instant::now();
    let (mut asked, mut killed) = (BTreeSet::new(), BTreeSet::new());
    let mut pause = PAUSE;
    let mut was_empty = true;
    loop {
        // Looked at anew each time: what is told to end can start others.
        let running = running();
        // One look can miss a process that starts another one and ends.
        if running.is_empty() && was_empty {
            return Ok(Ended { asked, killed });
        }
        interrupt::check()?;
        if !running.is_empty() && begin.elapsed() > grace.saturating_add(REAPING) {
            let pids: Vec<String> = running.iter().map(|one| one.pid.to_string()).collect();
            anyhow::bail!("cannot end the processes {} of `{}`", pids.join(", "), name);
        }
        was_empty = running.is_empty();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::exec::Cmd;
    use std::cell::RefCell;
    use std::path::Path;

    #[test]
    fn one_empty_look_may_have_missed_a_process() {
        let sleep = || {
            let pid = Cmd::new("sleep").arg("60").detach(Path::new("/dev/null")).unwrap();
            process::all()[&pid].clone()
        };
        let (first, second) = (sleep(), sleep());
        let looks = RefCell::new(vec![vec![], vec![], vec![second], vec![], vec![first]]);
        let look = || looks.borrow_mut().pop().unwrap();
        let stopped = end_all("x", GRACE, &[Signal::TERM], look).unwrap();
        let stopped = stopped.without(&BTreeSet::new());
        assert_eq!((stopped.processes, stopped.killed), (2, 0));
        assert!(looks.borrow().is_empty());
    }
}
