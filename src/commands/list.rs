//! `git agentenv list`: lists environments.

use crate::commands::output::environment::Row;
use crate::commands::output::overview::{self, View};
use crate::environment::context::{Context, current_dir};
use crate::environment::state::{Glance, State};
use crate::environment::unused;
use crate::error::Exit;
use crate::model::lease::Lease;
use crate::model::measure;
use crate::sys::parallel;
use crate::sys::store::Store;
use crate::ui::{self, Ui};
use anyhow::Result;
use serde::Serialize;

/// The arguments of `list`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// List the environments of all repositories on this machine
    #[arg(short, long)]
    pub all: bool,
    /// Show changed files, and commits ahead of and behind the upstream or the main branch
    #[arg(short, long)]
    pub status: bool,
    /// List only environments that nothing has used for this long, such as 7d
    #[arg(long, value_name = "TIME", value_parser = measure::parse_seconds)]
    pub idle: Option<u64>,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv list
  git agentenv list --status
  git agentenv list --idle 7d
  git agentenv list --all --json";

/// `list`: the environments.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Answer {
    /// The environments.
    environments: Vec<Row>,
}

/// Prints the table, and on a terminal the meaning of the marks in it.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let (mut leases, glance) = Glance::take(|| leases(args, ui))?;
    if let Some(limit) = args.idle {
        leases = idle(ui, leases, limit);
    }
    leases.sort_by(|a, b| (&a.main, &a.branch, &a.name).cmp(&(&b.main, &b.branch, &b.name)));
    let rows: Vec<Row> = if args.status {
        let step = ui.step("reading git status");
        let rows = parallel::each(&leases, |lease| row(lease, glance.with_status(lease)));
        step.nothing();
        rows
    } else {
        leases.iter().map(|lease| row(lease, glance.of(lease))).collect()
    };
    let answer = Answer { environments: rows };
    let view = View { here: current_dir().ok(), width: ui::width(), all: args.all };
    ui.answer(&answer, || overview::text(&answer.environments, &view))?;
    if ui.is_heard() && !ui.is_json() {
        overview::legend(&answer.environments).iter().for_each(|line| ui.say(line));
    }
    Ok(Exit::Done)
}

/// Those that nothing has used for so many seconds. What cannot be looked at is named, and is none of them.
fn idle(ui: &Ui, leases: Vec<Lease>, limit: u64) -> Vec<Lease> {
    let step = ui.step("looking for what is in use");
    let idle = unused::idle(&leases.iter().collect::<Vec<_>>(), limit);
    step.nothing();
    let is_idle = |(lease, idle): (Lease, Result<Option<u64>>)| match idle {
        Ok(idle) => idle.map(|_| lease),
        Err(why) => {
            ui.warn(format!("cannot tell whether `{}` is in use: {why:#}", lease.name));
            None
        }
    };
    leases.into_iter().zip(idle).filter_map(is_idle).collect()
}

fn row(lease: &Lease, state: State) -> Row {
    Row { environment: lease.into(), state }
}

fn leases(args: &Args, ui: &Ui) -> Result<Vec<Lease>> {
    if !args.all {
        return Context::here()?.leases();
    }
    let (leases, broken) = Store::open()?.survey()?;
    for broken in broken {
        ui.warn(format!("cannot read lease {}: {}", broken.file.display(), broken.why));
    }
    Ok(leases)
}
