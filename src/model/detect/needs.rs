//! Variables that Django's settings need before they do anything, and that no file gives a value for development.

mod debugging;

use super::compose::Stack;
use super::examples::{EXAMPLE, rank};
use super::literals::{settings, used_settings};
use super::paths::{STAGES, is_envrc, name, names_stage, used};
use super::reads;
use super::{Evidence, Project};
use crate::model::envfile;

/// What a setting reads.
struct Need {
    /// The variable.
    name: String,
    /// What environments give it; `None`: only the user knows.
    value: Option<String>,
    /// What needs it, and why.
    why: String,
}

/// Long enough for a signing key, and another one in each environment.
const KEY: &str = "only-for-development-of-{project}-and-for-no-other-use";

/// Sets what can be set, and says what is missing. Where a compose file runs the application, its containers have values of
/// their own, which environments would replace. Settings that may be those of another stage say nothing of development.
pub(super) fn find(project: &mut Project, evidence: &Evidence<'_>) {
    let module = settings(evidence.seen).filter(|module| !names_stage(module));
    if project.compose.is_some() || module.is_none() {
        return;
    }
    let settings = used_settings(evidence.seen)
        .filter(|(path, _)| used(path).is_none() && !names_stage(path))
        .filter(|(path, _)| evidence.seen.tracked.contains(*path));
    for need in settings.flat_map(|(path, text)| in_file(path, text)) {
        if project.sets(&need.name) || is_given(evidence, &need.name) {
            continue;
        }
        let Need { name, value, why } = need;
        match value.or_else(|| of_example(evidence, &name)) {
            Some(value) => {
                project.guessed.push(format!("{name}={value}: {why}"));
                project.env.push((name, value));
            }
            None => project.missing.push(format!("a value of {name} (under `env:`): {why}")),
        }
    }
}

/// Why Django's own commands run in containers alone: its settings demand what only these get.
pub(super) fn only_inside(project: &Project, evidence: &Evidence<'_>) -> Option<String> {
    let chosen = |stack: &&Stack| project.compose.as_ref() == Some(&stack.file);
    let stack = evidence.stacks.iter().find(chosen)?;
    let service = stack.services.iter().find(|service| service.runs_application())?;
    settings(evidence.seen).filter(|module| !names_stage(module))?;
    let files: Vec<(&str, &str)> = used_settings(evidence.seen)
        .filter(|(path, _)| evidence.seen.tracked.contains(*path) && !names_stage(path))
        .collect();
    let is_reading = |text: &str| FILES.iter().any(|word| text.contains(word));
    if files.iter().any(|(_, text)| is_reading(text)) {
        return None;
    }
    let mut needs = files.iter().flat_map(|(path, text)| in_file(path, text));
    let is_demanded = |need: &Need| {
        need.value.as_ref().is_none_or(|value| value == KEY)
            && !project.sets(&need.name)
            && !is_given(evidence, &need.name)
    };
    let Need { name, why, .. } = needs.find(is_demanded)?;
    let (place, _) = why.split_once(' ')?;
    Some(format!(
        "{name} on this machine: {place} reads it without a default, and only containers of {} get it: migrate \
         there, such as by `git agentenv run -- docker compose run --rm {} python manage.py migrate`",
        stack.file,
        service.name()
    ))
}

/// Words of code that reads files of variables.
const FILES: [&str; 3] = ["read_env", "dotenv", "decouple"];

fn in_file(path: &str, text: &str) -> Vec<Need> {
    let mut lines = text.lines().enumerate().peekable();
    let mut found = Vec::new();
    while let Some((at, line)) = lines.next() {
        let Some((setting, value)) = line.split_once('=').filter(|_| is_outer(line)) else {
            continue;
        };
        // A long call goes on in the next line.
        let next = lines.peek().filter(|_| value.trim_end().ends_with(['(', '[']));
        let value = format!("{}{}", value.trim(), next.map_or("", |(_, next)| next.trim()));
        let setting = setting.split(':').next().unwrap_or_default().trim();
        let place = format!("{path}:{}", at + 1);
        found.extend(of_setting(&place, setting, &value, text));
    }
    found
}

/// A statement at the margin always runs.
fn is_outer(line: &str) -> bool {
    line.starts_with(|c: char| c.is_ascii_uppercase())
}

fn of_setting(place: &str, setting: &str, value: &str, text: &str) -> Option<Need> {
    let name = reads::of(value).into_iter().next()?.name;
    let (before, after) = value.split_once(&name)?;
    let after = after.trim_start_matches(['"', '\'']).trim_start();
    let is_demanded = || before.trim_end_matches(['"', '\'']).ends_with("environ[");
    let (value, why) = match setting {
        "DEBUG" => {
            let on = debugging::value(value, &name, text).filter(|_| name.contains("DEBUG"))?;
            (Some(on), format!("without it {place} is off, and runserver serves no static files"))
        }
        "SECRET_KEY" if is_bare(after) => {
            (Some(KEY.to_owned()), format!("{place} reads it without a default"))
        }
        _ if is_demanded() && is_bare(after) && text.matches(&name).count() == 1 => {
            (None, format!("{place} reads it without a default, and no file gives one"))
        }
        _ => return None,
    };
    Some(Need { name, value, why })
}

/// Neither the call nor what follows it gives a default.
fn is_bare(after: &str) -> bool {
    after.strip_prefix([')', ']']).is_some_and(|rest| !rest.trim_start().starts_with("or "))
}

/// A file that the application may read on this machine gives the variable a value. What a compose file names, and nothing
/// reads by itself, reaches containers alone.
fn is_given(evidence: &Evidence<'_>, variable: &str) -> bool {
    let seen = evidence.seen;
    let is_containers =
        |path: &String| seen.variables.contains(path) && !name(path).starts_with(".env");
    let is_read = |path: &String| {
        (seen.is_environment(path) && rank(path) != EXAMPLE && !is_containers(path))
            || is_envrc(path)
    };
    seen.files.iter().any(|(path, text)| is_read(path) && says(text, variable).is_some())
}

/// What an example says, which git tracks: no secret, and nothing of another stage.
fn of_example(evidence: &Evidence<'_>, name: &str) -> Option<String> {
    let files = evidence.seen.files.iter().filter(|(path, _)| {
        rank(path) == EXAMPLE
            && evidence.seen.is_environment(path)
            && evidence.seen.tracked.contains(*path)
            && !names_stage(path)
    });
    let mut values = files.filter_map(|(_, text)| says(text, name));
    values.find(|value| {
        envfile::check_value(name, value).is_ok() && !is_secret(name) && is_plain(value)
    })
}

/// Words in the names of what nobody else may know.
const SECRETS: [&str; 12] = [
    "AUTH",
    "CERT",
    "CREDENTIAL",
    "CREDENTIALS",
    "DSN",
    "KEY",
    "KEYS",
    "PASS",
    "PASSWORD",
    "PRIVATE",
    "SECRET",
    "TOKEN",
];

fn is_secret(name: &str) -> bool {
    name.split('_').any(|word| SECRETS.contains(&word))
}

/// Words alone, none of which is one of another stage or may be a secret.
fn is_plain(value: &str) -> bool {
    let lower = value.to_lowercase();
    let is_usual = |word: &str| {
        let is_mixed = word.contains(|c: char| c.is_ascii_digit()) && word.len() > 8;
        !STAGES.contains(&word) && word != "live" && word.len() < 20 && !is_mixed
    };
    !value.contains(['{', '}', '@'])
        && lower.split(|c: char| !c.is_ascii_alphanumeric()).all(is_usual)
}

fn says(text: &str, name: &str) -> Option<String> {
    let vars = envfile::parse(text.as_bytes()).into_iter();
    let mut values = vars.filter(|(known, value)| known == name && !value.is_empty());
    values.next().map(|(_, value)| value)
}
