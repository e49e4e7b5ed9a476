//! Servers of other kinds than environments can have a part of: a broker, a search index, a store of files.

use super::compose::{self, Stack};
use super::leads::Lead;
use super::plain;
use super::seen::Seen;
use super::tasks;
use super::units;
use super::url::{Url, is_local};
use super::vars::Var;
use super::{Evidence, Project, Service, carried};
use crate::model::config::{Config, Kind, Place};
use std::fmt;

/// Schemes of such servers, wherever they stand. Another one may be that of an application.
pub(super) const SCHEMES: [&str; 16] = [
    "amqp",
    "amqps",
    "bolt",
    "cassandra",
    "clickhouse",
    "elasticsearch",
    "kafka",
    "memcached",
    "mongodb",
    "mqtt",
    "mqtts",
    "nats",
    "neo4j",
    "opensearch",
    "pulsar",
    "stomp",
];

/// Where such a server is: no login, and nothing that stands behind the port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// Empty where only host and port are given.
    scheme: String,
    pub(super) host: String,
    port: Option<u16>,
}

impl Address {
    /// The first address of a value, if it is none of a server that environments share, of mail or of a file.
    pub(super) fn parse(text: &str) -> Option<Address> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        let others = ["smtp", "smtps", "file", "sqlite", "sqlite3"];
        let scheme = scheme.split('+').next().unwrap_or_default();
        let is_word = scheme.chars().all(|c| c.is_ascii_alphanumeric());
        if !is_word || others.contains(&scheme) || Url::parse(text).is_some() {
            return None;
        }
        let end = rest.find(['/', ',', ' ', '?', '#']).unwrap_or(rest.len());
        let (_, address) = rest[..end].rsplit_once('@').unwrap_or(("", &rest[..end]));
        let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
        let port = port.parse().ok();
        let is_host = !host.is_empty()
            && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-_[]:".contains(c))
            && (!scheme.is_empty() || port.is_some());
        is_host.then(|| Address { scheme: scheme.to_owned(), host: host.to_owned(), port })
    }

    /// By its scheme alone.
    pub(super) fn is_server(&self) -> bool {
        SCHEMES.contains(&self.scheme.as_str())
    }

    fn is_web(&self) -> bool {
        ["http", "https", "ws", "wss"].contains(&self.scheme.as_str())
    }

    /// A service of a compose file answers there, on this machine or on its network.
    fn is_of(&self, service: &compose::Service) -> bool {
        match is_local(&self.host) {
            true => self.port.is_some_and(|port| service.publishes(port)),
            false => service.is_called(&self.host),
        }
    }

    /// All environments reach one server there. What is elsewhere is no developer's own, and a port without a scheme may be
    /// the one that the application listens on.
    fn is_shared(&self, var: &Var) -> bool {
        let is_here = is_local(&self.host) && self.port.is_some();
        match self.is_web() {
            true => is_here && (is_other(&var.name) || (!var.is_default && !is_own(&var.name))),
            false => self.is_server() && (is_local(&self.host) || !self.host.contains('.')),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Leads for the servers that stay outside of the environments' own stacks. `vars` are those that no environment sets.
pub(super) fn leads(seen: &Seen, stacks: &[Stack], vars: &[Var], config: &Config) -> Vec<Lead> {
    let own = config.compose.as_ref().map(|compose| compose.file.as_str());
    let (inside, outside): (Vec<&Stack>, Vec<&Stack>) =
        stacks.iter().partition(|stack| own == Some(stack.file.as_str()));
    let is_inside = |address: &Address| {
        inside.iter().any(|stack| stack.services.iter().any(|one| one.is_called(&address.host)))
    };
    let is_own = |address: &Address| {
        is_local(&address.host) && config.ports.values().any(|port| Some(port.main) == address.port)
    };
    let mut servers: Vec<(&Stack, &compose::Service, Vec<&str>)> = outside
        .iter()
        .flat_map(|stack| stack.services.iter().map(move |service| (*stack, service, Vec::new())))
        .filter(|(stack, service, _)| {
            service.is_other() && !is_custom(config, &stack.place(service))
        })
        .collect();
    let mut addresses: Vec<(Address, Vec<String>)> = Vec::new();
    for var in vars {
        let Some(address) = Address::parse(&var.value) else { continue };
        if let Some((.., names)) = servers.iter_mut().find(|(_, one, _)| address.is_of(one)) {
            names.push(&var.name);
        } else if address.is_shared(var) && !is_own(&address) && !is_inside(&address) {
            let name = format!("{} of {}", var.name, var.file);
            match addresses.iter_mut().find(|(known, _)| *known == address) {
                Some((_, names)) => names.push(name),
                None => addresses.push((address, vec![name])),
            }
        }
    }
    let servers = servers
        .into_iter()
        .filter(|(stack, one, names)| one.keeps(&stack.services) || !names.is_empty())
        .filter(|(_, one, _)| !one.is_of(&seen.repo));
    let servers = servers.map(|(stack, service, names)| {
        let names =
            if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
        lead(format!("{}{names}: all environments use the same one", stack.why(service)))
    });
    let addresses = addresses.into_iter().map(|(address, names)| {
        lead(format!("{}: all environments use the same server at {address}", names.join(", ")))
    });
    servers.chain(addresses).collect()
}

/// Words in the names of the application's own addresses, and of lists that hold some.
const OWN: [&str; 8] = ["APP", "BASE", "CORS", "CSP", "HOMEPAGE", "ORIGIN", "ORIGINS", "SITE"];

/// First words in the names of the application's pages elsewhere, which keep no data of its own. Behind another word they may
/// be those of a server that does.
const PAGES: [&str; 6] = ["CLIENT", "DASHBOARD", "FRONTEND", "UI", "WEB", "WEBSITE"];

fn is_own(name: &str) -> bool {
    let first = name.split('_').next().unwrap_or_default();
    PAGES.contains(&first) || name.split('_').any(|word| OWN.contains(&word))
}

/// Words in the names of servers that speak HTTP: their addresses are no application's.
const OTHERS: [&str; 7] =
    ["ELASTIC", "ELASTICSEARCH", "MEILI", "MEILISEARCH", "OPENSEARCH", "S3", "TYPESENSE"];

fn is_other(name: &str) -> bool {
    name.split('_').any(|word| OTHERS.contains(&word))
}

fn lead(fault: String) -> Lead {
    let way_out =
        "add a service of `kind: custom` for it, or run it in each environment's own stack";
    Lead::of(fault, way_out.to_owned())
}

/// A service of the configuration has its parts there.
fn is_custom(config: &Config, place: &Place) -> bool {
    config.services.values().any(|service| service.place == *place)
}

/// The broker of the application's tasks that environments cannot have a part of.
pub(super) fn broker(evidence: &Evidence<'_>) -> Option<String> {
    let of_var = |var: &Var| {
        let address = Address::parse(&var.value).filter(Address::is_server)?;
        var.name.contains("BROKER").then(|| address.to_string())
    };
    let is_broker = |place: &&plain::Place| place.kind.is_none() && place.part.starts_with("amqp");
    let in_code = || evidence.places.iter().find(is_broker).map(|place| place.part.clone());
    evidence.vars.iter().find_map(of_var).or_else(in_code)
}

/// What holds the main checkout's tasks, where no variable leads the application to a broker of the environment's own.
fn main_broker(project: &Project, evidence: &Evidence<'_>) -> Option<String> {
    let is_set = |var: &Var| var.is_named && project.env.iter().any(|(own, _)| *own == var.name);
    if evidence.vars.iter().any(|var| var.name.contains("BROKER") && is_set(var)) {
        return None;
    }
    let redis = || {
        let mut services = project.services.iter().filter(|service| service.kind == Kind::Redis);
        let is_lost = |one: &Service| !carried::is_carried(project, evidence, one);
        (evidence.is_literal(Kind::Redis) || services.any(is_lost)).then(|| "Redis".to_owned())
    };
    broker(evidence).or_else(redis)
}

/// Leaves out processes that may take the main checkout's tasks.
pub(super) fn hold_workers(project: &mut Project, evidence: &Evidence<'_>) {
    let Some(broker) = main_broker(project, evidence) else { return };
    let is_worker = |(name, command): &(String, String)| {
        name.contains("worker")
            || command.split([' ', '/']).any(|word| word == "celery")
            || tasks::may_work(command)
            || units::goes_on(command)
    };
    let (held, kept): (Vec<_>, Vec<_>) = project.processes.drain(..).partition(is_worker);
    project.processes = kept;
    project.notes.extend(held.into_iter().map(|(name, command)| {
        format!("{name} is not among `processes:`, for it may take the main checkout's tasks ({broker}): `{command}`")
    }));
}
