//! PostgreSQL: a database for each environment. Each operation is one psql session, because each session costs a
//! process in the container.

mod also;
pub(super) mod birth;
mod connection;
pub mod copy;
pub mod creation;
mod detail;
mod dump;
mod dump_file;
mod filling;
mod growth;
mod likeness;
mod mark;
mod marked;
pub(super) mod mask;
mod psql;
mod pulse;
pub mod removal;
mod room;
mod scripts;
pub mod spare;
mod sql_error;
pub mod trash;

pub use detail::{detail, holds_rows};
pub use growth::growth;
pub use mark::carrying;
pub(super) use marked::{drop_marked, marked};
pub use removal::drop_left_over;

use super::inventory::Found;
use super::{Database, Gone, Server, Session, State, Visits, not_ours};
use crate::error;
use crate::model::lease;
use crate::model::name::IDENTIFIER;
use crate::model::source::Source;
use crate::sys::exec::Cmd;
use anyhow::{Context, Result};
use creation::Creation;
use sql_error::SqlError;

/// Creates a database marked with the lease's id, as a copy of `from` if there is one. Does nothing when one with this
/// mark exists.
///
/// # Errors
/// `Refused` when a database of this name is not ours, `NotFound` without a source.
pub fn create(database: &Database, id: &str, from: Option<&Source>) -> Result<()> {
    match from {
        None => Creation::begin(database.server.clone()).create(database, id),
        Some(source) => copy::create(database, id, source),
    }
}

/// Drops a database that carries the lease's id, and the snapshots of it; `force` ends the sessions on it. A database
/// that is kept is not an error but an answer.
pub fn release(database: &Database, id: &str, force: bool) -> Result<Gone> {
    match drop_database(database, id, force, true)? {
        gone @ (Gone::Missing | Gone::NotOurs(_)) => {
            let now = carrying(&database.server, id)?.into_iter().find(|now| *now != database.name);
            Ok(now.map_or(gone, Gone::Renamed))
        }
        gone => Ok(gone),
    }
}

/// Drops a database that carries a mark of this lease, and nothing else.
pub(super) fn drop_copy(database: &Database, id: &str) -> Result<Gone> {
    drop_database(database, id, false, false)
}

fn drop_database(database: &Database, id: &str, force: bool, copies: bool) -> Result<Gone> {
    let Database { server, name, .. } = database;
    require_name(name)?;
    let clause = if force { scripts::FORCE } else { "" };
    let script = scripts::DROP.replace("{force}", clause);
    let unfinished = if copies { birth::of_lease(id) } else { birth::of(name, id) };
    let also = also::patterns(database);
    let session = || {
        let session = session(server, script.clone(), name, id).last(&["dropped", "kept"]);
        let session = session.var("force", on(force)).var("copies", on(copies));
        session.var("also", &also).var("unfinished", &unfinished)
    };
    let lines =
        forcing(database, force, || session().run()).map_err(|error| explain(error, database))?;
    let [.., found, beside, word] = lines.as_slice() else {
        return Err(no_word("drop", name));
    };
    match (parse(found)?.pop(), word.as_str()) {
        (_, "dropped") => Ok(Gone::Dropped),
        (None, "kept") => Ok(Gone::Missing),
        (Some(database), "kept") if database.mark.as_deref() == Some(&lease::mark(id)) => {
            let beside: Vec<Session> = parse_json(beside)?;
            Ok(Gone::Busy(database.sessions.into_iter().chain(beside).collect()))
        }
        (Some(database), "kept") => Ok(Gone::NotOurs(owner(database.mark.as_deref()))),
        _ => Err(no_word("drop", name)),
    }
}

/// Who is connected to a database, whosever it is.
///
/// # Errors
/// When the server does not answer.
pub fn visits(database: &Database) -> Result<Visits> {
    let session = psql::Session::new(&database.server, scripts::VISITS).var("name", &database.name);
    let lines = session.run().map_err(|error| explain(error, database))?;
    match lines.concat().as_str() {
        "" => Ok(Visits::default()),
        found => parse_json(found),
    }
}

/// Runs what needs a database that nothing uses. With `force` it runs again once what outlives sessions is ended.
fn forcing<T>(database: &Database, force: bool, run: impl Fn() -> Result<T>) -> Result<T> {
    match run() {
        Err(error) if force && sql_error::is_in_use(&error) => {
            let end = psql::Session::new(&database.server, scripts::END);
            end.var("name", &database.name).last(&["ended"]).run()?;
            run()
        }
        ran => ran,
    }
}

/// Looks at a database.
pub fn state(database: &Database, id: &str) -> Result<State> {
    let Database { server, name, .. } = database;
    require_name(name)?;
    let session = psql::Session::new(server, scripts::LOOK).var("name", name);
    let lines = session.run().map_err(|error| explain(error, database))?;
    Ok(match parse(&lines.concat())?.pop() {
        None => State::Missing,
        Some(database) if database.mark.as_deref() == Some(&lease::mark(id)) => State::Ours,
        Some(database) => State::NotOurs(owner(database.mark.as_deref())),
    })
}

/// The sessions on a database and on those that tests made beside it, each with its database.
pub fn sessions(database: &Database, id: &str) -> Result<Vec<(String, Session)>> {
    let Database { server, name, .. } = database;
    let session =
        session(server, also::SESSIONS.to_owned(), name, id).var("also", &also::patterns(database));
    parse_json(&session.run()?.concat())
}

/// Every database on a server that this program created or began to create, of all users and leases.
pub fn inventory(server: &Server) -> Result<Vec<Found>> {
    parse(&psql::Session::new(server, scripts::INVENTORY).run()?.concat())
}

/// Every database on a server but its own.
///
/// # Errors
/// When the server does not answer.
pub(super) fn databases(server: &Server) -> Result<Vec<Found>> {
    parse(&psql::Session::new(server, scripts::ALL).run()?.concat())
}

/// A psql on a database, on this process's stdin and stdout; `terminal`: these are a terminal.
pub fn client(database: &Database, args: &[&str], terminal: bool) -> Result<Cmd> {
    psql::client(&database.server, &database.name, args, terminal)
}

/// Checks that the server answers.
pub fn ping(server: &Server) -> Result<()> {
    psql::Session::new(server, "SELECT 1;\n").run().map(drop)
}

fn session<'a>(server: &'a Server, script: String, name: &str, id: &str) -> psql::Session<'a> {
    psql::Session::new(server, script)
        .var("name", name)
        .var("birth", &birth::now(name, id))
        .var("born", &birth::of(name, id))
        .var("mark", &lease::mark(id))
}

/// A boolean for psql.
fn on(yes: bool) -> &'static str {
    if yes { "on" } else { "off" }
}

fn require_name(name: &str) -> Result<()> {
    let problem = match name.len() {
        0 => "is empty".to_owned(),
        length if length > IDENTIFIER => {
            format!("has {length} bytes; Postgres keeps {IDENTIFIER}")
        }
        _ if name.contains('\0') => "contains a zero byte".to_owned(),
        _ => return Ok(()),
    };
    let message = format!("the database name `{}` {problem}", name.escape_debug());
    Err(error::config(message).hint("shorten `name` in `.agentenv.yaml`").into())
}

fn parse(text: &str) -> Result<Vec<Found>> {
    parse_json(text)
}

fn parse_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).context("cannot parse the output of psql")
}

fn owner(mark: Option<&str>) -> String {
    match mark {
        Some(mark) => format!("its comment is `{mark}`"),
        None => "it has no comment".to_owned(),
    }
}

fn not_made(error: anyhow::Error, database: &Database) -> anyhow::Error {
    match error.downcast_ref::<SqlError>().map(|sql| sql.code.as_str()) {
        // Another process created it before our RENAME.
        Some("42P04" | "23505") => not_ours(&database.name),
        Some("42501") => {
            let user = &database.server.user;
            let hint = format!(
                "run `ALTER ROLE \"{user}\" CREATEDB`, or set another `user` in `.agentenv.yaml`"
            );
            let message = format!(
                "cannot create database `{}`: user `{user}` has no permission",
                database.name
            );
            error::service(message).hint(hint).into()
        }
        _ => explain(error, database),
    }
}

fn explain(error: anyhow::Error, database: &Database) -> anyhow::Error {
    let Some(sql) = error.downcast_ref::<SqlError>() else {
        return error;
    };
    let name = &database.name;
    match sql.code.as_str() {
        "57014" => error::service(format!("postgres timed out on database `{name}`"))
            .hint("another process may be creating or dropping it: try again in a moment"),
        "55006" => error::refused(format!("database `{name}` is in use: {}", sql.message)),
        _ => error::service(format!("database `{name}`: {sql}")),
    }
    .into()
}

fn no_word(what: &str, name: &str) -> anyhow::Error {
    let message = format!("cannot {what} database `{name}`: psql ended without an answer");
    error::service(message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_postgres_would_cut_is_an_error() {
        assert!(require_name(&"x".repeat(63)).is_ok());
        assert!(require_name(&"é".repeat(32)).is_err());
        assert!(require_name("").is_err());
        assert!(require_name("a\0b").is_err());
    }
}
