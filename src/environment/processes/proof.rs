//! Whether a port proves that a process is ready: it answers, and it is the environment's own process that does.

use super::running;
use crate::model::lease::Lease;
use crate::sys::listeners::{self, Listener};
use crate::sys::{docker, net};
use std::collections::BTreeSet;

/// Why a port proves nothing about the process that should serve it; `None`: it does.
pub(super) fn missing(lease: &Lease, port: u16, process: &str) -> Option<String> {
    if let Some(silence) = silent(port, net::is_listening) {
        return Some(silence);
    }
    let listening = listeners::on(port);
    let own = running(lease).into_iter().map(|process| process.pid).collect();
    let foreign = foreign(&listening, &own).filter(|_| !is_published(port))?;
    Some(format!("port {port} is answered by {foreign}, not by {process}"))
}

/// Why nothing is served at a port.
pub(super) fn silent(port: u16, answers: fn(u16) -> bool) -> Option<String> {
    (!answers(port)).then(|| format!("port {port} does not answer"))
}

/// A process that listens where none of the environment's does. The system names no other user's.
fn foreign<'a>(listening: &'a [Listener], own: &BTreeSet<u32>) -> Option<&'a Listener> {
    listening.first().filter(|_| listening.iter().all(|one| !own.contains(&one.pid)))
}

/// Whether a container is reached there, such as that of a process `docker run -p`: its engine listens for it.
fn is_published(port: u16) -> bool {
    let containers = docker::containers().unwrap_or_default();
    containers.iter().any(|one| one.is_up() && one.ports().contains(&port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_listener_of_its_own_is_enough() {
        let listener = |pid| Listener { pid, program: "web".to_owned(), dir: None };
        let both = [listener(7), listener(8)];
        assert_eq!(foreign(&both, &BTreeSet::from([8])), None);
        assert_eq!(foreign(&both, &BTreeSet::from([9])), Some(&both[0]));
        assert_eq!(foreign(&[], &BTreeSet::from([9])), None);
    }
}
