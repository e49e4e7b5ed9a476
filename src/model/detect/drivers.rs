//! Drivers for servers in the manifests of languages whose frameworks are not known.

use super::paths::name;
use super::sections::is_comment;
use super::seen::Seen;
use crate::model::config::Kind;

/// A manifest's name or ending, and the packages that talk to each kind of server.
const DRIVERS: [(&str, Kind, &[&str]); 21] = [
    ("mix.exs", Kind::Postgres, &[":postgrex"]),
    ("mix.exs", Kind::Sqlite, &[":ecto_sqlite3"]),
    ("mix.exs", Kind::Mysql, &[":myxql"]),
    ("mix.exs", Kind::Redis, &[":redix"]),
    ("go.mod", Kind::Postgres, &["jackc/pgx", "lib/pq", "driver/postgres", "go-pg/pg"]),
    ("go.mod", Kind::Sqlite, &["go-sqlite3", "modernc.org/sqlite", "driver/sqlite"]),
    ("go.mod", Kind::Mysql, &["go-sql-driver/mysql", "driver/mysql"]),
    (
        "go.mod",
        Kind::Redis,
        &["go-redis/redis", "redis/go-redis", "gomodule/redigo", "hibiken/asynq"],
    ),
    ("Cargo.toml", Kind::Postgres, &["\"postgres\"", "postgres =", "sqlx-postgres"]),
    ("Cargo.toml", Kind::Sqlite, &["\"sqlite\"", "sqlite =", "rusqlite"]),
    ("Cargo.toml", Kind::Mysql, &["\"mysql\"", "mysql =", "mysql_async", "sqlx-mysql"]),
    ("Cargo.toml", Kind::Redis, &["redis =", "fred ="]),
    ("pom.xml", Kind::Postgres, &["org.postgresql"]),
    ("pom.xml", Kind::Mysql, &["mysql-connector", "mariadb-java-client"]),
    ("pom.xml", Kind::Redis, &["data-redis", "jedis", "lettuce"]),
    ("gradle", Kind::Postgres, &["org.postgresql"]),
    ("gradle", Kind::Mysql, &["mysql-connector", "mariadb-java-client"]),
    ("gradle", Kind::Redis, &["data-redis", "jedis", "lettuce"]),
    (".csproj", Kind::Postgres, &["Npgsql"]),
    (".csproj", Kind::Mysql, &["MySql"]),
    (".csproj", Kind::Redis, &["StackExchange.Redis", "StackExchangeRedis"]),
];

/// The kinds of servers with the topmost manifest that names a driver for each.
pub(super) fn of(seen: &Seen) -> Vec<(Kind, &str)> {
    let mut found: Vec<(Kind, &str)> = Vec::new();
    for (manifest, kind, packages) in DRIVERS {
        let names = |line: &str| {
            !is_comment(line)
                && !line.ends_with("// indirect")
                && packages.iter().any(|word| line.contains(word))
        };
        let is_it = |path: &str| {
            let name = name(path);
            name == manifest
                || name.ends_with(manifest)
                || name.ends_with(&format!("{manifest}.kts"))
        };
        let mut files = seen.files.iter().filter(|(path, _)| is_it(path));
        let file = files.find(|(_, text)| text.lines().any(names)).map(|(path, _)| path.as_str());
        found.extend(file.map(|file| (kind, file)));
    }
    found
}
