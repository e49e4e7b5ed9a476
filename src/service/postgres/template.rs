//! Template databases: copies without connections that new databases are copied from.

use super::copy::{self, Copy};
use super::scripts::size;
use super::{Database, SqlError, dump_file, parse_json, psql};
use crate::error;
use crate::model::source::Source;
use crate::model::template_key::{TemplateMark, prefix};
use crate::service::Server;
use crate::sys::failpoint;
use anyhow::Result;
use serde::Deserialize;
use std::path::Path;

/// Prints the databases whose comment begins with `prefix`, as JSON, with their sizes.
const TEMPLATES: &str = concat!(
    "SELECT coalesce(json_agg(json_build_object('name', datname, 'mark', mark, 'bytes', ",
    size!(),
    ")), '[]')
FROM (SELECT oid, datname, shobj_description(oid, 'pg_database') AS mark FROM pg_database) d
WHERE left(mark, length(:'prefix')) = :'prefix';
"
);

/// Drops a template that carries the mark; prints `dropped` or `kept`.
const DROP_TEMPLATE: &str = r#"SELECT count(*) > 0 AS own FROM pg_database
WHERE datname = :'name' AND shobj_description(oid, 'pg_database') = :'mark' \gset
\if :own
  DROP DATABASE :"name";
  \echo dropped
\else
  \echo kept
\endif
"#;

/// A template database on a server.
#[derive(Debug, Clone)]
pub struct Template {
    /// Its name.
    pub database: String,
    /// Its size on the server, in bytes.
    pub bytes: u64,
    /// What it says of itself.
    pub mark: TemplateMark,
}

/// A database whose comment begins as it should.
#[derive(Deserialize)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) mark: String,
    pub(super) bytes: u64,
}

/// The databases on a server whose comment begins with this.
pub(super) fn marked(server: &Server, prefix: &str) -> Result<Vec<Row>> {
    let session = psql::Session::new(server, TEMPLATES).var("prefix", prefix);
    parse_json(&session.run()?.concat())
}

/// The template databases of a store on a server, the newest first.
pub fn list(server: &Server, store: &str) -> Result<Vec<Template>> {
    let rows = marked(server, &prefix(store))?;
    let template = |row: Row| {
        let mark = TemplateMark::parse(&row.mark, store)?;
        Some(Template { database: row.name, bytes: row.bytes, mark })
    };
    let mut found: Vec<Template> = rows.into_iter().filter_map(template).collect();
    found.sort_by_key(|one| std::cmp::Reverse(one.mark.at));
    Ok(found)
}

/// Makes a template, in the place of one of the same name: copies `source`, lets `prepare` change the copy, and publishes
/// it. `id` names the copy until then; its lock has to be held. A failure publishes nothing.
///
/// # Errors
/// As [`copy::copy`], and what `prepare` says.
pub fn make(
    server: &Server,
    store: &str,
    id: &str,
    source: Option<&Source>,
    mark: &TemplateMark,
    prepare: impl FnOnce(&Database) -> Result<()>,
) -> Result<()> {
    let target = mark.database(store);
    let own = find(server, store, &target)?.map_or(mark.clone(), |old| old.mark).comment(store);
    let copy = Copy {
        server,
        id,
        source,
        target: &target,
        mark: own,
        replace: true,
        force: false,
        keep: None,
        dump: copy::Dump::default(),
    };
    copy::publish(&copy, &mark.comment(store), |birth| {
        prepare(birth)?;
        failpoint::point("template-prepared")
    })?;
    failpoint::point("template-published")
}

/// Runs a file of SQL on a database, all of it or nothing.
///
/// # Errors
/// `NotFound` without the file, and what the server refuses.
pub fn mask(database: &Database, file: &Path) -> Result<()> {
    dump_file::open(file)?.restore(&database.server, &database.name)
}

/// Drops a template if it still is what it was when it was listed.
///
/// # Errors
/// `Service` when the server refuses.
pub fn drop(server: &Server, store: &str, template: &Template) -> Result<bool> {
    drop_marked(server, &template.database, &template.mark.comment(store))
}

/// Drops a database that carries exactly this mark.
pub(super) fn drop_marked(server: &Server, database: &str, mark: &str) -> Result<bool> {
    let session = psql::Session::new(server, DROP_TEMPLATE)
        .var("name", database)
        .var("mark", mark)
        .limit(psql::COPYING);
    let lines = session.run().map_err(|error| refused(error, database))?;
    Ok(lines.last().is_some_and(|word| word == "dropped"))
}

fn find(server: &Server, store: &str, database: &str) -> Result<Option<Template>> {
    Ok(list(server, store)?.into_iter().find(|template| template.database == database))
}

fn refused(error: anyhow::Error, name: &str) -> anyhow::Error {
    match error.downcast_ref::<SqlError>() {
        Some(sql) => error::service(format!("cannot drop database `{name}`: {sql}")).into(),
        None => error,
    }
}
