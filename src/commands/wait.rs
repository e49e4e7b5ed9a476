//! `git agentenv wait`: waits until the application of an environment is ready.

use super::up::limit;
use crate::commands::completions::candidates;
use crate::commands::output::processes::Processes;
use crate::environment::context::Context;
use crate::environment::{hooks, processes, resolve};
use crate::error::Exit;
use crate::ui::Ui;
use anyhow::Result;
use clap_complete::ArgValueCandidates;

/// The arguments of `wait`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Environment [default: the current one]
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub env: Option<String>,
    /// How long to wait, in seconds
    #[arg(short, long, value_name = "SECONDS", default_value_t = 60)]
    pub timeout: u64,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv wait
  git agentenv wait feature-x --timeout 120
  git agentenv up && git agentenv wait && npm test";

/// Waits.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    let config = context.config()?.unwrap_or_default();
    hooks::require_trusted(&context, &config.process_commands())?;
    let lease = resolve::named_or_here(&context, args.env.as_deref())?;
    let step = ui.step(format!("waiting for {}", lease.name));
    processes::wait(&lease, &config, limit(args.timeout))?;
    step.done();
    let answer = Processes::of(ui, &[lease], &config);
    ui.answer(&answer, String::new)?;
    Ok(Exit::Done)
}
