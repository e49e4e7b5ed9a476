//! Taken slots, and the choice of a free one.

use std::collections::BTreeMap;

/// The holder of a slot, in words: an environment, a file, a process.
pub type Holder = String;

/// The slots and names that are taken on this machine.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    /// Ports.
    pub ports: BTreeMap<u16, Holder>,
    /// Redis indexes, on any server.
    pub indexes: BTreeMap<u32, Holder>,
    /// Database names, on any server.
    pub databases: BTreeMap<String, Holder>,
    /// Compose projects.
    pub projects: BTreeMap<String, Holder>,
    /// Names of this repository's environments.
    pub names: BTreeMap<String, Holder>,
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
