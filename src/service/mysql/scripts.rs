//! What the client is told. Names stand in backquotes, texts as hexadecimal literals: nothing in them is read as SQL.
//!
//! MySQL knows no comment on a database, so a view carries the mark: it goes with the database, and tools that dump a
//! schema or empty every table leave it alone. A database cannot be renamed either; what is being created is announced
//! by an empty database whose name is made of the lease's id and a hash of that name, which goes once it is complete.

use super::{LONGEST, VIEW};
use crate::model::name::with_hash;

/// A name in backquotes.
pub(super) fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text as a literal.
pub(super) fn text(text: &str) -> String {
    let digits: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    if digits.is_empty() { "''".to_owned() } else { format!("CONVERT(0x{digits} USING utf8mb4)") }
}

/// The names of one database: its own, that of the view that marks it, that of the database that announces it.
pub(super) struct Names<'a> {
    pub(super) name: &'a str,
    pub(super) mark: String,
    pub(super) birth: String,
}

impl<'a> Names<'a> {
    pub(super) fn new(name: &'a str, id: &str) -> Self {
        let mark = format!("{VIEW}{id}");
        // An announcement that was left alone is released by its own name.
        let birth = match name.starts_with(&mark) {
            true => name.to_owned(),
            false => with_hash(&mark, name, '_', LONGEST),
        };
        Names { name, mark, birth }
    }
}

/// Takes the lock of a lease's database and says `locked`. It is held until the session ends: a client that is killed
/// leaves its session at work, and the process that takes over waits here until it ends. A lock that is not free in
/// time is an error (number 1242), so that the client ends.
pub(super) fn lock(names: &Names) -> String {
    let lock = text(&names.birth);
    format!("SELECT IF(GET_LOCK({lock}, 15) = 1, 'locked', (SELECT 1 UNION SELECT 2));\n")
}

/// What there is, in variables: whether the database exists, carries the mark, or was announced and holds nothing yet.
fn facts(names: &Names) -> String {
    let (name, mark, birth) = (text(names.name), text(&names.mark), text(&names.birth));
    format!(
        "SET @exists = EXISTS(SELECT 1 FROM information_schema.schemata WHERE schema_name = {name});
SET @announced = EXISTS(SELECT 1 FROM information_schema.schemata WHERE schema_name = {birth});
SET @marked = EXISTS(SELECT 1 FROM information_schema.tables WHERE table_schema = {name} AND table_name = {mark});
SET @holds = EXISTS(SELECT 1 FROM information_schema.tables WHERE table_schema = {name})
  OR EXISTS(SELECT 1 FROM information_schema.routines WHERE routine_schema = {name})
  OR EXISTS(SELECT 1 FROM information_schema.events WHERE event_schema = {name});
SET @ours = @marked OR (@exists AND @announced AND NOT @holds);
SET @partial = @ours AND @announced;
"
    )
}

/// Runs a statement if a condition holds.
fn only_if(condition: &str, statement: &str) -> String {
    let statement = text(statement);
    format!(
        "SET @run = IF({condition}, {statement}, 'DO 0');\nPREPARE run FROM @run;\nEXECUTE run;\n"
    )
}

/// Creates an empty database with its mark, under the lock. Answers `made`, `ours` or `taken`.
pub(super) fn create(names: &Names) -> String {
    let birth = identifier(&names.birth);
    let complete = only_if("@fresh OR @ours", &format!("DROP DATABASE IF EXISTS {birth}"));
    begun(names, "") + &complete + SAY_CREATED
}

/// Begins a database, in the place of one that was not completed: it stays announced until [`finish`]. `like` says how it
/// is created. Answers `made`, `ours` or `taken`.
pub(super) fn begin(names: &Names, like: &str) -> String {
    begun(names, like) + SAY_CREATED
}

const SAY_CREATED: &str = "SELECT IF(@fresh, 'made', IF(@ours, 'ours', 'taken'));\n";

fn begun(names: &Names, like: &str) -> String {
    let (name, birth) = (identifier(names.name), identifier(&names.birth));
    let view =
        format!("CREATE VIEW {name}.{} AS SELECT 1 AS git_agentenv", identifier(&names.mark));
    [
        facts(names),
        only_if("@partial", &format!("DROP DATABASE IF EXISTS {name}")),
        "SET @fresh = @partial OR NOT @exists;\n".to_owned(),
        only_if("@fresh AND NOT @announced", &format!("CREATE DATABASE {birth}")),
        only_if("@fresh", &format!("CREATE DATABASE {name} {like}")),
        only_if("@fresh", &view),
    ]
    .concat()
}

/// What the client that fills a database says first: it takes the lock, and fails when the database is not the one that
/// was begun. A client that outlives this program is waited for.
pub(super) fn claim(names: &Names) -> String {
    let mark = format!("{}.{}", identifier(names.name), identifier(&names.mark));
    format!("{}SELECT git_agentenv FROM {mark};\n", lock(names))
}

/// Ends what [`begin`] began; answers `complete`.
pub(super) fn finish(names: &Names) -> String {
    let birth = identifier(&names.birth);
    [
        facts(names),
        only_if("@marked", &format!("DROP DATABASE IF EXISTS {birth}")),
        "SELECT IF(@marked, 'complete', 'gone');\n".to_owned(),
    ]
    .concat()
}

/// A regular expression for a name, also in brackets and between the slashes of `sed`.
fn pattern(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || c == '_';
    name.chars().map(|c| if plain(c) { c.to_string() } else { format!("[{c}]") }).collect()
}

/// A program for `sed` that takes the name of the database out of the views in a dump: MariaDB writes it where a view's
/// definer may not read the tables, and the view of the copy would not be made.
pub(super) fn unqualified_views(database: &str) -> String {
    format!(r"/^\/\*!50001 VIEW /s/`{}`\.//g", pattern(database))
}

/// Says of a database that is to be copied how it was created, which views mark it, and what of it no copy has: `like`,
/// `mark` and `refused`, each with a value. Nothing when it does not exist.
pub(super) fn source(name: &str) -> String {
    let shape = text(&format!("^{VIEW}[0-9a-f]{{24}}$"));
    // Code that names its database would reach the source from the copy.
    let names_it = text(&format!("(^|[^A-Za-z0-9_$`.])`?{}`?[[:space:]]*[.]", pattern(name)));
    let name = text(name);
    let code = |kind: &str, schema: &str, object: &str, body: &str, table: &str| {
        format!(
            "SELECT CONCAT('refused\\t{kind} `', {object}, '` names its database') FROM information_schema.{table}
  WHERE {schema} = {name} AND {body} REGEXP {names_it};\n"
        )
    };
    [
        format!(
            "SELECT CONCAT('like\\tCHARACTER SET ', default_character_set_name, ' COLLATE ', default_collation_name)
  FROM information_schema.schemata WHERE schema_name = {name};
SELECT CONCAT('mark\\t', table_name) FROM information_schema.tables
  WHERE table_schema = {name} AND table_type = 'VIEW' AND table_name REGEXP {shape};
SELECT CONCAT('refused\\tthe history of table `', table_name, '` is in no dump') FROM information_schema.tables
  WHERE table_schema = {name} AND table_type = 'SYSTEM VERSIONED';\n"
        ),
        code("routine", "routine_schema", "routine_name", "routine_definition", "routines"),
        code("trigger", "trigger_schema", "trigger_name", "action_statement", "triggers"),
        code("event", "event_schema", "event_name", "event_definition", "events"),
    ]
    .concat()
}

/// Drops a database that carries the mark, if no session uses it or `force` says so. Answers the sessions, one a line,
/// then `dropped`, `missing`, `busy` or `foreign`.
pub(super) fn release(names: &Names, force: bool) -> String {
    let (name, birth) = (identifier(names.name), identifier(&names.birth));
    [
        facts(names),
        sessions(names.name),
        format!("SET @free = {} OR @sessions = 0;\n", u8::from(force)),
        "SET SESSION lock_wait_timeout = 10;\n".to_owned(),
        only_if("@ours AND @free", &format!("DROP DATABASE IF EXISTS {name}")),
        only_if("@free OR NOT @exists", &format!("DROP DATABASE IF EXISTS {birth}")),
        "SELECT IF(NOT @exists, 'missing', IF(NOT @ours, 'foreign', IF(@free, 'dropped', 'busy')));\n"
            .to_owned(),
    ]
    .concat()
}

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

/// Says how many bytes the tables of a database take.
pub(super) fn size(name: &str) -> String {
    let name = text(name);
    format!(
        "SELECT CAST(COALESCE(SUM(data_length + index_length), 0) AS UNSIGNED) FROM information_schema.tables WHERE table_schema = {name};\n"
    )
}

/// Lists every database that carries a mark or announces one: its name and the name that begins with the lease's id.
pub(super) fn inventory() -> String {
    let mark = text(&format!("^{VIEW}[0-9a-f]{{24}}$"));
    let birth = text(&format!("^{VIEW}[0-9a-f]{{24}}(_[0-9a-f]+)?$"));
    format!(
        "SELECT CONCAT_WS('\\t', table_schema, table_name) FROM information_schema.tables
  WHERE table_type = 'VIEW' AND table_name REGEXP {mark}
UNION SELECT CONCAT_WS('\\t', schema_name, schema_name) FROM information_schema.schemata
  WHERE schema_name REGEXP {birth};\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_or_a_text_is_read_as_sql() {
        assert_eq!(identifier("a`; DROP DATABASE b; --"), "`a``; DROP DATABASE b; --`");
        assert_eq!(text("a'\\"), "CONVERT(0x61275c USING utf8mb4)");
        assert_eq!(text(""), "''");
    }
}
