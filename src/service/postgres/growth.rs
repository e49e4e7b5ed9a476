//! How far a copy is.

use super::scripts::{creates, size};
use super::{Database, parse_json, session};
use crate::model::source::Source;
use crate::ui::Reached;
use anyhow::Result;
use serde::Deserialize;

/// Prints the sizes of the unfinished database and of its source as JSON. One that is still being copied file by file is not
/// in the catalogue: then its directory is the one of no database, which only some users may look at.
const GROWTH: &str = concat!(
    "SELECT json_build_object('of', (SELECT ",
    size!(),
    " FROM pg_database d WHERE d.datname = :'source'), 'done', coalesce((SELECT ",
    size!(),
    r#" FROM pg_database d WHERE d.datname = :'birth'),
  CASE WHEN has_function_privilege('pg_ls_dir(text)', 'EXECUTE') AND has_function_privilege('pg_stat_file(text)', 'EXECUTE')
    AND EXISTS (SELECT FROM pg_stat_activity a WHERE "#,
    creates!(":'birth'"),
    r#") THEN (
    SELECT sum((pg_stat_file(format('base/%s/%s', dir, file))).size)::bigint
    FROM (SELECT min(dir) AS dir FROM pg_ls_dir('base') dir
      WHERE dir ~ '^[0-9]+$' AND NOT EXISTS (SELECT FROM pg_database WHERE oid::text = dir) HAVING count(*) = 1) new,
      pg_ls_dir('base/' || dir) file) END));
"#
);

#[derive(Deserialize)]
struct Growth {
    done: Option<u64>,
    of: Option<u64>,
}

/// How far the copy to a database is that this process makes; `None`: it cannot be told.
///
/// # Errors
/// When the server does not answer at once.
pub fn growth(database: &Database, id: &str, from: &Source) -> Result<Option<Reached>> {
    let source = match from {
        Source::Database(name) => name,
        // Rows take another size in a file.
        Source::File(_) | Source::Dump(_) => "",
    };
    let glance = session(&database.server, GROWTH.to_owned(), &database.name, id).glance();
    let Growth { done, of } = parse_json(&glance.var("source", source).run()?.concat())?;
    Ok(done.map(|done| Reached { done, of }))
}
