//! Databases that tests make beside an environment's own: found by their names, because nobody marks them.

use super::mark::{digits, mark};
use super::scripts::users;
use crate::service::Database;

/// The databases beside `name` whose names match one of the `LIKE` patterns in the JSON list `also`, each with its sessions
/// and size: of the same owner and without any comment, while `name` itself carries `mark`. A longer name of another
/// database that is in it claims it: with `app_a` and `app_a_b` on the server, `test_app_a_b` is not the test database of
/// `app_a`, although `test_app_a_*` matches.
macro_rules! beside {
    () => {
        beside!(":'name'", ":'mark'", ":'also'")
    };
    ($name:literal, $mark:literal, $also:literal) => {
        concat!(
            r#"(SELECT d.oid, d.datname AS name, "#,
            users!(),
            r#" AS sessions, coalesce(CASE WHEN has_database_privilege(d.oid, 'CONNECT') THEN pg_database_size(d.oid) END, 0) AS size
FROM pg_database d JOIN pg_database own ON own.datname = "#,
            $name,
            r#" AND own.datdba = d.datdba AND own.oid <> d.oid
WHERE "#,
            mark!("own.oid", "own.datname"),
            " = ",
            $mark,
            r#" AND shobj_description(d.oid, 'pg_database') IS NULL
  AND NOT d.datistemplate AND d.datname <> 'postgres' AND NOT starts_with(d.datname, 'agentenv_')
  AND EXISTS (SELECT FROM json_array_elements_text("#,
            $also,
            r#") p WHERE d.datname LIKE p)
  AND NOT EXISTS (SELECT FROM pg_database n WHERE n.oid <> d.oid AND length(n.datname) > length(own.datname)
    AND strpos(d.datname, n.datname) > 0 AND (shobj_description(n.oid, 'pg_database') IS NOT NULL
      OR NOT EXISTS (SELECT FROM json_array_elements_text("#,
            $also,
            r#") p WHERE n.datname LIKE p)))
) beside"#
        )
    };
}
pub(super) use beside;

/// Prints the sessions on a database and on those beside it, as JSON: each with its database.
pub(super) const SESSIONS: &str = concat!(
    "SELECT coalesce(json_agg(json_build_array(name, s)), '[]') FROM (SELECT datname AS name, ",
    users!(),
    " AS sessions FROM pg_database d WHERE datname = :'name' UNION ALL SELECT name, sessions FROM ",
    beside!(),
    ") d, json_array_elements(d.sessions) s;\n"
);

/// The patterns of a database as the scripts want them: a JSON list of patterns for `LIKE`.
pub(super) fn patterns(database: &Database) -> String {
    serde_json::to_string(&database.likes()).unwrap_or_default()
}
