//! The ports that an application listens on.

use super::{Evidence, Port, Project, compose};
use crate::model::config;

/// From compose's port mappings by a variable, then the environment file, then fixed mappings of the file that runs the
/// application, then what the frameworks use by themselves.
pub(super) fn find(project: &mut Project, evidence: &Evidence<'_>) {
    let of_stacks = evidence.stacks.iter().flat_map(compose::Stack::ports);
    let of_vars = evidence.vars.iter().filter(|var| is_port(&var.name)).filter_map(|var| {
        let main = var.value.parse().ok()?;
        Some(Port { variable: var.name.clone(), main, why: var.file.clone() })
    });
    for port in of_stacks.chain(of_vars) {
        push(&mut project.ports, port);
    }
    for port in fixed_ports(evidence) {
        push(&mut project.ports, port);
    }
    for framework in &evidence.frameworks {
        let Some((variable, main)) = framework.port else { continue };
        // A project that names ports names them all, but for a second server such as Vite's.
        let named = project.ports.iter().any(|port| framework.owns(&port.variable));
        if !named && (project.ports.is_empty() || framework.second) {
            let why = framework.found.clone();
            push(&mut project.ports, Port { variable: variable.to_owned(), main, why });
        }
    }
}

/// Fixed ports of the application's containers, so that each environment publishes them on ports of its own. The one on
/// which a framework listens gets the framework's variable, and comes first.
fn fixed_ports(evidence: &Evidence<'_>) -> Vec<Port> {
    let application = super::application(evidence);
    let mut fixed = application.map(compose::Stack::fixed_ports).unwrap_or_default();
    for (variable, main) in evidence.frameworks.iter().rev().filter_map(|one| one.port) {
        let serves = |(port, target): &(Port, u16)| *target == main || port.main == main;
        if let Some(at) = fixed.iter().position(serves) {
            fixed[at].0.variable = variable.to_owned();
            fixed[..=at].rotate_right(1);
        }
    }
    fixed.into_iter().map(|(port, _)| port).collect()
}

fn push(ports: &mut Vec<Port>, port: Port) {
    let usable = USABLE.contains(&port.main) && config::is_free_name(&port.variable);
    if usable
        && ports.iter().all(|known| known.variable != port.variable && known.main != port.main)
    {
        ports.push(port);
    }
}

/// Ports that every user may listen on, with room above them.
const USABLE: std::ops::RangeInclusive<u16> = 1024..=60_000;

/// A port of the application's, and not of a server that it uses.
fn is_port(name: &str) -> bool {
    const SERVERS: [&str; 13] = [
        "DB",
        "PG",
        "POSTGRES",
        "POSTGRESQL",
        "DATABASE",
        "REDIS",
        "MYSQL",
        "SMTP",
        "EMAIL",
        "MAIL",
        "RABBITMQ",
        "MONGO",
        "ELASTICSEARCH",
    ];
    let Some(owner) = name.strip_suffix("PORT") else {
        return false;
    };
    let words: Vec<&str> = owner.split('_').collect();
    (owner.is_empty() || owner.ends_with('_')) && !words.iter().any(|word| SERVERS.contains(word))
}
