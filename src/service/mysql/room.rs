//! Whether a copy fits on the server's disk. Asked where the client runs, which in a container is beside the server's data.

use super::client;
use crate::model::config::Place;
use crate::model::lease;
use crate::model::template_key;
use crate::service::copy::Copy;
use crate::service::room::NoRoom;
use crate::service::template::marked;
use crate::service::trash;
use anyhow::Result;

/// Refuses a copy of `need` bytes that does not fit where the server's data `lies`.
pub(super) fn require(copy: &Copy, need: u64, lies: &str) -> Result<()> {
    if copy.server.place == Place::Host || need == 0 {
        return Ok(());
    }
    let Some(free) = client::free(copy.server, lies)?.filter(|free| *free < need) else {
        return Ok(());
    };
    let store = lease::store_of(copy.id);
    let size = |prefix: String| -> Result<u64> {
        Ok(marked(copy.server, &prefix)?.iter().map(|row| row.bytes).sum())
    };
    let (templates, trash) =
        (size(template_key::prefix(store))?, size(format!("{} {store}", trash::MARK))?);
    Err(NoRoom { need, free, spares: 0, templates, trash }.into())
}
