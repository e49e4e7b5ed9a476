//! Settings in files that a variable replaces, whose name is made of the setting's path: `spring.datasource.url` is
//! `SPRING_DATASOURCE_URL`.

mod binding;
mod flat;

use super::drivers;
use super::endpoint;
use super::leads::is_server;
use super::origins;
use super::paths::{name, used};
use super::plain;
use super::roles;
use super::seen::Seen;
use super::url::Url;
use super::vars::Var;
use crate::model::config::Kind;
use binding::Binding;

/// Words in the names of files with the settings of all stages.
const BASES: [&str; 7] =
    ["application", "appsettings", "base", "config", "configuration", "default", "settings"];

/// Words in the names of those that developers use.
const STAGES: [&str; 3] = ["dev", "development", "local"];

/// Whether a file holds such settings, by its name.
pub(super) fn is_settings(path: &str) -> bool {
    rank(path, &[]).is_some()
}

/// The settings of development come before those of all stages, and a file before an example of it.
fn rank(path: &str, active: &[&str]) -> Option<(bool, bool)> {
    let copy = used(path);
    let name = name(copy.as_deref().unwrap_or(path)).to_lowercase();
    let (stem, end) = name.rsplit_once('.')?;
    let is_data = ["json", "properties", "toml", "yaml", "yml"].contains(&end);
    let profile = stem.split_once(['-', '.', '_']).map(|(_, profile)| profile);
    let is_active = profile.is_some_and(|profile| active.contains(&profile));
    let is_stage = |word: &str| STAGES.contains(&word);
    let mut words = stem.split(['-', '.', '_']);
    let is_it = is_active || words.clone().all(|word| BASES.contains(&word) || is_stage(word));
    let is_own = is_active || words.any(is_stage);
    (is_data && is_it && !path.starts_with('.')).then_some((copy.is_some(), !is_own))
}

/// The profiles that Spring's settings make active.
fn active(seen: &Seen) -> Vec<&str> {
    let files = seen.ending(&["application.properties", "application.yml", "application.yaml"]);
    let lines = files.flat_map(|(_, text)| text.lines());
    let values = lines.filter_map(|line| {
        let (key, value) = line.split_once(['=', ':'])?;
        ["spring.profiles.active", "active"].contains(&key.trim()).then_some(value)
    });
    values
        .flat_map(|value| value.split(','))
        .map(|word| word.trim_matches([' ', '"', '\'']))
        .collect()
}

/// `application-postgres.yml` beside `application.yml`: settings of one of Spring's profiles that is not active.
pub(super) fn is_idle(seen: &Seen, path: &str) -> bool {
    let name = name(path);
    let is_profile = name.starts_with("application-")
        && [".properties", ".yml", ".yaml"].iter().any(|end| name.ends_with(end));
    is_profile && rank(path, &active(seen)).is_none()
}

/// The variables that replace such settings, with what the files say.
pub(super) fn of(seen: &Seen) -> Vec<Var> {
    let bindings = binding::of(seen);
    if bindings.is_empty() {
        return Vec::new();
    }
    let active = active(seen);
    let mut files: Vec<(&String, &String)> = seen.files.iter().chain(&seen.others).collect();
    files.retain(|(path, text)| {
        rank(path, &active).is_some() && plain::is_tracked(seen, path, text)
    });
    files.sort_by_key(|(path, _)| (rank(path, &active), path.matches('/').count()));
    let of_file = |(path, text): (&String, &String)| {
        let binding = bindings.iter().find(|binding| binding.reads(name(path)));
        let settings = binding.map(|binding| in_file(binding, path, text));
        settings.unwrap_or_default()
    };
    let mut vars: Vec<Var> = files.into_iter().flat_map(of_file).collect();
    if bindings.iter().any(Binding::is_springs) {
        vars.extend(of_redis(seen, &vars));
    }
    vars
}

fn in_file(binding: &Binding, file: &str, text: &str) -> Vec<Var> {
    let settings = flat::settings(file, text).into_iter();
    let named = settings.filter_map(|(path, value)| Some((binding.variable(&path)?, value)));
    // What stands in braces comes from another variable, or from what builds the application.
    let is_given = |value: &str| !value.contains('{') && !value.starts_with(['@', '#']);
    named
        .filter(|(name, value)| is_given(value) && is_telling(name, value))
        // Many addresses of the web in settings are the application's own.
        .map(|(name, value)| {
            let is_web = origins::holds(&value);
            var(name, value, file, is_web)
        })
        .collect()
}

/// The setting says where a server or the application itself is.
fn is_telling(name: &str, value: &str) -> bool {
    roles::of(name, Kind::Postgres).is_some()
        || roles::is_prefix(name)
        || ["HOST", "HOSTNAME", "PORT"].iter().any(|end| name.ends_with(end))
        || Url::parse(value).is_some()
        || endpoint::is_server(value)
        || is_server(value)
        || value.starts_with("jdbc:")
        || origins::holds(value)
}

/// What Spring reads for Redis, and takes by default, where its package is there.
fn of_redis(seen: &Seen, vars: &[Var]) -> Vec<Var> {
    let found = drivers::of(seen).into_iter().find(|(kind, _)| *kind == Kind::Redis);
    let Some((_, file)) = found.filter(|(_, file)| seen.text(file).contains("data-redis")) else {
        return Vec::new();
    };
    // Before version 3.
    let is_old = vars.iter().any(|var| var.name.starts_with("SPRING_REDIS_"));
    let start = if is_old { "SPRING_REDIS" } else { "SPRING_DATA_REDIS" };
    let defaults = [("HOST", "localhost"), ("PORT", "6379"), ("DATABASE", "0")];
    let own = defaults.map(|(word, value)| (format!("{start}_{word}"), value.to_owned()));
    own.into_iter().map(|(name, value)| var(name, value, file, true)).collect()
}

fn var(name: String, value: String, file: &str, is_default: bool) -> Var {
    Var {
        name,
        value,
        file: file.to_owned(),
        tracked: true,
        is_default,
        is_optional: false,
        is_named: true,
        others: Vec::new(),
    }
}

/// Whether one of the variables replaces what a line of a file names.
pub(super) fn replaces(vars: &[Var], file: &str, part: &str) -> bool {
    let names = |var: &Var| match Url::parse(&var.value) {
        Some(url) => url.part == part || (url.part.is_empty() && part == "0"),
        None => var.value == part || (is_server(&var.value) && var.value.contains(part)),
    };
    vars.iter().any(|var| var.file == file && names(var))
}
