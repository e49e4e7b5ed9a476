//! Creates or replaces a database as a copy: of another one on the server, by its own programs, or of a dump.
//!
//! A database cannot be renamed. One that is not complete says so by its mark, or by the announcement of an environment's
//! own, until all content is there: what looks at it takes it for missing, and creates it anew. One that is replaced is
//! copied first, to the snapshot that keeps it, or to a copy that goes when the new content is there.

mod content;
mod dump;
mod refusal;
mod replaced;

use super::client;
use super::scripts::{self, copy::Target};
use super::{detail, end_holder, events, explain, no_answer, parse_sessions, require_name, room};
use crate::error::{Exit, Failure, exit_of, hint_of};
use crate::model::lease;
use crate::model::source::Source;
use crate::service::copy::{Copied, Copy};
use crate::service::room::NoRoom;
use crate::service::template::Mask;
use crate::service::{Database, Server, in_use, not_ours, template};
use crate::sys::{failpoint, interrupt};
use crate::ui::Reached;
use anyhow::Result;
use content::Content;
use replaced::{Old, forget, keep, put_back, spare};

/// Creates a database with the lease's mark as a copy. Does nothing when it is there and complete.
///
/// # Errors
/// `NotFound` without a source; `Refused` when the source has what cannot be copied, or the database is not ours.
pub(super) fn create(database: &Database, id: &str, source: &Source) -> Result<()> {
    let mark = lease::mark(id);
    copy(&plain(database, id, source, &database.name, mark)).map(drop)
}

/// A copy that replaces nothing.
pub(super) fn plain<'a>(
    database: &'a Database,
    id: &'a str,
    source: &'a Source,
    target: &'a str,
    mark: String,
) -> Copy<'a> {
    Copy::new(&database.server, id, Some(source), target, mark)
}

/// Copies a database. `None`: the target exists, is ours and may not be replaced.
///
/// # Errors
/// As [`crate::service::copy::copy`].
pub(in crate::service) fn copy(copy: &Copy) -> Result<Option<Copied>> {
    attempt(copy, &copy.mark, |_| Ok(()))
}

/// Copies a database, lets `prepare` change the copy, and publishes it under this mark.
pub(in crate::service) fn publish(
    copy: &Copy,
    mark: &str,
    prepare: impl FnOnce(&Database) -> Result<()>,
) -> Result<()> {
    attempt(copy, mark, prepare).map(drop)
}

/// How far the copy to a database is; `None`: it cannot be told.
///
/// # Errors
/// When the server does not answer at once.
pub(in crate::service) fn growth(database: &Database, from: &Source) -> Result<Option<Reached>> {
    let mut names = vec![database.name.as_str()];
    if let Source::Database(source) = from {
        names.push(source);
    }
    let lines = client::glance(&database.server, scripts::copy::bytes(&names))?;
    let mut sizes = lines.iter().map(|line| line.parse().ok());
    Ok(sizes.next().flatten().map(|done| Reached { done, of: sizes.next().flatten() }))
}

/// Runs a mask on a database that is being prepared for [`publish`].
///
/// # Errors
/// `Refused` when it leads to another database.
pub(in crate::service) fn run(database: &Database, id: &str, mask: &Mask) -> Result<()> {
    let target = Target::new(&database.name, id, "");
    Content::of_mask(mask)?.fill(database, &target)
}

fn attempt(
    copy: &Copy,
    mark: &str,
    prepare: impl FnOnce(&Database) -> Result<()>,
) -> Result<Option<Copied>> {
    require_name(copy.target)?;
    let database = Database::new(copy.server, copy.target);
    let target = Target::new(copy.target, copy.id, &copy.mark);
    let content = Content::of(copy)?;
    room::require(copy, content.bytes(), content.lies())
        .map_err(|error| explain_room(copy, error))?;
    let old = if copy.replace { keep(copy, &database, &target)? } else { Old::Nothing };
    match start(copy, &target, &old, content.like()) {
        Ok(Begun::Made) => {}
        Ok(Begun::Ours) => return Ok(None),
        Ok(Begun::Refused(error)) => {
            if let Some(kept) = old.kept() {
                forget(copy, &kept.name).ok();
                events::wake_again(&database);
            }
            return Err(error);
        }
        // The old database may be gone by now.
        Err(error) => match &old {
            Old::Kept(kept) => return Err(put_back(copy, &target, kept, false, error)),
            Old::HasNoCopy => return Err(lost(copy, "may be", error)),
            Old::Nothing => return Err(error),
        },
    }
    let begun = match &old {
        Old::Kept(_) => failpoint::point("mysql-replaced"),
        Old::HasNoCopy | Old::Nothing => failpoint::point("mysql-begun"),
    };
    let filled = begun
        .and_then(|()| content.fill(&database, &target))
        .and_then(|()| content.require_unchanged(copy))
        .and_then(|()| failpoint::point("mysql-filled"))
        .and_then(|()| prepare(&database))
        .and_then(|()| complete(&database, &target, &content, copy.id, mark));
    if let Err(error) = filled {
        return Err(give_up(copy, &target, &old, error));
    }
    failpoint::point("mysql-complete")?;
    if copy.replace && copy.keep.is_none() {
        // Also one that a process that was killed left.
        forget(copy, &spare(copy))?;
    }
    Ok(Some(Copied { means: content.means(), existed: !matches!(old, Old::Nothing) }))
}

/// How the creation of a database began.
enum Begun {
    /// It is there, empty.
    Made,
    /// One that may not be replaced is there, and complete.
    Ours,
    /// It was refused before anything was dropped.
    Refused(anyhow::Error),
}

/// Makes a copy in the place of one that has the same mark: one that a process that was killed left is out of date.
pub(super) fn renew(copy: &Copy) -> Result<()> {
    template::drop_marked(copy.server, copy.target, &copy.mark)?;
    attempt(copy, &copy.mark, |_| Ok(()))?.map(drop).ok_or_else(|| not_ours(copy.target))
}

/// Checks that the source of a copy can be copied.
///
/// # Errors
/// `NotFound` without a source; `Refused` with what of it has no copy.
pub(super) fn require_source(copy: &Copy) -> Result<()> {
    Content::of(copy).map(drop)
}

/// Whether the name of a copy is another owner's.
pub(super) fn is_taken(copy: &Copy) -> Result<bool> {
    let target = Target::new(copy.target, copy.id, &copy.mark);
    Ok(look(copy, &target)?.last().is_some_and(|word| word == "taken"))
}

/// Drops what a copy that was cut short left of its target.
pub(super) fn discard_partial(copy: &Copy) {
    discard(copy.server, &Target::new(copy.target, copy.id, &copy.mark));
}

fn look(copy: &Copy, target: &Target) -> Result<Vec<String>> {
    client::run(copy.server, target.look(), None)
        .map_err(|error| explain(error, &Database::new(copy.server, copy.target)))
}

/// Takes the mark off a database that was copied, so that it is as before.
pub(super) fn unmark(server: &Server, name: &str, mark: &str) -> Result<()> {
    client::run(server, scripts::look::unmark(name, mark), None).map(drop)
}

/// Creates the database empty, in the place of the one that was copied before.
fn start(copy: &Copy, target: &Target, old: &Old, like: &str) -> Result<Begun> {
    let kept = old.kept();
    if kept.is_some()
        && let Err(error) = failpoint::point("mysql-kept")
    {
        return Ok(Begun::Refused(error));
    }
    begin(copy, target, like, kept.map(|kept| kept.written.as_str()))
}

/// Creates the database empty. After an error, one that was going to be replaced may be gone; one that is not as `written`
/// any more stays.
fn begin(copy: &Copy, target: &Target, like: &str, written: Option<&str>) -> Result<Begun> {
    let script = target.begin(like, copy.replace, copy.force, written);
    let lines = client::run(copy.server, scripts::lock(&target.names), Some(script))
        .map_err(|error| explain(error, &Database::new(copy.server, copy.target)))?;
    match lines.last().map(String::as_str) {
        Some("made") => Ok(Begun::Made),
        Some("ours") => Ok(Begun::Ours),
        Some("busy") => Ok(Begun::Refused(in_use(copy.target, &parse_sessions(&lines)))),
        Some("written") => Ok(Begun::Refused(detail::was_written(copy.target))),
        Some("taken") => Ok(Begun::Refused(not_ours(copy.target))),
        _ => Err(no_answer("create", copy.target)),
    }
}

/// Says of a database that was filled that it is complete, once its events run if it is used, else rest.
fn complete(
    database: &Database,
    target: &Target,
    content: &Content,
    id: &str,
    mark: &str,
) -> Result<()> {
    let is_used =
        mark == lease::mark(id) || mark.starts_with(&lease::mark_of_copy(id, "beside", ""));
    match is_used {
        true if content.may_have_events() => events::wake(database, &target.claim())?,
        true => {}
        false => events::rest(database)?,
    }
    finish(database, target, mark)
}

fn finish(database: &Database, target: &Target, mark: &str) -> Result<()> {
    let script = target.finish(mark);
    let lines = client::run(&database.server, scripts::lock(&target.names), Some(script))
        .map_err(|error| explain(error, database))?;
    match lines.last().map(String::as_str) {
        Some("complete") => Ok(()),
        _ => Err(no_answer("create", &database.name)),
    }
}

/// Leaves nothing that is not complete, and what was replaced as it was; gives the error that says so.
fn give_up(copy: &Copy, target: &Target, old: &Old, error: anyhow::Error) -> anyhow::Error {
    if let Old::Kept(kept) = old {
        return put_back(copy, target, kept, true, error);
    }
    let is_own = copy.mark == lease::mark(copy.id);
    interrupt::undoing();
    end_holder(copy.server, &target.names).ok();
    // `add` rolls back what it began, also the rest of it.
    if !is_own || exit_of(&error) != Exit::Interrupted {
        discard(copy.server, target);
    }
    interrupt::undone();
    match old {
        Old::HasNoCopy => lost(copy, "is", error),
        _ => error,
    }
}

/// Adds that the old database, of which there is no copy, `is` gone.
fn lost(copy: &Copy, is: &str, error: anyhow::Error) -> anyhow::Error {
    let gone = format!("database `{}` {is} gone; the same command again makes it", copy.target);
    let hint = hint_of(&error).map_or_else(|| gone.clone(), |hint| format!("{hint}; {gone}"));
    Failure::of(&error).hint(hint).into()
}

/// Drops an unfinished copy. Without an answer the next command about the environment does it.
fn discard(server: &Server, target: &Target) {
    let lock = scripts::lock(&target.names);
    client::run(server, lock, Some(target.discard())).ok();
}

fn explain_room(copy: &Copy, error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<NoRoom>() {
        Some(short) => {
            let source = copy.source.map(ToString::to_string).unwrap_or_default();
            short.explain(format!("cannot copy `{source}` to `{}`", copy.target))
        }
        None => error,
    }
}
