//! Reads dumps: files of SQL text, perhaps made by gzip.

use super::super::client;
use crate::sys::exec::Cmd;
use anyhow::Result;
use std::path::Path;

/// Prints a dump.
macro_rules! read {
    () => {
        r#"if [ "$2" = gzip ]; then gzip -dc -- "$1"; else cat -- "$1"; fi"#
    };
}

/// Ends well when a dump leads to another database, or carries the mark of an environment. Only before a quote is a statement
/// told from the text of a row; behind another one `use` counts as a whole one, and at the start of a line unless it is the
/// hint of a query.
const LEADS_AWAY: &str = concat!(
    read!(),
    r#" |
LC_ALL=C grep -aiE '^((([^-#'"'"'"][^'"'"'"]*)?;)?[[:space:]]*(/\*!?[0-9]* *)?(create|drop) database[[:space:]`]|[[:space:]]*(/\*!?[0-9]* *)?use[[:space:]`]|([^-#'"'"'"][^'"'"'"]*)?;[[:space:]]*(/\*!?[0-9]* *)?use[[:space:]]*[^[:space:];]+[[:space:]]*(;|$|--|#|/\*)|.*`agentenv_([0-9a-f]{24}|mark)`)' |
LC_ALL=C grep -avqiE '^[[:space:]]*use[[:space:]]+(index|key)[[:space:]]*(for|\()'"#
);

/// What a file that gzip made begins with.
pub(super) const PACKED: [u8; 2] = [0x1f, 0x8b];

/// What prints a dump. `content` stands for the file where that was read before.
pub(super) fn read(path: &Path, is_packed: bool, content: &Option<Vec<u8>>) -> Cmd {
    with(read!(), path, is_packed, content)
}

/// Whether a dump leads to another database, or carries the mark of an environment.
pub(super) fn leads_away(path: &Path, is_packed: bool, content: &Option<Vec<u8>>) -> Result<bool> {
    Ok(with(LEADS_AWAY, path, is_packed, content).output()?.success())
}

fn with(script: &str, path: &Path, is_packed: bool, content: &Option<Vec<u8>>) -> Cmd {
    let format = if is_packed { "gzip" } else { "text" };
    Cmd::reading(script, path, content.as_deref()).arg(format).patience(Some(client::COPYING))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads_away(text: &str) -> bool {
        let shell = Cmd::new("sh").args(["-c", LEADS_AWAY, "sh", "/dev/stdin", "text"]);
        shell.stdin(text).output().unwrap().success()
    }

    #[test]
    fn a_dump_that_leads_to_another_database_is_told_from_a_hint_and_a_text() {
        for line in
            ["use b", "  USE `b`;", "/*!40000 use b*/;", "a; use b;", ";use b -- c", "a; use `b`"]
        {
            assert!(leads_away(&format!("a;\n{line}\n")), "{line}");
        }
        for line in ["CREATE DATABASE b;", "a; drop database b;", "x `agentenv_mark` y"] {
            assert!(leads_away(line), "{line}");
        }
        for line in [
            "  USE INDEX (a)",
            "use key for join (a)",
            "-- see it; use b",
            "a; use the new table",
            "'; use b;",
        ] {
            assert!(!leads_away(line), "{line}");
        }
    }
}
