//! `git agentenv adopt`: turns an existing worktree into an environment, or repairs one.

use crate::commands::output::environment::Environment;
use crate::environment::context::{Context, current_dir};
use crate::environment::workspace::Workspace;
use crate::environment::{adopt, hooks};
use crate::error::Exit;
use crate::ui::Ui;
use anyhow::Result;
use std::path::PathBuf;

/// The arguments of `adopt`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// The worktree; none: the one around the current directory
    #[arg(value_name = "DIR")]
    pub path: Option<PathBuf>,
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
    let dir = args.path.clone().map_or_else(current_dir, |path| Ok(current_dir()?.join(path)))?;
    let context = Context::at(&dir)?;
    let workspace = Workspace::open(&context, ui)?;
    if !args.no_hooks && adopt::known(&context)?.is_none_or(|lease| lease.hooks_pending) {
        hooks::require_trusted(&context, &workspace.config.hooks.post_add)?;
    }
    let mut lease = adopt::worktree(&workspace)?;
    if !args.no_hooks {
        hooks::run_post_add(&workspace, &mut lease)?;
    }
    ui.answer(&Environment::from(&lease), || format!("{}\n", lease.path.display()))?;
    Ok(Exit::Done)
}
