//! Brings back what is half way to the trash or half way from there.

use super::{rebuilt, restore};
use crate::model::lease::{Lease, Phase};
use crate::model::trash::{self as model, Record};
use crate::service::trash as parts;
use crate::sys::store::Store;
use crate::sys::trash;
use crate::ui::Ui;
use anyhow::Result;

/// Makes an environment whole again that was on its way to the trash or from there; gives its lease.
///
/// # Errors
/// As [`restore::restore`]; `restore` and `prune` finish what was begun.
pub fn bring_back(ui: &Ui, store: &Store, lease: &Lease) -> Result<Lease> {
    match rebuilt::record(store, &lease.id)? {
        Some(record) if lease.phase == Phase::Keeping => take_back(ui, store, record)?,
        _ => restore::finish(ui, store, lease)?,
    }
    store.current(lease)
}

/// Brings back what was moved of an environment whose lease is `keeping`.
pub(super) fn take_back(ui: &Ui, store: &Store, mut record: Record) -> Result<()> {
    let lease = turn(store, &mut record)?;
    restore::finish(ui, store, &lease)
}

/// Makes the lease of an environment that was on its way to the trash `restoring`: from here on it is only ever restored.
pub(super) fn turn(store: &Store, record: &mut Record) -> Result<Lease> {
    let id = record.lease.id.clone();
    for part in &record.lease.parts {
        let file = trash::keys(store, &id, &part.service);
        parts::discard_drafts(&record.lease.resource(part)?, &id, &file)?;
    }
    let lease = record.lease.clone().into_restoring();
    store.save(&lease)?;
    // A branch that was not deleted yet stays where it is.
    if rebuilt::has_branch(&lease)? {
        record.head = None;
    }
    record.phase = model::Phase::Restoring;
    trash::save(store, record)?;
    Ok(lease)
}
