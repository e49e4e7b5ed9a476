//! Places in whatever language that name a server's part themselves: no variable reaches them.

mod paths;

use super::engine::word;
use super::leads::Lead;
use super::reads;
use super::sections::development;
use super::seen::Seen;
use super::servers::is_plain;
use super::url::Url;
use crate::model::config::Kind;
use paths::is_run;

/// Such a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: String,
    /// From 1.
    pub(super) line: usize,
    /// `None`: a server of a kind that environments cannot share.
    pub(super) kind: Option<Kind>,
    /// The database or the index.
    pub(super) part: String,
    /// The key that names it belongs to a section, not to a URL.
    is_key: bool,
}

/// How many places are told at most.
const MOST: usize = 8;

/// All places in tracked files.
pub(super) fn of(seen: &Seen) -> Vec<Place> {
    let files = seen.files.iter().chain(&seen.others);
    let files = files.filter(|(path, _)| seen.tracked.contains(*path) && is_run(seen, path));
    let is_stack = |text: &str| text.lines().any(|line| line == "services:");
    let places =
        files.filter(|(_, text)| !is_stack(text)).flat_map(|(path, text)| in_file(path, text));
    let is_test = |part: &str| part.split(['_', '-']).any(|word| word == "test");
    places.filter(|place| !is_test(&place.part)).collect()
}

/// Leads for them; several in one file that name the same are one.
pub(super) fn leads(places: &[Place]) -> Vec<Lead> {
    let mut told: Vec<&Place> = Vec::new();
    for place in places {
        let is_same = |other: &&Place| other.file == place.file && other.part == place.part;
        if !told.iter().any(is_same) {
            told.push(place);
        }
    }
    told.into_iter().take(MOST).map(lead).collect()
}

fn lead(place: &Place) -> Lead {
    let Place { file, line, kind, part, .. } = place;
    let part = match kind {
        Some(Kind::Redis) => format!("redis index {part}"),
        Some(_) => format!("database `{part}`"),
        None => "a server".to_owned(),
    };
    Lead::of(
        format!("{file}:{line} names {part} itself, so all environments share it"),
        "read it from a variable there, and set that under `env:`".to_owned(),
    )
}

fn in_file(file: &str, text: &str) -> Vec<Place> {
    let kept = development(text);
    let defaults: Vec<String> =
        reads::of(&kept).into_iter().filter_map(|read| read.default).collect();
    let lines: Vec<&str> = kept.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| !reads_variable(line)) {
        let place = |kind, part: String, is_key| Place {
            file: file.to_owned(),
            line: at + 1,
            kind,
            part,
            is_key,
        };
        let urls = urls(line).filter(|url| !defaults.iter().any(|default| default == url));
        found.extend(urls.filter_map(of_url).map(|(kind, part)| place(kind, part, false)));
        let around = &lines[at.saturating_sub(8)..lines.len().min(at + 9)];
        if let Some(part) = of_key(file, line).filter(|_| has_server(around)) {
            found.push(place(Some(Kind::Postgres), part, true));
        }
    }
    found
}

/// The line gets a value from the environment or from a template.
fn reads_variable(line: &str) -> bool {
    let line = line.to_lowercase();
    ["env", "${", "<%", "{{", "config(", "#{"].iter().any(|sign| line.contains(sign))
}

/// The URLs of a line.
fn urls(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("://").map(|(at, _)| {
        let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+:".contains(c);
        let start = line[..at].rfind(|c: char| !is_scheme(c)).map_or(0, |at| at + 1);
        let start = start.max(line[..at].rfind(": ").map_or(0, |at| at + 2));
        let rest = &line[start..];
        let end = rest.find(|c: char| c.is_whitespace() || "\"'`<>(){},;".contains(c));
        &rest[..end.unwrap_or(rest.len())]
    })
}

/// The part that a URL of a server here names.
fn of_url(text: &str) -> Option<(Option<Kind>, String)> {
    if text.contains(['$', '%', '*', '#']) {
        return None;
    }
    let other =
        ["amqp", "amqps", "mongodb"].iter().any(|scheme| text.starts_with(&format!("{scheme}://")));
    let known =
        if other { text.replacen(text.split(':').next()?, "redis", 1) } else { text.to_owned() };
    let url = Url::parse(&known.replacen("ecto://", "postgres://", 1))?;
    let is_here = !url.host.is_empty() && (url.is_local() || !url.host.contains('.'));
    let is_named = url.host.chars().any(|c| !c.is_ascii_uppercase() && c != '_');
    if !is_here || !is_named {
        return None;
    }
    match (other, url.kind, url.part.as_str()) {
        (true, ..) => Some((None, url.part)),
        (_, Kind::Redis, "") => Some((Some(Kind::Redis), "0".to_owned())),
        (_, Kind::Redis, part) => {
            part.parse::<u16>().ok().map(|part| (Some(Kind::Redis), part.to_string()))
        }
        (_, kind, part) => is_plain(part).then(|| (Some(kind), part.to_owned())),
    }
}

/// Whether a file holds settings and no program.
fn is_data(file: &str) -> bool {
    let data = [".yml", ".yaml", ".toml", ".ini", ".properties", ".conf"];
    data.iter().any(|end| file.ends_with(end))
}

/// Keys that name a database.
const KEYS: [&str; 4] = ["database", "dbname", "database_name", "db_name"];

/// The value of such a key: in quotes, or a bare word in a file that holds nothing else.
fn of_key(file: &str, line: &str) -> Option<String> {
    let lower = line.to_lowercase();
    let is_data = is_data(file);
    let is_string = lower.contains("host=") || lower.contains("server=");
    for key in KEYS {
        for (at, _) in lower.match_indices(key) {
            let before = lower[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || "_-".contains(c)) {
                continue;
            }
            let Some(after) = line.get(at + key.len()..) else { continue };
            let after = after.trim_start_matches(['"', '\'']).trim_start();
            let value = ["=>", ":", "="].iter().find_map(|mark| after.strip_prefix(mark));
            let Some(value) = value.map(str::trim_start) else { continue };
            let is_bare = !value.starts_with(['"', '\'', '`']);
            let value = value.trim_start_matches(['"', '\'', '`']);
            let end = value.find(|c: char| !c.is_ascii_alphanumeric() && !"_-./:".contains(c));
            let value = &value[..end.unwrap_or(value.len())];
            let is_file =
                value.contains(['/', ':']) || value.contains("sqlite") || value.ends_with(".db");
            let is_engine = file.ends_with(".properties") && word(value).is_some();
            let is_value =
                is_plain(value) && !is_file && !is_engine && value.parse::<f64>().is_err();
            if is_value
                && (!is_bare || is_data || is_string)
                && !["true", "false", "null"].contains(&value)
            {
                return Some(value.to_owned());
            }
        }
    }
    None
}

/// What stands beside the name of a database says where its server is.
fn has_server(lines: &[&str]) -> bool {
    let keys = ["host", "hostname", "server", "adapter", "dialect", "client", "username"];
    let has = |line: &&str| {
        let line = line.to_lowercase();
        keys.iter().any(|key| {
            line.match_indices(key).any(|(at, _)| {
                let is_start = !line[..at].ends_with(|c: char| c.is_alphanumeric());
                let after = line[at + key.len()..].trim_start_matches(['"', '\'', ' ']);
                is_start && after.starts_with([':', '='])
            })
        })
    };
    let is_user = |line: &&str| line.contains("user:") || line.contains("\"user\":");
    lines.iter().any(has) || lines.iter().any(is_user)
}

impl Place {
    /// The database stands in settings, and not in any line of a program.
    pub(super) fn is_settings(&self) -> bool {
        let is_file = self.file.contains("config") || is_data(&self.file);
        self.is_key || (is_file && self.kind.is_some() && self.kind != Some(Kind::Redis))
    }

    /// The kind, where a key does not say it.
    pub(super) fn kind_or(&self, engine: Option<Kind>) -> Kind {
        engine.filter(|_| self.is_key).or(self.kind).unwrap_or(Kind::Postgres)
    }

    /// A framework replaces what `database.yml` says by a variable.
    pub(super) fn is_replaced(&self) -> bool {
        self.is_key && self.file.ends_with("database.yml")
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
            ("queue.js", "connect('amqp://localhost:5672')\n", "1 "),
            ("a.js", "database: 'dev.sqlite3', host: 'x'\n", ""),
        ] {
            assert_eq!(found(file, text), expected, "{text}");
        }
    }
}
