//! How far the copy of a database is, for a person who waits for it.

use super::{Database, Resource, mysql, postgres};
use crate::model::config::Kind;
use crate::model::source::Source;
use crate::sys::{fs, sqlite};
use crate::ui::Reached;
use std::path::Path;

/// How far the copy of `from` to a part of this lease is that this process makes; `None`: it cannot be told.
pub fn of(resource: &Resource, id: &str, from: Option<&Source>) -> Option<Reached> {
    match (resource, from?) {
        (Resource::Database(copy) | Resource::MysqlDatabase(copy), from) => {
            of_database(copy, id, from)
        }
        (Resource::File(copy), Source::File(from)) => of_file(&copy.full(), from),
        _ => None,
    }
}

/// The same of a database on a server.
pub fn of_database(copy: &Database, id: &str, from: &Source) -> Option<Reached> {
    let growth = match copy.server.kind {
        Kind::Mysql => mysql::copy::growth(copy, from),
        _ => postgres::growth(copy, id, from),
    };
    growth.ok().flatten()
}

/// The same of an SQLite file.
pub fn of_file(copy: &Path, from: &Path) -> Option<Reached> {
    let done = fs::unfinished_size(copy)?;
    Some(Reached { done, of: Some(sqlite::size(from)) })
}
