//! Taken slots, and the choice of a free one.

use super::config::{Kind, Place};
use std::collections::BTreeMap;
use std::fmt;

/// The holder of a slot, in words: an environment, a file, a process.
pub type Holder = String;

/// A slot of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// A Redis index.
    Index(u32),
    /// A port.
    Port(u16),
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Slot::Index(index) => write!(f, "redis index {index}"),
            Slot::Port(port) => write!(f, "port {port}"),
        }
    }
}

/// The slots and names that are taken on this machine.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    /// Ports.
    pub ports: BTreeMap<u16, Holder>,
    /// Redis indexes, on any server.
    pub indexes: BTreeMap<u32, Holder>,
    /// What main checkouts of other repositories use: it is free, but chosen last.
    pub mains: BTreeMap<Slot, Holder>,
    /// Ports of second Redis servers (`model::overflow`).
    pub overflow: BTreeMap<Place, u16>,
    /// Database names, on any server.
    pub databases: BTreeMap<String, Holder>,
    /// Compose projects.
    pub projects: BTreeMap<String, Holder>,
    /// Names of this repository's environments.
    pub names: BTreeMap<String, Holder>,
}

impl Taken {
    /// Counts what a part of this kind holds, unless it has a holder already.
    pub fn take(&mut self, kind: Kind, holds: &str, holder: &str) {
        match (kind, holds.parse()) {
            (Kind::Redis, Ok(index)) => {
                self.indexes.entry(index).or_insert_with(|| holder.to_owned());
            }
            (Kind::Postgres | Kind::Mysql | Kind::Custom, _) => {
                self.databases.entry(holds.to_owned()).or_insert_with(|| holder.to_owned());
            }
            (Kind::Redis, Err(_)) | (Kind::Sqlite, _) => {}
        }
    }

    /// Counts a slot that turned out to be in use, unless it has a holder already: a lease names it
    /// better than a server does.
    pub fn occupy(&mut self, slot: Slot, holder: &str) {
        match slot {
            Slot::Index(index) => self.indexes.entry(index).or_insert_with(|| holder.to_owned()),
            Slot::Port(port) => self.ports.entry(port).or_insert_with(|| holder.to_owned()),
        };
    }

    /// Counts a second Redis server, unless it is known.
    pub fn take_overflow(&mut self, place: &Place, port: u16) {
        self.overflow.entry(place.clone()).or_insert(port);
        self.ports.entry(port).or_insert_with(|| place.title());
    }

    /// Whether nothing else has what a part of this kind holds.
    pub fn is_free(&self, kind: Kind, holds: &str) -> bool {
        match (kind, holds.parse()) {
            (Kind::Redis, Ok(index)) => !self.indexes.contains_key(&index),
            (Kind::Postgres | Kind::Mysql | Kind::Custom, _) => !self.databases.contains_key(holds),
            (Kind::Redis, Err(_)) | (Kind::Sqlite, _) => true,
        }
    }
}

/// The first slot of `range` for which `taken` names no holder; the error lists every slot with its holder.
pub fn first_free<T, I>(
    range: I,
    mut taken: impl FnMut(T) -> Option<Holder>,
) -> Result<T, Vec<(T, Holder)>>
where
    T: Copy,
    I: IntoIterator<Item = T>,
{
    let mut held = Vec::new();
    for candidate in range {
        match taken(candidate) {
            None => return Ok(candidate),
            Some(holder) => held.push((candidate, holder)),
        }
    }
    Err(held)
}
