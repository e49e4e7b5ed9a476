//! Detects how a project is run from its files, for a first `.agentenv.yaml`. Text in, clues out.

mod address;
mod appended;
mod beside;
mod bound;
mod carried;
mod clues;
mod compose;
mod conflicts;
mod copies;
mod created;
mod devcontainer;
mod directories;
mod drivers;
mod elixir;
mod endpoint;
mod engine;
mod evidence;
mod examples;
mod extras;
mod fixed;
mod frameworks;
mod install;
mod kept;
mod leads;
mod listens;
mod literals;
mod mapping;
mod migrations;
mod needs;
mod origins;
mod others;
mod packages;
mod parts;
mod passwords;
mod paths;
pub mod patterns;
mod plain;
mod ports;
mod processes;
mod procfile;
mod programs;
mod proxies;
mod reads;
mod references;
mod render;
pub(in crate::model) mod roles;
mod scaffolds;
mod scripts;
mod sections;
mod seen;
mod servers;
mod tasks;
#[cfg(test)]
mod tests;
mod text;
mod units;
mod url;
mod vars;

pub use carried::is_read_anyway;
pub use install::is_lock;
pub use leads::{Lead, to_main};
pub use paths::{is_telling, may_read, used};
pub use plain::is_run;
pub use references::{References, references, started};
pub use render::render;
pub use seen::Seen;
pub use servers::without_role;

use crate::model::config::{self, Kind, Place};
use evidence::Evidence;
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
    /// The variable with the password of `user`.
    pub password_env: Option<String>,
    /// The password itself, which a tracked file holds.
    password: Option<String>,
    /// What stands before the words for the server in the names of its variables.
    prefix: String,
    /// The compose file that it stands in.
    stack: Option<String>,
    /// No file says what the main checkout's part is.
    is_guess: bool,
    /// Which of the servers of its kind in compose files it is.
    site: Option<usize>,
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
    /// Postgres, MySQL and Redis.
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
    /// Commands that would change the main checkout's database, as nothing leads them to the environment's.
    pub held: Vec<String>,
    /// Commands written for a container of an editor, which may not be right on this machine.
    pub inside: Vec<String>,
    /// A task that migrates by its name, and may do more or use another database.
    pub unsure: Option<String>,
    /// What `up` starts: names and commands.
    pub processes: Vec<(String, String)>,
    /// The compose file that runs the application.
    pub compose: Option<String>,
    /// Servers of it that stay in each environment's own stack.
    pub keep: Vec<String>,
    /// The compose file that holds nothing but the shared servers.
    pub infra: Option<String>,
    /// Files that git ignores and the application reads.
    pub copy: Vec<String>,
    /// What the user should know.
    pub notes: Vec<String>,
    /// Manifests of applications that nothing is known to start.
    unstarted: Vec<String>,
    /// What migrates the databases.
    migrations: migrations::Migrations,
    /// Keys of the services of which a note says that a variable still leads to the main checkout.
    told: BTreeSet<String>,
    /// A note says of a kind of database that no environment has a part of it.
    is_unserved: bool,
}

impl Project {
    /// An environment gives the variable a value.
    fn sets(&self, name: &str) -> bool {
        self.ports.iter().any(|port| port.variable == name)
            || self.services.iter().any(|service| service.variable == name)
            || self.env.iter().any(|(own, _)| own == name)
    }
}

/// Recognises a project by its files.
pub fn detect(seen: &Seen) -> Project {
    let mut evidence = Evidence::of(seen);
    let project = of_evidence(&evidence);
    evidence.kept = kept::of(&project, &evidence);
    if kept::all(&evidence, Kind::Redis) {
        // Each environment has all indexes for itself.
        evidence.appended.clear();
    }
    if evidence.kept.is_empty() { project } else { of_evidence(&evidence) }
}

fn of_evidence(evidence: &Evidence<'_>) -> Project {
    let mut project = Project::default();
    let Evidence { seen, stacks, vars, frameworks, .. } = evidence;
    project.found.extend(frameworks::told(frameworks));
    for stack in stacks {
        project.found.push(stack.found());
        project.notes.extend(
            stack
                .fault
                .iter()
                .map(|fault| format!("{}: {fault}: what stands there is not known", stack.file)),
        );
        project
            .env
            .extend(stack.name_variable.iter().map(|name| (name.clone(), "{project}".to_owned())));
    }
    ports::find(&mut project, evidence);
    if project.ports.is_empty() {
        let why = "no file says which port this project uses".to_owned();
        project.missing.push("a port: PORT is a guess".to_owned());
        project.ports.push(Port { variable: "PORT".to_owned(), main: 3000, why });
    }
    processes::find(&mut project, evidence);
    project.keep = evidence.kept.iter().map(|one| one.name.clone()).collect();
    url(&mut project, seen);
    servers::find(&mut project, evidence);
    mapping::variables(&mut project, evidence);
    literals(&mut project, evidence);
    conflicts::find(&mut project, evidence);
    needs::find(&mut project, evidence);
    distinct(&mut project);
    others::hold_workers(&mut project, evidence);
    copies::find(&mut project, evidence);
    copies::missing(&mut project, evidence);
    project.hooks = install::commands(&project, seen);
    project.key = migrations::key(seen);
    carried::drivers(&mut project, evidence);
    migrations::find(&mut project, evidence);
    carried::close(&mut project, evidence);
    migrations::hold(&mut project, evidence);
    for framework in frameworks {
        project.notes.extend(framework.notes.clone());
        project.also.extend(framework.also.iter().map(|&pattern| pattern.to_owned()));
    }
    project.unsure = tasks::unsure(&project, evidence);
    let told = of_variables(&project, vars);
    project.found.extend(told);
    project
}

/// Says what names a part itself. A server that each environment has for itself has parts of the same names.
fn literals(project: &mut Project, evidence: &Evidence<'_>) {
    let is_shared = |kind: Kind| !kept::all(evidence, kind);
    let literals = evidence.literals.iter().filter(|literal| is_shared(literal.kind));
    project.notes.extend(literals.map(|literal| leads::of_literal(literal).told()));
    let mut places = evidence.places.clone();
    places.retain(|place| place.kind.is_none_or(is_shared));
    let leads = plain::leads(&places).into_iter().chain(appended::leads(&evidence.appended));
    project.notes.extend(leads.map(|lead| lead.told()));
}

/// The compose file that is chosen. One below the top is how a project is deployed, where something else starts it.
fn application<'a>(evidence: &'a Evidence<'_>) -> Option<&'a compose::Stack> {
    let application = evidence.stacks.iter().find(|stack| stack.runs_application())?;
    let any = Port { variable: "PORT".to_owned(), main: 3000, why: String::new() };
    let is_started = || {
        let packages = packages::of(evidence.seen);
        !processes::of(evidence, &packages, &[any]).0.is_empty()
    };
    (!application.file.contains('/') || !is_started()).then_some(application)
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
