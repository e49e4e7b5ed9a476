//! What psql is told. Names and marks come as psql variables: `:'x'` is a literal, `:"x"` an identifier, so
//! nothing in them is ever read as SQL. What stands in braces is text of this program.

/// Held by whoever makes or drops a lease's database, until the session ends. A client that is killed leaves its
/// session at work in the container: whoever takes over waits here until that is through.
macro_rules! lock {
    () => {
        "SELECT pg_advisory_lock(hashtextextended(:'mark', 0)) AS locked \\gset\n"
    };
}

/// Every database with its mark and the sessions of clients on it.
macro_rules! databases {
    () => {
        r#"(SELECT datname AS name, shobj_description(d.oid, 'pg_database') AS mark, (
  SELECT coalesce(json_agg(json_build_object('pid', pid, 'application', application_name,
    'client', coalesce(host(client_addr), 'local'), 'state', coalesce(state, '')) ORDER BY pid), '[]'::json)
  FROM pg_stat_activity a WHERE a.datid = d.oid AND coalesce(backend_type, 'client backend') = 'client backend'
) AS sessions FROM pg_database d) d"#
    };
}

/// Takes the lock, and says [`LOCKED`]. [`CREATE`] is sent to whoever said it: a client that outlives this program
/// and gets the lock after those who took over finds nothing more to do.
pub(super) const LOCK: &str = concat!(lock!(), "\\echo locked\n");

/// What [`LOCK`] says.
pub(super) const LOCKED: &str = "locked";

/// Makes a database, under the lock. It is born under a name that says whose it is and gets its real name together with its
/// mark, so that none is ever to be found under a real name without one. Answers `made`, `ours` or `taken`.
pub(super) const CREATE: &str = r#"SELECT count(*) > 0 AS taken,
  coalesce(bool_or(shobj_description(oid, 'pg_database') = :'mark'), false) AS ours
FROM pg_database WHERE datname = :'name' \gset
\if :ours
  \echo ours
  \q
\endif
\if :taken
  \echo taken
  \q
\endif
DROP DATABASE IF EXISTS :"birth";
CREATE DATABASE :"birth" {template};
BEGIN;
COMMENT ON DATABASE :"birth" IS :'mark';
ALTER DATABASE :"birth" RENAME TO :"name";
COMMIT;
\echo made
"#;

/// What [`CREATE`] says when there is a template.
pub(super) const TEMPLATE: &str = r#"TEMPLATE :"template""#;

/// Drops a database that carries the mark and that nobody uses, and one that was born and never got its name.
/// Prints what there was as JSON, then `dropped` or `kept`.
pub(super) const DROP: &str = concat!(
    lock!(),
    r#"DROP DATABASE IF EXISTS :"birth" {force};
SELECT coalesce(json_agg(d), '[]') AS found,
  coalesce(bool_or(mark = :'mark' AND (:'force'::boolean OR json_array_length(sessions) = 0)), false) AS go
FROM "#,
    databases!(),
    r#" WHERE name = :'name' \gset
\echo :found
\if :go
  DROP DATABASE :"name" {force};
  \echo dropped
\else
  \echo kept
\endif
"#
);

/// What [`DROP`] says when sessions are to be ended.
pub(super) const FORCE: &str = "WITH (FORCE)";

/// Prints one database as JSON, in a list that is empty when it does not exist.
pub(super) const LOOK: &str =
    concat!("SELECT coalesce(json_agg(d), '[]') FROM ", databases!(), " WHERE name = :'name';\n");

/// Prints every database that was made by this program, or is being made.
pub(super) const INVENTORY: &str = concat!(
    "SELECT coalesce(json_agg(d ORDER BY name), '[]') FROM ",
    databases!(),
    " WHERE left(mark, 13) = 'git-agentenv ' OR name ~ '^agentenv_[0-9a-f]{24}$';\n"
);
