//! Each kind of server, and the containers they run in.

mod also;
mod copies;
mod custom;
mod cut_drops;
mod disk;
mod docker;
mod in_use;
mod infra;
mod marks;
mod mysql;
mod mysql_copies;
mod mysql_events;
mod mysql_losses;
mod mysql_privileges;
mod overflow;
mod passwords;
mod postgres;
mod postgres18;
mod redis;
mod sqlite;
mod trash;

use crate::common::{Sandbox, servers};
use git_agentenv::model::config::{Kind, Place};
use git_agentenv::service::Server;
use git_agentenv::sys::budget;

/// The tests' Postgres, as a configuration would name it.
fn postgres_server() -> Server {
    Server {
        kind: Kind::Postgres,
        place: Place::Container(servers().postgres.to_owned()),
        user: "postgres".to_owned(),
        port: servers().postgres_port,
        password_env: None,
    }
}

/// Room for a test's own resources on the shared servers, which are released with it.
struct World {
    sandbox: Sandbox,
}

impl World {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        sandbox.indexes(); // a sandbox that holds none does not clean up
        budget::renew(); // of this process: a server that was silent for one test is asked by the next
        World { sandbox }
    }

    /// An id such as leases have.
    fn id(&self, number: usize) -> String {
        format!("{}{number:016x}", &self.sandbox.id[1..])
    }

    fn databases(&self) -> Vec<String> {
        self.sandbox.databases()
    }
}
