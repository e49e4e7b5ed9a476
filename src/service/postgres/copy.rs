//! Creates or replaces a database as a copy: as a template when the source has no sessions, else by a dump.

use super::psql::{self, SqlError};
use super::{BIRTH, dump_file, likeness, on, owner, parse, require_name, scripts, session};
use crate::error::{self, Exit, Failure, exit_of};
use crate::model::lease;
use crate::model::source::Source;
use crate::service::{Database, Server};
use crate::sys::failpoint;
use anyhow::Result;

/// What to copy, and to where.
#[derive(Debug, Clone)]
pub struct Copy<'a> {
    /// The server of both.
    pub server: &'a Server,
    /// The id of the lease that the copy belongs to.
    pub id: &'a str,
    /// What to copy.
    pub source: &'a Source,
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
    /// From a dump file.
    File,
}

/// The lines that end a script.
const WORDS: [&str; 8] =
    ["copied", "empty", "made", "absent", "foreign", "exists", "busy", "lacking"];

/// Copies a database. A database that is replaced stays until the copy is complete.
///
/// # Errors
/// `Refused` when the target is not ours, is in use, or exists and may not be replaced, and when the user may not use a
/// role that the source needs; `NotFound` without a source.
pub fn copy(copy: &Copy) -> Result<Means> {
    attempt(copy)?.ok_or_else(|| {
        let message = format!("database `{}` already exists", copy.target);
        error::refused(message).hint("`--force` replaces it").into()
    })
}

/// Creates a database that carries the lease's mark as a copy. Does nothing when it exists.
pub(super) fn create(database: &Database, id: &str, source: &Source) -> Result<()> {
    let copy = Copy {
        server: &database.server,
        id,
        source,
        target: &database.name,
        mark: lease::mark(id),
        replace: false,
        force: false,
    };
    attempt(&copy).map(drop)
}

/// `None`: the target exists, is ours and may not be replaced.
fn attempt(copy: &Copy) -> Result<Option<Means>> {
    require_name(copy.target)?;
    let copied = fill(copy).and_then(|means| {
        if means.is_some() {
            failpoint::point("copy-filled")?;
            run(copy, scripts::SWAP.replace("{dress}", likeness::DRESS), false)?;
        }
        Ok(means)
    });
    copied.map_err(|error| {
        if exit_of(&error) != Exit::Interrupted {
            discard(copy);
        }
        explain(copy, error)
    })
}

/// Creates the copy under its temporary name.
fn fill(copy: &Copy) -> Result<Option<Means>> {
    let source = match copy.source {
        Source::Database(source) => source,
        Source::Dump(path) => {
            let dump = dump_file::open(path)?;
            let Some(_) = run(copy, scripts::BLANK.to_owned(), false)? else { return Ok(None) };
            return dump.restore(copy.server, &birth(copy)).map(|()| Some(Means::File));
        }
    };
    require_name(source)?;
    let script = scripts::COPY
        .replace("{lacking}", likeness::LACKING)
        .replace("{files}", likeness::COPY_FILES)
        .replace("{like}", likeness::CREATE_LIKE);
    let word = match run(copy, script.clone(), false) {
        // A client connected meanwhile, or the user may not use the source as a template.
        Err(error) if is_refusal(&error) => run(copy, script, true),
        ran => ran,
    }?;
    match word.as_deref() {
        Some("empty") => {
            psql::dump(copy.server, source, &birth(copy))?;
            Ok(Some(Means::Dump))
        }
        word => Ok(word.map(|_| Means::Template)),
    }
}

/// Runs one of the scripts under the lock of the lease and returns its last line, unless that is a refusal. `None`: the
/// target exists, is ours and may not be replaced.
fn run(copy: &Copy, script: String, dump: bool) -> Result<Option<String>> {
    let clause = if copy.force { scripts::FORCE } else { "" };
    let source = match copy.source {
        Source::Database(name) => name,
        Source::Dump(_) => "",
    };
    let lines = session(copy.server, scripts::LOCK.to_owned(), copy.target, copy.id)
        .then(scripts::LOCKED, script.replace("{force}", clause))
        .last(&WORDS)
        .var("own", &copy.mark)
        .var("source", source)
        .var("replace", on(copy.replace))
        .var("force", on(copy.force))
        .var("dump", on(dump))
        .var("large", &likeness::LARGE.to_string())
        .var("spare", &format!("{}_old", birth(copy)))
        .var("spare_mark", &lease::mark_of_copy(copy.id, "old", copy.target))
        .limit(psql::COPYING)
        .run()?;
    let [_locked, found, .., word] = lines.as_slice() else {
        return Err(super::no_word("create", copy.target));
    };
    match (word.as_str(), parse(found)?.pop()) {
        ("absent", _) => Err(error::not_found(format!("no database `{source}` to copy")).into()),
        ("lacking", _) => Err(lacking(copy, lines.iter().rev().nth(1).map_or("", String::as_str))),
        ("foreign", Some(database)) => {
            let whose = owner(&database);
            let message = format!("database `{}` is not this environment's ({whose})", copy.target);
            Err(error::refused(message).into())
        }
        ("busy", Some(database)) => Err(super::in_use(copy.target, &database.sessions)),
        ("exists", _) => Ok(None),
        _ => Ok(Some(word.clone())),
    }
}

/// Drops an unfinished copy. Without an answer the next command about the environment does it.
fn discard(copy: &Copy) {
    let script = session(copy.server, scripts::LOCK.to_owned(), copy.target, copy.id);
    script.then(scripts::LOCKED, scripts::DISCARD).last(&["dropped"]).run().ok();
}

fn birth(copy: &Copy) -> String {
    format!("{BIRTH}{}", copy.id)
}

fn is_refusal(error: &anyhow::Error) -> bool {
    error.downcast_ref::<SqlError>().is_some_and(|sql| ["55006", "42501"].contains(&&*sql.code))
}

fn lacking(copy: &Copy, roles: &str) -> anyhow::Error {
    let user = &copy.server.user;
    let message =
        format!("cannot copy database `{}`: user `{user}` is not a member of {roles}", copy.source);
    let hint = format!("run `GRANT {roles} TO \"{user}\"`, or set another `user`");
    error::refused(message).hint(hint).into()
}

fn explain(copy: &Copy, error: anyhow::Error) -> anyhow::Error {
    let Some(sql) = error.downcast_ref::<SqlError>() else {
        return error;
    };
    // Another process created it before our RENAME.
    if ["42P04", "23505"].contains(&&*sql.code) {
        return super::not_ours(copy.target);
    }
    let exit = if sql.code == "55006" { Exit::Refused } else { Exit::Service };
    let message = format!("cannot copy database `{}` to `{}`: {sql}", copy.source, copy.target);
    Failure::new(exit, message).into()
}
