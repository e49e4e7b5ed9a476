//! Compose's rules for merging one file into another
//! (<https://docs.docker.com/reference/compose-file/merge/>).

use super::syntax::{colons, scalar};
use serde_yaml::{Mapping, Value};
use std::collections::HashSet;

/// Lists that the other file's replaces.
const REPLACED: [&str; 3] = ["command", "entrypoint", "test"];

/// Mappings that may be written as a list.
const NAMED: [&str; 8] = [
    "environment",
    "labels",
    "args",
    "sysctls",
    "depends_on",
    "networks",
    "extra_hosts",
    "annotations",
];

/// Merges `over` into `base`: mappings and lists grow, single values are replaced.
pub(super) fn merge(base: &mut Mapping, over: Mapping) {
    for (key, over) in over {
        let name = key.as_str().unwrap_or_default().to_owned();
        let over = match over {
            Value::Tagged(tagged) if tagged.tag == "reset" => {
                base.shift_remove(&key);
                continue;
            }
            Value::Tagged(tagged) if tagged.tag == "override" => {
                base.insert(key, tagged.value);
                continue;
            }
            over => over,
        };
        match base.get_mut(&key) {
            Some(own) => value(&name, own, over),
            None => {
                base.insert(key, over);
            }
        }
    }
}

fn value(name: &str, own: &mut Value, over: Value) {
    if REPLACED.contains(&name) {
        *own = over;
        return;
    }
    let named = NAMED.contains(&name) && own.is_mapping() != over.is_mapping();
    let over = if named { by_name(over) } else { over };
    if named {
        *own = by_name(std::mem::take(own));
    }
    match (own, over) {
        (Value::Mapping(own), Value::Mapping(over)) => merge(own, over),
        (Value::Sequence(own), Value::Sequence(over)) => {
            // Of two entries for one thing, the last counts.
            let mut known = HashSet::new();
            let mut new: Vec<Value> = over.into_iter().rev().collect();
            new.retain(|entry| known.insert(identity(name, entry)));
            own.retain(|old| !known.contains(&identity(name, old)));
            own.extend(new.into_iter().rev());
        }
        (_, Value::Null) => {}
        (own, over) => *own = over,
    }
}

/// What tells an entry of a list from the others: a variable's name, a volume's path in the container.
fn identity(list: &str, entry: &Value) -> String {
    let text = entry.as_str().unwrap_or_default();
    match list {
        "environment" | "labels" | "args" => text.split('=').next().unwrap_or(text).to_owned(),
        "volumes" => match entry.get("target") {
            Some(target) => scalar(target),
            None => colons(text).get(1).copied().unwrap_or(text).to_owned(),
        },
        _ => serde_yaml::to_string(entry).unwrap_or_default(),
    }
}

/// A list of names or of `NAME=value` as a mapping.
pub(super) fn by_name(value: Value) -> Value {
    let Value::Sequence(list) = value else { return value };
    let entries = list.into_iter().map(|entry| {
        let text = scalar(&entry);
        match text.split_once('=') {
            Some((name, value)) => (name.into(), value.into()),
            None => (text.into(), Value::Null),
        }
    });
    Value::Mapping(entries.collect())
}

/// The values of a section that are mappings.
pub(super) fn entries<'a>(
    file: &'a mut Mapping,
    section: &str,
) -> impl Iterator<Item = &'a mut Mapping> {
    let all = file.get_mut(section).and_then(Value::as_mapping_mut).into_iter();
    all.flat_map(Mapping::values_mut).filter_map(Value::as_mapping_mut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_grow_and_values_are_replaced() {
        for (base, over, merged) in [
            ("ports: [a]", "ports: [b, a]", "ports: [b, a]"),
            ("command: [a]", "command: [b]", "command: [b]"),
            ("environment: [A=1, B=2]", "environment: { B: 3 }", "environment: { A: '1', B: 3 }"),
            ("environment: [A=1, B=2]", "environment: [B=3]", "environment: [A=1, B=3]"),
            ("ports: [a, c, a]", "ports: [b, d, b]", "ports: [a, c, a, d, b]"),
            ("volumes: ['x:/a']", "volumes: ['y:/a', '/b']", "volumes: ['y:/a', '/b']"),
            (
                "depends_on: [a]",
                "depends_on: { b: { condition: c } }",
                "depends_on: { a: , b: { condition: c } }",
            ),
            ("ports: [a]\nimage: x", "ports: !override [b]\nimage: !reset null", "ports: [b]"),
        ] {
            let parsed = |text: &str| serde_yaml::from_str::<Mapping>(text).unwrap();
            let mut own = parsed(base);
            merge(&mut own, parsed(over));
            assert_eq!(own, parsed(merged), "{base} + {over}");
        }
    }
}
