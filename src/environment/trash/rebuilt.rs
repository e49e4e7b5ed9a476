//! The record of an environment that is half way to the trash or half way from there, made anew where it is gone: the lease and
//! what is found in the repository say all that brings it back.

use super::place;
use crate::environment::context::Context;
use crate::environment::worktree;
use crate::model::config::Trash;
use crate::model::lease::{self, Lease};
use crate::model::trash::{Phase, Record, Seen, VERSION};
use crate::sys::store::Store;
use crate::sys::{clock, git, trash};
use crate::ui::Ui;
use anyhow::Result;

/// The record of this lease; made anew where it is gone and the lease is on its way.
pub(super) fn record(store: &Store, id: &str) -> Result<Option<Record>> {
    if let Some(record) = trash::record(store, id)? {
        return Ok(Some(record));
    }
    let on_its_way = store.lease(id)?.and_then(|lease| Some((phase(&lease)?, lease)));
    on_its_way.map(|(phase, lease)| rebuild(store, lease, phase)).transpose()
}

/// The records, made anew, of the environments of this repository that lack theirs.
pub(super) fn of_repository(context: &Context) -> Result<Vec<Record>> {
    let store = &context.store;
    let mut records = Vec::new();
    for lease in context.leases()? {
        if !store.is_foreign(&lease) && is_missing(store, &lease)? {
            records.extend(record(store, &lease.id)?);
        }
    }
    Ok(records)
}

/// Whether an environment is on its way to or from the trash, and no record says how far.
pub fn is_missing(store: &Store, lease: &Lease) -> Result<bool> {
    Ok(phase(lease).is_some() && trash::record(store, &lease.id)?.is_none())
}

/// Says why an environment comes back that was to go to the trash.
pub(super) fn say(ui: &Ui, lease: &Lease) {
    let name = &lease.name;
    ui.warn(format!("the trash record of `{name}` is missing: bringing `{name}` back"));
}

/// Whether the branch of an environment exists.
pub(super) fn has_branch(lease: &Lease) -> Result<bool> {
    let Some(branch) = &lease.branch else { return Ok(false) };
    Ok(git::tip(&lease.main, &format!("refs/heads/{branch}"))?.is_some())
}

fn phase(lease: &Lease) -> Option<Phase> {
    match lease.phase {
        lease::Phase::Keeping => Some(Phase::Keeping),
        lease::Phase::Restoring => Some(Phase::Restoring),
        _ => None,
    }
}

fn rebuild(store: &Store, lease: Lease, phase: Phase) -> Result<Record> {
    let Trash { keep, limit } = Trash::default();
    // What its branch had of settings is lost with the record, if the branch was deleted already.
    let head = match has_branch(&lease)? {
        true => None,
        false => git::held(&lease.main, &lease.id)?,
    };
    let in_place = worktree::of(&lease)?.map(|tree| tree.admin);
    Ok(Record {
        version: VERSION,
        phase,
        removed_at: clock::now(),
        serial: trash::next_serial(store)?,
        seen: Seen::default(),
        keep,
        limit,
        place: place::find(&lease)?,
        head,
        branch_settings: Vec::new(),
        size: 0,
        lease: Lease {
            phase: lease::Phase::Ready,
            admin: in_place.or(lease.admin.clone()),
            delete_branch_at: None,
            processes: Default::default(),
            ..lease
        },
    })
}
