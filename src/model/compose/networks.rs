//! Networks and volumes: kept apart by the project's name, and the names that containers have on them.

use super::load::services;
use super::merge::by_name;
use super::syntax::{interpolated, scalar};
use serde_yaml::{Mapping, Value};

/// What of a network is one of its kind on the machine.
const UNIQUE: [&str; 3] = ["ipv4_address", "ipv6_address", "mac_address"];

/// Takes the fixed names and addresses from networks and volumes: compose then names them for the project.
pub(super) fn separate(file: &mut Mapping) {
    for section in ["networks", "volumes"] {
        let entries = file.get_mut(section).and_then(Value::as_mapping_mut).into_iter().flatten();
        let own = entries.map(|(_, entry)| entry).filter(|entry| !is_external(entry));
        for entry in own.filter_map(Value::as_mapping_mut) {
            entry.shift_remove("name");
            entry.shift_remove("ipam");
        }
    }
}

/// Whether the file uses what it does not make.
pub(super) fn is_external(entry: &Value) -> bool {
    entry.get("external").is_some_and(|external| *external != Value::Bool(false))
}

/// Whether the file's containers are on a network of this name that it did not make.
pub(super) fn joins(file: &Mapping, network: Option<&str>) -> bool {
    let networks = file.get("networks").and_then(Value::as_mapping).into_iter().flatten();
    networks.into_iter().filter(|(_, entry)| is_external(entry)).any(|(key, entry)| {
        let outer = entry.get("external").and_then(|external| external.get("name"));
        let named = outer.or_else(|| entry.get("name")).unwrap_or(key);
        Some(interpolated(&scalar(named)).0.as_str()) == network
    })
}

/// The networks of the project's own that its services are on.
pub(super) fn own(file: &Mapping) -> Vec<String> {
    let external = |name: &str| {
        let entry = file.get("networks").and_then(|networks| networks.get(name));
        entry.is_some_and(is_external)
    };
    let mut found = Vec::new();
    for (_, service) in services(file) {
        for name in of(service) {
            if !external(&name) && !found.contains(&name) {
                found.push(name);
            }
        }
    }
    found
}

/// Writes the lease's id on each network and volume that compose makes of the file.
pub(super) fn mark(file: &mut Mapping, id: &str) {
    if services(file).any(|(_, service)| of(service).iter().any(|name| name == "default")) {
        let networks = file.entry("networks".into()).or_insert_with(|| Mapping::new().into());
        if let Some(networks) = networks.as_mapping_mut() {
            networks.entry("default".into()).or_insert(Value::Null);
        }
    }
    for section in ["networks", "volumes"] {
        let entries = file.get_mut(section).and_then(Value::as_mapping_mut).into_iter();
        for entry in entries.flat_map(Mapping::values_mut).filter(|entry| !is_external(entry)) {
            let mut own = match std::mem::take(entry) {
                Value::Mapping(own) => own,
                _ => Mapping::new(),
            };
            let labels = own.shift_remove("labels").map(by_name);
            let mut labels = match labels {
                Some(Value::Mapping(labels)) => labels,
                _ => Mapping::new(),
            };
            labels.insert(super::LEASE.into(), id.into());
            own.insert("labels".into(), labels.into());
            *entry = own.into();
        }
    }
}

/// The networks that a service is on.
fn of(service: &Mapping) -> Vec<String> {
    match service.get("networks").cloned().map(by_name) {
        _ if service.contains_key("network_mode") => Vec::new(),
        Some(Value::Mapping(map)) => map.keys().map(scalar).collect(),
        _ => vec!["default".to_owned()],
    }
}

/// The names under which others of the file reach a service: the first is its own.
pub(super) fn names(file: &Mapping, name: &str, service: &Mapping) -> Vec<String> {
    let text = |key: &str| service.get(key).and_then(Value::as_str).map(str::to_owned);
    let networks = service.get("networks").and_then(Value::as_mapping).into_iter().flatten();
    let aliases = networks.filter_map(|(_, entry)| entry.get("aliases")?.as_sequence());
    let aliases = aliases.flatten().map(scalar);
    let links = services(file).flat_map(|(_, other)| links(other));
    let links = links.filter(|(target, _)| target == name).map(|(_, alias)| alias);
    let fixed = [Some(name.to_owned()), text("container_name"), text("hostname")];
    let all = fixed.into_iter().flatten().chain(aliases).chain(links);
    all.filter(|name| !name.contains('$')).collect()
}

/// `links`: the service, and what it is called.
fn links(service: &Mapping) -> impl Iterator<Item = (String, String)> + '_ {
    let list = service.get("links").and_then(Value::as_sequence).into_iter().flatten();
    list.map(|link| {
        let link = scalar(link);
        match link.split_once(':') {
            Some((target, alias)) => (target.to_owned(), alias.to_owned()),
            None => (link.clone(), link),
        }
    })
}

/// Takes from a service what only one container of the machine can have. Others of the file still reach it by its name.
pub(super) fn unfix(service: &mut Mapping) {
    let name = service.shift_remove("container_name");
    service.shift_remove("mac_address");
    for entry in super::merge::entries(service, "networks") {
        UNIQUE.iter().for_each(|key| drop(entry.shift_remove(key)));
    }
    let Some(name) = name.filter(|_| !service.contains_key("network_mode")) else { return };
    let networks = service.shift_remove("networks").map(by_name);
    let mut networks = match networks {
        Some(Value::Mapping(networks)) => networks,
        _ => Mapping::from_iter([("default".into(), Value::Null)]),
    };
    for entry in networks.values_mut() {
        if !entry.is_mapping() {
            *entry = Mapping::new().into();
        }
        let aliases = entry.as_mapping_mut().map(|entry| {
            entry.entry("aliases".into()).or_insert_with(|| Value::Sequence(Vec::new()))
        });
        if let Some(Value::Sequence(aliases)) = aliases {
            aliases.push(name.clone());
        }
    }
    service.insert("networks".into(), networks.into());
}
