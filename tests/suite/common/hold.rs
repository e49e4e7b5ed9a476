//! Sessions on the test Postgres that hold something until they are dropped.

use super::{Talk, servers, wait_until};

/// A session of this application on a database, which has run the SQL. When it is dropped, what it began is rolled back.
#[track_caller]
pub fn on(database: &str, application: &str, sql: &str) -> Talk {
    Talk::with(database, &format!("SET application_name = '{application}'; {sql}\n\\echo here"))
}

/// Blocks CREATE DATABASE until it is dropped.
#[track_caller]
pub fn creation() -> Talk {
    on("postgres", "hold", "BEGIN; COMMENT ON DATABASE template1 IS 'held by a test';")
}

/// Waits until a database of this store is being created.
#[track_caller]
pub fn creating(store_id: &str) {
    wait_until("a database is being created", || {
        let pid = servers().psql(&format!(
            "SELECT pid FROM pg_stat_activity WHERE query LIKE 'CREATE DATABASE \"agentenv_{store_id}%'"
        ));
        !pid.is_empty()
    });
}
