//! Addresses that an application listens on: `HTTP_ADDRESS=0.0.0.0:8080`.

use super::ports;
use super::vars::Var;
use super::{Evidence, Port, Project};
use crate::model::config;

/// Words in the names of such variables.
const WORDS: [&str; 4] = ["ADDR", "ADDRESS", "BIND", "LISTEN"];

/// What stands for this machine, or for all of its addresses.
const HOSTS: [&str; 6] = ["", "0.0.0.0", "127.0.0.1", "::", "[::]", "localhost"];

/// The host and the port, if a file gives them.
fn of(var: &Var) -> Option<(&str, u16)> {
    let (host, port) = var.value.rsplit_once(':')?;
    let mut words = var.name.split('_');
    let is_it = words.clone().any(|word| WORDS.contains(&word)) && !words.any(ports::is_server);
    let port = port.parse().ok().filter(|port| *port >= ports::UNPRIVILEGED);
    (is_it && !var.is_default && HOSTS.contains(&host)).then_some((host, port?))
}

/// A variable for the port of each, where no compose file gives the application its addresses.
pub(super) fn ports(evidence: &Evidence<'_>) -> Vec<Port> {
    if super::application(evidence).is_some() {
        return Vec::new();
    }
    let found = evidence.vars.iter().filter_map(|var| {
        let words = var.name.split('_').filter(|word| !WORDS.contains(word)).collect::<Vec<_>>();
        let variable = [words.as_slice(), &["PORT"]].concat().join("_");
        let (_, main) = of(var)?;
        config::is_free_name(&variable).then(|| Port { variable, main, why: var.file.clone() })
    });
    found.collect()
}

/// The address with the environment's own port.
pub(super) fn template(project: &Project, evidence: &Evidence<'_>, var: &Var) -> Option<String> {
    let (host, main) = of(var).filter(|_| super::application(evidence).is_none())?;
    let port = project.ports.iter().find(|port| port.main == main)?;
    Some(format!("{host}:{{{}}}", port.variable))
}
