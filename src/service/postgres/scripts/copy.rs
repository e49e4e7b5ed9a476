//! The scripts that create a database as a copy and publish it. Each runs under the lock of the lease.

use crate::service::postgres::birth::drop_unfinished;
use crate::service::postgres::mark::{comment, digits, mark};

/// Checks that `name` may become a copy of `source`: it does not exist, or it carries `own`, may be replaced, and has no
/// sessions that may not be ended; and that `spare` is free where it is kept. Prints what exists as JSON; on refusal ends with
/// the reason.
macro_rules! target {
    () => {
        concat!(
            r#"SELECT coalesce(json_agg(d), '[]') AS found, count(*) > 0 AS exists,
  coalesce(bool_or(mark IS DISTINCT FROM :'own'), false) AS foreign,
  coalesce(bool_or(json_array_length(sessions) > 0), false) AND NOT :'force'::boolean AS busy,
  count(*) > 0 AND NOT :'replace'::boolean AS kept,
  count(*) > 0 AND :'keep'::boolean AND EXISTS (SELECT FROM pg_database WHERE datname = :'spare') AS spare_taken
FROM "#,
            databases!(),
            r#" WHERE name = :'name' \gset
\echo :found
\if :foreign
  \echo foreign
  \q
\endif
\if :kept
  \echo exists
  \q
\endif
\if :busy
  \echo busy
  \q
\endif
\if :spare_taken
  \echo spare-taken
  \q
\endif
"#
        )
    };
}

/// Creates the new database under its temporary name: a copy of `source`, runs `at_once`, and
/// prints `copied`; when the source is in use or `dump` is set, an empty database like it, and
/// prints `empty`. Prints the roles that the user may not use, and `lacking`, when there are any;
/// the settings that it may not give, and `unsettable`.
pub(in super::super) const COPY: &str = concat!(
    target!(),
    drop_unfinished!(":'born'"),
    r#"SELECT count(*) = 0 AS absent, bool_and(json_array_length(sessions) = 0) AND NOT :'dump'::boolean AS idle
FROM "#,
    databases!(),
    r#" WHERE name = :'source' AND (SELECT "#,
    broken!(),
    r#" FROM pg_database d WHERE datname = :'source') IS FALSE \gset
\if :absent
  \echo absent
  \q
\endif
{lacking}\if :lacks
  \echo :lacking
  \echo lacking
  \q
\endif
\if :unset
  \echo :unsettable
  \echo unsettable
  \q
\endif
{room}\if :idle
  {files}
\else
  {like}
\endif
{settings}\if :idle
  {at_once}
  \echo copied
\else
  \echo empty
\endif
"#
);

/// Creates an empty database under the temporary name of the new one, and prints `empty`.
pub(in super::super) const BLANK: &str = concat!(
    target!(),
    drop_unfinished!(":'born'"),
    r#"{room}CREATE DATABASE :"birth" TEMPLATE template0;
\echo empty
"#
);

/// Creates an empty database under the temporary name of the new one, and prints `copied`.
pub(in super::super) const EMPTY: &str =
    concat!(target!(), drop_unfinished!(":'born'"), empty!(), "\\echo copied\n");

/// Ends the session that an ended client left at work, which creates the database of this run.
pub(in super::super) const STOP: &str = stop!(":'birth'");

/// Drops the database that [`COPY`] or [`BLANK`] created and that did not get its real name; prints `dropped`.
pub(in super::super) const DISCARD: &str = r#"DROP DATABASE IF EXISTS :"birth" WITH (FORCE);
\echo dropped
"#;

/// How long each statement may take that waits for a lock or for sessions, where a copy takes
/// longer.
macro_rules! soon {
    () => {
        "SET statement_timeout = '10min';\n"
    };
}

/// Makes the database of [`COPY`] like its source, and gives it its real name and mark, in a
/// transaction.
macro_rules! publish {
    () => {
        r#"{dress}COMMENT ON DATABASE :"birth" IS :'comment';
ALTER DATABASE :"birth" RENAME TO :"name";
"#
    };
}

/// Gives the database of [`COPY`] its real name and mark in the same session, which saw that no
/// database has the name; prints `made`.
pub(in super::super) const PUBLISH: &str = concat!(
    soon!(),
    comment!("comment", "new", ":'name'"),
    "BEGIN;\n",
    publish!(),
    "COMMIT;\n\\echo made\n"
);

/// Gives the database of [`COPY`] its real name and mark, in place of the one that had the name, which is kept as
/// `spare` or dropped; prints `made`.
pub(in super::super) const SWAP: &str = concat!(
    soon!(),
    target!(),
    r#"\if :keep
\else
  DROP DATABASE IF EXISTS :"spare" {force};
\endif
\if :exists
  SELECT count(pg_terminate_backend(pid)) AS ended FROM pg_stat_activity
  WHERE :'force'::boolean AND datname = :'name' AND pid <> pg_backend_pid() \gset
\endif
"#,
    comment!("spare_comment", "spare_mark", ":'spare'"),
    comment!("comment", "new", ":'name'"),
    r#"BEGIN;
\if :exists
  COMMENT ON DATABASE :"name" IS :'spare_comment';
  ALTER DATABASE :"name" RENAME TO :"spare";
\endif
"#,
    publish!(),
    r#"COMMIT;
\if :keep
\else
  DROP DATABASE IF EXISTS :"spare" {force};
\endif
\echo made
"#
);
