//! `git agentenv rename`: gives an environment another name.

use crate::commands::completions::candidates;
use crate::commands::output::environment::Environment;
use crate::environment::context::Context;
use crate::environment::workspace::Workspace;
use crate::environment::{rename, resolve};
use crate::error::Exit;
use crate::ui::Ui;
use anyhow::Result;
use clap_complete::ArgValueCandidates;

/// The arguments of `rename`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// The environment
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub env: String,
    /// Its new name: a branch name
    #[arg(value_name = "NEW")]
    pub new: String,
    /// Rename its branch although `add` did not create it
    #[arg(short, long)]
    pub branch: bool,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv rename feature-x fix-login
  git agentenv rename release/1.2 release/1.3 --branch
  git agentenv rename feature-x fix-login --json";

/// Renames it, and prints where its worktree is now.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    let lease = resolve::named(&context, &args.env)?;
    let workspace = Workspace::of_existing(&context, ui)?;
    let lease = rename::environment(&workspace, &lease, &args.new, args.branch)?;
    ui.answer(&Environment::from(&lease), || format!("{}\n", lease.path.display()))?;
    Ok(Exit::Done)
}
