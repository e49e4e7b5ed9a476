//! Copies of databases on a server, whatever its kind.

use crate::error;
use crate::model::config::Kind;
use crate::model::source::Source;
use crate::service::{Database, Server, mysql, postgres};
use anyhow::Result;

/// What to copy, and to where.
#[derive(Debug, Clone)]
pub struct Copy<'a> {
    /// The server of both.
    pub server: &'a Server,
    /// The id of the lease that the copy belongs to.
    pub id: &'a str,
    /// What to copy; `None`: nothing, it is empty.
    pub source: Option<&'a Source>,
    /// The database to create.
    pub target: &'a str,
    /// The mark of the copy. A database that is replaced must have it.
    pub mark: String,
    /// Replace an existing database that has the mark.
    pub replace: bool,
    /// End the sessions on the database that is replaced; those on the source are never ended.
    pub force: bool,
    /// The database name and the mark under which the replaced database is kept; `None`: it is dropped.
    pub keep: Option<(String, String)>,
    /// What to leave out, and how fast.
    pub dump: Dump,
}

impl<'a> Copy<'a> {
    /// A whole copy that replaces nothing.
    pub fn new(
        server: &'a Server,
        id: &'a str,
        source: Option<&'a Source>,
        target: &'a str,
        mark: String,
    ) -> Self {
        let (replace, force, keep, dump) = (false, false, None, Dump::default());
        Copy { server, id, source, target, mark, replace, force, keep, dump }
    }
}

/// How a database is dumped. Anything but the default keeps the server from copying it as a template.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dump {
    /// No rows.
    pub schema_only: bool,
    /// Tables whose rows are left out: patterns of `pg_dump`.
    pub without_rows: Vec<String>,
    /// As many processes; `None`: one that writes what another one reads.
    pub jobs: Option<u16>,
}

/// The result of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// How it was copied.
    pub means: Means,
    /// A database was replaced.
    pub existed: bool,
}

/// How it was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Means {
    /// By the server itself: the source had no sessions.
    Template,
    /// By a dump: the source had sessions.
    Dump,
    /// From a dump file.
    File,
    /// Not at all: it is empty.
    Empty,
}

impl Dump {
    /// Not everything of the source is copied.
    pub fn leaves_out(&self) -> bool {
        self.schema_only || !self.without_rows.is_empty()
    }
}

/// Copies a database. A database that is replaced stays until the copy is complete; MySQL, which cannot rename a database,
/// keeps a copy of it meanwhile.
///
/// # Errors
/// `Refused` when the target is not ours, is in use, or exists and may not be replaced, and when the source has what cannot
/// be copied; `NotFound` without a source.
pub fn copy(copy: &Copy) -> Result<Copied> {
    let copied = match copy.server.kind {
        Kind::Mysql => mysql::copy::copy(copy),
        _ => postgres::copy::copy(copy),
    };
    copied?.ok_or_else(|| {
        let message = format!("database `{}` already exists", copy.target);
        error::refused(message).hint("`--force` replaces it").into()
    })
}

/// Copies a database, lets `prepare` change the copy, and publishes it under this mark: without connections, where the
/// server can do that.
///
/// # Errors
/// As [`copy`], and what `prepare` says.
pub fn publish(
    copy: &Copy,
    mark: &str,
    prepare: impl FnOnce(&Database) -> Result<()>,
) -> Result<()> {
    match copy.server.kind {
        Kind::Mysql => mysql::copy::publish(copy, mark, prepare),
        _ => postgres::copy::publish(copy, mark, prepare),
    }
}
