//! Somebody who is connected to a database.

use super::servers;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

/// A psql that stays, and has said `here`. It ends when it is dropped, after what it was told.
pub struct Talk {
    child: Child,
}

impl Talk {
    /// Connects, and runs SQL that prints `here`.
    pub fn with(database: &str, sql: &str) -> Self {
        let args =
            ["exec", "-i", servers().postgres, "psql", "-XqAt", "-Upostgres", "-d", database];
        let mut child = Command::new("docker")
            .args(args)
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
