//! `git agentenv adopt`: turns an existing worktree into an environment, or repairs one.

use crate::commands::completions::candidates;
use crate::commands::output::environment::Environment;
use crate::environment::context::{Context, current_dir};
use crate::environment::{adopt, hooks, resolve};
use crate::error::{self, Exit};
use crate::ui::Ui;
use anyhow::Result;
use clap_complete::ArgValueCandidates;
use std::path::{Path, PathBuf};

/// The arguments of `adopt`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Environment, or a worktree's directory [default: the current one]
    #[arg(value_name = "ENV_OR_DIR", add = ArgValueCandidates::new(candidates::environments))]
    pub target: Option<PathBuf>,
    /// Do not run the `post_add` hooks
    #[arg(long)]
    pub no_hooks: bool,
}

const EXAMPLES: &str = "\
Examples:
  git worktree add ../x && git agentenv adopt ../x
  git agentenv adopt
  git agentenv adopt ../x --no-hooks";

/// Turns a worktree into an environment; repairs one that already is.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let dir = match &args.target {
        None => current_dir()?,
        Some(target) => place(target)?,
    };
    let context = adopt::context(ui, &dir)?;
    let workspace = adopt::workspace(&context, ui)?;
    if !args.no_hooks && adopt::known(&context)?.is_none_or(|lease| lease.hooks_pending) {
        hooks::require_trusted(&context, &workspace.config.hooks.post_add)?;
    }
    let mut lease = adopt::worktree(&workspace)?;
    if !args.no_hooks {
        let commands = &workspace.config.hooks.post_add;
        hooks::run_post_add(ui, &context.store, commands, &mut lease)?;
    }
    ui.answer(&Environment::from(&lease), || format!("{}\n", lease.path.display()))
}

/// The worktree of an environment of this repository, else the directory of that name.
fn place(target: &Path) -> Result<PathBuf> {
    let named = target.to_str().and_then(|name| resolve::named(&Context::here().ok()?, name).ok());
    if let Some(lease) = named {
        resolve::require_present(&lease)?;
        return Ok(lease.path);
    }
    let dir = current_dir()?.join(target);
    if dir.is_dir() {
        return Ok(dir);
    }
    let message = format!("no environment and no directory `{}`", target.display());
    Err(error::not_found(message).hint("list the environments: `git agentenv list`").into())
}
