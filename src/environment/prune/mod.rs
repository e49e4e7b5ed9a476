//! Releases resources of deleted worktrees, finishes interrupted operations, and removes what is not needed any more.

mod report;
mod unneeded;

pub use report::{Entry, Kept, Reason, Report};
pub use unneeded::{Criteria, Unneeded, find, remove};

use crate::environment::context::{Context, current_dir};
use crate::environment::data::known::All;
use crate::environment::data::spares;
use crate::environment::leftovers;
use crate::environment::orphans::{self, Orphan, Silent};
use crate::environment::overflow::{self, Swept};
use crate::environment::reclaim::{self, Released, Settled};
use crate::environment::{remove as removal, teardown, trash};
use crate::error::{Exit, Failure, exit_of};
use crate::model::config::Config;
use crate::model::lease::{Lease, Phase};
use crate::model::measure;
use crate::model::shell;
use crate::service::{self, Gone, Resource, Server, State, inventory, postgres, redis};
use crate::sys::repo::Repo;
use crate::sys::store::{Remembered, Store};
use crate::ui::Ui;
use anyhow::{Result, anyhow};
use std::path::PathBuf;

/// How to prune.
#[derive(Debug, Clone, Copy, Default)]
pub struct PruneOptions {
    /// Only look.
    pub dry_run: bool,
    /// Delete everything in the trash as well.
    pub trash: bool,
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
        spares::forget_unwanted(&store)?;
    }
    let settled = reclaim::settle_all(ui, &store, &leases, dry_run);
    for (lease, settled) in leases.iter().zip(settled) {
        consider(ui, &store, lease, settled, &mut report);
    }
    empty_trash(ui, &store, options.trash, &mut report)?;
    if report.dry_run {
        let empty = |server: &Server| redis::inventory(server).map_or(true, |all| all.is_empty());
        for server in overflow::unused(&store)?.into_iter().filter(empty) {
            let what = "no environment has an index there".to_owned();
            report.pruned.push(Entry::of(server.title(), what));
        }
    } else {
        // Without Docker there is none.
        overflow::find_strays(&store).ok();
    }
    // Before it is asked for what lost leases hold, and when that is gone.
    sweep(&store, &mut report);
    if broken.is_empty() {
        lost(ui, &store, &mut report);
        sweep(&store, &mut report);
    }
    for broken in broken {
        report.keep(
            &broken.file.display().to_string(),
            &anyhow!("cannot read the lease: {}", broken.why),
        );
    }
    Ok(report)
}

/// Removes second Redis servers that no environment uses.
fn sweep(store: &Store, report: &mut Report) {
    if report.dry_run {
        return;
    }
    for Swept { name, result } in overflow::sweep(store) {
        match result {
            Ok(()) => {
                report.pruned.push(Entry::of(name, "no environment has an index there".to_owned()))
            }
            Err(why) => report.keep(&name, &why),
        }
    }
}

/// The repository around the current directory.
fn here() -> Option<PathBuf> {
    Some(Repo::discover(&current_dir().ok()?).ok()?.common)
}

/// What a process does in the background that moved an environment to the trash.
pub fn only_trash(ui: &Ui) -> Result<Report> {
    let (store, mut report) = (Store::open()?, Report::default());
    empty_trash(ui, &store, false, &mut report)?;
    sweep(&store, &mut report);
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
            Ok(()) => {
                let size = measure::size(gone.record.size);
                let since = measure::date(gone.record.removed_at);
                let what = format!("{size} in the trash since {since} UTC");
                let due = Some(Reason::Trash(gone.why));
                let entry = Entry::of(gone.record.lease.name.clone(), what);
                report.pruned.push(Entry { due, ..entry });
            }
            Err(why) => report.keep(&gone.record.lease.name, &why),
        }
    }
    Ok(())
}

fn consider(ui: &Ui, store: &Store, lease: &Lease, settled: Result<Settled>, report: &mut Report) {
    match settled {
        Ok(Settled::Settled(released)) => {
            let Released { lease, due, running } = *released;
            removal::say_running(ui, &running);
            let (name, what) = (lease.name.clone(), held(&lease));
            report.pruned.push(Entry { name, due: Some(Reason::Lease(due)), what, running });
        }
        Ok(Settled::NotDue) => {
            if let Ok(Some((what, command))) = reclaim::unmounted(lease) {
                ui.warn(format!("{what}\nhint: mount it; if it is gone for good: `{command}`"));
            } else if reclaim::is_homeless(lease).unwrap_or(false) {
                let ((what, _), way) = (reclaim::homeless(lease), reclaim::way_home(lease));
                ui.warn(format!("{what}\nhint: {way}; or delete the worktree"));
            }
        }
        Ok(Settled::Busy) => {}
        Err(error) if exit_of(&error) == Exit::Service => {
            let hint = teardown::way_out(store, lease, &lease.parts);
            report.keep(&lease.name, &Failure::of(&error).hint(hint).into());
        }
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
    for Silent { server, why } in lost.templates_unknown {
        ui.say(format!("cannot look for templates on {server}: {why:#}"));
    }
    for silent in lost.silent {
        report.keep(&silent.server, &silent.why);
    }
    for (orphan, path) in lost.in_use {
        let adopt = format!("git agentenv adopt {}", shell::path(&path));
        let why = anyhow!("worktree {} uses it, but its lease was lost: `{adopt}`", path.display());
        report.keep(&orphan.name(), &why);
    }
    for (left, environment) in &lost.left_over {
        let name = left.name();
        match (clear(store, left, report.dry_run), &left.resource) {
            (Ok(false), _) => {}
            (Ok(true), Resource::MysqlDatabase(_)) => {
                let what = format!(
                    "its events were switched off by an interrupted command of `{environment}`"
                );
                report.repaired.push(Entry::of(name, what));
            }
            (Ok(true), _) => {
                let verb = report.verb();
                ui.say(format!("{verb} {name}: an interrupted command of `{environment}` left it"));
                report.pruned.push(Entry::of(name, left.holds()));
            }
            (Err(error), _) => report.keep(&name, &error),
        }
    }
    for orphan in lost.orphans {
        let name = orphan.name();
        match release(store, &orphan, report.dry_run) {
            Ok(false) => {}
            Ok(true) => {
                ui.say(format!("{} {name}: its lease was lost", report.verb()));
                report.pruned.push(Entry::of(name, orphan.holds()));
            }
            Err(error) => report.keep(&name, &error),
        }
    }
}

/// Spares that no `add` takes any more, then the templates of repositories that are gone.
fn unused(ui: &Ui, store: &Store, config: Option<&Config>, report: &mut Report) {
    // Read before anything is looked for: what is made meanwhile is recorded again.
    let known = store.leases().and_then(|leases| Ok((leases, store.remembered_servers()?)));
    let (leases, remembered) = match known {
        Ok(known) => known,
        Err(error) => return report.keep("templates", &error),
    };
    let mut all = All::on_those_that_answer(store, orphans::servers(store, &leases, config));
    let before = report.pruned.len();
    for broken in &all.broken {
        let name = format!("database {}", broken.row.name);
        let dropped = if report.dry_run { Ok(true) } else { broken.drop() };
        report.dropped(ui, name, dropped, 0, "the server stopped while it dropped it");
    }
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
    if !report.dry_run {
        if report.pruned.len() > before {
            all = All::on_those_that_answer(store, std::mem::take(&mut all.answered));
        }
        let is_bare = |one: &&Remembered| all.is_bare(&one.server);
        remembered.iter().filter(is_bare).for_each(|one| drop(store.forget_server(one)));
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

/// Drops what an interrupted command left, and lets events run again that it kept from running; `false`: another process
/// works on the environment, or was quicker.
fn clear(store: &Store, left: &Orphan, dry_run: bool) -> Result<bool> {
    let Some(_working) = store.try_lock_lease(&left.id)? else { return Ok(false) };
    if store.lease(&left.id)?.is_none_or(|lease| lease.phase != Phase::Ready) {
        return Ok(false);
    }
    match &left.resource {
        Resource::MysqlDatabase(_) if !service::has_resting_events(&left.resource)? => Ok(false),
        _ if dry_run => still_there(left),
        Resource::Database(database) => postgres::drop_left_over(database, &left.id),
        Resource::MysqlDatabase(_) => service::reclaim(&left.resource, &left.id).map(|_| true),
        _ => Ok(false),
    }
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

fn held(lease: &Lease) -> String {
    let mut held: Vec<String> = lease.parts.iter().map(|part| part.holds.clone()).collect();
    held.push(lease.path.display().to_string());
    held.join(" ")
}
