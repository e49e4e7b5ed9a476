//! Frameworks, by the files that they need.

mod django;
mod node;
mod others;
mod python;
mod rails;
mod rust;
mod said;
mod serves;

pub(super) use django::{manage as django, only_localhost};
pub(super) use rust::{CHECKED, key as rust_key, migrations as rust_migrations};
pub(super) use said::assigned;
pub(super) use serves::{By, Serves, serves};

use crate::model::config::Kind;
use crate::model::detect::seen::Seen;
use indexmap::IndexMap;

/// So many more packages of a framework are counted, and not named.
const MANY: usize = 3;

/// A framework that was found.
#[derive(Debug, Clone, Default)]
pub(super) struct Framework {
    /// The file and the framework, for the user.
    pub(super) found: String,
    /// The variable for its port, and its port by default.
    pub(super) port: Option<(String, u16)>,
    /// It runs beside another one.
    pub(super) second: bool,
    /// Servers that its packages talk to.
    pub(super) servers: Vec<Kind>,
    /// Where its server starts and the command for that, in which `$PORT` stands for the variable of its port.
    pub(super) serve: Option<(String, String)>,
    /// Variables that it reads by itself, whatever the project's files say.
    pub(super) reads: &'static [&'static str],
    /// Commands that prepare a new worktree, after the packages are installed.
    pub(super) prepare: Vec<String>,
    /// Commands that migrate the database, after those.
    pub(super) migrate: Vec<String>,
    /// Databases that its tests make: patterns in which `{}` stands for the own name.
    pub(super) also: &'static [&'static str],
    /// Something that the user should know.
    pub(super) notes: Vec<String>,
}

impl Framework {
    /// The file that says it.
    pub(super) fn file(&self) -> &str {
        self.found.split(": ").next().unwrap_or_default()
    }

    /// Whether a variable of this name says its port.
    pub(super) fn owns(&self, variable: &str) -> bool {
        match &self.port {
            Some(_) if self.second => {
                let words = ["VITE", "NG", "FRONTEND", "WEB", "CLIENT"];
                variable.split('_').any(|word| words.contains(&word))
            }
            Some((own, _)) => own == variable || variable == "PORT",
            None => false,
        }
    }
}

/// The frameworks of a repository, the one that serves pages first.
pub(super) fn of(seen: &Seen) -> Vec<Framework> {
    [django::find(seen), rails::find(seen), python::find(seen)]
        .into_iter()
        .flatten()
        .chain(node::find(seen))
        .chain(others::find(seen))
        .chain(others::dotnet(seen))
        .chain(rust::find(seen))
        .collect()
}

/// What was found, for the user. Of the many packages of one framework that a monorepo has, the first is named.
pub(super) fn told(frameworks: &[Framework]) -> Vec<String> {
    let mut files: IndexMap<&str, Vec<&str>> = IndexMap::new();
    for (file, title) in frameworks.iter().filter_map(|one| one.found.split_once(": ")) {
        files.entry(title).or_default().push(file);
    }
    let lines = files.iter().flat_map(|(title, files)| match files.as_slice() {
        [first, more @ ..] if more.len() >= MANY => {
            vec![format!("{first} and {} more: {title}", more.len())]
        }
        few => few.iter().map(|file| format!("{file}: {title}")).collect(),
    });
    lines.collect()
}

/// Packages of Python that talk to servers, and what settings call these.
pub(super) const PYTHON: [(Kind, &[&str]); 3] = [
    (Kind::Postgres, &["psycopg", "asyncpg", "pg8000", "backends.postgresql"]),
    (Kind::Mysql, &["mysqlclient", "pymysql", "aiomysql", "mysql-connector", "backends.mysql"]),
    (Kind::Redis, &["redis"]),
];

/// The servers whose packages a text names.
fn servers(text: &str, packages: [(Kind, &[&str]); 3]) -> Vec<Kind> {
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    packages.into_iter().filter(|(_, words)| has(words)).map(|(kind, _)| kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_packages_one_is_named() {
        let found = |found: &str| Framework { found: found.to_owned(), ..Framework::default() };
        let names = ["package.json", "a/package.json", "b/package.json", "c/package.json"];
        let mut all: Vec<Framework> =
            names.iter().map(|name| found(&format!("{name}: Node.js"))).collect();
        all.insert(1, found("web/package.json: Vite"));
        all.push(found("admin/package.json: Vite"));
        assert_eq!(
            told(&all),
            [
                "package.json and 3 more: Node.js",
                "web/package.json: Vite",
                "admin/package.json: Vite",
            ]
        );
        all.remove(0);
        assert_eq!(
            told(&all)[2..5],
            ["a", "b", "c"].map(|at| format!("{at}/package.json: Node.js"))
        );
    }
}
