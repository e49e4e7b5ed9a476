//! The resources of environments that are created, for all of them at once: one session for each Postgres server.

use super::postgres::creation::Creation;
use super::{Made, Resource, Server, custom, mysql, postgres, redis, sqlite};
use crate::model::config::Kind;
use crate::model::source::Source;
use crate::sys::failpoint;
use crate::sys::parallel::locked;
use anyhow::Result;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// The servers on which resources are created.
#[derive(Default)]
pub struct Servers(BTreeMap<Server, Mutex<Creation>>);

impl Servers {
    /// Starts a session with each Postgres server among these; nothing waits until it is connected.
    pub fn begin(servers: impl IntoIterator<Item = Server>) -> Self {
        let mut open = BTreeMap::new();
        for server in servers.into_iter().filter(|server| server.kind == Kind::Postgres) {
            open.entry(server)
                .or_insert_with_key(|server| Mutex::new(Creation::begin(server.clone())));
        }
        Servers(open)
    }

    /// Creates a resource for the lease of this id, as a copy of `from` if there is one. The worktree of a file has to exist.
    ///
    /// # Errors
    /// `Refused` when a database of this name belongs to another owner; else when the server fails.
    pub fn create(&self, resource: &Resource, id: &str, from: Option<&Source>) -> Result<Made> {
        match resource {
            Resource::Database(database) => {
                failpoint::point("before-database")?;
                match (from, self.0.get(&database.server)) {
                    (None, Some(open)) => {
                        locked(open).create(database, id)?;
                    }
                    _ => postgres::create(database, id, from)?,
                }
                failpoint::point("database-made")?;
                Ok(Made::Ours(None))
            }
            Resource::MysqlDatabase(database) => {
                failpoint::point("before-database")?;
                mysql::create(database, id, from)?;
                failpoint::point("database-made")?;
                Ok(Made::Ours(None))
            }
            Resource::RedisIndex(index) => {
                failpoint::point("before-index")?;
                let made = redis::claim(index, id)?;
                failpoint::point("index-made")?;
                Ok(made)
            }
            Resource::File(file) => sqlite::create(file, from).map(|()| Made::Ours(None)),
            Resource::Custom(custom) => custom::create(custom, id),
        }
    }
}
