//! URLs of databases.

use crate::model::config::Kind;

/// A URL of a Postgres or Redis server.
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
    /// Something follows that an environment file cannot hold.
    pub(super) query: bool,
}

impl Url {
    /// The URL, when it is one of these.
    pub(super) fn parse(text: &str) -> Option<Url> {
        let (scheme, rest) = text.split_once("://")?;
        let kind = match scheme.split('+').next()? {
            "postgres" | "postgresql" | "postgis" | "psql" => Kind::Postgres,
            "redis" => Kind::Redis,
            _ => return None,
        };
        let (rest, query) =
            rest.split_once(['?', '#']).map_or((rest, false), |(rest, _)| (rest, true));
        let (authority, part) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, address) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) =
            login.split_once(':').map_or((login, None), |(user, word)| (user, Some(word)));
        let (host, port) = address
            .split_once(':')
            .map_or((address, None), |(host, port)| (host, port.parse().ok()));
        Some(Url {
            kind,
            scheme: scheme.to_owned(),
            user: user.to_owned(),
            password: password.map(str::to_owned),
            host: host.to_owned(),
            port,
            part: part.to_owned(),
            query,
        })
    }

    /// The server is on this machine.
    pub(super) fn is_local(&self) -> bool {
        ["", "localhost", "127.0.0.1", "0.0.0.0", "::1", "[::1]"].contains(&self.host.as_str())
    }

    /// The same with the user of the service `key`: the shared server has no other role.
    pub(super) fn of_shared(&self, key: &str) -> Url {
        let user =
            if self.kind == Kind::Postgres { format!("{{{key}.user}}") } else { String::new() };
        Url { user, password: None, ..self.clone() }
    }

    /// The same with the environment's own part of the service `key` in it. A host that only containers know becomes
    /// the service's own.
    pub(super) fn template(&self, key: &str, variable: &str) -> String {
        let password = self.password.as_ref().map_or(String::new(), |word| format!(":{word}"));
        let login = match (self.user.is_empty(), password.is_empty()) {
            (true, true) => String::new(),
            _ => format!("{}{password}@", self.user),
        };
        let address = match (self.is_local() && !self.host.is_empty(), self.port) {
            (true, Some(port)) => format!("{}:{port}", self.host),
            (true, None) => self.host.clone(),
            (false, _) => format!("{{{key}.host}}:{{{key}.port}}"),
        };
        format!("{}://{login}{address}/{{{variable}}}", self.scheme)
    }

    /// The password protects nothing: it may stand in a file that is committed.
    pub(super) fn is_open(&self) -> bool {
        let open = ["", "postgres", "password", "redis"];
        let word = self.password.as_deref().unwrap_or_default();
        open.contains(&word) || word == self.user || word == self.part
    }
}
