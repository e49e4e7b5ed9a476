//! What runs a project's application, for `up`.

use super::Port;
use super::frameworks::{self, Framework};
use super::install::{runner, runner_inside};
use super::packages;
use super::seen::{Seen, dir};
use super::{Evidence, Project};
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
        project.guessed.extend(procfile(seen).map(of_file));
        return;
    }
    let found = of(seen, &project.ports);
    project.missing.extend(unknown(seen, &found, frameworks));
    project.notes.extend(found.iter().filter_map(|process| process.note.clone()));
    project.processes = found.into_iter().map(|process| (process.name, process.run)).collect();
}

/// A Procfile for development, else scripts for it, else another Procfile, else what frameworks are started with.
pub(super) fn of(seen: &Seen, ports: &[Port]) -> Vec<Process> {
    let packages = packages::of(seen);
    let file = procfile(seen)
        .filter(|file| file.ends_with(".dev") || !packages.iter().any(packages::Script::is_main));
    let found = file.map(|file| of_procfile(seen, file, ports)).unwrap_or_default();
    if !found.is_empty() {
        return found;
    }
    let mut found = of_django(seen, ports);
    for script in packages {
        let process = script.process(seen, ports, &found);
        found.extend(process);
    }
    found
}

/// The Procfile that is used.
fn procfile(seen: &Seen) -> Option<&str> {
    seen.named("Procfile.dev").chain(seen.named("Procfile")).next()
}

/// `name: command` in each line. `release` runs once, before a deployment.
fn of_procfile(seen: &Seen, file: &str, ports: &[Port]) -> Vec<Process> {
    let lines = seen.text(file).lines().filter_map(|line| line.split_once(':'));
    let lines = lines.map(|(name, command)| (name.trim(), command.trim()));
    let lines = lines.filter(|(name, command)| is_name(name) && !command.is_empty());
    // A template of a Procfile has a line for each choice.
    let mut names = BTreeSet::new();
    lines
        .filter(move |(name, _)| names.insert(*name))
        .filter(|(name, _)| *name != "release")
        .map(|(name, command)| {
            let command = with_variables(command, ports);
            let is_told = ports.iter().any(|port| command.contains(&port.variable));
            let port =
                if name == "web" && !is_told { port_before(ports.first()) } else { String::new() };
            // Its author knows all that there is to start.
            process(name, "", format!("{}{port}{command}", enter(dir(file))))
        })
        .collect()
}

/// `runserver`, and a worker where the application has a module for Celery.
fn of_django(seen: &Seen, ports: &[Port]) -> Vec<Process> {
    let Some(manage) = frameworks::django(seen) else { return Vec::new() };
    let Some(port) = owned(ports, "DJANGO_PORT").or(ports.first()) else { return Vec::new() };
    let python = runner(seen, dir(manage));
    let web = format!("{python}python {manage} runserver ${}", port.variable);
    let mut found = vec![process("web", dir(manage), web)];
    // A module of this name may hold something else, such as settings.
    let mut modules = seen.named("celery.py").filter(|path| seen.text(path).contains("Celery("));
    let module = modules.find_map(|path| {
        let module = path.strip_prefix(dir(manage))?.strip_suffix("/celery.py")?;
        Some(module.replace('/', "."))
    });
    if let Some(module) = module {
        let here = runner_inside(seen, dir(manage));
        let worker = format!("{}{here}celery -A {module} worker", enter(dir(manage)));
        found.push(process("worker", dir(manage), worker));
    }
    found
}

fn process(name: &str, place: &str, run: String) -> Process {
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

/// What starts the topmost manifest of each kind, where nothing was found that runs beside it.
fn unknown(seen: &Seen, found: &[Process], frameworks: &[Framework]) -> Vec<String> {
    let framework =
        |file: &str| frameworks.iter().find(|one| one.found.split(": ").next() == Some(file));
    let is_python = |file: &&str| {
        ["requirements", "pyproject.toml", "Pipfile"].iter().any(|name| file.contains(name))
    };
    let manifests = MANIFESTS.iter().filter_map(|name| seen.named(name).next());
    let manifests =
        manifests.filter(|file| !file.ends_with("Gemfile") || framework(file).is_some());
    let python = frameworks.iter().filter(|one| one.port.is_some());
    let python = python.filter_map(|one| one.found.split(": ").next()).filter(is_python);
    // One application may have manifests for several tools.
    let mut known: BTreeSet<&str> = found.iter().filter_map(|one| one.place.as_deref()).collect();
    let unknown = manifests.chain(python).filter(|file| known.insert(dir(file)));
    let told = unknown.map(|file| {
        let migrates = framework(file).is_some_and(|one| !one.migrate.is_empty());
        let more = if migrates { "" } else { ", and what migrates a database to `hooks:`" };
        format!("what starts {file}: add it to `processes:`{more}")
    });
    told.collect()
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
        dir => format!("cd {dir} && "),
    }
}

/// A command in which `$PORT` and the main checkout's ports are the environment's variables.
fn with_variables(command: &str, ports: &[Port]) -> String {
    let Some(first) = ports.first() else { return command.to_owned() };
    let mut command = command.replace("${PORT}", "$PORT");
    if owned(ports, "PORT").is_none() {
        command = command.replace("$PORT", &format!("${}", first.variable));
    }
    for port in ports {
        command = with_variable(&command, port);
    }
    command
}

/// The main checkout's port, where it stands as a number of its own.
fn with_variable(command: &str, port: &Port) -> String {
    let main = port.main.to_string();
    let mut parts = command.split(main.as_str()).peekable();
    let mut text = String::new();
    while let Some(part) = parts.next() {
        text.push_str(part);
        let Some(after) = parts.peek() else { break };
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
        let is_own = !text.ends_with(is_word) && !after.starts_with(is_word);
        text.push_str(&if is_own { format!("${}", port.variable) } else { main.clone() });
    }
    text
}

/// Whether the configuration takes a process of this name.
pub(super) fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.len() <= 40
        && name.chars().all(plain)
}
