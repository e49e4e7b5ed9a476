//! The ports that an application listens on.

use super::frameworks::Framework;
use super::packages::{self, Left, Script};
use super::paths::is_compose;
use super::vars::Var;
use super::{Evidence, Port, Project, compose, devcontainer, fixed, listens, processes, procfile};
use crate::model::config::{self, Kind};

/// From port mappings of what is built here by a variable, then the environment file, then fixed mappings of the file
/// that runs the application, then what the frameworks use by themselves, then the rest of what that file starts.
pub(super) fn find(project: &mut Project, evidence: &Evidence<'_>) {
    let of_stacks = evidence.stacks.iter().flat_map(|stack| stack.ports(true));
    let is_host = |name: &str| {
        let mut vars = evidence.vars.iter();
        vars.any(|var| var.name == name && !["0.0.0.0", "::"].contains(&&*var.value))
    };
    let is_frameworks = |name: &str| evidence.frameworks.iter().any(|one| one.owns(name));
    let is_own = |var: &&Var| {
        let is_used = |host: &str| !is_frameworks(&var.name) && is_host(host);
        let repo = &evidence.seen.repo;
        is_here(evidence, var) && !is_servers(evidence, var) && is_own(&var.name, repo, is_used)
    };
    let of_vars = evidence.vars.iter().filter(is_own).filter_map(|var| {
        let main = var.value.parse().ok().filter(|main| *main >= UNPRIVILEGED)?;
        Some(Port { variable: var.name.clone(), main, why: var.file.clone() })
    });
    let (own, others) = fixed_ports(evidence);
    let (webs, programs): (Vec<_>, Vec<_>) =
        procfile::ports(evidence.seen).into_iter().partition(|port| port.variable == "PORT");
    // A mail catcher that is built here is not where the application is reached.
    let (of_stacks, of_servers): (Vec<_>, Vec<_>) =
        of_stacks.partition(|port| !port.variable.split('_').any(is_server));
    for port in of_stacks.into_iter().chain(of_vars) {
        push(&mut project.ports, port);
    }
    for var in &evidence.vars {
        let port = listens::port(&project.ports, evidence, var);
        port.into_iter().for_each(|port| push(&mut project.ports, port));
    }
    for port in own.into_iter().chain(webs) {
        push(&mut project.ports, port);
    }
    let mut frameworks: Vec<&Framework> = evidence.frameworks.iter().collect();
    frameworks.sort_by_key(|one| one.second);
    for framework in frameworks {
        let Some((variable, main)) = framework.port.clone() else { continue };
        // A project that names ports names them all, but for a second server such as Vite's.
        let named = project.ports.iter().any(|port| framework.owns(&port.variable));
        if !named && (project.ports.is_empty() || framework.second) {
            push(&mut project.ports, Port { variable, main, why: framework.found.clone() });
        }
    }
    let application = super::application(evidence).into_iter();
    for port in application
        .flat_map(|stack| stack.ports(false))
        .chain(others)
        .chain(programs)
        .chain(of_servers)
    {
        push(&mut project.ports, port);
    }
    if super::application(evidence).is_none() {
        // Each one that gets a port changes what the next one lacks.
        let packages = packages::of(evidence.seen);
        while let Some(port) = left(evidence, &packages, &project.ports) {
            let count = project.ports.len();
            push(&mut project.ports, port);
            if project.ports.len() == count {
                break;
            }
        }
    }
    if project.ports.is_empty() {
        fixed::find(project, evidence.seen);
    }
    if project.ports.is_empty() {
        forwarded(project, evidence);
    }
}

/// The port that a further server lacks, of those that `up` starts.
fn left(evidence: &Evidence<'_>, packages: &[Script<'_>], ports: &[Port]) -> Option<Port> {
    let (_, left) = processes::of(evidence, packages, ports);
    left.into_iter().find_map(|left| if let Left::Port(port) = left { Some(port) } else { None })
}

/// Fixed ports of the application's containers, so that each environment publishes them on ports of its own. The one on
/// which a framework listens gets the framework's variable, and comes first. Those of containers beside it are apart.
fn fixed_ports(evidence: &Evidence<'_>) -> (Vec<Port>, Vec<Port>) {
    let application = super::application(evidence);
    let fixed = application.map(compose::Stack::fixed_ports).unwrap_or_default();
    let (mut own, others): (Vec<_>, Vec<_>) = fixed.into_iter().partition(|(.., is_own)| *is_own);
    let frameworks = evidence.frameworks.iter().rev();
    for (variable, main) in frameworks.filter_map(|one| one.port.as_ref()) {
        let serves = |(port, target, _): &(Port, u16, bool)| target == main || port.main == *main;
        if let Some(at) = own.iter().position(serves) {
            own[at].0.variable.clone_from(variable);
            own[..=at].rotate_right(1);
        }
    }
    let ports = |all: Vec<(Port, u16, bool)>| all.into_iter().map(|(port, ..)| port).collect();
    (ports(own), ports(others))
}

/// The port that a container for an editor shows on this machine. Which variable decides it, no file says.
fn forwarded(project: &mut Project, evidence: &Evidence<'_>) {
    let Some((file, ports)) = devcontainer::ports(evidence.seen) else { return };
    let servers = [Kind::Postgres, Kind::Mysql, Kind::Redis].map(Kind::port);
    let mut ports = ports.into_iter();
    let Some(main) = ports.find(|port| !servers.contains(&Some(*port))) else { return };
    push(&mut project.ports, Port { variable: "PORT".to_owned(), main, why: file.to_owned() });
    project
        .guessed
        .push(format!("PORT={main} ({file}): no file says which variable decides the port"));
}

fn push(ports: &mut Vec<Port>, port: Port) {
    let usable = USABLE.contains(&port.main) && config::is_free_name(&port.variable);
    if usable
        && ports.iter().all(|known| known.variable != port.variable && known.main != port.main)
    {
        ports.push(port);
    }
}

/// Ports with room above them. Of those that not every user may listen on, only containers publish some.
const USABLE: std::ops::RangeInclusive<u16> = 1..=60_000;

/// The first port that every user may listen on.
pub(super) const UNPRIVILEGED: u16 = 1024;

/// What compose gives a container is a port inside it, unless a service publishes it under the same number.
fn is_here(evidence: &Evidence<'_>, var: &Var) -> bool {
    let mut stacks = evidence.stacks.iter().filter(|stack| stack.file == var.file);
    let is_published =
        |one: &compose::Service| var.value.parse().is_ok_and(|port| one.publishes(port));
    !is_compose(&var.file) || stacks.any(|stack| stack.services.iter().any(is_published))
}

/// The port of a server in a compose file that environments do not start, such as a store of files. `PORT` is never one.
fn is_servers(evidence: &Evidence<'_>, var: &Var) -> bool {
    let is_it = |service: &compose::Service| {
        service.is_other() && var.value.parse().is_ok_and(|port| service.publishes(port))
    };
    let mut stacks = evidence.stacks.iter().filter(|stack| !stack.runs_application());
    var.name != "PORT" && stacks.any(|stack| stack.services.iter().any(is_it))
}

/// A port of the application's, and not of a server that it uses, which has a host beside it.
pub(super) fn is_own(name: &str, repo: &str, is_host: impl Fn(&str) -> bool) -> bool {
    let Some(owner) = name.strip_suffix("PORT").filter(|_| is_port(name)) else { return false };
    is_of_application(owner, repo)
        || !["HOST", "HOSTNAME"].iter().any(|word| is_host(&format!("{owner}{word}")))
}

/// What stands before `PORT` has no other words than the project's name and what applications call themselves.
fn is_of_application(owner: &str, repo: &str) -> bool {
    let repo = repo.to_uppercase();
    let is_repos =
        |word: &str| repo.split(|c: char| !c.is_ascii_alphanumeric()).any(|one| one == word);
    let mut words = owner.split('_').filter(|word| !word.is_empty());
    words.all(|word| OWN.contains(&word) || is_repos(word))
}

/// What applications call themselves.
const OWN: [&str; 10] =
    ["API", "APP", "BACKEND", "CLIENT", "FRONTEND", "HTTP", "SERVER", "SITE", "UI", "WEB"];

/// Whether code that reads a variable of this name, with this default, says the port of the application itself.
pub(super) fn is_said(name: &str, default: &str, repo: &str) -> bool {
    let Some(owner) = name.strip_suffix("PORT").filter(|_| is_port(name)) else { return false };
    let main = default.parse().ok().filter(|main| *main >= UNPRIVILEGED);
    is_of_application(owner, repo) && main.is_some_and(|main| !SERVERS_PORTS.contains(&main))
}

/// Endings of the code that says the port of its own program. Packages of Node.js say theirs in other ways.
pub(super) const CODE: [&str; 3] = [".py", ".rs", ".go"];

/// Such code reads the port: it is no other program's.
pub(super) fn is_from_code(port: &Port) -> bool {
    CODE.iter().any(|end| port.why.ends_with(end))
}

/// Words in the names of servers that an application uses.
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

/// Whether a word of a name is that of such a server.
pub(super) fn is_server(word: &str) -> bool {
    SERVERS.contains(&word)
}

/// Ports of mail catchers and of databases.
pub(super) const SERVERS_PORTS: [u16; 6] = [1025, 1080, 8025, 3306, 5432, 6379];

/// The port may be that of a program which nothing else is known of: no server's and no framework's.
pub(super) fn is_programs(port: &Port, frameworks: &[Framework]) -> bool {
    let mut words = port.variable.split('_');
    let is_servers = words.any(|word| is_server(word) || word.starts_with("MAIL"));
    !is_servers
        && !SERVERS_PORTS.contains(&port.main)
        && !frameworks.iter().any(|one| one.owns(&port.variable))
}

/// The name is that of a port, and not of a server that it uses.
fn is_port(name: &str) -> bool {
    let Some(owner) = name.strip_suffix("PORT") else {
        return false;
    };
    let words: Vec<&str> = owner.split('_').collect();
    (owner.is_empty() || owner.ends_with('_')) && !words.into_iter().any(is_server)
}
