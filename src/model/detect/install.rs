//! Commands that install a project's packages, by its lock files.

use crate::model::config::Kind;
use crate::model::detect::Project;
use crate::model::detect::extras;
use crate::model::detect::packages;
use crate::model::detect::processes::enter;
use crate::model::detect::seen::{Seen, dir, name};
use crate::model::shell;

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

/// Manifests whose packages a command installs, in whose directory it runs. Other languages do so when they build.
const MANIFESTS: [(&str, &str); 3] = [
    ("Pipfile", "pipenv install --dev"),
    ("composer.json", "composer install"),
    ("mix.exs", "mix deps.get"),
];

/// Runners of Python's package managers.
const RUNNERS: [(&str, &str, &str); 3] = [
    ("uv.lock", "uv run", "--project"),
    ("poetry.lock", "poetry run", "--directory"),
    ("Pipfile", "pipenv run", ""),
];

/// Whether a file of this path is a lock file, which says something by being there, whatever it holds.
pub fn is_lock(path: &str) -> bool {
    let name = name(path);
    INSTALLERS.iter().any(|(lock, ..)| *lock == name)
}

/// A command for each lock file, but for those of tools further down, and for the topmost of other manifests; a virtual
/// environment for requirements without one.
pub(super) fn commands(project: &Project, seen: &Seen) -> Vec<String> {
    let kinds: Vec<Kind> = project.services.iter().map(|service| service.kind).collect();
    let started = packages::of(seen);
    let is_near = |path: &str| path.matches('/').count() < 2;
    let has_near = INSTALLERS.iter().flat_map(|(lock, ..)| seen.named(lock)).any(is_near);
    let is_used = |path: &&str| {
        let is_started = || started.iter().any(|one| one.file.starts_with(dir(path)));
        !has_near || is_near(path) || is_started()
    };
    let files = INSTALLERS.iter().flat_map(|(lock, command, option)| {
        let locks = seen.named(lock).filter(is_used);
        let install = |path| within(command, option, dir(path)) + &with_extras(seen, path, &kinds);
        locks.map(install).collect::<Vec<_>>()
    });
    // Before Python 3.13 a virtual environment does not tell git to ignore it.
    let venv = requirements(seen).map(|file| {
        let venv = shell::word(&format!("{}.venv", home(file)));
        let what = match file.strip_suffix("pyproject.toml") {
            Some(dir) => {
                let extras = extras::needed(seen, dir, &kinds).join(",");
                let extras = if extras.is_empty() { extras } else { format!("[{extras}]") };
                format!("-e {}", shell::word(&format!("./{dir}{extras}")))
            }
            None => format!("-r {}", shell::word(file)),
        };
        format!(
            "python3 -m venv {venv} && echo '*' >{venv}/.gitignore && {venv}/bin/pip install {what}"
        )
    });
    let manifests = MANIFESTS.iter().filter_map(|(manifest, command)| {
        let dir = dir(seen.named(manifest).next()?);
        Some(enter(dir) + command)
    });
    venv.into_iter().chain(files).chain(manifests).collect()
}

/// Options with the extras that the installer of a lock file must be told.
fn with_extras(seen: &Seen, lock: &str, kinds: &[Kind]) -> String {
    let option = match name(lock) {
        "uv.lock" => "--extra",
        "poetry.lock" => "--extras",
        _ => return String::new(),
    };
    let extras = extras::needed(seen, dir(lock), kinds).into_iter();
    extras.map(|extra| format!(" {option} {}", shell::word(&extra))).collect()
}

/// The topmost `requirements.txt` of a project without a lock file for Python, else what declares it as a package. Where it
/// only passes on what a server gets, or is not there, the file for development.
fn requirements(seen: &Seen) -> Option<&str> {
    let is_locked = RUNNERS.iter().any(|(lock, ..)| seen.named(lock).next().is_some());
    // Others configure tools.
    let is_package = |file: &&str| {
        let text = seen.text(file);
        let headers = text.lines().filter_map(|line| line.split('#').next());
        headers.map(str::trim).any(|line| ["[project]", "[tool.poetry]"].contains(&line))
    };
    let package = || seen.named("pyproject.toml").find(is_package);
    let passes_on = |file: &&str| {
        let mut lines = seen.text(file).lines().map(str::trim);
        lines.all(|line| line.is_empty() || line.starts_with('#') || line.starts_with("-r "))
    };
    let plain = || seen.named("requirements.txt").next();
    let own = plain().filter(|file| !passes_on(file));
    own.or_else(|| developed(seen)).or_else(plain).or_else(package).filter(|_| !is_locked)
}

/// `requirements/dev.txt` that takes in another file, or names Django by itself.
fn developed(seen: &Seen) -> Option<&str> {
    let is_whole = |text: &str| {
        text.lines()
            .any(|line| line.starts_with("-r ") || line.to_lowercase().starts_with("django"))
    };
    let is_it = |(path, text): &(&str, &str)| {
        dir(path).ends_with("requirements/")
            && ["dev.txt", "development.txt", "local.txt"].contains(&name(path))
            && is_whole(text)
    };
    seen.ending(&[".txt"]).find(is_it).map(|(path, _)| path)
}

/// The directory of what these requirements are for.
fn home(requirements: &str) -> &str {
    dir(requirements).strip_suffix("requirements/").unwrap_or_else(|| dir(requirements))
}

/// What comes before `python` for a file in `near`: `uv run `, for the nearest project above it. In a virtual environment of
/// requirements, programs are found where there is one; else those of the shell run.
pub(super) fn runner(seen: &Seen, near: &str) -> String {
    let found = RUNNERS.iter().find_map(|(lock, command, option)| {
        let dir = above(seen, lock, near)?;
        // pipenv finds the project by the directory that it runs in.
        (!option.is_empty() || dir.is_empty()).then(|| format!("{} ", within(command, option, dir)))
    });
    found.or_else(|| path(seen, near, "")).unwrap_or_default()
}

/// The same for a command that runs in the directory `near`, where a package manager finds the project by itself.
pub(super) fn runner_inside(seen: &Seen, near: &str) -> String {
    let up = "../".repeat(near.matches('/').count());
    let plain = || runner(seen, near).split_inclusive(' ').take(2).collect();
    path(seen, near, &up).unwrap_or_else(plain)
}

/// The nearest directory above `near`, or itself, with a file of this name.
pub(super) fn above<'a>(seen: &'a Seen, name: &'a str, near: &str) -> Option<&'a str> {
    seen.named(name).map(dir).filter(|dir| near.starts_with(dir)).last()
}

fn path(seen: &Seen, near: &str, up: &str) -> Option<String> {
    let at = home(requirements(seen)?);
    near.starts_with(at).then(|| format!("PATH=\"$PWD/{up}{at}.venv/bin:$PATH\" "))
}

fn within(command: &str, option: &str, dir: &str) -> String {
    match dir.trim_end_matches('/') {
        "" => command.to_owned(),
        dir => format!("{command} {option} {}", shell::word(dir)),
    }
}
