//! What leaves the trash: deleted because its time is over or it takes too much, and what was interrupted.

use super::{keep, place, sync_gone};
use crate::environment::{reclaim, teardown, worktree};
use crate::model::lease::{self, Lease};
use crate::model::trash::{self as model, Phase, Record, Why};
use crate::service::{Server, trash as parts};
use crate::sys::exec::Cmd;
use crate::sys::fs::{self, Stands};
use crate::sys::lock::Lock;
use crate::sys::store::Store;
use crate::sys::{clock, env, failpoint, git, trash};
use crate::ui::Ui;
use anyhow::{Result, anyhow};
use std::collections::BTreeSet;
use std::path::Path;

/// What became of one environment that is to leave the trash.
#[derive(Debug)]
pub struct Emptied {
    /// The environment.
    pub record: Record,
    /// Why it goes.
    pub why: Why,
    /// Whether it could be deleted.
    pub result: Result<()>,
}

/// Deletes what has to go, on the whole machine, oldest first; with `all`, everything in the trash.
pub fn empty(ui: &Ui, store: &Store, all: bool, dry_run: bool) -> Result<Vec<Emptied>> {
    if !dry_run {
        note(store)?;
    }
    let mut records = own(store)?;
    records.reverse();
    let due: Vec<(Record, Why)> = if all {
        let whole = |record: &Record| {
            matches!(record.phase, Phase::Kept | Phase::Deleting | Phase::Discarded)
        };
        records.into_iter().filter(whole).map(|record| (record, Why::TrashEmptied)).collect()
    } else {
        model::due(&records, clock::now())
            .into_iter()
            .map(|(record, why)| (record.clone(), why))
            .collect()
    };
    let mut emptied = Vec::new();
    for (record, why) in due {
        let result = if dry_run { Ok(true) } else { delete(ui, store, &record) };
        match result {
            Ok(false) => {}
            result => emptied.push(Emptied { record, why, result: result.map(drop) }),
        }
    }
    Ok(emptied)
}

/// Starts a process that deletes what has to go, if there is anything; nothing waits for it.
pub fn empty_in_background(store: &Store) -> Result<()> {
    let (records, now) = (own(store)?, clock::now());
    if model::due(&records, now).is_empty() && records.iter().all(|one| one.noted(now).is_none()) {
        return Ok(());
    }
    let program = env::program()?;
    let prune = Cmd::new(program).args(["prune", "--only-trash", "--quiet"]).dir(store.dir());
    prune.detach(Path::new("/dev/null")).map(drop)
}

/// The records of this user, the newest first.
fn own(store: &Store) -> Result<Vec<Record>> {
    let (mut records, _) = trash::survey(store)?;
    records.retain(|record| !trash::is_foreign(store, &record.lease.id));
    Ok(records)
}

/// Notes how much of the time of each environment has passed, where that is due.
fn note(store: &Store) -> Result<()> {
    let now = clock::now();
    for record in own(store)?.iter().filter(|record| record.noted(now).is_some()) {
        let Some((_working, record)) = lock(store, &record.lease.id)? else { continue };
        if let Some(seen) = record.noted(now) {
            // Where it cannot be written, it stays longer; on a full disk, what is over its time has to go first.
            trash::save(store, &Record { seen, ..record }).ok();
        }
    }
    Ok(())
}

/// Deletes one environment in the trash; `false`: another process works on it, it is not there any more, or it was restored and
/// removed again since it was judged.
fn delete(ui: &Ui, store: &Store, judged: &Record) -> Result<bool> {
    let id = &judged.lease.id;
    let Some((_working, record)) = lock(store, id)? else { return Ok(false) };
    if !record.is_still(judged) || store.lease(id)?.is_some() {
        return Ok(false);
    }
    let has_repository = fs::stands(&record.lease.repository)? != Stands::Nothing;
    if !has_repository && !reclaim::is_gone_for_good(&record.lease.repository)? {
        // Its disk is away, with what the trash holds on it.
        return Ok(false);
    }
    let record = match record.phase {
        Phase::Discarded => record,
        _ => Record { phase: Phase::Deleting, ..record },
    };
    trash::save(store, &record)?;
    failpoint::point("trash-deleting")?;
    servers(&record.lease).iter().try_for_each(|server| parts::delete(server, id))?;
    teardown::remove_volumes(&record.lease)?;
    failpoint::point("trash-parts-deleted")?;
    place::delete(&record)?;
    failpoint::point("trash-files-deleted")?;
    if !record.is_in_trash() {
        worktree::remove_empty_parents(&record.lease);
    } else if has_repository {
        git::let_go(&record.lease.repository, id)?;
    }
    sync_gone(ui, &[&record.lease]);
    trash::forget(store, id)?;
    failpoint::point("trash-forgotten")?;
    store.forget(id)?;
    Ok(true)
}

/// Finishes what was interrupted between a record and its lease; gives what could not be finished.
pub fn repair(ui: &Ui, store: &Store) -> Result<Vec<(Record, anyhow::Error)>> {
    trash::sweep(store)?;
    let mut failed = Vec::new();
    for record in own(store)? {
        let Some((_working, record)) = lock(store, &record.lease.id)? else { continue };
        if let Err(error) = repair_one(ui, store, &record) {
            failed.push((record, error));
        }
    }
    Ok(failed)
}

/// The record as it is now, and the lock of the one process that works on it; `None`: another one does, or did.
fn lock(store: &Store, id: &str) -> Result<Option<(Lock, Record)>> {
    let Some(lock) = store.try_lock_lease(id)? else { return Ok(None) };
    let record = trash::record(store, id)?;
    if record.is_none() && store.lease(id)?.is_none() {
        // To lock it made a file that no lease takes away.
        store.forget(id)?;
    }
    Ok(record.map(|record| (lock, record)))
}

fn repair_one(ui: &Ui, store: &Store, record: &Record) -> Result<()> {
    let id = &record.lease.id;
    match (record.phase, store.lease(id)?.map(|lease| lease.phase)) {
        // Killed before anything was moved, or after everything was moved back.
        (Phase::Keeping | Phase::Restoring, Some(lease::Phase::Ready)) => {
            forget_stale(store, &record.lease)
        }
        (Phase::Keeping | Phase::Restoring, None) => revive(ui, store, record),
        _ => Ok(()),
    }
}

/// Forgets the record of an environment that is ready, for those who hold the lock of its lease: its way to or from the trash
/// was interrupted before its first step or after its last. Who destroys the environment would leave the record behind.
///
/// # Errors
/// When the trash holds its worktree all the same.
pub fn forget_stale(store: &Store, lease: &Lease) -> Result<()> {
    let record = trash::record(store, &lease.id)?;
    let is_on_its_way = |record: &Record| matches!(record.phase, Phase::Keeping | Phase::Restoring);
    let Some(record) = record.filter(is_on_its_way) else { return Ok(()) };
    if place::is_used(&record)? {
        return Err(anyhow!("`{}` is in the trash and has a lease", lease.name));
    }
    if fs::stands(&lease.repository)? != Stands::Nothing {
        git::let_go(&lease.main, &lease.id)?;
    }
    trash::forget(store, &lease.id)
}

/// Finds a way on for an environment whose lease was lost on its way to or from the trash.
fn revive(ui: &Ui, store: &Store, record: &Record) -> Result<()> {
    let Record { lease, phase, .. } = record;
    if fs::stands(&lease.repository)? == Stands::Nothing {
        // Its disk may be away.
        return match reclaim::is_gone_for_good(&lease.repository)? {
            true => trash::save(store, &Record { phase: Phase::Deleting, ..record.clone() }),
            false => Ok(()),
        };
    }
    match (phase, place::has_worktree(record), place::is_used(record)?) {
        (Phase::Keeping, true, _) => {
            let lease = lease.clone().into_keeping();
            store.save(&lease)?;
            keep::finish(ui, store, &lease, false)
        }
        // `restore` finishes that.
        (_, true, false) => Ok(()),
        // The worktree at its path is another one by now, if there is any, but its databases may be in the trash.
        (_, false, false) if servers(lease).is_empty() => {
            git::let_go(&lease.main, &lease.id)?;
            trash::forget(store, &lease.id)?;
            store.forget(&lease.id)
        }
        _ => trash::save(store, &Record { phase: Phase::Kept, ..record.clone() }),
    }
}

fn servers(lease: &Lease) -> BTreeSet<Server> {
    lease.parts.iter().filter_map(Server::of_part).collect()
}
