//! Variables that hold the URL of a database.

use crate::commands::init::detect::{Project, Var};
use crate::model::config::Kind;
use crate::model::envfile::check_value;

/// A URL of a Postgres or Redis server.
pub(super) struct Url {
    pub(super) kind: Kind,
    scheme: String,
    pub(super) user: String,
    password: Option<String>,
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) database: String,
    query: bool,
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
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
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
            database: database.to_owned(),
            query,
        })
    }

    /// The same with the environment's own part in it.
    fn template(&self, variable: &str) -> String {
        let password = self.password.as_ref().map_or(String::new(), |word| format!(":{word}"));
        let login = if self.user.is_empty() && password.is_empty() {
            String::new()
        } else {
            format!("{}{password}@", self.user)
        };
        let port = self.port.map_or(String::new(), |port| format!(":{port}"));
        format!("{}://{login}{}{port}/{{{variable}}}", self.scheme, self.host)
    }

    /// A word that protects nothing may stand in a file that is committed.
    fn is_open(&self) -> bool {
        let Some(word) = &self.password else {
            return true;
        };
        let open = ["", "postgres", "password", "redis"];
        open.contains(&word.as_str()) || *word == self.user || *word == self.database
    }
}

/// Adds the variables that hold such a URL; those of servers that were found get one if there is none.
pub(super) fn variables(project: &mut Project, vars: &[Var]) {
    for Var { name, value, file } in vars {
        let Some(url) = Url::parse(value) else { continue };
        let Some(service) = project.services.iter().find(|service| service.kind == url.kind) else {
            continue;
        };
        let template = url.template(&service.variable);
        if !url.is_open() {
            project.notes.push(format!(
                "{name} of {file} holds a password: it is not copied into a file that is committed; without it, it would be `{}`",
                Url { password: None, ..url }.template(&service.variable)
            ));
        } else if url.query || check_value(name, value).is_err() {
            project.notes.push(format!(
                "{name} of {file} holds what an environment file cannot: set it by hand"
            ));
        } else {
            project.env.push((name.clone(), template));
        }
    }
    for (kind, name, scheme) in
        [(Kind::Postgres, "DATABASE_URL", "postgres"), (Kind::Redis, "REDIS_URL", "redis")]
    {
        let Some(service) = project.services.iter().find(|service| service.kind == kind) else {
            continue;
        };
        let known = vars.iter().any(|var| var.name == name)
            || project
                .env
                .iter()
                .any(|(_, template)| template.ends_with(&format!("/{{{}}}", service.variable)));
        if known {
            continue;
        }
        let login = if kind == Kind::Postgres { "{postgres.user}@" } else { "" };
        let server = if kind == Kind::Postgres { "postgres" } else { "redis" };
        let template = format!(
            "{scheme}://{login}{{{server}.host}}:{{{server}.port}}/{{{}}}",
            service.variable
        );
        project.env.push((name.to_owned(), template));
    }
}
