//! The key `from` of a service: what an environment's database is a copy of.

use super::reader::At;
use super::{Service, services};
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
    /// Of this database on the same server.
    Database(String),
    /// Of what is in this dump; the path is absolute or relative to the main checkout.
    Dump(String),
}

impl Service {
    /// What a new database of this service is a copy of; `checkout` is the main checkout.
    pub fn source(&self, checkout: &Path) -> Option<Source> {
        match &self.from {
            Origin::Empty => None,
            Origin::Main => Some(Source::Database(self.main.clone())),
            Origin::Database(name) => Some(Source::Database(name.clone())),
            Origin::Dump(path) => Some(Source::Dump(checkout.join(path))),
        }
    }
}

/// Reads the key.
pub(super) fn read(at: &At) -> Checked<Origin> {
    if at.entries().is_ok() {
        let dump = at.fields(&["dump"])?.need("dump")?;
        let path = dump.text()?;
        if path.starts_with('~') {
            let wrong = dump.error("`~` is not expanded");
            return Err(wrong.hint("use a path relative to the main checkout, or an absolute one"));
        }
        return Ok(Origin::Dump(path));
    }
    match at.text_or_number()?.as_str() {
        "empty" => Ok(Origin::Empty),
        "main" => Ok(Origin::Main),
        name => services::database(at, name).map(Origin::Database),
    }
}
