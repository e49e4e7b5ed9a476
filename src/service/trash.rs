//! What each kind of server does with a resource that goes to the trash and comes back.

use crate::error;
use crate::model::config::Kind;
use crate::model::name;
use crate::model::resource::Custom;
use crate::service::{
    Database, Resource, Server, Session, State, mysql, postgres, redis, snapshot,
};
use crate::sys::{failpoint, fs};
use anyhow::Result;
use serde::Deserialize;
use std::path::Path;

/// What the mark of a database in the trash begins with; the lease's id follows, then JSON with the name and the mark
/// that it had. Not the mark of a database in use, so that nothing that looks for those finds it.
pub(super) const MARK: &str = "git-agentenv-trash";

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

/// A database in the trash, and what it was.
#[derive(Deserialize)]
pub(super) struct Trashed {
    pub(super) trash: String,
    pub(super) name: String,
    pub(super) mark: Option<String>,
}

/// What a database from the trash is called, and its mark, where the lease's own is `database.name` now.
pub(super) fn renamed(
    database: &Database,
    was: &str,
    id: &str,
    one: &Trashed,
) -> (String, Option<String>) {
    if one.name == was {
        return (database.name.clone(), one.mark.clone());
    }
    let Some(mark) = &one.mark else {
        let name = one.name.replacen(was, &database.name, 1);
        return (name::fit(&name, '_', name::IDENTIFIER), None);
    };
    let before = Database { name: was.to_owned(), ..database.clone() };
    match snapshot::named(&before, id, mark) {
        Some(name) if database.name != was => {
            (snapshot::name_of(database, name), Some(snapshot::mark(database, id, name)))
        }
        _ => (one.name.clone(), one.mark.clone()),
    }
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
            let kept = mysql::trash::keep(database, id, force)?;
            failpoint::point("database-kept").map(|()| kept)
        }
        Resource::Custom(custom) => Err(not_kept(custom)),
    }
}

/// Refuses a resource that cannot go to the trash as a whole: MySQL cannot rename a database, and not all has a copy.
///
/// # Errors
/// `Refused` with what has none.
pub fn require(resource: &Resource, id: &str) -> Result<()> {
    match resource {
        Resource::MysqlDatabase(database) => mysql::trash::require(database, id),
        Resource::Custom(custom) => Err(not_kept(custom)),
        _ => Ok(()),
    }
}

/// Deletes copies of a resource that did not get all the way to the trash: the resource itself is there and newer, but
/// [`put_back`] would believe them.
pub fn discard_drafts(resource: &Resource, id: &str, file: &Path) -> Result<()> {
    match resource {
        // With its mark on it, the index was not emptied.
        Resource::RedisIndex(index) if redis::state(index, id)? == State::Ours => fs::remove(file),
        Resource::MysqlDatabase(database) => mysql::trash::discard_drafts(database, id),
        _ => Ok(()),
    }
}

/// Restores a resource that was called as `was` before it went to the trash. Idempotent.
pub fn put_back(resource: &Resource, was: &Resource, id: &str, file: &Path) -> Result<Returned> {
    match (resource, was) {
        (Resource::Database(database), Resource::Database(was)) => {
            let back = postgres::trash::put_back(database, &was.name, id)?;
            failpoint::point("database-back").map(|()| back)
        }
        (Resource::MysqlDatabase(database), Resource::MysqlDatabase(was)) => {
            let back = mysql::trash::put_back(database, &was.name, id)?;
            failpoint::point("database-back").map(|()| back)
        }
        (Resource::RedisIndex(index), _) => {
            let back = redis::trash::put_back(index, id, file)?;
            failpoint::point("index-back").map(|()| back)
        }
        (Resource::File(_), _) => Ok(Returned::Ours),
        (Resource::Database(_) | Resource::MysqlDatabase(_) | Resource::Custom(_), _) => {
            Ok(Returned::Missing)
        }
    }
}

fn not_kept(custom: &Custom) -> anyhow::Error {
    let failure = error::refused(format!("cannot keep {custom}: a custom service has no trash"));
    failure.hint("remove the environment for good with `--no-keep`").into()
}

/// Deletes what the trash holds of a lease on a server. Keys of a Redis index are in a file that goes with the record.
pub fn delete(server: &Server, id: &str) -> Result<()> {
    match server.kind {
        Kind::Postgres => postgres::trash::delete(server, id),
        Kind::Mysql => mysql::trash::delete(server, id),
        Kind::Redis | Kind::Sqlite | Kind::Custom => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::lease;

    #[test]
    fn the_mark_of_the_trash_is_no_lease_mark() {
        let id = "0123456789abcdef01234567";
        assert_eq!(lease::id_of_mark(&format!("{MARK} {id} {{}}")), None);
        assert!(!MARK.starts_with("git-agentenv "));
    }
}
