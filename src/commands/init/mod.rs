//! `git agentenv init`: detects how the project is run and writes its `.agentenv.yaml`.

mod agents;
mod questions;

use crate::commands::output::environment::Environment;
use crate::commands::output::summary;
use crate::environment::context::{self, Context};
use crate::environment::create;
use crate::environment::project_files;
use crate::environment::workspace::Workspace;
use crate::error::{self, Exit};
use crate::model::config::{Config, Place, SCHEMA};
use crate::model::detect::{self, Project};
use crate::model::lease::Lease;
use crate::model::plan::{Data, Request, Start, Target};
use crate::sys::fs::{self, Stands};
use crate::sys::git;
use crate::ui::{self, Ui};
use anyhow::{Context as _, Result};
use serde::Serialize;
use std::path::PathBuf;

/// The arguments of `init`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Do not prompt; use what was detected, and the defaults
    #[arg(short, long)]
    pub yes: bool,
    /// Overwrite an existing `.agentenv.yaml`
    #[arg(short, long)]
    pub force: bool,
    /// Print the configuration without writing it
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Also add instructions for coding agents: AGENTS.md and a skill in .agents/skills
    #[arg(long)]
    pub agents: bool,
    /// Write the detected setup commands as active hooks; by default they are comments
    #[arg(long)]
    pub hooks: bool,
    /// Create worktrees at this path, such as `.worktrees/{name}`
    #[arg(long, value_name = "TEMPLATE")]
    pub worktree: Option<String>,
    /// Use Postgres and Redis servers on this machine instead of containers
    #[arg(long)]
    pub host: bool,
    /// Print the JSON schema of `.agentenv.yaml`, for editors
    #[arg(long, exclusive = true)]
    pub schema: bool,
}

/// The help of `--help`.
pub const ABOUT: &str = "\
Detect the project's setup and write `.agentenv.yaml`

Reads Compose files, settings and environment files; recognises ports, databases and Redis indexes, and what starts \
the application: a Procfile, Django and Celery, the scripts `dev` or `start`, a target of make, a compose file. Asks where worktrees \
go, and prints what `add` would create. Never replaces a file without `--force`. `--yes` accepts the defaults, for \
agents and scripts.

Notes name what would still lead an environment to the main checkout's database or index: lines of code and settings \
that name it themselves, and services that no variable of a file leads to. While there is such a service, `--hooks` \
leaves the commands that migrate as comments. `not found` names a manifest, such as go.mod, of which `init` does not \
know what starts it. What a devcontainer.json runs once (`onCreateCommand`, `updateContentCommand`, `postCreateCommand`) \
becomes a hook where it only installs, builds, migrates or seeds; all else of it is a comment.";

const EXAMPLES: &str = "\
Examples:
  git agentenv init
  git agentenv init --yes --agents
  git agentenv init --dry-run
  git agentenv init --worktree '.worktrees/{name}' --hooks
  git agentenv init --schema >.agentenv.schema.json";

/// Lines of the terminal that the preview of the configuration leaves free: for the question and what led to it.
const ROWS_BESIDE: usize = 5;

/// The user's decisions.
pub struct Choices {
    /// The `worktree` template; `None`: the default, beside the repository.
    pub worktree: Option<String>,
    /// Servers without a known container run on this machine.
    pub host: bool,
    /// Whether detected commands become active hooks.
    pub hooks: bool,
}

/// `init --agents` where a configuration is.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Instructions {
    /// The file that got a text for coding agents.
    agents: PathBuf,
    /// The skill for coding agents.
    skill: PathBuf,
}

/// `init`: the configuration and how it was found.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Answer<'a> {
    /// The configuration's file.
    file: PathBuf,
    /// It was written.
    written: bool,
    /// What the project's files say, in words.
    found: &'a [String],
    /// What was concluded from incomplete evidence, in words.
    guessed: &'a [String],
    /// What no file of the project says, in words.
    missing: &'a [String],
    /// What the user should know.
    notes: &'a [String],
    /// The configuration.
    config: &'a str,
    /// The file that got a text for coding agents; null: none.
    agents: Option<PathBuf>,
    /// The skill for coding agents; null: none.
    skill: Option<PathBuf>,
    /// The environment that `add example` would create; null: it cannot be said.
    example: Option<Environment>,
}

/// Writes the configuration and, on request, the instructions for agents.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    if args.schema {
        ui.raw(SCHEMA)?;
        return Ok(Exit::Done);
    }
    let context = Context::here()?;
    let file = context.repo.main.join(context::FILE);
    if !writes_config(args, &context)? {
        let agents::Written { agents, skill } = agents::write(&context, ui)?;
        let answer = Instructions { agents, skill };
        return ui.answer(&answer, || {
            format!("{}\n{}\n", answer.agents.display(), answer.skill.display())
        });
    }
    let asks = ui.can_ask() && !args.yes && !args.dry_run;
    let seen = project_files::read(&context)?;
    let mut project = detect::detect(&seen);
    tell(ui, &project);
    let choices = if asks { questions::ask(args, ui, &project)? } else { Choices::of(args) };
    choices.apply(&mut project);
    let text = detect::render(&project, choices.worktree.as_deref(), choices.hooks);
    let config = Config::parse(context::FILE, &text).context("cannot generate a configuration")?;
    let leads = detect::to_main(&seen, &config).into_iter();
    let leads = leads.filter(|lead| !lead.is_in(&project.notes));
    let mut leads: Vec<String> = leads.map(|lead| lead.told()).collect();
    leads.extend(detect::without_role(&project));
    leads.iter().for_each(|lead| ui.warn(lead));
    project.notes.extend(leads);
    let mut answer = Answer {
        file,
        written: false,
        found: &project.found,
        guessed: &project.guessed,
        missing: &project.missing,
        notes: &project.notes,
        config: &text,
        agents: None,
        skill: None,
        example: example(&context, ui, &config).as_ref().map(Environment::from),
    };
    if !args.dry_run {
        if asks {
            let shown = questions::preview(&text, ui::height().saturating_sub(ROWS_BESIDE));
            ui.agree(&shown, &format!("Write {}?", context::FILE), true)?;
        }
        fs::write_text(&answer.file, &text)?;
        answer.written = true;
        warn_ignored(&context, ui)?;
        let wants_agents = args.agents || (asks && questions::agents(ui)?);
        let written = wants_agents.then(|| agents::write(&context, ui)).transpose()?;
        (answer.agents, answer.skill) = written.map(|files| (files.agents, files.skill)).unzip();
        if !choices.hooks && !project.hooks.is_empty() {
            ui.say(format!(
                "new worktrees run no setup commands ({}): `git agentenv init --force --hooks` makes them hooks",
                project.hooks.join("; ")
            ));
        }
        if let Some(commands) = to_approve(&config) {
            ui.say(format!(
                "approve what environments run, once: `git agentenv trust` ({commands})"
            ));
        }
        ui.say("review and commit .agentenv.yaml, then create an environment: `git agentenv add <branch>`");
    }
    ui.answer(&answer, || match answer.written {
        true => format!("{}\n", answer.file.display()),
        false => text.clone(),
    })
}

/// The commands that `trust` will approve: hooks as they are, processes by their names.
fn to_approve(config: &Config) -> Option<String> {
    let hooks = config.hooks.post_add.join("; ");
    let processes = config.processes.keys().cloned().collect::<Vec<_>>().join(", ");
    let kinds = [("hooks", hooks), ("processes", processes)].into_iter();
    let kinds = kinds.filter(|(_, commands)| !commands.is_empty());
    let kinds: Vec<String> = kinds.map(|(kind, commands)| format!("{kind}: {commands}")).collect();
    (!kinds.is_empty()).then(|| kinds.join(" | "))
}

/// Whether to write a configuration: an existing one is kept without `--force`.
fn writes_config(args: &Args, context: &Context) -> Result<bool> {
    let repo = &context.repo;
    if repo.bare {
        let message = format!(
            "cannot inspect {}: a bare repository has no main checkout",
            repo.main.display()
        );
        let hint = format!("commit {} to the branch that HEAD points to", context::FILE);
        return Err(error::not_found(message).hint(hint).into());
    }
    let file = repo.main.join(context::FILE);
    match fs::stands(&file)? {
        _ if args.dry_run => Ok(true),
        Stands::Nothing => Ok(true),
        Stands::File if args.force => Ok(true),
        _ if args.agents && !args.force => Ok(false),
        _ => {
            let message = format!("{} already exists", file.display());
            let hint = "see what would be written: `git agentenv init --dry-run`; overwrite the file: `git agentenv init --force`";
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
    for (label, lines) in
        [("found", &project.found), ("guessed", &project.guessed), ("not found:", &project.missing)]
    {
        if !lines.is_empty() {
            let indent = format!("\n{:width$} ", "", width = label.len());
            ui.say(format!("{label} {}", lines.join(&indent)));
        }
    }
    project.notes.iter().for_each(|note| ui.say(format!("note: {note}")));
}

/// Says when git would not let the user commit the file.
fn warn_ignored(context: &Context, ui: &Ui) -> Result<()> {
    if git::ignores(&context.repo.main, context::FILE)? {
        ui.warn(format!(
            "git ignores {file}: add the line `!{file}` to .gitignore to commit the file",
            file = context::FILE
        ));
    }
    Ok(())
}

/// Plans the environment that `add example` would create.
fn example(context: &Context, ui: &Ui, config: &Config) -> Option<Lease> {
    let commit = context.repo.head().unwrap_or_else(|_| "0".repeat(40));
    let target = Target::Branch {
        name: "example".to_owned(),
        start: Start::New { commit, from: context.repo.head_branch() },
    };
    let request =
        Request { target: target.clone(), path: None, adopted: false, data: Data::default() };
    let workspace = Workspace { context, config: config.clone(), ui };
    match create::plan_only(&workspace, [request]) {
        Ok(leases) => {
            let lease = leases.into_iter().next()?;
            let planned = summary::planned(&lease, &target, &config.hooks.post_add);
            ui.say(format!("example: `git agentenv add example`. {planned}"));
            Some(lease)
        }
        Err(error) => {
            ui.warn(format!("`git agentenv add` would fail: {error:#}"));
            None
        }
    }
}
