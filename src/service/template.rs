//! Template databases: copies without connections that new databases are copied from.

use super::copy::{self, Copy};
use super::postgres::spare::Spare;
use super::{Database, Server, mysql, postgres};
use crate::model::config::Kind;
use crate::model::source::Source;
use crate::model::template_key::{TemplateMark, prefix};
use crate::sys::failpoint;
use anyhow::Result;
use serde::Deserialize;
use std::path::PathBuf;

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

/// A file of SQL that was read.
#[derive(Debug)]
pub struct Mask {
    /// The file.
    pub path: PathBuf,
    /// What was in it.
    pub content: Vec<u8>,
}

/// A database whose mark begins as it should.
#[derive(Debug, Deserialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its mark.
    pub mark: String,
    /// Its size on the server, in bytes.
    pub bytes: u64,
    /// The server stopped while it dropped it: it can only be dropped.
    pub is_broken: bool,
}

/// The databases on a server whose mark begins with this.
///
/// # Errors
/// When the server does not answer.
pub fn marked(server: &Server, prefix: &str) -> Result<Vec<Row>> {
    match server.kind {
        Kind::Mysql => mysql::marked(server, prefix),
        _ => postgres::marked(server, prefix),
    }
}

/// Drops a database that carries exactly this mark.
///
/// # Errors
/// `Service` when the server refuses.
pub fn drop_marked(server: &Server, database: &str, mark: &str) -> Result<bool> {
    match server.kind {
        Kind::Mysql => mysql::drop_marked(server, database, mark),
        _ => postgres::drop_marked(server, database, mark),
    }
}

/// What a store has on a server.
pub struct Stocked {
    /// The store.
    pub store: String,
    /// Its templates, the newest first.
    pub templates: Vec<Template>,
    /// Its spares.
    pub spares: Vec<Spare>,
    /// The templates and spares that can only be dropped.
    pub broken: Vec<Row>,
}

/// All of it, in one question.
///
/// # Errors
/// When the server does not answer.
pub fn stocked(server: &Server, store: &str) -> Result<Stocked> {
    let mut rows = marked(server, "git-agentenv ")?;
    let own = [prefix(store), postgres::spare::prefix(store)];
    rows.retain(|row| own.iter().any(|prefix| row.mark.starts_with(prefix)));
    let (broken, rows): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.is_broken);
    let (templates, spares): (Vec<Row>, Vec<Row>) =
        rows.into_iter().partition(|row| row.mark.starts_with(&own[0]));
    let spares = spares.into_iter().map(Spare::from).collect();
    let (store, templates) = (store.to_owned(), whole(templates, store));
    Ok(Stocked { store, templates, spares, broken })
}

/// The template databases of a store on a server, the newest first.
pub fn list(server: &Server, store: &str) -> Result<Vec<Template>> {
    let mut rows = marked(server, &prefix(store))?;
    rows.retain(|row| !row.is_broken);
    Ok(whole(rows, store))
}

fn whole(rows: Vec<Row>, store: &str) -> Vec<Template> {
    let template = |row: Row| {
        let mark = TemplateMark::parse(&row.mark, store)?;
        Some(Template { database: row.name, bytes: row.bytes, mark })
    };
    let mut found: Vec<Template> = rows.into_iter().filter_map(template).collect();
    found.sort_by_key(|one| std::cmp::Reverse(one.mark.at));
    found
}

/// The database that a template of this mark becomes.
pub fn target(server: &Server, store: &str, id: &str, mark: &TemplateMark) -> String {
    let stem = mark.database(store);
    // MySQL cannot rename what is complete: a new one is born under a name that nobody knows.
    match server.kind {
        Kind::Mysql => format!("{stem}_{}", &id[id.len() - 8..]),
        _ => stem,
    }
}

/// Makes a template, in the place of one of the same key: copies `source`, lets `prepare` change the copy, and publishes
/// it. `id` names the copy until then; its lock has to be held. A failure publishes nothing.
///
/// # Errors
/// As [`copy::copy`], and what `prepare` says.
pub fn make(
    server: &Server,
    stocked: &Stocked,
    id: &str,
    (source, mark): (Option<&Source>, TemplateMark),
    prepare: impl FnOnce(&Database) -> Result<()>,
) -> Result<Template> {
    let Stocked { store, templates, broken, .. } = stocked;
    let (stem, target) = (mark.database(store), target(server, store, id, &mark));
    let is_old = |one: &&Template| match server.kind {
        Kind::Mysql => one.mark.database(store) == stem,
        _ => one.database == stem,
    };
    for row in broken.iter().filter(|row| row.name == target) {
        drop_marked(server, &row.name, &row.mark)?;
    }
    let old: Vec<&Template> = templates.iter().filter(is_old).collect();
    let replaced = old.iter().find(|one| one.database == target).map_or(&mark, |one| &one.mark);
    let whole = Copy::new(server, id, source, &target, replaced.comment(store));
    let copy = Copy { replace: true, ..whole };
    copy::publish(&copy, &mark.comment(store), |birth| {
        prepare(birth)?;
        failpoint::point("template-prepared")
    })?;
    for one in old.iter().filter(|one| one.database != target) {
        drop(server, store, one)?;
    }
    failpoint::point("template-published")?;
    Ok(Template { database: target, bytes: 0, mark })
}

/// Runs a mask on a database. In Postgres all of it or nothing, and nothing of what it overwrote stays.
///
/// # Errors
/// What the server refuses.
pub fn mask(database: &Database, id: &str, mask: &Mask) -> Result<()> {
    match database.server.kind {
        Kind::Mysql => mysql::copy::run(database, id, mask),
        _ => postgres::mask::run(database, mask),
    }
}

/// Drops a template if it still is what it was when it was listed.
///
/// # Errors
/// `Service` when the server refuses.
pub fn drop(server: &Server, store: &str, template: &Template) -> Result<bool> {
    drop_marked(server, &template.database, &template.mark.comment(store))
}
