//! Sessions on the test Postgres that stay open for as long as a test wants.

use super::{servers, wait_until};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

/// A psql session that has run something and waits. It ends when this is dropped, and what it began is undone.
pub struct Hold {
    child: Child,
}

impl Hold {
    /// Runs SQL on a database, as an application of this name, and stays.
    #[track_caller]
    pub fn on(database: &str, application: &str, sql: &str) -> Hold {
        let name = format!("PGAPPNAME={application}");
        let mut child = Command::new("docker")
            .args(["exec", "-i", "-e", &name, servers().postgres])
            .args(["psql", "-XqAt", "-vON_ERROR_STOP=1", "-Upostgres", "-d", database])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.as_mut().unwrap(), "{sql}\n\\echo held").unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said.trim_end(), "held");
        Hold { child }
    }

    /// Lets nobody create a database until this is dropped.
    #[track_caller]
    pub fn creation() -> Hold {
        Hold::on("postgres", "hold", "BEGIN; COMMENT ON DATABASE template1 IS 'held by a test';")
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Waits until a database of this store is being created, and gives the server's process that does it.
#[track_caller]
pub fn creating(store_id: &str) -> u32 {
    let mut pid = String::new();
    wait_until("a database is being created", || {
        pid = servers().psql(&format!(
            "SELECT pid FROM pg_stat_activity WHERE query LIKE 'CREATE DATABASE \"agentenv_{store_id}%'"
        ));
        !pid.is_empty()
    });
    pid.parse().unwrap()
}

/// Waits until somebody waits for what this process of the server holds.
#[track_caller]
pub fn waited_for(pid: u32) {
    wait_until("recovery waits for the session that creates", || {
        let sql = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE {pid} = ANY(pg_blocking_pids(pid))"
        );
        servers().psql(&sql) != "0"
    });
}
