//! `git agentenv restart`: stops and starts the application of an environment.

use super::up::Chosen;
use super::{down, up};
use crate::commands::output::failed::Each;
use crate::commands::output::processes::Processes;
use crate::environment::context::Context;
use crate::environment::processes;
use crate::error::Exit;
use crate::model::lease::Lease;
use crate::ui::Ui;
use anyhow::Result;

/// The arguments of `restart`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Which ones
    #[command(flatten)]
    pub chosen: Chosen,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv restart
  git agentenv restart feature-x
  git agentenv restart a b
  git agentenv restart --all";

/// Stops what runs, then starts it.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    let (leases, broken) = args.chosen.some(&context, ui, "restarted")?;
    let workspace = up::configured(&context, ui, &leases)?;
    let config = &workspace.config;
    let stop = |ui: &Ui, lease: &Lease| {
        processes::require_startable(lease)?;
        processes::require_outside(lease)?;
        down::stop(&Context::here()?, ui, lease, processes::GRACE)?;
        Ok(lease.clone())
    };
    let mut each = Each::of(ui, &leases, &broken);
    let stopped = each.wait(&leases, stop)?;
    let leases = each.run(&stopped, |ui, lease| up::start(config, ui, lease))?;
    let (failed, exit) = each.end();
    let answer = Processes::of(ui, &leases, config).beside(failed);
    ui.answer(&answer, || answer.text())?;
    Ok(exit)
}
