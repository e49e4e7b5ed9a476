//! Files that compose files name: their names say nothing by themselves.

use super::seen::{Seen, dir, is_compose};
use crate::model::compose::join;
use crate::model::compose::syntax::parsed;
use serde_yaml::Value;
use std::collections::BTreeSet;

/// What compose files name.
#[derive(Debug, Default)]
pub struct References {
    /// Files of variables.
    pub variables: BTreeSet<String>,
    /// Further compose files.
    pub stacks: BTreeSet<String>,
}

/// The files that the compose files which were read name, from the top of the repository on. `known` are read as compose
/// files, whatever they are called.
pub fn references(seen: &Seen, known: &BTreeSet<String>) -> References {
    let mut found = References::default();
    let files = seen.files.iter().filter(|(path, _)| is_compose(path) || known.contains(*path));
    for (path, text) in files {
        let Ok(root) = parsed::<Value>(text) else { continue };
        let at = |named: &str| join(dir(path), named);
        found.stacks.extend(paths(root.get("include")).map(at));
        let services = root.get("services").and_then(Value::as_mapping).into_iter().flatten();
        for (_, service) in services {
            let base = service.get("extends").and_then(|one| one.get("file")?.as_str());
            found.stacks.extend(base.map(at));
            found.variables.extend(paths(service.get("env_file")).map(at));
        }
    }
    found
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
