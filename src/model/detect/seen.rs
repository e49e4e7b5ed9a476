//! The files of a repository that say how it is run.

use super::install::is_lock;
use super::paths::{self, is_compose, is_envrc, used};
use super::scaffolds;
use std::collections::{BTreeMap, BTreeSet};

/// What there is to look at.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The directory's name.
    pub repo: String,
    /// The content of the files that [`is_telling`](super::is_telling), by path.
    pub files: BTreeMap<String, String>,
    /// Those of them that git tracks: what they hold is no secret.
    pub tracked: BTreeSet<String>,
    /// Files of variables that compose files name, whatever they are called.
    pub variables: BTreeSet<String>,
    /// Compose files that scripts start, whatever they are called.
    pub stacks: BTreeSet<String>,
    /// Further files that git tracks and that name a server, by path.
    pub others: BTreeMap<String, String>,
}

impl Seen {
    /// Whether a file holds variables, by its name, by what refers to it, or as nothing else stands in it.
    pub(super) fn is_environment(&self, path: &str) -> bool {
        paths::is_environment(path)
            || self.variables.contains(path)
            || (used(path).as_deref().unwrap_or(path).ends_with(".conf")
                && holds_variables(self.text(path)))
    }

    /// A tracked file holds this text.
    pub(super) fn is_public(&self, text: &str) -> bool {
        let mut tracked = self.tracked.iter().filter_map(|path| self.files.get(path));
        tracked.any(|content| content.contains(text))
    }

    /// A tracked file has this text for a password: a short one may stand in any file, and many are plain words.
    pub(super) fn is_public_password(&self, text: &str) -> bool {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let signs = ["pass", "pwd", "auth", "://"];
        let has = |line: &str| {
            line.contains(text)
                && signs.iter().any(|sign| line.to_lowercase().contains(sign))
                && line.split(|c| !is_part(c)).any(|word| word.trim_start_matches('-') == text)
        };
        let files = self.files.iter();
        let mut tracked = files.filter(|(path, _)| self.tracked.contains(*path) && !is_lock(path));
        tracked.any(|(_, content)| content.lines().any(has))
    }

    /// A file names a variable that neither holds variables itself nor runs containers.
    pub(super) fn is_in_code(&self, name: &str) -> bool {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let mut files = self.files.iter().chain(&self.others);
        files.any(|(path, text)| {
            let is_code = !self.is_environment(path) && !is_compose(path) && !is_envrc(path);
            is_code && text.contains(name) && text.split(|c| !is_part(c)).any(|word| word == name)
        })
    }

    /// The paths of the files with this name, the topmost first. Those of templates count where there is nothing else.
    pub(super) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.chosen(move |path| paths::name(path) == name)
    }

    /// As [`Seen::named`], of the files whose paths are so.
    pub(super) fn chosen(&self, is_it: impl Fn(&str) -> bool) -> impl Iterator<Item = &str> {
        let mut paths: Vec<&str> = self.files.keys().map(String::as_str).collect();
        paths.retain(|path| is_it(path));
        scaffolds::leave_out(&mut paths, self);
        paths.sort_by_key(|path| path.matches('/').count());
        paths.into_iter()
    }

    /// The content of a file; nothing when it is not there.
    pub(super) fn text(&self, path: &str) -> &str {
        self.files.get(path).or_else(|| self.others.get(path)).map_or("", String::as_str)
    }

    /// The files whose paths end so, with their content.
    pub(super) fn ending<'a>(
        &'a self,
        endings: &'a [&str],
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let files = self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        files.filter(|(path, _)| endings.iter().any(|ending| path.ends_with(ending)))
    }
}

/// Nothing but `NAME=value`, one at least.
fn holds_variables(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let is_one = |line: &str| {
        let name = line.split_once('=').map_or("", |(name, _)| name);
        name.contains('_') && name.chars().all(is_part)
    };
    let lines = text.lines().map(str::trim);
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#')).peekable();
    lines.peek().is_some() && lines.all(is_one)
}
