//! Runs the project's own commands in a worktree.

use crate::environment::context::Context;
use crate::environment::workspace::Workspace;
use crate::error::{self, Exit, Failure, exit_of, hint_of};
use crate::model::config::Config;
use crate::model::lease::Lease;
use crate::model::shell as quoted;
use crate::sys::exec::Cmd;
use crate::sys::lock::Lock;
use crate::sys::store::Store;
use crate::sys::{env, failpoint, process, trust};
use crate::ui::Ui;
use anyhow::Result;
use std::path::Path;

/// Runs commands one after the other in the worktree, with the environment's variables, output on stderr. Beside the hooks
/// of another environment they have nothing to read, and each line of their output begins with the environment's name.
///
/// # Errors
/// When one fails; those after it do not run.
pub fn run(ui: &Ui, lease: &Lease, commands: &[String]) -> Result<()> {
    for command in commands {
        failpoint::point("before-hook")?;
        let code = match ui.is_labelled() {
            true => beside_others(ui, lease, command)?,
            false => {
                ui.say(format!("running hook: {command}"));
                hook(lease, command).reads_terminal().narrate()?
            }
        };
        if code != 0 {
            let message = format!("hook `{command}` exited with {code}");
            return Err(error::failed(message).into());
        }
        failpoint::point("hook-run")?;
    }
    Ok(())
}

fn beside_others(ui: &Ui, lease: &Lease, command: &str) -> Result<i32> {
    let step = ui.step(format!("hook {command}"));
    let code = hook(lease, command).each_line(&|line| {
        ui.present(line);
        Ok(())
    })?;
    if code == 0 {
        step.done();
    }
    Ok(code)
}

/// The variable that names the lease whose hook this process runs in.
const RUNNING: &str = "AGENTENV_HOOK_OF";

fn hook(lease: &Lease, command: &str) -> Cmd {
    shell(lease, command).env(RUNNING, &lease.id)
}

/// A command line for the shell, in the worktree and with its variables.
pub fn shell(lease: &Lease, command: &str) -> Cmd {
    with_vars(Cmd::new("sh").args(["-c", command]), lease)
}

/// The variable in which a command finds the main checkout.
const MAIN: &str = "AGENTENV_MAIN";

/// A command in the worktree and with its variables. What a process of the environment starts through this program is
/// one of the environment's processes, too.
pub fn with_vars(command: Cmd, lease: &Lease) -> Cmd {
    let is_own = env::var(process::MARK).is_some_and(|id| id == lease.id);
    let kept = process::MARKS.into_iter().filter(|_| is_own);
    let kept = kept.filter_map(|name| Some((name, env::var(name)?)));
    let command = kept.fold(command, |command, (name, value)| command.env(name, value));
    let command = command.dir(&lease.path).env("PWD", &lease.path).env(MAIN, &lease.main);
    let command = command.patience(None);
    lease.vars.iter().fold(command, |command, (name, value)| command.env(name, value))
}

/// Runs the `post_add` hooks of an environment in which they have not all succeeded yet. A failure keeps the
/// environment.
pub fn run_post_add(ui: &Ui, store: &Store, commands: &[String], lease: &mut Lease) -> Result<()> {
    if !lease.hooks_pending {
        return Ok(());
    }
    let Some(_alone) = alone(ui, store, lease)? else { return Ok(()) };
    // Another process ran them while this one waited, or the environment was removed.
    lease.hooks_pending = store.lease(&lease.id)?.is_some_and(|now| now.hooks_pending);
    if !lease.hooks_pending {
        return Ok(());
    }
    run(ui, lease, commands).map_err(|error| {
        let hint = format!(
            "the environment is kept; fix the hook, then run the hooks again: `git agentenv adopt {}`",
            quoted::path(&lease.path)
        );
        // The environment is there and the rest is not: that is partial, not rolled back.
        let exit = match exit_of(&error) {
            Exit::Failed => Exit::Partial,
            exit => exit,
        };
        let failure = Failure::new(exit, "a post_add hook failed").hint(hint);
        error.context(failure)
    })?;
    lease.hooks_pending = false;
    match store.lock_current(lease, || ()) {
        Ok((_working, now)) => store.save(&Lease { hooks_pending: false, ..now }),
        // Hooks can take minutes, and the environment may have been removed meanwhile.
        Err(error) if exit_of(&error) == Exit::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// The lock of the one process that runs an environment's hooks. `None`: one of these hooks started this process, and both
/// would wait for each other.
fn alone(ui: &Ui, store: &Store, lease: &Lease) -> Result<Option<Lock>> {
    if env::var(RUNNING).is_some_and(|id| id == lease.id) {
        return store.try_lock_hooks(&lease.id);
    }
    let name = &lease.name;
    let waiting =
        || ui.say(format!("waiting for another git-agentenv that runs the hooks of `{name}`"));
    store.lock_hooks(&lease.id, waiting).map(Some)
}

/// For callers that cannot prompt and must not fail because of a hook: warns of what did not run, and why.
pub fn try_post_add(workspace: &Workspace<'_>, lease: &mut Lease) {
    let Workspace { context, config, ui } = workspace;
    let ran = require_trusted(context, &config.hooks.post_add)
        .and_then(|()| run_post_add(ui, &context.store, &config.hooks.post_add, lease));
    if let Err(error) = ran {
        let hint = hint_of(&error).unwrap_or("run them again: `git agentenv adopt`");
        ui.warn(format!("not all post_add hooks ran: {error:#}\nhint: {hint}"));
    }
}

/// Refuses unless exactly these commands were approved.
pub fn require_trusted(context: &Context, commands: &[String]) -> Result<()> {
    let what = "the hooks of this repository are";
    let hint = "approve them: `git agentenv trust`; or skip them: `--no-hooks`";
    require(&context.store, &context.repo.common, commands, (what, hint))
}

/// Refuses unless exactly the commands of the processes were approved.
pub fn require_trusted_processes(context: &Context, config: &Config) -> Result<()> {
    let what = "the processes of this repository are";
    let hint = "approve them: `git agentenv trust`";
    require(&context.store, &context.repo.common, &config.process_commands(), (what, hint))
}

/// Refuses unless exactly the commands of the custom services were approved. A lease keeps them, and what was created with
/// them is dropped with them.
pub fn require_trusted_services(context: &Context, config: &Config) -> Result<()> {
    let what = "the custom services of this repository are";
    let hint = "approve them: `git agentenv trust`";
    require(&context.store, &context.repo.common, &config.service_commands(), (what, hint))
}

/// Refuses unless exactly these commands were approved, if there are any. `what` and its verb begin the refusal.
pub fn require(
    store: &Store,
    repository: &Path,
    commands: &[String],
    (what, hint): (&str, &str),
) -> Result<()> {
    if commands.is_empty() || trust::is_trusted(store, repository, commands) {
        return Ok(());
    }
    let message = format!("{what} not trusted:\n{}", listing("", commands).trim_end());
    Err(error::refused(message).hint(hint).into())
}

/// Commands, each after the moment at which it runs, if that is given, as they are: nothing in one can hide it or look like
/// another on a terminal.
pub fn listing(when: &str, commands: &[String]) -> String {
    let label = if when.is_empty() { String::new() } else { format!("{when:<11}") };
    // The further lines of a command begin below its first.
    let next = format!("\n  {:1$}", "", label.len());
    let line = |command: &String| {
        let shown = visible(command.trim_end_matches('\n')).replace('\n', &next);
        format!("  {label}{shown}\n")
    };
    commands.iter().map(line).collect()
}

/// A text with what moves the cursor, changes the direction of writing, or takes no room on a terminal written out.
fn visible(text: &str) -> String {
    let is_hidden = |c: char| {
        c.is_control() && c != '\n'
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let shown = |c: char| {
        if is_hidden(c) { c.escape_default().to_string() } else { c.to_string() }
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_hides_nothing() {
        let of = |command: &str| listing("post_add", &[command.to_owned()]);
        assert_eq!(of("npm ci"), "  post_add   npm ci\n");
        assert_eq!(of("rm x #\x1b[2K\r  npm ci"), "  post_add   rm x #\\u{1b}[2K\\r  npm ci\n");
        // What is written from right to left.
        assert_eq!(of("a\u{202e}b"), "  post_add   a\\u{202e}b\n");
        assert_eq!(of("one\n  up      two\n"), "  post_add   one\n               up      two\n");
    }
}
