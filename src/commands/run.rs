//! `git agentenv run`: runs a command in an environment.

use super::check;
use crate::commands::completions::candidates;
use crate::environment::context::Context;
use crate::environment::{hooks, resolve};
use crate::error::Exit;
use crate::sys::exec::Cmd;
use crate::ui::Ui;
use anyhow::{Context as _, Result};
use clap_complete::ArgValueCandidates;
use std::ffi::OsString;

/// The arguments of `run`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// The environment; default: the one around the current directory
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub env: Option<String>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub command: Vec<OsString>,
    /// Run even if this shell has another environment's variables
    #[arg(long)]
    pub force: bool,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv run -- python manage.py migrate
  git agentenv run feature-x -- npm run dev
  git agentenv run feature-x -- sh -c 'curl localhost:$DJANGO_PORT'";

/// The exit code when the command never ran.
const NEVER_RAN: Exit = Exit::Command(125);

/// Runs the command and exits as it does. Every other problem is printed and exits 125.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    attempt(args).map(Exit::Command).or_else(|error| {
        ui.error_ending(&error, NEVER_RAN);
        Ok(NEVER_RAN)
    })
}

fn attempt(args: &Args) -> Result<u8> {
    let context = Context::here()?;
    let lease = resolve::named_or_here(&context, args.env.as_deref())?;
    if !args.force {
        check::require_own(&context, &lease)?;
    }
    resolve::require_present(&lease)?;
    let (program, rest) = args.command.split_first().context("no command")?;
    hooks::with_vars(Cmd::new(program).args(rest), &lease).take_over()
}
