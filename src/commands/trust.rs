//! `git agentenv trust`: approves the hook commands of this repository.

use crate::environment::context::Context;
use crate::environment::data::approval;
use crate::environment::hooks;
use crate::error::{self, Exit};
use crate::sys::trust;
use crate::ui::Ui;
use anyhow::Result;

/// The arguments of `trust`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Approve without a prompt
    #[arg(short, long)]
    pub yes: bool,
    /// Revoke the approval
    #[arg(long, conflicts_with = "yes")]
    pub revoke: bool,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv trust
  git agentenv trust --yes
  git agentenv trust --revoke";

/// Shows the hook commands and approves them.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    if args.revoke {
        return revoke(&context, ui);
    }
    let config = context.config()?.unwrap_or_default();
    let (configured, processes) = (&config.hooks, config.process_commands());
    let templates = approval::all_commands(&context.repo.main, &config)?;
    let listed = hooks::listing("post_add", &configured.post_add)
        + &hooks::listing("pre_remove", &configured.pre_remove)
        + &hooks::listing("process", &processes)
        + &hooks::listing("template", &templates.concat());
    if listed.is_empty() {
        let answer = serde_json::json!({ "trusted": true, "post_add": [], "pre_remove": [], "processes": [], "templates": [] });
        ui.answer(&answer, || "this repository has no commands to approve\n".to_owned())?;
        return Ok(Exit::Done);
    }
    let listed = format!("these commands will run in each worktree:\n{}", listed.trim_end());
    if args.yes {
        ui.say(listed);
    } else if !confirmed(ui, &listed)? {
        return Err(error::refused("the hooks were not approved").into());
    }
    let mut lists = vec![&configured.post_add[..], &configured.pre_remove, &processes];
    lists.extend(templates.iter().map(Vec::as_slice));
    trust::approve(&context.store, &context.repo.common, &lists)?;
    let answer = serde_json::json!({ "trusted": true, "post_add": configured.post_add, "pre_remove": configured.pre_remove, "processes": processes, "templates": templates.concat() });
    ui.say("approved exactly these commands");
    ui.answer(&answer, String::new)?;
    Ok(Exit::Done)
}

fn revoke(context: &Context, ui: &Ui) -> Result<Exit> {
    let revoked = trust::revoke(&context.store, &context.repo.common)?;
    ui.say(match revoked {
        true => "revoked: the commands of this repository are no longer trusted",
        false => "nothing to revoke: the commands of this repository were not trusted",
    });
    ui.answer(&serde_json::json!({ "trusted": false, "revoked": revoked }), String::new)?;
    Ok(Exit::Done)
}

fn confirmed(ui: &Ui, listed: &str) -> Result<bool> {
    if ui.can_ask() {
        ui.present(listed);
        return ui.confirm("Approve exactly these commands?", false);
    }
    ui.say(listed);
    let failure = error::usage("cannot prompt: stdin is not a terminal");
    Err(failure.hint("approve without a prompt: `git agentenv trust --yes`").into())
}
