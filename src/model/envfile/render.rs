//! Variables in the syntax of each reader.

use super::QUOTED;
use crate::model::shell;
use indexmap::IndexMap;

/// Lines for an environment file.
pub fn dotenv(vars: &IndexMap<String, String>) -> String {
    lines(vars, |name, value| match value.contains(QUOTED) {
        true => format!("{name}='{value}'"),
        false => format!("{name}={value}"),
    })
}

/// Lines for a POSIX shell to evaluate.
pub fn shell(vars: &IndexMap<String, String>) -> String {
    lines(vars, |name, value| format!("export {name}={}", shell::quoted(value)))
}

/// Lines for fish to evaluate.
pub fn fish(vars: &IndexMap<String, String>) -> String {
    lines(vars, |name, value| {
        let value = value.replace('\\', r"\\").replace('\'', r"\'");
        format!("set -gx {name} '{value}'")
    })
}

fn lines(vars: &IndexMap<String, String>, line: impl Fn(&str, &str) -> String) -> String {
    let lines = vars.iter().map(|(name, value)| line(name, value) + "\n");
    lines.collect()
}
