//! What a database is like: its size, its age, and what lies beside it.

use super::also::{beside, patterns};
use super::mark::{digits, mark};
use super::scripts::{size, users};
use super::{parse_json, psql, session};
use crate::service::detail::{Detail, Part};
use crate::service::{Database, Session};
use anyhow::Result;
use serde::Deserialize;

/// Prints it as JSON. When the database was created is the time of a file that only some users may look at.
const DETAIL: &str = concat!(
    r#"SELECT has_function_privilege('pg_stat_file(text, boolean)', 'EXECUTE') AS looks, coalesce(max(oid::text), '') AS oid
FROM pg_database WHERE datname = :'name' \gset
\set created 0
\if :looks
  SELECT coalesce(extract(epoch FROM (pg_stat_file(format('base/%s/PG_VERSION', :'oid'), true)).modification)::bigint, 0)
    AS created \gset
\endif
SELECT json_build_object('mark', "#,
    mark!("d.oid", "d.datname"),
    ", 'bytes', ",
    size!(),
    ", 'created', :'created'::bigint, 'sessions', ",
    users!(),
    r#", 'also', (SELECT coalesce(json_agg(json_build_object('database', name, 'bytes', size) ORDER BY name), '[]') FROM "#,
    beside!(),
    r#"),
  'snapshots', (SELECT coalesce(json_agg(json_build_object('database', datname, 'mark', mark, 'bytes', size) ORDER BY datname), '[]')
    FROM (SELECT datname, "#,
    mark!("d.oid", "d.datname"),
    " AS mark, ",
    size!(),
    r#" AS size FROM pg_database d) d WHERE left(mark, length(:'mark') + 1) = :'mark' || ' '))
FROM pg_database d WHERE datname = :'name';
"#
);

/// Prints whether one of its tables takes space. A table that a migration has locked may hold rows.
const ROWS: &str = r#"\connect :"name"
SET statement_timeout = '2s';
SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
  WHERE relkind IN ('r', 'm') AND nspname !~ '^pg_' AND nspname <> 'information_schema' AND pg_relation_size(c.oid) > 0);
"#;

/// Whether a database holds rows.
///
/// # Errors
/// When it cannot be asked.
pub fn holds_rows(database: &Database) -> Result<bool> {
    let asked = psql::Session::new(&database.server, ROWS).var("name", &database.name).run()?;
    Ok(asked.last().is_none_or(|line| line != "f"))
}

#[derive(Deserialize)]
struct Row {
    mark: Option<String>,
    bytes: u64,
    created: u64,
    sessions: Vec<Session>,
    also: Vec<Part>,
    snapshots: Vec<Copy>,
}

#[derive(Deserialize)]
struct Copy {
    database: String,
    mark: String,
    bytes: u64,
}

/// Looks at a database of the lease with this id; `None`: there is none, or it is another's.
///
/// # Errors
/// When the server does not answer.
pub fn detail(database: &Database, id: &str) -> Result<Option<Detail>> {
    let script = session(&database.server, DETAIL.to_owned(), &database.name, id);
    let lines = script.var("also", &patterns(database)).run()?;
    if lines.is_empty() {
        return Ok(None);
    }
    let row: Row = parse_json(&lines.concat())?;
    if row.mark.as_deref() != Some(&crate::model::lease::mark(id)) {
        return Ok(None);
    }
    let snapshot = |copy: Copy| {
        let name = crate::service::snapshot::named(database, id, &copy.mark)?.to_owned();
        Some((name, Part { database: copy.database, bytes: copy.bytes }))
    };
    Ok(Some(Detail {
        bytes: row.bytes,
        created: (row.created > 0).then_some(row.created),
        sessions: row.sessions,
        also: row.also,
        snapshots: row.snapshots.into_iter().filter_map(snapshot).collect(),
    }))
}
