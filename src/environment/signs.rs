//! Signs of servers and frameworks in a repository without a configuration file.

use crate::model::config::{Kind, Signs};
use crate::sys::fs;
use crate::sys::git;
use crate::sys::repo::Repo;
use std::collections::BTreeSet;

/// Files that name what a project depends on, or how it is run.
const FILES: [&str; 14] = [
    "*.env*",
    "*Cargo.toml",
    "*Gemfile",
    "*Pipfile",
    "*compose*.yaml",
    "*compose*.yml",
    "*config/database.yml",
    "*go.mod",
    "*infra*.yml",
    "*manage.py",
    "*package.json",
    "*pyproject.toml",
    "*requirements*.txt",
    "*settings*.py",
];

/// Words in these files, each with the server that it is a sign of.
const SERVERS: [(&str, Kind); 7] = [
    ("postgres", Kind::Postgres),
    ("psycopg", Kind::Postgres),
    ("asyncpg", Kind::Postgres),
    ("pgx", Kind::Postgres),
    ("\"pg\"", Kind::Postgres),
    ("'pg'", Kind::Postgres),
    ("redis", Kind::Redis),
];

const DJANGO: &str = "django";
const VITE: &str = "\"vite\"";

/// Looks at the files of the last commit, and at the main checkout's `.env`.
pub fn of(repo: &Repo) -> Signs {
    let words: Vec<&str> = SERVERS.iter().map(|(word, _)| *word).chain([DJANGO, VITE]).collect();
    let committed = git::words(&repo.main, &words, &FILES).unwrap_or_default();
    let env = fs::read(&repo.main.join(".env")).ok().flatten().unwrap_or_default();
    let env = String::from_utf8_lossy(&env).to_lowercase();
    let has = |word: &str| committed.contains(word) || env.contains(word);
    let servers = SERVERS.iter().filter(|(word, _)| has(word)).map(|(_, kind)| *kind);
    Signs { servers: servers.collect::<BTreeSet<_>>(), django: has(DJANGO), vite: has(VITE) }
}
