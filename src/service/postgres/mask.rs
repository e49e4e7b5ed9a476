//! Masks of templates: what they overwrite is gone.

use super::{dump_file, filling};
use crate::service::Database;
use crate::service::template::Mask;
use anyhow::Result;

/// Runs a mask that was approved on a database, all of it or nothing, and leaves nothing of what it overwrote: see [`FORGET`].
///
/// # Errors
/// What the server refuses.
pub(in crate::service) fn run(database: &Database, mask: &Mask) -> Result<()> {
    let Database { server, name, .. } = database;
    dump_file::of_mask(mask)?.restore(server, name, true)?;
    filling::run_on(server, name, FORGET).map_err(|error| {
        error.context(format!("cannot clear what {} overwrote", mask.path.display()))
    })
}

/// Waits for those who may still read what was overwritten, such as the server's own workers: VACUUM keeps that for them.
macro_rules! rest {
    () => {
        r"SELECT txid_current() % 4294967296 AS now \gset
SELECT format('SELECT pg_sleep(0.1) FROM pg_stat_activity WHERE age(backend_xmin) > age(%L::xid)
  AND pid <> pg_backend_pid() AND (datid IS NULL OR datname = current_database()) LIMIT 1', :'now')
FROM generate_series(1, 100) \gexec
"
    };
}

/// Writes the tables anew without the rows that were overwritten, then makes the planner's statistics, which hold values of
/// rows, anew: deleted first, since ANALYZE keeps those of a table that is empty by now. A user who is no superuser may do
/// that to its own tables only, and no more than replace their statistics. 10 MB take 1 s, 100 MB 4 s, on two busy cores.
const FORGET: &str = concat!(
    rest!(),
    r"SELECT format('VACUUM (FULL) %s', string_agg(oid::regclass::text, ', ')) FROM pg_class
WHERE relkind IN ('r', 'm') AND relpersistence <> 't'
  AND (relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) OR oid = 'pg_largeobject'::regclass) \gexec
SELECT format('DELETE FROM %s', name) FROM (VALUES ('pg_statistic'), ('pg_statistic_ext_data')) s (name)
WHERE current_setting('is_superuser') = 'on' AND to_regclass(name) IS NOT NULL \gexec
ANALYZE;
",
    rest!(),
    r"SELECT format('VACUUM (FULL) %s', name) FROM (VALUES ('pg_statistic'), ('pg_statistic_ext_data')) s (name)
WHERE to_regclass(name) IS NOT NULL \gexec
"
);
