//! Creates the empty databases of several leases, one after the other, in one psql session.

use super::connection::{Connection, set};
use super::{birth, no_word, not_made, require_name, scripts};
use crate::model::lease;
use crate::model::resource::Database;
use crate::service::Server;
use crate::service::not_ours;
use anyhow::Result;

/// A session that creates databases on one server.
pub struct Creation(Connection);

impl Creation {
    /// Starts the session; nothing waits until it is connected.
    pub fn begin(server: Server) -> Self {
        Creation(Connection::begin(server))
    }

    /// Creates an empty database marked with the lease's id. Does nothing when one with this mark exists.
    ///
    /// # Errors
    /// `Refused` when a database of this name is not ours; else when the server fails.
    pub fn create(&mut self, database: &Database, id: &str) -> Result<()> {
        let name = &database.name;
        require_name(name)?;
        let vars = [
            set("name", name),
            set("birth", &birth::now(name, id)),
            set("born", &birth::of(name, id)),
            set("mark", &lease::mark(id)),
        ]
        .concat();
        let mut ask = |script: &str, last: &str| self.0.ask(&(vars.clone() + script), last);
        let lines = ask(scripts::LOCK, scripts::LOCKED)
            .and_then(|_| ask(scripts::CREATE, "created"))
            .map_err(|error| not_made(error, database))?;
        match lines.last().map(String::as_str) {
            Some("made" | "ours") => Ok(()),
            Some("taken") => Err(not_ours(name)),
            _ => Err(no_word("create", name)),
        }
    }
}
