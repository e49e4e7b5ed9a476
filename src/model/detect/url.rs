//! URLs of databases.

pub(super) mod words;

use crate::model::config::Kind;
use crate::model::envfile::check_value;

/// A URL of a Postgres, MySQL or Redis server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) kind: Kind,
    pub(super) scheme: String,
    pub(super) user: String,
    pub(super) password: Option<String>,
    pub(super) host: String,
    pub(super) port: Option<u16>,
    /// The database or the index; may be empty.
    pub(super) part: String,
    /// What follows, with the `?` or `#`.
    pub(super) query: String,
    /// All of it, as a URL where another form stands for one.
    pub(super) text: String,
}

impl Url {
    /// The URL, when it is one of these, in whatever form.
    pub(super) fn parse(text: &str) -> Option<Url> {
        let Some((scheme, rest)) = text.split_once("://") else { return words::parse(text) };
        // `postgresql://` is put before the rest of one.
        if rest.is_empty() {
            return None;
        }
        let server = scheme.strip_prefix("jdbc:").unwrap_or(scheme);
        let kind = match server.split('+').next()? {
            "postgres" | "postgresql" | "postgis" | "psql" | "ecto" => Kind::Postgres,
            "mysql" | "mysql2" | "mariadb" | "trilogy" => Kind::Mysql,
            "redis" | "rediss" => Kind::Redis,
            _ => return None,
        };
        let (rest, query) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
        let (authority, part) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, address) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) =
            login.split_once(':').map_or((login, None), |(user, word)| (user, Some(word)));
        // An address of IPv6 stands in brackets.
        let behind = address.rfind(']').map_or(0, |at| at + 1);
        let colon = address[behind..].find(':').map(|at| behind + at);
        let (host, port) = match colon {
            Some(at) => (&address[..at], address[at + 1..].parse().ok()),
            None => (address, None),
        };
        Some(Url {
            kind,
            scheme: scheme.to_owned(),
            user: user.to_owned(),
            password: password.map(str::to_owned),
            host: host.to_owned(),
            port,
            part: part.to_owned(),
            query: query.to_owned(),
            text: text.to_owned(),
        })
    }

    /// The server is on this machine.
    pub(super) fn is_local(&self) -> bool {
        self.host.is_empty() || is_local(&self.host)
    }

    /// The same with the user of the service `key`: the shared server has no other role.
    pub(super) fn of_shared(&self, key: &str) -> Url {
        // JDBC has the user elsewhere.
        let is_user = self.kind == Kind::Postgres && !self.scheme.starts_with("jdbc:");
        let user = if is_user { format!("{{{key}.user}}") } else { String::new() };
        Url { user, password: None, ..self.clone() }
    }

    /// The same with the environment's own part of the service `key` in it. A host that only containers know becomes
    /// the service's own, and so does a port that is not the server's.
    pub(super) fn template(&self, key: &str, variable: &str, port: u16) -> String {
        let is_here = self.is_local() && !self.host.is_empty() && self.port() == Some(port);
        if !self.text.contains("://") {
            let own = if is_here { &self.host } else { &host(self.kind, key) };
            return words::written(
                self,
                own,
                &format!("{{{key}.port}}"),
                &format!("{{{variable}}}"),
            );
        }
        let address = match (is_here, self.kind) {
            // A second Redis has another port.
            (true, Kind::Redis) => format!("{}:{{{key}.port}}", self.host),
            (true, _) => self.address(),
            (false, _) => format!("{}:{{{key}.port}}", host(self.kind, key)),
        };
        self.written(&address, &format!("{{{variable}}}"))
    }

    /// The URL with another address and another part.
    fn written(&self, address: &str, part: &str) -> String {
        let Url { scheme, user, query, .. } = self;
        let password = self.password.as_ref().map_or(String::new(), |word| format!(":{word}"));
        let login = match (user.is_empty(), password.is_empty()) {
            (true, true) => String::new(),
            _ => format!("{user}{password}@"),
        };
        format!("{scheme}://{login}{address}/{part}{query}")
    }

    /// The host with the port, where there is one.
    fn address(&self) -> String {
        self.port.map_or(self.host.clone(), |port| format!("{}:{port}", self.host))
    }

    /// Whether an environment file can hold it.
    pub(super) fn fits(&self, name: &str) -> bool {
        check_value(name, &self.text).is_ok()
    }

    /// The port, which may be the usual one of its kind.
    pub(super) fn port(&self) -> Option<u16> {
        self.port.or(self.kind.port())
    }

    /// What follows says how to connect, and holds no secret.
    pub(super) fn is_plain_query(&self) -> bool {
        let plain = ["charset", "encoding", "options", "schema", "serverversion", "sslmode"];
        let is_plain = |query: &str| {
            let (name, value) = query.split_once('=').unwrap_or((query, ""));
            let is_number = value.len() < 6 && value.chars().all(|c| c.is_ascii_digit());
            let secret = ["pass", "pwd", "pin", "secret", "token", "key"];
            (is_number && !secret.iter().any(|word| name.to_lowercase().contains(word)))
                || ["true", "false"].contains(&value)
                || plain.contains(&name.to_lowercase().as_str())
        };
        let all = self.query.strip_prefix('?');
        self.query.is_empty() || all.is_some_and(|all| all.split('&').all(is_plain))
    }

    /// The password protects nothing: it may stand in a file that is committed.
    pub(super) fn is_open(&self) -> bool {
        let open = ["", "postgres", "password", "redis"];
        let word = self.password.as_deref().unwrap_or_default();
        open.contains(&word) || word == self.user || word == self.part
    }
}

/// Whether a host is this machine.
pub(super) fn is_local(host: &str) -> bool {
    ["localhost", "127.0.0.1", "0.0.0.0", "::1", "[::1]"].contains(&host)
}

/// The host of a service in a template. To clients of MySQL, `localhost` is a socket.
pub(super) fn host(kind: Kind, key: &str) -> String {
    if kind == Kind::Mysql { "127.0.0.1".to_owned() } else { format!("{{{key}.host}}") }
}
