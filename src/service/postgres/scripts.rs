//! The scripts that psql runs. Names and marks are psql variables: `:'x'` is a literal, `:"x"` an identifier, so
//! they are never parsed as SQL. Only text of this program stands in braces.

use super::also::beside;
use super::birth::drop_unfinished;
use super::mark::{comment, digits, mark};

/// The lock of a session that creates or drops a lease's database. A killed client leaves its session running in the
/// container: the next process waits here until that session ends.
macro_rules! lock {
    () => {
        "SELECT pg_advisory_lock(hashtextextended(:'mark', 0)) AS locked \\gset\n"
    };
}
pub(super) use lock;

/// A session `a` that creates a database whose name has this in it. A killed client leaves it at work.
macro_rules! creates {
    ($name:expr) => {
        concat!(
            "a.pid <> pg_backend_pid() AND starts_with(a.query, 'CREATE DATABASE ') AND strpos(a.query, ",
            $name,
            ") > 0"
        )
    };
}

pub(super) use creates;

/// Ends the sessions that ended clients left at work, which create a database whose name has this in it.
macro_rules! stop {
    ($name:expr) => {
        concat!(
            "SELECT count(pg_terminate_backend(a.pid)) AS ended FROM pg_stat_activity a WHERE ",
            creates!($name),
            " \\gset\n"
        )
    };
}

/// What uses the database `d`, as JSON: the sessions of clients, and, without a process, what outlives sessions.
macro_rules! users {
    () => {
        r#"(SELECT coalesce(json_agg(to_json(u) ORDER BY pid, application), '[]'::json) FROM (
    SELECT pid, application_name AS application, coalesce(host(client_addr), 'local') AS client, coalesce(state, '') AS state
    FROM pg_stat_activity a WHERE a.datid = d.oid AND coalesce(backend_type, 'client backend') = 'client backend'
    UNION ALL SELECT NULL, format('prepared transaction `%s`', gid), 'local', '' FROM pg_prepared_xacts WHERE database = d.datname
    UNION ALL SELECT NULL, format('subscription `%s`', subname), 'local', '' FROM pg_subscription WHERE subdbid = d.oid
    UNION ALL SELECT NULL, format('replication slot `%s`', slot_name), 'local', '' FROM pg_replication_slots WHERE datoid = d.oid
  ) u)"#
    };
}
pub(super) use users;

/// The size of the database `d` in bytes; 0 when the user may not know it, or when its files are gone.
macro_rules! size {
    () => {
        "coalesce(CASE WHEN has_database_privilege(d.oid, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'MEMBER') THEN pg_database_size(d.oid) END, 0)"
    };
}
pub(super) use size;

/// Whether the server stopped while it dropped the database `d`, which can only be dropped again.
macro_rules! broken {
    () => {
        "d.datconnlimit = -2"
    };
}
pub(super) use broken;

/// Every database with its mark and what uses it.
macro_rules! databases {
    () => {
        concat!(
            "(SELECT datname AS name, ",
            mark!("d.oid", "datname"),
            " AS mark, ",
            users!(),
            " AS sessions FROM pg_database d) d"
        )
    };
}

mod end;
pub(super) mod removal;
pub(super) use end::END;

/// Takes the lock and prints [`LOCKED`]. What creates a database is sent after that: a client that outlives this program and gets
/// the lock late finds the end of its input.
pub(super) const LOCK: &str = concat!(lock!(), "\\echo locked\n");

/// What [`LOCK`] prints.
pub(super) const LOCKED: &str = "locked";

/// Creates an empty database under its temporary name. The default template, template1, cannot be copied while a client
/// is connected to it.
macro_rules! empty {
    () => {
        r#"SELECT count(*) > 0 AS crowded FROM pg_stat_activity WHERE datname = 'template1'
  AND coalesce(backend_type, 'client backend') = 'client backend' \gset
\if :crowded
  CREATE DATABASE :"birth" TEMPLATE template0;
\else
  CREATE DATABASE :"birth";
\endif
"#
    };
}

pub(super) mod copy;

/// Creates a database, under the lock. It starts under a name with the lease's id and gets its real name together with
/// its mark, so that a real name never exists without a mark. Prints `made`, `ours` or `taken`, then `created`.
pub(super) const CREATE: &str = concat!(
    // Held already, unless the session had to start again.
    lock!(),
    "SELECT count(*) > 0 AS taken, coalesce(bool_or(",
    mark!("oid", "datname"),
    r#" = :'mark'), false) AS ours
FROM pg_database WHERE datname = :'name' \gset
\if :ours
  \echo ours
\elif :taken
  \echo taken
\else
"#,
    drop_unfinished!(":'born'"),
    empty!(),
    comment!("comment", "mark", ":'name'"),
    r#"BEGIN;
COMMENT ON DATABASE :"birth" IS :'comment';
ALTER DATABASE :"birth" RENAME TO :"name";
COMMIT;
\echo made
\endif
SELECT pg_advisory_unlock_all() AS unlocked \gset
\echo created
"#
);

/// Copies that a lease keeps of this database, found by the start and the end of their mark.
macro_rules! copies {
    ($mark:literal) => {
        concat!(
            "left(",
            $mark,
            ", length(:'mark') + 1) = :'mark' || ' ' AND right(",
            $mark,
            ", length(:'name') + 4) = ' of ' || :'name'"
        )
    };
}
pub(super) use copies;

/// Drops a database that carries the mark and has no sessions, after those that tests made beside it; with `copies` also the
/// copies of it; and always what is `unfinished`. Prints what existed and the sessions beside it as JSON, then `dropped` or `kept`.
pub(super) const DROP: &str = concat!(
    stop!(":'unfinished'"),
    lock!(),
    drop_unfinished!(":'unfinished'"),
    r#"SELECT coalesce(json_agg(s), '[]') AS beside, count(*) = 0 OR :'force'::boolean AS alone
FROM "#,
    beside!(),
    r#", json_array_elements(beside.sessions) s \gset
SELECT coalesce(json_agg(d), '[]') AS found,
  coalesce(bool_or(own AND free), false) AND :'alone'::boolean AS go,
  :'copies'::boolean AND :'alone'::boolean AND NOT coalesce(bool_or(own AND NOT free), false) AS copies
FROM (SELECT *, mark = :'mark' OR left(mark, length(:'mark') + 1) = :'mark' || ' ' AS own,
  :'force'::boolean OR json_array_length(sessions) = 0 AS free FROM "#,
    databases!(),
    r#") d WHERE name = :'name' \gset
\echo :found
\echo :beside
\if :go
  SELECT format('DROP DATABASE %I {force}', name) FROM "#,
    beside!(),
    r#" \gexec
\endif
\if :copies
  SELECT format('DROP DATABASE %I {force}', name) FROM "#,
    databases!(),
    " WHERE ",
    copies!("mark"),
    r#" \gexec
\endif
\if :go
  DROP DATABASE :"name" {force};
  \echo dropped
\else
  \echo kept
\endif
"#
);

/// The clause of [`DROP`] that ends sessions.
pub(super) const FORCE: &str = "WITH (FORCE)";

/// Prints one database as JSON, in a list that is empty when it does not exist.
pub(super) const LOOK: &str =
    concat!("SELECT coalesce(json_agg(d), '[]') FROM ", databases!(), " WHERE name = :'name';\n");

/// Prints who is connected to a database and, from PostgreSQL 14 on, how many were since its statistics began, as JSON;
/// nothing when it does not exist.
pub(super) const VISITS: &str = concat!(
    "SELECT json_build_object('sessions', sessions, 'total', (SELECT (to_jsonb(s)->>'sessions')::bigint
  FROM pg_stat_database s WHERE datname = name)) FROM ",
    databases!(),
    " WHERE name = :'name';\n"
);

/// Prints every database but the server's own.
pub(super) const ALL: &str = concat!(
    "SELECT coalesce(json_agg(d ORDER BY name), '[]') FROM ",
    databases!(),
    " WHERE name NOT IN ('postgres', 'template0', 'template1');\n"
);

/// Prints every database that this program created or began to create, also one that a session is creating: a killed client
/// leaves it at work, and the database is listed when it is complete.
pub(super) const INVENTORY: &str = concat!(
    "SELECT coalesce(json_agg(d ORDER BY name), '[]') FROM (SELECT * FROM ",
    databases!(),
    r#" WHERE left(mark, 13) = 'git-agentenv ' OR name ~ '^agentenv_[0-9a-f]{24}(_[0-9a-f]+)*$'
  UNION ALL SELECT name, NULL, '[]'::json FROM (
    SELECT DISTINCT substring(query FROM '^CREATE DATABASE "?(agentenv_[0-9a-f]{24}(_[0-9a-f]+)*)') AS name
    FROM pg_stat_activity WHERE state = 'active') c
  WHERE name IS NOT NULL AND NOT EXISTS (SELECT FROM pg_database WHERE datname = name)) d;
"#
);
