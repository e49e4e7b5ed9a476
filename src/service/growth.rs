//! How far the copy of a database is, for a person who waits for it.

use super::{Database, Resource, mysql, postgres};
use crate::model::config::Kind;
use crate::model::source::Source;
use crate::sys::{fs, sqlite};
use crate::ui::Reached;
use std::path::{Path, PathBuf};

/// Tells how far the copy of `from` to a part of this lease is that this process makes; `None`: it cannot be told. It borrows
/// nothing, so that nobody waits for it.
pub fn of(
    resource: &Resource,
    id: &str,
    from: Option<&Source>,
) -> impl FnMut() -> Option<Reached> + Send + use<> {
    let (resource, id, from) = (resource.clone(), id.to_owned(), from.cloned());
    move || match (&resource, from.as_ref()?) {
        (Resource::Database(copy) | Resource::MysqlDatabase(copy), from) => {
            database(copy, &id, from)
        }
        (Resource::File(copy), Source::File(from)) => file(&copy.full(), from),
        _ => None,
    }
}

/// The same of a database on a server.
pub fn of_database(
    copy: &Database,
    id: &str,
    from: Option<&Source>,
) -> impl FnMut() -> Option<Reached> + Send + use<> {
    of(&Resource::Database(copy.clone()), id, from)
}

/// The same of an SQLite file.
pub fn of_file(copy: PathBuf, from: PathBuf) -> impl FnMut() -> Option<Reached> + Send {
    move || file(&copy, &from)
}

fn database(copy: &Database, id: &str, from: &Source) -> Option<Reached> {
    let growth = match copy.server.kind {
        Kind::Mysql => mysql::copy::growth(copy, from),
        _ => postgres::growth(copy, id, from),
    };
    growth.ok().flatten()
}

fn file(copy: &Path, from: &Path) -> Option<Reached> {
    let done = fs::unfinished_size(copy)?;
    Some(Reached { done, of: Some(sqlite::size(from)) })
}
