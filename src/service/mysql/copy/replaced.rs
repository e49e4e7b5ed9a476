//! Keeps a copy of a database that is replaced, and puts it back.

use super::super::scripts::copy::Target;
use super::super::{LONGEST, detail, end_holder, end_sessions, events, parse_sessions};
use super::content::Content;
use super::{Begun, begin, complete, look, plain, renew, require_source};
use crate::error::{self, Exit, Failure, exit_of};
use crate::model::lease;
use crate::model::name::with_hash;
use crate::model::source::Source;
use crate::service::copy::Copy;
use crate::service::{Database, in_use, template};
use crate::sys::interrupt;
use anyhow::Result;

/// The copy of a database that is going to be replaced.
pub(super) struct Kept {
    pub(super) name: String,
    /// What differs once something was written to that database after it was copied.
    pub(super) written: String,
}

/// What there was of a database that is going to be replaced.
pub(super) enum Old {
    Nothing,
    /// It has what cannot be copied, and no copy was asked for: it goes without one.
    HasNoCopy,
    Kept(Kept),
}

impl Old {
    pub(super) fn kept(&self) -> Option<&Kept> {
        match self {
            Old::Kept(kept) => Some(kept),
            Old::Nothing | Old::HasNoCopy => None,
        }
    }
}

/// Copies what is going to be replaced.
pub(super) fn keep(copy: &Copy, database: &Database, target: &Target) -> Result<Old> {
    let lines = look(copy, target)?;
    if lines.last().is_none_or(|word| word != "whole") {
        return Ok(Old::Nothing);
    }
    if copy.force {
        end_sessions(copy.server, copy.target)?;
    } else if let users @ [_, ..] = parse_sessions(&lines).as_slice() {
        return Err(in_use(copy.target, users));
    }
    let (name, mark) = match &copy.keep {
        Some((name, mark)) => (name.clone(), mark.clone()),
        None => (spare(copy), spare_mark(copy)),
    };
    let source = Source::Database(copy.target.to_owned());
    let safety = plain(database, copy.id, &source, &name, mark);
    match require_source(&safety) {
        Err(error) if copy.keep.is_none() && exit_of(&error) == Exit::Refused => {
            return Ok(Old::HasNoCopy);
        }
        can => can?,
    }
    // One that writes each second would keep it from ever being unchanged.
    let written = events::rest(database).and_then(|()| {
        let written = detail::written(database)?;
        renew(&safety).map(|()| written)
    });
    match written {
        Ok(written) => Ok(Old::Kept(Kept { name, written })),
        Err(error) => {
            events::wake_again(database);
            Err(error)
        }
    }
}

/// Puts the old content back, from the copy of it, and gives the error that says so. No signal stops that. `is_gone`: the
/// old database was dropped, else perhaps.
pub(super) fn put_back(
    copy: &Copy,
    target: &Target,
    kept: &Kept,
    is_gone: bool,
    error: anyhow::Error,
) -> anyhow::Error {
    interrupt::undoing();
    let database = Database::new(copy.server, copy.target);
    let source = Source::Database(kept.name.clone());
    let back = plain(&database, copy.id, &source, copy.target, copy.mark.clone());
    let is_back = Content::of(&back).and_then(|content| {
        if is_gone {
            end_holder(copy.server, &target.names)?;
        }
        match begin(&back, target, content.like(), None)? {
            Begun::Made => {}
            // An interrupted client does not interrupt the server: this may be the new content.
            Begun::Ours if is_gone || detail::written_now(&database)? != kept.written => {
                events::wake(&database, "")?;
                return Ok(false);
            }
            Begun::Ours => {
                events::wake(&database, "")?;
                return forget(copy, &kept.name).map(|()| true);
            }
            Begun::Refused(error) => return Err(error),
        }
        content.fill(&database, target)?;
        complete(&database, target, &content, copy.id, &copy.mark)?;
        forget(copy, &kept.name).map(|()| true)
    });
    interrupt::undone();
    let hint = format!("the old content is in database `{}`", kept.name);
    match is_back {
        Ok(true) => error,
        Ok(false) => {
            let name = copy.target;
            let hint = match is_gone {
                true => format!("database `{name}` has all of the new content; {hint}"),
                false => format!("look at database `{name}`; {hint}"),
            };
            Failure::of(&error).hint(hint).into()
        }
        Err(undone) => {
            let message = format!("{error:#}; putting the old content back: {undone:#}");
            error::partial(message).hint(hint).into()
        }
    }
}

/// Drops the copy of what was going to be replaced.
pub(super) fn forget(copy: &Copy, kept: &str) -> Result<()> {
    let mark = copy.keep.as_ref().map_or_else(|| spare_mark(copy), |(_, mark)| mark.clone());
    template::drop_marked(copy.server, kept, &mark).map(drop)
}

pub(super) fn spare(copy: &Copy) -> String {
    with_hash(&format!("agentenv_old_{}", copy.id), copy.target, '_', LONGEST)
}

fn spare_mark(copy: &Copy) -> String {
    lease::mark_of_copy(copy.id, "old", copy.target)
}
