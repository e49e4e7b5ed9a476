//! What a Makefile sets, which counts more than the environment does, unless make is called with `-e`.

use crate::model::config::Kind;
use crate::model::detect::paths::dir;
use crate::model::detect::roles;
use crate::model::detect::seen::Seen;

/// A line at the margin that gives a variable a value, of make or of just.
pub(super) struct Assigned<'a> {
    /// From 1.
    line: usize,
    pub(super) name: &'a str,
    pub(super) value: &'a str,
    /// The environment's value counts more, or stays in it.
    is_weak: bool,
}

pub(super) fn assigned(text: &str) -> impl Iterator<Item = Assigned<'_>> {
    text.lines().enumerate().filter_map(|(at, line)| {
        let line_text = Some(line).filter(|line| !line.starts_with('\t'))?.trim_start();
        let (before, value) = line_text.split_once('=')?;
        let is_weak = before.ends_with(['?', '+']);
        let name = before.trim_end_matches([':', '?', '+', '!', ' ', '\t']);
        let name = name.split_whitespace().filter(|word| !["export", "override"].contains(word));
        let name = Some(name.collect::<Vec<_>>()).filter(|words| words.len() == 1)?[0];
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        name.chars().all(is_part).then_some(Assigned { line: at + 1, name, value, is_weak })
    })
}

/// The first variable that a Makefile sets, with its line.
pub(super) fn set_by<'a>(text: &'a str, is_set: &dyn Fn(&str) -> bool) -> Option<(usize, &'a str)> {
    let found = assigned(text).find(|one| !one.is_weak && is_set(one.name));
    found.map(|one| (one.line, one.name))
}

/// Environments may have a value for a variable of this name.
pub(super) fn may_be_set(name: &str) -> bool {
    roles::of(name, Kind::Postgres).is_some() || roles::is_prefix(name)
}

/// The lines of a file that include files of variables, from 1, and these files, from the directory of the `top` file on,
/// where make runs. A name that only make knows stands for itself.
pub(super) fn includes(seen: &Seen, top: &str, file: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, line) in seen.text(file).lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().replace("$(wildcard ", " ");
        let mut words = line.split_whitespace();
        if !words.next().is_some_and(|word| ["include", "-include", "sinclude"].contains(&word)) {
            continue;
        }
        let each = words.filter_map(|word| match word.starts_with('$') {
            true => word.to_uppercase().contains("ENV").then(|| word.to_owned()),
            false => {
                let path = word.trim_end_matches(')').trim_start_matches("./");
                Some(format!("{}{path}", dir(top))).filter(|path| seen.is_environment(path))
            }
        });
        found.extend(each.map(|path| (at + 1, path)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_variables_are_included_in_many_forms() {
        for (line, expected) in [
            ("include .env", &[".env"][..]),
            ("-include\ta.mk .env ./web/.env # own", &[".env", "web/.env"]),
            ("sinclude $(wildcard .env)", &[".env"]),
            ("include $(ENV_FILE)", &["$(ENV_FILE)"]),
            ("include $(DIR)/rules.mk", &[]),
            ("# include .env", &[]),
        ] {
            let files = [("Makefile".to_owned(), line.to_owned())].into();
            let seen = Seen { files, ..Seen::default() };
            let found: Vec<String> =
                includes(&seen, "Makefile", "Makefile").into_iter().map(|(_, path)| path).collect();
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn only_what_counts_more_than_the_environment_is_set() {
        for (line, expected) in [
            ("export A=postgres://localhost/inn", Some("A")),
            ("A := 1", Some("A")),
            ("A ?= 1", None),
            ("run: A = 1", None),
            ("\tA=1 run", None),
        ] {
            assert_eq!(set_by(line, &|_| true).map(|(_, name)| name), expected, "{line}");
        }
    }
}
