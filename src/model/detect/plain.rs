//! Places in whatever language that name a server's part themselves: no variable reaches them.

mod paths;
mod skipped;
mod values;

use super::bound;
use super::elixir;
use super::endpoint;
use super::frameworks::Framework;
use super::leads::Lead;
use super::paths::name;
use super::reads;
use super::sections::development;
use super::seen::Seen;
use crate::model::config::Kind;
pub use paths::is_run;
use paths::is_settings;
pub(super) use skipped::without_tests;
use skipped::{is_example, is_of_other};
use std::collections::BTreeSet;
use values::{addresses, has_server, index, is_data, of_key, reads_variable};

/// Such a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: String,
    /// From 1.
    pub(super) line: usize,
    /// `None`: a server of another kind.
    pub(super) kind: Option<Kind>,
    /// The database or the index.
    pub(super) part: String,
    /// The key that names it belongs to a section, not to a URL.
    is_key: bool,
}

/// How many places of one part are told at most.
const MOST: usize = 2;

/// All places in tracked files. What settings in Python say of parts is read elsewhere, but not what they say of servers
/// of other kinds.
fn of(seen: &Seen) -> Vec<Place> {
    let files = seen.files.iter().chain(&seen.others);
    let files = files.filter(|(path, text)| is_tracked(seen, path, text));
    let places = files.flat_map(|(path, text)| in_file(path, text));
    let is_test = |part: &str| part.split(['_', '-']).any(|word| TESTS.contains(&word));
    places
        .filter(|place| !is_test(&place.part))
        .filter(|place| place.kind.is_none() || !is_settings(seen, &place.file))
        .collect()
}

/// Words in the names of what tests use.
const TESTS: [&str; 3] = ["test", "tests", "testing"];

/// A file that git tracks, that a developer's application may read, and that is no compose file of whatever name.
pub(super) fn is_tracked(seen: &Seen, path: &str, text: &str) -> bool {
    let is_stack = || text.lines().any(|line| line == "services:");
    seen.tracked.contains(path) && is_run(seen, path) && !is_stack()
}

/// Those that count in a project with these frameworks, and those that a variable replaces; where a key does not say which
/// database it is, it is one of `engine`.
pub(super) fn used(
    seen: &Seen,
    frameworks: &[Framework],
    engine: Option<Kind>,
) -> (Vec<Place>, Vec<Place>) {
    let reads_url = frameworks.iter().any(|one| one.reads.contains(&"DATABASE_URL"));
    let is_sql = |place: &Place| place.kind.is_some_and(|kind| kind != Kind::Redis);
    let bound = bound::of(seen);
    let is_replaced = |place: &Place| {
        (reads_url && place.is_replaced())
            || (is_sql(place) && elixir::is_replaced(seen, &place.file))
            || bound::replaces(&bound, &place.file, &place.part)
    };
    let mut places = of(seen);
    for place in places.iter_mut().filter(|place| place.kind == Some(Kind::Postgres)) {
        place.kind = Some(place.kind_or(engine));
    }
    places.into_iter().partition(|place| !is_replaced(place))
}

/// A lead for each part that places name.
pub(super) fn leads(places: &[Place]) -> Vec<Lead> {
    let mut parts: Vec<(String, Vec<&Place>)> = Vec::new();
    for place in places {
        let title = place.title();
        match parts.iter_mut().find(|(known, _)| *known == title) {
            Some((_, all)) if all.iter().any(|other| other.file == place.file) => {}
            Some((_, all)) => all.push(place),
            None => parts.push((title, vec![place])),
        }
    }
    parts.iter().map(|(title, places)| lead(title, places)).collect()
}

fn lead(title: &str, places: &[&Place]) -> Lead {
    let mut told: Vec<String> =
        places.iter().take(MOST).map(|Place { file, line, .. }| format!("{file}:{line}")).collect();
    if let Some(more) = places.len().checked_sub(MOST + 1) {
        let (last, rest) = (told.pop().unwrap_or_default(), more + 1);
        told.push(format!("{last} and {rest} more place{}", if rest == 1 { "" } else { "s" }));
    }
    let names = if places.len() == 1 { "names" } else { "name" };
    let itself = if places.len() == 1 { "itself" } else { "themselves" };
    Lead::of(
        format!("{} {names} {title} {itself}, so all environments share it", told.join(", ")),
        "read it from a variable there, and set that under `env:`".to_owned(),
    )
}

/// Whether a file names a server's part itself.
pub(super) fn names_part(file: &str, text: &str) -> bool {
    !in_file(file, text).is_empty()
}

fn in_file(file: &str, text: &str) -> Vec<Place> {
    let kept = development(without_tests(file, text));
    let defaults: BTreeSet<String> =
        reads::of(&kept).into_iter().filter_map(|read| read.default).collect();
    let lines: Vec<&str> = kept.lines().collect();
    let mut found = Vec::new();
    let is_said = |line: &str| !reads_variable(line) && !is_example(file, line);
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| is_said(line)) {
        let place = |kind, part: String, is_key| Place {
            file: file.to_owned(),
            line: at + 1,
            kind,
            part,
            is_key,
        };
        let named = addresses(line, &defaults);
        let is_whole = !named.is_empty();
        found.extend(named.into_iter().map(|(kind, part, is_key)| place(kind, part, is_key)));
        if is_whole {
            continue;
        }
        let around = &lines[at.saturating_sub(8)..lines.len().min(at + 9)];
        let is_ours = |_: &String| has_server(around) && !is_of_other(&lines, at);
        if let Some(part) = of_key(file, line).filter(is_ours) {
            found.push(place(Some(Kind::Postgres), part, true));
        }
        if endpoint::in_line(line) == Some(Kind::Redis) {
            found.push(place(Some(Kind::Redis), index(around), false));
        }
    }
    found
}

impl Place {
    /// Settings of development, by a word of the file's name, name the database by its key.
    pub(super) fn is_for_development(&self) -> bool {
        let mut words = name(&self.file).split(|c: char| !c.is_ascii_alphanumeric());
        self.is_key && words.any(|word| ["dev", "development"].contains(&word))
    }

    /// What it names.
    fn title(&self) -> String {
        match self.kind {
            Some(Kind::Redis) => format!("redis index {}", self.part),
            Some(_) => format!("database `{}`", self.part),
            None => format!("a server at {}", self.part),
        }
    }

    /// The database stands in settings, and not in any line of a program.
    pub(super) fn is_settings(&self) -> bool {
        let is_file = self.file.contains("config") || is_data(&self.file);
        let is_sql = self.kind.is_some() && self.kind != Some(Kind::Redis);
        // A name without an ending is a script's, too.
        let is_script = self.file.ends_with(".sh") || !name(&self.file).contains('.');
        !is_script && (self.is_key || (is_file && is_sql))
    }

    /// The kind, where a key does not say it.
    fn kind_or(&self, engine: Option<Kind>) -> Kind {
        engine.filter(|_| self.is_key).or(self.kind).unwrap_or(Kind::Postgres)
    }

    /// A framework replaces what `database.yml` says by a variable.
    fn is_replaced(&self) -> bool {
        let copy = super::used(&self.file);
        self.is_key && name(copy.as_deref().unwrap_or(&self.file)) == "database.yml"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_in_every_language() {
        let found = |file: &str, text: &str| {
            let places = in_file(file, text).into_iter();
            places.map(|one| format!("{} {}", one.line, one.part)).collect::<Vec<_>>().join(", ")
        };
        for (file, text, expected) in [
            (
                "dev.exs",
                "config :a, Repo,\n  hostname: \"localhost\",\n  database: \"inn_dev\"\n",
                "3 inn_dev",
            ),
            (
                "config.json",
                "{ \"development\": { \"database\": \"inn\", \"host\": \"::1\" },\n\"test\": { \"database\": \"t\", \"host\": \"x\" } }",
                "1 inn",
            ),
            (
                "app.properties",
                "spring.datasource.url=jdbc:postgresql://localhost:5432/inn\n",
                "1 inn",
            ),
            ("app.yml", "  url: jdbc:mysql://localhost/inn\n", "1 inn"),
            ("package.json", "\"@a/client\": \"1.2.0\",\n\"@a/database\": \"1.19.0\",\n", ""),
            ("app.properties", "database=mysql\nusername=me\n", ""),
            ("app.yml", "url: ${DB:jdbc:postgresql://localhost/inn}\n", ""),
            ("base.yaml", "database:\n  host: \"127.0.0.1\"\n  database_name: \"inn\"\n", "3 inn"),
            ("source.ts", "host: 'localhost',\ndatabase: 'inn',\n", "2 inn"),
            ("source.ts", "host: string;\ndatabase: string;\n", ""),
            ("sidekiq.rb", "config.redis = { url: \"redis://localhost:6379/3\" }\n", "1 3"),
            (
                "a.go",
                "url := os.Getenv(\"X\")\nif url == \"\" { url = \"postgres://localhost/inn\" }\n",
                "2 inn",
            ),
            ("a.go", "getEnv(\"X\", \"postgres://localhost/inn\")\n", ""),
            ("a.cs", "UseNpgsql(\"Host=localhost;Database=inn;Username=me\")\n", "1 inn"),
            ("a.rs", "// postgres://localhost/inn\n", ""),
            ("a.rs", "connect(\"postgres://db.example.com/inn\")\n", ""),
            ("seed.ts", "log('set DATABASE_URL=postgres://localhost/inn')\n", ""),
            ("Makefile", "export DATABASE_URL=postgres://localhost/inn\n", "1 inn"),
            ("Makefile", "DATABASE_URL?=postgres://localhost/inn\n", ""),
            ("run.sh", "export DATABASE_URL=postgres://localhost/inn\n", "1 inn"),
            (
                "a.rs",
                "fn a() {}\n#[cfg(test)]\nmod tests {\n    connect(\"postgres://localhost/inn\")\n}\n",
                "",
            ),
            (
                "types.py",
                "SNOWFLAKE: Config = {\n    \"user\": \"\",\n    \"database\": \"INN\",\n}\n",
                "",
            ),
            (
                "conf.yml",
                "clickhouse:\n  host: a\n  database: inn_log\npostgres:\n  host: a\n  database: inn\n",
                "6 inn",
            ),
            ("queue.js", "connect('amqp://localhost:5672')\n", "1 amqp://localhost:5672"),
            ("queue.js", "open('inn://done', 'git://inn', 'amqp://mq.example.com')\n", ""),
            ("a.js", "database: 'dev.sqlite3', host: 'x'\n", ""),
            ("conf.yml", "redis:\n  addr: localhost:6379\n  db: 2\n", "2 2"),
            ("cache.go", "redis.Options{\n\tAddr: \"localhost:6379\",\n}\n", "2 0"),
            ("cache.go", "Addr: os.Getenv(\"X\") + \":6379\"\n", ""),
        ] {
            assert_eq!(found(file, text), expected, "{text}");
        }
    }
}
