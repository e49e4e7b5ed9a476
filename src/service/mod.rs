//! What each kind of server does for an environment: create, find and release its resources.

pub mod contents;
pub mod copy;
pub mod creation;
pub mod custom;
pub mod detail;
pub mod executor;
pub mod growth;
pub mod inventory;
pub mod mysql;
pub mod postgres;
pub mod redis;
pub mod removal;
pub mod room;
pub mod snapshot;
pub mod sqlite;
pub mod template;
pub mod trash;

pub use crate::model::resource::{Database, File, RedisIndex, Resource};
pub use crate::model::server::Server;

use crate::error::{self, Failure};
use crate::model::config::Kind;
use crate::model::source::Source;
use crate::sys::{budget, failpoint, interrupt};
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::thread;
use std::time::{Duration, Instant};

/// A client that is connected to a database, or what keeps it in use without one: a prepared transaction, a subscription
/// or a replication slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Session {
    /// The process that serves it, on the server; `None` in Redis, where one process serves all, and where none is needed.
    pub pid: Option<i64>,
    /// The application's name, as it gave it; in Redis with the client's id; of what needs no process, what it is.
    pub application: String,
    /// The address that it came from, or `local`.
    pub client: String,
    /// Its state, as the server reports it: `active`, `idle in transaction`.
    pub state: String,
}

/// Who is connected to a resource, and how often that happened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Visits {
    /// Those that are connected now.
    pub sessions: Vec<Session>,
    /// All connections that the server has counted; `None` where it counts none.
    pub total: Option<u64>,
}

/// The result of creating a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// It is ours now, or was already. With the identity of its server, when the server can lose marks: see
    /// [`RedisIndex::claimed_on`].
    Ours(Option<String>),
    /// Another owner has it, in these words: another slot is needed.
    Occupied(String),
}

/// The result of releasing a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gone {
    /// It was ours and is gone.
    Dropped,
    /// It did not exist.
    Missing,
    /// Kept: the database has this name now. It was renamed by hand.
    Renamed(String),
    /// Kept: it does not carry our mark but what these words say.
    NotOurs(String),
    /// Kept: these sessions use it.
    Busy(Vec<Session>),
}

/// What a resource is like on its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It exists and carries our mark.
    Ours,
    /// It does not exist.
    Missing,
    /// It exists and is not ours, as these words say.
    NotOurs(String),
    /// It exists without any mark, as these words say: an application's FLUSHDB deletes the mark too.
    Unmarked(String),
}

/// Creates one resource: see [`creation::Servers::create`].
pub fn create(resource: &Resource, id: &str, from: Option<&Source>) -> Result<Made> {
    creation::Servers::default().create(resource, id, from)
}

/// Restores the mark of a resource for a lease that had claimed it. Only Redis indexes lose theirs; in MySQL, one that an
/// earlier version made gets the database's name.
pub fn reclaim(resource: &Resource, id: &str) -> Result<Made> {
    match resource {
        Resource::RedisIndex(index) => redis::reclaim(index, id),
        // Nothing marks it on its server: its lease does.
        Resource::Custom(custom) => Ok(Made::Ours(Some(custom.server.title()))),
        Resource::MysqlDatabase(database) => {
            mysql::reclaim(database, id).map(|()| Made::Ours(None))
        }
        Resource::Database(_) | Resource::File(_) => Ok(Made::Ours(None)),
    }
}

/// Drops a database, or flushes an index, that carries the lease's id. `force` ends the sessions that use it; it
/// never touches what is not ours.
pub fn release(resource: &Resource, id: &str, force: bool) -> Result<Gone> {
    match resource {
        Resource::Database(database) => {
            let gone = postgres::release(database, id, force)?;
            failpoint::point("database-released").map(|()| gone)
        }
        Resource::MysqlDatabase(database) => {
            let gone = mysql::release(database, id, force)?;
            failpoint::point("database-released").map(|()| gone)
        }
        Resource::RedisIndex(index) => {
            let gone = redis::release(index, id, force)?;
            failpoint::point("index-released").map(|()| gone)
        }
        // It lies in the worktree and is deleted with it; in a worktree that stays, it is the user's.
        Resource::File(_) => Ok(Gone::Missing),
        Resource::Custom(custom) => custom::release(custom, id),
    }
}

/// Looks at a resource.
pub fn state(resource: &Resource, id: &str) -> Result<State> {
    match resource {
        Resource::Database(database) => postgres::state(database, id),
        Resource::MysqlDatabase(database) => mysql::state(database, id),
        Resource::RedisIndex(index) => redis::state(index, id),
        Resource::File(file) => Ok(sqlite::state(file)),
        Resource::Custom(custom) => custom::state(custom, id),
    }
}

/// Who is connected to a resource, whosever it is.
pub fn visits(resource: &Resource) -> Result<Visits> {
    let uncounted = |sessions| Visits { sessions, total: None };
    match resource {
        Resource::Database(database) => postgres::visits(database),
        Resource::MysqlDatabase(database) => mysql::users(database).map(uncounted),
        Resource::RedisIndex(index) => redis::sessions(index).map(uncounted),
        Resource::File(_) | Resource::Custom(_) => Ok(Visits::default()),
    }
}

/// Whether a database that exists holds rows, or may.
pub fn holds_rows(resource: &Resource, id: &str) -> bool {
    match resource {
        Resource::Database(database) => postgres::holds_rows(database).unwrap_or(true),
        Resource::MysqlDatabase(_) | Resource::File(_) => {
            detail::of(resource, id).ok().flatten().is_some_and(|found| found.bytes > 0)
        }
        // Who asks before that asks for every environment with such a part.
        Resource::RedisIndex(_) | Resource::Custom(_) => false,
    }
}

/// The refusal that names the sessions on a database.
pub fn in_use(name: &str, sessions: &[Session]) -> anyhow::Error {
    error::refused(format!("database `{name}` is in use by {}", inventory::listed(sessions)))
        .hint("close these sessions, or end them with `--force`")
        .into()
}

fn not_ours(name: &str) -> anyhow::Error {
    error::refused(format!("database `{name}` exists and is not ours"))
        .hint("choose another `name` in `.agentenv.yaml`, or drop or rename that database yourself")
        .into()
}

/// Whether an event of a database rests, as while a command replaces or keeps it: one that was killed leaves it so.
pub fn has_resting_events(resource: &Resource) -> Result<bool> {
    match resource {
        Resource::MysqlDatabase(Database { server, name, .. }) => {
            Ok(mysql::resting(server)?.contains(name))
        }
        _ => Ok(false),
    }
}

/// Checks that a server answers.
pub fn ping(server: &Server) -> Result<()> {
    match server.kind {
        Kind::Postgres => postgres::ping(server),
        Kind::Redis => redis::ping(server),
        Kind::Sqlite => Ok(()),
        Kind::Mysql => mysql::ping(server),
        Kind::Custom => custom::ping(server),
    }
}

/// Waits until a server that was started answers, with this pause between two questions.
///
/// # Errors
/// `failure` when it does not answer by then, or when the user interrupted.
pub fn await_answer(
    server: &Server,
    deadline: Instant,
    pause: Duration,
    failure: impl FnOnce() -> Failure,
) -> Result<()> {
    while let Err(error) = ping(server) {
        interrupt::check()?;
        budget::renew();
        if Instant::now() > deadline {
            return Err(error.context(failure()));
        }
        thread::sleep(pause);
    }
    Ok(())
}
