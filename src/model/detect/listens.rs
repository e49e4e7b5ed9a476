//! Addresses that an application listens on: `HTTP_ADDRESS=0.0.0.0:8080`.

use super::endpoint;
use super::mapping::UNFIT;
use super::paths::is_compose;
use super::ports;
use super::vars::Var;
use super::{Evidence, Port, Project};
use crate::model::config;
use crate::model::envfile::check_value;

/// Words in the names of such variables.
const WORDS: [&str; 4] = ["ADDR", "ADDRESS", "BIND", "LISTEN"];

/// What stands for this machine, or for all of its addresses.
const HOSTS: [&str; 6] = ["", "0.0.0.0", "127.0.0.1", "::", "[::]", "localhost"];

/// The host and the port, if a file gives them. Where no compose file runs the application, what one gives is read by other
/// servers.
fn of(var: &Var) -> Option<(&str, u16)> {
    let (host, port) = var.value.rsplit_once(':').filter(|_| !is_compose(&var.file))?;
    let mut words = var.name.split('_');
    let is_it = words.clone().any(|word| WORDS.contains(&word)) && !words.any(ports::is_server);
    let port = port.parse().ok().filter(|port| *port >= ports::UNPRIVILEGED);
    let is_it = is_it && !endpoint::is_server(&var.value);
    (is_it && !var.is_default && HOSTS.contains(&host)).then_some((host, port?))
}

/// A variable for the port of an address, where no compose file gives the application its addresses.
pub(super) fn port(ports: &[Port], evidence: &Evidence<'_>, var: &Var) -> Option<Port> {
    let (_, main) = of(var).filter(|_| super::application(evidence).is_none())?;
    let words = var.name.split('_').filter(|word| !WORDS.contains(word)).collect::<Vec<_>>();
    let short = [words.as_slice(), &["PORT"]].concat().join("_");
    let is_free = |name: &String| {
        let is_other = |other: &Var| other.name == *name && other.value != main.to_string();
        config::is_free_name(name)
            && ports.iter().all(|port| port.variable != *name)
            && !evidence.vars.iter().any(is_other)
    };
    let variable = [short, format!("{}_PORT", var.name)].into_iter().find(is_free)?;
    Some(Port { variable, main, why: var.file.clone() })
}

/// The address with the environment's own port, or why there is none.
pub(super) fn template(
    project: &Project,
    evidence: &Evidence<'_>,
    var: &Var,
) -> Option<Result<String, &'static str>> {
    let (host, main) = of(var).filter(|_| super::application(evidence).is_none())?;
    if check_value(&var.name, &var.value).is_err() {
        return Some(Err(UNFIT));
    }
    let port = project.ports.iter().find(|port| port.main == main);
    let template = port.map(|port| format!("{host}:{{{}}}", port.variable));
    Some(template.ok_or("it gets no port of its own"))
}
