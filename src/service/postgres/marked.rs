//! Databases found by the beginning of their comment.

use super::mark::{digits, mark};
use super::scripts::{broken, size};
use super::{SqlError, parse_json, psql};
use crate::error;
use crate::service::Server;
use crate::service::template::Row;
use anyhow::Result;

/// Prints the databases whose comment begins with `prefix`, as JSON, with their sizes.
const TEMPLATES: &str = concat!(
    "SELECT coalesce(json_agg(json_build_object('name', datname, 'mark', mark, 'bytes', ",
    size!(),
    ", 'is_broken', ",
    broken!(),
    ")), '[]')
FROM (SELECT oid, datname, datconnlimit, ",
    mark!("oid", "datname"),
    " AS mark FROM pg_database) d
WHERE left(mark, length(:'prefix')) = :'prefix';
"
);

/// Drops a template that carries the mark; prints `dropped` or `kept`.
const DROP_TEMPLATE: &str = concat!(
    "SELECT count(*) > 0 AS own FROM pg_database WHERE datname = :'name' AND ",
    mark!("oid", "datname"),
    r#" = :'mark' \gset
\if :own
  DROP DATABASE :"name";
  \echo dropped
\else
  \echo kept
\endif
"#
);

/// The databases on a server whose comment begins with this.
pub(in crate::service) fn marked(server: &Server, prefix: &str) -> Result<Vec<Row>> {
    let session = psql::Session::new(server, TEMPLATES).var("prefix", prefix);
    parse_json(&session.run()?.concat())
}

/// Drops a database that carries exactly this mark. `false`: there is none, or another process was quicker to drop or to
/// rename it.
pub(in crate::service) fn drop_marked(server: &Server, database: &str, mark: &str) -> Result<bool> {
    let session = psql::Session::new(server, DROP_TEMPLATE)
        .var("name", database)
        .var("mark", mark)
        .limit(psql::WAITING);
    match session.run() {
        Ok(lines) => Ok(lines.last().is_some_and(|word| word == "dropped")),
        Err(error) if is_gone(&error) => Ok(false),
        Err(error) => Err(refused(error, database)),
    }
}

fn is_gone(error: &anyhow::Error) -> bool {
    error.downcast_ref::<SqlError>().is_some_and(|sql| sql.code == "3D000")
}

fn refused(error: anyhow::Error, name: &str) -> anyhow::Error {
    match error.downcast_ref::<SqlError>() {
        Some(sql) => error::service(format!("cannot drop database `{name}`: {sql}")).into(),
        None => error,
    }
}
