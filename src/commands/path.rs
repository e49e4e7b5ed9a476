//! `git agentenv path`: prints the path of an environment.

use crate::commands::completions::candidates;
use crate::environment::context::Context;
use crate::environment::resolve;
use crate::error::Exit;
use crate::ui::{Ui, shell_cd};
use anyhow::Result;
use clap_complete::ArgValueCandidates;
use serde::Serialize;
use std::path::PathBuf;

/// The arguments of `path`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// The environment
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub env: String,
}

const EXAMPLES: &str = "\
Examples:
  cd \"$(git agentenv path feature-x)\"
  code \"$(git agentenv path feature-x)\"
  git -C \"$(git agentenv path feature-x)\" log --oneline -3";

/// `path`: the path of an environment.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Answer {
    /// The environment's name.
    name: String,
    /// The absolute path of the worktree.
    path: PathBuf,
}

/// Prints the path.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let lease = resolve::named(&Context::here()?, &args.env)?;
    resolve::require_present(&lease)?;
    shell_cd::to(ui, &lease.path);
    let answer = Answer { name: lease.name, path: lease.path };
    ui.answer(&answer, || format!("{}\n", answer.path.display()))
}
