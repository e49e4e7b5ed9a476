//! One psql session that is asked several times: each session costs a process in the container.

use super::psql;
use crate::service::Server;
use crate::sys::docker;
use crate::sys::exec::{Conversation, Said};
use anyhow::Result;

/// Codes above are those of a program that a signal ended.
const SIGNALLED: i32 = 128;

/// A psql session on a server. It starts again when it is asked after it ended.
pub(super) struct Connection {
    server: Server,
    open: Option<Conversation>,
    answered: bool,
}

impl Connection {
    /// Starts it; nothing waits until it is connected. What fails is said by the first question.
    pub(super) fn begin(server: Server) -> Self {
        let open = psql::Session::new(&server, "").converse(false).ok();
        Connection { server, open, answered: false }
    }

    /// Runs a script whose last word is this line, and returns the lines that it printed before.
    ///
    /// # Errors
    /// [`SqlError`](super::SqlError) when the server refuses; else why it was not reached.
    pub(super) fn ask(&mut self, script: &str, last: &str) -> Result<Vec<String>> {
        let session = psql::Session::new(&self.server, "");
        let mut open = match self.open.take() {
            Some(open) => open,
            None => session.converse(false)?,
        };
        let mut said = open.ask(script.as_bytes(), last)?;
        if let Said::Ended(output) = &said {
            let found = docker::says_missing(output);
            // It ended between two questions, with its server, or by the signal of an interruption that is rolled back.
            if found || self.answered || output.code > SIGNALLED {
                open = session.converse(found)?;
                said = open.ask(script.as_bytes(), last)?;
            }
        }
        match said {
            Said::Answer(lines) => {
                (self.open, self.answered) = (Some(open), true);
                Ok(lines)
            }
            Said::Ended(output) => {
                self.answered = false;
                Err(session.explain(&output))
            }
        }
    }
}

/// A line that gives psql a variable: in single quotes, a backslash and a quote are special, and the line ends the command.
pub(super) fn set(name: &str, value: &str) -> String {
    let quoted = value.replace('\\', "\\\\").replace('\'', "''").replace('\n', "\\n");
    format!("\\set {name} '{quoted}'\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_value_is_quoted_for_psql() {
        assert_eq!(super::set("x", "a\nb"), "\\set x 'a\\nb'\n");
        assert_eq!(super::set("x", r#"it's {"a":"\"b"}"#), "\\set x 'it''s {\"a\":\"\\\\\"b\"}'\n");
    }
}
