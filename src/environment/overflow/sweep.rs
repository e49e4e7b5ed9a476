//! The end of a second Redis that no environment needs.

use super::start::bring_up;
use super::{beside, is_used, second, seconds};
use crate::model::config::Place;
use crate::service::redis;
use crate::sys::store::{Remembered, Store};
use crate::sys::{docker, failpoint};
use crate::ui::Ui;
use anyhow::Result;

/// What became of a second server that no environment needs.
pub struct Swept {
    /// Its container.
    pub name: String,
    /// It was removed; else why it could not be.
    pub result: Result<()>,
}

/// Stops those beside servers that are about to be removed; what they hold stays. The caller holds the lock.
pub fn stop(store: &Store, is_first: impl Fn(&Place) -> bool) -> Result<()> {
    for one in beside(store, is_first)? {
        let Some((second, _)) = second(store, &one.server) else { continue };
        if second.find()?.is_some() {
            second.stop()?;
        }
    }
    Ok(())
}

/// Removes those that no environment uses, also none in the trash. One that holds keys stays.
pub fn sweep(store: &Store) -> Vec<Swept> {
    let all = seconds(store).unwrap_or_default();
    let swept = |one: &Remembered| {
        if !may_go(store, one)? {
            return Ok(false);
        }
        let _one = store.lock_infra(|| ())?;
        remove(store, one)
    };
    all.iter().filter_map(|one| outcome(one, swept(one))).collect()
}

/// As [`sweep_aloud`], of those beside servers that are about to be removed. The caller holds the lock.
pub fn sweep_before(ui: &Ui, store: &Store, is_first: impl Fn(&Place) -> bool) -> Result<()> {
    let all = beside(store, is_first)?;
    say(ui, all.iter().filter_map(|one| outcome(one, remove(store, one))));
    Ok(())
}

fn outcome(one: &Remembered, removed: Result<bool>) -> Option<Swept> {
    let result = removed.map(|removed| removed.then_some(())).transpose()?;
    Some(Swept { name: one.server.title(), result })
}

/// As [`sweep`], and says what it did.
pub fn sweep_aloud(ui: &Ui, store: &Store) {
    say(ui, sweep(store));
}

fn say(ui: &Ui, swept: impl IntoIterator<Item = Swept>) {
    for Swept { name, result } in swept {
        match result {
            Ok(()) => ui.say(format!("removed `{name}`: no environment has an index there")),
            Err(why) => ui.warn(format!(
                "cannot remove the second Redis `{name}`: {why:#}\nhint: `git agentenv prune` tries again"
            )),
        }
    }
}

/// Whether nothing uses it, and it is in the engine that can be asked.
fn may_go(store: &Store, one: &Remembered) -> Result<bool> {
    let is_here = one.engine.as_ref().is_none_or(|engine| *engine == docker::address());
    Ok(is_here && !is_used(store, &one.server)?)
}

fn remove(store: &Store, one: &Remembered) -> Result<bool> {
    // Who gets an index there has written its lease before it waits for the lock, which is held.
    if !may_go(store, one)? {
        return Ok(false);
    }
    let Some((second, first)) = second(store, &one.server) else { return Ok(false) };
    if second.find()?.is_some() || second.has_data()? {
        // Nothing but a look proves that it is empty.
        bring_up(second, &first, &one.server)?;
        if !redis::inventory(&one.server)?.is_empty() {
            return Ok(false);
        }
        failpoint::point("before-overflow-removed")?;
        second.remove()?;
    }
    failpoint::point("overflow-removed")?;
    store.forget_server(one).map(|()| true)
}
