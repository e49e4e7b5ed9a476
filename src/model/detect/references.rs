//! Files that compose files and tasks name: their names say nothing by themselves.

use super::paths::{dir, is_compose, is_of_other_stage, name, names_stage, runner};
use super::seen::Seen;
use super::tasks;
use crate::model::compose::join;
use crate::model::compose::syntax::parsed;
use serde_yaml::Value;
use std::collections::BTreeSet;

/// What compose files and tasks name.
#[derive(Debug, Default)]
pub struct References {
    /// Files of variables.
    pub variables: BTreeSet<String>,
    /// Further compose files.
    pub stacks: BTreeSet<String>,
    /// What files of task runners include, and the scripts that their tasks call.
    pub tasks: BTreeSet<String>,
}

/// The files that the compose files and the tasks which were read name, from the top of the repository on. `known` are read
/// as compose files, whatever they are called.
pub fn references(seen: &Seen, known: &BTreeSet<String>) -> References {
    let mut found = References { tasks: tasks::named(seen), ..References::default() };
    let files = seen.files.iter().filter(|(path, _)| is_compose(path) || known.contains(*path));
    let is_developers = files.clone().any(|(path, _)| !names_stage(path));
    for (path, text) in files {
        // What another stage's file names of its own stage is none of the developers'.
        let is_left =
            |named: &String| is_developers && names_stage(path) && is_of_other_stage(named);
        let Ok(root) = parsed::<Value>(text) else { continue };
        let at = |named: &str| join(dir(path), named);
        found.stacks.extend(paths(root.get("include")).map(at));
        let services = root.get("services").and_then(Value::as_mapping).into_iter().flatten();
        for (_, service) in services {
            let base = service.get("extends").and_then(|one| one.get("file")?.as_str());
            found.stacks.extend(base.map(at));
            found
                .variables
                .extend(paths(service.get("env_file")).map(at).filter(|named| !is_left(named)));
        }
    }
    found
}

/// Whether scripts of this name may start a compose file.
pub(super) fn is_script(path: &str) -> bool {
    let name = name(path);
    let is_near = ["", "scripts/", "script/", "bin/", "dev/"].contains(&dir(path));
    runner(path).is_some() || name == "package.json" || (is_near && name.ends_with(".sh"))
}

/// The tracked files that scripts give to compose: `docker compose -f deploy/dev.yaml up`, from the top or from the script on.
/// A variable before the path is one of these directories.
pub fn started(seen: &Seen) -> BTreeSet<String> {
    let scripts = seen.files.iter().filter(|(path, _)| is_script(path));
    let named = scripts.flat_map(|(script, text)| {
        let lines = text.lines().filter(|line| line.contains("compose"));
        let words =
            lines.flat_map(|line| line.split(|c: char| c.is_whitespace() || "\"'=\\".contains(c)));
        let yaml = words.filter(|word| [".yml", ".yaml"].iter().any(|end| word.ends_with(end)));
        yaml.flat_map(move |word| {
            let (start, rest) = word.split_once('/').unwrap_or(("", word));
            let path = if start.starts_with('$') { rest } else { word };
            ["", dir(script)].map(|from| join(from, path))
        })
    });
    named.filter(|path| seen.tracked.contains(path)).collect()
}

/// One path or several, short or long.
fn paths(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let entries = value.into_iter().flat_map(|value| match value {
        Value::Sequence(list) => list.iter().collect(),
        one => vec![one],
    });
    let long = entries.map(|entry| entry.get("path").unwrap_or(entry));
    let each = long.flat_map(|path| match path {
        Value::Sequence(list) => list.iter().collect(),
        one => vec![one],
    });
    each.filter_map(Value::as_str).filter(|path| !path.contains('$'))
}
