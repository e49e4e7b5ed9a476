//! PostgreSQL: a database for each environment. Each operation is one psql session, for each costs a process in
//! the container.

pub mod copy;
mod psql;
mod scripts;
pub mod snapshot;

use super::{Gone, Server, Session, State};
use crate::error;
use crate::model::lease::{self, Part};
use crate::model::name::IDENTIFIER;
use crate::service::inventory::listed;
use crate::sys::exec::Cmd;
use anyhow::{Context, Result};
use psql::SqlError;
use serde::Deserialize;

/// What the name of a database that is being made begins with; the lease's id follows.
const BIRTH: &str = "agentenv_";

/// A database on a server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// Its comment.
    pub mark: Option<String>,
    /// Who uses it.
    pub sessions: Vec<Session>,
}

impl Database {
    /// The id of the lease that it was made for.
    pub fn id(&self) -> Option<&str> {
        match &self.mark {
            Some(mark) => lease::id_of_mark(mark),
            None => self.name.strip_prefix(BIRTH),
        }
    }
}

/// Makes the database of a part, marked with the lease's id, as a copy of `template` if there is one. One that
/// carries the mark already is fine.
///
/// # Errors
/// Refused when a database of this name is not ours or the template is in use; else when the server is missing.
pub fn create(part: &Part, id: &str, template: Option<&str>) -> Result<()> {
    let name = &part.holds;
    for name in template.into_iter().chain([name.as_str()]) {
        require_name(name)?;
    }
    let server = Server::of_part(part);
    let clause = template.map_or("", |_| scripts::TEMPLATE);
    let create = scripts::CREATE.replace("{template}", clause);
    let mut session = session(&server, scripts::LOCK.to_owned(), name, id)
        .then(scripts::LOCKED, create)
        .last(&["made", "ours", "taken"]);
    if let Some(template) = template {
        session = session.var("template", template).limit(psql::COPYING);
    }
    let lines = session.run().map_err(|error| not_made(error, part, template))?;
    match lines.last().map(String::as_str) {
        Some("made" | "ours") => Ok(()),
        Some("taken") => Err(not_ours(name)),
        _ => Err(no_word("create", name)),
    }
}

/// Drops the database of a part if it carries the lease's id, and with `force` even if it is in use; with it the
/// snapshots that were made of it.
///
/// # Errors
/// When the server is missing or refuses. A database that stays for a reason is no error but an answer.
pub fn give_back(part: &Part, id: &str, force: bool) -> Result<Gone> {
    drop_database(part, id, force, true)
}

/// Drops and makes the database of a part, so that it is empty; snapshots stay. Nothing is done to one that stays.
///
/// # Errors
/// When the server is missing or refuses.
pub fn reset(part: &Part, id: &str, force: bool) -> Result<Gone> {
    let gone = drop_database(part, id, force, false)?;
    if matches!(gone, Gone::Dropped | Gone::Missing) {
        create(part, id, None)?;
    }
    Ok(gone)
}

fn drop_database(part: &Part, id: &str, force: bool, copies: bool) -> Result<Gone> {
    let name = &part.holds;
    require_name(name)?;
    let server = Server::of_part(part);
    let clause = if force { scripts::FORCE } else { "" };
    let script = scripts::DROP.replace("{force}", clause);
    let session =
        session(&server, script, name, id).var("force", on(force)).var("copies", on(copies));
    let lines = session.last(&["dropped", "kept"]).run().map_err(|error| explain(error, part))?;
    let [.., found, word] = lines.as_slice() else {
        return Err(no_word("drop", name));
    };
    match (parse(found)?.pop(), word.as_str()) {
        (_, "dropped") => Ok(Gone::Dropped),
        (None, "kept") => Ok(Gone::Missing),
        (Some(database), "kept") if database.mark.as_deref() == Some(&lease::mark(id)) => {
            Ok(Gone::Busy(database.sessions))
        }
        (Some(database), "kept") => Ok(Gone::NotOurs(owner(&database))),
        _ => Err(no_word("drop", name)),
    }
}

/// How the database of a part is.
///
/// # Errors
/// When the server is missing or refuses.
pub fn state(part: &Part, id: &str) -> Result<State> {
    require_name(&part.holds)?;
    let server = Server::of_part(part);
    let session = psql::Session::new(&server, scripts::LOOK).var("name", &part.holds);
    let lines = session.run().map_err(|error| explain(error, part))?;
    Ok(match parse(&lines.concat())?.pop() {
        None => State::Missing,
        Some(database) if database.mark.as_deref() == Some(&lease::mark(id)) => State::Ours,
        Some(database) => State::NotOurs(owner(&database)),
    })
}

/// Every database on a server that this program made, whoever holds it now, or began to make.
///
/// # Errors
/// When the server is missing or refuses.
pub fn inventory(server: &Server) -> Result<Vec<Database>> {
    parse(&psql::Session::new(server, scripts::INVENTORY).run()?.concat())
}

/// A psql on the part's database, on this process's own stdin and stdout; `terminal`: these are one.
///
/// # Errors
/// When there is no such container.
pub fn client(part: &Part, args: &[&str], terminal: bool) -> Result<Cmd> {
    psql::client(&Server::of_part(part), &part.holds, args, terminal)
}

/// Ends well when the server answers.
///
/// # Errors
/// When it is missing or refuses.
pub fn answers(server: &Server) -> Result<()> {
    psql::Session::new(server, "SELECT 1;\n").run().map(drop)
}

fn session<'a>(server: &'a Server, script: String, name: &str, id: &str) -> psql::Session<'a> {
    psql::Session::new(server, script)
        .var("name", name)
        .var("birth", &format!("{BIRTH}{id}"))
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
            format!("has {length} bytes, and Postgres keeps {IDENTIFIER}")
        }
        _ if name.contains('\0') => "holds a zero byte".to_owned(),
        _ => return Ok(()),
    };
    let message = format!("the database name `{}` {problem}", name.escape_debug());
    Err(error::config(message).hint("shorten `name` in `.agentenv.yaml`").into())
}

fn parse(text: &str) -> Result<Vec<Database>> {
    serde_json::from_str(text).context("cannot read what psql printed")
}

fn owner(database: &Database) -> String {
    match &database.mark {
        Some(mark) => format!("its comment is `{mark}`"),
        None => "it has no comment".to_owned(),
    }
}

/// The refusal that names who uses a database.
pub fn in_use(name: &str, sessions: &[Session]) -> anyhow::Error {
    error::refused(format!("database `{name}` is in use by {}", listed(sessions)))
        .hint("end these sessions, or give them up with `--force`")
        .into()
}

fn not_ours(name: &str) -> anyhow::Error {
    error::refused(format!("database `{name}` exists and is not ours"))
        .hint("choose another `name` in `.agentenv.yaml`, or drop or rename that database yourself")
        .into()
}

fn not_made(error: anyhow::Error, part: &Part, template: Option<&str>) -> anyhow::Error {
    let code = error.downcast_ref::<SqlError>().map(|sql| sql.code.as_str());
    match (code, template) {
        // Somebody else was quicker than our RENAME.
        (Some("42P04" | "23505"), _) => not_ours(&part.holds),
        (Some("55006"), Some(template)) => {
            let message = format!("database `{template}` is in use and cannot be copied");
            let hint = "end the sessions on it: a copy needs it to itself";
            error::refused(message).hint(hint).into()
        }
        (Some("3D000"), Some(template)) => {
            error::service(format!("there is no database `{template}` to copy")).into()
        }
        (Some("42501"), _) => {
            let user = &part.user;
            let hint = format!(
                "ALTER ROLE \"{user}\" CREATEDB; or name another `user` in `.agentenv.yaml`"
            );
            let message = format!("user `{user}` may not create database `{}`", part.holds);
            error::service(message).hint(hint).into()
        }
        _ => explain(error, part),
    }
}

fn explain(error: anyhow::Error, part: &Part) -> anyhow::Error {
    let Some(sql) = error.downcast_ref::<SqlError>() else {
        return error;
    };
    let name = &part.holds;
    match sql.code.as_str() {
        "57014" => {
            error::service(format!("postgres did not finish with database `{name}` in time"))
                .hint("another process may be making or dropping it: try again in a moment")
        }
        "55006" => error::refused(format!("database `{name}` is in use: {}", sql.message)),
        _ => error::service(format!("database `{name}`: {sql}")),
    }
    .into()
}

fn no_word(what: &str, name: &str) -> anyhow::Error {
    let message = format!("psql ended without an answer: cannot {what} database `{name}`");
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

    #[test]
    fn a_database_says_whose_it_is() {
        let of = |name: &str, mark: Option<&str>| Database {
            name: name.to_owned(),
            mark: mark.map(str::to_owned),
            sessions: Vec::new(),
        };
        let id = "0123456789abcdef01234567";
        assert_eq!(of("app_x", Some(&lease::mark(id))).id(), Some(id));
        assert_eq!(of(&format!("agentenv_{id}"), None).id(), Some(id));
        assert_eq!(of("app_x", Some("mine")).id(), None);
    }
}
