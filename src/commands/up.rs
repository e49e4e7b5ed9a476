//! `git agentenv up`: starts the application of an environment.

use crate::commands::completions::candidates;
use crate::commands::output::failed::Each;
use crate::commands::output::processes::Processes;
use crate::environment::context::{Context, FILE};
use crate::environment::workspace::Workspace;
use crate::environment::{hooks, processes, resolve};
use crate::error::{self, Exit};
use crate::model::lease::Lease;
use crate::ui::Ui;
use anyhow::Result;
use clap_complete::ArgValueCandidates;
use std::time::Duration;

/// The arguments of `up`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// The environments; none: the one around the current directory
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub envs: Vec<String>,
    /// Wait until the application is ready
    #[arg(short, long)]
    pub wait: bool,
    /// How long to wait, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "wait")]
    pub timeout: u64,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv up
  git agentenv up feature-x --wait
  git agentenv up a b c";

/// Starts what does not run yet.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    let leases = chosen(&context, &args.envs)?;
    let workspace = configured(&context, ui, &leases)?;
    let mut each = Each::of(ui, leases.len());
    let leases = each.run(&leases, |lease| processes::start(&workspace, lease))?;
    let config = &workspace.config;
    if args.wait {
        let timeout = Duration::from_secs(args.timeout);
        each.run(&leases, |lease| processes::wait(lease, config, timeout))?;
    }
    let (failed, exit) = each.end();
    let answer = Processes::of(ui, &leases, config).beside(failed);
    ui.answer(&answer, || answer.text())?;
    Ok(exit)
}

/// The configuration, when it names something to start and that was approved, also the compose file of each environment.
pub(super) fn configured<'a>(
    context: &'a Context,
    ui: &'a Ui,
    leases: &[Lease],
) -> Result<Workspace<'a>> {
    let config = context.config()?.unwrap_or_default();
    if config.processes.is_empty() && config.compose.is_none() {
        let failure = error::config(format!("no processes to start: {FILE} names none"));
        let hint = "name them under `processes:`, for example `web: \"npm run dev -- --port $PORT\"`, or the compose \
                    file under `compose:`";
        return Err(failure.hint(hint).into());
    }
    hooks::require_trusted(context, &config.process_commands())?;
    let workspace = Workspace { context, config, ui };
    processes::require_trusted(&workspace, leases)?;
    Ok(workspace)
}

/// The environments that are meant, each once.
pub(super) fn chosen(context: &Context, envs: &[String]) -> Result<Vec<Lease>> {
    if envs.is_empty() {
        return Ok(vec![resolve::named_or_here(context, None)?]);
    }
    let mut leases = Vec::<Lease>::new();
    for env in envs {
        let lease = resolve::named(context, env)?;
        if leases.iter().all(|known| known.id != lease.id) {
            leases.push(lease);
        }
    }
    Ok(leases)
}
