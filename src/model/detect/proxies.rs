//! Servers for development, and pages, that send an environment's requests to the main checkout's backend.

use super::frameworks;
use super::install;
use super::leads::Lead;
use super::origins;
use super::paths::{dir, is_compose, name, names_stage};
use super::reads;
use super::sections::development;
use super::seen::Seen;
use std::collections::BTreeSet;

/// Leads for the lines that name a backend, unless an environment gives a variable that they read a value.
pub(super) fn leads(seen: &Seen, is_set: &dyn Fn(&str) -> bool) -> Vec<Lead> {
    let files = seen.files.iter().filter(|(path, text)| !is_compose(path) && is_proxy(path, text));
    files.flat_map(|(path, text)| in_file(seen, path, text, is_set)).collect()
}

/// Settings of such a server, by their name or by a section for it.
fn is_proxy(path: &str, text: &str) -> bool {
    let name = name(path);
    let is_settings = name == "package.json" || name.contains(".config.");
    let words = ["proxy", "Proxy", "rewrites"];
    name.contains("proxy")
        || is_environment(path)
        || (is_settings && words.iter().any(|word| text.contains(word)))
}

/// What Angular builds into pages for development: `environments/environment.ts`.
pub(super) fn is_environment(path: &str) -> bool {
    let is_it = name(path).starts_with("environment.") && name(path).ends_with(".ts");
    is_it && dir(path).ends_with("environments/") && !names_stage(name(path))
}

/// What a browser runs reads no variable.
const PAGES: &str = "write a path without a host there, and let a proxy of the development server lead to a variable under `env:`";

fn in_file(seen: &Seen, file: &str, text: &str, is_set: &dyn Fn(&str) -> bool) -> Vec<Lead> {
    let text = development(text);
    // A variable may replace what a line says a few lines further on.
    let names: Vec<String> = reads::of(&text).into_iter().map(|read| read.name).collect();
    // Pages may name the address that they are at.
    let near = install::above(seen, "package.json", dir(file)).unwrap_or_default();
    let own = frameworks::serves(seen, &format!("{near}package.json")).map(|one| one.main);
    let is_package = file.ends_with("package.json");
    let mut known = BTreeSet::new();
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if is_package && !line.trim_start().starts_with("\"proxy\"") {
            continue;
        }
        let read = reads::of(line).into_iter().map(|read| read.name).next();
        if read.as_deref().is_some_and(is_set) {
            continue;
        }
        for (address, port) in origins::addresses(line) {
            if Some(port) == own || !known.insert(port) {
                continue;
            }
            let way_out = match read.as_ref().or(names.iter().find(|name| name.contains("PROXY"))) {
                Some(name) if is_set(name) => continue,
                Some(name) => format!("set {name} under `env:`"),
                None if is_environment(file) => PAGES.to_owned(),
                None => "read it from a variable there, and set that under `env:`".to_owned(),
            };
            let fault =
                format!("{file}:{} sends requests to {address} in every environment", at + 1);
            found.push(Lead::of(fault, way_out));
        }
    }
    found
}
