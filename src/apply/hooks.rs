//! Runs the project's own commands in a worktree.

use crate::error::{Exit, Failure};
use crate::model::lease::Lease;
use crate::sys::exec::Cmd;
use crate::sys::fault;
use crate::ui::Ui;
use anyhow::Result;

/// Runs commands one after the other in the worktree, with the environment's variables, output on stderr.
///
/// # Errors
/// When one fails; those after it do not run.
pub fn run(ui: &Ui, lease: &Lease, commands: &[String]) -> Result<()> {
    for command in commands {
        fault::point("before-hook")?;
        ui.say(format!("running hook: {command}"));
        let code = shell(lease, command).narrate()?;
        if code != 0 {
            let message = format!("the hook `{command}` ended with {code}");
            return Err(Failure::new(Exit::Failed, message).into());
        }
        fault::point("hook-run")?;
    }
    Ok(())
}

/// A command line for the shell, in the worktree and with its variables.
pub fn shell(lease: &Lease, command: &str) -> Cmd {
    with_vars(Cmd::new("sh").args(["-c", command]), lease)
}

/// A command in the worktree and with its variables.
pub fn with_vars(command: Cmd, lease: &Lease) -> Cmd {
    let command = command.dir(&lease.path).env("PWD", &lease.path).patience(None);
    lease.vars.iter().fold(command, |command, (name, value)| command.env(name, value))
}
