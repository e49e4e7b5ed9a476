//! Where the content of a new database comes from.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// What a database is copied from, on the server or the machine that holds the copy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A database on the same server.
    Database(String),
    /// An SQLite file.
    File(PathBuf),
    /// A dump: SQL text, also compressed by gzip, or what `pg_dump` writes as a file or a directory.
    Dump(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Database(name) => f.write_str(name),
            Source::File(path) | Source::Dump(path) => path.display().fmt(f),
        }
    }
}
