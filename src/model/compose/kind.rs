//! What kind of server a service of a compose file is.

use super::syntax::{environment, interpolated, scalar};
use crate::model::config::Kind;
use serde_yaml::{Mapping, Value};

/// What tells a kind: words of an image's name; the port in the container, where the data is, variables, programs.
struct Signs {
    kind: Kind,
    images: &'static [&'static str],
    port: &'static str,
    data: &'static str,
    variables: &'static [&'static str],
    programs: &'static [&'static str],
}

const SIGNS: [Signs; 3] = [
    Signs {
        kind: Kind::Postgres,
        images: &["postgres", "postgis", "timescale", "pgvector"],
        port: "5432",
        data: "/var/lib/postgresql",
        variables: &["POSTGRES_PASSWORD", "POSTGRES_HOST_AUTH_METHOD"],
        programs: &["postgres"],
    },
    Signs {
        kind: Kind::Redis,
        images: &["redis", "valkey"],
        port: "6379",
        data: "/var/lib/redis",
        variables: &["REDIS_PASSWORD"],
        programs: &["redis-server", "valkey-server"],
    },
    Signs {
        kind: Kind::Mysql,
        images: &["mysql", "mariadb", "percona"],
        port: "3306",
        data: "/var/lib/mysql",
        variables: &["MYSQL_ROOT_PASSWORD", "MARIADB_ROOT_PASSWORD"],
        programs: &["mysqld", "mariadbd"],
    },
];

/// Words of images that work with a server and are none.
const TOOLS: [&str; 8] =
    ["exporter", "admin", "commander", "insight", "router", "backup", "bouncer", "pgpool"];

/// The kind of server that a service runs: by its image's name, else by two other signs of it.
pub(in crate::model) fn server(service: &Mapping) -> Option<Kind> {
    let image = interpolated(service.get("image")?.as_str()?).0;
    if is_tool(&image) {
        return None;
    }
    let is_built = service.contains_key("build");
    let signs = || SIGNS.iter().find(|one| !is_built && one.count(service) > 1);
    of_image(&image).or_else(|| signs().map(|one| one.kind))
}

/// The same, of those kinds that a shared container takes the place of.
pub(in crate::model) fn shared(service: &Mapping) -> Option<Kind> {
    server(service).filter(|kind| *kind != Kind::Mysql)
}

/// The kind of server that an image of this name runs.
pub fn of_image(image: &str) -> Option<Kind> {
    let is_it = |one: &&Signs| one.images.iter().any(|word| name(image).contains(word));
    (!is_tool(image)).then(|| SIGNS.iter().find(is_it)).flatten().map(|one| one.kind)
}

/// Where the kinds that environments share keep their data in a container.
pub(super) fn data() -> impl Iterator<Item = &'static str> {
    SIGNS.iter().map(|one| one.data)
}

/// Whether a server of this kind has its data, and nothing else, in a volume that is mounted at this path.
pub fn is_data(kind: Kind, path: &str) -> bool {
    let at = |dir: &str| path == dir || path.strip_prefix(dir) == Some("/data");
    SIGNS.iter().any(|one| one.kind == kind && at(one.data))
        || (kind == Kind::Redis && path == "/data")
}

/// Whether an image works with a server and is none.
pub(in crate::model) fn is_tool(image: &str) -> bool {
    TOOLS.iter().any(|word| name(image).contains(word))
}

/// The last word of an image's path, without its tag.
fn name(image: &str) -> &str {
    let name = image.rsplit('/').next().unwrap_or(image);
    name.split([':', '@']).next().unwrap_or(name)
}

impl Signs {
    /// How many of the signs but the image there are.
    fn count(&self, service: &Mapping) -> usize {
        let listed =
            |key: &str| service.get(key).and_then(Value::as_sequence).into_iter().flatten();
        let is_port = |port: &Value| {
            let port = scalar(port.get("target").unwrap_or(port));
            port.split('/').next().and_then(|port| port.rsplit(':').next()) == Some(self.port)
        };
        let is_data = |volume: &Value| match volume.get("target") {
            Some(target) => scalar(target).starts_with(self.data),
            None => scalar(volume).split(':').any(|part| part.starts_with(self.data)),
        };
        let vars = environment(service.get("environment"));
        let signs = [
            listed("ports").chain(listed("expose")).any(is_port),
            listed("volumes").any(is_data),
            vars.iter().any(|(name, _)| self.variables.contains(&name.as_str())),
            self.programs.contains(&program(service).as_str()),
        ];
        signs.into_iter().filter(|is_there| *is_there).count()
    }
}

/// The first word of the command.
fn program(service: &Mapping) -> String {
    let first = match service.get("command") {
        Some(Value::Sequence(words)) => words.first().map(scalar),
        Some(text) => Some(scalar(text)),
        None => None,
    };
    first.unwrap_or_default().split_whitespace().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_known_by_what_they_are() {
        use Kind::{Mysql, Postgres, Redis};
        for (service, expected) in [
            ("image: library/postgres:16", Some(Postgres)),
            ("image: 'valkey/valkey@sha256:1'", Some(Redis)),
            ("image: mariadb", Some(Mysql)),
            (
                "{ image: up:18, command: postgres -c a=b, ports: ['5433:5432/tcp'] }",
                Some(Postgres),
            ),
            (
                "{ image: up:18, volumes: ['./a:/var/lib/postgresql/data:Z'], ports: [{ target: 5432, published: 1 }] }",
                Some(Postgres),
            ),
            ("{ image: cache, command: [redis-server, --save], expose: [6379] }", Some(Redis)),
            (
                "{ image: db, environment: [MYSQL_ROOT_PASSWORD=x], ports: ['3306:3306'] }",
                Some(Mysql),
            ),
            ("{ image: up:18, ports: ['5432:5432'] }", None),
            ("{ build: ., image: up, command: postgres, ports: ['5432:5432'] }", None),
            ("{ image: pgadmin, environment: { POSTGRES_PASSWORD: x }, ports: ['1:5432'] }", None),
            ("{ image: app, environment: { POSTGRES_PASSWORD: x }, ports: ['80:80'] }", None),
            ("build: .", None),
        ] {
            assert_eq!(server(&serde_yaml::from_str(service).unwrap()), expected, "{service}");
        }
    }
}
