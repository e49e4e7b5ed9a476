//! Writes a file that YAML 1.1, which version 1 of compose reads, and YAML 1.2 read alike: there, `no` is false and
//! `8012:22` is a number in base 60.

use super::syntax::scalar;
use serde_yaml::{Mapping, Value};

/// Words that are no text in one of them.
const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

/// The file's text.
pub fn text(file: &Mapping) -> String {
    let mut text = String::new();
    mapping(&mut text, file, 0);
    text
}

fn mapping(text: &mut String, map: &Mapping, indent: usize) {
    for (key, value) in map {
        text.push_str(&format!("{:indent$}{}:", "", string(&scalar(key))));
        entry(text, value, indent + 2);
    }
}

fn entry(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Mapping(map) if !map.is_empty() => {
            text.push('\n');
            mapping(text, map, indent);
        }
        Value::Sequence(list) if !list.is_empty() => {
            text.push('\n');
            for item in list {
                text.push_str(&format!("{:indent$}-", ""));
                match item {
                    Value::Mapping(map) if !map.is_empty() => {
                        let mut below = String::new();
                        mapping(&mut below, map, indent + 2);
                        text.push_str(&format!(" {}", below.trim_start()));
                    }
                    item => entry(text, item, indent + 2),
                }
            }
        }
        value => text.push_str(&format!(" {}\n", single(value, indent))),
    }
}

fn single(value: &Value, indent: usize) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::String(text) if is_block(text) => {
            let lines = text.lines().map(|line| match line {
                "" => "\n".to_owned(),
                line => format!("\n{:indent$}{line}", ""),
            });
            format!("|{}", lines.collect::<String>())
        }
        Value::String(text) => string(text),
        Value::Mapping(_) => "{}".to_owned(),
        Value::Sequence(_) => "[]".to_owned(),
        Value::Tagged(tagged) => single(&tagged.value, indent),
        Value::Bool(_) | Value::Number(_) => scalar(value),
    }
}

/// Several lines that a literal block holds as they are.
fn is_block(text: &str) -> bool {
    let inner = text.strip_suffix('\n').unwrap_or_default();
    inner.contains('\n')
        && !inner.starts_with([' ', '\n'])
        && !inner.ends_with('\n')
        && !inner.chars().any(|c| c.is_control() && c != '\n')
}

/// Plain where that is text beyond doubt; else quoted as in JSON, which is YAML.
fn string(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./-".contains(c);
    let is_plain = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text.chars().all(plain)
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if is_plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_one_version_of_yaml_takes_for_something_else_is_quoted() {
        for (value, written) in [
            ("a/b-c.d", "a/b-c.d"),
            ("no", "\"no\""),
            ("Off", "\"Off\""),
            ("8012:22", "\"8012:22\""),
            ("1", "\"1\""),
            ("", "\"\""),
            ("a: b", "\"a: b\""),
            ("${A}", "\"${A}\""),
        ] {
            assert_eq!(string(value), written);
        }
    }

    #[test]
    fn it_is_read_as_it_was() {
        let file = "a: { b: [1, [x, []], { c: null, d: 1.5 }, {}], e: true }\nf: 'no'\n'1': |\n  x\n\n    y\n";
        let file: Mapping = serde_yaml::from_str(file).unwrap();
        assert_eq!(serde_yaml::from_str::<Mapping>(&text(&file)).unwrap(), file, "{}", text(&file));
    }

    proptest! {
        #[test]
        fn every_text_is_read_as_it_was(value in "[a-z0-9:#\n\t \"'\\\\{}é-]{0,12}") {
            let list = Value::Sequence(vec![value.clone().into()]);
            let file = Mapping::from_iter([("a".into(), value.into()), ("b".into(), list)]);
            prop_assert_eq!(serde_yaml::from_str::<Mapping>(&text(&file)).unwrap(), file);
        }
    }
}
