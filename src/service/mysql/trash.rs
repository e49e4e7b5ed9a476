//! Databases in the trash. MySQL cannot rename a database: it is copied there, under a mark that nothing but `restore` or
//! the end of its time finds, and dropped when its copy is complete.

use super::copy::{self, plain, renew};
use super::scripts::Names;
use super::{
    detail, drop_beside, drop_marked, drop_one, end_sessions, events, mark_beside, marked,
    require_name, state,
};
use crate::model::lease;
use crate::model::name::with_hash;
use crate::model::source::Source;
use crate::service::copy::Copy;
use crate::service::trash::{Kept, MARK, Returned, Trashed, renamed};
use crate::service::{Database, Gone, Server, State, not_ours};
use crate::sys::failpoint;
use anyhow::Result;
use serde::{Deserialize, Serialize};

/// What the mark of a database in the trash says.
#[derive(Serialize, Deserialize)]
struct Was {
    name: String,
    mark: Option<String>,
    beside: Option<String>,
}

/// A database that goes to the trash, with its mark; `None`: tests made it beside the environment's own.
struct Going {
    name: String,
    mark: Option<String>,
}

/// Refuses a database that has no copy, and one beside which there is such a one.
pub fn require(database: &Database, id: &str) -> Result<()> {
    if state(database, id)? != State::Ours {
        return Ok(());
    }
    let around = detail::around(database, &Names::new(&database.name, id))?;
    let beside = around.beside.iter().map(|part| &part.database);
    for name in beside.chain([&database.name]) {
        copy::require_source(&plain(
            database,
            id,
            &Source::Database(name.clone()),
            "",
            String::new(),
        ))?;
    }
    Ok(())
}

/// Moves the part's database, its snapshots and what tests made beside it to the trash. `force` ends the sessions on them.
pub fn keep(database: &Database, id: &str, force: bool) -> Result<Kept> {
    let Database { server, name, .. } = database;
    require_name(name)?;
    match state(database, id)? {
        State::Ours => {}
        _ if !listed(server, id, name)?.is_empty() => return Ok(Kept::InTrash(0)),
        State::NotOurs(whose) => return Ok(Kept::NotOurs(whose)),
        _ => return Ok(Kept::Missing),
    }
    let look = detail::look(database, id)?;
    if !force && !look.sessions.is_empty() {
        return Ok(Kept::Busy(look.sessions.into_iter().map(|(_, session)| session).collect()));
    }
    let names = Names::new(name, id);
    // The environment's own goes last: what belongs to it is found by it.
    let beside = keep_around(database, &names, force)?;
    if force {
        end_sessions(server, name)?;
    }
    let written = unchanging(database)?;
    carry(database, id, &Going { name: name.clone(), mark: Some(lease::mark(id)) })?;
    failpoint::point("mysql-in-trash")?;
    match drop_one(database, &names, force, Some(&written))? {
        Gone::Busy(sessions) => Ok(Kept::Busy(sessions)),
        Gone::NotOurs(whose) => Ok(Kept::NotOurs(whose)),
        _ => Ok(Kept::InTrash(beside + look.size.unwrap_or_default())),
    }
}

/// What differs once something is written to a database, whose events would do that: they rest from now on.
fn unchanging(database: &Database) -> Result<String> {
    events::rest(database)?;
    detail::written(database)
}

/// Moves the snapshots of a database and what tests made beside it to the trash; gives their bytes.
fn keep_around(database: &Database, names: &Names, force: bool) -> Result<u64> {
    let around = detail::around(database, names)?;
    let mut bytes = 0;
    for part in around.beside {
        let going = Going { name: part.database, mark: None };
        let written = unchanging(&Database::new(&database.server, &going.name))?;
        carry(database, names.id, &going)?;
        drop_beside(database, names, &going.name, force, Some(&written))?;
        bytes += part.bytes;
    }
    for (part, mark) in around.copies {
        if !is_partial(&mark, names.id) {
            let going = Going { name: part.database.clone(), mark: Some(mark.clone()) };
            carry(database, names.id, &going)?;
            bytes += part.bytes;
        }
        drop_marked(&database.server, &part.database, &mark)?;
    }
    Ok(bytes)
}

/// Drops what is unfinished on its way to the trash, and the copies there of what tests made beside the database and is still
/// there. The others carry their marks still when they are, and [`put_back`] leaves those as they are. The events of what is
/// there run again.
pub fn discard_drafts(database: &Database, id: &str) -> Result<()> {
    let Database { server, name, .. } = database;
    if state(database, id)? != State::Ours {
        return Ok(());
    }
    let around = detail::around(database, &Names::new(name, id))?;
    for (part, mark) in around.copies.iter().filter(|(_, mark)| is_partial(mark, id)) {
        drop_marked(server, &part.database, mark)?;
    }
    events::wake(database, "")?;
    for part in &around.beside {
        events::wake(&Database::new(server, &part.database), "")?;
    }
    for (one, comment) in listed(server, id, name)? {
        if one.mark.is_none() && around.beside.iter().any(|part| part.database == one.name) {
            drop_marked(server, &one.trash, &comment)?;
        }
    }
    Ok(())
}

/// Whether this is the mark of a copy that was not finished.
fn is_partial(mark: &str, id: &str) -> bool {
    mark.starts_with(&lease::mark_of_copy(id, "partial", ""))
}

/// A database that comes back from the trash.
struct Returning {
    /// Its name in the trash.
    trash: String,
    /// The same, as what is copied.
    source: Source,
    /// The mark that it has in the trash.
    comment: String,
    name: String,
    /// The mark that it has until nothing is in the trash any more.
    mark: String,
}

impl Returning {
    fn copy<'a>(&'a self, database: &'a Database, id: &'a str) -> Copy<'a> {
        plain(database, id, &self.source, &self.name, self.mark.clone())
    }
}

/// Gives the database `was` of a lease and its snapshots their names back; the database is called `database.name` now.
///
/// Nothing leaves the trash before all of it is back, and the environment's own goes last, there and here: while it is in
/// the trash, or is missing, this begins again.
///
/// # Errors
/// `Refused` when another one's name is taken, and the environment's own is there already.
pub fn put_back(database: &Database, was: &str, id: &str) -> Result<Returned> {
    let server = &database.server;
    let all = returning(database, was, id)?;
    for one in &all {
        if copy::is_taken(&one.copy(database, id))? {
            return undo(database, id, &all, &one.name);
        }
    }
    for one in &all {
        copy::copy(&one.copy(database, id))?;
    }
    let (own, others): (Vec<_>, Vec<_>) = all.iter().partition(|one| one.name == database.name);
    let forget = |one: &Returning| {
        drop_marked(server, &one.trash, &one.comment)?;
        failpoint::point("mysql-returned")
    };
    others.into_iter().try_for_each(forget)?;
    let beside = mark_beside(id, &database.name);
    for row in marked(server, &beside)?.into_iter().filter(|row| row.mark == beside) {
        copy::unmark(server, &row.name, &beside)?;
    }
    own.into_iter().try_for_each(forget)?;
    match all.is_empty() || state(database, id)? != State::Ours {
        true => Ok(Returned::Missing),
        false => Ok(Returned::Ours),
    }
}

/// What comes back with the database `was` of a lease, the environment's own last.
fn returning(database: &Database, was: &str, id: &str) -> Result<Vec<Returning>> {
    let returning = |(one, comment): (Trashed, String)| {
        let (name, mark) = renamed(database, was, id, &one);
        // What tests made carries no mark, but needs one while it is copied.
        let mark = mark.unwrap_or_else(|| mark_beside(id, &database.name));
        let source = Source::Database(one.trash.clone());
        Returning { trash: one.trash, source, comment, name, mark }
    };
    let mut all: Vec<_> = listed(&database.server, id, was)?.into_iter().map(returning).collect();
    all.sort_by_key(|one| one.name == database.name);
    Ok(all)
}

/// Drops what came back until one of the names was `taken`: all of it is in the trash still, and comes back under other
/// names. The environment's own may be the very one that was to go to the trash, and stays.
fn undo(database: &Database, id: &str, all: &[Returning], taken: &str) -> Result<Returned> {
    if state(database, id)? == State::Ours {
        return Err(not_ours(taken));
    }
    for one in all {
        copy::discard_partial(&one.copy(database, id));
        drop_marked(&database.server, &one.name, &one.mark)?;
    }
    Ok(Returned::Taken)
}

/// Drops what the trash holds of a lease on a server.
pub fn delete(server: &Server, id: &str) -> Result<()> {
    for row in marked(server, &format!("{MARK} {id} "))? {
        drop_marked(server, &row.name, &row.mark)?;
    }
    Ok(())
}

/// Copies a database to the trash, anew if a process that was killed did that already.
fn carry(database: &Database, id: &str, one: &Going) -> Result<()> {
    let beside = one.mark.is_none().then(|| database.name.clone());
    let was = Was { name: one.name.clone(), mark: one.mark.clone(), beside };
    let mark = format!("{MARK} {id} {}", serde_json::to_string(&was)?);
    let target = with_hash(&format!("agentenv_trash_{id}"), &one.name, '_', super::LONGEST);
    renew(&plain(database, id, &Source::Database(one.name.clone()), &target, mark))
}

/// What the trash holds of the database `was` of a lease, each with its mark there.
fn listed(server: &Server, id: &str, was: &str) -> Result<Vec<(Trashed, String)>> {
    let prefix = format!("{MARK} {id} ");
    let (own, of) = (format!("{} ", lease::mark(id)), format!(" of {was}"));
    let trashed = |row: super::Row| {
        let Was { name, mark, beside } =
            serde_json::from_str(row.mark.strip_prefix(&prefix)?).ok()?;
        let is_copy =
            mark.as_ref().is_some_and(|mark| mark.starts_with(&own) && mark.ends_with(&of));
        let is_its = name == was || is_copy || beside.as_deref() == Some(was);
        is_its.then_some((Trashed { trash: row.name, name, mark }, row.mark))
    };
    Ok(marked(server, &prefix)?.into_iter().filter_map(trashed).collect())
}
