//! Replaces a database by a copy of another: as a template when the source has no sessions, else by a dump.

use super::psql::{self, SqlError};
use super::{BIRTH, on, owner, parse, require_name, scripts, session};
use crate::error::{self, Exit, Failure};
use crate::model::lease;
use crate::service::Server;
use anyhow::Result;

/// What to copy, and to where.
#[derive(Debug, Clone)]
pub struct Copy<'a> {
    /// The server of both.
    pub server: &'a Server,
    /// The id of the lease that the copy belongs to.
    pub id: &'a str,
    /// The database to copy.
    pub source: &'a str,
    /// The database to create.
    pub target: &'a str,
    /// The mark of the copy. A database that is replaced must have it.
    pub mark: String,
    /// Replace an existing database.
    pub replace: bool,
    /// End the sessions on the database that is replaced; those on the source are never ended.
    pub force: bool,
}

/// How it was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Means {
    /// By the server itself: the source had no sessions.
    Template,
    /// By a dump: the source had sessions.
    Dump,
}

/// Copies a database. A database that is replaced stays until the copy is complete.
///
/// # Errors
/// `Refused` when the target is not ours, is in use, or exists and may not be replaced; `NotFound` without a source.
pub fn copy(copy: &Copy) -> Result<Means> {
    for name in [copy.source, copy.target] {
        require_name(name)?;
    }
    let means = match fill(copy, false) {
        // A client connected meanwhile, or the user may not use the source as a template.
        Err(error) if is_refusal(&error) => fill(copy, true),
        filled => filled,
    };
    let means = means.map_err(|error| explain(copy, error))?;
    let swapped = run(copy, scripts::SWAP, false).map_err(|error| explain(copy, error))?;
    match swapped.as_str() {
        "made" => Ok(means),
        _ => Err(super::no_word("create", copy.target)),
    }
}

fn fill(copy: &Copy, dump: bool) -> Result<Means> {
    match run(copy, scripts::COPY, dump)?.as_str() {
        "copied" => Ok(Means::Template),
        "empty" => {
            psql::dump(copy.server, copy.source, &birth(copy))?;
            Ok(Means::Dump)
        }
        _ => Err(super::no_word("create", copy.target)),
    }
}

/// Runs one of the scripts and returns its last word, unless that is a refusal.
fn run(copy: &Copy, script: &str, dump: bool) -> Result<String> {
    let spare = format!("{}_old", birth(copy));
    let clause = if copy.force { scripts::FORCE } else { "" };
    let lines = session(copy.server, script.replace("{force}", clause), copy.target, copy.id)
        .var("own", &copy.mark)
        .var("source", copy.source)
        .var("replace", on(copy.replace))
        .var("force", on(copy.force))
        .var("dump", on(dump))
        .var("spare", &spare)
        .var("spare_mark", &lease::mark_of_copy(copy.id, "old", copy.target))
        .limit(psql::COPYING)
        .run()?;
    let word = lines.last().cloned().unwrap_or_default();
    let found = lines.first().map_or(Ok(Vec::new()), |found| parse(found))?.pop();
    match (word.as_str(), found) {
        ("absent", _) => {
            let message = format!("no database `{}` to copy", copy.source);
            Err(error::not_found(message).into())
        }
        ("foreign", Some(database)) => {
            let whose = owner(&database);
            let message = format!("database `{}` is not this environment's ({whose})", copy.target);
            Err(error::refused(message).into())
        }
        ("exists", _) => {
            let message = format!("database `{}` already exists", copy.target);
            Err(error::refused(message).hint("`--force` replaces it").into())
        }
        ("busy", Some(database)) => Err(super::in_use(copy.target, &database.sessions)),
        _ => Ok(word),
    }
}

fn birth(copy: &Copy) -> String {
    format!("{BIRTH}{}", copy.id)
}

fn is_refusal(error: &anyhow::Error) -> bool {
    error.downcast_ref::<SqlError>().is_some_and(|sql| ["55006", "42501"].contains(&&*sql.code))
}

fn explain(copy: &Copy, error: anyhow::Error) -> anyhow::Error {
    let Some(sql) = error.downcast_ref::<SqlError>() else {
        return error;
    };
    let exit = if sql.code == "55006" { Exit::Refused } else { Exit::Service };
    let message = format!("cannot copy database `{}` to `{}`: {sql}", copy.source, copy.target);
    Failure::new(exit, message).into()
}
