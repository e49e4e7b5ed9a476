//! Redis: an index for each environment, marked by a key in it.

mod clients;
mod scripts;
mod transport;
pub mod trash;

use super::{Gone, Made, RedisIndex, Server, Session, State};
use crate::error;
use crate::model::config::Place;
use crate::model::{lease, overflow};
use crate::service::executor;
use crate::sys::docker::{self, Projects};
use crate::sys::store::Store;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use transport::Route;

/// The key that holds the mark of the lease that an index belongs to.
pub const MARKER: &str = "git-agentenv:owner";

/// Time limit of a question whose answer is optional.
const GLANCE: Duration = Duration::from_millis(400);

/// An index that holds keys.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Index {
    /// Its number.
    pub index: u32,
    /// How many keys it holds, the marker included.
    pub keys: u64,
    /// The marker's value.
    #[serde(default)]
    pub mark: Option<String>,
}

impl Index {
    /// The id of the lease that it was claimed for.
    pub fn id(&self) -> Option<&str> {
        lease::id_of_mark(self.mark.as_deref()?)
    }
}

/// Takes from a list of containers where a server is reached, if the list tells: it needs no process of its own then.
pub fn locate(place: &Place, containers: &Projects) {
    transport::locate(place, containers);
}

/// Marks an index with the lease's id, if it carries that mark already, or is empty and no client is connected to it:
/// a worker that outlived its environment would take the new one's tasks.
///
/// # Errors
/// `Config` when the server has fewer indexes.
pub fn claim(index: &RedisIndex, id: &str) -> Result<Made> {
    let route = Route::to(&index.server)?;
    let clients = clients::on(&route, index.index)?;
    if let Some(client) = clients.first()
        && look(&route, index, id)? == State::Missing
    {
        return Ok(Made::Occupied(client.session.to_string()));
    }
    let reply = eval(&route, index, scripts::CLAIM, id)?;
    match Reply::of(&reply) {
        Reply::Ours(server) | Reply::Done(server) => Ok(Made::Ours(server)),
        Reply::Theirs(who) | Reply::Unmarked(who) => Ok(Made::Occupied(who)),
        other => Err(other.explain(index, &reply)),
    }
}

/// Restores the mark of an index that an application's FLUSHDB deleted; never over another mark.
///
/// Only for a lease that had claimed it: the keys in it came afterwards.
pub fn reclaim(index: &RedisIndex, id: &str) -> Result<Made> {
    let Some(route) = way(index)? else { return Ok(Made::Ours(None)) };
    let reply = eval(&route, index, scripts::RECLAIM, id)?;
    match Reply::of(&reply) {
        Reply::Ours(server) | Reply::Done(server) => Ok(Made::Ours(server)),
        Reply::Theirs(who) => Ok(Made::Occupied(who)),
        other => Err(other.explain(index, &reply)),
    }
}

/// Flushes an index that carries the lease's mark; `force` ends the clients that are connected to it, which else keep
/// it. An index that the server does not have holds nothing: Redis refuses to start on data of more indexes than its
/// `databases` setting.
pub fn release(index: &RedisIndex, id: &str, force: bool) -> Result<Gone> {
    let Some(route) = way(index)? else { return Ok(Gone::Missing) };
    if let Some(sessions) = vacate(&route, index, id, force)? {
        return Ok(Gone::Busy(sessions));
    }
    let reply = eval(&route, index, scripts::DROP, id)?;
    match Reply::of(&reply) {
        Reply::Done(_) => Ok(Gone::Dropped),
        Reply::Missing => Ok(Gone::Missing),
        Reply::Theirs(who) | Reply::Unmarked(who) => Ok(Gone::NotOurs(who)),
        Reply::Nowhere if transport::has_no_such_index(&reply) => Ok(Gone::Missing),
        other => Err(other.explain(index, &reply)),
    }
}

/// The clients that are connected to an index.
pub fn sessions(index: &RedisIndex) -> Result<Vec<Session>> {
    let Some(route) = way(index)? else { return Ok(Vec::new()) };
    let clients = clients::on(&route, index.index)?;
    Ok(clients.into_iter().map(|client| client.session).collect())
}

/// Ends the clients of an index that carries the lease's mark. Without `force` they are returned instead.
fn vacate(
    route: &Route,
    index: &RedisIndex,
    id: &str,
    force: bool,
) -> Result<Option<Vec<Session>>> {
    let clients = clients::on(route, index.index)?;
    if clients.is_empty() || look(route, index, id)? != State::Ours {
        return Ok(None);
    }
    if force {
        return clients::end(route, index.index).map(|()| None);
    }
    Ok(Some(clients.into_iter().map(|client| client.session).collect()))
}

/// Looks at an index.
pub fn state(index: &RedisIndex, id: &str) -> Result<State> {
    way(index)?.map_or(Ok(State::Missing), |route| look(&route, index, id))
}

/// Refuses where a second server's container is in another engine than the one that the docker command talks to now: then it
/// is not there to be found, and not removed.
pub fn require_engine(store: &Store, place: &Place) -> Result<()> {
    let all = store.remembered_servers()?;
    let engine = all.into_iter().find(|one| one.server.place == *place).and_then(|one| one.engine);
    match engine.filter(|engine| *engine != docker::address()) {
        None => Ok(()),
        Some(engine) => {
            let name = place.title();
            let message = format!(
                "the second Redis `{name}` is in the Docker engine at {engine}, not in the current one"
            );
            let hint = format!("set `DOCKER_HOST={engine}`, or choose its `docker context`");
            Err(error::service(message).hint(hint).into())
        }
    }
}

/// The way to an index; `None`: it was on a second server, which was not created yet, or is removed with all that it held.
fn way(index: &RedisIndex) -> Result<Option<Route>> {
    match (Route::to(&index.server), &index.server.place) {
        (Err(_), place @ Place::Container(name))
            if overflow::first(place).is_some() && !docker::exists(name)? =>
        {
            require_engine(&Store::open()?, place).map(|()| None)
        }
        (route, _) => route.map(Some),
    }
}

fn look(route: &Route, index: &RedisIndex, id: &str) -> Result<State> {
    let reply = eval(route, index, scripts::LOOK, id)?;
    match Reply::of(&reply) {
        Reply::Ours(_) => Ok(State::Ours),
        Reply::Missing => Ok(State::Missing),
        Reply::Theirs(who) => Ok(State::NotOurs(who)),
        Reply::Unmarked(keys) => Ok(State::Unmarked(keys)),
        other => Err(other.explain(index, &reply)),
    }
}

/// Every index of a server that holds keys.
pub fn inventory(server: &Server) -> Result<Vec<Index>> {
    let reply = transport::eval(server, scripts::INVENTORY, MARKER, &[])?;
    let Some(json) = reply.strip_prefix("list ") else {
        return Err(transport::refusal(&server.title(), &reply));
    };
    serde_json::from_str(json).context("cannot parse the answer of redis")
}

/// The indexes that hold keys or have clients, each with its holder, of the Redis that answers at the server's port on
/// this machine; `None` when none answers at once. Starts no process. It helps to choose and proves nothing: [`claim`]
/// looks again.
pub fn occupied(server: &Server) -> Option<BTreeMap<u32, String>> {
    let password = executor::password(server, transport::PASSWORD).ok()?;
    let ask = |command: &[&str]| -> Option<String> {
        let mut cmd = ::redis::cmd(command[0]);
        cmd.arg(&command[1..]);
        let address = ("localhost".to_owned(), server.port);
        transport::ask(address, password.as_deref(), &cmd, GLANCE).ok()
    };
    let keyspace = ask(&["INFO", "keyspace"])?;
    let clients = ask(&["CLIENT", "LIST"]).unwrap_or_default();
    let connected = clients::parse(&clients).into_iter();
    let mut occupied: BTreeMap<u32, String> =
        connected.map(|client| (client.index, client.session.to_string())).collect();
    let with_keys = indexes(&keyspace).into_iter();
    occupied.extend(with_keys.map(|index| (index, "an application whose keys are in it".into())));
    Some(occupied)
}

/// How many indexes the Redis has that answers at the server's port on this machine; `None` when none answers at once.
pub fn databases(server: &Server) -> Option<u32> {
    let password = executor::password(server, transport::PASSWORD).ok()?;
    let mut cmd = ::redis::cmd("CONFIG");
    cmd.arg("GET").arg("databases");
    let address = ("localhost".to_owned(), server.port);
    let said: BTreeMap<String, u32> =
        transport::ask(address, password.as_deref(), &cmd, GLANCE).ok()?;
    said.into_values().next()
}

/// Checks that the server answers.
pub fn ping(server: &Server) -> Result<()> {
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

fn eval(route: &Route, index: &RedisIndex, script: &str, id: &str) -> Result<String> {
    let claimed_on = index.claimed_on.as_deref().unwrap_or_default();
    let args = [&*index.index.to_string(), &lease::mark(id), claimed_on];
    route.eval(script, MARKER, &args)
}

fn identity(said: &str) -> Option<String> {
    (!said.is_empty()).then(|| said.to_owned())
}

/// The answer of a script.
enum Reply {
    Ours(Option<String>),
    Done(Option<String>),
    Missing,
    Theirs(String),
    Unmarked(String),
    Nowhere,
    Refused,
}

impl Reply {
    fn of(line: &str) -> Self {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("ours", server) => Reply::Ours(identity(server)),
            ("made" | "dropped", server) => Reply::Done(identity(server)),
            ("missing", _) => Reply::Missing,
            ("theirs", who) => Reply::Theirs(format!("its `{MARKER}` is `{who}`")),
            ("restarted", keys) => Reply::Theirs(format!(
                "{keys} keys without our mark, and the server was restarted or replaced since"
            )),
            ("keys", "1") => Reply::Unmarked(format!("it holds a key and no `{MARKER}`")),
            ("keys", many) => Reply::Unmarked(format!("it holds {many} keys and no `{MARKER}`")),
            ("nowhere", _) => Reply::Nowhere,
            // An error of the server, which the client in the container prints like an answer.
            _ => Reply::Refused,
        }
    }

    fn explain(&self, index: &RedisIndex, line: &str) -> anyhow::Error {
        let said = match self {
            Reply::Nowhere => {
                let why = line.trim_start_matches("nowhere ");
                format!("index {}: {why}", index.index)
            }
            _ => line.to_owned(),
        };
        transport::refusal(&index.server.title(), &said)
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
