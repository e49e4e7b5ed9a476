//! One service of the application, made over for an environment.

use super::environment::Pointing;
use super::kind::shared;
use super::load::services;
use super::ports::Slot;
use super::{Environment, networks, ports};
use serde_yaml::{Mapping, Value};

/// What all services are made over with.
pub(super) struct Over<'a> {
    pub(super) environment: &'a Environment<'a>,
    pub(super) pointing: Pointing<'a>,
    /// The images that the file builds, with what they are called instead.
    pub(super) built: Vec<(String, String)>,
    /// Whether a service is still there.
    pub(super) stays: &'a dyn Fn(&str) -> bool,
}

/// The images that services build under a name of the project's choice: two environments would build the same.
pub(super) fn built(file: &Mapping, project: &str) -> Vec<(String, String)> {
    let all = services(file).filter(|(_, service)| service.contains_key("build"));
    let named = all.filter_map(|(name, service)| {
        let image = service.get("image")?.as_str()?.to_owned();
        Some((image, format!("{project}-{}", name.to_lowercase())))
    });
    named.collect()
}

impl Over<'_> {
    pub(super) fn apply(&self, name: &str, service: &mut Mapping, notes: &mut Vec<String>) {
        let is_server = shared(service).is_some();
        if !is_server && self.pointing.is_wanted(service, &self.built) {
            self.pointing.apply(service);
        }
        self.ports(name, service, notes);
        self.drop_missing(service);
        networks::unfix(service);
        let image = service.get("image").and_then(Value::as_str);
        let own = self.built.iter().find(|(built, _)| image == Some(built));
        if let Some((_, own)) = own {
            service.insert("image".into(), own.as_str().into());
        }
    }

    fn ports(&self, name: &str, service: &mut Mapping, notes: &mut Vec<String>) {
        if service.get("network_mode").and_then(Value::as_str) == Some("host") {
            service.shift_remove("ports");
            notes.push(format!(
                "service `{name}` uses this machine's network: its ports are the same in every environment"
            ));
            return;
        }
        let Some(Value::Sequence(list)) = service.get("ports") else { return };
        let slots = self.slots();
        let moved: Vec<_> = list.iter().map(|entry| ports::moved(entry, &slots)).collect();
        let hidden: Vec<&str> = moved.iter().filter_map(|one| one.hidden.as_deref()).collect();
        if !hidden.is_empty() {
            notes.push(format!(
                "service `{name}` does not publish {}: no variable of `ports:` has it",
                hidden.join(", ")
            ));
        }
        let left: Vec<Value> = moved.into_iter().flat_map(|one| one.ports).collect();
        if left.is_empty() {
            service.shift_remove("ports");
        } else {
            service.insert("ports".into(), left.into());
        }
    }

    fn slots(&self) -> Vec<Slot> {
        let Environment { config, values, .. } = self.environment;
        let slot = |(variable, own): (&String, &u16)| {
            let main = config.ports.get(variable)?.main;
            Some(Slot { variable: variable.clone(), main, own: *own })
        };
        values.ports.iter().filter_map(slot).collect()
    }

    /// Takes what leads to services that are not there any more.
    fn drop_missing(&self, service: &mut Mapping) {
        for key in ["depends_on", "links", "volumes_from"] {
            let stays = |entry: &Value| {
                let entry = entry.as_str().unwrap_or_default();
                (self.stays)(entry.split(':').next().unwrap_or(entry))
                    || (key == "volumes_from" && entry.starts_with("container:"))
            };
            let left = match service.get_mut(key) {
                Some(Value::Sequence(list)) => {
                    list.retain(stays);
                    list.len()
                }
                Some(Value::Mapping(map)) => {
                    map.retain(|name, _| stays(name));
                    map.len()
                }
                _ => continue,
            };
            if left == 0 {
                service.shift_remove(key);
            }
        }
        let mode = service.get("network_mode").and_then(Value::as_str);
        let other = mode.and_then(|mode| mode.strip_prefix("service:"));
        if other.is_some_and(|other| !(self.stays)(other)) {
            service.shift_remove("network_mode");
        }
    }
}
