//! The `.env` beside a compose file, which compose reads.

use crate::model::compose::syntax::{interpolated, scalar};
use crate::model::config::Kind;
use crate::model::detect::roles::{self, Role};
use serde_yaml::{Mapping, Value};

/// Variables with their values.
pub(super) type Vars = [(String, String)];

/// Puts its values in the place of defaults: in images, names and ports, and in the names of databases and users. What else
/// containers get may be a secret.
/// `is_bare`: only where there is no default.
pub(super) fn fill(root: &mut Mapping, vars: &Vars, is_bare: bool) {
    let filled = |text: &str, vars: &Vars| filled(text, vars, is_bare);
    let services = root.get_mut("services").and_then(Value::as_mapping_mut);
    let services = services.into_iter().flatten().filter_map(|(_, one)| one.as_mapping_mut());
    for service in services {
        for key in ["image", "container_name", "ports"] {
            if let Some(value) = service.get_mut(key) {
                each(value, &|text| filled(text, vars));
            }
        }
        if let Some(image) = service.get_mut("image") {
            each(image, &|text| interpolated(text).0);
        }
        let is_part = |name: &str| {
            let role = roles::of(name, Kind::Postgres).map(|(_, role)| role);
            matches!(role, Some(Role::Part | Role::User))
        };
        match service.get_mut("environment") {
            Some(Value::Mapping(map)) => {
                let parts = map.iter_mut().filter(|(name, _)| is_part(&scalar(name)));
                parts.for_each(|(_, value)| each(value, &|text| filled(text, vars)));
            }
            Some(Value::Sequence(list)) => {
                let is_it = |text: &str| text.split('=').next().is_some_and(is_part);
                let parts = list.iter_mut().filter(|one| one.as_str().is_some_and(is_it));
                parts.for_each(|value| each(value, &|text| filled(text, vars)));
            }
            _ => {}
        }
    }
}

/// Changes all texts in a value.
fn each(value: &mut Value, change: &dyn Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = change(text),
        Value::Sequence(list) => list.iter_mut().for_each(|one| each(one, change)),
        Value::Mapping(map) => map.iter_mut().for_each(|(_, one)| each(one, change)),
        _ => {}
    }
}

/// `${NAME:-1}` as `${NAME:-2}`, where the variable is `2`.
fn filled(text: &str, vars: &Vars, is_bare: bool) -> String {
    let mut parts = text.split("${");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (inner, after) = part.split_once('}').unwrap_or((part, ""));
        let end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let name = &inner[..end.unwrap_or(inner.len())];
        match vars.iter().find(|(known, value)| known == name && !value.is_empty()) {
            Some((_, value)) if !is_bare || name == inner => {
                whole.push_str(&format!("${{{name}:-{value}}}{after}"))
            }
            _ => whole.push_str(&format!("${{{part}")),
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_take_the_place_of_defaults() {
        let vars = [("A".to_owned(), "1".to_owned()), ("B".to_owned(), String::new())];
        for (text, expected) in [
            ("${A}", "${A:-1}"),
            ("x${A:-2}:${C:-3}", "x${A:-1}:${C:-3}"),
            ("${B:-2}", "${B:-2}"),
            ("${A:?needed}/y", "${A:-1}/y"),
            ("${A", "${A:-1}"),
            ("$A", "$A"),
        ] {
            assert_eq!(filled(text, &vars, false), expected);
        }
        assert_eq!(filled("${A}:${A:-2}", &vars, true), "${A:-1}:${A:-2}");
    }
}
