//! The key `from` of a service: what an environment's database is a copy of.

use super::reader::At;
use super::{Kind, Service, services};
use crate::model::config::diagnostic::Checked;
use crate::model::source::Source;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What an environment's database is a copy of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Of nothing.
    #[default]
    Empty,
    /// Of the main checkout's database.
    Main,
    /// Of this database on the same server; of SQLite, of this file, absolute or relative to the main checkout.
    Database(String),
    /// Of what is in this dump; the path is absolute or relative to the main checkout.
    Dump(String),
}

impl Service {
    /// What a new database of this service is a copy of; `checkout` is the main checkout.
    pub fn source(&self, checkout: &Path) -> Option<Source> {
        let named = |name: &String| match self.kind {
            Kind::Sqlite => Source::File(checkout.join(name)),
            _ => Source::Database(name.clone()),
        };
        match &self.from {
            Origin::Empty => None,
            Origin::Main => Some(named(&self.main)),
            Origin::Database(name) => Some(named(name)),
            Origin::Dump(path) => Some(Source::Dump(checkout.join(path))),
        }
    }
}

/// Reads the key.
pub(super) fn read(at: &At, kind: Kind) -> Checked<Origin> {
    if at.entries().is_ok() {
        if kind == Kind::Sqlite {
            let wrong = at.error("a dump has no meaning for a file");
            return Err(wrong.hint("name an SQLite file"));
        }
        let dump = at.fields(&["dump"])?.need("dump")?;
        let path = dump.text()?;
        return plain_path(&dump, path).map(Origin::Dump);
    }
    match at.text_or_number()?.as_str() {
        "empty" => Ok(Origin::Empty),
        "main" => Ok(Origin::Main),
        name if kind == Kind::Sqlite => plain_path(at, name.to_owned()).map(Origin::Database),
        name => services::database(at, name).map(Origin::Database),
    }
}

fn plain_path(at: &At, path: String) -> Checked<String> {
    if path.starts_with('~') {
        let wrong = at.error("`~` is not expanded");
        return Err(wrong.hint("use a path relative to the main checkout, or an absolute one"));
    }
    Ok(path)
}
