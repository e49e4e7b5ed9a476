//! `git agentenv move`: moves the worktree of an environment.

use crate::commands::completions::candidates;
use crate::commands::output::environment::Environment;
use crate::environment::context::{Context, current_dir};
use crate::environment::workspace::Workspace;
use crate::environment::{adopt, relocate, resolve};
use crate::error::Exit;
use crate::ui::Ui;
use anyhow::Result;
use clap::ValueHint;
use clap_complete::ArgValueCandidates;
use std::path::PathBuf;

/// The arguments of `move`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// The environment
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub env: String,
    /// The new directory; if it exists, the worktree is moved into it
    #[arg(value_name = "PATH", value_hint = ValueHint::DirPath)]
    pub path: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv move feature-x ../review
  git agentenv move feature-x ~/worktrees/
  git agentenv move feature-x ../review --json";

/// Moves it, then updates the variables and the Compose file.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    let lease = resolve::named(&context, &args.env)?;
    // It is adopted in its new place, which needs all of them.
    context.leases()?;
    let path = relocate::worktree(&context, ui, &lease, &current_dir()?.join(&args.path))?;
    let context = Context::at(&path)?;
    let lease = adopt::worktree(&Workspace::of_existing(&context, ui)?)?;
    ui.answer(&Environment::from(&lease), || format!("{}\n", lease.path.display()))
}
