//! The variables that a project's environment files, compose files and code name.

use crate::model::config::{Kind, is_free_name};
use crate::model::detect::compose::Stack;
use crate::model::detect::examples::{EXAMPLE, idle, rank};
use crate::model::detect::leads::is_server;
use crate::model::detect::literals::Literal;
use crate::model::detect::paths::{dir, is_compose, used};
use crate::model::detect::roles::{self, Role};
use crate::model::detect::sections::development;
use crate::model::detect::seen::Seen;
use crate::model::detect::url::Url;
use crate::model::detect::{bound, devcontainer, endpoint, origins, plain, ports, reads};
use crate::model::envfile;
use indexmap::IndexMap;
use std::collections::BTreeMap;

/// A variable, with the value that it has in the main checkout as far as a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Var {
    /// Its name.
    pub(super) name: String,
    /// Its value; empty when nothing says one.
    pub(super) value: String,
    /// The file that names it.
    pub(super) file: String,
    /// The value stands in a file that git tracks.
    pub(super) tracked: bool,
    /// The value is what code does without one.
    pub(super) is_default: bool,
    /// Code does without it: what it takes instead is nothing.
    pub(super) is_optional: bool,
    /// A file names it; else it is what a literal could read.
    pub(super) is_named: bool,
    /// Files of other applications that give it another value, with that.
    pub(super) others: Vec<(String, String)>,
}

impl Var {
    /// The value may stand in a file that is committed: git tracks the value's file, or another one that holds it.
    pub(super) fn is_public(&self, seen: &Seen) -> bool {
        self.tracked || seen.is_public(&self.value)
    }

    /// Code calls a file so, such as `geo.mmdb`: it is no database of a server. `shop.dev` is one.
    pub(super) fn is_file(&self) -> bool {
        let stages = ["dev", "development", "local", "test", "prod", "production", "staging"];
        let is_end =
            |end: &str| (2..=7).contains(&end.len()) && end.chars().all(|c| c.is_ascii_lowercase());
        let parts = self.value.rsplit_once('.').filter(|(stem, _)| !stem.is_empty());
        self.is_default && parts.is_some_and(|(_, end)| is_end(end) && !stages.contains(&end))
    }
}

/// All variables: each once, the first that has a value.
pub(super) fn of(seen: &Seen, stacks: &[Stack], literals: &[Literal]) -> Vec<Var> {
    let mut vars: IndexMap<String, Var> = IndexMap::new();
    let in_place = literals.iter().map(|literal| Var {
        name: literal.variable.clone(),
        value: literal.value.clone(),
        file: literal.file.clone(),
        tracked: seen.tracked.contains(&literal.file),
        is_default: true,
        is_optional: false,
        is_named: false,
        others: Vec::new(),
    });
    // An example of a compose file that runs images alone is how others deploy the application: code says more.
    let is_deployed = |stack: &Stack| used(&stack.file).is_some() && !stack.runs_application();
    let of = |is_last| of_stacks(stacks, move |stack| is_deployed(stack) == is_last);
    let given = environment_files(seen).chain(of(false)).chain(of_editors(seen));
    let sources = given.chain(bound::of(seen)).chain(code(seen));
    let sources = sources.chain(of(true)).chain(in_place);
    for var in sources.filter(|var| is_free_name(&var.name)) {
        match vars.get_mut(&var.name) {
            None => drop(vars.insert(var.name.clone(), var)),
            Some(known) if is_empty_password(known, &var) => {}
            Some(known) if known.value.is_empty() && !var.value.is_empty() => *known = var,
            Some(known) if is_elsewhere(known, &var) => known.others.push((var.file, var.value)),
            Some(_) => {}
        }
    }
    vars.into_values().collect()
}

/// A password that is given as none, whatever code takes where nothing is given. Of several defaults, the first counts.
fn is_empty_password(known: &Var, var: &Var) -> bool {
    let is_password = matches!(roles::of(&var.name, Kind::Postgres), Some((_, Role::Password)));
    let is_said = !known.is_default || known.is_optional;
    is_password && var.is_default && is_said && known.value.is_empty()
}

/// Another application gives the name another value: one of another directory, or another service of a compose file.
fn is_elsewhere(known: &Var, var: &Var) -> bool {
    let is_given = |var: &Var| !var.is_default && var.is_named && !var.value.is_empty();
    // The variable replaces the setting.
    let is_replaced = !bound::is_settings(&known.file) && bound::is_settings(&var.file);
    let is_apart =
        dir(&known.file) != dir(&var.file) || (known.file == var.file && is_compose(&var.file));
    is_given(known) && is_given(var) && is_apart && !is_replaced && known.value != var.value
}

/// The file that is used, then examples of it; those at the top first.
fn environment_files(seen: &Seen) -> impl Iterator<Item = Var> + '_ {
    let mut files: Vec<&String> =
        seen.files.keys().filter(|path| seen.is_environment(path)).collect();
    let others = idle(seen, &files);
    files.retain(|path| !others.contains(path));
    files.sort_by_cached_key(|path| {
        // `.env.dev-azure` is a special case of `.env.dev`.
        let usual = path.replace('-', "~");
        (rank(path) == EXAMPLE, path.matches('/').count(), rank(path), usual)
    });
    files.into_iter().flat_map(move |file| {
        let tracked = seen.tracked.contains(file);
        let vars = envfile::parse(seen.text(file).as_bytes());
        // The first one of a name.
        let known: BTreeMap<String, String> = vars.iter().rev().cloned().collect();
        vars.into_iter().map(move |(name, value)| {
            let value = without_placeholder(expanded(&value, &known));
            let value = if is_placeholder(&value) { String::new() } else { value };
            Var {
                name,
                value,
                file: file.clone(),
                tracked,
                is_default: false,
                is_optional: false,
                is_named: true,
                others: Vec::new(),
            }
        })
    })
}

/// `postgres://me:{password}@host` without the word in the place of a password.
fn without_placeholder(value: String) -> String {
    let login = value.split_once("://").and_then(|(_, rest)| rest.split_once('@'));
    let word = login.and_then(|(login, _)| login.split_once(':')).map(|(_, word)| word);
    match word.filter(|word| word.starts_with('{') && word.ends_with('}')) {
        Some(word) => value.replacen(&format!(":{word}@"), "@", 1),
        None => value,
    }
}

/// A URL in which the reader shall write the server: it says nothing.
fn is_placeholder(value: &str) -> bool {
    let Some(url) = Url::parse(value) else { return false };
    let word =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    let server = value.split("://").nth(1).and_then(|rest| rest.split(['/', '?']).next());
    let port = server.and_then(|server| server.rsplit('@').next()?.split_once(':'));
    let is_word = port.is_some_and(|(_, port)| port.starts_with(|c: char| c.is_ascii_alphabetic()));
    let marks = ["***", "<", "..."];
    let is_bracket = |rest: &str| rest.starts_with(|c: char| c.is_ascii_uppercase());
    marks.iter().any(|mark| value.contains(mark))
        || value.split('[').skip(1).any(is_bracket)
        || word(&url.host)
        || is_word
}

/// The value with the variables of its own file in the place of `${NAME}`.
fn expanded(value: &str, known: &BTreeMap<String, String>) -> String {
    let mut parts = value.split("${");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let found = part.split_once('}').and_then(|(name, after)| Some((known.get(name)?, after)));
        // One that refers to others itself stays: nothing here runs in circles.
        match found.filter(|(replacement, _)| !replacement.contains('$')) {
            Some((replacement, after)) => whole.extend([replacement, after]),
            None => whole.extend(["${", part]),
        }
    }
    whole
}

/// What compose gives to services that are no servers.
fn of_stacks(stacks: &[Stack], is_one: impl Fn(&Stack) -> bool) -> impl Iterator<Item = Var> {
    stacks.iter().filter(move |stack| is_one(stack)).flat_map(|stack| {
        let vars = stack.variables().into_iter();
        vars.map(|(name, value)| Var {
            name,
            value,
            file: stack.file.clone(),
            tracked: true,
            is_default: false,
            is_optional: false,
            is_named: true,
            others: Vec::new(),
        })
    })
}

/// What a container for an editor gives to the application.
fn of_editors(seen: &Seen) -> impl Iterator<Item = Var> + '_ {
    let found = devcontainer::variables(seen).into_iter();
    found.flat_map(move |(file, vars)| {
        vars.into_iter().map(move |(name, value)| Var {
            name,
            value,
            file: file.to_owned(),
            tracked: seen.tracked.contains(file),
            is_default: false,
            is_optional: false,
            is_named: true,
            others: Vec::new(),
        })
    })
}

/// `CACHE_STORE=redis`: what something of the application is kept in.
pub(super) fn is_redis_chosen(var: &Var) -> bool {
    !var.is_default && var.value.eq_ignore_ascii_case("redis")
}

/// What code reads: only what a server or the application itself is found by, for a project reads hundreds of others.
fn code(seen: &Seen) -> impl Iterator<Item = Var> + '_ {
    let code = [
        ".py",
        ".js",
        ".ts",
        ".mjs",
        ".mts",
        ".cjs",
        ".rb",
        ".go",
        ".rs",
        ".php",
        ".prisma",
        ".ex",
        ".exs",
        ".java",
        ".kt",
        ".cs",
        ".properties",
        ".hjson",
        ".yml",
    ];
    let chosen = environment_files(seen).any(|var| is_redis_chosen(&var));
    let is_own = |(path, text): &(&String, &String)| plain::is_tracked(seen, path, text);
    let files = seen.files.iter().filter(|(path, _)| !is_compose(path));
    let files = files.chain(seen.others.iter().filter(is_own));
    let files = files.filter(move |(path, _)| code.iter().any(|end| path.ends_with(end)));
    files.flat_map(move |(file, text)| {
        let leads = |value: &str| {
            let is_address = is_server(value) || endpoint::is_server(value);
            is_address || origins::holds(value) || Url::parse(value).is_some()
        };
        let is_test = |name: &str| name.split('_').any(|word| word == "TEST");
        let is_address = move |read: &reads::Read| {
            read.default.as_deref().is_some_and(leads) && !is_test(&read.name)
        };
        let sections = [".exs", ".yml", ".js", ".ts", ".mjs", ".mts", ".cjs"];
        let has_sections = sections.iter().any(|end| file.ends_with(end));
        let text = if has_sections { &development(text) } else { text };
        let reads = reads::of(text).into_iter();
        let is_telling =
            |name: &str| roles::of(name, Kind::Postgres).is_some() || roles::is_prefix(name);
        let has_port = ports::CODE.iter().any(|end| file.ends_with(end));
        let is_port = move |read: &reads::Read| {
            let is_said = |main: &str| ports::is_said(&read.name, main, &seen.repo);
            has_port && read.default.as_deref().is_some_and(is_said)
        };
        let reads =
            reads.filter(move |read| is_telling(&read.name) || is_address(read) || is_port(read));
        // Settings in PHP name every server that the framework could use.
        let could_use = file.ends_with(".php") && !chosen;
        let is_redis =
            |name: &str| matches!(roles::of(name, Kind::Postgres), Some((Kind::Redis, _)));
        let reads = reads.filter(move |read| !could_use || !is_redis(&read.name));
        reads.map(|read| Var {
            name: read.name,
            is_optional: read.default.as_deref() == Some(""),
            value: read.default.unwrap_or_default(),
            file: file.clone(),
            tracked: seen.tracked.contains(file),
            is_default: true,
            is_named: true,
            others: Vec::new(),
        })
    })
}
