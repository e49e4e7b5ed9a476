//! Detects how a project is run from its files, for a first `.agentenv.yaml`. Text in, clues out.

mod compose;
mod frameworks;
mod install;
mod leads;
mod mapping;
mod migrations;
mod processes;
mod reads;
mod render;
pub(in crate::model) mod roles;
mod seen;
mod servers;
#[cfg(test)]
mod tests;
mod url;
mod vars;

pub use leads::{Lead, to_main};
pub use render::render;
pub use seen::{Seen, is_telling};

use crate::model::config::{self, Kind, Place};
use std::collections::BTreeSet;
use vars::Var;

/// A variable that holds a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// The variable.
    pub variable: String,
    /// The port that the main checkout uses.
    pub main: u16,
    /// What says so.
    pub why: String,
}

/// A server of which each environment wants a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name in the configuration.
    pub key: String,
    /// What kind it is.
    pub kind: Kind,
    /// The variable that names the part.
    pub variable: String,
    /// The main checkout's database or index.
    pub main: String,
    /// The user to connect as.
    pub user: String,
    /// Where it runs, when that is known; else in the shared container.
    pub place: Option<Place>,
    /// It is the server of `infra up`: the project has none that this machine can reach.
    pub is_shared: bool,
    /// The port on this machine.
    pub port: u16,
    /// What says so.
    pub why: String,
}

/// How a project is run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Project {
    /// What a file says, in words.
    pub found: Vec<String>,
    /// What was concluded from less than that.
    pub guessed: Vec<String>,
    /// What no file says.
    pub missing: Vec<String>,
    /// The ports, the most important first.
    pub ports: Vec<Port>,
    /// Postgres and Redis.
    pub services: Vec<Service>,
    /// Where environments are reached, when that is not a host name of their own.
    pub url: Option<String>,
    /// Databases that tests make beside an environment's own: patterns in which `{}` stands for its name.
    pub also: Vec<String>,
    /// Patterns of the files that say which migrations a database has.
    pub key: Vec<String>,
    /// Further variables: templates.
    pub env: Vec<(String, String)>,
    /// Commands that a new worktree needs.
    pub hooks: Vec<String>,
    /// What `up` starts: names and commands.
    pub processes: Vec<(String, String)>,
    /// The compose file that runs the application.
    pub compose: Option<String>,
    /// The compose file that holds nothing but the shared servers.
    pub infra: Option<String>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// What the files say, each in its own terms.
struct Evidence<'a> {
    seen: &'a Seen,
    stacks: Vec<compose::Stack>,
    vars: Vec<Var>,
    frameworks: Vec<frameworks::Framework>,
}

impl<'a> Evidence<'a> {
    fn of(seen: &'a Seen) -> Self {
        let (stacks, frameworks) = (compose::stacks(seen), frameworks::of(seen));
        let vars = vars::of(seen, &stacks);
        Evidence { seen, stacks, vars, frameworks }
    }
}

/// Recognises a project by its files.
pub fn detect(seen: &Seen) -> Project {
    let mut project = Project::default();
    let evidence = Evidence::of(seen);
    let Evidence { stacks, vars, frameworks, .. } = &evidence;
    project.found.extend(frameworks.iter().map(|framework| framework.found.clone()));
    for stack in stacks {
        project.found.push(stack.found());
        project
            .env
            .extend(stack.name_variable.iter().map(|name| (name.clone(), "{project}".to_owned())));
    }
    let only_servers = stacks.iter().find(|stack| stack.only_servers());
    project.infra = only_servers.map(|stack| stack.file.clone());
    let application = stacks.iter().find(|stack| stack.runs_application());
    project.compose = application.map(|stack| stack.file.clone());
    ports(&mut project, &evidence);
    if project.ports.is_empty() {
        let why = "no file says which port this project uses".to_owned();
        project.missing.push("a port: PORT is a guess".to_owned());
        project.ports.push(Port { variable: "PORT".to_owned(), main: 3000, why });
    }
    if project.compose.is_none() {
        project.processes = processes::of(seen, &project.ports);
    }
    url(&mut project, seen);
    servers::find(&mut project, &evidence);
    mapping::variables(&mut project, &evidence);
    distinct(&mut project);
    project.hooks = install::commands(seen);
    project.key = migrations::key(seen);
    for framework in frameworks {
        project.hooks.extend(framework.prepare.clone());
        project.notes.extend(framework.notes.clone());
        project.also.extend(framework.also.iter().map(|&pattern| pattern.to_owned()));
    }
    let told = of_variables(&project, vars);
    project.found.extend(told);
    project
}

/// An application that knows no host but `localhost` answers 400 to any other.
fn url(project: &mut Project, seen: &Seen) {
    let Some(path) = frameworks::only_localhost(seen) else { return };
    let port = &project.ports[0].variable;
    project.url = Some(format!("http://localhost:{{{port}}}"));
    project.notes.push(format!(
        "{path} allows no host but `localhost`: add `.localhost` to ALLOWED_HOSTS, and environments share no cookies"
    ));
}

/// Each file whose variables said something, with these.
fn of_variables(project: &Project, vars: &[Var]) -> Vec<String> {
    let ports = project.ports.iter().map(|port| &port.variable);
    let services = project.services.iter().map(|service| &service.variable);
    let said: BTreeSet<&String> =
        ports.chain(services).chain(project.env.iter().map(|(name, _)| name)).collect();
    let mut files: Vec<(&str, Vec<&str>)> = Vec::new();
    for var in vars.iter().filter(|var| said.contains(&var.name)) {
        match files.iter_mut().find(|(file, _)| *file == var.file) {
            Some((_, names)) => names.push(&var.name),
            None => files.push((&var.file, vec![&var.name])),
        }
    }
    files.iter().map(|(file, names)| format!("{file}: {}", names.join(", "))).collect()
}

/// Leaves out of `env` what has a meaning of its own already.
fn distinct(project: &mut Project) {
    let ports = project.ports.iter().map(|port| port.variable.clone());
    let services = project.services.iter().map(|service| service.variable.clone());
    let mut known: BTreeSet<String> = ports.chain(services).collect();
    project.env.retain(|(name, _)| config::is_free_name(name) && known.insert(name.clone()));
}

/// From compose's port mappings by a variable, then the environment file, then fixed mappings of the file that runs the
/// application, then what the frameworks use by themselves.
fn ports(project: &mut Project, evidence: &Evidence<'_>) {
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
    let application = evidence.stacks.iter().find(|stack| stack.runs_application());
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
