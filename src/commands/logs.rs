//! `git agentenv logs`: shows what the processes of an environment print.

use crate::commands::completions::candidates;
use crate::environment::context::Context;
use crate::environment::processes::{
    self, Containers, EARLIER, Follower, Source, State, Status, Table,
};
use crate::environment::resolve;
use crate::error::{self, Exit};
use crate::model::config::Config;
use crate::model::lease::Lease;
use crate::model::suggest;
use crate::sys::interrupt;
use crate::sys::store::Store;
use crate::ui::{self, Tone, Ui};
use anyhow::Result;
use clap::builder::RangedU64ValueParser;
use clap_complete::ArgValueCandidates;
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// The arguments of `logs`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Processes and containers [default: all that were started]
    #[arg(value_name = "PROCESS")]
    pub processes: Vec<String>,
    /// Environment [default: the current one]
    #[arg(short, long, value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub env: Option<String>,
    /// Go on showing what they print until they end
    #[arg(short, long, conflicts_with = "json")]
    pub follow: bool,
    /// Show the output of the start before the last one, or of the COUNT-th before it
    #[arg(
        short,
        long,
        value_name = "COUNT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1",
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=EARLIER),
        conflicts_with = "follow"
    )]
    pub previous: Option<usize>,
    /// How many lines of each to begin with
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 100)]
    pub lines: usize,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv logs
  git agentenv logs web --follow
  git agentenv logs web --previous
  git agentenv logs worker --env feature-x -n 20";

/// How often a log is looked at again.
const PAUSE: Duration = Duration::from_millis(100);

/// `logs`: the ends of the processes' logs.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Answer {
    /// By process.
    logs: Vec<Log>,
}

/// The end of one log.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Log {
    /// The process, or the container's service.
    process: String,
    /// The log, absolute; null: Docker keeps it.
    file: Option<PathBuf>,
    /// Its last lines.
    lines: Vec<String>,
}

/// Shows them.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    let config = context.config_seen(ui);
    let lease = resolve::named_or_here(&context, args.env.as_deref())?;
    let known = processes::of(&Table::read(), &lease, &config, &Containers::seen(ui, [&lease]));
    processes::shorten(&context.store, &lease)?;
    let started = started(&context.store, &known, args, &lease)?;
    let width = started.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let prefix = |name: &str| match started.len() {
        1 => String::new(),
        _ => {
            let place = started.iter().position(|(one, _)| one == name).unwrap_or_default();
            format!("{} | ", Tone::One(place).paint(&format!("{name:<width$}")))
        }
    };
    let mut followers = Vec::new();
    let mut answer = Answer { logs: Vec::new() };
    for (name, source) in &started {
        let shown = match args.follow {
            true => source
                .follow(args.lines)
                .map(|follower| followers.push((name.clone(), prefix(name), follower))),
            false => log(name, source, args.lines).map(|log| answer.logs.push(log)),
        };
        match shown {
            Err(error) if started.len() == 1 => return Err(error),
            Err(error) => ui.warn(format!("{error:#}")),
            Ok(()) => {}
        }
    }
    if args.follow {
        return follow(ui, &context.store, lease, &config, &mut followers);
    }
    ui.answer(&answer, || {
        let text =
            |log: &Log| prefixed(&prefix(&log.process), log.lines.iter().map(String::as_str));
        answer.logs.iter().map(text).collect()
    })?;
    Ok(Exit::Done)
}

fn log(name: &str, source: &Source, count: usize) -> Result<Log> {
    let lines = source.tail(count)?.lines().map(str::to_owned).collect();
    Ok(Log { process: name.to_owned(), file: source.file(), lines })
}

fn started(
    store: &Store,
    known: &[Status],
    args: &Args,
    lease: &Lease,
) -> Result<Vec<(String, Source)>> {
    let wanted = &args.processes;
    for name in wanted {
        if known.iter().all(|process| process.name != *name) {
            let names = known.iter().map(|process| process.name.as_str());
            let hint = suggest::suggestion(name, names);
            let message = format!("no process `{name}` in `{}`", lease.name);
            return Err(error::not_found(message).hint(hint).into());
        }
    }
    let is_meant = |process: &&Status| wanted.is_empty() || wanted.contains(&process.name);
    let mut logs = Vec::new();
    for process in known.iter().filter(is_meant) {
        let before = args.previous.unwrap_or(0);
        let source = match Source::of(process).filter(|_| before == 0) {
            Some(source) => Some(source),
            None => Source::left(store, lease, &process.name, before)?,
        };
        logs.extend(source.map(|source| (process.name.clone(), source)));
    }
    if logs.is_empty() {
        return Err(nothing(lease, args.previous));
    }
    Ok(logs)
}

fn nothing(lease: &Lease, previous: Option<usize>) -> anyhow::Error {
    let name = &lease.name;
    let (what, hint) = match previous {
        None => ("nothing was started", format!("start it with `git agentenv up {name}`")),
        Some(_) => (
            "no output of an earlier start is kept",
            "`git agentenv logs` shows that of the last one".to_owned(),
        ),
    };
    error::not_found(format!("{what} in `{name}`")).hint(hint).into()
}

fn follow(
    ui: &Ui,
    store: &Store,
    mut lease: Lease,
    config: &Config,
    followers: &mut [(String, String, Follower)],
) -> Result<Exit> {
    loop {
        interrupt::check()?;
        // As it is now: another start has another log, and what this one prints ends. None is left of one that was removed.
        match store.lease(&lease.id)? {
            Some(now) => lease.processes = now.processes,
            None => lease.processes.clear(),
        }
        // Looked at before the last lines are read: what ends afterwards is seen next time.
        let processes = processes::of(&Table::read(), &lease, config, &Containers::none());
        let mut runs = false;
        for (name, prefix, follower) in followers.iter_mut() {
            let is_it = |one: &&Status| one.name == *name && one.state == State::Running;
            let running = processes.iter().find(is_it);
            let (lines, goes_on) = follower.lines(running.and_then(|one| one.log.as_deref()))?;
            runs |= goes_on;
            // To write nothing does not tell whether anything reads.
            if !ui.stream(&prefixed(prefix, lines.lines()))? || ui::reader_has_gone() {
                return Ok(Exit::Done);
            }
        }
        if !runs {
            return Ok(Exit::Done);
        }
        std::thread::sleep(PAUSE);
    }
}

fn prefixed<'a>(prefix: &str, lines: impl Iterator<Item = &'a str>) -> String {
    lines.map(|line| format!("{prefix}{line}\n")).collect()
}
