//! What a database is like: its size, its age, its sessions, and what lies beside it.

use super::marked::marked_row;
use super::scripts::{self, Names};
use super::{client, explain, no_answer, parse_session, parse_sessions};
use crate::error;
use crate::service::detail::{Detail, Part};
use crate::service::removal::Look;
use crate::service::{Database, Session, snapshot};
use anyhow::Result;

/// What belongs to a database of an environment.
#[derive(Default)]
pub(super) struct Around {
    /// The databases that tests made beside it.
    pub(super) beside: Vec<Part>,
    /// The sessions on those, each with its database.
    pub(super) sessions: Vec<(String, Session)>,
    /// The copies that the lease keeps of it, with their marks.
    pub(super) copies: Vec<(Part, String)>,
}

impl Around {
    fn parse(lines: &[String]) -> Self {
        let mut around = Around::default();
        for line in lines {
            if let Some(part) = line.strip_prefix("beside\t") {
                around.beside.extend(parse_part(part));
            } else if let Some((database, rest)) = user(line) {
                around.sessions.extend(parse_session(rest).map(|one| (database.to_owned(), one)));
            } else if let Some((name, rest)) = rest_of(line, "copy\t")
                && let Some((mark, bytes)) = marked_row(name, rest)
            {
                around.copies.push((Part { database: name.to_owned(), bytes }, mark));
            }
        }
        around
    }

    /// The sessions on the databases beside it.
    pub(super) fn users(&self) -> Vec<Session> {
        self.sessions.iter().map(|(_, session)| session.clone()).collect()
    }
}

fn rest_of<'a>(line: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    line.strip_prefix(word)?.split_once('\t')
}

fn user(line: &str) -> Option<(&str, &str)> {
    rest_of(line, "user\t")
}

fn parse_part(line: &str) -> Option<Part> {
    let (name, bytes) = line.split_once('\t')?;
    Some(Part { database: name.to_owned(), bytes: bytes.parse().ok()? })
}

/// What belongs to a database.
pub(super) fn around(database: &Database, names: &Names) -> Result<Around> {
    Ok(Around::parse(&ask(database, names)?))
}

fn ask(database: &Database, names: &Names) -> Result<Vec<String>> {
    let script = scripts::look::detail(names, &database.likes());
    client::run(&database.server, script, None).map_err(|error| explain(error, database))
}

/// Looks at a database of the lease with this id; `None`: there is none, or it is another's.
pub fn detail(database: &Database, id: &str) -> Result<Option<Detail>> {
    let lines = ask(database, &Names::new(&database.name, id))?;
    if lines.last().is_none_or(|word| word != "ours") {
        return Ok(None);
    }
    let around = Around::parse(&lines);
    let number = |word: &str| {
        let prefix = format!("{word}\t");
        lines.iter().find_map(|line| line.strip_prefix(&prefix)?.parse().ok())
    };
    let snapshot = |(part, mark): (Part, String)| {
        Some((snapshot::named(database, id, &mark)?.to_owned(), part))
    };
    Ok(Some(Detail {
        bytes: number("bytes").unwrap_or_default(),
        created: number("created"),
        sessions: parse_sessions(&lines),
        also: around.beside,
        snapshots: around.copies.into_iter().filter_map(snapshot).collect(),
    }))
}

/// The sessions on a database and on those that tests made beside it, each with its database.
pub fn sessions(database: &Database, id: &str) -> Result<Vec<(String, Session)>> {
    let lines = ask(database, &Names::new(&database.name, id))?;
    let own = parse_sessions(&lines).into_iter().map(|one| (database.name.clone(), one));
    Ok(own.chain(Around::parse(&lines).sessions).collect())
}

/// What a database that is to be removed is like.
pub fn look(database: &Database, id: &str) -> Result<Look> {
    let lines = ask(database, &Names::new(&database.name, id))?;
    let own = parse_sessions(&lines).into_iter().map(|one| (database.name.clone(), one));
    let sessions = own.chain(Around::parse(&lines).sessions).collect();
    let is_ours = lines.last().is_some_and(|word| word == "ours");
    let size = lines.iter().find_map(|line| line.strip_prefix("bytes\t")?.parse().ok());
    Ok(Look { sessions, size: size.filter(|_| is_ours), ..Look::default() })
}

/// The sessions on a database itself, whosever it is.
pub fn users(database: &Database) -> Result<Vec<Session>> {
    let script = scripts::sessions(&database.name);
    Ok(parse_sessions(&client::run(&database.server, script, None)?))
}

/// How often is waited for a second in which nothing is written to a database.
const TRIES: usize = 5;

/// What differs once something is written to a database from now on. No server of this kind can let no client connect.
///
/// # Errors
/// `Refused` when something is written to it all the time.
pub(super) fn written(database: &Database) -> Result<String> {
    for _ in 0..TRIES {
        let (seen, is_settled) = ask_written(database)?;
        if is_settled {
            return Ok(seen);
        }
    }
    Err(was_written(&database.name))
}

/// What [`written`] would say now, if nothing is written in this second any more.
pub(super) fn written_now(database: &Database) -> Result<String> {
    ask_written(database).map(|(seen, _)| seen)
}

fn ask_written(database: &Database) -> Result<(String, bool)> {
    let script = scripts::look::written(&database.name);
    match client::run(&database.server, script, None)?.as_slice() {
        [seen, word] => Ok((seen.clone(), word == "settled")),
        _ => Err(no_answer("look at", &database.name)),
    }
}

/// A database changed after [`written`] said what it was like.
pub(super) fn was_written(name: &str) -> anyhow::Error {
    let message = format!("database `{name}` was written to while it was copied");
    error::refused(message).hint("stop what writes to it, then try again").into()
}
