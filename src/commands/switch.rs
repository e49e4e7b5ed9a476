//! `git agentenv switch`: chooses an environment and goes there.

use crate::commands::add;
use crate::commands::completions::candidates;
use crate::commands::output::environment::url;
use crate::environment::context::{Context, current_dir};
use crate::environment::resolve;
use crate::error::{self, Exit, exit_of};
use crate::model::lease::Lease;
use crate::model::name;
use crate::sys::git::status;
use crate::sys::repo::Repo;
use crate::sys::{env, fs};
use crate::ui::{Item, Menu, Ui, shell_cd};
use anyhow::Result;
use clap_complete::ArgValueCandidates;
use serde::Serialize;
use std::path::PathBuf;

/// The arguments of `switch`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// The environment, the main checkout's branch, or `-` for the directory before the last switch; none: choose
    #[arg(value_name = "ENV", allow_hyphen_values = true)]
    #[arg(add = ArgValueCandidates::new(candidates::environments))]
    pub env: Option<String>,
    /// Create the environment if there is none
    #[arg(short, long)]
    pub create: bool,
}

const EXAMPLES: &str = "\
Examples:
  agentenv switch                # with the function of shell-init: choose, then go there
  agentenv switch feature-x
  agentenv switch -              # back
  agentenv switch --create hotfix
  cd \"$(git agentenv switch feature-x)\"";

/// The word for the directory before the last switch.
const PREVIOUS: &str = "-";

/// `switch`: where to go.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Answer {
    /// The environment's name; null: the main checkout, or another directory before the last switch.
    name: Option<String>,
    /// The absolute path.
    path: PathBuf,
}

/// Prints the path, and tells the shell function to go there.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    if args.env.as_deref() == Some(PREVIOUS) {
        return go(ui, None, previous()?);
    }
    let context = Context::here()?;
    let wanted = match &args.env {
        Some(wanted) => wanted.clone(),
        None => chosen(&context, ui)?,
    };
    match resolve::named(&context, &wanted) {
        Ok(lease) => {
            resolve::require_present(&lease)?;
            go(ui, Some(lease.name), lease.path)
        }
        Err(_) if is_main(&context.repo, &wanted) => go(ui, None, context.repo.main),
        Err(error) if exit_of(&error) == Exit::NotFound => missing(args, ui, &wanted, error),
        Err(error) => Err(error),
    }
}

fn go(ui: &Ui, name: Option<String>, path: PathBuf) -> Result<Exit> {
    shell_cd::to(ui, &path);
    let answer = Answer { name, path };
    ui.answer(&answer, || format!("{}\n", answer.path.display()))?;
    if ui.is_heard() && env::path(env::GO_TO).is_none() {
        ui.say("this shell stays where it is; `git agentenv shell-init <shell> --install` lets it follow");
    }
    Ok(Exit::Done)
}

/// Creates what is missing, if that was asked for or is agreed to.
fn missing(args: &Args, ui: &Ui, wanted: &str, error: anyhow::Error) -> Result<Exit> {
    let create = args.create
        || args.env.is_none()
        || (ui.can_ask()
            && ui.confirm(&format!("There is no environment `{wanted}`. Create it?"), false)?);
    if !create {
        return Err(error);
    }
    add::run(&add::Args { branches: vec![wanted.to_owned()], ..add::Args::default() }, ui)
}

fn is_main(repo: &Repo, wanted: &str) -> bool {
    !repo.bare && repo.main_branch().as_deref() == Some(wanted)
}

fn previous() -> Result<PathBuf> {
    let previous = env::path(env::PREVIOUS).filter(|path| path.is_absolute());
    let previous = previous.ok_or_else(|| {
        error::usage("this shell has not switched before")
            .hint("the function of `git agentenv shell-init` remembers where it was")
    })?;
    if !previous.is_dir() {
        let message = format!("{} no longer exists", previous.display());
        return Err(error::not_found(message).into());
    }
    Ok(fs::canonical(&previous))
}

/// Lets the user choose an environment, the main checkout, or a new name.
fn chosen(context: &Context, ui: &Ui) -> Result<String> {
    if !ui.can_ask() {
        let failure = error::usage("the argument <ENV> is missing");
        return Err(failure.hint("`git agentenv switch <env>`").into());
    }
    let (leases, broken) = resolve::readable(context)?;
    broken.iter().for_each(|one| ui.warn(one.what()));
    let here = current_dir()?;
    let mut items: Vec<Item> = leases.iter().map(|lease| item(lease, &here)).collect();
    items.extend(
        context
            .repo
            .main_branch()
            .filter(|_| !context.repo.bare)
            .map(|label| Item { label, note: "the main checkout".to_owned() }),
    );
    let judge = |typed: &str| match Repo::is_branch_name(typed) {
        true => Ok(format!("new environment `{typed}`")),
        false => Err(format!("`{typed}` is not a valid branch name")),
    };
    let main = context.repo.main_branch();
    let preview = |at: usize| match leases.get(at) {
        Some(lease) => preview(lease, main.as_deref()),
        None => vec![context.repo.main.display().to_string()],
    };
    let menu = Menu {
        prompt: "Switch to:",
        items: &items,
        new: Some(&judge),
        several: false,
        preview: Some(&preview),
    };
    ui.choose_text(&menu)
}

fn item(lease: &Lease, here: &std::path::Path) -> Item {
    let label = lease.branch.clone().unwrap_or_else(|| lease.name.clone());
    let name = name::beside(&label, &lease.name);
    let here = here.starts_with(&lease.path).then_some("you are here");
    let notes: Vec<&str> = name.into_iter().chain(here).collect();
    Item { label, note: notes.join(", ") }
}

/// What `status` says that needs no server.
fn preview(lease: &Lease, main: Option<&str>) -> Vec<String> {
    let mut lines = vec![lease.path.display().to_string()];
    lines.extend(url(lease));
    let parts = lease.parts.iter().map(ToString::to_string);
    lines.push(parts.collect::<Vec<_>>().join("  "));
    if let Ok(status) = status::of(&lease.path, main) {
        let beside = status.beside.as_deref().unwrap_or("no upstream");
        lines.push(format!(
            "{} changed files, +{} -{} {beside}",
            status.changed, status.ahead, status.behind
        ));
    }
    lines.retain(|line| !line.is_empty());
    lines
}
