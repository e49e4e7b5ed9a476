//! What the client is told. Names stand in backquotes, texts as hexadecimal literals: nothing in them is read as SQL.
//!
//! MySQL knows no comment on a database, so a view carries the mark: it goes with the database, and tools that dump a
//! schema or empty every table leave it alone. An environment's own database has a view whose name holds the lease's id;
//! in every other one, such as a snapshot, the view [`MARK`] holds the mark's text. Both hold the name of the database that
//! they were made for: a dump takes them along, and what is filled with it by hand is nobody's. A database cannot be renamed;
//! what is being created is announced by an empty database whose name is made of the lease's id and a hash of that name,
//! which goes once it is complete.

pub(super) mod copy;
pub(super) mod look;

use super::{LONGEST, VIEW};
use crate::model::lease;
use crate::model::name::with_hash;

/// The view that holds a mark's text.
pub(super) const MARK: &str = "agentenv_mark";

/// A name in backquotes.
pub(super) fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// The hexadecimal digits of a text.
pub(super) fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02X}")).collect()
}

/// A text as a literal.
pub(super) fn text(text: &str) -> String {
    let digits = hex(text);
    if digits.is_empty() { "''".to_owned() } else { format!("CONVERT(0x{digits} USING utf8mb4)") }
}

/// The names of one database: its own, that of the view that marks it, that of the database that announces it.
pub(super) struct Names<'a> {
    pub(super) name: &'a str,
    pub(super) id: &'a str,
    pub(super) mark: String,
    pub(super) birth: String,
}

impl<'a> Names<'a> {
    pub(super) fn new(name: &'a str, id: &'a str) -> Self {
        let mark = format!("{VIEW}{id}");
        // An announcement that was left alone is released by its own name.
        let birth = match name.starts_with(&mark) {
            true => name.to_owned(),
            false => with_hash(&mark, name, '_', LONGEST),
        };
        Names { name, id, mark, birth }
    }
}

/// Takes the lock of a lease's database and says `locked`. It is held until the session ends: a client that is killed
/// leaves its session at work, and the process that takes over waits here until it ends. A lock that is not free in
/// time is an error (number 1242), so that the client ends.
pub(super) fn lock(names: &Names) -> String {
    let lock = text(&names.birth);
    format!("SELECT IF(GET_LOCK({lock}, 15) = 1, 'locked', (SELECT 1 UNION SELECT 2));\n")
}

/// Says which session holds that lock: `holder`, with its id if there is one.
pub(super) fn holder(names: &Names) -> String {
    format!("SELECT CONCAT_WS('\\t', 'holder', IS_USED_LOCK({}));\n", text(&names.birth))
}

/// The digits of the text in the view [`MARK`], as an expression over its row in the catalogue.
const DIGITS: &str = "UPPER(REGEXP_SUBSTR(view_definition, '(?<=0x)[0-9A-Fa-f]+'))";

/// The digits of the name of the database that a marking view was made for, as an expression over its row in the catalogue;
/// empty where an earlier version made it.
macro_rules! made_for {
    () => {
        "UPPER(COALESCE(REGEXP_SUBSTR(view_definition, '(?<=0x)[0-9A-Fa-f]+(?= AS .made_for)'), ''))"
    };
}

/// Whether a marking view is in the database that it was made for. Names are compared as the server does it.
const AT_HOME: &str = concat!(
    "IF(@@lower_case_table_names = 0, HEX(CONVERT(table_schema USING utf8mb4)) = ",
    made_for!(),
    ", HEX(LOWER(CONVERT(table_schema USING utf8mb4))) = HEX(LOWER(CONVERT(UNHEX(",
    made_for!(),
    ") USING utf8mb4))))"
);

/// Whether a marking view says of no database that it was made for it.
const UNNAMED: &str = concat!(made_for!(), " = ''");

/// What the view of a mark says of the database that it is made for, as a column.
fn made_for(name: &str) -> String {
    format!("0x{} AS made_for", hex(name))
}

/// When an environment's own database was created, as an expression over its marking view's row in the catalogue.
const SINCE: &str = "CAST(REGEXP_SUBSTR(view_definition, '[0-9]+(?= AS .since)') AS UNSIGNED)";

/// Lets MySQL 8 read the sizes and times of tables themselves, not what it knew of them up to a day ago. MariaDB, which
/// keeps no such copy, reads a comment.
const FRESH: &str = "/*!80000 SET SESSION information_schema_stats_expiry = 0 */;\n";

/// What there is, in variables: whether the database exists, carries the lease's mark, belongs to it as a copy, or was
/// announced and holds nothing yet; the digits of its mark; when an environment's own was created: one that comes back from
/// the trash, before what comes back beside it. A mark that names no database counts, because who asks knows the name from a
/// lease.
fn facts(names: &Names) -> String {
    let (name, mark, birth) = (text(names.name), text(&names.mark), text(&names.birth));
    let copy = hex(&format!("{} ", lease::mark(names.id)));
    let length = copy.len();
    let beside = hex(&super::mark_beside(names.id, names.name));
    format!(
        "SET @exists = EXISTS(SELECT 1 FROM information_schema.schemata WHERE schema_name = {name});
SET @announced = EXISTS(SELECT 1 FROM information_schema.schemata WHERE schema_name = {birth});
SET @unnamed = EXISTS(SELECT 1 FROM information_schema.views WHERE table_schema = {name} AND table_name = {mark} AND {UNNAMED});
SET @marked = @unnamed OR EXISTS(SELECT 1 FROM information_schema.views WHERE table_schema = {name} AND table_name = {mark} AND {AT_HOME});
SET @digits = COALESCE((SELECT {DIGITS} FROM information_schema.views WHERE table_schema = {name} AND table_name = '{MARK}' AND ({UNNAMED} OR {AT_HOME})), '');
SET @since = COALESCE((SELECT {SINCE} FROM information_schema.views WHERE table_schema = {name} AND table_name = {mark}),
  (SELECT MIN(UNIX_TIMESTAMP(create_time)) FROM information_schema.tables WHERE table_schema IN
    (SELECT table_schema FROM information_schema.views WHERE table_name = '{MARK}' AND {DIGITS} = '{beside}' AND {AT_HOME})),
  UNIX_TIMESTAMP());
SET @holds = EXISTS(SELECT 1 FROM information_schema.tables WHERE table_schema = {name})
  OR EXISTS(SELECT 1 FROM information_schema.routines WHERE routine_schema = {name})
  OR EXISTS(SELECT 1 FROM information_schema.events WHERE event_schema = {name});
SET @copy = LEFT(@digits, {length}) = '{copy}';
SET @begun = @exists AND @announced AND NOT @holds;
SET @ours = @marked OR @copy OR @begun;
SET @partial = @begun OR (@marked AND @announced);
"
    )
}

/// Runs a statement if a condition holds.
fn only_if(condition: &str, statement: &str) -> String {
    run_if(condition, &text(statement))
}

/// Runs the statement that an expression makes if a condition holds.
fn run_if(condition: &str, expression: &str) -> String {
    format!(
        "SET @run = IF({condition}, {expression}, 'DO 0');\nPREPARE run FROM @run;\nEXECUTE run;\n"
    )
}

/// Creates the view that marks an environment's own database, also in the place of one that names no database. It says since
/// when the environment has one.
fn mark_own(names: &Names) -> String {
    let view = format!("{}.{}", identifier(names.name), identifier(&names.mark));
    let view = text(&format!("CREATE OR REPLACE VIEW {view} AS SELECT 1 AS git_agentenv, "));
    let made_for = made_for(names.name);
    run_if("@fresh OR @unnamed", &format!("CONCAT({view}, @since, ' AS since, {made_for}')"))
}

/// Lets the mark of an environment's own database name it, where an earlier version made it.
pub(super) fn name_mark(names: &Names) -> String {
    [facts(names), "SET @fresh = FALSE;\n".to_owned(), mark_own(names)].concat()
}

/// Creates an empty database with its mark, under the lock. Answers `made`, `ours` or `taken`.
pub(super) fn create(names: &Names) -> String {
    let (name, birth) = (identifier(names.name), identifier(&names.birth));
    [
        facts(names),
        only_if("@partial", &format!("DROP DATABASE IF EXISTS {name}")),
        "SET @fresh = @partial OR NOT @exists;\n".to_owned(),
        only_if("@fresh AND NOT @announced", &format!("CREATE DATABASE {birth}")),
        only_if("@fresh", &format!("CREATE DATABASE {name}")),
        mark_own(names),
        only_if("@fresh OR @marked", &format!("DROP DATABASE IF EXISTS {birth}")),
        "SELECT IF(@fresh, 'made', IF(@marked, 'ours', 'taken'));\n".to_owned(),
    ]
    .concat()
}

/// Drops a database that carries the mark, or belongs to the lease as a copy, if no session uses it or `force` says so, and
/// nothing was written to it since. Answers the sessions, one a line, then `dropped`, `missing`, `busy`, `written` or
/// `foreign`.
pub(super) fn release(names: &Names, force: bool, written: Option<&str>) -> String {
    let (name, birth) = (identifier(names.name), identifier(&names.birth));
    [
        facts(names),
        sessions(names.name),
        format!("SET @free = {} OR @sessions = 0;\n", u8::from(force)),
        PATIENCE.to_owned(),
        look::unwritten(names.name, written),
        "SET @goes = @free AND @unwritten;\n".to_owned(),
        only_if("@ours AND @goes", &format!("DROP DATABASE IF EXISTS {name}")),
        only_if("@goes OR NOT @exists", &format!("DROP DATABASE IF EXISTS {birth}")),
        "SET @stays = IF(@free, 'written', 'busy');
SELECT IF(NOT @exists, 'missing', IF(NOT @ours, 'foreign', IF(@goes, 'dropped', @stays)));\n"
            .to_owned(),
    ]
    .concat()
}

/// A transaction that holds a table is waited for, but not for long.
const PATIENCE: &str = "SET SESSION lock_wait_timeout = 10;\n";

/// Says how a database is: `ours`, `missing` or `foreign`.
pub(super) fn state(names: &Names) -> String {
    facts(names)
        + "SELECT IF(@marked AND NOT @announced, 'ours', IF(@exists AND NOT @ours, 'foreign', 'missing'));\n"
}

/// Lists the sessions on a database, one a line: id, user, address, state.
pub(super) fn sessions(name: &str) -> String {
    let name = text(name);
    let on =
        format!("FROM information_schema.processlist WHERE db = {name} AND id <> CONNECTION_ID()");
    format!(
        "SET @sessions = (SELECT COUNT(*) {on});
SELECT CONCAT_WS('\\t', 'session', id, user, host, LOWER(command)) {on} ORDER BY id;\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_or_a_text_is_read_as_sql() {
        assert_eq!(identifier("a`; DROP DATABASE b; --"), "`a``; DROP DATABASE b; --`");
        assert_eq!(text("a'\\"), "CONVERT(0x61275C USING utf8mb4)");
        assert_eq!(text(""), "''");
    }

    #[test]
    fn what_reads_sizes_or_times_of_tables_reads_fresh_ones() {
        let names = Names::new("a", "b");
        let all = [
            look::marked("a"),
            look::detail(&names, &["a".to_owned()]),
            look::written("a"),
            look::drop_beside(&names, &["a".to_owned()], "a", false, None),
            copy::source("a"),
        ];
        for script in all {
            assert!(script.starts_with(FRESH), "{script}");
        }
    }
}
