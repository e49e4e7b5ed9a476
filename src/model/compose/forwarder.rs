//! The services that lead to the shared servers.

use super::{Linked, networks};
use crate::model::config::Kind;
use serde_yaml::{Mapping, Value};

/// What a forwarder runs.
const SCRIPT: &str = include_str!("forward.sh");

/// The host of this machine, as containers call it.
const MACHINE: &str = "host.docker.internal";

/// Adds a service for each server that the stack does not reach by itself. It runs the server's own image, which is
/// on this machine already.
pub(super) fn add(file: &mut Mapping, linked: &[Linked<'_>]) {
    let own = networks::own(file);
    for one in linked.iter().filter(|one| !one.direct) {
        let name = format!("agentenv-{}", one.server.services[0]);
        let service = service(one, &name, &own);
        insert(file, "services", &name, service);
        if let Some(network) = &one.server.network {
            let external =
                [("external".into(), true.into()), ("name".into(), network.as_str().into())];
            insert(file, "networks", &name, Mapping::from_iter(external));
        }
    }
}

fn insert(file: &mut Mapping, section: &str, name: &str, value: Mapping) {
    let all = file.entry(section.into()).or_insert(Value::Null);
    if !all.is_mapping() {
        *all = Mapping::new().into();
    }
    if let Some(all) = all.as_mapping_mut() {
        all.insert(name.into(), value.into());
    }
}

fn service(one: &Linked<'_>, name: &str, own: &[String]) -> Mapping {
    let (server, port) = (one.server, one.server.kind.port().unwrap_or(one.server.port));
    let text = |text: &str| Value::String(text.to_owned());
    let list = |items: &[&str]| Value::Sequence(items.iter().map(|item| text(item)).collect());
    let aliases: Vec<&str> = one.names.iter().map(String::as_str).collect();
    let mut on = Mapping::new();
    for network in own {
        on.insert(text(network), Mapping::from_iter([("aliases".into(), list(&aliases))]).into());
    }
    let mut service = Mapping::new();
    let mut set = |key: &str, value: Value| drop(service.insert(key.into(), value));
    set("image", text(server.image.as_deref().unwrap_or(image(server.kind))));
    // Compose reads `$` as the beginning of a variable.
    let script = SCRIPT.replace('$', "$$");
    set("entrypoint", list(&["sh", "-c", &script, "forward"]));
    let host = if server.network.is_some() { &server.host } else { MACHINE };
    set("command", list(&[&port.to_string(), host, &server.port.to_string()]));
    match server.network {
        Some(_) => drop(on.insert(text(name), Value::Null)),
        None => set("extra_hosts", list(&[&format!("{MACHINE}:host-gateway")])),
    }
    set("networks", on.into());
    // Where the image keeps its data: nothing of it is wanted, and no volume of it is left.
    set("tmpfs", list(&[data(server.kind)]));
    set("init", true.into());
    set("restart", text("unless-stopped"));
    service
}

fn image(kind: Kind) -> &'static str {
    if kind == Kind::Redis { "redis:7" } else { "postgres:16" }
}

fn data(kind: Kind) -> &'static str {
    match kind {
        Kind::Redis => "/data",
        Kind::Mysql => "/var/lib/mysql",
        Kind::Postgres | Kind::Sqlite | Kind::Custom => "/var/lib/postgresql/data",
    }
}
