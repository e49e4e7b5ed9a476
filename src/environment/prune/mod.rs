//! Releases resources of deleted worktrees, finishes interrupted operations, and removes what is not needed any more.

mod unneeded;

pub use unneeded::{Criteria, Unneeded, find, remove};

use crate::environment::context::{Context, current_dir};
use crate::environment::data::known::All;
use crate::environment::leftovers;
use crate::environment::orphans::{self, Orphan};
use crate::environment::reclaim::{self, Due, Settled};
use crate::environment::trash;
use crate::model::config::Config;
use crate::model::lease::Lease;
use crate::model::measure;
use crate::model::shell;
use crate::model::trash::Why;
use crate::service::{self, Gone, State, inventory};
use crate::sys::repo::Repo;
use crate::sys::store::Store;
use crate::ui::Ui;
use anyhow::{Result, anyhow};
use serde::Serialize;
use std::path::PathBuf;

/// How to prune.
#[derive(Debug, Clone, Copy, Default)]
pub struct PruneOptions {
    /// Only look.
    pub dry_run: bool,
    /// Delete everything in the trash as well.
    pub trash: bool,
}

/// `prune`: what was, or would be, released; and what was kept, and why.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Report {
    /// What was, or would be, released.
    pub pruned: Vec<Entry>,
    /// What could not be released.
    pub kept: Vec<Kept>,
    /// Environments that are not needed any more and were, or would be, removed.
    pub removed: Vec<Unneeded>,
    /// Environments that are not needed any more and stay, with the reason.
    pub skipped: Vec<Kept>,
    /// Nothing was released; this is what would be.
    pub dry_run: bool,
}

/// What was, or would be, released.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Pruned"))]
pub struct Entry {
    /// The environment, or the service and what it holds.
    pub name: String,
    /// Why; missing when its lease was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Reason>,
    /// What it held.
    pub what: String,
}

/// Why something was, or would be, released.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Reason {
    /// A lease is due.
    Lease(Due),
    /// The trash has kept it long enough.
    Trash(Why),
}

/// What was kept, and why.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Kept {
    /// Its name.
    pub name: String,
    /// Why it was kept.
    pub why: String,
}

impl Kept {
    fn of(name: &str, why: &anyhow::Error) -> Self {
        Kept { name: name.to_owned(), why: format!("{why:#}") }
    }
}

/// Releases what is due, on the whole machine.
pub fn all(ui: &Ui, options: PruneOptions) -> Result<Report> {
    let dry_run = options.dry_run;
    let store = Store::open()?;
    let mut report = Report { dry_run, ..Report::default() };
    if !dry_run {
        store.sweep()?;
    }
    let (mut leases, broken) = store.survey()?;
    leases.retain(|lease| !store.is_foreign(lease));
    if !dry_run {
        // Before anything is judged by it. What is not recorded is judged as it always was.
        leases.iter().for_each(|lease| drop(store.note_disks(lease)));
        leftovers::sweep(&orphans::repositories(&store, &leases, here().as_deref())?, &leases);
    }
    let settled = reclaim::settle_all(ui, &store, &leases, dry_run);
    for (lease, settled) in leases.iter().zip(settled) {
        consider(ui, lease, settled, &mut report);
    }
    empty_trash(ui, &store, options.trash, &mut report)?;
    if broken.is_empty() {
        lost(ui, &store, &mut report);
    }
    for broken in broken {
        report.keep(
            &broken.file.display().to_string(),
            &anyhow!("cannot read the lease: {}", broken.why),
        );
    }
    Ok(report)
}

/// The repository around the current directory.
fn here() -> Option<PathBuf> {
    Some(Repo::discover(&current_dir().ok()?).ok()?.common)
}

/// What a process does in the background that moved an environment to the trash.
pub fn only_trash(ui: &Ui) -> Result<Report> {
    let mut report = Report::default();
    empty_trash(ui, &Store::open()?, false, &mut report)?;
    Ok(report)
}

fn empty_trash(ui: &Ui, store: &Store, all: bool, report: &mut Report) -> Result<()> {
    if !report.dry_run {
        for (record, why) in trash::repair(ui, store)? {
            report.keep(&record.lease.name, &why);
        }
    }
    for record in trash::unreadable(store)? {
        report.keep(&record.file.display().to_string(), &anyhow!("{record}"));
    }
    for gone in trash::empty(store, all, report.dry_run)? {
        match gone.result {
            // Its `remove` has said that it is gone.
            Ok(()) if !gone.record.is_in_trash() => {}
            Ok(()) => report.pruned.push(Entry {
                name: gone.record.lease.name.clone(),
                due: Some(Reason::Trash(gone.why)),
                what: format!(
                    "{} in the trash since {} UTC",
                    measure::size(gone.record.size),
                    measure::date(gone.record.removed_at)
                ),
            }),
            Err(why) => report.keep(&gone.record.lease.name, &why),
        }
    }
    Ok(())
}

fn consider(ui: &Ui, lease: &Lease, settled: Result<Settled>, report: &mut Report) {
    match settled {
        Ok(Settled::Settled(lease, due)) => report.pruned.push(Entry {
            name: lease.name.clone(),
            due: Some(Reason::Lease(due)),
            what: held(&lease),
        }),
        Ok(Settled::NotDue) => {
            if let Ok(Some((what, command))) = reclaim::unmounted(lease) {
                ui.warn(format!("{what}\nhint: mount it; if it is gone for good: `{command}`"));
            } else if reclaim::is_homeless(lease).unwrap_or(false) {
                let (what, command) = reclaim::homeless(lease);
                ui.warn(format!(
                    "{what}\nhint: delete the worktree, or run in the moved repository: `{command}`"
                ));
            }
        }
        Ok(Settled::Busy) => {}
        Err(error) => report.keep(&lease.name, &error),
    }
}

fn lost(ui: &Ui, store: &Store, report: &mut Report) {
    let context = current_dir()
        .and_then(|dir| Ok(Context { repo: Repo::discover(&dir)?, store: store.clone() }))
        .ok();
    let config = context.as_ref().and_then(|context| context.config().ok()?);
    let here = context.as_ref().map(|context| context.repo.common.as_path());
    let lost = match orphans::find(store, config.as_ref(), here) {
        Ok(lost) => lost,
        Err(error) => return report.keep("databases without a lease", &error),
    };
    unused(ui, store, config.as_ref(), report);
    for silent in lost.silent {
        report.keep(&silent.server, &silent.why);
    }
    for (orphan, path) in lost.in_use {
        let adopt = format!("git agentenv adopt {}", shell::path(&path));
        let why = anyhow!("worktree {} uses it, but its lease was lost: `{adopt}`", path.display());
        report.keep(&orphan.name(), &why);
    }
    for orphan in lost.orphans {
        let name = orphan.name();
        match release(store, &orphan, report.dry_run) {
            Ok(false) => {}
            Ok(true) => {
                ui.say(format!("{} {name}: its lease was lost", report.verb()));
                report.pruned.push(Entry { name, due: None, what: orphan.holds() });
            }
            Err(error) => report.keep(&name, &error),
        }
    }
}

/// Spares that no `add` takes any more, then the templates of repositories that are gone.
fn unused(ui: &Ui, store: &Store, config: Option<&Config>, report: &mut Report) {
    let all = match store.leases() {
        Ok(leases) => All::on_those_that_answer(store, orphans::servers(&leases, config)),
        Err(error) => return report.keep("templates", &error),
    };
    for stale in &all.stale {
        let name = format!("spare {}", stale.spare.database);
        let dropped = if report.dry_run { Ok(true) } else { stale.drop() };
        report.dropped(ui, name, dropped, stale.spare.bytes, "its template is gone");
    }
    for known in &all.templates {
        let name = format!("template {}", known.template.database);
        let bytes = known.template.bytes + known.spares.iter().map(|one| one.bytes).sum::<u64>();
        let dropped = match known.is_abandoned() {
            Ok(false) => continue,
            Ok(true) if report.dry_run => Ok(true),
            Ok(true) => known.drop(store),
            Err(error) => Err(error),
        };
        report.dropped(ui, name, dropped, bytes, "its repository was deleted");
    }
}

/// Drops one orphan; `false` when there is nothing to drop any more: another process has just released it, or works
/// on it.
fn release(store: &Store, orphan: &Orphan, dry_run: bool) -> Result<bool> {
    let Some(_working) = store.try_lock_lease(&orphan.id)? else { return Ok(false) };
    if store.lease(&orphan.id)?.is_some() {
        return Ok(false);
    }
    let dropped = if dry_run { still_there(orphan) } else { drop_orphan(orphan) };
    // No lease has this id, so its lock file is only what was made above.
    store.forget(&orphan.id)?;
    dropped
}

fn still_there(orphan: &Orphan) -> Result<bool> {
    Ok(service::state(&orphan.resource, &orphan.id)? != State::Missing)
}

fn drop_orphan(orphan: &Orphan) -> Result<bool> {
    match service::release(&orphan.resource, &orphan.id, false)? {
        Gone::Dropped => Ok(true),
        // Its name belongs to another environment by now.
        Gone::Missing | Gone::Renamed(_) | Gone::NotOurs(_) => Ok(false),
        Gone::Busy(sessions) => Err(anyhow!("in use by {}", inventory::listed(&sessions))),
    }
}

impl Report {
    /// In the tense of the report: a dry run releases nothing.
    pub fn verb(&self) -> &'static str {
        if self.dry_run { "would release" } else { "released" }
    }

    fn keep(&mut self, name: &str, why: &anyhow::Error) {
        self.kept.push(Kept::of(name, why));
    }

    /// Counts a template or a spare; `false`: another process was quicker.
    fn dropped(&mut self, ui: &Ui, name: String, dropped: Result<bool>, bytes: u64, why: &str) {
        match dropped {
            Ok(true) => {
                ui.say(format!("{} {name}: {why}", self.verb()));
                self.pruned.push(Entry { name, due: None, what: measure::size(bytes) });
            }
            Ok(false) => {}
            Err(error) => self.keep(&name, &error),
        }
    }

    fn skip(&mut self, lease: &Lease, why: &anyhow::Error) {
        self.skipped.push(Kept::of(&lease.name, why));
    }
}

fn held(lease: &Lease) -> String {
    let mut held: Vec<String> = lease.parts.iter().map(|part| part.holds.clone()).collect();
    held.push(lease.path.display().to_string());
    held.join(" ")
}
