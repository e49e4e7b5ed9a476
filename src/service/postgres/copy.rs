//! Creates or replaces a database as a copy: as a template when the source has no sessions, else by a dump.

mod refusal;

use super::psql;
use super::room;
use super::sql_error::SqlError;
use super::{
    birth, dump_file, forcing, likeness, on, owner, parse, require_name, scripts, session,
};
use crate::error::{self, Exit, exit_of};
use crate::model::lease;
use crate::model::source::Source;
use crate::service::Database;
use crate::service::copy::{Copied, Copy, Dump, Means};
use crate::service::room::NoRoom;
use crate::sys::{failpoint, interrupt};
use anyhow::Result;
use refusal::{explain, lacking, spare_taken, unsettable};

/// The lines that end a script.
const WORDS: [&str; 11] = [
    "copied",
    "empty",
    "made",
    "absent",
    "foreign",
    "exists",
    "busy",
    "spare-taken",
    "lacking",
    "unsettable",
    "full",
];

/// Copies a database. `None`: the target exists, is ours and may not be replaced.
///
/// # Errors
/// As [`crate::service::copy::copy`].
pub(in crate::service) fn copy(copy: &Copy) -> Result<Option<Copied>> {
    attempt(copy, &copy.mark, &dress(), NOTHING)
}

/// Creates a database that carries the lease's mark as a copy. Does nothing when it exists.
pub(super) fn create(database: &Database, id: &str, source: &Source) -> Result<()> {
    let copy = Copy::new(&database.server, id, Some(source), &database.name, lease::mark(id));
    attempt(&copy, &copy.mark, &dress(), NOTHING).map(drop)
}

/// Copies a database, lets `prepare` change the copy, and publishes it without connections under this mark.
pub(in crate::service) fn publish(
    copy: &Copy,
    mark: &str,
    prepare: impl FnOnce(&Database) -> Result<()>,
) -> Result<()> {
    let closed = dress() + likeness::CLOSE;
    attempt(copy, mark, &closed, Some(prepare)).map(drop)
}

/// Nothing is changed in a copy before it is published.
const NOTHING: Option<fn(&Database) -> Result<()>> = None;

/// What makes a copy like its source once it is filled.
fn dress() -> String {
    [likeness::DRESS, likeness::SETTINGS].concat()
}

/// `None`: the target exists, is ours and may not be replaced.
fn attempt(
    copy: &Copy,
    mark: &str,
    dress: &str,
    prepare: Option<impl FnOnce(&Database) -> Result<()>>,
) -> Result<Option<Copied>> {
    require_name(copy.target)?;
    let swap = scripts::copy::SWAP.replace("{dress}", dress);
    // A session less, where the server itself makes all of it.
    let publish = scripts::copy::PUBLISH.replace("{dress}", likeness::DRESS);
    let at_once = if prepare.is_none() && !copy.replace { publish.as_str() } else { "" };
    let filled = fill(copy, at_once).or_else(|error| match error.downcast_ref::<NoRoom>() {
        Some(short) if room::make(copy, short)? => fill(copy, at_once),
        _ => Err(error),
    });
    // Nothing was begun.
    if let Err(error) = &filled
        && exit_of(error) == Exit::NotFound
    {
        return filled.map(|_| None);
    }
    let copied = filled.and_then(|filled| {
        failpoint::point("copy-filled")?;
        let means = match filled {
            None => return Ok(None),
            Some(Filled::Published) => {
                return Ok(Some(Copied { means: Means::Template, existed: false }));
            }
            Some(Filled::By(means)) => means,
        };
        if let Some(prepare) = prepare {
            prepare(&Database::new(copy.server, unfinished(copy)))?;
        }
        let target = Database::new(copy.server, copy.target);
        let swap = || tell(copy, mark, swap.clone(), false, 0);
        let swapped = forcing(&target, copy.force, swap)?;
        Ok(swapped.map(|(_, existed)| Copied { means, existed }))
    });
    copied.map_err(|error| {
        discard(copy, &error);
        explain(copy, error)
    })
}

/// A copy that was filled.
enum Filled {
    /// Under its temporary name.
    By(Means),
    /// By the server itself, and it has its real name.
    Published,
}

/// Creates the copy under its temporary name. Where the server itself fills it, the same session runs `at_once`.
fn fill(copy: &Copy, at_once: &str) -> Result<Option<Filled>> {
    let source = match copy.source {
        Some(Source::Database(source)) => source,
        Some(Source::Dump(path) | Source::File(path)) => {
            let dump = dump_file::open(path)?;
            let script = scripts::copy::BLANK.replace("{room}", room::OF_FILE);
            if tell(copy, &copy.mark, script, false, dump.bytes())?.is_none() {
                return Ok(None);
            }
            dump.restore(copy.server, &unfinished(copy), false)?;
            return Ok(Some(Filled::By(Means::File)));
        }
        None => {
            let empty = run(copy, &copy.mark, scripts::copy::EMPTY.to_owned(), false)?;
            return Ok(empty.map(|_| Filled::By(Means::Empty)));
        }
    };
    require_name(source)?;
    let script = scripts::copy::COPY
        .replace("{lacking}", likeness::LACKING)
        .replace("{room}", room::OF_SOURCE)
        .replace("{files}", likeness::COPY_FILES)
        .replace("{fits}", room::FITS)
        .replace("{like}", likeness::CREATE_LIKE)
        .replace("{settings}", likeness::SETTINGS)
        .replace("{at_once}", at_once);
    let dump = copy.dump != Dump::default();
    let word = match run(copy, &copy.mark, script.clone(), dump) {
        // A client connected meanwhile, or the user may not use the source as a template.
        Err(error) if is_refusal(&error) => run(copy, &copy.mark, script, true),
        ran => ran,
    }?;
    match word.as_deref() {
        Some("empty") => {
            super::dump::fill(copy.server, source, &unfinished(copy), &copy.dump)?;
            Ok(Some(Filled::By(Means::Dump)))
        }
        Some("made") => Ok(Some(Filled::Published)),
        word => Ok(word.map(|_| Filled::By(Means::Template))),
    }
}

fn run(copy: &Copy, mark: &str, script: String, dump: bool) -> Result<Option<String>> {
    Ok(tell(copy, mark, script, dump, 0)?.map(|(word, _)| word))
}

/// Runs one of the scripts under the lock of the lease and returns its last line, unless that is a refusal, and whether
/// the target existed. `None`: the target exists, is ours and may not be replaced.
///
/// # Errors
/// [`NoRoom`] when the copy does not fit: as much as its source, or `need` bytes of a file.
fn tell(
    copy: &Copy,
    mark: &str,
    script: String,
    dump: bool,
    need: u64,
) -> Result<Option<(String, bool)>> {
    let clause = if copy.force { scripts::FORCE } else { "" };
    let source = match copy.source {
        Some(Source::Database(name)) => name,
        Some(Source::Dump(_) | Source::File(_)) | None => "",
    };
    let spare = || {
        (
            format!("{}_old", birth::of(copy.target, copy.id)),
            lease::mark_of_copy(copy.id, "old", copy.target),
        )
    };
    let (spare, spare_mark) = copy.keep.clone().unwrap_or_else(spare);
    let session = session(copy.server, scripts::LOCK.to_owned(), copy.target, copy.id);
    let vars = room::vars(copy, need);
    let lines = vars
        .iter()
        .fold(session, |session, (name, value)| session.var(name, value))
        .then(scripts::LOCKED, script.replace("{force}", clause))
        .last(&WORDS)
        .var("own", &copy.mark)
        .var("new", mark)
        .var("source", source)
        .var("replace", on(copy.replace))
        .var("force", on(copy.force))
        .var("dump", on(dump))
        .var("large", &likeness::LARGE.to_string())
        .var("spare", &spare)
        .var("spare_mark", &spare_mark)
        .var("keep", on(copy.keep.is_some()))
        .limit(psql::COPYING)
        .run()?;
    let [_locked, found, .., word] = lines.as_slice() else {
        return Err(super::no_word("create", copy.target));
    };
    let said = || lines.iter().rev().nth(1).map_or("", String::as_str);
    match (word.as_str(), parse(found)?.pop()) {
        ("absent", _) => Err(error::not_found(format!("no database `{source}` to copy")).into()),
        ("lacking", _) => Err(lacking(copy, said())),
        ("unsettable", _) => Err(unsettable(copy, said())),
        ("full", _) => Err(super::parse_json::<NoRoom>(said())?.into()),
        ("foreign", Some(database)) => {
            let whose = owner(database.mark.as_deref());
            let message = format!("database `{}` is not this environment's ({whose})", copy.target);
            Err(error::refused(message).into())
        }
        ("busy", Some(database)) => Err(crate::service::in_use(copy.target, &database.sessions)),
        ("spare-taken", _) => Err(spare_taken(copy, &spare)),
        ("exists", _) => Ok(None),
        (_, found) => Ok(Some((word.clone(), found.is_some()))),
    }
}

/// Drops an unfinished copy, also after an interruption, with what an ended client left at work on it. Without an answer
/// `prune` does it, or the next command about the environment.
fn discard(copy: &Copy, error: &anyhow::Error) {
    let drop = || {
        let first = [scripts::copy::STOP, scripts::LOCK].concat();
        let script = session(copy.server, first, copy.target, copy.id);
        script.then(scripts::LOCKED, scripts::copy::DISCARD).last(&["dropped"]).run().ok();
    };
    let own = lease::mark(copy.id);
    let is_of_lease = copy.replace || copy.mark != own;
    // Beside others that a signal still has to reach. What `add` began, it rolls back after all of them have ended.
    match copy.mark.starts_with(&own) && is_of_lease {
        true => {
            interrupt::undoing();
            drop();
            interrupt::undone();
        }
        false if exit_of(error) == Exit::Interrupted => {}
        false => drop(),
    }
}

fn unfinished(copy: &Copy) -> String {
    birth::now(copy.target, copy.id)
}

fn is_refusal(error: &anyhow::Error) -> bool {
    error.downcast_ref::<SqlError>().is_some_and(|sql| ["55006", "42501"].contains(&&*sql.code))
}
