//! `git agentenv ps`: lists the processes and containers of environments.

use super::up::Chosen;
use crate::commands::output::failed::Each;
use crate::commands::output::processes::Processes;
use crate::environment::context::Context;
use crate::environment::processes;
use crate::error::Exit;
use crate::ui::Ui;
use anyhow::Result;

/// The arguments of `ps`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Which ones
    #[command(flatten)]
    pub chosen: Chosen,
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
    let (leases, broken) = args.chosen.leases(&context, ui, "listed")?;
    leases.iter().try_for_each(|lease| processes::shorten(&context.store, lease))?;
    let (failed, exit) = Each::of(ui, &leases, &broken).end();
    let answer = Processes::of(ui, &leases, &config).beside(failed);
    ui.answer(&answer, || answer.text())?;
    Ok(exit)
}
