//! Waits until an environment's application is ready.

use super::{State, Status, logs, of};
use crate::environment::hooks;
use crate::error;
use crate::model::config::Config;
use crate::model::lease::Lease;
use crate::sys::{interrupt, net};
use anyhow::Result;
use std::thread;
use std::time::{Duration, Instant};

/// How often it is asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// How many lines of its log an error about a process shows.
const SHOWN: usize = 10;

/// Waits until every process is ready: its `ready` command ends with 0, or the ports that its command line names
/// answer. Without processes, the environment's first port must answer.
///
/// Fails when one has ended, or is not ready within `timeout`.
pub fn wait(lease: &Lease, config: &Config, timeout: Duration) -> Result<()> {
    let deadline = Instant::now() + timeout;
    loop {
        interrupt::check()?;
        let Some(missing) = missing(lease, config)? else {
            return Ok(());
        };
        if Instant::now() >= deadline {
            let message =
                format!("`{}` is not ready after {} s: {missing}", lease.name, timeout.as_secs());
            let hint = "read its output with `git agentenv logs`, or wait longer with `--timeout`";
            return Err(error::service(message).hint(hint).into());
        }
        thread::sleep(PAUSE);
    }
}

/// What is not ready yet.
fn missing(lease: &Lease, config: &Config) -> Result<Option<String>> {
    if config.processes.is_empty() {
        let first = lease.ports.values().next().copied();
        return Ok(first.and_then(silent));
    }
    for process in of(lease, config) {
        require_running(lease, &process)?;
        let ready = config.processes.get(&process.name).and_then(|one| one.ready.as_deref());
        let missing = match ready {
            Some(command) => refusal(lease, &process.name, command)?,
            None => process.ports.iter().find_map(|port| silent(*port)),
        };
        if missing.is_some() {
            return Ok(missing);
        }
    }
    Ok(None)
}

fn silent(port: u16) -> Option<String> {
    (!net::is_listening(port)).then(|| format!("port {port} does not answer"))
}

fn refusal(lease: &Lease, name: &str, command: &str) -> Result<Option<String>> {
    let output = hooks::shell(lease, command).output()?;
    let failed = || format!("the ready command of `{name}` ended with {}", output.code);
    Ok((!output.success()).then(failed))
}

fn require_running(lease: &Lease, process: &Status) -> Result<()> {
    let name = &process.name;
    let message = match (process.state, process.exit) {
        (State::Running, _) => return Ok(()),
        (State::Stopped, _) => {
            let failure = error::service(format!("process `{name}` is not running"));
            return Err(failure
                .hint(format!("start it with `git agentenv up {}`", lease.name))
                .into());
        }
        (_, Some(code)) => format!("process `{name}` ended with {code}"),
        (_, None) => format!("process `{name}` was killed"),
    };
    let log = process.log.as_deref().map(|log| logs::tail(log, SHOWN)).transpose()?;
    let said = log.filter(|said| !said.is_empty()).map(|said| format!(":\n{}", said.trim_end()));
    let failure = error::service(message + said.as_deref().unwrap_or_default());
    Err(failure.hint("read all of its output with `git agentenv logs`").into())
}
