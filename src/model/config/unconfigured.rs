//! The configuration of a project without a configuration file.

use super::{Config, Kind, Port, defaults, embedded};
use indexmap::IndexMap;
use std::collections::BTreeSet;

/// What a project's own files say of how it is run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signs {
    /// Servers that it uses.
    pub servers: BTreeSet<Kind>,
    /// It is made with Django.
    pub django: bool,
    /// It is built with Vite.
    pub vite: bool,
}

/// The defaults for these signs: servers that the project uses, and ports by names that it may know.
pub fn unconfigured(signs: &Signs) -> Config {
    let mut config = Config::default();
    config.services.retain(|_, service| signs.servers.contains(&service.kind));
    named(config, signs)
}

/// The same without a server: an SQLite file in each worktree.
pub fn serverless(signs: &Signs) -> Config {
    named(embedded(), signs)
}

fn named(mut config: Config, signs: &Signs) -> Config {
    let url = config.env.shift_remove("DATABASE_URL").filter(|url| url.starts_with("sqlite"));
    if !signs.django {
        let port = Port { main: 3000, range: Some((3001, 3019)), follows: None };
        let vite = Port { main: 5173, range: None, follows: Some("PORT".to_owned()) };
        config.ports = IndexMap::from([("PORT".to_owned(), port)]);
        config.ports.extend(signs.vite.then(|| ("VITE_PORT".to_owned(), vite)));
    }
    config.env = defaults::env(&config);
    if !signs.django {
        config.env.shift_remove("GN_PROJECT_NAME");
    }
    config.env.extend(url.map(|url| ("DATABASE_URL".to_owned(), url)));
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names<T>(map: &IndexMap<String, T>) -> String {
        map.keys().map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_project_gets_what_it_shows_a_sign_of() {
        let go = unconfigured(&Signs::default());
        assert_eq!((names(&go.ports), names(&go.services), names(&go.env)).0, "PORT");
        assert!(go.services.is_empty() && go.env.is_empty());

        let servers = BTreeSet::from([Kind::Redis]);
        let node = unconfigured(&Signs { servers, django: false, vite: true });
        assert_eq!(names(&node.ports), "PORT VITE_PORT");
        assert_eq!((names(&node.services), names(&node.env)), ("redis".into(), "REDIS_URL".into()));

        let servers = BTreeSet::from([Kind::Postgres, Kind::Redis]);
        let django = unconfigured(&Signs { servers, django: true, vite: false });
        assert_eq!(django, Config::default());
    }

    #[test]
    fn without_a_server_there_is_a_file() {
        let config = serverless(&Signs::default());
        assert_eq!(
            (names(&config.services), names(&config.env)),
            ("sqlite".into(), "DATABASE_URL".into())
        );
        assert_eq!(serverless(&Signs { django: true, ..Signs::default() }), embedded());
    }
}
