//! Text of a program that names a server and does not connect to it.

use crate::model::detect::paths::runner;

/// Rust has its tests at the end of the file that they test.
pub(in crate::model::detect) fn without_tests<'a>(file: &str, text: &'a str) -> &'a str {
    let Some(at) = text.find("#[cfg(test)]").filter(|_| file.ends_with(".rs")) else { return text };
    let is_module = text[at..].lines().nth(1).is_some_and(|line| line.trim_end().ends_with('{'));
    if is_module { &text[..at] } else { text }
}

/// `DATABASE_URL=postgres://…` in a program tells how to set the variable; scripts and settings do set it.
pub(super) fn is_example(file: &str, line: &str) -> bool {
    if runner(file) == Some("make") {
        // The environment counts more.
        return line.contains("?=");
    }
    let sets = [".sh", ".yml", ".yaml", ".toml", ".ini", ".properties", ".conf"];
    let is_set = || {
        line.match_indices("://").any(|(at, _)| {
            let before = line[..at].trim_end_matches(|c: char| c.is_ascii_lowercase() || c == '+');
            let name = before.strip_suffix('=');
            name.is_some_and(|name| name.ends_with(|c: char| c.is_ascii_uppercase()))
        })
    };
    !sets.iter().any(|end| file.ends_with(end)) && is_set()
}

/// Words for databases that no environment has a part of.
const OTHERS: [&str; 11] = [
    "bigquery",
    "cassandra",
    "clickhouse",
    "databricks",
    "influx",
    "mongo",
    "mssql",
    "oracle",
    "redshift",
    "snowflake",
    "sqlserver",
];

/// The line that opens the block of a line names such a database.
pub(super) fn is_of_other(lines: &[&str], at: usize) -> bool {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let own = indent(lines[at]);
    let mut before = lines[..at].iter().rev().filter(|line| !line.trim().is_empty());
    let header = before.find(|line| indent(line) < own).map(|line| line.to_lowercase());
    header.is_some_and(|header| OTHERS.iter().any(|word| header.contains(word)))
}
