//! Starts the processes of an environment.

use super::{exit_file, is_alive, logs, stack};
use crate::environment::hooks;
use crate::environment::workspace::Workspace;
use crate::error;
use crate::model::config::Process;
use crate::model::lease::{Lease, Phase, Started};
use crate::sys::exec::Cmd;
use crate::sys::{clock, failpoint, process};
use anyhow::{Context as _, Result};
use std::path::Path;

/// Runs the command line and leaves its exit code in a file, whole or not at all.
const SUPERVISE: &str =
    r#"sh -c "$1"; code=$?; echo "$code" >"$2.new" && mv "$2.new" "$2"; exit "$code""#;

/// Starts the containers and the processes that do not run yet; gives the environment with what was started on record.
pub fn start(workspace: &Workspace<'_>, lease: &Lease) -> Result<Lease> {
    let Workspace { context, config, ui } = workspace;
    let waiting = || ui.say(format!("waiting for the process that works on `{}`", lease.name));
    let _working = context.store.lock_lease(&lease.id, waiting)?;
    let Some(recorded) = context.store.lease(&lease.id)? else {
        return Err(error::not_found(format!(
            "no environment `{}`: it was just removed",
            lease.name
        ))
        .into());
    };
    let mut lease = Lease { path: lease.path.clone(), branch: lease.branch.clone(), ..recorded };
    if lease.phase != Phase::Ready {
        let refusal = error::refused(format!("environment `{}` is not ready", lease.name));
        return Err(refusal
            .hint("`git agentenv adopt` repairs it, `git agentenv prune` removes it")
            .into());
    }
    stack::start(workspace, &lease)?;
    for (name, process) in &config.processes {
        if lease.processes.get(name).is_some_and(|started| is_alive(&process::all(), started)) {
            continue;
        }
        let log = logs::next(&context.store, &lease, name)?;
        let started = launch(&lease, name, process, &log)?;
        failpoint::point("process-started")?;
        ui.say(format!("started {name} (pid {})", started.pid));
        lease.processes.insert(name.clone(), started);
        context.store.save(&lease)?;
    }
    Ok(lease)
}

fn launch(lease: &Lease, name: &str, process: &Process, log: &Path) -> Result<Started> {
    let command = Cmd::new("sh").args(["-c", SUPERVISE, name, &process.run]).arg(exit_file(log));
    let command = hooks::with_vars(command, lease).env(process::MARK, &lease.id);
    let pid = command.detach(log).with_context(|| format!("cannot start `{name}`"))?;
    // One that has ended already is told apart from all others by having none.
    let identity = process::identity(pid).unwrap_or_default();
    Ok(Started { pid, identity, since: clock::now(), log: log.to_owned() })
}
