//! Variables and code that lead an environment's application to the main checkout's database or index.

use super::Service;
use super::appended;
use super::beside;
use super::compose;
use super::frameworks;
use super::literals::{self, Literal};
use super::others;
use super::plain;
use super::proxies;
use super::roles::{self, Role};
use super::seen::Seen;
use super::tasks;
use super::url::Url;
use super::vars::{self, Var};
use crate::model::config::{Config, Kind};
use crate::model::envfile;
use std::fmt;

/// What the application reads, that no environment sets, and that names a database or an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    /// What leads where.
    fault: String,
    /// What the user can do.
    way_out: String,
    /// The beginning of a note that says the same.
    said: String,
}

impl Lead {
    /// What the user can do.
    pub fn way_out(&self) -> &str {
        &self.way_out
    }

    /// As a note.
    pub fn told(&self) -> String {
        format!("{self}: {}", self.way_out)
    }

    /// Whether a note says the same.
    pub fn is_in(&self, notes: &[String]) -> bool {
        notes.iter().any(|note| note.starts_with(&self.said))
    }
}

impl fmt::Display for Lead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fault)
    }
}

impl Lead {
    /// What leads where, and what the user can do.
    pub(super) fn of(fault: String, way_out: String) -> Lead {
        Lead { said: fault.clone(), fault, way_out }
    }

    /// A part of which no variable that the application reads says anything.
    pub(super) fn lost(service: &Service) -> Lead {
        let Service { key, variable, main, kind, .. } = service;
        let (own, part) = match kind {
            Kind::Redis => ("redis index", format!("redis index {main}")),
            _ => ("database", format!("database `{main}`")),
        };
        let mut lead = Lead::of(
            format!(
                "{key}: no file names a variable that leads to the environment's own {own}, so the application uses the \
                 main checkout's {part}"
            ),
            format!(
                "make the application read a variable, and set it under `env:` with {{{variable}}} in it"
            ),
        );
        lead.said = format!("{key}: no file names");
        lead
    }
}

/// Code that reads no variable.
pub(super) fn of_literal(literal: &Literal) -> Lead {
    let fault = literal.fault();
    Lead { said: fault.clone(), fault, way_out: literal.way_out() }
}

/// The kind of a configuration's databases.
fn sql(config: &Config) -> Kind {
    let has = |kind: Kind| config.services.values().any(|service| service.kind == kind);
    if has(Kind::Mysql) && !has(Kind::Postgres) { Kind::Mysql } else { Kind::Postgres }
}

/// The variables of a project that lead its environments to the main checkout's parts.
pub fn to_main(seen: &Seen, config: &Config) -> Vec<Lead> {
    let stacks = compose::stacks(seen);
    let mut vars = vars::of(seen, &stacks, &[]);
    beside::leave_out(&mut vars, seen);
    let mut appended = appended::of(seen, &vars);
    vars.retain(|var| !is_set(config, &var.name));
    let has = |kind: Kind| config.services.values().any(|service| service.kind == kind);
    appended.retain(|_| has(Kind::Redis));
    let is_appended = |var: &&Var| appended.iter().any(|one| one.name == var.name);
    let of_vars =
        vars.iter().filter(|var| !is_appended(var)).filter_map(|var| lead(seen, config, var));
    let literals = literals::of(seen);
    let literals = literals.iter().filter(|literal| has(literal.kind)).map(of_literal);
    let (mut places, _) = plain::used(seen, &frameworks::of(seen), Some(sql(config)));
    places.retain(|place| place.kind.is_none_or(has));
    of_vars
        .chain(literals)
        .chain(plain::leads(&places))
        .chain(appended::leads(&appended))
        .chain(others::leads(seen, &stacks, &vars, config))
        .chain(proxies::leads(seen, &|name| is_set(config, name)))
        .chain(tasks::leads(seen, config, &|name| is_set(config, name)))
        .collect()
}

/// An environment gives the variable a value.
fn is_set(config: &Config, name: &str) -> bool {
    config.ports.contains_key(name)
        || config.env.contains_key(name)
        || config.services.values().any(|service| service.variable == name)
        || name == "COMPOSE_PROJECT_NAME"
}

/// The variables of an ignored file that lead to what the main checkout uses on a server, of whatever kind.
pub(super) fn in_file(seen: &Seen, file: &str) -> Vec<String> {
    let own = envfile::parse(seen.text(file).as_bytes());
    let leads = |name: &str, value: &str| {
        !value.is_empty() && (is_server(value) || (is_part(name) && !is_own_file(value)))
    };
    own.into_iter().filter(|(name, value)| leads(name, value)).map(|(name, _)| name).collect()
}

/// A file of SQLite in each worktree.
fn is_own_file(value: &str) -> bool {
    let ends = [".db", ".sqlite", ".sqlite3"];
    !value.starts_with(['/', '~']) && ends.iter().any(|end| value.ends_with(end))
}

/// The value is the URL of a server, or of an SQLite file at a fixed path. Web and mail servers have no parts.
pub(super) fn is_server(value: &str) -> bool {
    let Some((scheme, rest)) = value.split_once("://") else { return false };
    match scheme.split('+').next().unwrap_or_default() {
        "http" | "https" | "ws" | "wss" | "smtp" | "smtps" | "file" => false,
        "sqlite" | "sqlite3" => rest.starts_with("//"),
        _ => true,
    }
}

/// The variable names a database or an index.
fn is_part(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    matches!(roles::of(&name, Kind::Postgres), Some((_, Role::Part)))
        || (name.contains("MONGO")
            && ["DATABASE", "DB", "DB_NAME"].iter().any(|end| name.ends_with(end)))
}

fn lead(seen: &Seen, config: &Config, var: &Var) -> Option<Lead> {
    let url = Url::parse(&var.value);
    let (kind, part) = match &url {
        // A name with a dot is a server elsewhere, and no environment's.
        Some(url) if !url.is_local() && url.host.contains('.') => return None,
        Some(url) if url.kind == Kind::Redis && url.part.is_empty() => (url.kind, "0"),
        Some(url) => (url.kind, url.part.as_str()),
        None => match roles::of(&var.name, sql(config))? {
            (kind, Role::Part) if !var.is_file() => (kind, var.value.as_str()),
            _ => return None,
        },
    };
    let mut of_kind = config.services.iter().filter(|(_, service)| service.kind == kind).peekable();
    // Without a service of this kind the project may not use it at all while it is developed.
    of_kind.peek()?;
    if part.is_empty() || part.contains(['$', '{', '%']) {
        return None;
    }
    let covering = of_kind.find(|(_, service)| service.main == part);
    let is_open = |url: &Url| url.is_open() && url.is_plain_query();
    let template = covering.map(|(key, service)| match &url {
        None => format!("{{{}}}", service.variable),
        Some(url) if !url.fits(&var.name) => String::new(),
        Some(url) if (is_open(url) || var.is_public(seen)) && !var.value.contains('$') => {
            url.template(key, &service.variable, service.port)
        }
        Some(url) => {
            let open = Url { password: None, query: String::new(), ..url.clone() };
            open.template(key, &service.variable, service.port)
        }
    });
    let part = match kind {
        Kind::Redis => format!("redis index {part}"),
        _ => format!("database `{part}`"),
    };
    let Var { name, file, .. } = var;
    let whose = if covering.is_some() { "the main checkout's " } else { "" };
    Some(Lead {
        fault: format!("{name} of {file} leads every environment to {whose}{part}"),
        way_out: match template {
            Some(template) if template.is_empty() => {
                "make the application read a variable that an environment file can hold".to_owned()
            }
            Some(template) => {
                format!("set it under `env:` in .agentenv.yaml: {name}: \"{template}\"")
            }
            None => "add a service for it to .agentenv.yaml".to_owned(),
        },
        said: format!("{name} "),
    })
}
