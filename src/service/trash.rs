//! What each kind of server does with a resource that goes to the trash and comes back.

use crate::error;
use crate::model::config::Kind;
use crate::service::{Resource, Server, Session, postgres, redis};
use crate::sys::failpoint;
use anyhow::Result;
use std::path::Path;

/// The result of moving a resource to the trash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// It is there, and takes this many bytes.
    InTrash(u64),
    /// It did not exist.
    Missing,
    /// It stays: it does not carry our mark but what these words say.
    NotOurs(String),
    /// It stays: these sessions use it.
    Busy(Vec<Session>),
}

/// The result of restoring a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Returned {
    /// It is the environment's again.
    Ours,
    /// The trash holds nothing of it.
    Missing,
    /// Its new name or index is taken.
    Taken,
}

/// Moves a resource of the lease with this id to the trash. `force` ends the sessions that use it; `file` gets the keys of
/// a Redis index. Idempotent.
///
/// # Errors
/// `Refused` when an index holds too much, or changes all the time; else when the server fails.
pub fn keep(resource: &Resource, id: &str, force: bool, file: &Path) -> Result<Kept> {
    match resource {
        Resource::Database(database) => {
            let kept = postgres::trash::keep(database, id, force)?;
            failpoint::point("database-kept").map(|()| kept)
        }
        Resource::RedisIndex(index) => {
            let kept = redis::trash::keep(index, id, force, file)?;
            failpoint::point("index-kept").map(|()| kept)
        }
        // It lies in the worktree and goes with it.
        Resource::File(_) => Ok(Kept::InTrash(0)),
        Resource::MysqlDatabase(database) => {
            let message =
                format!("cannot keep mysql database `{}`: MySQL cannot rename it", database.name);
            let hint = "remove the environment for good with `--no-keep`";
            Err(error::refused(message).hint(hint).into())
        }
    }
}

/// Restores a resource that was called as `was` before it went to the trash. Idempotent.
pub fn put_back(resource: &Resource, was: &Resource, id: &str, file: &Path) -> Result<Returned> {
    match (resource, was) {
        (Resource::Database(database), Resource::Database(was)) => {
            let back = postgres::trash::put_back(database, &was.name, id)?;
            failpoint::point("database-back").map(|()| back)
        }
        (Resource::RedisIndex(index), _) => {
            let back = redis::trash::put_back(index, id, file)?;
            failpoint::point("index-back").map(|()| back)
        }
        (Resource::File(_), _) => Ok(Returned::Ours),
        (Resource::Database(_) | Resource::MysqlDatabase(_), _) => Ok(Returned::Missing),
    }
}

/// Deletes what the trash holds of a lease on a server. Keys of a Redis index are in a file that goes with the record.
pub fn delete(server: &Server, id: &str) -> Result<()> {
    match server.kind {
        Kind::Postgres => postgres::trash::delete(server, id),
        Kind::Redis | Kind::Sqlite | Kind::Mysql => Ok(()),
    }
}
