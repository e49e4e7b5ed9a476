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
    /// The user.
    User,
    /// The password.
    Password,
    /// The kind of database, in the application's own words.
    Engine,
    /// All of it.
    Url,
}

const DATABASES: [&str; 7] = ["POSTGRESQL", "POSTGRES", "DATABASE", "PGSQL", "SQL", "PG", "DB"];

const REDIS: [&str; 2] = ["REDIS", "VALKEY"];

const WORDS: [(&str, Role); 18] = [
    ("NAME", Role::Part),
    ("DATABASE", Role::Part),
    ("DB", Role::Part),
    ("INDEX", Role::Part),
    ("HOST", Role::Host),
    ("HOSTNAME", Role::Host),
    ("SERVER", Role::Host),
    ("PORT", Role::Port),
    ("USER", Role::User),
    ("USERNAME", Role::User),
    ("PASSWORD", Role::Password),
    ("PASS", Role::Password),
    ("ENGINE", Role::Engine),
    ("TYPE", Role::Engine),
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

/// The kind of server and the role that a name stands for.
pub(in crate::model) fn of(name: &str) -> Option<(Kind, Role)> {
    let name = name.to_ascii_uppercase();
    let others = ["MYSQL", "MONGO", "TEST", "MARIADB", "SENTRY"];
    if others.iter().any(|other| name.contains(other)) {
        return None;
    }
    // The variable that healthchecks and others choose the kind of database with.
    if name == "DB" {
        return Some((Kind::Postgres, Role::Engine));
    }
    if let Some(role) = role(&name, &REDIS) {
        return (role != Role::Engine).then_some((Kind::Redis, role));
    }
    if URLS.iter().any(|url| name == *url || name.ends_with(&format!("_{url}"))) {
        return Some((Kind::Redis, Role::Url));
    }
    let role = role(&name, &DATABASES)?;
    let bare = DATABASES.iter().any(|stem| name.ends_with(stem)) && role == Role::Url;
    (!bare).then_some((Kind::Postgres, role))
}

/// Whether a name is that of the prefix of all keys in a cache or a broker: Django's `KEY_PREFIX`, Celery's
/// `global_keyprefix`.
pub(in crate::model) fn is_prefix(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["KEY_PREFIX", "KEYPREFIX"].iter().any(|end| name.ends_with(end))
}

/// The role of a name that ends in a stem and a word, with or without `_` between them.
fn role(name: &str, stems: &[&str]) -> Option<Role> {
    let ends = |end: &str| {
        name.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
    };
    let matching = |stem: &&str, word: &str| {
        ends(&format!("{stem}{word}")) || (!word.is_empty() && ends(&format!("{stem}_{word}")))
    };
    let found = WORDS.iter().find(|(word, _)| stems.iter().any(|stem| matching(stem, word)));
    found.map(|(_, role)| *role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_roles() {
        use Kind::{Postgres, Redis};
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
            ("MYSQL_DATABASE", None),
            ("TEST_DATABASE_URL", None),
            ("SERVER_NAME", None),
            ("DEBUG", None),
            ("POSTGRES", None),
        ] {
            assert_eq!(of(name), expected, "{name}");
        }
    }
}
