//! What a variable is for, by its name.

use crate::model::config::Kind;

/// What a variable says of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::model) enum Role {
    /// The database or the index.
    Part,
    /// The host.
    Host,
    /// The port.
    Port,
    /// The host and the port.
    Address,
    /// The user.
    User,
    /// The password.
    Password,
    /// The kind of database, in the application's own words.
    Engine,
    /// All of it.
    Url,
}

/// What names of a database of whatever kind end in, before the word for the role.
const DATABASES: [&str; 10] = [
    "POSTGRESQL",
    "POSTGRES",
    "DATABASE",
    "DATASOURCE",
    "MARIADB",
    "MYSQL",
    "PGSQL",
    "SQL",
    "PG",
    "DB",
];

/// Words in a name that say the kind of database; others take the project's own.
const KINDS: [(&str, Kind); 5] = [
    ("POSTGRES", Kind::Postgres),
    ("PGSQL", Kind::Postgres),
    ("PG", Kind::Postgres),
    ("MYSQL", Kind::Mysql),
    ("MARIADB", Kind::Mysql),
];

const REDIS: [&str; 2] = ["REDIS", "VALKEY"];

const WORDS: [(&str, Role); 30] = [
    ("NAME", Role::Part),
    ("DATABASE", Role::Part),
    ("DB", Role::Part),
    ("INDEX", Role::Part),
    ("HOST", Role::Host),
    ("HOSTNAME", Role::Host),
    ("SERVER", Role::Host),
    ("HOST_PORT", Role::Address),
    ("HOSTPORT", Role::Address),
    ("ADDR", Role::Address),
    ("ADDRESS", Role::Address),
    ("ENDPOINT", Role::Address),
    ("PORT", Role::Port),
    ("USER", Role::User),
    ("USERNAME", Role::User),
    ("PASSWORD", Role::Password),
    ("PASS", Role::Password),
    ("AUTH", Role::Password),
    ("ENGINE", Role::Engine),
    ("TYPE", Role::Engine),
    ("CONNECTION", Role::Engine),
    ("DIALECT", Role::Engine),
    ("DRIVER", Role::Engine),
    ("CLIENT", Role::Engine),
    ("ADAPTER", Role::Engine),
    ("PROVIDER", Role::Engine),
    ("URL", Role::Url),
    ("URI", Role::Url),
    ("DSN", Role::Url),
    ("", Role::Url),
];

/// Names of what frameworks keep in Redis, each a whole URL.
const URLS: [&str; 6] = [
    "CACHE_URL",
    "CACHE_LOCATION",
    "BROKER_URL",
    "CELERY_BROKER",
    "CELERY_BACKEND",
    "RESULT_BACKEND",
];

/// The kind of server and the role that a name stands for, in a project whose databases are of the kind `sql`.
pub(in crate::model) fn of(name: &str, sql: Kind) -> Option<(Kind, Role)> {
    let name = name.to_ascii_uppercase().replace("__", "_");
    let others = ["MONGO", "TEST", "SENTRY", "MSSQL", "CLICKHOUSE", "DYNAMO", "INFLUX"];
    if others.iter().any(|other| name.contains(other)) {
        return None;
    }
    // The variable that healthchecks and others choose the kind of database with.
    if name == "DB" {
        return Some((sql, Role::Engine));
    }
    if let Some((role, _)) = role(&name, &REDIS) {
        return (role != Role::Engine).then_some((Kind::Redis, role));
    }
    let is_redis = || name.split('_').any(|part| REDIS.contains(&part));
    if ["_DB", "_INDEX"].iter().any(|end| name.ends_with(end)) && is_redis() {
        return Some((Kind::Redis, Role::Part));
    }
    if URLS.iter().any(|url| name == *url || name.ends_with(&format!("_{url}"))) {
        return Some((Kind::Redis, Role::Url));
    }
    let (role, _) = role(&name, &DATABASES)?;
    let bare = DATABASES.iter().any(|stem| name.ends_with(stem)) && role == Role::Url;
    // Java's name and type of one are those of a pool.
    let is_pools = name.contains("DATASOURCE") && matches!(role, Role::Part | Role::Engine);
    (!bare && !is_pools).then_some((kind(&name).unwrap_or(sql), role))
}

/// The kind of database that a name says by itself.
pub(super) fn kind(name: &str) -> Option<Kind> {
    let parts = |word: &str| name.split('_').any(|part| part.starts_with(word));
    KINDS.iter().find(|(word, _)| parts(word)).map(|(_, kind)| *kind)
}

/// What stands before the words for a server and a role: `QUEUE_` of `QUEUE_REDIS_HOST`.
pub(super) fn prefix(name: &str) -> String {
    let name = name.to_ascii_uppercase().replace("__", "_");
    let found = role(&name, &REDIS).or_else(|| role(&name, &DATABASES));
    found.map_or_else(String::new, |(_, prefix)| prefix.to_owned())
}

/// Whether a name is that of the prefix of all keys in a cache or a broker: Django's `KEY_PREFIX`, Celery's
/// `global_keyprefix`.
pub(in crate::model) fn is_prefix(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["KEY_PREFIX", "KEYPREFIX"].iter().any(|end| name.ends_with(end))
}

/// The role of a name that ends in a stem and a word, with or without `_` between them, and what stands before these.
fn role<'a>(name: &'a str, stems: &[&str]) -> Option<(Role, &'a str)> {
    let before =
        |end: &str| name.strip_suffix(end).filter(|rest| rest.is_empty() || rest.ends_with('_'));
    let matching = |stem: &&str, word: &str| {
        let parted = || before(&format!("{stem}_{word}")).filter(|_| !word.is_empty());
        before(&format!("{stem}{word}")).or_else(parted)
    };
    WORDS
        .iter()
        .find_map(|(word, role)| Some((*role, stems.iter().find_map(|stem| matching(stem, word))?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_roles() {
        use Kind::{Mysql, Postgres, Redis};
        for (name, expected) in [
            ("POSTGRES_DB", Some((Postgres, Role::Part))),
            ("DB_NAME", Some((Postgres, Role::Part))),
            ("DJANGO_DB_DATABASE", Some((Postgres, Role::Part))),
            ("PAPERLESS_DBNAME", Some((Postgres, Role::Part))),
            ("PGDATABASE", Some((Postgres, Role::Part))),
            ("POSTGRES_SERVER", Some((Postgres, Role::Host))),
            ("PAPERLESS_DBHOST", Some((Postgres, Role::Host))),
            ("PAPERLESS_DBENGINE", Some((Postgres, Role::Engine))),
            ("DB", Some((Postgres, Role::Engine))),
            ("DATABASE_URL", Some((Postgres, Role::Url))),
            ("SQLALCHEMY_DATABASE_URI", Some((Postgres, Role::Url))),
            ("REDIS_DB", Some((Redis, Role::Part))),
            ("PAPERLESS_REDIS", Some((Redis, Role::Url))),
            ("CELERY_BROKER_URL", Some((Redis, Role::Url))),
            ("DJANGO_CACHE_LOCATION", Some((Redis, Role::Url))),
            ("MYSQL_DATABASE", Some((Mysql, Role::Part))),
            ("APP_DATABASE__DATABASE_NAME", Some((Postgres, Role::Part))),
            ("APP_DATABASE__HOST", Some((Postgres, Role::Host))),
            ("SPRING_DATASOURCE_USERNAME", Some((Postgres, Role::User))),
            ("SPRING_DATASOURCE_NAME", None),
            ("MARIADB_HOST", Some((Mysql, Role::Host))),
            ("DB_CONNECTION", Some((Postgres, Role::Engine))),
            ("REDIS_CACHE_DB", Some((Redis, Role::Part))),
            ("REDIS_HOST_PORT", Some((Redis, Role::Address))),
            ("APP_DB_ADDR", Some((Postgres, Role::Address))),
            ("REDIS_CLIENT", None),
            ("MSSQL_DATABASE", None),
            ("DYNAMO_DB_ENDPOINT", None),
            ("TEST_DATABASE_URL", None),
            ("SERVER_NAME", None),
            ("DEBUG", None),
            ("POSTGRES", None),
        ] {
            assert_eq!(of(name, Postgres), expected, "{name}");
        }
        assert_eq!(of("DB_NAME", Mysql), Some((Mysql, Role::Part)));
        assert_eq!(of("POSTGRES_DB", Mysql), Some((Postgres, Role::Part)));
        assert_eq!((prefix("QUEUE_REDIS_HOST"), prefix("DB_NAME")), ("QUEUE_".into(), "".into()));
    }
}
