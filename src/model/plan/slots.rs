//! Chooses an environment's slots: free ports and Redis indexes.

use super::Facts;
use crate::error;
use crate::model::config::{Config, Kind, Place, Service};
use crate::model::slot::{Holder, Slot, first_free};
use crate::model::{lease, overflow};
use anyhow::Result;
use indexmap::IndexMap;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;

/// A port for each variable. Followers keep their distance and must be free too.
pub fn ports(config: &Config, facts: &Facts<'_>) -> Result<IndexMap<String, u16>> {
    let mut chosen: IndexMap<String, u16> = IndexMap::new();
    for (variable, port) in &config.ports {
        let Some((first, last)) = port.range else {
            continue;
        };
        let is_last = |candidate: &u16| {
            let mut ports = group(config, variable, *candidate).into_iter();
            ports.any(|(_, port)| port.is_some_and(|port| is_a_mains(facts, Slot::Port(port))))
        };
        let offset = first_free(ordered(first..=last, is_last), |candidate| {
            let group = group(config, variable, candidate);
            group.iter().find_map(|(_, port)| holder(*port, config, facts, &chosen))
        })
        .map_err(|held| exhausted("port", &format!("ports.{variable}.range"), &held, ""))?;
        for (name, port) in group(config, variable, offset) {
            chosen.insert(name, port.unwrap_or_default());
        }
    }
    // In the order of the configuration, which is the order of the environment file.
    let ordered = config.ports.keys().filter_map(|name| Some((name.clone(), *chosen.get(name)?)));
    Ok(ordered.collect())
}

/// The candidates in the order in which they are tried.
fn ordered<T>(
    candidates: impl Iterator<Item = T> + Clone,
    is_last: impl Fn(&T) -> bool + Copy,
) -> impl Iterator<Item = T> {
    candidates.clone().filter(move |one| !is_last(one)).chain(candidates.filter(is_last))
}

/// Whether the main checkout of another repository uses a slot.
fn is_a_mains(facts: &Facts<'_>, slot: Slot) -> bool {
    facts.taken.mains.contains_key(&slot)
}

/// A Redis index, and its server where that is a second one, with the port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Its number.
    pub number: u32,
    /// The second server; `None`: it is on the service's own.
    pub second: Option<(Place, u16)>,
}

/// A Redis index for each service, the first free one of its range where that leaves the others one; where it has none, one
/// of a second server, and else one that another repository's main checkout uses. `ports` are the environment's own.
pub fn indexes(
    config: &Config,
    facts: &Facts<'_>,
    ports: &IndexMap<String, u16>,
) -> Result<IndexMap<String, Index>> {
    let mut chosen: IndexMap<String, u32> = IndexMap::new();
    let mut all: IndexMap<String, Index> = IndexMap::new();
    for (name, service) in config.services.iter().filter(|(_, one)| one.kind == Kind::Redis) {
        let mut try_in =
            |mains| place(config, facts, mains, &mut chosen, name, &mut BTreeSet::new());
        if try_in(Mains::Avoided) {
            continue;
        }
        match beyond(config, facts, ports, name, &all) {
            Some(index) => drop(all.insert(name.clone(), index)),
            None if try_in(Mains::Taken) => {}
            None => return Err(no_index(config, facts, name, service)),
        }
    }
    all.extend(chosen.into_iter().map(|(name, number)| (name, Index { number, second: None })));
    Ok(all)
}

/// An index of a second server, where the service's application would follow it there; `others` have such indexes already.
fn beyond(
    config: &Config,
    facts: &Facts<'_>,
    ports: &IndexMap<String, u16>,
    name: &str,
    others: &IndexMap<String, Index>,
) -> Option<Index> {
    let service = &config.services[name];
    let store = lease::store_of(&facts.id);
    let place = overflow::place(&service.place, store)?;
    let is_free = |index: &u32| {
        holder_of_index(config, facts, *index).is_none()
            && others.values().all(|other| other.number != *index)
    };
    let mut indexes = overflow::first_index(service)..overflow::DATABASES;
    let number = indexes.find(is_free).filter(|_| overflow::is_followed(config, name))?;
    let seconds = || others.values().filter_map(|other| other.second.as_ref());
    let known = seconds().find(|(other, _)| *other == place).map(|(_, port)| *port);
    let known = known.or_else(|| facts.taken.overflow.get(&place).copied());
    let is_free = |port: &u16| {
        holder(Some(*port), config, facts, ports).is_none()
            && seconds().all(|(_, other)| other != port)
    };
    let port = known.or_else(|| {
        ordered(overflow::ports(store), |port| is_a_mains(facts, Slot::Port(*port))).find(is_free)
    })?;
    Some(Index { number, second: Some((place, port)) })
}

fn no_index(config: &Config, facts: &Facts<'_>, name: &str, service: &Service) -> anyhow::Error {
    let held = range(service).map(|index| {
        let other = || "another service of this environment".into();
        (index, holder_of_index(config, facts, index).unwrap_or_else(other))
    });
    let key = format!("services.{name}.range");
    let more = match service.place {
        Place::Host => String::new(),
        _ => format!(
            "; with `{{{name}.port}}` in each address under `env:`, further environments get a second Redis"
        ),
    };
    let more = format!("; a Redis of `git agentenv infra up` has the indexes 0 to 63{more}");
    exhausted("Redis index", &key, &held.collect::<Vec<_>>(), &more)
}

/// What is done with indexes that main checkouts of other repositories use.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mains {
    Avoided,
    Taken,
}

/// Gives a service an index; one that another service has when that one can move (an augmenting path).
fn place(
    config: &Config,
    facts: &Facts<'_>,
    mains: Mains,
    chosen: &mut IndexMap<String, u32>,
    name: &str,
    tried: &mut BTreeSet<u32>,
) -> bool {
    let service = &config.services[name];
    let free = |index: &u32| {
        holder_of_index(config, facts, *index).is_none()
            && (mains == Mains::Taken || !is_a_mains(facts, Slot::Index(*index)))
    };
    let candidates: Vec<u32> = range(service).filter(free).collect();
    let unused = candidates.iter().find(|index| !chosen.values().any(|other| other == *index));
    if let Some(&index) = unused {
        chosen.insert(name.to_owned(), index);
        return true;
    }
    for index in candidates {
        let owner = chosen.iter().find(|(_, other)| **other == index).map(|(name, _)| name.clone());
        if tried.insert(index)
            && owner.is_some_and(|owner| place(config, facts, mains, chosen, &owner, tried))
        {
            chosen.insert(name.to_owned(), index);
            return true;
        }
    }
    false
}

fn range(service: &Service) -> RangeInclusive<u32> {
    let (first, last) = service.range.unwrap_or((1, 15));
    first..=last
}

/// The main checkout's index is taken, for whichever service it uses it.
fn holder_of_index(config: &Config, facts: &Facts<'_>, index: u32) -> Option<Holder> {
    let mut redis = config.services.values().filter(|service| service.kind == Kind::Redis);
    match redis.any(|service| service.main == index.to_string()) {
        true => Some("the main checkout".into()),
        false => facts.taken.indexes.get(&index).cloned(),
    }
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

/// The error for a pool in which every slot is held; `more` ends the hint.
fn exhausted<T: Display>(what: &str, key: &str, held: &[(T, Holder)], more: &str) -> anyhow::Error {
    let holders = held.iter().map(|(slot, holder)| format!("\n  {slot}: {holder}"));
    let message = format!("no free {what} in {key}{}", holders.collect::<String>());
    let hint = format!(
        "remove one of these with `git -C <path> agentenv remove` (unused ones: `git agentenv list --all --idle 7d`), or \
         widen `{key}` in .agentenv.yaml{more}"
    );
    error::no_slot(message).hint(hint).into()
}
