//! MariaDB servers of the tests. A server is held by one test at a time, for the product looks at all databases of a server
//! and tests wait for its sessions; the next test gets it without what the one before left.

use super::container::Container;
use super::servers::{self, servers};
use super::wait_until;
use std::fs::File;
use std::ops::Deref;
use std::process::Command;

/// The administrator's password, in the variable of the container that the official images want, and in this one of
/// every program of a sandbox.
pub const PASSWORD: [&str; 2] = ["TEST_MARIADB_PASSWORD", "it's secret"];

/// Databases of the server itself.
const KNOWN: &str = "'information_schema','mysql','performance_schema','sys'";

/// A server with its own container.
pub struct MariaDb {
    container: Container,
    /// Its port on this host's loopback.
    pub port: u16,
    _slot: Option<File>,
}

impl MariaDb {
    /// A server that no other test holds.
    pub fn take() -> Self {
        servers(); // they remove these containers, too
        let mut slot = None;
        wait_until("a MariaDB is free", || {
            slot = servers::free_mariadb();
            slot.is_some()
        });
        let (name, slot) = slot.expect("waited for it");
        let run = [&options("--tmpfs=/var/lib/mysql")[..], &["agentenv-test/mariadb"]].concat();
        servers::ensure_running(&name, &run);
        let server = Self::at(Container::that_stays(name), Some(slot));
        server.clear();
        server
    }

    /// A server of this test's own, whose data lies where this option for `docker run` says.
    pub fn own(tmpfs: &str) -> Self {
        Self::at(Container::run("agentenv-test/mariadb", &options(tmpfs)), None)
    }

    /// A server of this test's own, which this command starts.
    pub fn started_by(command: &[&str]) -> Self {
        let options = options("--tmpfs=/var/lib/mysql");
        Self::at(Container::run_command("agentenv-test/mariadb", &options, command), None)
    }

    fn at(container: Container, slot: Option<File>) -> Self {
        let port = servers::published(&container.name, "3306");
        let server = Self { container, port, _slot: slot };
        wait_until("MariaDB answers", || server.sql("SELECT 1").is_ok());
        server
    }

    /// Runs a statement; rows without a header, or what the server said.
    pub fn sql(&self, statement: &str) -> Result<String, String> {
        // Not in the container: `docker exec` takes ten times as long, and every test asks often.
        let mut client = Command::new("mariadb");
        let port = self.port.to_string();
        client.args(["--no-defaults", "-h127.0.0.1", "-P", &port, "-uroot"]);
        client.args(["--batch", "--skip-column-names", "-e", statement]);
        servers::said(client.env("MYSQL_PWD", PASSWORD[1]), "")
    }

    /// Every database but the server's own.
    pub fn databases(&self) -> Vec<String> {
        let from = "SELECT schema_name FROM information_schema.schemata";
        let list = format!("{from} WHERE schema_name NOT IN ({KNOWN}) ORDER BY 1");
        self.sql(&list).unwrap().lines().map(str::to_owned).collect()
    }

    /// Ends the sessions that another test left, and drops its databases and users.
    fn clear(&self) {
        let sessions = "FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND user <> 'system user'";
        wait_until("no session is left", || {
            let ids = self.sql(&format!("SELECT id {sessions}")).unwrap();
            ids.lines().for_each(|id| drop(self.sql(&format!("KILL {id}"))));
            ids.is_empty()
        });
        let drops = format!(
            "SELECT CONCAT('DROP DATABASE `', REPLACE(schema_name, '`', '``'), '`;')
             FROM information_schema.schemata WHERE schema_name NOT IN ({KNOWN});
             SELECT CONCAT('DROP USER ', QUOTE(user), '@', QUOTE(host), ';')
             FROM mysql.user WHERE user NOT IN ('root', 'mysql', 'mariadb.sys', 'healthcheck')"
        );
        let drops = self.sql(&drops).unwrap();
        if !drops.is_empty() {
            let checks = "SET foreign_key_checks = 0;";
            self.sql(&format!("{checks} {drops}")).unwrap();
        }
    }
}

impl Deref for MariaDb {
    type Target = Container;

    fn deref(&self) -> &Container {
        &self.container
    }
}

/// It writes thousands of temporary tables; on some engines the directory is a file system in a process, which takes as
/// much of the processor for them as the server itself.
fn options(tmpfs: &str) -> [&str; 4] {
    [tmpfs, "--tmpfs=/tmp", "--env=MARIADB_ROOT_PASSWORD=it's secret", "--publish=127.0.0.1::3306"]
}
