//! What single values of a compose file mean.

use anyhow::{Result, bail};
use serde::de::DeserializeOwned;
use serde_yaml::{Mapping, Value};

/// How deep brackets may stand in each other: parsers of YAML take a time for each pair of them.
const DEEPEST: usize = 500;

/// A compose file, as it stands there.
///
/// # Errors
/// When it is no YAML, or nothing but brackets.
pub(in crate::model) fn parsed<T: DeserializeOwned>(text: &str) -> Result<T> {
    let mut depth = 0_usize;
    for c in text.bytes() {
        match c {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            bail!("its brackets are too deep");
        }
    }
    Ok(serde_yaml::from_str(text)?)
}

/// Puts what `<<` names in its place, from the innermost on: what is merged may merge others itself. The first one that has a
/// key counts.
///
/// # Errors
/// When `<<` names anything but mappings.
pub(super) fn merge_keys(value: &mut Value) -> Result<()> {
    match value {
        Value::Mapping(map) => {
            map.values_mut().try_for_each(merge_keys)?;
            let Some(merged) = map.shift_remove("<<") else { return Ok(()) };
            let bases = if let Value::Sequence(list) = merged { list } else { vec![merged] };
            bases.into_iter().try_for_each(|base| add_missing(map, base))
        }
        Value::Sequence(list) => list.iter_mut().try_for_each(merge_keys),
        Value::Tagged(tagged) => merge_keys(&mut tagged.value),
        _ => Ok(()),
    }
}

fn add_missing(map: &mut Mapping, base: Value) -> Result<()> {
    let Value::Mapping(base) = base else { bail!("`<<` names something that is no mapping") };
    for (key, value) in base {
        map.entry(key).or_insert(value);
    }
    Ok(())
}

/// The variables of `environment`, a mapping or a list. A name without a value is left out.
pub(in crate::model) fn environment(value: Option<&Value>) -> Vec<(String, String)> {
    match value {
        Some(Value::Mapping(map)) => {
            map.iter().map(|(key, value)| (scalar(key), scalar(value))).collect()
        }
        Some(Value::Sequence(list)) => list
            .iter()
            .filter_map(|entry| entry.as_str()?.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        _ => Vec::new(),
    }
}

/// A text, number or flag as text; anything else is empty.
pub(in crate::model) fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        _ => String::new(),
    }
}

/// What stands there when no variable is set, and the variable that decides.
pub(in crate::model) fn interpolated(text: &str) -> (String, Option<String>) {
    let Some((before, rest)) = text.split_once("${") else {
        return (text.to_owned(), None);
    };
    let Some((inner, after)) = rest.split_once('}') else {
        return (text.to_owned(), None);
    };
    let end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inner.len());
    let (name, rest) = inner.split_at(end);
    let default = rest.strip_prefix(":-").or_else(|| rest.strip_prefix('-')).unwrap_or("");
    (format!("{before}{default}{after}"), Some(name.to_owned()))
}

/// The parts between colons that are not inside `${…}` or `[…]`.
pub(in crate::model) fn colons(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0_u32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.saturating_sub(1),
            ':' if depth == 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_give_way_to_their_defaults() {
        for (text, value, name) in [
            ("a", "a", None),
            ("x-${N:-1}-y", "x-1-y", Some("N")),
            ("${N}", "", Some("N")),
            ("${N-2}", "2", Some("N")),
            ("${N:?needed}", "", Some("N")),
            ("${N", "${N", None),
        ] {
            assert_eq!(interpolated(text), (value.to_owned(), name.map(str::to_owned)));
        }
    }

    #[test]
    fn colons_inside_braces_and_brackets_do_not_part() {
        assert_eq!(colons("127.0.0.1:${PORT:-1}:8000"), ["127.0.0.1", "${PORT:-1}", "8000"]);
        assert_eq!(colons("[::1]:80:80/tcp"), ["[::1]", "80", "80/tcp"]);
        assert_eq!(colons("80"), ["80"]);
    }
}
