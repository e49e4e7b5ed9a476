//! The kind of database that the main checkout uses: what `DB_NAME` is a database of.

mod spring;

use super::compose::Stack;
use super::frameworks::Framework;
use super::literals::used_settings;
use super::paths::{is_compose, name, used};
use super::roles::{self, Role};
use super::sections::development;
use super::seen::Seen;
use super::url::Url;
use super::vars::Var;
use crate::model::config::Kind;

/// The kind of database, by the strongest sign of it: what the main checkout is run with, what a file of settings names,
/// what an image runs, what code does by default, what a package talks to.
pub(super) fn of(
    seen: &Seen,
    vars: &[Var],
    stacks: &[Stack],
    frameworks: &[Framework],
) -> Option<Kind> {
    let given = || vars.iter().filter(|var| var.is_named && !var.is_default);
    let defaults = || vars.iter().filter(|var| var.is_named && var.is_default);
    let images = || only(stacks.iter().flat_map(Stack::kinds));
    let packages = || only(frameworks.iter().flat_map(|framework| framework.servers.clone()));
    given()
        .filter(|var| is_engine(var))
        .find_map(|var| word(&var.value))
        .or_else(|| given().find_map(of_url))
        .or_else(|| only(settings(seen)))
        .or_else(|| given().find_map(of_port))
        .or_else(|| given().find_map(of_name))
        .or_else(|| spring::is_inside(seen, vars).then_some(Kind::Sqlite))
        .or_else(images)
        .or_else(|| defaults().filter(|var| is_engine(var)).find_map(|var| word(&var.value)))
        .or_else(|| defaults().find_map(of_url))
        .or_else(packages)
}

fn is_engine(var: &Var) -> bool {
    matches!(roles::of(&var.name, Kind::Postgres), Some((_, Role::Engine)))
}

/// The kind that a word for an engine names: an adapter, a dialect, a driver, a scheme.
pub(super) fn word(text: &str) -> Option<Kind> {
    let text = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&["mysql", "maria", "trilogy"]) {
        Some(Kind::Mysql)
    } else if has(&["postg", "pgsql"]) || text == "pg" {
        Some(Kind::Postgres)
    } else {
        has(&["sqlite"]).then_some(Kind::Sqlite)
    }
}

/// The kind of a URL, also of one to a file.
fn of_url(var: &Var) -> Option<Kind> {
    let scheme = var.value.split(':').next().unwrap_or_default();
    let is_sqlite = || var.value.contains(':') && scheme.starts_with("sqlite");
    // Java's own databases are files, too, or in the application's memory.
    let is_own = |kind: &str| {
        ["jdbc:", "r2dbc:"].iter().any(|start| var.value.starts_with(&format!("{start}{kind}:")))
    };
    match Url::parse(&var.value) {
        Some(url) => Some(url.kind).filter(|kind| *kind != Kind::Redis),
        None => (is_sqlite() || ["sqlite", "h2", "hsqldb", "derby"].into_iter().any(is_own))
            .then_some(Kind::Sqlite),
    }
}

fn of_port(var: &Var) -> Option<Kind> {
    let is_port = matches!(roles::of(&var.name, Kind::Postgres), Some((_, Role::Port)));
    match var.value.as_str() {
        "3306" if is_port => Some(Kind::Mysql),
        "5432" if is_port => Some(Kind::Postgres),
        _ => None,
    }
}

fn of_name(var: &Var) -> Option<Kind> {
    let (kind, _) = roles::of(&var.name, Kind::Sqlite)?;
    matches!(kind, Kind::Postgres | Kind::Mysql).then_some(kind)
}

/// The one kind of database among these; `None`: there is none or there are several.
fn only(kinds: impl IntoIterator<Item = Kind>) -> Option<Kind> {
    let mut kinds: Vec<Kind> = kinds.into_iter().filter(|kind| *kind != Kind::Redis).collect();
    kinds.dedup();
    let first = kinds.first().copied()?;
    kinds.iter().all(|kind| *kind == first).then_some(first)
}

/// Keys of settings that name an engine.
const KEYS: [&str; 6] = ["adapter", "provider", "dialect", "client", "engine", "type"];

/// The engines that files of settings name: `adapter: mysql2`, `"dialect": "postgres"`, `'ENGINE': '….mysql'`.
fn settings(seen: &Seen) -> Vec<Kind> {
    let is_settings = |path: &str| {
        !seen.is_environment(path)
            && !is_compose(path)
            && !path.ends_with("package.json")
            && !path.ends_with("lock.yaml")
            && !path.ends_with("lock.json")
            && !path.ends_with(".py")
    };
    let files = seen.files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    let files = files.filter(|(path, _)| is_settings(path)).chain(used_settings(seen));
    let files = files.chain(examples(seen));
    files
        .flat_map(|(_, text)| development(text).lines().flat_map(engines).collect::<Vec<_>>())
        .collect()
}

/// Examples of Rails' settings that nobody copied yet.
fn examples(seen: &Seen) -> impl Iterator<Item = (&str, &str)> {
    let is_it = |path: &str| {
        let copy = used(path).filter(|copy| name(copy) == "database.yml");
        copy.is_some_and(|copy| !seen.files.contains_key(&copy))
    };
    let others = seen.others.iter().filter(move |(path, _)| is_it(path));
    others.map(|(path, text)| (path.as_str(), text.as_str()))
}

fn engines(line: &str) -> Vec<Kind> {
    let is_key = |before: &str| {
        let name = before.trim_end().trim_end_matches(['"', '\'']).to_lowercase();
        KEYS.iter().any(|key| {
            let rest = name.strip_suffix(key);
            rest.is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        })
    };
    let parts: Vec<(usize, &str)> = line.match_indices([':', '=']).collect();
    let values = parts.iter().filter(|(at, _)| is_key(&line[..*at])).filter_map(|(at, _)| {
        let value = line[at + 1..].trim_start_matches([' ', '=', '"', '\'', '`']);
        let end = value.find(|c: char| !c.is_ascii_alphanumeric() && !"._-".contains(c));
        word(&value[..end.unwrap_or(value.len())])
    });
    values.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_name_engines_in_every_language() {
        use Kind::{Mysql, Postgres, Sqlite};
        for (line, expected) in [
            ("  adapter: mysql2", &[Mysql][..]),
            ("  provider = \"postgresql\"", &[Postgres]),
            ("'ENGINE': 'django.db.backends.mysql',", &[Mysql]),
            ("{ \"development\": { \"dialect\": \"mariadb\" } }", &[Mysql]),
            ("  client: 'pg',", &[Postgres]),
            ("  type: \"better-sqlite3\",", &[Sqlite]),
            ("  provider = \"prisma-client-js\"", &[]),
            ("'ENGINE': os.environ['DB'],", &[]),
            ("  contenttype: postgres", &[]),
        ] {
            assert_eq!(engines(line), expected, "{line}");
        }
    }
}
