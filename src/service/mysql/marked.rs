//! Databases found by their marks.

use super::client::{self, SqlError};
use super::{VIEW, scripts};
use crate::error;
use crate::model::lease;
use crate::service::Server;
use crate::service::inventory::Found;
use crate::service::template::Row;
use crate::service::{snapshot, trash};
use anyhow::Result;

/// Every database on a server that was created here, whichever lease holds it now, or announced.
pub(in crate::service) fn inventory(server: &Server) -> Result<Vec<Found>> {
    let lines = client::run(server, scripts::look::inventory(), None)?;
    let found = |line: &String| {
        let mut fields = line.split('\t');
        let (name, mark, made_for) = (fields.next()?, fields.next()?, fields.next()?);
        let mark = match mark.strip_prefix(VIEW) {
            Some(id) => Some(lease::mark(id)),
            None if mark.is_empty() => None,
            None => Some(carried(name, mark, made_for)?),
        };
        Some(Found { name: name.to_owned(), mark, sessions: Vec::new() })
    };
    let mut found: Vec<Found> = lines.iter().filter_map(found).collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// Every database on a server but its own.
pub(in crate::service) fn databases(server: &Server) -> Result<Vec<Found>> {
    let marked = inventory(server)?;
    let lines = client::run(server, scripts::look::databases(), None)?;
    let Some(("1", names)) = lines.split_first().map(|(sees, names)| (sees.as_str(), names)) else {
        let message = format!("user `{}` may not see all databases", server.user);
        return Err(error::service(message).into());
    };
    let found = |name: &String| {
        let known = marked.iter().find(|one| one.name == *name).cloned();
        known.unwrap_or(Found { name: name.clone(), mark: None, sessions: Vec::new() })
    };
    Ok(names.iter().map(found).collect())
}

/// The databases on a server whose mark begins with this.
pub(in crate::service) fn marked(server: &Server, prefix: &str) -> Result<Vec<Row>> {
    let lines = client::run(server, scripts::look::marked(prefix), None)?;
    let row = |line: &String| {
        let (name, rest) = line.split_once('\t')?;
        let (mark, bytes) = marked_row(name, rest)?;
        Some(Row { name: name.to_owned(), mark, bytes, is_broken: false })
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

/// The mark of the database `name` and its size, in what a script said of it.
pub(super) fn marked_row(name: &str, said: &str) -> Option<(String, u64)> {
    let mut fields = said.split('\t');
    let mark = carried(name, fields.next()?, fields.next()?)?;
    Some((mark, fields.next()?.parse().ok()?))
}

/// The mark with these digits in the database `name`. `None`: it is another database's, which a dump took there.
fn carried(name: &str, digits: &str, made_for: &str) -> Option<String> {
    let mark = unhex(digits)?;
    (made_for == "named" || has_the_name(name, &mark)).then_some(mark)
}

/// Whether a database has the name that one with this mark gets. Asked of marks of an earlier version, which name none.
fn has_the_name(name: &str, mark: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let begins = |stem: &str| name.starts_with(&stem.to_ascii_lowercase());
    let Some(id) = lease::id_of_mark(mark) else {
        // A template or something in the trash: `<word> <id> {…}` or `<word> template <store> {…}`.
        let words: Vec<&str> = mark.split(' ').collect();
        return match words.as_slice() {
            ["git-agentenv", "template", store, ..] => begins(&format!("agentenv_t_{store}_")),
            [trash::MARK, id, ..] => begins(&format!("agentenv_trash_{id}_")),
            _ => false,
        };
    };
    let copy = mark[lease::mark(id).len()..].trim_start().split_once(" of ");
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    match copy {
        Some(("old", _)) => begins(&format!("agentenv_old_{id}_")),
        Some((kind, of)) => match kind.strip_prefix("snapshot ") {
            Some(snapshot) => is(&snapshot::beside(of, snapshot)),
            None => is(of),
        },
        None => false,
    }
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
    fn a_mark_that_names_no_database_counts_where_the_name_follows_from_it() {
        let id = "0123456789abcdef01234567";
        let copy = |kind: &str, of: &str| lease::mark_of_copy(id, kind, of);
        let (old, trash) = (format!("agentenv_old_{id}_0a"), format!("agentenv_trash_{id}_0a"));
        for (name, mark) in [
            ("Shop_x__one", copy("snapshot one", "Shop_x")),
            ("shop_x__one", copy("snapshot one", "Shop_x")),
            ("shop_x", copy("partial", "shop_x")),
            (&old, copy("old", "shop_x")),
            ("agentenv_t_01234567_0a", "git-agentenv template 01234567 {}".to_owned()),
            (&trash, format!("git-agentenv-trash {id} {{}}")),
        ] {
            let digits = scripts::hex(&mark);
            assert_eq!(carried(name, &digits, "unnamed"), Some(mark.clone()), "{name}");
            assert_eq!(carried("mine", &digits, "unnamed"), None, "{mark}");
            assert_eq!(carried("mine", &digits, "named"), Some(mark), "the server compared it");
        }
        assert_eq!(carried("shop_x", &scripts::hex(&lease::mark(id)), "unnamed"), None);
    }

    #[test]
    fn a_text_comes_back_from_its_digits() {
        assert_eq!(unhex(&scripts::hex("git-agentenv é☃")).unwrap(), "git-agentenv é☃");
        assert_eq!((unhex("0"), unhex("xx"), unhex("FF")), (None, None, None));
    }
}
