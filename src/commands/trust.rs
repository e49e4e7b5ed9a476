//! `git agentenv trust`: approves the commands and the compose file of this repository.

use crate::environment::compose::{Approval, ServersFile};
use crate::environment::context::Context;
use crate::environment::data::approval;
use crate::environment::hooks;
use crate::error::{self, Exit};
use crate::model::config::Config;
use crate::sys::trust;
use crate::ui::Ui;
use anyhow::Result;
use serde::Serialize;

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

/// The help of `--help`.
pub const ABOUT: &str = "\
Approve the commands and the compose file of this repository

Hooks, processes, the compose file, and the commands and masks of templates and custom services run only after they \
were approved. `trust` shows them and asks; what changed needs a new approval. The approval is stored outside the \
repository, so that no branch can approve its own commands.

A compose file is approved with all that it includes and the values that the `.env` beside it puts into it, as they are \
in this worktree: after a change on a branch, run `trust` there. `trust` names the services that are built; their Dockerfiles are yours to read.";

const EXAMPLES: &str = "\
Examples:
  git agentenv trust
  git agentenv trust --yes
  git agentenv trust --revoke";

/// `trust`: the approved commands.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Approved<'a> {
    /// The commands are approved.
    trusted: bool,
    /// The commands that run after `add`.
    post_add: &'a [String],
    /// The commands that run before `remove`.
    pre_remove: &'a [String],
    /// The command lines of `processes`.
    processes: Vec<String>,
    /// The commands of services of the kind custom, which run in the server's container.
    services: Vec<String>,
    /// The compose file that `infra up` starts, with the hash of its content and the services that it builds.
    infra: Vec<String>,
    /// The compose files that `up` starts, each with the hash of its content and the services that it builds.
    compose: Vec<String>,
    /// The commands and masks of template databases; a mask with the hash of its content.
    templates: Vec<String>,
}

/// `trust --revoke`: no command is approved.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Revoked {
    /// The commands are approved.
    trusted: bool,
    /// An approval existed and was revoked.
    revoked: bool,
}

/// Shows the commands and approves them.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    if args.revoke {
        return revoke(&context, ui);
    }
    let config = context.config()?.unwrap_or_default();
    let templates = approval::all_commands(&context.repo.main, &config)?;
    let stacks = stacks(&context, &config)?;
    // One that is not there or is wrong is not started, either.
    let infra = ServersFile::read(&context.repo.main, &config).ok().flatten();
    let infra = infra.map(|file| file.approval);
    let answer = Approved {
        trusted: true,
        post_add: &config.hooks.post_add,
        pre_remove: &config.hooks.pre_remove,
        processes: config.process_commands(),
        services: config.service_commands(),
        infra: infra.iter().flat_map(Approval::commands).cloned().collect(),
        compose: stacks.iter().flat_map(Approval::commands).cloned().collect(),
        templates: templates.concat(),
    };
    let listed = hooks::listing("post_add", answer.post_add)
        + &hooks::listing("pre_remove", answer.pre_remove)
        + &hooks::listing("process", &answer.processes)
        + &hooks::listing("service", &answer.services)
        + &hooks::listing("infra up", &answer.infra)
        + &hooks::listing("up", &answer.compose)
        + &hooks::listing("template", &answer.templates);
    if listed.is_empty() {
        return ui.answer(&answer, || "this repository has no commands to approve\n".to_owned());
    }
    let listed = format!("these commands may run:\n{}", listed.trim_end());
    if args.yes {
        ui.say(listed);
    } else if !confirmed(ui, &listed)? {
        return Err(error::refused("the commands were not approved").into());
    }
    let mut lists = vec![answer.post_add, answer.pre_remove, &answer.processes, &answer.services];
    lists.extend(templates.iter().map(Vec::as_slice));
    lists.extend(infra.iter().chain(&stacks).map(Approval::commands));
    trust::approve(&context.store, &context.repo.common, &lists)?;
    ui.say("approved exactly these commands");
    ui.answer(&answer, String::new)
}

/// The compose file as it is here and in the main checkout, and where else it was approved as it is: branches differ.
fn stacks(context: &Context, config: &Config) -> Result<Vec<Approval>> {
    let mut stacks: Vec<Approval> = Vec::new();
    let leases = context.leases()?;
    let here = context.repo.here.iter().chain([&context.repo.main]).map(|path| (path, true));
    for (checkout, is_read) in here.chain(leases.iter().map(|lease| (&lease.path, false))) {
        // One that is not there or is wrong is not started, either.
        let Ok(found) = Approval::at(checkout, config) else { continue };
        let is_approved = |one: &Approval| {
            trust::is_trusted(&context.store, &context.repo.common, one.commands())
        };
        stacks.extend(found.filter(|one| !stacks.contains(one) && (is_read || is_approved(one))));
    }
    Ok(stacks)
}

fn revoke(context: &Context, ui: &Ui) -> Result<Exit> {
    let revoked = trust::revoke(&context.store, &context.repo.common)?;
    ui.say(match revoked {
        true => "revoked: the commands of this repository are no longer trusted",
        false => "nothing to revoke: the commands of this repository were not trusted",
    });
    ui.answer(&Revoked { trusted: false, revoked }, String::new)
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
