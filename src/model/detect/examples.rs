//! Which of several files of variables counts, and examples of such files.

use super::engine;
use super::paths::{dir, name, used};
use super::roles::{self, Role};
use super::seen::Seen;
use crate::model::config::Kind;
use crate::model::envfile;
use std::collections::BTreeSet;

/// The last of the ranks.
pub(super) const EXAMPLE: usize = 6;

/// What says which of the values in one directory counts: the first of these. What containers get and examples come last.
pub(super) fn rank(path: &str) -> usize {
    let name = name(path);
    if used(path).is_some() || name.contains("example") {
        return EXAMPLE;
    }
    let containers = [".env.docker", ".env.compose", ".env.container"];
    match name {
        name if containers.iter().any(|start| name.starts_with(start)) => 5,
        ".env.development.local" => 0,
        ".env.local" => 1,
        name if name.starts_with(".env.") => 2,
        ".flaskenv" => 3,
        _ => 4,
    }
}

/// Examples for another kind of database than environments have, each beside one for such a kind.
pub(super) fn idle<'a>(seen: &Seen, files: &[&'a String]) -> BTreeSet<&'a String> {
    let is_engine = |(name, value): &(String, String)| {
        let is_it = matches!(roles::of(name, Kind::Postgres), Some((_, Role::Engine)));
        is_it && !value.is_empty()
    };
    let engine = |path: &str| {
        let vars = envfile::parse(seen.text(path).as_bytes());
        vars.iter().find(|var| is_engine(var)).map(|(_, value)| engine::word(value).is_some())
    };
    let examples = files.iter().filter(|path| rank(path) == EXAMPLE);
    let said: Vec<(&String, bool)> =
        examples.filter_map(|path| Some((*path, engine(path)?))).collect();
    let usable: BTreeSet<&str> =
        said.iter().filter(|(_, is_ours)| *is_ours).map(|(path, _)| dir(path)).collect();
    let idle = said.into_iter().filter(|(path, is_ours)| !is_ours && usable.contains(dir(path)));
    idle.map(|(path, _)| path).collect()
}

/// What the first example in a directory says, where there is no file of variables yet.
pub(super) fn of_example(seen: &Seen, near: &str) -> Vec<(String, String)> {
    let is_here = |path: &&String| dir(path) == near && seen.is_environment(path);
    let mut files: Vec<&String> = seen.files.keys().filter(is_here).collect();
    let others = idle(seen, &files);
    files.retain(|path| !others.contains(path));
    match files.first().filter(|_| files.iter().all(|path| rank(path) == EXAMPLE)) {
        Some(file) => envfile::parse(seen.text(file).as_bytes()),
        None => Vec::new(),
    }
}
