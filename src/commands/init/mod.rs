//! `git agentenv init`: looks at the project and writes its `.agentenv.yaml`.

mod agents;
pub mod detect;
mod look;
mod questions;

use crate::commands::init::detect::Project;
use crate::commands::output::environment::Environment;
use crate::commands::output::summary;
use crate::environment::context::{self, Context};
use crate::environment::create;
use crate::environment::workspace::Workspace;
use crate::error::{self, Exit};
use crate::model::config::{Config, Place, SCHEMA};
use crate::model::lease::Lease;
use crate::model::plan::{Request, Start, Target};
use crate::sys::fs::{self, Stands};
use crate::ui::Ui;
use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::json;
use std::path::PathBuf;

/// The arguments of `init`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Ask nothing: take what was recognised, and the defaults
    #[arg(short, long)]
    pub yes: bool,
    /// Replace an `.agentenv.yaml` that is there
    #[arg(short, long)]
    pub force: bool,
    /// Only print what would be written
    #[arg(long)]
    pub dry_run: bool,
    /// Add a short text for coding agents to AGENTS.md as well
    #[arg(long)]
    pub agents: bool,
    /// Make the commands that a new worktree needs into hooks; else they are comments
    #[arg(long)]
    pub hooks: bool,
    /// Where worktrees go, such as `.worktrees/{name}`
    #[arg(long, value_name = "TEMPLATE")]
    pub worktree: Option<String>,
    /// Postgres and Redis run on this machine, and not in containers
    #[arg(long)]
    pub host: bool,
    /// Print the JSON schema of `.agentenv.yaml`, for editors
    #[arg(long, exclusive = true)]
    pub schema: bool,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv init
  git agentenv init --yes --agents
  git agentenv init --dry-run
  git agentenv init --worktree '.worktrees/{name}' --hooks
  git agentenv init --schema >.agentenv.schema.json";

/// What the user decided.
pub struct Choices {
    /// Where worktrees go; `None`: beside the repository.
    pub worktree: Option<String>,
    /// Servers of which nothing says where they run are on this machine.
    pub host: bool,
    /// Hooks are active.
    pub hooks: bool,
}

/// What was, or would be, written, in JSON.
#[derive(Serialize)]
struct Answer<'a> {
    file: PathBuf,
    written: bool,
    found: &'a [String],
    notes: &'a [String],
    config: &'a str,
    agents: Option<PathBuf>,
    /// What `add` would make with it.
    example: Option<Environment>,
}

/// Writes the configuration, and the text for agents.
///
/// # Errors
/// When there is a configuration already, or a file cannot be written.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    if args.schema {
        ui.raw(SCHEMA)?;
        return Ok(Exit::Done);
    }
    let context = Context::here()?;
    let file = context.repo.main.join(context::FILE);
    if !writes_config(args, &context)? {
        let agents = agents::write(&context, ui)?;
        ui.answer(&json!({ "agents": agents }), || format!("{}\n", agents.display()))?;
        return Ok(Exit::Done);
    }
    let asks = ui.can_ask() && !args.yes && !args.dry_run;
    let mut project = detect::detect(&look::around(&context)?);
    tell(ui, &project);
    let choices = if asks { questions::ask(args, ui, &project)? } else { Choices::of(args) };
    choices.apply(&mut project);
    let text = detect::render(&project, choices.worktree.as_deref(), choices.hooks);
    let config = Config::parse(context::FILE, &text).context("the configuration that was made")?;
    let mut answer = Answer {
        file,
        written: false,
        found: &project.found,
        notes: &project.notes,
        config: &text,
        agents: None,
        example: example(&context, ui, &config).as_ref().map(Environment::from),
    };
    if !args.dry_run {
        if asks {
            ui.agree(&text, &format!("Write {}?", context::FILE), true)?;
        }
        let mode = fs::mode(&answer.file).unwrap_or(0o644);
        fs::replace_as(&answer.file, text.as_bytes(), mode)?;
        answer.written = true;
        let wants_agents = args.agents || (asks && questions::agents(ui)?);
        answer.agents = wants_agents.then(|| agents::write(&context, ui)).transpose()?;
        ui.say("look at it, and commit it: `git agentenv add <branch>` makes an environment");
    }
    ui.answer(&answer, || match answer.written {
        true => format!("{}\n", answer.file.display()),
        false => text.clone(),
    })?;
    Ok(Exit::Done)
}

/// Whether a configuration is to be written: one that is there is kept, unless `--force` says otherwise.
fn writes_config(args: &Args, context: &Context) -> Result<bool> {
    let repo = &context.repo;
    if repo.bare {
        let message =
            format!("{} is bare, so there is no main checkout to look at", repo.main.display());
        let hint = format!("commit a {} to the branch that its HEAD names", context::FILE);
        return Err(error::not_found(message).hint(hint).into());
    }
    let file = repo.main.join(context::FILE);
    match fs::stands(&file)? {
        _ if args.dry_run => Ok(true),
        Stands::Nothing => Ok(true),
        Stands::File if args.force => Ok(true),
        _ if args.agents && !args.force => Ok(false),
        _ => {
            let message = format!("{} is there already", file.display());
            let hint = "`git agentenv init --dry-run` shows what it would write; `--force` replaces a file";
            Err(error::refused(message).hint(hint).into())
        }
    }
}

impl Choices {
    fn of(args: &Args) -> Choices {
        Choices { worktree: args.worktree.clone(), host: args.host, hooks: args.hooks }
    }

    fn apply(&self, project: &mut Project) {
        let unplaced = project.services.iter_mut().filter(|service| service.place.is_none());
        for service in unplaced.filter(|_| self.host) {
            service.place = Some(Place::Host);
        }
    }
}

fn tell(ui: &Ui, project: &Project) {
    let found = match project.found.as_slice() {
        [] => "nothing was recognised".to_owned(),
        found => format!("found {}", found.join("\n      ")),
    };
    ui.say(found);
    project.notes.iter().for_each(|note| ui.say(format!("note: {note}")));
}

/// What `add` would make with it.
fn example(context: &Context, ui: &Ui, config: &Config) -> Option<Lease> {
    let commit = context.repo.head().unwrap_or_else(|_| "0".repeat(40));
    let target = Target::Branch { name: "example".to_owned(), start: Start::New { commit } };
    let request = Request { target: target.clone(), path: None, adopted: false };
    let workspace = Workspace { context, config: config.clone(), ui };
    match create::plan_only(&workspace, request) {
        Ok(lease) => {
            let planned = summary::planned(&lease, &target, &config.hooks.post_add);
            ui.say(format!("`git agentenv add example` would work like this.\n{planned}"));
            Some(lease)
        }
        Err(error) => {
            ui.warn(format!("`git agentenv add` would fail: {error:#}"));
            None
        }
    }
}
