//! Starts the processes of an environment.

use super::{GRACE, State, Table, exit_file, logs, stack, stop};
use crate::environment::workspace::Workspace;
use crate::environment::{hooks, resolve};
use crate::model::config::{Config, Process};
use crate::model::lease::{Lease, Started};
use crate::sys::exec::Cmd;
use crate::sys::{clock, failpoint, process};
use anyhow::{Context as _, Result};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How long a supervisor has to start its command, on a machine that is busy.
const BEGINNING: Duration = Duration::from_secs(1);

const PAUSE: Duration = Duration::from_millis(2);

/// Runs the command line and leaves its exit code in a file, whole or not at all. Not in the background, where a signal
/// could be passed on to it: a shell lets what it starts there ignore SIGINT for good.
const SUPERVISE: &str =
    r#"sh -c "$1"; code=$?; echo "$code" >"$2.new" && mv "$2.new" "$2"; exit "$code""#;

/// Starts the containers and the processes that do not run yet; gives the environment with what was started on record.
pub fn start(workspace: &Workspace<'_>, lease: &Lease) -> Result<Lease> {
    let Workspace { context, config, ui } = workspace;
    let (_working, recorded) = context.lock_current(ui, lease)?;
    let mut lease = Lease { path: lease.path.clone(), branch: lease.branch.clone(), ..recorded };
    require_startable(&lease)?;
    logs::shorten(&context.store, &lease)?;
    stack::start(workspace, &lease)?;
    let missing = missing(config, &lease);
    if missing.is_empty() {
        return Ok(lease);
    }
    end_remains(workspace, &lease, &missing)?;
    // On record before it is launched: a kill between the two leaves nothing that runs and is not known.
    for name in &missing {
        let log = logs::next(&context.store, &lease, name)?;
        let planned = Started { pid: 0, identity: String::new(), since: clock::now(), log };
        lease.processes.insert(name.clone(), planned);
    }
    context.store.save(&lease)?;
    let launched = missing.iter().try_for_each(|name| {
        let log = lease.processes[name].log.clone();
        let started = launch(&lease, name, &config.processes[name], &log)?;
        failpoint::point("process-started")?;
        ui.say(format!("started {name}"));
        lease.processes.insert(name.clone(), started);
        Ok(())
    });
    lease.processes.retain(|name, started| started.pid != 0 || !missing.contains(name));
    context.store.save(&lease)?;
    launched.map(|()| wait_for_commands(&lease, &missing)).map(|()| lease)
}

/// Refuses an environment that is not whole or has no worktree: nothing can be started there.
pub fn require_startable(lease: &Lease) -> Result<()> {
    resolve::require_complete(lease)?;
    resolve::require_present(lease)
}

/// The processes that do not run.
fn missing(config: &Config, lease: &Lease) -> Vec<String> {
    let table = Table::read();
    let runs = |name: &str| {
        let status = table.status(&lease.id, name, lease.processes.get(name), Vec::new());
        status.state == State::Running
    };
    config.processes.keys().filter(|name| !runs(name)).cloned().collect()
}

/// Ends what earlier starts of these processes have left, such as daemons: none may run twice.
fn end_remains(workspace: &Workspace<'_>, lease: &Lease, names: &[String]) -> Result<()> {
    let remains = || {
        let table = Table::read();
        let marked = names.iter().flat_map(|name| table.marked(&lease.id, name));
        marked.filter_map(|pid| table.all().get(&pid).cloned()).collect::<Vec<_>>()
    };
    if !remains().is_empty() {
        workspace.ui.say("ending what earlier starts left");
    }
    stop::end_all(&lease.name, GRACE, &stop::SIGNALS, remains).map(drop)
}

/// Waits until the supervisors have started their commands, whose ids the answers name.
fn wait_for_commands(lease: &Lease, names: &[String]) {
    let begin = Instant::now();
    while begin.elapsed() < BEGINNING {
        let table = Table::read();
        if !names.iter().any(|name| table.is_beginning(&lease.processes[name])) {
            return;
        }
        thread::sleep(PAUSE);
    }
}

fn launch(lease: &Lease, name: &str, process: &Process, log: &Path) -> Result<Started> {
    let command = Cmd::new("sh").args(["-c", SUPERVISE, name, &process.run]).arg(exit_file(log));
    let command = hooks::with_vars(command, lease).env(process::MARK, &lease.id);
    let command = command.env(process::NAME, name);
    let pid = command.lead(log).with_context(|| format!("cannot start `{name}`"))?;
    // One that has ended already is told apart from all others by having none.
    let identity = process::identity(pid).unwrap_or_default();
    Ok(Started { pid, identity, since: clock::now(), log: log.to_owned() })
}
