//! Chooses an environment's slots: free ports and Redis indexes.

use super::Facts;
use crate::error;
use crate::model::config::{Config, Service};
use crate::model::slot::{Holder, first_free};
use anyhow::Result;
use indexmap::IndexMap;
use std::fmt::Display;

/// A port for each variable. Followers keep their distance and must be free too.
pub fn ports(config: &Config, facts: &Facts<'_>) -> Result<IndexMap<String, u16>> {
    let mut chosen: IndexMap<String, u16> = IndexMap::new();
    for (variable, port) in &config.ports {
        let Some((first, last)) = port.range else {
            continue;
        };
        let offset = first_free(first..=last, |candidate| {
            let group = group(config, variable, candidate);
            group.iter().find_map(|(_, port)| holder(*port, config, facts, &chosen))
        })
        .map_err(|held| exhausted("port", &format!("ports.{variable}.range"), &held))?;
        for (name, port) in group(config, variable, offset) {
            chosen.insert(name, port.unwrap_or_default());
        }
    }
    // In the order of the configuration, which is the order of the environment file.
    let ordered = config.ports.keys().filter_map(|name| Some((name.clone(), *chosen.get(name)?)));
    Ok(ordered.collect())
}

/// A Redis index.
pub fn index(
    name: &str,
    service: &Service,
    facts: &Facts<'_>,
    chosen: &mut Vec<u32>,
) -> Result<u32> {
    let (first, last) = service.range.unwrap_or((1, 15));
    let free = first_free(first..=last, |candidate| {
        if chosen.contains(&candidate) {
            return Some("another service of this environment".into());
        }
        if service.main == candidate.to_string() {
            return Some("the main checkout".into());
        }
        facts.taken.indexes.get(&candidate).cloned()
    })
    .map_err(|held| exhausted("Redis index", &format!("services.{name}.range"), &held))?;
    chosen.push(free);
    Ok(free)
}

/// The ports of a variable and its followers; `None` where a follower's port is out of range.
fn group(config: &Config, variable: &str, port: u16) -> Vec<(String, Option<u16>)> {
    let main = config.ports[variable].main;
    let followers = config
        .ports
        .iter()
        .filter(|(_, follower)| follower.follows.as_deref() == Some(variable))
        .map(|(name, follower)| (name.clone(), follower.following(port, main)));
    std::iter::once((variable.to_owned(), Some(port))).chain(followers).collect()
}

fn holder(
    port: Option<u16>,
    config: &Config,
    facts: &Facts<'_>,
    chosen: &IndexMap<String, u16>,
) -> Option<Holder> {
    let Some(port) = port else {
        return Some("free, but the port of a variable that follows it is out of range".into());
    };
    if let Some((name, _)) = chosen.iter().find(|(_, taken)| **taken == port) {
        return Some(format!("{name} of this environment"));
    }
    if config.ports.values().any(|other| other.main == port) {
        return Some("the main checkout".into());
    }
    if let Some(holder) = facts.taken.ports.get(&port) {
        return Some(holder.clone());
    }
    (!(facts.port_free)(port)).then(|| format!("a process listening on {port}"))
}

fn exhausted<T: Display>(what: &str, key: &str, held: &[(T, Holder)]) -> anyhow::Error {
    let holders = held.iter().map(|(slot, holder)| format!("\n  {slot}: {holder}"));
    let message = format!("no free {what} in {key}{}", holders.collect::<String>());
    let hint = format!(
        "remove an environment with `git agentenv remove <env>`, or widen `{key}` in .agentenv.yaml"
    );
    error::no_slot(message).hint(hint).into()
}
