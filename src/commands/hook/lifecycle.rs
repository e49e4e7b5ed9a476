//! What agents run in their worktrees: when one was created, when it goes, when a session starts.

use super::event::adopted;
use crate::commands::down;
use crate::environment::adopt;
use crate::environment::context::Context;
use crate::environment::processes::GRACE;
use crate::environment::prune::{self, PruneOptions};
use crate::error::{Exit, hint_of};
use crate::model::lease::Lease;
use crate::ui::Ui;
use anyhow::Result;
use serde_json::{Value, json};

/// Turns the worktree into an environment, after the resources of deleted ones were released: agents delete their
/// worktrees without a word to us. Does nothing in the main checkout.
pub fn setup(ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    if adopt::tree_here(&context).is_err() {
        ui.say("this is the main checkout: it keeps its own values");
        return Ok(Exit::Done);
    }
    match prune::all(ui, PruneOptions::default()) {
        Ok(report) => report.kept.iter().for_each(|kept| {
            ui.warn(format!("kept {}: {}", kept.name, kept.why));
        }),
        Err(error) => ui.warn(format!("cannot release deleted environments: {error:#}")),
    }
    adopted(&context, ui)?;
    Ok(Exit::Done)
}

/// Stops what runs in the environment. The agent deletes the worktree; the next setup or `prune` releases the rest.
pub fn cleanup(ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    if let Ok(Some(lease)) = adopt::known(&context) {
        down::stop(&context, ui, &lease, GRACE)?;
    }
    Ok(Exit::Done)
}

/// Answers Gemini CLI's SessionStart: turns the worktree into an environment and tells the agent so. Never fails.
pub fn session_start(ui: &Ui) -> Result<Exit> {
    let answer = match started(ui) {
        Ok(None) => json!({}),
        Ok(Some(lease)) => told(&lease),
        Err(error) => {
            let hint = hint_of(&error).map_or(String::new(), |hint| format!(" (hint: {hint})"));
            json!({ "systemMessage": format!("git-agentenv: {error:#}{hint}") })
        }
    };
    ui.raw(&format!("{answer}\n"))?;
    Ok(Exit::Done)
}

fn started(ui: &Ui) -> Result<Option<Lease>> {
    let context = Context::here()?;
    match adopt::tree_here(&context) {
        Ok(_) => adopted(&context, ui).map(Some),
        Err(_) => Ok(None),
    }
}

fn told(lease: &Lease) -> Value {
    let vars = lease.vars.iter().map(|(name, value)| format!("{name}={value}"));
    let text = format!(
        "This worktree is the environment `{}` of git-agentenv, with its own ports and databases. Run servers, tests \
         and scripts as `git agentenv run -- <command>`, which sets: {}",
        lease.name,
        vars.collect::<Vec<_>>().join(" "),
    );
    json!({ "hookSpecificOutput": { "hookEventName": "SessionStart", "additionalContext": text } })
}
