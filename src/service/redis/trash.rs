//! Keys of an index in the trash: a file with what DUMP says of each, from which RESTORE makes them again.

use super::transport::{self, Route};
use super::{MARKER, Reply, claim, scripts, vacate};
use crate::error;
use crate::model::lease;
use crate::model::measure;
use crate::service::trash::{Kept, Returned};
use crate::service::{Made, RedisIndex};
use crate::sys::fs;
use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::Path;

/// The most that is kept of one index, in bytes of DUMP: the server is shared, and works on nothing else meanwhile.
const LIMIT: usize = 64 << 20;

/// The most keys that are kept, for the same reason: the last look at so many takes half a second.
const MOST_KEYS: usize = 50_000;

/// How many bytes of a dump are sent at once.
const CHUNK: usize = 1 << 20;

/// How many keys are asked for at once.
const AT_ONCE: usize = 5_000;

/// How often an index is dumped whose keys change meanwhile.
const TRIES: usize = 5;

/// One key, in hexadecimal digits where it can hold anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Key {
    key: String,
    /// Milliseconds that it has left; -1: for ever.
    ttl: i64,
    dump: String,
    /// What Redis says of the key and its value, to see whether they changed.
    #[serde(skip_serializing, default)]
    digest: String,
}

/// Writes the keys of the part's index to `file`, and empties the index if they have not changed since. `force` ends
/// the clients that are connected to it, which else keep it.
///
/// # Errors
/// When the server is missing, the index holds too much, or its keys change all the time.
pub fn keep(index: &RedisIndex, id: &str, force: bool, file: &Path) -> Result<Kept> {
    if let Some(sessions) = vacate(&Route::to(&index.server)?, index, id, force)? {
        return Ok(Kept::Busy(sessions));
    }
    for _ in 0..TRIES {
        let keys = match dump(index, id)? {
            Ok(keys) => keys,
            Err(Kept::InTrash(size)) => return Ok(Kept::InTrash(size)),
            // It was kept before, and the index may be another environment's by now.
            Err(_) if fs::stands(file)? == fs::Stands::File => {
                return Ok(Kept::InTrash(fs::size(file)));
            }
            Err(other) => return Ok(other),
        };
        let lines = keys.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
        fs::replace(file, (lines.join("\n") + "\n").as_bytes())?;
        let mut digests: Vec<&str> = keys.iter().map(|key| key.digest.as_str()).collect();
        digests.sort_unstable();
        let reply = eval(index, id, scripts::DROP_UNCHANGED, &[], Some(&digests.concat()))?;
        match reply.as_str() {
            "changed" => {}
            "dropped" => return Ok(Kept::InTrash(fs::size(file))),
            reply => return Err(Reply::of(reply).explain(index, reply)),
        }
    }
    let message = format!("cannot keep redis index {}: its keys keep changing", index.index);
    let hint = "stop what writes to it; `redis-cli client list` shows who that is";
    Err(error::refused(message).hint(hint).into())
}

/// Makes the keys of `file` again in the part's index, with the time that they had left.
pub fn put_back(index: &RedisIndex, id: &str, file: &Path) -> Result<Returned> {
    let Some(content) = fs::read_own(file)? else {
        return Ok(Returned::Missing);
    };
    if let Made::Occupied(_) = claim(index, id)? {
        return Ok(Returned::Taken);
    }
    let text = String::from_utf8(content).context("cannot read the keys in the trash")?;
    let mut lines = text.lines().filter(|line| !line.is_empty()).peekable();
    while lines.peek().is_some() {
        let mut chunk = String::new();
        while let Some(line) =
            lines.next_if(|line| chunk.is_empty() || chunk.len() + line.len() < CHUNK)
        {
            chunk.push(if chunk.is_empty() { '[' } else { ',' });
            chunk.push_str(line);
        }
        chunk.push(']');
        let reply = eval(index, id, scripts::RESTORE, &[], Some(&chunk))?;
        if reply != "restored" {
            return Err(Reply::of(&reply).explain(index, &reply));
        }
    }
    Ok(Returned::Ours)
}

/// All keys but the mark; or, where there is nothing to dump, what there is instead.
fn dump(index: &RedisIndex, id: &str) -> Result<Result<Vec<Key>, Kept>> {
    let names: Vec<String> = match names(index, id)? {
        Ok(names) => names.into_iter().collect(),
        Err(other) => return Ok(Err(other)),
    };
    let (mut keys, mut size, mut rest) = (Vec::new(), 0, &names[..]);
    while !rest.is_empty() {
        let left = LIMIT.saturating_sub(size).to_string();
        let asked = serde_json::to_string(&rest[..rest.len().min(AT_ONCE)])?;
        let reply = eval(index, id, scripts::DUMP, &[&left], Some(&asked))?;
        let Some((done, list)) = page::<Key>(&reply)? else {
            return not_dumped(index, &reply).map(Err);
        };
        size += list.iter().map(|key| key.dump.len() / 2).sum::<usize>();
        keys.extend(list);
        let done = done.parse().ok().and_then(|done: usize| rest.get(done..));
        rest = done.with_context(|| format!("redis answered for {done:?} keys"))?;
    }
    Ok(Ok(keys))
}

/// The names of all keys but the mark, sorted: a scan may give one twice.
fn names(index: &RedisIndex, id: &str) -> Result<Result<BTreeSet<String>, Kept>> {
    let (mut names, mut cursor) = (BTreeSet::new(), "0".to_owned());
    loop {
        let reply = eval(index, id, scripts::NAMES, &[&cursor, &MOST_KEYS.to_string()], None)?;
        let Some((next, list)) = page(&reply)? else {
            return not_dumped(index, &reply).map(Err);
        };
        names.extend(list);
        if next == "0" {
            return Ok(Ok(names));
        }
        cursor = next.to_owned();
    }
}

/// An answer `page <word> <JSON>`.
fn page<T: DeserializeOwned>(reply: &str) -> Result<Option<(&str, Vec<T>)>> {
    let Some(page) = reply.strip_prefix("page ") else { return Ok(None) };
    let (word, list) = page.split_once(' ').unwrap_or((page, "[]"));
    let list = serde_json::from_str(list).context("cannot read what redis answered")?;
    Ok(Some((word, list)))
}

fn not_dumped(index: &RedisIndex, reply: &str) -> Result<Kept> {
    if reply == "large" {
        let most = measure::size(LIMIT as u64);
        let message = format!(
            "cannot keep redis index {}: it holds more than {most} or {MOST_KEYS} keys",
            index.index
        );
        let hint = "empty it, or remove the environment for good with `--no-keep`";
        return Err(error::refused(message).hint(hint).into());
    }
    match Reply::of(reply) {
        Reply::Missing => Ok(Kept::Missing),
        Reply::Theirs(who) | Reply::Unmarked(who) => Ok(Kept::NotOurs(who)),
        Reply::Nowhere if transport::has_no_such_index(reply) => Ok(Kept::Missing),
        other => Err(other.explain(index, reply)),
    }
}

fn eval(
    index: &RedisIndex,
    id: &str,
    script: &str,
    more: &[&str],
    payload: Option<&str>,
) -> Result<String> {
    let number = index.index.to_string();
    let mark = lease::mark(id);
    let mut args = vec![number.as_str(), &mark];
    args.extend(more);
    transport::eval_long(&index.server, script, MARKER, &args, payload)
}
