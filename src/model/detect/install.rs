//! Commands that install a project's packages, by its lock files.

use crate::model::detect::seen::{Seen, dir};

/// Lock files with the command, and the option that names another directory. A package manager of Python comes with
/// the command that runs something in its environment.
const INSTALLERS: [(&str, &str, &str); 7] = [
    ("uv.lock", "uv sync", "--directory"),
    ("poetry.lock", "poetry install", "--directory"),
    ("pnpm-lock.yaml", "pnpm install --frozen-lockfile", "--dir"),
    ("yarn.lock", "yarn install", "--cwd"),
    ("bun.lock", "bun install", "--cwd"),
    ("bun.lockb", "bun install", "--cwd"),
    ("package-lock.json", "npm ci", "--prefix"),
];

/// Runners of Python's package managers.
const RUNNERS: [(&str, &str, &str); 2] =
    [("uv.lock", "uv run", "--project"), ("poetry.lock", "poetry run", "--directory")];

/// A command for each lock file.
pub(super) fn commands(seen: &Seen) -> Vec<String> {
    let files = INSTALLERS.iter().flat_map(|(lock, command, option)| {
        seen.named(lock).map(move |path| within(command, option, dir(path)))
    });
    files.collect()
}

/// What comes before `python` for a file in `near`: `uv run `, for the nearest project above it.
pub(super) fn runner(seen: &Seen, near: &str) -> String {
    let found = RUNNERS.iter().find_map(|(lock, command, option)| {
        let mut locks = seen.named(lock).map(dir).filter(|dir| near.starts_with(dir));
        Some(format!("{} ", within(command, option, locks.next()?)))
    });
    found.unwrap_or_default()
}

fn within(command: &str, option: &str, dir: &str) -> String {
    match dir.trim_end_matches('/') {
        "" => command.to_owned(),
        dir => format!("{command} {option} {dir}"),
    }
}
