//! What is wrong with a part of an environment on its server.

use crate::error;
use crate::model::config::Kind;
use crate::model::lease::{Lease, Part};
use crate::service::{self, Server, State, postgres};
use crate::ui::Ui;
use anyhow::Result;
use std::fmt;

/// What is wrong with a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// It does not exist.
    Missing,
    /// The database carries the lease's mark under this other name: it was renamed by hand.
    Renamed(String),
    /// It has lost its mark and holds keys, as these words say.
    Unmarked(String),
    /// It belongs to another owner, as these words say.
    NotOurs(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Missing => f.write_str("is missing"),
            Problem::Renamed(now) => write!(f, "was renamed to `{now}`"),
            Problem::Unmarked(keys) => write!(f, "has lost its mark: {keys}"),
            Problem::NotOurs(whose) => write!(f, "belongs to another now ({whose})"),
        }
    }
}

/// Asks the part's server; `None`: it is as it should be.
///
/// # Errors
/// `Service` when the server does not answer.
pub fn of(lease: &Lease, part: &Part) -> Result<Option<Problem>> {
    Ok(match service::state(&lease.resource(part)?, &lease.id)? {
        State::Ours => None,
        // The application creates the file on first use.
        State::Missing if part.kind == Kind::Sqlite => None,
        State::Missing => Some(renamed(lease, part)?.map_or(Problem::Missing, Problem::Renamed)),
        State::Unmarked(keys) => Some(Problem::Unmarked(keys)),
        State::NotOurs(whose) => Some(Problem::NotOurs(whose)),
    })
}

/// The database that carries the lease's mark and is none of its parts. Only Postgres can rename databases.
pub fn renamed(lease: &Lease, part: &Part) -> Result<Option<String>> {
    let Some(server) = Server::of_part(part).filter(|_| part.kind == Kind::Postgres) else {
        return Ok(None);
    };
    let mut held = postgres::carrying(&server, &lease.id)?;
    held.retain(|name| lease.parts.iter().all(|part| part.holds != *name));
    Ok(held.pop())
}

/// The name that a server gives for a renamed database, unless another part of the lease has it.
pub fn elsewhere(lease: &Lease, now: Option<String>) -> Option<String> {
    now.filter(|now| lease.parts.iter().all(|part| part.holds != *now))
}

/// A database that was renamed by hand stays when its environment goes. With `force` it loses the lease's mark, so that it is
/// the user's from now on.
///
/// # Errors
/// Refused without `force`: only the user knows what it is.
pub fn leave_renamed(ui: &Ui, lease: &Lease, part: &Part, now: &str, force: bool) -> Result<()> {
    let holds = &part.holds;
    if force && let Some(server) = Server::of_part(part) {
        postgres::removal::disown(&server, now, &lease.id)?;
        ui.warn(format!("keeping database `{now}`: it was renamed from `{holds}` by hand"));
        return Ok(());
    }
    let message = format!("database `{holds}` was renamed to `{now}` by hand");
    let (back, name) = (rename_back(now, part), &lease.name);
    let hint = format!(
        "rename it back in psql: `{back}`; or keep it: `git agentenv remove --force {name}`"
    );
    Err(error::refused(message).hint(hint).into())
}

/// The SQL that gives a database its name back.
pub fn rename_back(now: &str, part: &Part) -> String {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    format!("ALTER DATABASE {} RENAME TO {}", quoted(now), quoted(&part.holds))
}
