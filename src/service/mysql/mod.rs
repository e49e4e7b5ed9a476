//! MySQL and MariaDB: a database for each environment, marked by a view in it. Each operation is one session.

mod client;
mod fill;
mod scripts;

use super::detail::Detail;
use super::{Database, Gone, Server, Session, State};
use crate::error;
use crate::model::lease;
use crate::model::source::Source;
use crate::sys::exec::Cmd;
use anyhow::Result;
use client::SqlError;
use scripts::Names;

/// What the name of a marking view, and of an announcing database, begins with; the lease's id follows.
const VIEW: &str = "agentenv_";

/// The longest name of a database, in characters.
/// Source: <https://dev.mysql.com/doc/refman/8.4/en/identifier-length.html>
const LONGEST: usize = 64;

/// A database that carries a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// The id of the lease that it was created for.
    pub id: String,
}

/// Creates a database marked with the lease's id, as a copy of `from` if there is one. One that carries the mark already
/// and is complete is fine.
///
/// # Errors
/// `Refused` when a database of this name is not ours, or the source has what cannot be copied; `NotFound` without a source.
pub fn create(database: &Database, id: &str, from: Option<&Source>) -> Result<()> {
    if let Some(source) = from {
        return fill::create(database, id, source);
    }
    let Database { server, name, .. } = database;
    require_name(name)?;
    let names = Names::new(name, id);
    let lines = client::run(server, scripts::lock(&names), Some(scripts::create(&names)))
        .map_err(|error| explain(error, database))?;
    match lines.last().map(String::as_str) {
        Some("made" | "ours") => Ok(()),
        Some("taken") => Err(not_ours(name)),
        _ => Err(no_answer("create", name)),
    }
}

/// Drops a database that carries the lease's id, with `force` even if it is in use.
pub fn release(database: &Database, id: &str, force: bool) -> Result<Gone> {
    let Database { server, name, .. } = database;
    require_name(name)?;
    if force && state(database, id)? == State::Ours {
        end_sessions(database)?;
    }
    let names = Names::new(name, id);
    let rest = scripts::release(&names, force);
    let lines = client::run(server, scripts::lock(&names), Some(rest))
        .map_err(|error| explain(error, database))?;
    match lines.last().map(String::as_str) {
        Some("dropped") => Ok(Gone::Dropped),
        Some("missing") => Ok(Gone::Missing),
        Some("busy") => Ok(Gone::Busy(parse_sessions(&lines))),
        Some("foreign") => Ok(Gone::NotOurs("it has no mark of this environment".to_owned())),
        _ => Err(no_answer("drop", name)),
    }
}

/// Drops and creates the database, so that it is empty. A kill in between leaves one that `adopt` creates again.
pub fn reset(database: &Database, id: &str, force: bool) -> Result<Gone> {
    let gone = release(database, id, force)?;
    if matches!(gone, Gone::Dropped | Gone::Missing) {
        create(database, id, None)?;
    }
    Ok(gone)
}

/// Looks at a database.
pub fn state(database: &Database, id: &str) -> Result<State> {
    let Database { server, name, .. } = database;
    let lines = client::run(server, scripts::state(&Names::new(name, id)), None)
        .map_err(|error| explain(error, database))?;
    match lines.last().map(String::as_str) {
        Some("ours") => Ok(State::Ours),
        Some("missing") => Ok(State::Missing),
        Some("foreign") => Ok(State::NotOurs("it has no mark of this environment".to_owned())),
        _ => Err(no_answer("look at", name)),
    }
}

/// The sessions that use a database now.
pub fn sessions(database: &Database) -> Result<Vec<Session>> {
    let lines = client::run(&database.server, scripts::sessions(&database.name), None)?;
    Ok(parse_sessions(&lines))
}

/// Looks at a database of the lease with this id; `None`: there is none, or it is another's.
pub fn detail(database: &Database, id: &str) -> Result<Option<Detail>> {
    if state(database, id)? != State::Ours {
        return Ok(None);
    }
    let lines = client::run(&database.server, scripts::size(&database.name), None)?;
    let bytes = lines.last().and_then(|line| line.parse().ok()).unwrap_or_default();
    Ok(Some(Detail { bytes, sessions: sessions(database)?, ..Detail::default() }))
}

/// Every database on a server that was created here, whichever lease holds it now, or announced.
pub fn inventory(server: &Server) -> Result<Vec<Found>> {
    let lines = client::run(server, scripts::inventory(), None)?;
    let found = |line: &String| {
        let (name, mark) = line.split_once('\t')?;
        let id = mark.strip_prefix(VIEW)?.split('_').next()?;
        let id = lease::id_of_mark(&lease::mark(id))?.to_owned();
        Some(Found { name: name.to_owned(), id })
    };
    Ok(lines.iter().filter_map(found).collect())
}

/// A client on the database, on this process's own stdin and stdout; `terminal`: these are one.
pub fn client(database: &Database, args: &[&str], terminal: bool) -> Result<Cmd> {
    client::interactive(&database.server, &database.name, args, terminal)
}

/// Checks that the server answers.
pub fn ping(server: &Server) -> Result<()> {
    client::run(server, "SELECT 1;\n".to_owned(), None).map(drop)
}

/// Ends the sessions on a database: an open transaction would keep it from being dropped.
fn end_sessions(database: &Database) -> Result<()> {
    for pid in sessions(database)?.into_iter().filter_map(|session| session.pid) {
        let ended = client::run(&database.server, format!("KILL {pid};\n"), None);
        // One that has ended by itself is unknown to the server.
        ended.map(drop).or_else(|error| match error.is::<SqlError>() {
            true => Ok(()),
            false => Err(error),
        })?;
    }
    Ok(())
}

fn parse_sessions(lines: &[String]) -> Vec<Session> {
    let session = |line: &String| {
        let mut fields = line.strip_prefix("session\t")?.split('\t');
        Some(Session {
            pid: Some(fields.next()?.parse().ok()?),
            application: fields.next()?.to_owned(),
            client: fields.next()?.to_owned(),
            state: fields.next()?.to_owned(),
        })
    };
    lines.iter().filter_map(session).collect()
}

fn require_name(name: &str) -> Result<()> {
    let problem = match name.chars().count() {
        0 => "is empty".to_owned(),
        length if length > LONGEST => format!("has {length} characters, and MySQL keeps {LONGEST}"),
        _ if name.contains('\0') || name.ends_with(' ') => {
            "holds a zero byte, or ends with a blank".to_owned()
        }
        _ => return Ok(()),
    };
    let message = format!("database name `{}` {problem}", name.escape_debug());
    Err(error::config(message).hint("change `name` in .agentenv.yaml").into())
}

fn not_ours(name: &str) -> anyhow::Error {
    error::refused(format!("database `{name}` exists and is not ours"))
        .hint("choose another `name` in .agentenv.yaml, or drop that database yourself")
        .into()
}

fn explain(error: anyhow::Error, database: &Database) -> anyhow::Error {
    let Some(sql) = error.downcast_ref::<SqlError>() else {
        return error;
    };
    let Database { server, name, .. } = database;
    match sql.number {
        // Another client was quicker than our CREATE DATABASE.
        1007 => not_ours(name),
        1044 | 1142 | 1227 => {
            let user = &server.user;
            let message = format!("user `{user}` may not create or drop database `{name}`");
            let hint = "GRANT ALL ON *.* TO that user, or name another `user` in .agentenv.yaml";
            error::service(message).hint(hint).into()
        }
        1205 => error::service(format!("cannot drop database `{name}`: a transaction holds it"))
            .hint("end that transaction, then try again")
            .into(),
        1242 => error::service(format!("mysql did not finish with database `{name}` in time"))
            .hint("another process may be creating or dropping it: try again in a moment")
            .into(),
        _ => error::service(format!("database `{name}`: {sql}")).into(),
    }
}

fn no_answer(verb: &str, name: &str) -> anyhow::Error {
    let message = format!("cannot {verb} database `{name}`: the client ended without an answer");
    error::service(message)
        .hint("another process may be at work on it: try again in a moment")
        .into()
}
