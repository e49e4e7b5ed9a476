//! The trash: environments that were removed and can be restored.
//!
//! Nothing in it is copied. The worktree and its admin directory are renamed, databases are renamed and closed; only the
//! keys of a Redis index are written to a file. A record in the state directory says what there is and how far it has come.

mod back;
mod delete;
mod discard;
mod keep;
mod place;
mod rebuilt;
mod restore;
mod slots;

pub use back::bring_back;
pub use delete::{Emptied, empty, empty_in_background, forget_stale, repair};
pub use discard::{delete as delete_files, discard, sync_gone, take_admin};
pub use keep::{Wish, finish as finish_keeping, keep};
pub use place::{beside, id_of, in_repository, is_hidden};
pub use rebuilt::is_missing as lacks_record;
pub use restore::{Changed, Restored, finish as finish_restoring, restore};

use crate::environment::context::Context;
use crate::error;
use crate::model::suggest;
use crate::model::trash::{Phase, Record};
use crate::sys::store::Store;
use crate::sys::trash::{self, Unreadable};
use anyhow::Result;

/// What the trash holds of this repository, the newest first.
pub fn of_repository(context: &Context) -> Result<Vec<Record>> {
    let (mut records, _) = trash::survey(&context.store)?;
    records.retain(|record| record.is_in_trash() && record.lease.repository == context.repo.common);
    let mut all = rebuilt::of_repository(context)?;
    all.append(&mut records);
    Ok(all)
}

/// Records that cannot be read: what they are about stays in the trash.
pub fn unreadable(store: &Store) -> Result<Vec<Unreadable>> {
    Ok(trash::survey(store)?.1)
}

/// The newest environment in the trash that the user means by this word.
pub fn named(context: &Context, wanted: &str) -> Result<Record> {
    let records = of_repository(context)?;
    if let Some(record) = records.iter().find(|record| record.answers_to(wanted)) {
        return Ok(record.clone());
    }
    let known = records.iter().flat_map(|record| {
        record.lease.branch.iter().chain([&record.lease.name]).map(String::as_str)
    });
    let unreadable = unreadable(&context.store)?;
    let hint = match (suggest::closest(wanted, known), unreadable.first()) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, Some(record)) => record.to_string(),
        (None, None) => "`git agentenv restore --list` shows what can be restored".to_owned(),
    };
    Err(error::not_found(format!("no environment `{wanted}` in the trash")).hint(hint).into())
}

/// How many environments are in the trash of this user, and how many bytes they take.
pub fn space(store: &Store) -> Result<(usize, u64)> {
    let (records, _) = trash::survey(store)?;
    let kept =
        records.iter().filter(|record| record.is_in_trash() && record.phase != Phase::Restoring);
    Ok(kept.fold((0, 0), |(count, bytes), record| (count + 1, bytes + record.size)))
}
