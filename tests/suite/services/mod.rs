//! Each kind of server, and the containers they run in.

mod also;
mod copies;
mod docker;
mod in_use;
mod infra;
mod mysql;
mod passwords;
mod postgres;
mod redis;
mod sqlite;
mod trash;

use crate::common::Sandbox;

/// Room for a test's own resources on the shared servers, which are released with it.
struct World {
    sandbox: Sandbox,
}

impl World {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        sandbox.indexes(); // a sandbox that holds none does not clean up
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
