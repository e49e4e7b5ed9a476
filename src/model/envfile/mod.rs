//! `.env.worktree`: our marked block; the user's lines around it stay byte for byte.
//!
//! Values are such that bash, Compose, python-dotenv, node and dotenvy read the same. Those in which a shell would see the
//! end of a command are in single quotes, which only `docker run --env-file` takes for a part of the value.

mod block;
mod foreign;
mod render;
#[cfg(test)]
mod tests;

pub use block::{Block, block};
pub use foreign::parse;
pub use render::{dotenv, fish, shell};

use crate::error::{self, Failure};
use anyhow::Result;
use block::Parted;
use indexmap::IndexMap;

/// What is in single quotes in the file, as in `Host=localhost;Database=shop`.
const QUOTED: [char; 3] = ['&', ';', ' '];

/// Checks that every reader of environment files reads this variable the same: the name is valid and the
/// value matches `[A-Za-z0-9_./:@%+,=?&; -]*`.
pub fn check_value(name: &str, value: &str) -> Result<()> {
    if !is_name(name) {
        return Err(invalid(format!("`{name}` is not a variable name")).into());
    }
    let unsafe_char =
        |c: &char| !(c.is_ascii_alphanumeric() || "_./:@%+,=?-".contains(*c) || QUOTED.contains(c));
    let Some(c) = value.chars().find(unsafe_char) else {
        return Ok(());
    };
    Err(invalid(format!("the value of `{name}` contains {c:?}: {value:?}"))
        .hint("use letters, digits, spaces and `_./:@%+,=?&;-`; programs read other characters differently")
        .into())
}

/// Whether this is a valid variable name.
pub fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Writes our block into the file, replacing an old one.
///
/// The block keeps its place, unless a line below it assigns one of our variables: then it moves to the end,
/// because the last assignment wins.
pub fn merge(existing: &[u8], lease_id: &str, vars: &IndexMap<String, String>) -> Result<Vec<u8>> {
    vars.iter().try_for_each(|(name, value)| check_value(name, value))?;
    if lease_id.is_empty() || !lease_id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(invalid(format!("{lease_id:?} is not a lease id")).into());
    }
    let parted = Parted::of(existing);
    let kept = parted.place.filter(|at| !redefines(&parted.user[*at..], vars));
    let (above, below) = parted.user.split_at(kept.unwrap_or(parted.user.len()));
    let mut merged = above.concat();
    if !merged.is_empty() && !merged.ends_with(b"\n") {
        merged.push(b'\n');
    }
    merged.extend(block::text(lease_id, vars).into_bytes());
    merged.extend(below.concat());
    Ok(merged)
}

/// The file without our block; `None` when no line of the user is left.
pub fn remove(existing: &[u8]) -> Option<Vec<u8>> {
    let user = Parted::of(existing).user.concat();
    (!user.trim_ascii().is_empty()).then_some(user)
}

fn redefines(lines: &[&[u8]], vars: &IndexMap<String, String>) -> bool {
    let assigned = |name: &str| lines.iter().any(|line| foreign::assigns(line, name));
    vars.keys().any(|name| assigned(name))
}

fn invalid(message: String) -> Failure {
    error::config(message)
}
