//! Claude Code's sessions: their shells get the variables of the environment that they are in.

use crate::commands::check;
use crate::commands::hook::claude_protocol::Event;
use crate::commands::hook::event;
use crate::environment::context::Context;
use crate::environment::resolve;
use crate::error::{Exit, exit_of};
use crate::model::envfile;
use crate::model::lease::Lease;
use crate::model::shell;
use crate::sys::{env, fs};
use crate::ui::Ui;
use anyhow::Result;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The line above our variables in a session's file; the lease's id or `-` follows.
const MARK: &str = "# git-agentenv environment ";

/// The files of a session, in the order in which Claude Code reads them.
const FILES: [&str; 2] = ["sessionstart-hook-", "cwdchanged-hook-"];

/// Exit code of a hook that refuses a tool call: the agent reads stderr.
const REFUSED: Exit = Exit::Command(2);

/// Handles SessionStart and CwdChanged: writes the variables of the environment, or unsets those of others. Never fails,
/// and prints nothing on stdout: Claude Code would take it for a message to the agent.
pub fn variables(ui: &Ui) -> Result<Exit> {
    if let Err(error) = write_variables() {
        ui.warn(format!("this session has no variables of an environment: {error:#}"));
    }
    Ok(Exit::Done)
}

fn write_variables() -> Result<()> {
    let event = event::read(&["SessionStart", "CwdChanged"])?;
    let Some(file) = env::path("CLAUDE_ENV_FILE") else { return Ok(()) };
    let dir = event.dir()?;
    let context = Context::at(&dir).or_else(|error| match &event.old_cwd {
        Some(old) => Context::at(old),
        None => Err(error),
    });
    // Outside of every repository there is nothing to write.
    let Ok(context) = context else { return Ok(()) };
    let here = lease_at(&context, &dir)?;
    let text = match &here {
        Some(lease) => format!("{MARK}{}\n{}", lease.id, envfile::shell(&lease.vars)),
        None if event.old_cwd.is_some() => format!("{MARK}-\n{}", unset(&context.leases()?)),
        None => return Ok(()),
    };
    fs::append(&file, text.as_bytes())
}

/// The environment around a directory: the context may be that of another one.
fn lease_at(context: &Context, dir: &Path) -> Result<Option<Lease>> {
    let dir = fs::canonical(dir);
    match resolve::here(context)? {
        Some(lease) if dir.starts_with(&lease.path) => Ok(Some(lease)),
        _ => Ok(None),
    }
}

/// Lines that unset the variables that have an environment's value. The user's own stay.
fn unset(leases: &[Lease]) -> String {
    let mut values: BTreeMap<&String, BTreeSet<String>> = BTreeMap::new();
    for (name, value) in leases.iter().flat_map(|lease| &lease.vars) {
        values.entry(name).or_default().insert(shell::quoted(value));
    }
    let line = |(name, values): (&String, BTreeSet<String>)| {
        let values = values.into_iter().collect::<Vec<_>>().join("|");
        format!("case \"${{{name}-}}\" in {values}) unset {name} ;; esac\n")
    };
    values.into_iter().map(line).collect()
}

/// Handles PreToolUse for Bash: refuses a command that would run with another environment's variables, and in an environment one
/// that is too long to be read, and tells the agent when it has none. Never fails.
pub fn check(ui: &Ui) -> Result<Exit> {
    match event::read(&["PreToolUse"]) {
        Ok(event) => Ok(look(ui, &event).unwrap_or(Exit::Done)),
        // The directory that the event names could not be read either; the hook itself runs there.
        Err(error) if exit_of(&error) == Exit::Refused && is_in_environment() => {
            let limit = event::LIMIT >> 20;
            ui.say(format!(
                "this command is longer than {limit} MiB, so its variables cannot be checked; write it to a file and run that"
            ));
            Ok(REFUSED)
        }
        Err(_) => Ok(Exit::Done),
    }
}

/// Whether the hook runs in one.
fn is_in_environment() -> bool {
    Context::here().and_then(|context| resolve::here(&context)).is_ok_and(|here| here.is_some())
}

fn look(ui: &Ui, event: &Event) -> Result<Exit> {
    let command = event.command().unwrap_or_default();
    if is_ours(command) {
        return Ok(Exit::Done);
    }
    let context = Context::at(&event.dir()?)?;
    let Some(lease) = resolve::here(&context)? else { return Ok(Exit::Done) };
    let written = written(event);
    if written.as_deref() == Some(&lease.id) {
        return Ok(Exit::Done);
    }
    let name = &lease.name;
    let way = format!("run it as `git agentenv run {name} -- <command>`");
    if written.as_deref().is_some_and(|id| id != "-") {
        ui.say(format!(
            "this shell has another environment's variables, not those of `{name}`: {way}"
        ));
        return Ok(REFUSED);
    }
    if let Err(error) = check::require_own(&context, &lease) {
        // Another failure, such as that of a configuration that cannot be read, says nothing of the variables.
        if exit_of(&error) != Exit::Refused {
            return Err(error);
        }
        ui.say(format!("{error:#}; {way}"));
        return Ok(REFUSED);
    }
    if !lease.vars.keys().any(|variable| env::var(variable).is_some()) {
        let told = format!(
            "This shell lacks the variables of environment `{name}`, so applications use the main \
            checkout's database: {way}."
        );
        let output = json!({ "hookEventName": "PreToolUse", "additionalContext": told });
        ui.raw(&format!("{}\n", json!({ "hookSpecificOutput": output })))?;
    }
    Ok(Exit::Done)
}

/// Whether it only runs git-agentenv, which takes care of the variables itself.
fn is_ours(command: &str) -> bool {
    let commands = shell::commands(command);
    let ours = |command: &String| {
        let mut words = command.split_whitespace();
        match words.next() {
            Some("git") => words.next() == Some("agentenv"),
            first => first == Some("git-agentenv"),
        }
    };
    !commands.is_empty() && commands.iter().all(ours)
}

/// The environment whose variables this session's shells get, as our hooks wrote it: the lease's id, or `-` for none.
fn written(event: &Event) -> Option<String> {
    let config = env::path("CLAUDE_CONFIG_DIR")
        .or_else(|| env::path("HOME").map(|home| home.join(".claude")))?;
    let dir = config.join("session-env").join(event.session_id.as_ref()?);
    let mut files = fs::entries(&dir).ok()?;
    let order = |file: &PathBuf| {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        FILES.iter().position(|prefix| name.starts_with(prefix))
    };
    files.retain(|file| order(file).is_some());
    files.sort_by_key(order);
    let texts = files.iter().filter_map(|file| fs::read(file).ok().flatten());
    let mut marks = texts.filter_map(|text| {
        let text = String::from_utf8_lossy(&text).into_owned();
        text.lines().rev().find_map(|line| line.strip_prefix(MARK)).map(str::to_owned)
    });
    marks.next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_commands_need_no_check() {
        for ours in [
            "git agentenv run x -- python manage.py flush 2>&1",
            "git-agentenv run x -- sh -c 'cd y; python flush'",
            "git agentenv up x && git  agentenv ps; git agentenv logs",
        ] {
            assert!(is_ours(ours), "{ours}");
        }
        for other in [
            "",
            "git agentenv status; python manage.py flush",
            "git agentenv status && python manage.py flush",
            "git agentenv list || flush",
            "git agentenv env x | flush",
            "git agentenv status\nflush",
            "git agentenv status & flush",
            "git agentenv status \"$(flush)\"",
            "echo git agentenv",
            "flush # git-agentenv",
            "git agentenvy",
            "git status",
        ] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
