//! What others hold already, and the choice of a number that nobody holds.

use std::collections::BTreeMap;

/// Who holds a slot, as a person would name them: an environment, a file, a process.
pub type Holder = String;

/// What is taken on this machine.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    /// Ports.
    pub ports: BTreeMap<u16, Holder>,
    /// Redis indexes, whichever server they are on.
    pub indexes: BTreeMap<u32, Holder>,
    /// Database names, whichever server they are on.
    pub databases: BTreeMap<String, Holder>,
    /// Compose projects.
    pub projects: BTreeMap<String, Holder>,
    /// Names of environments in this repository.
    pub names: BTreeMap<String, Holder>,
}

/// The first of `range` (both ends included) that `taken` does not answer for, or every one with its holder.
///
/// # Errors
/// When nothing is free: the list of who holds what.
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
