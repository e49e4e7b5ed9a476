//! `git agentenv wait`: waits until the application of an environment is ready.

use super::up::{Chosen, limit};
use crate::commands::output::failed::Each;
use crate::commands::output::processes::Processes;
use crate::environment::context::Context;
use crate::environment::{hooks, processes};
use crate::error::Exit;
use crate::model::config::Config;
use crate::model::lease::Lease;
use crate::ui::Ui;
use anyhow::Result;
use std::time::Duration;

/// The arguments of `wait`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Which ones
    #[command(flatten)]
    pub chosen: Chosen,
    /// How long to wait, in seconds
    #[arg(short, long, value_name = "SECONDS", default_value_t = 60)]
    pub timeout: u64,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv wait
  git agentenv wait feature-x --timeout 120
  git agentenv wait --all
  git agentenv up && git agentenv wait && npm test";

/// Waits.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    let config = context.config()?.unwrap_or_default();
    hooks::require_trusted_processes(&context, &config)?;
    let (leases, broken) = args.chosen.some(&context, ui, "waited for")?;
    let timeout = limit(args.timeout);
    let mut each = Each::of(ui, &leases, &broken);
    each.wait(&leases, |ui, lease| until_ready(ui, lease, &config, timeout))?;
    let (failed, exit) = each.end();
    let answer = Processes::of(ui, &leases, &config).beside(failed);
    ui.answer(&answer, String::new)?;
    Ok(exit)
}

/// Waits for one environment, and shows it.
pub(super) fn until_ready(
    ui: &Ui,
    lease: &Lease,
    config: &Config,
    timeout: Duration,
) -> Result<()> {
    let whom = if ui.is_labelled() { String::new() } else { format!(" for {}", lease.name) };
    let step = ui.step(format!("waiting{whom}"));
    processes::wait(lease, config, timeout)?;
    step.done();
    Ok(())
}
