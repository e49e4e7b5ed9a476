//! What each kind of server needs so that an environment has its own part of it, and nobody else's is touched.

pub mod executor;
pub mod inventory;
pub mod postgres;
pub mod redis;
pub mod sqlite;

use crate::error;
use crate::model::config::{Kind, Place, Service};
use crate::model::lease::Part;
use crate::sys::{docker, failpoint};
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A shared server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Server {
    /// What kind it is.
    pub kind: Kind,
    /// Where it runs.
    pub place: Place,
    /// The user to connect as.
    pub user: String,
    /// The port on this machine where applications reach it.
    pub port: u16,
}

impl Server {
    /// The server that a lease's part is on.
    pub fn of_part(part: &Part) -> Self {
        Server {
            kind: part.kind,
            place: part.place.clone(),
            user: part.user.clone(),
            port: part.port,
        }
    }

    /// The server of a configured service.
    pub fn of_service(service: &Service) -> Self {
        Server {
            kind: service.kind,
            place: service.place.clone(),
            user: service.user.clone(),
            port: service.port,
        }
    }

    /// What to call it in messages.
    pub fn title(&self) -> String {
        docker::title(&self.place)
    }
}

/// Somebody who uses a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The process that serves it, on the server.
    pub pid: i64,
    /// What the application calls itself.
    pub application: String,
    /// The address it came from, or `local`.
    pub client: String,
    /// What it does, as the server says: `active`, `idle in transaction`.
    pub state: String,
}

/// What came of making a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// It is ours now, or was already.
    Ours,
    /// Somebody else has it, in these words: another slot is needed.
    Occupied(String),
}

/// What came of giving a part back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gone {
    /// It was ours and is gone.
    Dropped,
    /// There was nothing.
    Missing,
    /// It stays, because it does not carry our mark but what these words say.
    NotOurs(String),
    /// It stays, because these use it.
    Busy(Vec<Session>),
}

/// How a part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is there and carries our mark.
    Ours,
    /// It is not there.
    Missing,
    /// It is there, and not ours but what these words say.
    NotOurs(String),
    /// It is there without anybody's mark, as these words say: an application's FLUSHDB takes the mark along.
    Unmarked(String),
}

/// Makes a part for the lease of this id. A sqlite part needs the worktree to be there; the others do not.
///
/// # Errors
/// When the server is missing or refuses; `Refused` when a database of this name is somebody else's.
pub fn make(part: &Part, id: &str, worktree: &Path) -> Result<Made> {
    match part.kind {
        Kind::Postgres => {
            failpoint::point("before-database")?;
            postgres::create(part, id, None)?;
            failpoint::point("database-made")?;
            Ok(Made::Ours)
        }
        Kind::Redis => {
            failpoint::point("before-index")?;
            let made = redis::claim(part, id)?;
            failpoint::point("index-made")?;
            Ok(made)
        }
        Kind::Sqlite => sqlite::make(part, worktree).map(|()| Made::Ours),
        Kind::Mysql => Err(unsupported()),
    }
}

/// Marks a part again that has lost its mark, for a lease that had claimed it. Only redis indexes lose theirs.
///
/// # Errors
/// When the server is missing or refuses.
pub fn reclaim(part: &Part, id: &str) -> Result<Made> {
    match part.kind {
        Kind::Redis => redis::reclaim(part, id),
        Kind::Postgres | Kind::Sqlite => Ok(Made::Ours),
        Kind::Mysql => Err(unsupported()),
    }
}

/// Gives a part back, if it carries the lease's id. `force` ends the sessions that use it; it does not touch
/// what is not ours.
///
/// # Errors
/// When the server is missing or refuses.
pub fn give_back(part: &Part, id: &str, force: bool, worktree: &Path) -> Result<Gone> {
    match part.kind {
        Kind::Postgres => {
            let gone = postgres::give_back(part, id, force)?;
            failpoint::point("database-given-back").map(|()| gone)
        }
        Kind::Redis => {
            let gone = redis::give_back(part, id)?;
            failpoint::point("index-given-back").map(|()| gone)
        }
        // The file lies in the worktree and goes with it; in one that stays, it is the user's.
        Kind::Sqlite => sqlite::path(part, worktree).map(|_| Gone::Missing),
        Kind::Mysql => Err(unsupported()),
    }
}

/// How a part is.
///
/// # Errors
/// When the server is missing or refuses.
pub fn state(part: &Part, id: &str, worktree: &Path) -> Result<State> {
    match part.kind {
        Kind::Postgres => postgres::state(part, id),
        Kind::Redis => redis::state(part, id),
        Kind::Sqlite => sqlite::state(part, worktree),
        Kind::Mysql => Err(unsupported()),
    }
}

/// Ends well when a server answers.
///
/// # Errors
/// When it is missing or refuses.
pub fn answers(server: &Server) -> Result<()> {
    match server.kind {
        Kind::Postgres => postgres::answers(server),
        Kind::Redis => redis::answers(server),
        Kind::Sqlite => Ok(()),
        Kind::Mysql => Err(unsupported()),
    }
}

fn unsupported() -> anyhow::Error {
    error::config("kind `mysql` is not supported yet").into()
}
