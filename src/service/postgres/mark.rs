//! The comment that marks a database: a mark, a line feed and, in hexadecimal, the name of the database that it was written
//! for. `pg_dump --create` takes it to a copy that a user makes under another name, where it is no mark. A comment of an
//! earlier version names no database.

use super::{parse_json, psql};
use crate::model::lease;
use crate::service::Server;
use anyhow::Result;

/// A name in hexadecimal: what replaces the name in the text of a dump does not find it.
macro_rules! digits {
    ($name:literal) => {
        concat!("encode(convert_to(", $name, ", 'UTF8'), 'hex')")
    };
}
pub(super) use digits;

/// Sets the variable `$comment` to the comment with the mark in the variable `$mark` of a database with this name.
macro_rules! comment {
    ($comment:literal, $mark:literal, $name:literal) => {
        concat!(
            "SELECT :'",
            $mark,
            "' || E'\\n' || ",
            digits!($name),
            " AS ",
            $comment,
            " \\gset\n"
        )
    };
}
pub(super) use comment;

/// The mark in the comment of the database `$oid`, which is called `$name`.
macro_rules! mark {
    ($oid:literal, $name:literal) => {
        concat!(
            "(SELECT CASE WHEN left(c, 12) <> 'git-agentenv' OR strpos(c, E'\\n') = 0 THEN c WHEN substr(c, strpos(c, E'\\n') + 1) = ",
            digits!($name),
            " THEN split_part(c, E'\\n', 1) ELSE 'copied by hand: ' || split_part(c, E'\\n', 1) END FROM shobj_description(",
            $oid,
            ", 'pg_database') AS c)"
        )
    };
}
pub(super) use mark;

/// The databases with the marks in their comments, whatever they are called: one that was renamed by hand keeps its own.
macro_rules! marks {
    () => {
        "(SELECT datname AS name, split_part(shobj_description(oid, 'pg_database'), E'\\n', 1) AS mark FROM pg_database OFFSET 0)"
    };
}
pub(super) use marks;

const CARRYING: &str = concat!(
    "SELECT coalesce(json_agg(name ORDER BY name), '[]') FROM ",
    marks!(),
    " d WHERE mark = :'mark';\n"
);

/// The databases whose comments hold the mark of the lease with this id, whatever they are called.
///
/// # Errors
/// When the server does not answer.
pub fn carrying(server: &Server, id: &str) -> Result<Vec<String>> {
    let session = psql::Session::new(server, CARRYING).var("mark", &lease::mark(id));
    parse_json(&session.run()?.concat())
}
