//! The scripts that make one database a copy of another.

use super::{
    AT_HOME, FRESH, MARK, Names, PATIENCE, UNNAMED, facts, hex, identifier, lock, look, made_for,
    mark_own, only_if, sessions, text,
};
use crate::model::lease;
use crate::service::mysql::VIEW;

/// A database that is to become a copy.
pub(in super::super) struct Target<'a> {
    pub(in super::super) names: Names<'a>,
    /// The text of its mark while it is not complete; `None`: it is an environment's own, which is announced meanwhile.
    partial: Option<String>,
    /// The digits of the mark that one has that may be replaced.
    own: String,
}

impl<'a> Target<'a> {
    /// The database `name`, for the lease of this id; `own`: the mark of the one that it replaces.
    pub(in super::super) fn new(name: &'a str, id: &'a str, own: &str) -> Self {
        let is_own = own == lease::mark(id);
        let partial = (!is_own).then(|| lease::mark_of_copy(id, "partial", name));
        Target { names: Names::new(name, id), partial, own: hex(own) }
    }

    /// Sets `@whole`, it is the one that may be replaced, and `@partial`, a process that was killed did not complete it.
    fn judged(&self) -> String {
        let judged = match &self.partial {
            None => "SET @whole = @marked AND NOT @partial;\n".to_owned(),
            Some(partial) => format!(
                "SET @partial = @begun OR @digits = '{}';
SET @whole = @digits = '{}';\n",
                hex(partial),
                self.own
            ),
        };
        facts(&self.names) + &judged
    }

    /// Looks at it: answers its sessions, one a line, then `whole`, `partial`, `taken` or `missing`.
    pub(in super::super) fn look(&self) -> String {
        let Target { names, .. } = self;
        self.judged()
            + &sessions(names.name)
            + "SELECT IF(@whole, 'whole', IF(@partial, 'partial', IF(@exists, 'taken', 'missing')));\n"
    }

    /// Creates it empty, in the place of one that was not completed, with `replace` also of one that may be replaced and
    /// has no sessions, or with `force`, and to which nothing was written since. It counts as not complete until
    /// [`Target::finish`]. `like` says how it is created. Answers the sessions on the old one, then `made`, `ours`, `busy`,
    /// `written` or `taken`.
    pub(in super::super) fn begin(
        &self,
        like: &str,
        replace: bool,
        force: bool,
        written: Option<&str>,
    ) -> String {
        let Names { name, birth, .. } = &self.names;
        let (old, name, birth) = (sessions(name), identifier(name), identifier(birth));
        let (view, announced) = match &self.partial {
            None => (mark_own(&self.names), String::new()),
            Some(partial) => (
                only_if("@fresh", &self.marking("CREATE VIEW", partial)),
                only_if("@fresh", &format!("DROP DATABASE IF EXISTS {birth}")),
            ),
        };
        [
            self.judged(),
            old,
            format!("SET @busy = @whole AND {} AND @sessions > 0;\n", u8::from(replace && !force)),
            PATIENCE.to_owned(),
            look::unwritten(self.names.name, written),
            format!(
                "SET @gone = @partial OR (@whole AND {} AND NOT @busy AND @unwritten);\n",
                u8::from(replace)
            ),
            // Announced first, one that cannot be dropped would count as not complete.
            only_if("@gone", &format!("DROP DATABASE IF EXISTS {name}")),
            "SET @fresh = @gone OR NOT @exists;\n".to_owned(),
            only_if("@fresh AND NOT @announced", &format!("CREATE DATABASE {birth}")),
            only_if("@fresh", &format!("CREATE DATABASE {name} {like}")),
            view,
            announced,
            "SET @stays = IF(@busy, 'busy', IF(@unwritten, 'ours', 'written'));
SELECT IF(@fresh, 'made', IF(@whole, @stays, 'taken'));\n"
                .to_owned(),
        ]
        .concat()
    }

    /// What the client that fills it says first: it takes the lock, and fails when the database is not the one that was
    /// begun. A client that outlives this program is waited for.
    pub(in super::super) fn claim(&self) -> String {
        let name = identifier(self.names.name);
        let begun = match &self.partial {
            None => format!("SELECT git_agentenv FROM {name}.{}", identifier(&self.names.mark)),
            Some(partial) => format!(
                "SELECT IF(HEX(git_agentenv) = '{}', 1, (SELECT 1 UNION SELECT 2)) FROM {name}.{MARK}",
                hex(partial)
            ),
        };
        format!("{}{begun};\n", lock(&self.names))
    }

    /// Ends what [`Target::begin`] began and gives it this mark; answers `complete`.
    pub(in super::super) fn finish(&self, mark: &str) -> String {
        let birth = identifier(&self.names.birth);
        let (is_begun, end) = match &self.partial {
            None => ("@marked", format!("DROP DATABASE IF EXISTS {birth}")),
            Some(_) => ("@partial", self.marking("CREATE OR REPLACE VIEW", mark)),
        };
        [
            self.judged(),
            only_if(is_begun, &end),
            format!("SELECT IF({is_begun}, 'complete', 'gone');\n"),
        ]
        .concat()
    }

    /// Drops it if it is not complete; answers `dropped`.
    pub(in super::super) fn discard(&self) -> String {
        let (name, birth) = (identifier(self.names.name), identifier(&self.names.birth));
        [
            self.judged(),
            PATIENCE.to_owned(),
            only_if("@partial", &format!("DROP DATABASE IF EXISTS {name}")),
            only_if("@partial OR NOT @exists", &format!("DROP DATABASE IF EXISTS {birth}")),
            "SELECT 'dropped';\n".to_owned(),
        ]
        .concat()
    }

    fn marking(&self, create: &str, mark: &str) -> String {
        let (name, made_for) = (identifier(self.names.name), made_for(self.names.name));
        format!("{create} {name}.{MARK} AS SELECT 0x{} AS git_agentenv, {made_for}", hex(mark))
    }
}

/// A regular expression for a name, also in brackets and between the slashes of `sed`.
fn pattern(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || c == '_';
    name.chars().map(|c| if plain(c) { c.to_string() } else { format!("[{c}]") }).collect()
}

/// A program for `sed -E` that takes the name of the database out of the views in a dump: MariaDB writes it where a view's
/// definer may not read the tables, and the view of the copy would not be made.
pub(in super::super) fn unqualified_views(database: &str) -> String {
    format!(r"/^\/\*!50001 VIEW /s/`{}`\.//g", pattern(database))
}

/// The bytes of some tables.
const BYTES: &str = "CAST(COALESCE(SUM(data_length + index_length), 0) AS UNSIGNED)";

/// Says how many bytes each of these databases has.
pub(in super::super) fn bytes(names: &[&str]) -> String {
    let one = |name: &&str| {
        let name = text(name);
        format!("SELECT {BYTES} FROM information_schema.tables WHERE table_schema = {name};\n")
    };
    FRESH.to_owned() + &names.iter().map(one).collect::<String>()
}

/// Says of a database that is to be copied how it was created and, on MariaDB, the digits of its comment, its size, where the
/// server's data lies, its tables, which views mark it, whether it has events, which views cannot be read, and what of it no
/// copy has: `like`, `bytes`, `lies`, `table`, `mark`, `digits`, `events`, `broken` and `refused`, each with a value. Nothing
/// when it does not exist.
pub(in super::super) fn source(name: &str) -> String {
    let shape = text(&format!("^{VIEW}([0-9a-f]{{24}}|mark)$"));
    // Code that names its database would reach the source from the copy. Where a table has the same name, this is more often
    // the table before one of its columns.
    let reaches = format!("(^|[^A-Za-z0-9_$`.])`?{}`?[[:space:]]*[.]", pattern(name));
    let (names_it, reaches) = (text(&reaches), text(&(reaches + "[[:space:]]*`?\\Q")));
    let digits = super::DIGITS;
    let name = text(name);
    let code = |kind: &str, schema: &str, object: &str, body: &str, table: &str| {
        format!(
            "SELECT CONCAT('refused\\t{kind} `', {object}, '` names its database') FROM information_schema.{table}
  WHERE {schema} = {name} AND {body} REGEXP {names_it} AND (NOT @alike OR EXISTS(
    SELECT 1 FROM (SELECT table_name AS part FROM information_schema.tables WHERE table_schema = {name}
      UNION SELECT routine_name FROM information_schema.routines WHERE routine_schema = {name}) parts
    WHERE {body} REGEXP CONCAT({reaches}, part, '\\\\E`?([^A-Za-z0-9_$]|$)')));\n"
        )
    };
    let column = "CONCAT(table_name, '.', column_name)";
    [
        FRESH.to_owned(),
        format!(
            "SELECT CONCAT('like\\tCHARACTER SET ', default_character_set_name, ' COLLATE ', default_collation_name
  /*M!100500 , '\\t', HEX(CONVERT(schema_comment USING utf8mb4))*/) FROM information_schema.schemata WHERE schema_name = {name};
SELECT CONCAT('bytes\\t', {BYTES}) FROM information_schema.tables WHERE table_schema = {name};
SELECT CONCAT('lies\\t', @@datadir);
SELECT CONCAT('table\\t', table_name) FROM information_schema.tables WHERE table_schema = {name} AND table_type = 'BASE TABLE';
SELECT CONCAT('mark\\t', table_name) FROM information_schema.tables
  WHERE table_schema = {name} AND table_type = 'VIEW' AND table_name REGEXP {shape};
SELECT CONCAT('digits\\t', {digits}) FROM information_schema.views
  WHERE table_schema = {name} AND table_name = '{MARK}' AND ({UNNAMED} OR {AT_HOME});
SELECT CONCAT('events\\t', COUNT(*)) FROM information_schema.events WHERE event_schema = {name} HAVING COUNT(*) > 0;
SELECT CONCAT('broken\\t', table_name) FROM information_schema.tables t
  WHERE table_schema = {name} AND table_type = 'VIEW' AND table_name NOT REGEXP {shape} AND (table_comment LIKE 'View ''%' OR NOT EXISTS(
    SELECT 1 FROM information_schema.columns c WHERE c.table_schema = {name} AND c.table_name = t.table_name)) ORDER BY table_name;
SELECT CONCAT('refused\\tthe history of table `', table_name, '` is in no dump') FROM information_schema.tables
  WHERE table_schema = {name} AND table_type = 'SYSTEM VERSIONED';
SET @alike = EXISTS(SELECT 1 FROM information_schema.tables WHERE table_schema = {name} AND table_name = {name});\n"
        ),
        code("routine", "routine_schema", "routine_name", "routine_definition", "routines"),
        code("trigger", "trigger_schema", "trigger_name", "action_statement", "triggers"),
        code("event", "event_schema", "event_name", "event_definition", "events"),
        code("the default of column", "table_schema", column, "column_default", "columns"),
    ]
    .concat()
}

/// Takes the locks that a dump takes of every table of a database, and gives them up again: a dump itself would wait for
/// ever where a session has locked one. Error 1205 after 15 s.
pub(in super::super) fn reach(database: &str, tables: &[String]) -> String {
    let name = identifier(database);
    let reach =
        |table: &String| format!("SELECT 1 FROM {name}.{} WHERE FALSE;\n", identifier(table));
    let all: String = tables.iter().map(reach).collect();
    format!("SET SESSION lock_wait_timeout = 15;\n{all}SELECT 'reached';\n")
}
