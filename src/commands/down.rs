//! `git agentenv down`: stops the application of an environment.

use super::up::{Chosen, limit};
use crate::commands::output::failed::{Each, Failed};
use crate::environment::context::Context;
use crate::environment::processes::{self, Stopped};
use crate::error::Exit;
use crate::model::lease::Lease;
use crate::ui::Ui;
use anyhow::Result;
use serde::Serialize;
use std::time::Duration;

/// The arguments of `down`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Which ones
    #[command(flatten)]
    pub chosen: Chosen,
    /// How long processes have to end by themselves, in seconds
    #[arg(short, long, value_name = "SECONDS", default_value_t = processes::GRACE.as_secs())]
    pub timeout: u64,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv down
  git agentenv down feature-x --timeout 1
  git agentenv down a b c
  git agentenv down --all";

/// `down`: what was stopped.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Answer {
    /// By environment.
    stopped: Vec<Application>,
    /// Those of several for which it failed; missing: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<Failed>,
}

/// What was stopped in one environment.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Stopped"))]
struct Application {
    /// The environment.
    name: String,
    /// How many processes were stopped.
    processes: usize,
    /// How many of them did not end by themselves.
    killed: usize,
    /// How many containers were stopped and removed.
    containers: usize,
}

/// Stops it.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    let grace = limit(args.timeout);
    let (leases, broken) = args.chosen.leases(&context, ui, "stopped")?;
    let one = |ui: &Ui, lease: &Lease| {
        processes::require_outside(lease)?;
        let Stopped { processes, killed, containers } = stop(&Context::here()?, ui, lease, grace)?;
        Ok(Application { name: lease.name.clone(), processes, killed, containers })
    };
    let mut each = Each::of(ui, &leases, &broken);
    let stopped = each.wait(&leases, one)?;
    let (failed, exit) = each.end();
    let answer = Answer { stopped, failed };
    ui.answer(&answer, || answer.stopped.iter().map(described).collect())?;
    Ok(exit)
}

/// Stops the processes of one environment, alone at work on it.
pub(super) fn stop(context: &Context, ui: &Ui, lease: &Lease, grace: Duration) -> Result<Stopped> {
    let _working = context.lock_lease(ui, lease)?;
    match context.store.lease(&lease.id)? {
        Some(mut lease) => processes::stop(&context.store, &mut lease, grace),
        None => Ok(Stopped::default()),
    }
}

fn described(stopped: &Application) -> String {
    let Application { name, processes, killed, containers } = stopped;
    let counts = [
        counted(*processes, "process", "processes"),
        (*killed > 0).then(|| format!("{killed} killed")),
        counted(*containers, "container", "containers"),
    ];
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    match counts.is_empty() {
        true => format!("nothing runs in {name}\n"),
        false => format!("stopped {name}: {}\n", counts.join(", ")),
    }
}

fn counted(count: usize, one: &str, many: &str) -> Option<String> {
    (count > 0).then(|| format!("{count} {}", if count == 1 { one } else { many }))
}
