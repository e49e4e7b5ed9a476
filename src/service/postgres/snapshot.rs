//! Snapshots: copies of an environment's database, kept beside it and given back with it.

use super::copy::{self, Copy, Means};
use super::{drop_database, inventory};
use crate::error;
use crate::model::lease::{self, Part};
use crate::model::name;
use crate::service::{Gone, Server};
use anyhow::Result;

/// The longest name of a snapshot.
const LONGEST: usize = 30;

/// Keeps a copy of the part's database under this name.
///
/// # Errors
/// When the name cannot be one, is taken and `replace` does not say otherwise, or the server refuses.
pub fn save(part: &Part, id: &str, snapshot: &str, replace: bool) -> Result<Means> {
    require_name(snapshot)?;
    let server = Server::of_part(part);
    copy::copy(&Copy {
        server: &server,
        id,
        source: &part.holds,
        target: &database(part, snapshot),
        mark: mark(part, id, snapshot),
        replace,
        force: false,
    })
}

/// Makes the part's database what it was when the snapshot was made.
///
/// # Errors
/// When there is no such snapshot, the database is in use and `force` does not say otherwise, or the server refuses.
pub fn restore(part: &Part, id: &str, snapshot: &str, force: bool) -> Result<Means> {
    require(part, id, snapshot)?;
    let server = Server::of_part(part);
    copy::copy(&Copy {
        server: &server,
        id,
        source: &database(part, snapshot),
        target: &part.holds,
        mark: lease::mark(id),
        replace: true,
        force,
    })
}

/// Drops a snapshot.
///
/// # Errors
/// When there is none, somebody uses it, or the server refuses.
pub fn delete(part: &Part, id: &str, snapshot: &str) -> Result<()> {
    require(part, id, snapshot)?;
    let part = Part { holds: database(part, snapshot), ..part.clone() };
    match drop_database(&part, id, false, false)? {
        Gone::Dropped | Gone::Missing => Ok(()),
        Gone::Busy(sessions) => Err(super::in_use(&part.holds, &sessions)),
        Gone::NotOurs(_) => Err(super::not_ours(&part.holds)),
    }
}

/// The names of the snapshots of the part's database, with their databases.
///
/// # Errors
/// When the server is missing or refuses.
pub fn list(part: &Part, id: &str) -> Result<Vec<(String, String)>> {
    let databases = inventory(&Server::of_part(part))?.into_iter();
    let (begin, end) = (format!("{} snapshot ", lease::mark(id)), format!(" of {}", part.holds));
    let named = |mark: &str| Some(mark.strip_prefix(&begin)?.strip_suffix(&end)?.to_owned());
    Ok(databases
        .filter_map(|database| Some((named(database.mark.as_deref()?)?, database.name)))
        .collect())
}

fn require(part: &Part, id: &str, snapshot: &str) -> Result<()> {
    let known: Vec<String> = list(part, id)?.into_iter().map(|(name, _)| name).collect();
    if known.iter().any(|name| name == snapshot) {
        return Ok(());
    }
    let message = format!("no snapshot `{snapshot}` of `{}`", part.holds);
    let hint = match known.as_slice() {
        [] => "`git agentenv db snapshot save <name>` makes one".to_owned(),
        known => format!("there are: {}", known.join(", ")),
    };
    Err(error::not_found(message).hint(hint).into())
}

fn database(part: &Part, snapshot: &str) -> String {
    name::fit(&format!("{}__{}", part.holds, name::database(snapshot)), '_', name::IDENTIFIER)
}

fn mark(part: &Part, id: &str, snapshot: &str) -> String {
    lease::mark_of_copy(id, &format!("snapshot {snapshot}"), &part.holds)
}

fn require_name(snapshot: &str) -> Result<()> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let fine = (1..=LONGEST).contains(&snapshot.len())
        && snapshot.bytes().all(plain)
        && !snapshot.starts_with('-');
    if fine {
        return Ok(());
    }
    let message = format!("`{}` cannot be a snapshot's name", snapshot.escape_debug());
    let hint = format!("use at most {LONGEST} lower-case letters, digits and hyphens");
    Err(error::usage(message).hint(hint).into())
}
