//! `git agentenv ps`: lists the processes and containers of environments.

use super::up::chosen;
use crate::commands::completions::candidates;
use crate::commands::output::processes::Processes;
use crate::environment::context::Context;
use crate::environment::{processes, resolve};
use crate::error::Exit;
use crate::ui::Ui;
use anyhow::Result;
use clap_complete::ArgValueCandidates;

/// The arguments of `ps`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Environments [default: the current one]
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub envs: Vec<String>,
    /// Every environment of this repository
    #[arg(short, long, conflicts_with = "envs")]
    pub all: bool,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv ps
  git agentenv ps feature-x --json
  git agentenv ps --all";

/// Lists them.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    let config = context.config_seen(ui);
    let leases = match args.all {
        true => resolve::current(&context)?,
        false => chosen(&context, ui, &args.envs, "listed")?,
    };
    leases.iter().try_for_each(|lease| processes::shorten(&context.store, lease))?;
    let answer = Processes::of(ui, &leases, &config);
    ui.answer(&answer, || answer.text())
}
