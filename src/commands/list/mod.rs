//! `git agentenv list`: lists environments, and the worktrees beside them.

mod watch;

use crate::commands::output::environment::Row;
use crate::commands::output::failed::{Each, Failed};
use crate::commands::output::overview::{self, View};
use crate::environment::context::current_dir;
use crate::environment::facts::Known;
use crate::environment::fleet::{Fleet, Plain};
use crate::environment::unused;
use crate::error::Exit;
use crate::model::lease::Lease;
use crate::model::measure;
use crate::sys::clock;
use crate::ui::{self, Tone, Ui};
use anyhow::Result;
use serde::Serialize;
use std::thread;

/// The arguments of `list`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// List the worktrees of all repositories on this machine that have environments
    #[arg(short, long)]
    pub all: bool,
    /// Show what takes longer, too: changed files, commits, last activity, sizes, containers
    ///
    /// Commits are counted against the upstream, else against the main checkout's branch. The last activity is when HEAD
    /// moved, or the index or a changed file changed.
    #[arg(short, long, alias = "status", short_alias = 's')]
    pub full: bool,
    /// List only environments that nothing has used for this long, such as 7d
    #[arg(long, value_name = "TIME", value_parser = measure::parse_seconds)]
    pub idle: Option<u64>,
    /// Show all of it on the whole terminal and redraw it every 2 seconds, or on a key; q quits
    #[arg(short, long, conflicts_with = "idle")]
    pub watch: bool,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv list
  git agentenv list --full
  git agentenv list --watch
  git agentenv list --idle 7d
  git agentenv list --all --full --json";

/// `list`: the environments, and the worktrees beside them.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Answer {
    /// The environments.
    environments: Vec<Row>,
    /// The worktrees that are no environments: of each repository the main checkout, then the others.
    worktrees: Vec<Plain>,
    /// The leases that cannot be read; missing: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<Failed>,
}

impl From<Fleet> for Answer {
    fn from(fleet: Fleet) -> Self {
        let row = |(lease, state): (Lease, _)| Row { environment: (&lease).into(), state };
        let environments = fleet.environments.into_iter().map(row).collect();
        Answer { environments, worktrees: fleet.plain, failed: Vec::new() }
    }
}

/// Prints the table, and on a terminal the meaning of the signs in it.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    if args.watch {
        return watch::run(args.all, ui);
    }
    let mut fleet = Fleet::look(args.all)?;
    let (failed, exit) = Each::of(ui, &[], &fleet.broken).end();
    if let Some(limit) = args.idle {
        keep_idle(ui, &mut fleet, limit);
    }
    if args.full {
        let step = ui.step("reading git status and sizes");
        let known = Known::default();
        thread::scope(|scope| {
            scope.spawn(|| known.count_containers(&fleet.leases()));
            scope.spawn(|| known.measure(&fleet.places, &fleet.leases()));
            known.ask_git(&fleet.places);
        });
        fleet.learn(&known);
        step.nothing();
    }
    let answer = Answer { failed, ..Answer::from(fleet) };
    let view = view(args.all, ui::width());
    let none_idle = args.idle.filter(|_| answer.environments.is_empty());
    ui.answer(&answer, || match none_idle {
        Some(limit) => {
            format!("no environment has been unused for {}\n", measure::duration(limit))
        }
        None => overview::text(&answer.environments, &answer.worktrees, &view),
    })?;
    if ui.is_heard() && !ui.is_json() && none_idle.is_none() {
        let legend = overview::legend(&answer.environments, &answer.worktrees, &view);
        legend.iter().for_each(|line| ui.say(Tone::Quiet.paint_stderr(line)));
    }
    Ok(exit)
}

fn view(all: bool, width: Option<usize>) -> View {
    View { here: current_dir().ok(), width, all, now: clock::now() }
}

/// Only those that nothing has used for so many seconds. What cannot be looked at is named, and is none of them.
fn keep_idle(ui: &Ui, fleet: &mut Fleet, limit: u64) {
    let step = ui.step("looking for what is in use");
    let leases = fleet.leases();
    let idle = unused::idle(&leases.iter().collect::<Vec<_>>(), limit);
    step.nothing();
    let mut meant = Vec::new();
    for (lease, idle) in leases.iter().zip(idle) {
        match idle {
            Ok(Some(_)) => meant.push(lease.id.as_str()),
            Ok(None) => {}
            Err(why) => {
                ui.warn(format!("cannot tell whether `{}` is in use: {why:#}", lease.name));
            }
        }
    }
    fleet.retain(|lease| meant.contains(&lease.id.as_str()));
}
