//! Waits until an environment's application is ready.

use super::{Containers, Source, State, Status, Table, of, proof};
use crate::environment::context::FILE;
use crate::environment::hooks;
use crate::error::{self, Exit, exit_of};
use crate::model::config::Config;
use crate::model::lease::Lease;
use crate::sys::{budget, interrupt, net, process};
use anyhow::Result;
use std::thread;
use std::time::{Duration, Instant};

/// How often it is asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// How long one must have run that has no other sign of being ready, in seconds; supervisord's `startsecs` is one of
/// them, to which the whole seconds of an uptime add another.
const SETTLED: u64 = 2;

/// How long a `ready` command may take at least, however little of the time is left.
const ONE_LOOK: Duration = Duration::from_secs(1);

/// How many lines of its log an error about a process shows.
const SHOWN: usize = 10;

/// Waits until every process and container is ready: its `ready` command ends with 0, or it answers at the ports that its
/// command line names or at which it is published, and its health check passes. One without any of these must stay up for
/// two seconds. Where no process shows in such a way that it is ready, the environment's first port must answer.
///
/// Fails when one has ended, or is not ready within `timeout`. A container may end with 0: it was for one task.
pub fn wait(lease: &Lease, config: &Config, timeout: Duration) -> Result<()> {
    let deadline = Instant::now() + timeout;
    loop {
        interrupt::check()?;
        budget::renew();
        let Some(missing) = missing(lease, config, deadline)? else {
            return Ok(());
        };
        if Instant::now() >= deadline {
            let message =
                format!("`{}` is not ready after {} s: {missing}", lease.name, timeout.as_secs());
            return Err(error::service(message).hint(hint(lease, config)).into());
        }
        thread::sleep(PAUSE);
    }
}

/// The way out when the time is over. What `up` does not start has no output to read.
fn hint(lease: &Lease, config: &Config) -> &'static str {
    if config.processes.is_empty() && config.compose.is_none() && lease.processes.is_empty() {
        return "start the application, or name it under `processes:` in .agentenv.yaml for `git agentenv up`";
    }
    "read its output with `git agentenv logs`, or wait longer with `--timeout`"
}

/// What is not ready yet.
fn missing(lease: &Lease, config: &Config, deadline: Instant) -> Result<Option<String>> {
    let all = of(&Table::read(), lease, config, &Containers::look([lease])?);
    // No process is waited for while another one, on which it may depend, has ended.
    all.iter().try_for_each(|one| require_running(lease, one))?;
    for one in &all {
        let missing = match one.container {
            Some(_) => missing_of_container(one),
            None => missing_of_process(lease, config, one, deadline)?,
        };
        if missing.is_some() {
            return Ok(missing);
        }
    }
    let Some(port) = tacit(lease, config, &all) else { return Ok(None) };
    if all.is_empty() {
        return Ok(proof::silent(port, net::is_listening));
    }
    let missing = proof::missing(lease, port, "a process of it");
    Ok(missing.map(|missing| {
        format!("{missing}; if no process serves it, give one a command `ready:` in {FILE}")
    }))
}

/// The port that must answer although nothing names it, as a development server takes it from its environment: the first
/// one, where no process shows in another way that it is ready. Containers alone show that by running.
fn tacit(lease: &Lease, config: &Config, all: &[Status]) -> Option<u16> {
    let has_ready = config.processes.values().any(|process| process.ready.is_some());
    let is_shown = has_ready || all.iter().any(|one| !one.ports.is_empty());
    let has_process = all.is_empty() || all.iter().any(|one| one.container.is_none());
    lease.ports.values().next().copied().filter(|_| has_process && !is_shown)
}

fn missing_of_process(
    lease: &Lease,
    config: &Config,
    process: &Status,
    deadline: Instant,
) -> Result<Option<String>> {
    if let Some(command) = config.processes.get(&process.name).and_then(|one| one.ready.as_deref())
    {
        return refusal(lease, &process.name, command, deadline);
    }
    let name = format!("`{}`", process.name);
    Ok(unproven(process, |port| proof::missing(lease, port, &name)))
}

fn missing_of_container(container: &Status) -> Option<String> {
    match container.state {
        State::Starting => Some(format!("`{}` is not healthy", container.name)),
        State::Running => unproven(container, |port| proof::silent(port, net::is_served)),
        // It was for one task.
        _ => None,
    }
}

/// What keeps one that runs from being ready.
fn unproven(one: &Status, missing: impl Fn(u16) -> Option<String>) -> Option<String> {
    if one.ports.is_empty() && one.uptime.is_some_and(|seconds| seconds < SETTLED) {
        return Some(format!("`{}` has only just started", one.name));
    }
    one.ports.iter().find_map(|port| missing(*port))
}

/// Why a `ready` command does not let a process count as ready. It may take what is left of the time.
fn refusal(lease: &Lease, name: &str, command: &str, deadline: Instant) -> Result<Option<String>> {
    let left = deadline.saturating_duration_since(Instant::now()).max(ONE_LOOK);
    let begin = Instant::now();
    // The mark makes one that outlives a killed `wait` one of the environment's processes.
    let command = hooks::shell(lease, command).env(process::MARK, &lease.id);
    match command.patience(Some(left)).output() {
        Ok(output) if output.success() => Ok(None),
        Ok(output) => Ok(Some(format!("the ready command of `{name}` ended with {}", output.code))),
        Err(error) if exit_of(&error) == Exit::Service && begin.elapsed() >= left => {
            Ok(Some(format!("the ready command of `{name}` still runs")))
        }
        Err(error) => Err(error),
    }
}

fn require_running(lease: &Lease, process: &Status) -> Result<()> {
    let name = &process.name;
    let what = if process.container.is_some() { "container" } else { "process" };
    let message = match (process.state, process.exit) {
        (State::Running | State::Starting, _) => return Ok(()),
        (State::Exited, Some(0)) if process.container.is_some() => return Ok(()),
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
