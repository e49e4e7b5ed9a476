//! The default configuration.

use super::{Commands, Config, Hooks, Infra, Kind, Origin, Place, Port, Service};
use crate::model::template::Template;
use indexmap::IndexMap;

/// The defaults as a configuration file with comments.
pub const DEFAULTS_YAML: &str = include_str!("defaults.yaml");

/// The JSON schema of the configuration file, for editors.
pub const SCHEMA: &str = include_str!("schema.json");

impl Default for Config {
    fn default() -> Self {
        let services = [
            ("postgres".to_owned(), service(Kind::Postgres)),
            ("redis".to_owned(), service(Kind::Redis)),
        ];
        let mut config = Config {
            worktree: "../{repo}-{name}".to_owned(),
            env_file: ".env.worktree".to_owned(),
            project: "{repo}-{name}".to_owned(),
            url: None,
            ports: ports(),
            services: IndexMap::from(services),
            env: IndexMap::new(),
            processes: IndexMap::new(),
            compose: None,
            copy: Vec::new(),
            link: Vec::new(),
            hooks: Hooks::default(),
            trash: None,
            infra: Infra::default(),
        };
        config.env = env(&config);
        config
    }
}

/// The defaults of a kind of service.
pub fn service(kind: Kind) -> Service {
    let (variable, name, main) = match kind {
        Kind::Postgres => ("POSTGRES_DB", "app_{name}", "app_db"),
        Kind::Mysql => ("MYSQL_DATABASE", "app_{name}", "app_db"),
        Kind::Sqlite => ("SQLITE_PATH", "{name}.sqlite3", "db.sqlite3"),
        Kind::Redis => ("REDIS_DB", "", "0"),
        Kind::Custom => ("", "app_{name}", "app"),
    };
    let (container, user, port) = match kind {
        Kind::Postgres => ("agentenv-postgres-1", "postgres", 5432),
        Kind::Mysql => ("agentenv-mysql-1", "root", 3306),
        Kind::Sqlite | Kind::Custom => ("", "", 0),
        Kind::Redis => ("agentenv-redis-1", "", 6379),
    };
    Service {
        kind,
        variable: variable.to_owned(),
        name: name.to_owned(),
        main: main.to_owned(),
        from: Origin::Empty,
        template: None,
        also: Vec::new(),
        range: (kind == Kind::Redis).then_some((1, 15)),
        place: match kind {
            Kind::Sqlite => Place::Host,
            _ => Place::Container(container.to_owned()),
        },
        user: user.to_owned(),
        port,
        password_env: None,
        commands: Commands::default(),
    }
}

/// The default entries of `env` whose services exist and whose names are not taken.
pub(super) fn env(config: &Config) -> IndexMap<String, String> {
    let known = config.env_keys();
    let known = || known.iter().map(String::as_str);
    let served = |(service, kind): (&str, Kind)| {
        let service = config.services.get(service);
        service.is_some_and(|service| service.kind == kind)
    };
    let possible = |template: &str| {
        let template = Template::parse(template);
        template.is_ok_and(|template| template.check(known().collect::<Vec<_>>()).is_ok())
    };
    let entries = [
        ("GN_PROJECT_NAME", "{project}", None),
        (
            "DATABASE_URL",
            "postgres://{postgres.user}@{postgres.host}:{postgres.port}/{POSTGRES_DB}",
            Some(("postgres", Kind::Postgres)),
        ),
        ("REDIS_URL", "redis://{redis.host}:{redis.port}/{REDIS_DB}", Some(("redis", Kind::Redis))),
    ];
    let entries = entries.into_iter().filter(|(name, template, service)| {
        !known().any(|key| key == *name) && service.is_none_or(served) && possible(template)
    });
    entries.map(|(name, template, _)| (name.to_owned(), template.to_owned())).collect()
}

fn ports() -> IndexMap<String, Port> {
    let django = Port { main: 8011, range: Some((8012, 8030)), follows: None };
    let vite = Port { main: 5173, range: None, follows: Some("DJANGO_PORT".to_owned()) };
    IndexMap::from([("DJANGO_PORT".to_owned(), django), ("VITE_PORT".to_owned(), vite)])
}
