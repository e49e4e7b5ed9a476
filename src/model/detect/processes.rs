//! What runs a project's application, for `up`.

use super::Port;
use super::frameworks::{self, Framework};
use super::install::inside;
use super::packages::{self, Left};
use super::paths::{dir, is_celery};
use super::ports;
use super::procfile;
use super::programs;
use super::seen::Seen;
use super::tasks::{self, Task};
use super::units;
use super::{Evidence, Project};
use crate::model::shell;
use std::collections::BTreeSet;

/// What `up` starts.
pub(super) struct Process {
    pub(super) name: String,
    /// A command for `sh`, in which the ports are the variables of the environment.
    pub(super) run: String,
    /// The variable for its port, whether the command names it or not.
    pub(super) port: Option<String>,
    /// Where the application is that it runs. A second server has none.
    pub(super) place: Option<String>,
    /// What the user should know.
    pub(super) note: Option<String>,
}

impl Process {
    /// Whether it listens on the port of this variable.
    pub(super) fn reads(&self, variable: &str) -> bool {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        self.port.as_deref() == Some(variable)
            || self.run.split(|c| !is_part(c)).any(|word| word == variable)
    }
}

/// The compose file that runs the application, else its processes.
pub(super) fn find(project: &mut Project, evidence: &Evidence<'_>) {
    let Evidence { seen, frameworks, .. } = evidence;
    project.compose = super::application(evidence).map(|stack| stack.file.clone());
    if let Some(file) = &project.compose {
        let of_file =
            |aside| format!("{file} runs the application: `up` starts nothing of {aside}");
        let packages = packages::of(seen);
        // Of what takes a port beside the containers, nothing is started either.
        let has_port = |file: &str| {
            let why = format!("{file}: ");
            project.ports.iter().any(|port| port.why.starts_with(&why))
        };
        let mut started = packages.iter().filter(|one| one.is_main() || has_port(one.file));
        let scripts = started.next().map(|one| one.file);
        project.guessed.extend(procfile::any(seen).or(scripts).map(of_file));
        return;
    }
    let (found, left) = of(evidence, &packages::of(seen), &project.ports);
    project.missing.extend(left.into_iter().filter_map(|left| match left {
        Left::Words(words) => Some(words),
        Left::Port(_) => None,
    }));
    project.unstarted = unknown(seen, &found, frameworks);
    project.notes.extend(found.iter().filter_map(|process| process.note.clone()));
    project.processes = found.into_iter().map(|process| (process.name, process.run)).collect();
}

/// A Procfile for development, else scripts for it, else another Procfile, else what frameworks are started with;
/// and what lacks a port.
pub(super) fn of(
    evidence: &Evidence<'_>,
    packages: &[packages::Script<'_>],
    ports: &[Port],
) -> (Vec<Process>, Vec<Left>) {
    let Evidence { seen, frameworks, .. } = evidence;
    let found = procfile::chosen(seen, packages)
        .map(|file| procfile::of(seen, file, ports))
        .unwrap_or_default();
    if !found.is_empty() {
        return (found, Vec::new());
    }
    let mut found = of_django(seen, ports);
    let (units, mut left) = units::of(seen, &found);
    found.extend(units);
    found.extend(of_frameworks(frameworks, ports).filter(|_| found.is_empty()));
    let tasks = tasks::of_python(seen);
    found.extend(of_task(&tasks, frameworks, ports).filter(|_| found.is_empty()));
    for script in packages {
        match script.process(seen, ports, &found) {
            Ok(process) => found.extend(process),
            Err(what) => left.push(what),
        }
    }
    work(&mut found, &tasks);
    for one in programs::of(evidence, ports) {
        let is_known = found.iter().any(|other| other.place == one.place);
        let is_free = |port: &&Port| {
            ports::is_programs(port, frameworks)
                && !found.iter().any(|other| other.reads(&port.variable))
        };
        if let Some(port) = ports.iter().find(is_free).filter(|_| !is_known) {
            let one = Process { port: Some(port.variable.clone()), ..one };
            found.extend(named_apart(one, &found));
        }
    }
    (found, left)
}

/// `runserver`, and a worker where the application has a module for Celery.
fn of_django(seen: &Seen, ports: &[Port]) -> Vec<Process> {
    let Some(manage) = frameworks::django(seen) else { return Vec::new() };
    let Some(port) = owned(ports, "DJANGO_PORT").or(ports.first()) else { return Vec::new() };
    let inside = inside(seen, dir(manage));
    let web = format!("{inside}python manage.py runserver ${}", port.variable);
    let mut found = vec![process("web", dir(manage), web)];
    if let Some(module) = celery(seen, dir(manage)) {
        let worker = format!("{inside}celery -A {module} worker");
        found.push(process("worker", dir(manage), worker));
    }
    found
}

/// The module of an application of Celery, from a directory on. Celery looks for a module `celery` in a package by itself.
fn celery(seen: &Seen, near: &str) -> Option<String> {
    // A module of this name may hold something else, such as settings.
    let mut modules = seen.chosen(is_celery).filter(|path| seen.text(path).contains("Celery("));
    modules.find_map(|path| {
        let path = path.strip_prefix(near)?.strip_suffix(".py")?;
        // A module `celery` at the top hides the library, or is hidden by it.
        (path != "celery").then_some(())?;
        Some(path.strip_suffix("/celery").unwrap_or(path).replace('/', "."))
    })
}

/// The task of a Python project that starts its application.
fn of_task(tasks: &[Task], frameworks: &[Framework], ports: &[Port]) -> Option<Process> {
    let port = frameworks.iter().find_map(|one| owned(ports, &one.port.as_ref()?.0))?;
    let (task, run) = tasks.iter().find_map(|task| Some((task, task.serving(port)?)))?;
    let near = dir(&task.file);
    Some(Process { port: Some(port.variable.clone()), ..process("web", near, enter(near) + &run) })
}

/// The tasks that are workers, where no worker is known.
fn work(found: &mut Vec<Process>, tasks: &[Task]) {
    let is_worked = found.iter().any(|one| one.name == "worker");
    let workers = tasks.iter().filter(|task| tasks::works(&task.text) && is_name(&task.name));
    for task in workers.filter(|_| !is_worked) {
        let worker = process(&task.name, dir(&task.file), task.run());
        found.extend(named_apart(worker, found));
    }
}

/// The process, under the name of its directory where its own is taken.
fn named_apart(one: Process, found: &[Process]) -> Option<Process> {
    let is_taken = |name: &str| found.iter().any(|known| known.name == name);
    let place = one.place.clone().unwrap_or_default();
    let near = place.trim_end_matches('/').rsplit('/').next().filter(|name| !name.is_empty());
    let mut names = [one.name.as_str(), near.unwrap_or("backend")].into_iter();
    let name = names.find(|name| is_name(name) && !is_taken(name))?.to_owned();
    Some(Process { name, ..one })
}

/// What frameworks start by a command that is known, beside which a `package.json` may start Vite.
fn of_frameworks(frameworks: &[Framework], ports: &[Port]) -> Option<Process> {
    frameworks.iter().find_map(|framework| {
        let (place, command) = framework.serve.as_ref()?;
        let (variable, _) = framework.port.as_ref()?;
        let is_for_command =
            |port: &&Port| command.contains(" --port $PORT") && ports::is_from_code(port);
        let port = owned(ports, variable).or_else(|| ports.iter().find(is_for_command))?;
        let run = command.replace("$PORT", &format!("${}", port.variable));
        Some(Process { port: Some(port.variable.clone()), ..process("web", place, run) })
    })
}

pub(super) fn process(name: &str, place: &str, run: String) -> Process {
    Process { name: name.to_owned(), run, port: None, place: Some(place.to_owned()), note: None }
}

/// Manifests of kinds that say nothing here of how their applications start.
const MANIFESTS: [&str; 8] = [
    "Gemfile",
    "Cargo.toml",
    "build.gradle",
    "build.gradle.kts",
    "composer.json",
    "go.mod",
    "mix.exs",
    "pom.xml",
];

/// The topmost manifest of each kind, where nothing was found that runs beside it.
fn unknown(seen: &Seen, found: &[Process], frameworks: &[Framework]) -> Vec<String> {
    let is_framework = |file: &str| frameworks.iter().any(|one| one.file() == file);
    let is_python = |file: &&str| {
        ["requirements", "pyproject.toml", "Pipfile"].iter().any(|name| file.contains(name))
    };
    let manifests = MANIFESTS.iter().filter_map(|name| seen.named(name).next());
    let manifests = manifests.filter(|file| !file.ends_with("Gemfile") || is_framework(file));
    let python = frameworks.iter().filter(|one| one.port.is_some());
    let python = python.map(Framework::file).filter(is_python);
    // One application may have manifests for several tools.
    let mut known: BTreeSet<&str> = found.iter().filter_map(|one| one.place.as_deref()).collect();
    let unknown = manifests.chain(python).filter(|file| known.insert(dir(file)));
    unknown.map(str::to_owned).collect()
}

/// The port whose variable a framework takes.
pub(super) fn owned<'a>(ports: &'a [Port], variable: &str) -> Option<&'a Port> {
    ports.iter().find(|port| port.variable == variable)
}

/// `PORT=$WEB_PORT `, for a command that reads `PORT`.
pub(super) fn port_before(port: Option<&Port>) -> String {
    port.map_or_else(String::new, |port| format!("PORT=${} ", port.variable))
}

pub(super) fn enter(dir: &str) -> String {
    match dir.trim_end_matches('/') {
        "" => String::new(),
        dir => format!("cd {} && ", shell::word(dir)),
    }
}

/// Whether the configuration takes a process of this name.
pub(super) fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.len() <= 40
        && name.chars().all(plain)
}
