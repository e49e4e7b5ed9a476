//! Which compose files are used.

use super::{Stack, stack};
use crate::model::detect::paths::{is_compose, name, names_only_stage};
use crate::model::detect::seen::Seen;

/// The names that compose looks for by itself, in its order.
pub(super) const MAIN: [&str; 4] =
    ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/// Files for the servers alone.
const INFRA: [&str; 2] = ["infra.yml", "local-infra.yml"];

/// The compose files that are used: the application's with its override file, one with the servers if that has none,
/// and those for servers alone.
pub(in crate::model::detect) fn stacks(seen: &Seen) -> Vec<Stack> {
    let mut files: Vec<&str> = seen.files.keys().map(String::as_str).collect();
    let is_one = |file: &str| is_compose(file) || seen.stacks.contains(file);
    files.retain(|file| is_one(file) && !INFRA.contains(file) && !is_override(file));
    files.sort_by_key(|file| {
        let name = name(file);
        let order = MAIN.iter().position(|main| *main == name).unwrap_or(MAIN.len());
        let depth = file.matches('/').count();
        (names_only_stage(file), !is_compose(name), depth, order, dev_last(name), *file)
    });
    let mut read: Vec<Stack> = files.into_iter().filter_map(|file| stack(file, seen)).collect();
    // Another name alone does not say that developers start it.
    let is_application = |one: &Stack| seen.stacks.contains(&one.file) && one.runs_application();
    read.retain(|one| is_compose(name(&one.file)) || one.has_servers() || is_application(one));
    let is_application = |one: &Stack| !is_documentation(&one.file) && one.has_servers();
    let has_servers = read.iter().any(is_application);
    read.retain(|one| !is_documentation(&one.file) || (one.has_servers() && !has_servers));
    read.sort_by_key(|stack| {
        !(stack.has_servers() || stack.runs_application()) || !is_started(seen, &stack.file)
    });
    let mut read = read.into_iter();
    let mut found: Vec<Stack> = read.next().into_iter().collect();
    if !found.iter().any(Stack::has_servers) {
        found.extend(read.find(Stack::has_servers));
    }
    found.extend(INFRA.iter().filter_map(|file| stack(file, seen)));
    found
}

/// What developers start: scripts name the file.
fn is_started(seen: &Seen, file: &str) -> bool {
    let scripts = ["package.json", "Makefile", "justfile", ".env"].into_iter();
    let names = |text: &str| {
        let words = text.split(|c: char| c.is_whitespace() || "\"'=:;,".contains(c));
        words.into_iter().any(|word| word.trim_start_matches("./") == file)
    };
    !names_only_stage(file) && scripts.into_iter().any(|path| names(seen.text(path)))
}

/// Whether the file only builds or serves the documentation: `docker-compose.docs.yml`.
fn is_documentation(file: &str) -> bool {
    name(file).split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == "docs")
}

fn is_override(file: &str) -> bool {
    file.contains(".override.")
}

/// Among files of one directory, those for development come first.
fn dev_last(name: &str) -> bool {
    !["dev", "local", "postgres"].iter().any(|word| name.contains(word))
}
