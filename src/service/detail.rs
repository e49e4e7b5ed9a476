//! What a database is like on its server, whatever its kind.

use crate::service::{Resource, Session, mysql, postgres, sqlite};
use anyhow::Result;
use serde::{Deserialize, Serialize};

/// What a database is like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Detail {
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was created, in seconds since 1970; `None`: the server does not say.
    pub created: Option<u64>,
    /// The sessions on it.
    pub sessions: Vec<Session>,
    /// The databases that tests made beside it.
    pub also: Vec<Part>,
    /// The snapshots of it, by name.
    pub snapshots: Vec<(String, Part)>,
}

/// A database that belongs to another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "DatabaseBeside"))]
pub struct Part {
    /// Its name.
    pub database: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Looks at a database of the lease with this id; `None`: there is none, or it is another's.
///
/// # Errors
/// When the server does not answer.
pub fn of(resource: &Resource, id: &str) -> Result<Option<Detail>> {
    match resource {
        Resource::Database(database) => postgres::detail(database, id),
        Resource::MysqlDatabase(database) => mysql::detail(database, id),
        Resource::File(file) => {
            Ok(sqlite::detail(file)
                .map(|found| Detail { sessions: sqlite::sessions(file), ..found }))
        }
        Resource::RedisIndex(_) | Resource::Custom(_) => Ok(None),
    }
}
