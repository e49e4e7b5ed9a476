//! What runs a project's application, for `up`: a Procfile, else what its frameworks are started with.

use super::Port;
use super::frameworks;
use super::install::{runner, runner_inside};
use super::seen::{Seen, dir};
use serde_json::Value;
use std::collections::BTreeSet;

/// Lock files of Node.js with the command that runs a script, and what stands before the script's own options.
const RUNNERS: [(&str, &str, &str); 5] = [
    ("pnpm-lock.yaml", "pnpm run", ""),
    ("yarn.lock", "yarn run", ""),
    ("bun.lock", "bun run", ""),
    ("bun.lockb", "bun run", ""),
    ("package-lock.json", "npm run", "-- "),
];

/// Names and commands for `sh`, in which the ports are the variables of the environment.
pub(super) fn of(seen: &Seen, ports: &[Port]) -> Vec<(String, String)> {
    let found = of_procfile(seen, ports);
    if !found.is_empty() {
        return found;
    }
    let mut found = of_django(seen, ports);
    let mut packages = of_packages(seen, ports);
    if packages.iter().any(|one| one.is_server) {
        // Elsewhere, such scripts run those of other packages, build libraries or migrate a database. What has no server
        // takes no port, and is not the application.
        let is_run = |dir: &str| ["apps/", "services/"].iter().any(|all| dir.starts_with(all));
        packages.retain(|one| one.is_server || is_run(one.dir));
        packages.sort_by_key(|one| !one.is_server);
        packages.iter_mut().filter(|one| !one.is_server).for_each(|one| one.port = None);
    }
    for script in packages {
        // Two programs cannot listen on one port; which other one this could take, no file says.
        let is_served = |port: &Port| found.iter().any(|(_, other)| reads(other, &port.variable));
        if script.port.is_some_and(is_served) {
            continue;
        }
        let is_taken = |name: &str| found.iter().any(|(known, _)| known == name);
        let name = if is_taken("web") { script.name() } else { "web" };
        if is_name(name) && !is_taken(name) {
            found.push((name.to_owned(), script.command()));
        }
    }
    found
}

/// `name: command` in each line, the one for development first. `release` runs once, before a deployment.
fn of_procfile(seen: &Seen, ports: &[Port]) -> Vec<(String, String)> {
    let Some(file) = seen.named("Procfile.dev").chain(seen.named("Procfile")).next() else {
        return Vec::new();
    };
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
            (name.to_owned(), format!("{}{port}{command}", enter(dir(file))))
        })
        .collect()
}

/// `runserver`, and a worker where the application has a module for Celery.
fn of_django(seen: &Seen, ports: &[Port]) -> Vec<(String, String)> {
    let Some(manage) = frameworks::django(seen) else { return Vec::new() };
    let Some(port) = owned(ports, "DJANGO_PORT").or(ports.first()) else { return Vec::new() };
    let python = runner(seen, dir(manage));
    let web = format!("{python}python {manage} runserver ${}", port.variable);
    let mut found = vec![("web".to_owned(), web)];
    let module = seen.named("celery.py").find_map(|path| {
        let module = path.strip_prefix(dir(manage))?.strip_suffix("/celery.py")?;
        Some(module.replace('/', "."))
    });
    if let Some(module) = module {
        let here = runner_inside(seen, dir(manage));
        let worker = format!("{}{here}celery -A {module} worker", enter(dir(manage)));
        found.push(("worker".to_owned(), worker));
    }
    found
}

/// Whether a command names this variable.
fn reads(command: &str, variable: &str) -> bool {
    command.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == variable)
}

/// The script that starts a package.
struct Script<'a> {
    dir: &'a str,
    run: String,
    /// What stands before the script's own options.
    options: &'static str,
    /// The port that it takes.
    port: Option<&'a Port>,
    is_vite: bool,
    /// It has a framework that listens.
    is_server: bool,
}

impl Script<'_> {
    fn name(&self) -> &str {
        match self.dir.rsplit('/').next().unwrap_or_default() {
            "" => "frontend",
            name => name,
        }
    }

    fn command(&self) -> String {
        let Script { run, options, .. } = self;
        let command = match self.port {
            // Vite and Astro read no variable.
            Some(port) if self.is_vite => format!("{run} {options}--port ${}", port.variable),
            port => port_before(port) + run,
        };
        enter(self.dir) + &command
    }
}

/// The scripts `dev` or `start` of each `package.json`, but for applications of mobile devices.
fn of_packages<'a>(seen: &'a Seen, ports: &'a [Port]) -> Vec<Script<'a>> {
    let script = |file: &'a str| {
        let package: Value = serde_json::from_str(seen.text(file)).ok()?;
        let script =
            ["dev", "start"].into_iter().find(|script| package["scripts"][script].is_string())?;
        let own = frameworks::port_of_package(seen, file);
        if own.is_none() && package["dependencies"].get("expo").is_some() {
            return None;
        }
        let (run, options) = runner_of_scripts(seen, file);
        let is_vite = own == Some("VITE_PORT");
        let port = match is_vite {
            true => owned(ports, "VITE_PORT"),
            false => owned(ports, "PORT").or(ports.first()),
        };
        let (run, dir) = (format!("{run} {script}"), dir(file).trim_end_matches('/'));
        Some(Script { dir, run, options, port, is_vite, is_server: own.is_some() })
    };
    seen.named("package.json").filter_map(script).collect()
}

/// What runs a script of a `package.json`, and what stands before the script's own options.
pub(super) fn runner_of_scripts(seen: &Seen, file: &str) -> (&'static str, &'static str) {
    let lock = |(lock, ..): &&(&str, &str, &str)| seen.named(lock).any(|at| dir(at) == dir(file));
    let (_, run, options) = RUNNERS.iter().find(lock).unwrap_or(&RUNNERS[4]);
    (run, options)
}

/// A manifest of a kind that says nothing here of how its application starts, if nothing but a second server was found.
pub(super) fn unknown<'a>(seen: &'a Seen, found: &[(String, String)]) -> Option<&'a str> {
    let is_second = |(_, command): &(String, String)| reads(command, "VITE_PORT");
    let manifests = ["composer.json", "mix.exs", "go.mod", "Cargo.toml", "pom.xml"];
    let mut manifests = manifests.iter().filter_map(|name| seen.named(name).next());
    manifests.next().filter(|_| found.iter().all(is_second))
}

/// The port whose variable a framework takes.
fn owned<'a>(ports: &'a [Port], variable: &str) -> Option<&'a Port> {
    ports.iter().find(|port| port.variable == variable)
}

/// `PORT=$WEB_PORT `, for a command that reads `PORT`.
fn port_before(port: Option<&Port>) -> String {
    port.map_or_else(String::new, |port| format!("PORT=${} ", port.variable))
}

fn enter(dir: &str) -> String {
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
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.len() <= 40
        && name.chars().all(plain)
}
