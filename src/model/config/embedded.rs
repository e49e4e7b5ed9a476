//! The default configuration without servers: an SQLite file in each worktree.

use super::{Config, Kind, defaults};
use indexmap::IndexMap;

/// The database file, relative to the worktree.
pub const EMBEDDED_FILE: &str = ".agentenv.sqlite3";

/// The defaults without a server.
pub fn embedded() -> Config {
    let mut config = Config::default();
    let mut sqlite = defaults::service(Kind::Sqlite);
    sqlite.name = EMBEDDED_FILE.to_owned();
    config.services = IndexMap::from([("sqlite".to_owned(), sqlite)]);
    config.env = IndexMap::new();
    config.env = defaults::env(&config);
    // An absolute path has four slashes (docs.sqlalchemy.org/en/20/dialects/sqlite.html).
    let url = "sqlite:///{path}/{SQLITE_PATH}".to_owned();
    config.env.insert("DATABASE_URL".to_owned(), url);
    config
}
