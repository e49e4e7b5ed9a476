//! Paths and names: `worktree`, `env_file`, `project`, `compose` and `infra`.

use super::{Config, Kind};
use crate::model::config::diagnostic::{Checked, Diagnostic};
use crate::model::template::Template;
use std::path::{Component, Path};

/// Checks all of them.
pub(super) fn check(config: &Config) -> Checked<()> {
    worktree(&config.worktree)?;
    inside(&["env_file"], &config.env_file)?;
    project(&config.project)?;
    if let Some(compose) = &config.compose {
        inside(&["compose", "file"], &compose.file)?;
    }
    match &config.infra.file {
        Some(file) => inside(&["infra", "file"], file),
        None => Ok(()),
    }
}

/// Normalises file paths as git writes them, without `.` and empty parts.
pub(super) fn tidy(config: &mut Config) {
    let files = config.services.values_mut().filter(|service| service.kind == Kind::Sqlite);
    let paths = files.flat_map(|service| [&mut service.name, &mut service.main]);
    for path in paths.chain([&mut config.env_file]) {
        let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
        *path = parts.collect::<Vec<_>>().join("/");
    }
}

/// Accepts a relative path that stays inside its directory.
pub(super) fn inside<S: AsRef<str>>(path: &[S], file: &str) -> Checked<()> {
    let wrong = |message: &str| Err(Diagnostic::at(path, format!("`{file}` {message}")));
    let components = || Path::new(file).components();
    if components().any(|c| matches!(c, Component::RootDir | Component::Prefix(_))) {
        return wrong("is absolute; use a relative path");
    }
    if components().any(|c| c == Component::ParentDir) {
        return wrong("leaves its directory through `..`");
    }
    let first = components().find(|c| *c != Component::CurDir);
    match first {
        None => wrong("is not a file"),
        _ if file.ends_with('/') => wrong("is not a file"),
        Some(first) if first.as_os_str() == ".git" => wrong("is inside git's own directory"),
        Some(_) => Ok(()),
    }
}

fn worktree(text: &str) -> Checked<()> {
    let path = ["worktree"];
    named(&path, text, &["name", "repo", "main"])?;
    if text.starts_with('~') {
        let wrong = Diagnostic::at(&path, "`~` is not expanded");
        return Err(wrong.hint("use a path relative to the main checkout, or an absolute path"));
    }
    let components = text.split('/').skip_while(|part| !part.contains("{name}"));
    if components.skip(1).any(|part| part == "..") {
        let message = "`..` after `{name}` puts all worktrees in the same place";
        return Err(Diagnostic::at(&path, message));
    }
    Ok(())
}

fn project(text: &str) -> Checked<()> {
    let path = ["project"];
    let template = named(&path, text, &["name", "repo"])?;
    let value = |_: &str| Some("x".to_owned());
    let sample = template.render(&value).unwrap_or_default();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if sample.starts_with(plain) && sample.chars().all(|c| plain(c) || "_-".contains(c)) {
        return Ok(());
    }
    let message = "a Compose project name consists of a-z, 0-9, `_` and `-`, and starts with a letter or digit";
    Err(Diagnostic::at(&path, message))
}

/// Parses a template that must contain `{name}`.
fn named(path: &[&str], text: &str, known: &[&str]) -> Checked<Template> {
    let because = |error| Diagnostic::because(path, &error);
    let template = Template::parse(text).map_err(because)?;
    template.check(known.iter().copied()).map_err(because)?;
    if !template.has("name") {
        let message = "lacks `{name}`: all environments would share it";
        return Err(Diagnostic::at(path, message).hint(format!("write `{text}-{{name}}`")));
    }
    Ok(template)
}
