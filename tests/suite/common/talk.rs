//! A client that stays connected to a database.

use super::servers;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};

/// A psql session that stays open. It ends when it is dropped, after the statements that it was sent.
pub struct Talk {
    child: Child,
}

impl Talk {
    /// Connects, and runs SQL that ends by printing `here`.
    #[track_caller]
    pub fn with(database: &str, sql: &str) -> Self {
        let mut child = servers()
            .client(database)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let mut talk = Talk { child };
        talk.say(sql);
        let mut lines = BufReader::new(stdout).lines();
        assert!(lines.any(|line| line.unwrap() == "here"), "psql ended");
        talk
    }

    /// Runs more SQL.
    pub fn say(&mut self, sql: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        writeln!(stdin, "{sql}").unwrap();
        stdin.flush().unwrap();
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
