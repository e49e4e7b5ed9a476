//! Waits until an environment's application is ready.

use super::{Containers, Source, State, Status, of};
use crate::environment::hooks;
use crate::error;
use crate::model::config::Config;
use crate::model::lease::Lease;
use crate::sys::{budget, interrupt, net};
use anyhow::Result;
use std::thread;
use std::time::{Duration, Instant};

/// How often it is asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// How long one must have run that has no other sign of being ready, in seconds; supervisord's `startsecs` is one of
/// them, to which the whole seconds of an uptime add another.
const SETTLED: u64 = 2;

/// How many lines of its log an error about a process shows.
const SHOWN: usize = 10;

/// Waits until every process and container is ready: its `ready` command ends with 0, or the ports that its command line
/// names or at which it is published answer, and its health check passes. One without any of these must stay up for
/// two seconds. With nothing to start, the environment's first port must answer.
///
/// Fails when one has ended, or is not ready within `timeout`. A container may end with 0: it was for one task.
pub fn wait(lease: &Lease, config: &Config, timeout: Duration) -> Result<()> {
    let deadline = Instant::now() + timeout;
    loop {
        interrupt::check()?;
        budget::renew();
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
    let all = of(lease, config, &Containers::look([lease])?);
    if all.is_empty() {
        let first = lease.ports.values().next().copied();
        return Ok(first.and_then(|port| silent(port, net::is_listening)));
    }
    for one in all {
        let missing = match one.container {
            Some(_) => missing_of_container(lease, &one)?,
            None => missing_of_process(lease, config, &one)?,
        };
        if missing.is_some() {
            return Ok(missing);
        }
    }
    Ok(None)
}

fn missing_of_process(lease: &Lease, config: &Config, process: &Status) -> Result<Option<String>> {
    require_running(lease, process)?;
    match config.processes.get(&process.name).and_then(|one| one.ready.as_deref()) {
        Some(command) => refusal(lease, &process.name, command),
        None => Ok(unproven(process, net::is_listening)),
    }
}

fn missing_of_container(lease: &Lease, container: &Status) -> Result<Option<String>> {
    match (container.state, container.exit) {
        (State::Exited, Some(0)) => Ok(None),
        (State::Starting, _) => Ok(Some(format!("`{}` is not healthy", container.name))),
        _ => {
            require_running(lease, container)?;
            Ok(unproven(container, net::is_served))
        }
    }
}

/// What keeps one that runs from being ready.
fn unproven(one: &Status, answers: fn(u16) -> bool) -> Option<String> {
    if one.ports.is_empty() && one.uptime.is_some_and(|seconds| seconds < SETTLED) {
        return Some(format!("`{}` has only just started", one.name));
    }
    one.ports.iter().find_map(|port| silent(*port, answers))
}

fn silent(port: u16, answers: fn(u16) -> bool) -> Option<String> {
    (!answers(port)).then(|| format!("port {port} does not answer"))
}

fn refusal(lease: &Lease, name: &str, command: &str) -> Result<Option<String>> {
    let output = hooks::shell(lease, command).output()?;
    let failed = || format!("the ready command of `{name}` ended with {}", output.code);
    Ok((!output.success()).then(failed))
}

fn require_running(lease: &Lease, process: &Status) -> Result<()> {
    let name = &process.name;
    let what = if process.container.is_some() { "container" } else { "process" };
    let message = match (process.state, process.exit) {
        (State::Running | State::Starting, _) => return Ok(()),
        (State::Stopped, _) => {
            let failure = error::service(format!("{what} `{name}` is not running"));
            return Err(failure
                .hint(format!("start it with `git agentenv up {}`", lease.name))
                .into());
        }
        (_, Some(code)) => format!("{what} `{name}` ended with {code}"),
        (_, None) => format!("{what} `{name}` was killed"),
    };
    let log = Source::of(process).map(|log| log.tail(SHOWN)).transpose()?;
    let said = log.filter(|said| !said.is_empty()).map(|said| format!(":\n{}", said.trim_end()));
    let failure = error::service(message + said.as_deref().unwrap_or_default());
    Err(failure.hint("read all of its output with `git agentenv logs`").into())
}
