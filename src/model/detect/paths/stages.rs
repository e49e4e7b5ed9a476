//! Stages that paths name.

use super::{dir, name};

/// Stages that developers do not run.
pub(in crate::model::detect) const STAGES: [&str; 9] =
    ["ci", "e2e", "preview", "prod", "production", "staging", "test", "testing", "tests"];

/// The words of a path or of another text.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
}

/// Whether a word of a path, wherever it stands, is such a stage.
pub(in crate::model::detect) fn names_stage(path: &str) -> bool {
    words(path).any(|word| STAGES.contains(&word))
}

/// The same, but for what may as well be the name of an application.
pub(in crate::model::detect) fn names_only_stage(path: &str) -> bool {
    words(path).any(|word| STAGES.contains(&word) && word != "preview")
}

/// Whether a file of variables is for another stage than development, by its name or by that of a directory for such files:
/// `.envs/.production/.django`. Other directories are named after applications.
pub(in crate::model::detect) fn is_of_other_stage(path: &str) -> bool {
    let mut dirs = dir(path).trim_end_matches('/').rsplit('/');
    let last = dirs.next().unwrap_or_default();
    let is_inside = dirs.next().is_some_and(|outer| [".envs", "envs", "env"].contains(&outer));
    names_stage(name(path)) || ((is_inside || last.starts_with('.')) && names_stage(last))
}
