//! Databases found by their marks.

use super::client::{self, SqlError};
use super::{VIEW, scripts};
use crate::error;
use crate::model::lease;
use crate::service::Server;
use crate::service::inventory::Found;
use crate::service::template::Row;
use anyhow::Result;

/// Every database on a server that was created here, whichever lease holds it now, or announced.
pub(in crate::service) fn inventory(server: &Server) -> Result<Vec<Found>> {
    let lines = client::run(server, scripts::look::inventory(), None)?;
    let found = |line: &String| {
        let (name, mark) = line.split_once('\t')?;
        let mark = match mark.strip_prefix(VIEW) {
            Some(id) => Some(lease::mark(id)),
            None if mark.is_empty() => None,
            None => Some(unhex(mark)?),
        };
        Some(Found { name: name.to_owned(), mark, sessions: Vec::new() })
    };
    let mut found: Vec<Found> = lines.iter().filter_map(found).collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// The databases on a server whose mark begins with this.
pub(in crate::service) fn marked(server: &Server, prefix: &str) -> Result<Vec<Row>> {
    let lines = client::run(server, scripts::look::marked(prefix), None)?;
    let row = |line: &String| {
        let mut fields = line.split('\t');
        let (name, digits, bytes) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Row { name: name.to_owned(), mark: unhex(digits)?, bytes: bytes.parse().ok()? })
    };
    Ok(lines.iter().filter_map(row).collect())
}

/// Drops a database that carries exactly this mark.
pub(in crate::service) fn drop_marked(server: &Server, database: &str, mark: &str) -> Result<bool> {
    let lines = client::run(server, scripts::look::drop_marked(database, mark), None);
    let lines = lines.map_err(|error| match error.downcast_ref::<SqlError>() {
        Some(sql) => error::service(format!("cannot drop database `{database}`: {sql}")).into(),
        None => error,
    })?;
    Ok(lines.last().is_some_and(|word| word == "dropped"))
}

/// The text of these hexadecimal digits.
pub(super) fn unhex(digits: &str) -> Option<String> {
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    String::from_utf8((0..digits.len()).step_by(2).map(byte).collect::<Option<_>>()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_comes_back_from_its_digits() {
        assert_eq!(unhex(&scripts::hex("git-agentenv é☃")).unwrap(), "git-agentenv é☃");
        assert_eq!((unhex("0"), unhex("xx"), unhex("FF")), (None, None, None));
    }
}
