//! `git agentenv restore`: brings a removed environment back from the trash.

use crate::commands::completions::candidates;
use crate::commands::output::environment::Environment;
use crate::commands::output::summary;
use crate::environment::context::Context;
use crate::environment::trash::{self, Restored};
use crate::environment::workspace::Workspace;
use crate::error::{self, Exit};
use crate::model::measure;
use crate::model::trash::{Phase, Record};
use crate::sys::clock;
use crate::ui::table::{self, Cells, Fit};
use crate::ui::{self, Item, Menu, Tone, Ui};
use anyhow::Result;
use clap_complete::ArgValueCandidates;
use serde::Serialize;
use std::path::PathBuf;

/// The arguments of `restore`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// The environment: branch, name, directory name, path or id; the newest of several
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::trashed))]
    pub env: Option<String>,
    /// List what can be restored
    #[arg(short, long, conflicts_with = "env")]
    pub list: bool,
}

/// The help of `--help`.
pub const ABOUT: &str = "\
Restore a removed environment from the trash

`git agentenv remove --keep`, or the key `trash` in `.agentenv.yaml`, moves an environment to the trash. `restore` \
brings it back: files with their times, index, ignored files, branch, database with snapshots, Redis keys. Hooks do \
not run again. A port, index or name that another environment took meanwhile is replaced, and the answer says so.

In the trash, nothing is copied but the keys of the index, at most 50,000 and 64 MB, into a file. The worktree is moved \
into `.git/agentenv-trash/`, the database and its snapshots get another name and are closed for connections, and \
references under `refs/agentenv/trash/` hold the commits and what is staged.

`--list` shows what can be restored, and for how long. `git agentenv prune` deletes what is over its time or beyond \
the limit, oldest first; `prune --trash` deletes all. A day in which the machine was off, or by which the clock \
jumped, counts for at most half of the time.";

const EXAMPLES: &str = "\
Examples:
  git agentenv remove feature-x --keep
  git agentenv restore feature-x
  git agentenv restore --list";

/// Restores an environment, or lists them.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    if args.list {
        return list(&context, ui);
    }
    let record = match &args.env {
        Some(env) => trash::named(&context, env)?,
        None => ask(&context, ui)?,
    };
    // What is missing in it is only needed where a slot has to be exchanged.
    let config = context.config()?.unwrap_or_default();
    let workspace = Workspace { context: &context, config, ui };
    let Restored { lease, changed } = trash::restore(&workspace, &record)?;
    for change in &changed {
        ui.say(format!("{} was {} and is {} now", change.variable, change.was, change.now));
    }
    if ui.is_heard() {
        ui.say(summary::made(&lease));
    }
    let answer = Answer { environment: Environment::from(&lease), changed };
    ui.answer(&answer, || format!("{}\n", lease.path.display()))
}

/// `restore`: the environment.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Answer {
    #[serde(flatten)]
    environment: Environment,
    /// Variables with another value than before the removal, because another environment took what they named.
    changed: Vec<trash::Changed>,
}

/// `restore --list`: what can be restored.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Listing<'a> {
    /// What can be restored, the newest first.
    trash: Vec<Entry<'a>>,
}

/// An environment in the trash.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Trashed"))]
struct Entry<'a> {
    /// The environment's name.
    name: &'a str,
    /// Its branch; null: a detached HEAD.
    branch: Option<&'a str>,
    /// Where its worktree was and comes back to, absolute.
    path: &'a PathBuf,
    /// What `restore` takes where two have one name.
    id: &'a str,
    /// How far it has come.
    phase: Phase,
    /// When it was removed, in seconds since 1970.
    removed_at: u64,
    /// How long ago that was.
    age_seconds: u64,
    /// When `prune` may delete it, in seconds since 1970.
    expires_at: u64,
    /// The bytes that it takes.
    size_bytes: u64,
}

fn list(context: &Context, ui: &Ui) -> Result<Exit> {
    let records = trash::of_repository(context)?;
    for record in trash::unreadable(&context.store)? {
        ui.warn(record.to_string());
    }
    let now = clock::now();
    let answer = Listing { trash: records.iter().map(|record| entry(record, now)).collect() };
    ui.answer(&answer, || text(&records, now))
}

fn entry(record: &Record, now: u64) -> Entry<'_> {
    Entry {
        name: &record.lease.name,
        branch: record.lease.branch.as_deref(),
        path: &record.lease.path,
        id: record.short_id(),
        phase: record.phase,
        removed_at: record.removed_at,
        age_seconds: now.saturating_sub(record.removed_at),
        expires_at: record.expires_at(now),
        size_bytes: record.size,
    }
}

fn text(records: &[Record], now: u64) -> String {
    if records.is_empty() {
        return "the trash is empty\n".to_owned();
    }
    let branch = |record: &Record| record.lease.branch.clone();
    let columns: [Cells<'_, Record>; 7] = [
        ("NAME", Fit::Cut(8), &|record| record.lease.name.clone()),
        ("BRANCH", Fit::Drop(8), &|record| branch(record).unwrap_or("(detached)".to_owned())),
        ("REMOVED", Fit::Drop(16), &|record| measure::date(record.removed_at)),
        ("AGE", Fit::Whole, &|record| measure::duration(now.saturating_sub(record.removed_at))),
        ("LEFT", Fit::Whole, &|record| left(record, now)),
        ("SIZE", Fit::Whole, &|record| measure::size(record.size)),
        ("ID", Fit::Drop(8), &|record| Tone::Quiet.paint(record.short_id())),
    ];
    table::render(table::columns(records, &columns), ui::width())
}

/// How long it still is in the trash, or what it is on its way to.
fn left(record: &Record, now: u64) -> String {
    match record.phase {
        Phase::Kept => measure::duration(record.left(now)),
        Phase::Keeping => "moving".to_owned(),
        Phase::Restoring => "restoring".to_owned(),
        Phase::Deleting | Phase::Discarded => "deleting".to_owned(),
    }
}

/// Lets the user choose.
fn ask(context: &Context, ui: &Ui) -> Result<Record> {
    if !ui.can_ask() {
        let hint = "`git agentenv restore --list` shows what can be restored";
        return Err(error::usage("the argument <ENV> is missing").hint(hint).into());
    }
    let mut records = trash::of_repository(context)?;
    if records.is_empty() {
        let hint = "`git agentenv remove --keep` moves an environment to the trash";
        return Err(error::not_found("the trash is empty").hint(hint).into());
    }
    let now = clock::now();
    let item = |record: &Record| Item {
        label: record.lease.branch.clone().unwrap_or_else(|| record.lease.name.clone()),
        note: format!(
            "removed {} ago, {}",
            measure::duration(now.saturating_sub(record.removed_at)),
            measure::size(record.size)
        ),
    };
    let items: Vec<Item> = records.iter().map(item).collect();
    let menu = Menu { prompt: "Restore:", items: &items, new: None, several: false, preview: None };
    let at = ui.choose_one(&menu)?;
    Ok(records.swap_remove(at))
}
