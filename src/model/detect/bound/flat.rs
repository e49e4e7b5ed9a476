//! Files of settings as paths with values.

use crate::model::compose::syntax::{parsed, scalar};
use serde_yaml::Value;

/// Keys from the top on, and what stands there.
type Setting = (Vec<String>, String);

/// The settings of a file; of YAML with several documents, those of the first.
pub(super) fn settings(file: &str, text: &str) -> Vec<Setting> {
    let mut found = Vec::new();
    if [".properties", ".toml"].iter().any(|end| file.contains(end)) {
        // In properties, a `#` further on belongs to the value.
        return of_lines(text, file.contains(".toml"));
    }
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    let first = text.trim_start_matches("---").split("\n---").next().unwrap_or_default();
    let first: String = first.lines().filter(is_code).flat_map(|line| [line, "\n"]).collect();
    if let Ok(value) = parsed::<Value>(&first) {
        gather(&value, &[], &mut found);
    }
    found
}

fn gather(value: &Value, path: &[String], found: &mut Vec<Setting>) {
    match value {
        Value::Mapping(entries) => {
            for (key, inner) in entries {
                let keys = scalar(key);
                let keys = keys.split(['.', ':']).map(str::to_owned);
                let path: Vec<String> = path.iter().cloned().chain(keys).collect();
                gather(inner, &path, found);
            }
        }
        Value::Sequence(_) | Value::Null => {}
        value => found.push((path.to_vec(), scalar(value))),
    }
}

/// `a.b = "value"`, below `[section]`; `has_comments`: also behind a value.
fn of_lines(text: &str, has_comments: bool) -> Vec<Setting> {
    let mut section: Vec<String> = Vec::new();
    let mut found = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', '!'])) {
        let keys = |text: &str| text.split('.').map(|key| key.trim().to_owned()).collect();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = keys(name);
        } else if let Some((path, value)) = line.split_once(['=', ':']) {
            let path: Vec<String> = keys(path);
            let value = value.trim();
            let inner =
                value.strip_prefix(['"', '\'']).and_then(|rest| rest.split(['"', '\'']).next());
            let plain = || value.split('#').next().filter(|_| has_comments).map(str::trim_end);
            let value = inner.or_else(plain).unwrap_or(value);
            found.push(([section.clone(), path].concat(), value.to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_gives_the_same_paths() {
        for (file, text) in [
            ("a.yml", "a: { b-c: 1 }\nd.e: x:y\n---\na: { b-c: 2 }\n"),
            ("a.json", "{\n  // Why.\n  \"a\": { \"b-c\": 1 }, \"d:e\": \"x:y\" }"),
            ("a.properties", "# c\na.b-c=1\nd.e = x:y\n"),
            ("a.toml", "[a]\nb-c = 1 # why\n[d]\ne = \"x:y\" # why\n"),
        ] {
            let found = settings(file, text).into_iter();
            let found = found.map(|(path, value)| format!("{}={value}", path.join("/")));
            assert_eq!(found.collect::<Vec<_>>(), ["a/b-c=1", "d/e=x:y"], "{file}");
        }
        assert_eq!(settings("a.yml", "[{"), []);
        let value = |file: &str| settings(file, "a = b#c").remove(0).1;
        assert_eq!([value("a.toml"), value("a.properties")], ["b", "b#c"]);
    }
}
