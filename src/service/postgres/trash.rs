//! Databases in the trash: renamed with their snapshots, closed for connections, marked so that nothing but `restore` or
//! the end of their time finds them.

use super::also::{beside, patterns};
use super::mark::{comment, digits, mark};
use super::psql;
use super::scripts::{broken, copies, lock, size, users};
use super::sql_error::SqlError;
use super::{Session, explain, forcing, no_word, on, owner, parse_json, require_name, session};
use crate::model::resource::Database;
use crate::model::server::Server;
use crate::service::trash::{Kept, MARK, Returned, Trashed, renamed};
use anyhow::Result;
use serde::Deserialize;

/// Databases with what their comment says of the time before the trash.
macro_rules! trashed {
    () => {
        concat!(
            r#"(SELECT datname, CASE WHEN left(mark, length(:'trash') + 1) = :'trash' || ' '
    THEN substr(mark, length(:'trash') + 2)::json END AS was
  FROM (SELECT datname, "#,
            mark!("oid", "datname"),
            r#" AS mark FROM pg_database) named) d
WHERE was IS NOT NULL AND left(datname, length(:'prefix')) = :'prefix'"#
        )
    };
}

/// Whether a database with this name and mark is the lease's own, or a copy that the lease keeps of it.
macro_rules! own {
    ($name:literal, $mark:literal) => {
        concat!("(", $name, " = :'name' AND ", $mark, " = :'mark' OR ", copies!($mark), ")")
    };
}

/// Moves a database and its copies to the trash in one transaction, but none that the server has dropped half. Prints what there was as JSON, then `kept`, `busy`,
/// `foreign`, `already` or `missing`.
const KEEP: &str = concat!(
    lock!(),
    r#"CREATE TEMP TABLE found AS SELECT oid, datname AS name, mark, coalesce("#,
    own!("datname", "mark"),
    r#", false) AS own,
  "#,
    size!(),
    " AS size, ",
    users!(),
    r#" AS sessions, NULL::text AS beside
FROM (SELECT oid, datname, "#,
    mark!("oid", "datname"),
    " AS mark FROM pg_database d WHERE NOT ",
    broken!(),
    r#") d
WHERE datname = :'name' OR "#,
    own!("datname", "mark"),
    r#" UNION ALL SELECT oid, name, NULL, true, size, sessions, :'name' FROM "#,
    beside!(),
    " WHERE oid NOT IN (SELECT oid FROM pg_database d WHERE ",
    broken!(),
    r#");
SELECT count(*) > 0 AS already FROM "#,
    trashed!(),
    " AND ",
    own!("was->>'name'", "was->>'mark'"),
    r#" \gset
SELECT coalesce(json_agg(f), '[]') AS found, coalesce(bool_or(own), false) AS go,
  coalesce(bool_or(NOT own), false) AS foreign,
  coalesce(bool_or(own AND json_array_length(sessions) > 0), false) AND NOT :'force'::boolean AS busy
FROM found f \gset
\echo :found
\if :busy
  \echo busy
  \q
\endif
\if :go
  SELECT count(pg_terminate_backend(pid)) AS ended FROM pg_stat_activity
  WHERE :'force'::boolean AND datname IN (SELECT name FROM found WHERE own) AND pid <> pg_backend_pid() \gset
  BEGIN;
  SELECT format('ALTER DATABASE %I ALLOW_CONNECTIONS false', name),
    format('COMMENT ON DATABASE %I IS %L', name, :'trash' || ' ' || json_build_object('name', name, 'mark', mark, 'beside', beside) || E'\n' || "#,
    digits!("(:'prefix' || oid)"),
    r#"),
    format('ALTER DATABASE %I RENAME TO %I', name, :'prefix' || oid)
  FROM found WHERE own \gexec
  COMMIT;
  \echo kept
  \q
\endif
\if :already
  \echo already
  \q
\endif
\if :foreign
  \echo foreign
  \q
\endif
\echo missing
"#
);

/// Prints as JSON what the trash holds of a database: the names there, and the names and marks that they had.
const LIST: &str = concat!(
    "SELECT coalesce(json_agg(json_build_object('trash', datname, 'name', was->>'name', 'mark', was->>'mark')), '[]') FROM ",
    trashed!(),
    " AND ",
    "(was->>'beside' = :'name' OR ",
    own!("was->>'name'", "was->>'mark'"),
    ");\n"
);

/// Sets the comment of a database that comes back.
const PUT_COMMENT: &str = comment!("comment", "mark{at}", ":'name{at}'");

/// Drops everything that the trash holds of a lease; says `dropped`.
const DROP: &str = concat!(
    lock!(),
    r#"SELECT format('DROP DATABASE %I', datname) FROM "#,
    trashed!(),
    r#" \gexec
\echo dropped
"#
);

/// A database that [`KEEP`] found.
#[derive(Deserialize)]
struct Found {
    name: String,
    mark: Option<String>,
    own: bool,
    size: u64,
    sessions: Vec<Session>,
}

/// Moves the part's database and its snapshots to the trash. `force` ends the sessions on them.
pub fn keep(database: &Database, id: &str, force: bool) -> Result<Kept> {
    require_name(&database.name)?;
    let also = patterns(database);
    let session = || {
        trash_session(&database.server, KEEP, &database.name, id)
            .var("force", on(force))
            .var("also", &also)
            .last(&["kept", "busy", "foreign", "already", "missing"])
    };
    let lines =
        forcing(database, force, || session().run()).map_err(|error| explain(error, database))?;
    let Some((word, found)) = lines.split_last() else {
        return Err(no_word("keep", &database.name));
    };
    let found: Vec<Found> = parse_json(&found.concat())?;
    Ok(match word.as_str() {
        "kept" => Kept::InTrash(found.iter().filter(|one| one.own).map(|one| one.size).sum()),
        "already" => Kept::InTrash(0),
        "busy" => Kept::Busy(found.into_iter().flat_map(|one| one.sessions).collect()),
        "foreign" => {
            let other = found.into_iter().find(|one| one.name == database.name);
            Kept::NotOurs(owner(other.and_then(|one| one.mark).as_deref()))
        }
        "missing" => Kept::Missing,
        _ => return Err(no_word("keep", &database.name)),
    })
}

/// Gives the database `was` of a lease and its snapshots their names back; the database is called `database.name` now.
pub fn put_back(database: &Database, was: &str, id: &str) -> Result<Returned> {
    for name in [database.name.as_str(), was] {
        require_name(name)?;
    }
    let lines = trash_session(&database.server, LIST, was, id).run()?;
    let trashed: Vec<Trashed> = parse_json(&lines.concat())?;
    if trashed.is_empty() {
        return Ok(Returned::Missing);
    }
    let mut script = concat!(lock!(), "BEGIN;\n").to_owned();
    for (at, one) in trashed.iter().enumerate() {
        // What tests made has none.
        script.push_str(&match one.mark {
            Some(_) => PUT_COMMENT.replace("{at}", &at.to_string()),
            None => "\\set comment ''\n".to_owned(),
        });
        script.push_str(&format!(
            "ALTER DATABASE :\"trash{at}\" RENAME TO :\"name{at}\";\n\
             COMMENT ON DATABASE :\"name{at}\" IS :'comment';\n\
             ALTER DATABASE :\"name{at}\" ALLOW_CONNECTIONS true;\n"
        ));
    }
    script.push_str("COMMIT;\n\\echo restored\n");
    let mut session = trash_session(&database.server, &script, was, id);
    for (at, one) in trashed.iter().enumerate() {
        let (name, mark) = renamed(database, was, id, one);
        session = session
            .var(&format!("trash{at}"), &one.trash)
            .var(&format!("name{at}"), &name)
            .var(&format!("mark{at}"), &mark.unwrap_or_default());
    }
    match session.last(&["restored"]).run() {
        Ok(_) => Ok(Returned::Ours),
        Err(error) if is_taken(&error) => Ok(Returned::Taken),
        Err(error) => Err(explain(error, database)),
    }
}

/// Drops what the trash holds of a lease on a server.
pub fn delete(server: &Server, id: &str) -> Result<()> {
    trash_session(server, DROP, "", id).last(&["dropped"]).run().map(drop)
}

fn is_taken(error: &anyhow::Error) -> bool {
    let code = error.downcast_ref::<SqlError>().map(|sql| sql.code.as_str());
    matches!(code, Some("42P04" | "23505"))
}

fn trash_session<'a>(server: &'a Server, script: &str, name: &str, id: &str) -> psql::Session<'a> {
    session(server, script.to_owned(), name, id)
        .var("trash", &format!("{MARK} {id}"))
        .var("prefix", &format!("agentenv_trash_{id}_"))
}
