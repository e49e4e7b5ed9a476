//! MySQL and MariaDB: a database for each environment, marked by a view in it. Each operation is one session.

mod client;
pub(super) mod copy;
mod detail;
mod events;
mod marked;
mod privileges;
mod pulse;
mod room;
mod scripts;
pub(super) mod trash;

pub use detail::{detail, look, sessions, users};
pub(super) use events::resting;
pub(super) use marked::{databases, drop_marked, inventory, marked};
pub use privileges::lacking;

use super::template::Row;
use super::{Database, Gone, Server, Session, State, in_use, not_ours};
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

/// Creates a database marked with the lease's id, as a copy of `from` if there is one. One that carries the mark already
/// and is complete is fine.
///
/// # Errors
/// `Refused` when a database of this name is not ours, or the source has what cannot be copied; `NotFound` without a source.
pub fn create(database: &Database, id: &str, from: Option<&Source>) -> Result<()> {
    if let Some(source) = from {
        return copy::create(database, id, source);
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

/// Lets the mark of a database of the lease name it, where an earlier version made it, and its events run, which a process
/// that was killed kept from running.
pub(super) fn reclaim(database: &Database, id: &str) -> Result<()> {
    let script = scripts::name_mark(&Names::new(&database.name, id));
    client::run(&database.server, script, None).map_err(|error| explain(error, database))?;
    match state(database, id)? {
        State::Ours => events::wake(database, ""),
        _ => Ok(()),
    }
}

/// Drops a database that carries the lease's id, the copies that the lease keeps of it, and what tests made beside it; with
/// `force` even if it is in use.
pub fn release(database: &Database, id: &str, force: bool) -> Result<Gone> {
    let Database { server, name, .. } = database;
    require_name(name)?;
    let names = Names::new(name, id);
    let around = detail::around(database, &names)?;
    let users = around.users();
    if !force && !users.is_empty() {
        return Ok(Gone::Busy(users));
    }
    for one in &around.beside {
        drop_beside(database, &names, &one.database, force, None)?;
    }
    if force && state(database, id)? == State::Ours {
        end_sessions(server, name)?;
    }
    let gone = drop_one(database, &names, force, None)?;
    if !matches!(gone, Gone::Busy(_)) {
        for (copy, mark) in &around.copies {
            drop_marked(server, &copy.database, mark)?;
        }
    }
    Ok(gone)
}

/// Drops a database that tests made beside one; with `force` ends the sessions on it.
///
/// # Errors
/// `Refused` when a session uses it, without `force`, or it is not as [`detail::written`] said.
fn drop_beside(
    database: &Database,
    names: &Names,
    beside: &str,
    force: bool,
    written: Option<&str>,
) -> Result<()> {
    if force {
        end_sessions(&database.server, beside)?;
    }
    let script = scripts::look::drop_beside(names, &database.likes(), beside, force, written);
    let lines =
        client::run(&database.server, script, None).map_err(|error| explain(error, database))?;
    match parse_sessions(&lines) {
        users if !users.is_empty() && !force => Err(in_use(beside, &users)),
        _ if lines.last().is_some_and(|word| word == "written") => Err(detail::was_written(beside)),
        _ => Ok(()),
    }
}

fn drop_one(
    database: &Database,
    names: &Names,
    force: bool,
    written: Option<&str>,
) -> Result<Gone> {
    let rest = scripts::release(names, force, written);
    let lines = client::run(&database.server, scripts::lock(names), Some(rest))
        .map_err(|error| explain(error, database))?;
    match lines.last().map(String::as_str) {
        Some("dropped") => Ok(Gone::Dropped),
        Some("missing") => Ok(Gone::Missing),
        Some("busy") => Ok(Gone::Busy(parse_sessions(&lines))),
        Some("written") => Err(detail::was_written(&database.name)),
        Some("foreign") => Ok(Gone::NotOurs("it has no mark of this environment".to_owned())),
        _ => Err(no_answer("drop", &database.name)),
    }
}

/// The mark of what tests made beside a lease's database, while that comes back from the trash.
fn mark_beside(id: &str, database: &str) -> String {
    lease::mark_of_copy(id, "beside", database)
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

/// A client on the database, on this process's own stdin and stdout; `terminal`: these are one.
pub fn client(database: &Database, args: &[&str], terminal: bool) -> Result<Cmd> {
    client::interactive(&database.server, &database.name, args, terminal)
}

/// Checks that the server answers.
pub fn ping(server: &Server) -> Result<()> {
    client::run(server, "SELECT 1;\n".to_owned(), None).map(drop)
}

/// Ends the sessions on a database: an open transaction would keep it from being dropped.
fn end_sessions(server: &Server, name: &str) -> Result<()> {
    let lines = client::run(server, scripts::sessions(name), None)?;
    let mut pids = parse_sessions(&lines).into_iter().filter_map(|session| session.pid);
    pids.try_for_each(|pid| end_session(server, pid))
}

/// Ends the session that holds the lock of a lease's database: without its client, which was interrupted, it works on.
fn end_holder(server: &Server, names: &Names) -> Result<()> {
    let lines = client::run(server, scripts::holder(names), None)?;
    let mut pids = lines.iter().filter_map(|line| line.strip_prefix("holder\t")?.parse().ok());
    pids.try_for_each(|pid| end_session(server, pid))
}

fn end_session(server: &Server, pid: i64) -> Result<()> {
    let ended = client::run(server, format!("KILL {pid};\n"), None);
    // One that has ended by itself is unknown to the server.
    ended.map(drop).or_else(|error| match error.is::<SqlError>() {
        true => Ok(()),
        false => Err(error),
    })
}

fn parse_sessions(lines: &[String]) -> Vec<Session> {
    lines.iter().filter_map(|line| parse_session(line.strip_prefix("session\t")?)).collect()
}

fn parse_session(line: &str) -> Option<Session> {
    let mut fields = line.split('\t');
    Some(Session {
        pid: Some(fields.next()?.parse().ok()?),
        application: fields.next()?.to_owned(),
        client: fields.next()?.to_owned(),
        state: fields.next()?.to_owned(),
    })
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
