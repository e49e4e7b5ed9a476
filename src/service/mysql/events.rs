//! Events run in databases that are used: not in a snapshot, a template or the trash, which they would change, and not in
//! what is not complete. There one that is enabled is `DISABLE ON SLAVE`, a state that no server runs and that every dump takes
//! along, and its comment begins with [`SIGN`]: one that had that state before, or gets it from a person, keeps it.

use super::scripts::{identifier, text};
use super::{client, explain};
use crate::service::{Database, Server};
use crate::sys::interrupt;
use anyhow::Result;

/// What the comment of an event begins with that is enabled once its database is used. A dump is read in the character set
/// in which the event was created: in ASCII it is the same in all. It is short because a server cuts a comment off after 64
/// characters.
const SIGN: &str = "~~";

/// A program for `sed -E` that keeps events from running where a dump is read.
pub(super) fn at_rest() -> String {
    let (name, time) = ("`([^`]|``)*`", "'[^']*'");
    let every = format!("EVERY ({time}|[0-9]+) [A-Z_]+( STARTS {time})?( ENDS {time})?");
    let event = format!(
        r"^(/\*!50106 CREATE\*/ (/\*!50117 DEFINER={name}@{name}\*/ )?/\*!50106 EVENT {name} ON SCHEDULE ({every}|AT {time}) ON COMPLETION (NOT )?PRESERVE)"
    );
    let rests = format!("DISABLE ON SLAVE COMMENT '{SIGN}");
    format!("s#{event} ENABLE#\\1 {rests}'#\ns#{event} {rests}' COMMENT '#\\1 {rests}#\n")
}

/// Keeps the events of a database of ours from running, until [`wake`].
pub(super) fn rest(database: &Database) -> Result<()> {
    let comment = format!("CONCAT({}, event_comment)", text(SIGN));
    alter(database, "status = 'ENABLED'", "DISABLE ON SLAVE", &comment, "")
}

/// Lets those events run again. `first`: a statement that fails where they must not.
pub(super) fn wake(database: &Database, first: &str) -> Result<()> {
    let comment = format!("SUBSTRING(event_comment, {})", SIGN.len() + 1);
    alter(database, &is_at_rest(), "ENABLE", &comment, first)
}

/// The databases on a server in which an event rests.
pub(in crate::service) fn resting(server: &Server) -> Result<Vec<String>> {
    let at_rest = is_at_rest();
    let list =
        format!("SELECT DISTINCT event_schema FROM information_schema.events WHERE {at_rest};\n");
    client::run(server, list, None)
}

/// Whether an event rests, as an expression over its row in the catalogue.
fn is_at_rest() -> String {
    let states = "'SLAVESIDE_DISABLED', 'REPLICA_SIDE_DISABLED'";
    format!("status IN ({states}) AND event_comment LIKE '{SIGN}%'")
}

/// The same after an error, which says what is wrong; no signal stops it.
pub(super) fn wake_again(database: &Database) {
    interrupt::undoing();
    wake(database, "").ok();
    interrupt::undone();
}

/// Gives events their state and their comment. No server prepares such a statement; without its definer, an event would get
/// this user.
fn alter(database: &Database, of: &str, to: &str, comment: &str, first: &str) -> Result<()> {
    let Database { server, name, .. } = database;
    let host = "SUBSTRING_INDEX(definer, '@', -1)";
    let user = format!("LEFT(definer, CHAR_LENGTH(definer) - CHAR_LENGTH({host}) - 1)");
    let quoted = |what: &str| format!("'`', REPLACE({what}, '`', '``'), '`'");
    let list = format!(
        "SELECT CONCAT('ALTER DEFINER=', {user}, '@', {host}, ' EVENT ', {schema}, '.', {event}, ' {to} COMMENT ', QUOTE({comment}), ';')
  FROM information_schema.events WHERE event_schema = {name} AND {of};\n",
        user = quoted(&user),
        host = quoted(host),
        schema = text(&identifier(name)),
        event = quoted("event_name"),
        name = text(name),
    );
    let run = |script: String| {
        client::run(server, script, None).map_err(|error| explain(error, database))
    };
    let altered = run(list)?;
    match altered.is_empty() {
        true => Ok(()),
        false => run(format!("{first}{}\n", altered.join("\n"))).map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::exec::Cmd;

    fn edited(line: &str) -> String {
        let edit = "printf '%s\\n' \"$1\" | LC_ALL=C sed -E -e \"$2\"";
        let shell = Cmd::new("sh").args(["-c", edit, "sh", line]).arg(at_rest());
        shell.output().unwrap().text().trim_end().to_owned()
    }

    #[test]
    fn the_state_of_an_event_is_edited_and_no_other_text() {
        let begin = "/*!50106 CREATE*/ /*!50117 DEFINER=`a``b c`@`%`*/ /*!50106 EVENT `e ENABLE` ON SCHEDULE";
        let every =
            "EVERY '1:30' HOUR_MINUTE STARTS '2026-11-29 01:00:00' ON COMPLETION NOT PRESERVE";
        let body = "DO ALTER EVENT `e` ON COMPLETION PRESERVE ENABLE COMMENT '' */ ;;";
        for schedule in [every, "AT '2030-01-01 00:00:00' ON COMPLETION PRESERVE"] {
            let event = |state: &str| format!("{begin} {schedule} {state} {body}");
            let rests = event("DISABLE ON SLAVE COMMENT '~~ENABLE'");
            assert_eq!(edited(&event("ENABLE COMMENT 'ENABLE'")), rests);
            assert_eq!(edited(&event("ENABLE")), event("DISABLE ON SLAVE COMMENT '~~'"));
            for state in ["DISABLE", "DISABLE ON SLAVE", "DISABLE ON SLAVE COMMENT '~~ENABLE'"] {
                assert_eq!(edited(&event(state)), event(state));
            }
            let row = format!("INSERT INTO t VALUES ('{}');", event("ENABLE"));
            assert_eq!(edited(&row), row);
        }
    }
}
