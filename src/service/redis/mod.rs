//! Redis: an index for each environment, marked by a key in it.

mod scripts;
mod transport;

use super::{Gone, Made, Server, State};
use crate::error;
use crate::model::lease::{self, Part};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::time::Duration;

/// The key that holds the mark of the lease which an index belongs to.
pub const MARKER: &str = "git-agentenv:owner";

/// How long a server has for a question whose answer is only welcome.
const GLANCE: Duration = Duration::from_millis(400);

/// An index that holds keys.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Index {
    /// Its number.
    pub index: u32,
    /// How many keys it holds, the marker included.
    pub keys: u64,
    /// What the marker says.
    #[serde(default)]
    pub mark: Option<String>,
}

impl Index {
    /// The id of the lease that it was claimed for.
    pub fn id(&self) -> Option<&str> {
        lease::id_of_mark(self.mark.as_deref()?)
    }
}

/// Marks the index of a part with the lease's id, if it is empty or carries that mark already.
///
/// # Errors
/// When the server is missing, or has fewer indexes.
pub fn claim(part: &Part, id: &str) -> Result<Made> {
    let reply = eval(part, scripts::CLAIM, id)?;
    match Reply::of(&reply) {
        Reply::Ours | Reply::Done => Ok(Made::Ours),
        Reply::Theirs(who) | Reply::Unmarked(who) => Ok(Made::Occupied(who)),
        other => Err(other.explain(part, &reply)),
    }
}

/// Marks the index of a part again, whose mark an application's FLUSHDB took along; never over another's mark.
///
/// Only for a lease that had claimed it: what is in it now came afterwards.
///
/// # Errors
/// When the server is missing.
pub fn reclaim(part: &Part, id: &str) -> Result<Made> {
    let reply = eval(part, scripts::RECLAIM, id)?;
    match Reply::of(&reply) {
        Reply::Ours | Reply::Done => Ok(Made::Ours),
        Reply::Theirs(who) => Ok(Made::Occupied(who)),
        other => Err(other.explain(part, &reply)),
    }
}

/// Empties the index of a part if it carries the lease's mark. One that the server does not have holds nothing: Redis
/// does not even start on data of more indexes than it is told to have.
///
/// # Errors
/// When the server is missing.
pub fn give_back(part: &Part, id: &str) -> Result<Gone> {
    let reply = eval(part, scripts::DROP, id)?;
    match Reply::of(&reply) {
        Reply::Done => Ok(Gone::Dropped),
        Reply::Missing => Ok(Gone::Missing),
        Reply::Theirs(who) | Reply::Unmarked(who) => Ok(Gone::NotOurs(who)),
        Reply::Nowhere if transport::has_no_such_index(&reply) => Ok(Gone::Missing),
        other => Err(other.explain(part, &reply)),
    }
}

/// How the index of a part is.
///
/// # Errors
/// When the server is missing.
pub fn state(part: &Part, id: &str) -> Result<State> {
    let reply = eval(part, scripts::LOOK, id)?;
    match Reply::of(&reply) {
        Reply::Ours => Ok(State::Ours),
        Reply::Missing => Ok(State::Missing),
        Reply::Theirs(who) => Ok(State::NotOurs(who)),
        Reply::Unmarked(keys) => Ok(State::Unmarked(keys)),
        other => Err(other.explain(part, &reply)),
    }
}

/// Every index of a server that holds keys.
///
/// # Errors
/// When the server is missing.
pub fn inventory(server: &Server) -> Result<Vec<Index>> {
    let reply = transport::eval(server, scripts::INVENTORY, MARKER, &[])?;
    let Some(json) = reply.strip_prefix("list ") else {
        return Err(transport::refusal(&server.title(), &reply));
    };
    serde_json::from_str(json).context("cannot read what redis answered")
}

/// The indexes that hold keys, of whatever Redis answers at the part's port on this machine at once; `None` when
/// none does. It starts no process, and is a help in choosing, no proof: [`claim`] looks again.
pub fn occupied(server: &Server) -> Option<BTreeSet<u32>> {
    let address = ("localhost".to_owned(), server.port);
    let mut info = ::redis::cmd("INFO");
    info.arg("keyspace");
    let text: String = transport::ask(address, &info, GLANCE).ok()?;
    Some(indexes(&text))
}

/// Ends well when the server answers.
///
/// # Errors
/// When it is missing or refuses.
pub fn answers(server: &Server) -> Result<()> {
    let reply = transport::eval(server, "return 'pong'", MARKER, &[])?;
    match reply.as_str() {
        "pong" => Ok(()),
        reply => Err(transport::refusal(&server.title(), reply)),
    }
}

fn indexes(keyspace: &str) -> BTreeSet<u32> {
    let index = |line: &str| line.strip_prefix("db")?.split_once(':')?.0.parse().ok();
    keyspace.lines().filter_map(index).collect()
}

fn eval(part: &Part, script: &str, id: &str) -> Result<String> {
    let index: u32 = part.holds.parse().map_err(|_| {
        let message = format!("`{}` is no redis index", part.holds);
        error::config(message)
    })?;
    let args = [&*index.to_string(), &lease::mark(id)];
    transport::eval(&Server::of_part(part), script, MARKER, &args)
}

/// What a script answered.
enum Reply {
    Ours,
    Done,
    Missing,
    Theirs(String),
    Unmarked(String),
    Nowhere,
    Refused,
}

impl Reply {
    fn of(line: &str) -> Self {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("ours", _) => Reply::Ours,
            ("made" | "dropped", _) => Reply::Done,
            ("missing", _) => Reply::Missing,
            ("theirs", who) => Reply::Theirs(format!("its `{MARKER}` is `{who}`")),
            ("keys", "1") => Reply::Unmarked(format!("it holds a key and no `{MARKER}`")),
            ("keys", many) => Reply::Unmarked(format!("it holds {many} keys and no `{MARKER}`")),
            ("nowhere", _) => Reply::Nowhere,
            // The server's own words, which the client in the container prints like an answer.
            _ => Reply::Refused,
        }
    }

    fn explain(&self, part: &Part, line: &str) -> anyhow::Error {
        let title = Server::of_part(part).title();
        let said = match self {
            Reply::Nowhere => {
                let why = line.trim_start_matches("nowhere ");
                format!("index {}: {why}", part.holds)
            }
            _ => line.to_owned(),
        };
        transport::refusal(&title, &said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keyspace_names_its_indexes() {
        let text =
            "# Keyspace\r\ndb0:keys=1,expires=0,avg_ttl=0\r\ndb12:keys=3,expires=1,avg_ttl=9\r\n";
        assert_eq!(indexes(text), BTreeSet::from([0, 12]));
        assert_eq!(indexes("# Keyspace\r\n"), BTreeSet::new());
    }
}
