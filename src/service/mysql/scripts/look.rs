//! The scripts that look at databases and drop what belongs to one.

use super::{
    AT_HOME, DIGITS, FRESH, MARK, Names, PATIENCE, SINCE, UNNAMED, facts, hex, identifier, only_if,
    sessions, text,
};
use crate::model::lease;
use crate::service::mysql::VIEW;

/// The size of the database `s.schema_name`, as an expression.
const SIZE: &str = "(SELECT CAST(COALESCE(SUM(data_length + index_length), 0) AS UNSIGNED)
  FROM information_schema.tables t WHERE t.table_schema = s.schema_name)";

/// Every view that holds a mark's text and is in the database that it was made for, or says of none that it is: `schema_name`,
/// `digits`, and `made_for`, which is `named` or `unnamed`.
fn texts() -> String {
    format!(
        "(SELECT table_schema AS schema_name, {DIGITS} AS digits, IF({UNNAMED}, 'unnamed', 'named') AS made_for
  FROM information_schema.views WHERE table_name = '{MARK}' AND ({UNNAMED} OR {AT_HOME})) s"
    )
}

/// Lists every database that carries a mark or announces one: its name, then the digits of the mark's text and whether it
/// names its database, or the name that begins with the lease's id, or nothing.
pub(in super::super) fn inventory() -> String {
    let mark = text(&format!("^{VIEW}[0-9a-f]{{24}}$"));
    let birth = text(&format!("^{VIEW}[0-9a-f]{{24}}(_[0-9a-f]+)?$"));
    format!(
        "SELECT CONCAT_WS('\\t', table_schema, table_name, 'named') FROM information_schema.views
  WHERE table_name REGEXP {mark} AND {AT_HOME}
UNION SELECT CONCAT_WS('\\t', schema_name, digits, made_for) FROM {texts}
UNION SELECT CONCAT_WS('\\t', schema_name, '', 'named') FROM information_schema.schemata WHERE schema_name REGEXP {birth};\n",
        texts = texts()
    )
}

/// Says whether the user sees every database, then lists all but the server's own.
pub(in super::super) fn databases() -> String {
    "SELECT EXISTS(SELECT 1 FROM information_schema.user_privileges WHERE privilege_type = 'SHOW DATABASES'
  AND grantee = CONCAT('\\'', REPLACE(CURRENT_USER(), '@', '\\'@\\''), '\\''));
SELECT schema_name FROM information_schema.schemata
  WHERE schema_name NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys') ORDER BY 1;\n"
        .to_owned()
}

/// Lists the databases whose mark's text begins with `prefix`: name, digits, whether it names its database, size.
pub(in super::super) fn marked(prefix: &str) -> String {
    let prefix = hex(prefix);
    let length = prefix.len();
    format!(
        "{FRESH}SELECT CONCAT_WS('\\t', schema_name, digits, made_for, {SIZE}) FROM {} WHERE LEFT(digits, {length}) = '{prefix}';\n",
        texts()
    )
}

/// Drops a database whose mark has exactly this text; answers `dropped` or `kept`.
pub(in super::super) fn drop_marked(name: &str, mark: &str) -> String {
    let (names, digits) = (Names::new(name, ""), hex(mark));
    [
        facts(&names),
        PATIENCE.to_owned(),
        format!("SET @own = @digits = '{digits}';\n"),
        only_if("@own", &format!("DROP DATABASE {}", identifier(name))),
        "SELECT IF(@own, 'dropped', 'kept');\n".to_owned(),
    ]
    .concat()
}

/// Drops the view that marks a database with exactly this text.
pub(in super::super) fn unmark(name: &str, mark: &str) -> String {
    let (names, digits) = (Names::new(name, ""), hex(mark));
    let drop = format!("DROP VIEW {}.{MARK}", identifier(name));
    facts(&names) + &only_if(&format!("@digits = '{digits}'"), &drop)
}

/// Says what a database is like: its sessions, the databases beside it as `beside`, and the copies that the lease keeps of
/// it, and those that were not completed, as `copy`, each with name and size, a copy with its digits and whether they name it; then `created`, `bytes`, and as [`super::state`].
pub(in super::super) fn detail(names: &Names, also: &[String]) -> String {
    [
        FRESH.to_owned(),
        sessions(names.name),
        facts(names),
        around(names, also),
        format!(
            "SELECT CONCAT('created\\t', {SINCE}) FROM information_schema.views WHERE table_schema = {} AND table_name = {};\n",
            text(names.name),
            text(&names.mark)
        ),
        format!(
            "SELECT CONCAT('bytes\\t', {SIZE}) FROM (SELECT CONVERT({} USING utf8mb3) AS schema_name) s;\n",
            text(names.name)
        ),
        "SELECT IF(@marked AND NOT @announced, 'ours', IF(@exists AND NOT @ours, 'foreign', 'missing'));\n".to_owned(),
    ]
    .concat()
}

/// Lists the databases beside one, with the sessions on each, and the copies of it.
pub(in super::super) fn around(names: &Names, also: &[String]) -> String {
    beside(names, also) + &copies(names)
}

fn copies(names: &Names) -> String {
    let begin = hex(&format!("{} ", lease::mark(names.id)));
    let end = hex(&format!(" of {}", names.name));
    let partial = hex(&lease::mark_of_copy(names.id, "partial", ""));
    let (first, last, length) = (begin.len(), end.len(), partial.len());
    format!(
        "SELECT CONCAT_WS('\\t', 'copy', schema_name, digits, made_for, {SIZE}) FROM {}
  WHERE LEFT(digits, {first}) = '{begin}' AND RIGHT(digits, {last}) = '{end}' OR LEFT(digits, {length}) = '{partial}' ORDER BY schema_name;\n",
        texts()
    )
}

/// Lists the databases that tests made beside an environment's own, whose names match one of the patterns, and the sessions
/// on them as `user`.
fn beside(names: &Names, also: &[String]) -> String {
    if also.is_empty() {
        return String::new();
    }
    let found = found_beside(names, also);
    format!(
        "SELECT CONCAT_WS('\\t', 'beside', s.schema_name, {SIZE}) FROM {found} ORDER BY 1;
SELECT CONCAT_WS('\\t', 'user', p.db, p.id, p.user, p.host, LOWER(p.command)) FROM information_schema.processlist p
  WHERE p.db IN (SELECT s.schema_name FROM {found});\n"
    )
}

/// The databases beside one, as a clause: none that carries a mark, or whose name holds the longer name of another database,
/// unless that one matches, too. MySQL knows no owner of a database: what has a table that is older than the environment's
/// own database is left alone.
fn found_beside(names: &Names, also: &[String]) -> String {
    let likes = |column: &str| {
        let like = |pattern: &String| format!("BINARY {column} LIKE BINARY {}", text(pattern));
        also.iter().map(like).collect::<Vec<_>>().join(" OR ")
    };
    let marked = |column: &str| {
        format!(
            "EXISTS(SELECT 1 FROM information_schema.tables m WHERE m.table_schema = {column} AND m.table_type = 'VIEW'
    AND m.table_name REGEXP '^{VIEW}([0-9a-f]{{24}}|mark)$')"
        )
    };
    let own = text(names.name);
    let (matches, claims) = (likes("s.schema_name"), likes("n.schema_name"));
    let (is_marked, claimed) = (marked("s.schema_name"), marked("n.schema_name"));
    format!(
        "information_schema.schemata s WHERE @marked AND ({matches}) AND s.schema_name <> {own} AND LEFT(s.schema_name, 9) <> '{VIEW}'
  AND s.schema_name NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema') AND NOT {is_marked}
  AND NOT EXISTS(SELECT 1 FROM information_schema.tables t WHERE t.table_schema = s.schema_name AND UNIX_TIMESTAMP(t.create_time) < @since)
  AND NOT EXISTS(SELECT 1 FROM information_schema.schemata n WHERE n.schema_name <> s.schema_name
    AND CHAR_LENGTH(n.schema_name) > CHAR_LENGTH({own}) AND LOCATE(n.schema_name, s.schema_name) > 0
    AND ({claimed} OR NOT ({claims})))"
    )
}

/// Sets `@seen`, which differs once something else was written to a database, as far as the server knows, and `@recent`:
/// something was in this second. The server tells no times between: what else is written in it differs in nothing.
fn seen(name: &str) -> String {
    let name = text(name);
    let code = |kind: &str, object: &str, changed: &str, made: &str| {
        format!(
            "UNION ALL SELECT CONCAT('{kind} ', HEX({object}_name)), {changed}, {made} FROM information_schema.{object}s WHERE {object}_schema = {name}"
        )
    };
    let (routines, events, triggers) = (
        code("routine", "routine", "last_altered", "created"),
        code("event", "event", "last_altered", "created"),
        code("trigger", "trigger", "created", "created"),
    );
    format!(
        "{FRESH}SELECT CONCAT_WS(' ', COUNT(*), BIT_XOR(CAST(CONV(LEFT(SHA2(CONCAT_WS(' ', what, COALESCE(changed, '-'), COALESCE(made, '-')), 256), 16), 16, 10) AS UNSIGNED))),
    COALESCE(SUM(GREATEST(COALESCE(changed, made), made) BETWEEN NOW() AND NOW() + INTERVAL 1 MINUTE), 0) > 0 INTO @seen, @recent
  FROM (SELECT CONCAT('table ', HEX(table_name)) AS what, update_time AS changed, create_time AS made
    FROM information_schema.tables WHERE table_schema = {name}
    {routines}
    {events}
    {triggers}) all_of_it;\n"
    )
}

/// Says what was last written to a database, then `settled`, or `recent` once this second is over.
pub(in super::super) fn written(name: &str) -> String {
    seen(name)
        + "SELECT @seen;
DO SLEEP(IF(@recent, 1.01 - MICROSECOND(NOW(6)) / 1000000, 0));
SELECT IF(@recent, 'recent', 'settled');\n"
}

/// Sets `@unwritten`: nothing was written to a database after [`written`] said this of it.
pub(in super::super) fn unwritten(name: &str, before: Option<&str>) -> String {
    match before {
        None => "SET @unwritten = TRUE;\n".to_owned(),
        Some(before) => seen(name) + &format!("SET @unwritten = HEX(@seen) = '{}';\n", hex(before)),
    }
}

/// Drops a database that [`around`] listed beside an environment's own, if it still would and, without `force`, no session
/// uses it, and nothing was written to it since. Answers the sessions, one a line, then `dropped`, `written` or `kept`.
pub(in super::super) fn drop_beside(
    names: &Names,
    also: &[String],
    one: &str,
    force: bool,
    written: Option<&str>,
) -> String {
    let found = found_beside(names, also);
    let free = u8::from(force);
    [
        FRESH.to_owned(),
        facts(names),
        sessions(one),
        PATIENCE.to_owned(),
        format!(
            "SET @beside = ({free} OR @sessions = 0) AND EXISTS(SELECT 1 FROM {found} AND s.schema_name = {});\n",
            text(one)
        ),
        unwritten(one, written),
        only_if("@beside AND @unwritten", &format!("DROP DATABASE {}", identifier(one))),
        "SELECT IF(NOT @beside, 'kept', IF(@unwritten, 'dropped', 'written'));\n".to_owned(),
    ]
    .concat()
}
