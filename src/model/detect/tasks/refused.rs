//! Tasks that are not proposed: they start containers, change a database, or do what is not known.

use crate::model::detect::Evidence;
use crate::model::detect::roles::Role;
use crate::model::detect::url::Url;
use crate::model::detect::vars::Var;

/// Parts of words for programs that run containers or ask databases, or that change the machine, and for files of variables.
const WORDS: [&str; 14] = [
    ".env",
    "docker",
    "podman",
    "nerdctl",
    "compose",
    "createdb",
    "dropdb",
    "psql",
    "pg_restore",
    "mysql",
    "mariadb",
    "redis-cli",
    "mongo",
    "sudo",
];

/// Programs whose own tasks are not followed, and words of the shell before a command.
const CALLS: [&str; 14] = [
    ".", "case", "do", "else", "eval", "exec", "for", "if", "just", "make", "source", "task",
    "then", "while",
];

/// Whether a task is not known to be harmless by all that it runs.
pub(super) fn is_refused(evidence: &Evidence<'_>, text: &str) -> bool {
    let text = with_programs(text);
    let lower = text.to_lowercase();
    let is_page = |at: usize| ["http", "https"].iter().any(|end| lower[..at].ends_with(end));
    WORDS.iter().any(|word| lower.contains(word))
        || lower.match_indices("://").any(|(at, _)| !is_page(at))
        || text.split(['\n', ';', '&', '|']).any(is_unknown)
        || names_part(evidence, &text)
}

/// make has a variable for these programs.
pub(super) fn with_programs(text: &str) -> String {
    text.replace("$(GO)", "go").replace("$(CARGO)", "cargo")
}

/// A command's program is not known by its first word.
fn is_unknown(command: &str) -> bool {
    let is_value = |word: &&str| {
        word.split_once('=')
            .is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
    };
    let is_part = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let first = command
        .split_whitespace()
        .map(|word| word.trim_start_matches('@'))
        .find(|word| !is_value(word));
    first.is_some_and(|first| {
        !first.starts_with('#') && (!first.chars().all(is_part) || CALLS.contains(&first))
    })
}

/// A word is the main checkout's database.
fn names_part(evidence: &Evidence<'_>, text: &str) -> bool {
    let part = |var: &Var| match Url::parse(&var.value) {
        Some(url) => Some(url.part),
        None => {
            let is_part = matches!(evidence.role(&var.name), Some((_, Role::Part)));
            is_part.then(|| var.value.clone())
        }
    };
    let parts = evidence.vars.iter().filter_map(part);
    // An index is any number.
    let parts: Vec<String> =
        parts.filter(|part| !part.is_empty() && part.parse::<u32>().is_err()).collect();
    let is_name = |word: &str| parts.iter().any(|part| part == word);
    text.split(|c: char| c.is_whitespace() || "='\"".contains(c)).any(is_name)
}
