//! Settings in Python that name a database or an index themselves: no variable reaches them.

use super::frameworks;
use super::paths::{dir, name, used};
use super::reads::{self, literal};
use super::roles::{self, Role};
use super::seen::Seen;
use super::url::Url;
use crate::model::config::Kind;
use std::collections::BTreeSet;

/// A line that is the same in every environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Literal {
    pub(super) file: String,
    /// From 1.
    pub(super) line: usize,
    /// What the line could read instead.
    pub(super) variable: String,
    pub(super) kind: Kind,
    pub(super) value: String,
    /// The line as it is, and as it would read the variable; empty: it may hold a secret.
    text: String,
    instead: String,
    /// The value is the name of a database, or an index.
    is_part: bool,
    /// The file imports the module that reads variables.
    imports_os: bool,
}

impl Literal {
    /// What is wrong.
    pub(super) fn fault(&self) -> String {
        let Literal { file, line, text, .. } = self;
        let copy = used(file).map(|copy| format!(" and its copy {copy}")).unwrap_or_default();
        match text.as_str() {
            "" => format!(
                "{file}:{line}{copy}: reads no variable, so all environments share what it names"
            ),
            text => format!(
                "{file}:{line}{copy}: `{text}` reads no variable, so all environments share it"
            ),
        }
    }

    /// The same of a file that git does not track: no note repeats the line, for notes stand in a file that is committed. The
    /// name of a part stands there anyway.
    fn hidden(self) -> Literal {
        let shown = if self.is_part { &self.value } else { "…" };
        let call = call(&self.variable, shown);
        let is_number = self.is_part && self.kind == Kind::Redis;
        let instead = if is_number { format!("int({call})") } else { call };
        Literal { text: String::new(), instead, ..self }
    }

    /// What the user can do.
    pub(super) fn way_out(&self) -> String {
        let import = if self.imports_os { "" } else { ", with `import os` at the top" };
        format!("write `{}`{import}", self.instead)
    }

    /// The database or the index that the line names itself, or by a URL.
    pub(super) fn names(&self, kind: Kind, part: &str) -> bool {
        let named = || Url::parse(&self.value).is_some_and(|url| url.part == part);
        self.kind == kind && ((self.is_part && self.value == part) || named())
    }
}

/// All of the settings that the application uses.
pub(super) fn of(seen: &Seen) -> Vec<Literal> {
    let each = used_settings(seen).flat_map(|(path, text)| in_file(path, text));
    each.map(|one| if seen.tracked.contains(&one.file) { one } else { one.hidden() }).collect()
}

/// The settings in Python that are used.
pub(super) fn used_settings(seen: &Seen) -> impl Iterator<Item = (&str, &str)> {
    let module = settings(seen);
    seen.ending(&[".py"]).filter(move |(path, _)| is_used(seen, module, path))
}

/// The file of the module that `manage.py` names.
pub(super) fn settings(seen: &Seen) -> Option<&str> {
    let manage = frameworks::django(seen)?;
    let (_, after) = seen.text(manage).split_once("DJANGO_SETTINGS_MODULE")?;
    let (module, _) = literal(after.get(1..)?.trim_start_matches([',', ' ', '\n', '=', ']']))?;
    let stem = format!("{}{}", dir(manage), module.replace('.', "/"));
    let paths = [format!("{stem}.py"), format!("{stem}/__init__.py")];
    seen.files.keys().map(String::as_str).find(|path| paths.iter().any(|one| one == path))
}

/// Whether the settings are this file or name it. An example is none where its copy is.
fn is_used(seen: &Seen, module: Option<&str>, path: &str) -> bool {
    let copy = used(path);
    if copy.as_ref().is_some_and(|copy| seen.files.contains_key(copy)) {
        return false;
    }
    let Some(module) = module.filter(|module| *module != path) else { return true };
    let name = name(copy.as_deref().unwrap_or(path));
    let stem = name.trim_end_matches(".py");
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    seen.text(module).split(|c| !is_part(c)).any(|word| word == stem)
}

fn in_file(file: &str, text: &str) -> Vec<Literal> {
    let lines: Vec<&str> = text.lines().collect();
    let defaults: BTreeSet<String> =
        reads::of(text).into_iter().filter_map(|read| read.default).collect();
    let imports_os = lines.iter().any(|line| line.trim() == "import os");
    let (mut setting, mut key) = ("", "");
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| !line.trim().starts_with('#')) {
        if let Some(name) = assigned(line) {
            (setting, key) = (name, "");
        }
        let mut push = |kind, variable: String, name, value: &str| {
            let (text, instead) = written(code(line), &variable, name, value);
            let (file, value) = (file.to_owned(), value.to_owned());
            let is_part = ["NAME", "DATABASE", "DB", "db"].contains(&name);
            let line = at + 1;
            found.push(Literal {
                file,
                line,
                variable,
                kind,
                value,
                text,
                instead,
                is_part,
                imports_os,
            });
        };
        for (name, value) in strings(code(line)) {
            match Url::parse(value) {
                Some(url) if is_here(&url) && is_given(line, value) => {
                    if !defaults.contains(value) {
                        push(url.kind, of_url(setting, name, url.kind), name, value);
                    }
                }
                _ if value == "{" => key = name,
                _ => {
                    if let Some((kind, stem)) = of_entry(&lines, at, setting, name) {
                        push(kind, prefixed(key, stem), name, value);
                    }
                }
            }
        }
    }
    found
}

/// A line without what stands around its code.
fn code(line: &str) -> &str {
    line.split_once("  #").map_or(line, |(code, _)| code).trim()
}

/// `DATABASES = {`: what is set from here on.
fn assigned(line: &str) -> Option<&str> {
    let (name, _) = line.split_once('=')?;
    let name = name.trim();
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    (!name.is_empty() && name.chars().all(is_part)).then_some(name)
}

/// The literals of a line, each with the key before it or nothing. `{` stands for a mapping that begins there.
pub(super) fn strings(line: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find(['"', '\'']) {
        let Some((word, after)) = literal(&rest[at..]) else { break };
        rest = after;
        let Some(value) = after.trim_start().strip_prefix(':').map(str::trim_start) else {
            found.push(("", word));
            continue;
        };
        let digits = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
        if let Some((text, after)) = literal(value) {
            found.push((word, text));
            rest = after;
        } else if value.starts_with('{') {
            found.push((word, "{"));
        } else if digits > 0 && !value[digits..].starts_with(|c: char| "._".contains(c)) {
            found.push((word, &value[..digits]));
        }
    }
    found
}

/// An entry of `DATABASES` or of a mapping for Redis: its kind, and the variable's usual name.
fn of_entry(lines: &[&str], at: usize, setting: &str, name: &str) -> Option<(Kind, &'static str)> {
    let variable = match name {
        "NAME" => (Kind::Postgres, "POSTGRES_DB"),
        "USER" => (Kind::Postgres, "POSTGRES_USER"),
        "DATABASE" | "DB" | "db" => (Kind::Redis, "REDIS_DB"),
        _ => return None,
    };
    let block = block(lines, at).to_lowercase();
    let is_one = match variable.0 {
        Kind::Redis => setting.to_lowercase().contains("redis"),
        _ => block.contains("engine") && block.contains("postg"),
    };
    is_one.then_some(variable)
}

/// How many lines of a block are looked at, before one of its entries and behind it.
const LONGEST: usize = 40;

/// From the brace that opens before a line to the one that closes behind it.
fn block(lines: &[&str], at: usize) -> String {
    let (first, last) = (at.saturating_sub(LONGEST), lines.len().min(at + LONGEST));
    let start = (first..=at).rev().find(|line| lines[*line].contains('{')).unwrap_or(first);
    let end = (at..last).find(|line| lines[*line].contains('}')).unwrap_or(at);
    lines[start..=end].join("\n")
}

/// `REDIS['caching']['DATABASE']` is `CACHING_REDIS_DB`.
fn prefixed(key: &str, stem: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    match key {
        "" | "default" => stem.to_owned(),
        key => format!("{}_{stem}", key.chars().map(kept).collect::<String>()),
    }
}

fn of_url(setting: &str, key: &str, kind: Kind) -> String {
    match (roles::of(setting, kind), key, kind) {
        (Some((of, Role::Url)), ..) if of == kind => setting.to_owned(),
        (_, "LOCATION", Kind::Redis) => "CACHE_URL".to_owned(),
        (.., Kind::Redis) => "REDIS_URL".to_owned(),
        _ => "DATABASE_URL".to_owned(),
    }
}

/// A server of this machine or of a compose file, not one elsewhere.
fn is_here(url: &Url) -> bool {
    // What stands in braces comes from elsewhere.
    let is_whole = !url.host.is_empty()
        && !url.text.contains('{')
        && (url.kind == Kind::Redis || !url.part.is_empty());
    is_whole && (url.is_local() || !url.host.contains('.'))
}

/// Whether the literal is what a setting or an entry is, or one of a list; what a call gets may be a default.
fn is_given(line: &str, value: &str) -> bool {
    let before = line.find(value).and_then(|at| line.get(..at.checked_sub(1)?));
    let before = before.unwrap_or_default();
    let before = before.strip_suffix('f').unwrap_or(before).trim_end();
    before.ends_with([':', '[']) || (before.ends_with('=') && assigned(line).is_some())
}

fn call(variable: &str, default: &str) -> String {
    format!("os.environ.get(\"{variable}\", \"{default}\")")
}

/// The line as it is, and with the variable in it. A password is not shown.
fn written(line: &str, variable: &str, key: &str, value: &str) -> (String, String) {
    let is_open = Url::parse(value).is_none_or(|url| url.is_open());
    let shown = if is_open { value } else { "…" };
    let call = call(variable, shown);
    let start = line.find(key).unwrap_or_default() + key.len();
    let replaced = |written: &str, by: &str| {
        let at = start + line[start..].find(written)?;
        Some(format!("{}{by}{}", &line[..at], &line[at + written.len()..]))
    };
    let quotes = ['"', '\''];
    let quoted = |text: &str| {
        quotes.iter().find_map(|quote| {
            let [from, to] = [value, shown].map(|inner| format!("{quote}{inner}{quote}"));
            let by = if text.is_empty() { &to } else { text };
            replaced(&format!("f{from}"), by).or_else(|| replaced(&from, by))
        })
    };
    let number = || replaced(value, &format!("int({call})"));
    let text = quoted("").unwrap_or_else(|| line.to_owned());
    (text, quoted(&call).or_else(number).unwrap_or(call.clone()))
}
