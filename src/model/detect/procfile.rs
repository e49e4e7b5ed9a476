//! What a Procfile starts.

use super::Port;
use super::compose;
use super::frameworks;
use super::packages;
use super::paths::dir;
use super::processes::{Process, enter, is_name, owned, port_before, process};
use super::seen::Seen;
use std::collections::BTreeSet;

/// The Procfile that counts: scripts for development come before one that is not, and it says nothing of a developer's
/// machine where it runs what a deployment builds.
pub(super) fn chosen<'a>(seen: &'a Seen, packages: &[packages::Script<'_>]) -> Option<&'a str> {
    let is_main = || packages.iter().any(packages::Script::is_main);
    let is_built =
        |file: &str| lines(seen, file).any(|line| line.0 == "web" && runs_built(seen, line.1));
    any(seen).filter(|file| file.ends_with(".dev") || !(is_main() || is_built(file)))
}

/// The program is a file, and none that git tracks.
fn runs_built(seen: &Seen, command: &str) -> bool {
    let program = command.split_whitespace().find(|word| !word.contains('=')).unwrap_or_default();
    let path = program.trim_start_matches("./");
    let is_plain = !command.contains("$(");
    is_plain
        && program.contains(['/', '.'])
        && !path.starts_with(['/', '$'])
        && !seen.tracked.contains(path)
}

/// The Procfile that is used.
pub(super) fn any(seen: &Seen) -> Option<&str> {
    seen.named("Procfile.dev").chain(seen.named("Procfile")).next()
}

/// `name: command` in each line. `release` runs once, before a deployment.
fn lines<'a>(seen: &'a Seen, file: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let lines = seen.text(file).lines().filter_map(|line| line.split_once(':'));
    let lines = lines.map(|(name, command)| (name.trim(), command.trim()));
    let lines = lines.filter(|(name, command)| is_name(name) && !command.is_empty());
    // A template of a Procfile has a line for each choice.
    let mut names = BTreeSet::new();
    lines.filter(move |(name, _)| names.insert(*name)).filter(|(name, _)| *name != "release")
}

/// The ports that a Procfile gives its programs as numbers.
pub(super) fn ports(seen: &Seen) -> Vec<Port> {
    let Some(file) = chosen(seen, &packages::of(seen)) else { return Vec::new() };
    let of_line = |(name, command): (&str, &str)| {
        let main = frameworks::assigned(command)?.parse().ok()?;
        let variable = match name {
            "web" => "PORT".to_owned(),
            name => format!("{}_PORT", compose::variable(name)),
        };
        Some(Port { variable, main, why: format!("{file}: {name}") })
    };
    lines(seen, file).filter_map(of_line).collect()
}

/// What `up` starts of it, whose author knows all that there is to start.
pub(super) fn of(seen: &Seen, file: &str, ports: &[Port]) -> Vec<Process> {
    let each = lines(seen, file).map(|(name, command)| {
        let is_web = name == "web";
        // A Procfile's runner gives each program another port.
        let command = command.strip_prefix("unset PORT;").filter(|_| is_web).unwrap_or(command);
        let command = with_variables(command.trim_start(), ports);
        let is_told = ports.iter().any(|port| command.contains(&port.variable));
        let port = if is_web && !is_told { port_before(ports.first()) } else { String::new() };
        process(name, "", format!("{}{port}{command}", enter(dir(file))))
    });
    each.collect()
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
pub(super) fn with_variable(command: &str, port: &Port) -> String {
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
