//! The scripts that close, open and drop the databases of several leases. `wanted` is a list in JSON: of each the database's
//! name, the lease's mark, what names of its unfinished databases begin with, whether sessions on it are ended, and patterns of names beside it.

use crate::service::postgres::also::beside;
use crate::service::postgres::mark::{digits, mark, marks};

/// What is wanted, as rows.
macro_rules! wanted {
    () => {
        "json_to_recordset(:'wanted'::json) AS w (name text, mark text, unfinished text, force boolean, also json)"
    };
}

/// Every database with its mark: as `databases`, without asking who uses it, which takes the server most of the time.
macro_rules! marked {
    () => {
        concat!(
            "(SELECT datname AS name, ",
            mark!("d.oid", "datname"),
            " AS mark FROM pg_database d) d"
        )
    };
}

/// The size of the database `d`, for which the server looks at each of its files.
macro_rules! size {
    () => {
        "(SELECT pg_database_size(oid) FROM pg_database WHERE datname = d.name AND has_database_privilege(oid, 'CONNECT'))"
    };
}

/// Prints as JSON those of the databases that exist, and, without size and sessions, those that carry a wanted mark under
/// another name.
macro_rules! look {
    ($size:expr) => {
        concat!(
            "SELECT coalesce(json_agg(f), '[]') FROM (SELECT d.*, false AS elsewhere, ",
            $size,
            " AS size FROM ",
            databases!(),
            " JOIN ",
            wanted!(),
            " ON d.name = w.name UNION ALL SELECT d.name, d.mark, '[]'::json, true, NULL::bigint FROM ",
            marks!(),
            " d JOIN ",
            wanted!(),
            " ON d.mark = w.mark WHERE d.name NOT IN (SELECT name FROM ",
            wanted!(),
            ")) f;\n"
        )
    };
}

/// Ends the sessions of killed clients that still create one of the databases, and waits for them.
macro_rules! lock_all {
    () => {
        concat!(
            "SELECT count(pg_terminate_backend(a.pid)) AS ended FROM pg_stat_activity a JOIN ",
            wanted!(),
            " ON ",
            creates!("w.unfinished"),
            " \\gset\n",
            "SELECT count(*) AS locked FROM (SELECT pg_advisory_lock(hashtextextended(mark, 0)) FROM ",
            wanted!(),
            " ORDER BY mark OFFSET 0) l \\gset\n"
        )
    };
}

macro_rules! unlock_all {
    () => {
        "SELECT pg_advisory_unlock_all() AS unlocked \\gset\n"
    };
}

/// Whether clients may connect, on each database that carries its lease's mark.
macro_rules! allow {
    ($yes:literal) => {
        concat!(
            "SELECT format('ALTER DATABASE %I ALLOW_CONNECTIONS ",
            $yes,
            "', d.name) FROM ",
            marked!(),
            " JOIN ",
            wanted!(),
            " ON d.name = w.name AND d.mark = w.mark \\gexec\n"
        )
    };
}

/// A database that goes: an unfinished one, the lease's own, or a copy that the lease keeps of it.
macro_rules! goes {
    () => {
        r#"(d.mark IS NULL AND (d.name = w.unfinished OR starts_with(d.name, w.unfinished || '_')) OR d.name = w.name AND d.mark = w.mark OR left(d.mark, length(w.mark) + 1) = w.mark || ' '
  AND (d.name = w.name OR right(d.mark, length(w.name) + 4) = ' of ' || w.name))"#
    };
}

/// Prints what is there, then `looked`.
pub(in super::super) const LOOK: &str = concat!(look!(size!()), "\\echo looked\n");

/// Prints as JSON the sessions on the databases that tests made beside the wanted ones, each with both names, then `listed`.
pub(in super::super) const BESIDE: &str = concat!(
    "SELECT coalesce(json_agg(json_build_array(w.name, beside.name, s)), '[]') FROM ",
    wanted!(),
    ", LATERAL ",
    beside!("w.name", "w.mark", "w.also"),
    ", json_array_elements(beside.sessions) s WHERE json_array_length(w.also) > 0;\n\\echo listed\n"
);

/// Takes the locks and prints `locked`. What closes is sent after that: a client that outlives this program holds them until
/// it has ended, and what opens waits for them.
pub(in super::super) const LOCK: &str = concat!(lock_all!(), "\\echo locked\n");

/// Closes for connections what carries the mark, prints what is there without its size, then `closed`. One that cannot be closed is looked at
/// all the same.
pub(in super::super) const CLOSE: &str = concat!(
    "\\set ON_ERROR_STOP off\n",
    allow!("false"),
    "\\set ON_ERROR_STOP on\n",
    look!("NULL::bigint"),
    unlock_all!(),
    "\\echo closed\n"
);

/// Opens for connections what carries the mark; prints `opened`.
pub(in super::super) const OPEN: &str =
    concat!(lock_all!(), allow!("true"), unlock_all!(), "\\echo opened\n");

/// Drops what goes and has no sessions, or is to be dropped with them, and meets the condition; of a database with sessions the
/// copies stay, too. Prints what was there, then the marks of which something is left, then `dropped`.
macro_rules! drop_all {
    ($condition:expr) => {
        concat!(
            lock_all!(),
            look!("NULL::bigint"),
            "\\set ON_ERROR_STOP off\n",
            "SELECT DISTINCT format('DROP DATABASE %I%s', d.name, CASE WHEN w.force OR d.mark IS NULL THEN ' WITH (FORCE)' ELSE '' END) FROM ",
            marked!(),
            " JOIN ",
            wanted!(),
            " ON ",
            goes!(),
            r#" WHERE (w.force OR NOT EXISTS (SELECT FROM pg_stat_activity a
  WHERE a.datname = w.name AND coalesce(backend_type, 'client backend') = 'client backend'))"#,
            $condition,
            r#" \gexec
\set ON_ERROR_STOP on
SELECT coalesce(json_agg(DISTINCT w.mark), '[]') FROM "#,
            marked!(),
            " JOIN ",
            wanted!(),
            " ON ",
            goes!(),
            ";\n",
            unlock_all!(),
            "\\echo dropped\n"
        )
    };
}

/// Drops databases beside which tests make none.
pub(in super::super) const DROP: &str = drop_all!("");

/// As [`DROP`]. One beside which tests made others stays: it is dropped alone, after them.
pub(in super::super) const DROP_BESIDE: &str = drop_all!(concat!(
    "\n  AND (json_array_length(w.also) = 0 OR NOT EXISTS (SELECT FROM ",
    beside!("w.name", "w.mark", "w.also"),
    "))"
));

/// Drops a database that an interrupted command left of a lease: one that it did not complete, with what may still create or
/// fill it, or one that it has replaced. Prints `dropped` or `kept`; fails where a session that cannot be ended has the lock.
pub(in super::super) const CLEAR: &str = concat!(
    "SELECT count(*) > 0 AS stopped FROM pg_stat_activity a WHERE ",
    creates!(":'name'"),
    " \\gset\n",
    stop!(":'unfinished'"),
    "SET lock_timeout = '10s';\n",
    lock!(),
    r#"SELECT coalesce(max(CASE WHEN current_setting('server_version_num')::int >= 130000 THEN 'WITH (FORCE)' ELSE '' END), '') AS clause,
  count(*) > 0 AS goes
FROM "#,
    databases!(),
    r#" WHERE name = :'name' AND (mark IS NULL AND starts_with(name, :'unfinished')
  OR starts_with(mark, :'old')) \gset
\if :goes
  DROP DATABASE :"name" :clause;
  \echo dropped
\elif :stopped
  \echo dropped
\else
  \echo kept
\endif
"#
);

/// Takes the mark off a database that carries it. Prints `disowned`.
pub(in super::super) const DISOWN: &str = concat!(
    "SELECT format('COMMENT ON DATABASE %I IS NULL', name) FROM ",
    marks!(),
    " d WHERE d.name = :'name' AND d.mark = :'mark' \\gexec\n\\echo disowned\n"
);
