//! Whether a copy fits on the server's disk. Asked where psql runs, which in a container is beside the server's data.

use super::mark::{digits, mark};
use super::scripts::size;
use super::spare;
use crate::model::config::Place;
use crate::model::lease;
use crate::service::copy::Copy;
use crate::service::room::{NoRoom, free_kilobytes};
use crate::service::trash;
use anyhow::Result;

/// Compares `need` with the free space in the directory `lies`, in bytes; an empty directory, or one that `df` does not
/// know, is not looked at, nor is it unless the copy `takes` space. When the copy does not fit, prints as JSON what there is
/// and what this store has there that could go, and `full`.
macro_rules! compare {
    () => {
        concat!(
            r#"\if :takes
\setenv AGENTENV_LIES :lies
\set free `"#,
            free_kilobytes!("$AGENTENV_LIES"),
            r#"`
SELECT free, free < :'need'::bigint AS full
FROM coalesce(nullif(regexp_replace(:'free', '[^0-9]', '', 'g'), '')::bigint * 1024, :'need'::bigint) free \gset
\if :full
  SELECT json_build_object('need', :'need'::bigint, 'free', :'free'::bigint,
    'spares', coalesce(sum(bytes) FILTER (WHERE left(mark, length(:'spares')) = :'spares'), 0),
    'templates', coalesce(sum(bytes) FILTER (WHERE left(mark, length(:'templates')) = :'templates'), 0),
    'trash', coalesce(sum(bytes) FILTER (WHERE left(mark, length(:'trash')) = :'trash'), 0))
  FROM (SELECT "#,
            size!(),
            " AS bytes, mark FROM (SELECT oid, ",
            mark!("oid", "datname"),
            r#" AS mark FROM pg_database) d) d;
  \echo full
  \q
\endif
\endif
"#
        )
    };
}

/// The bytes of `$size` with what the server writes of them to its write-ahead log; a server whose log does not fit stops.
macro_rules! logged {
    ($size:literal) => {
        concat!($size, " + least(", $size, ", pg_size_bytes(current_setting('max_wal_size')))")
    };
}

/// Compares where a script left it to another that creates the database.
pub(super) const FITS: &str = compare!();

/// For a copy of the database `source`. The files of an idle one may be copied past the log, see
/// [`COPY_FILES`]; from PostgreSQL 18 on they may be cloned, which takes no space. Where they are
/// not, that script compares. Sets what it reads, too: `large` and `clones`.
///
/// [`COPY_FILES`]: super::likeness::COPY_FILES
pub(super) const OF_SOURCE: &str = concat!(
    r#"SELECT need, need > 0 AND NOT clones AS takes, lies, large, clones
FROM (SELECT bytes > :'large'::bigint AND version >= 150000 AS large,
  bytes > :'large'::bigint AND version >= 180000 AND :'idle'::boolean AS clones,
  CASE WHEN NOT :'whole'::boolean THEN 0
    WHEN :'idle'::boolean AND (version < 150000 OR bytes > :'large'::bigint) THEN bytes ELSE "#,
    logged!("bytes"),
    r#" END AS need,
  CASE WHEN :'beside'::boolean THEN coalesce(nullif(pg_tablespace_location(dattablespace), ''),
    (SELECT setting FROM pg_settings WHERE name = 'data_directory'), '') ELSE '' END AS lies
FROM (SELECT dattablespace, current_setting('server_version_num')::int AS version, "#,
    size!(),
    r#" AS bytes FROM pg_database d WHERE datname = :'source') d) d \gset
"#,
    compare!()
);

/// For the content of a file of `need` bytes.
pub(super) const OF_FILE: &str = concat!(
    "SELECT ",
    logged!(":'need'::bigint"),
    r#" AS need, true AS takes, CASE WHEN :'beside'::boolean THEN
  coalesce((SELECT setting FROM pg_settings WHERE name = 'data_directory'), '') ELSE '' END AS lies \gset
"#,
    compare!()
);

/// The variables of the scripts.
pub(super) fn vars(copy: &Copy, need: u64) -> [(&'static str, String); 6] {
    let store = lease::store_of(copy.id);
    [
        ("whole", super::on(!copy.dump.leaves_out()).to_owned()),
        ("beside", super::on(copy.server.place != Place::Host).to_owned()),
        ("need", need.to_string()),
        ("spares", spare::prefix(store)),
        ("templates", crate::model::template_key::prefix(store)),
        ("trash", format!("{} {store}", trash::MARK)),
    ]
}

/// Drops spares until the copy fits. `false`: it would not fit without all of them, or is a spare itself.
pub(super) fn make(copy: &Copy, short: &NoRoom) -> Result<bool> {
    let store = lease::store_of(copy.id);
    let is_spare = copy.mark.starts_with(&spare::prefix(store));
    if is_spare || short.free + short.spares < short.need {
        return Ok(false);
    }
    let mut free = short.free;
    for one in spare::list(copy.server, store)? {
        if free < short.need && spare::drop(copy.server, &one)? {
            free += one.bytes;
        }
    }
    Ok(free >= short.need)
}
