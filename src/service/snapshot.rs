//! Snapshots: copies of an environment's database, kept beside it and dropped with it.

use super::copy::{self, Copy, Dump, Means};
use super::detail::Part;
use super::inventory::{Found, found};
use super::template::{self, Row};
use super::{Database, Gone, Server, mysql, postgres};
use crate::error;
use crate::model::config::Kind;
use crate::model::lease;
use crate::model::name;
use crate::model::snapshot::{Automatic, require_name};
use crate::model::source::Source;
use anyhow::Result;

/// Saves a copy of a database under this name.
///
/// # Errors
/// `Usage` for a name that is invalid; `Refused` for one that exists, without `replace`.
pub fn save(database: &Database, id: &str, snapshot: &str, replace: bool) -> Result<Means> {
    require_name(snapshot)?;
    let (target, source) = copy_of(database, snapshot);
    let mark = mark(database, id, snapshot);
    let whole = Copy::new(&database.server, id, Some(&source), &target.name, mark);
    copy::copy(&Copy { replace, ..whole }).map(|copied| copied.means)
}

/// The database that holds a snapshot of this name, and what it is a copy of.
pub fn copy_of(database: &Database, snapshot: &str) -> (Database, Source) {
    let copy = Database::new(&database.server, name_of(database, snapshot));
    (copy, Source::Database(database.name.clone()))
}

/// Restores a database from a snapshot. Gives the snapshot of what was overwritten, as [`overwrite`] does.
///
/// # Errors
/// `NotFound` without such a snapshot; `Refused` when the database is in use, without `force`.
pub fn restore(
    database: &Database,
    id: &str,
    snapshot: &str,
    how: &Overwrite,
) -> Result<Option<String>> {
    require(database, id, snapshot)?;
    let source = Source::Database(name_of(database, snapshot));
    overwrite(database, id, Some(&source), how).map(|(_, kept)| kept)
}

/// How a database is overwritten.
#[derive(Debug, Clone, Default)]
pub struct Overwrite {
    /// End the sessions on it.
    pub force: bool,
    /// The command, after which a snapshot of the old content is named; `None`: it is not kept.
    pub before: Option<&'static str>,
    /// How the source is dumped.
    pub dump: Dump,
}

/// Overwrites a database with a copy of `source`, or with nothing. What was in it is kept
/// as the snapshot `before-<command>-<number>`, whose name is returned, and the oldest of more than three is deleted, unless
/// it is the source. Without `before`, or where there was no database, nothing is kept or deleted.
pub fn overwrite(
    database: &Database,
    id: &str,
    source: Option<&Source>,
    how: &Overwrite,
) -> Result<(Means, Option<String>)> {
    let Database { server, name, .. } = database;
    let known = match how.before {
        Some(_) => list(database, id)?.into_iter().map(|(snapshot, _)| snapshot).collect(),
        None => Vec::new(),
    };
    let kept = how.before.map(|command| Automatic::next(command, &known));
    let copied = copy::copy(&Copy {
        replace: true,
        force: how.force,
        dump: how.dump.clone(),
        keep: kept
            .as_ref()
            .map(|kept| (name_of(database, &kept.snapshot), mark(database, id, &kept.snapshot))),
        ..Copy::new(server, id, source, name, lease::mark(id))
    })?;
    let kept = kept.filter(|_| copied.existed);
    let is_source = |old: &&String| matches!(source, Some(Source::Database(source)) if *source == name_of(database, old));
    for old in kept.iter().flat_map(|kept| &kept.outdated).filter(|old| !is_source(old)) {
        // One that is in use stays until the next time.
        delete(database, id, old).ok();
    }
    Ok((copied.means, kept.map(|kept| kept.snapshot)))
}

/// Drops a snapshot.
///
/// # Errors
/// `NotFound` without such a snapshot; `Refused` when it is in use.
pub fn delete(database: &Database, id: &str, snapshot: &str) -> Result<()> {
    require(database, id, snapshot)?;
    let name = name_of(database, snapshot);
    let kept = Database::new(&database.server, name);
    let gone = match database.server.kind {
        Kind::Mysql => mysql::release(&kept, id, false),
        _ => postgres::drop_copy(&kept, id),
    };
    match gone? {
        Gone::Dropped | Gone::Missing | Gone::Renamed(_) => Ok(()),
        Gone::Busy(sessions) => Err(super::in_use(&kept.name, &sessions)),
        Gone::NotOurs(_) => Err(super::not_ours(&kept.name)),
    }
}

/// A snapshot on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its name.
    pub name: String,
    /// The database that it is a copy of.
    pub of: String,
    /// The id of the lease that holds both.
    pub id: String,
    /// Its own database.
    pub database: String,
}

/// Every snapshot on a server, of whatever lease.
pub fn all(server: &Server) -> Result<Vec<Snapshot>> {
    let snapshot = |found: Found| {
        let (id, rest) = found.mark.as_deref()?.strip_prefix("git-agentenv ")?.split_once(' ')?;
        let (name, of) = rest.strip_prefix("snapshot ")?.split_once(" of ")?;
        let [id, name, of] = [id, name, of].map(str::to_owned);
        Some(Snapshot { name, of, id, database: found.name })
    };
    Ok(found(server)?.into_iter().filter_map(snapshot).collect())
}

/// The snapshots of a database: the name of each, with its own database.
pub fn list(database: &Database, id: &str) -> Result<Vec<(String, String)>> {
    let databases = found(&database.server)?.into_iter();
    let snapshot =
        |found: Found| Some((named(database, id, found.mark.as_deref()?)?.to_owned(), found.name));
    Ok(databases.filter_map(snapshot).collect())
}

/// The snapshots of a database, also of one that is missing: the name of each, with its own database and size.
///
/// # Errors
/// When the server does not answer.
pub fn sizes(database: &Database, id: &str) -> Result<Vec<(String, Part)>> {
    let rows = template::marked(&database.server, &format!("{} snapshot ", lease::mark(id)))?;
    let snapshot = |row: Row| {
        let name = named(database, id, &row.mark)?.to_owned();
        Some((name, Part { database: row.name, bytes: row.bytes }))
    };
    Ok(rows.into_iter().filter_map(snapshot).collect())
}

/// The name of the snapshot of a database that carries this mark.
pub(super) fn named<'a>(database: &Database, id: &str, mark: &'a str) -> Option<&'a str> {
    let begin = format!("{} snapshot ", lease::mark(id));
    mark.strip_prefix(&begin)?.strip_suffix(&format!(" of {}", database.name))
}

fn require(database: &Database, id: &str, snapshot: &str) -> Result<()> {
    let known: Vec<String> = list(database, id)?.into_iter().map(|(name, _)| name).collect();
    if known.iter().any(|name| name == snapshot) {
        return Ok(());
    }
    let message = format!("no snapshot `{snapshot}` of `{}`", database.name);
    let hint = match known.as_slice() {
        [] => "create one with `git agentenv db snapshot save <name>`".to_owned(),
        known => format!("existing snapshots: {}", known.join(", ")),
    };
    Err(error::not_found(message).hint(hint).into())
}

pub(super) fn name_of(database: &Database, snapshot: &str) -> String {
    beside(&database.name, snapshot)
}

/// The name of the database that holds a snapshot of the database `of`.
pub(super) fn beside(of: &str, snapshot: &str) -> String {
    name::fit(&format!("{of}__{}", name::database(snapshot)), '_', name::IDENTIFIER)
}

pub(super) fn mark(database: &Database, id: &str, snapshot: &str) -> String {
    lease::mark_of_copy(id, &format!("snapshot {snapshot}"), &database.name)
}
