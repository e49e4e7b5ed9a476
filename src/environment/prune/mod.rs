//! Releases resources of deleted worktrees, finishes interrupted operations, and removes what is not needed any more.

mod lost;
mod report;
mod templates;
mod unneeded;

pub use report::{Entry, Kept, Reason, Report};
pub use unneeded::{Criteria, Unneeded, find, remove};

use crate::environment::context::current_dir;
use crate::environment::data::spares;
use crate::environment::left_directories;
use crate::environment::leftovers;
use crate::environment::orphans;
use crate::environment::overflow::{self, Swept};
use crate::environment::reclaim::{self, Released, Settled};
use crate::environment::worktree::Neighbours;
use crate::environment::{remove as removal, resolve, teardown, trash};
use crate::error::{Exit, Failure, exit_of};
use crate::model::lease::Lease;
use crate::model::measure;
use crate::service::{Server, redis};
use crate::sys::repo::Repo;
use crate::sys::store::Store;
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
        let mut placed = leases.clone();
        resolve::place_all(&mut placed);
        placed.iter().for_each(|lease| drop(store.note_disks(lease)));
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
    for (what, command) in left_directories::find(&store, &leases, here().as_deref())? {
        ui.warn(format!("{what}\nhint: `{command}`"));
    }
    if broken.is_empty() {
        lost::release_all(ui, &store, &mut report);
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
    for gone in trash::empty(ui, store, all, report.dry_run)? {
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
            } else if let Ok(Some(homeless)) = reclaim::homeless(lease, &Neighbours::default()) {
                let (what, ways) = (homeless.what(lease), homeless.ways(lease));
                ui.warn(format!("{what}\nhint: {ways}; or delete the worktree"));
            } else if let Ok(Some((what, command))) = reclaim::out_of_sight(lease) {
                ui.warn(format!("{what}\nhint: mount it; if it was deleted: `{command}`"));
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

fn held(lease: &Lease) -> String {
    let mut held: Vec<String> = lease.parts.iter().map(|part| part.holds.clone()).collect();
    held.push(lease.path.display().to_string());
    held.join(" ")
}
