//! The variables that an application's own code reads, with the defaults that it gives them.

mod fields;
mod schemas;

use crate::model::detect::text::{head, last_word};
use crate::model::envfile::is_name;

/// How far the value of a variable may be from its name, in bytes: a file is as long as its author likes.
const LONGEST: usize = 600;

/// A variable that code reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Read {
    /// Its name.
    pub(super) name: String,
    /// The value without it, when that is a literal; what stands for none is empty.
    pub(super) default: Option<String>,
}

/// All that a file reads.
pub(super) fn of(text: &str) -> Vec<Read> {
    let mut found = calls(text);
    found.extend(members(text));
    found.extend(braces(text));
    found.extend(schemas::of(text));
    found.extend(fields::of(text));
    found.extend(implied(text));
    found
}

/// `os.getenv("X", "default")`, `env.str('X')`, `ENV.fetch("X")`, `environ["X"]`: a name in capitals, in quotes, right
/// behind the bracket of something that is called like the environment or a configuration.
fn calls(text: &str) -> Vec<Read> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(['(', '[']) {
        let Some((name, rest)) = literal(text[at + 1..].trim_start()) else { continue };
        let is_variable =
            name.len() > 1 && is_name(name) && !name.chars().any(|c| c.is_ascii_lowercase());
        if is_variable && reads_variables(&text[..at]) {
            let default = default(rest).or_else(|| before(&text[..at]));
            found.push(Read { name: name.to_owned(), default });
        }
    }
    found
}

/// `{"default": "x", "env": os.getenv("X")}`: a default that stands before the call, in the same block.
fn before(text: &str) -> Option<String> {
    let mut near = text.char_indices().rev().take(LONGEST);
    let block = &text[near.find(|(_, c)| "{}".contains(*c))?.0 + 1..];
    let (start, rest) = block.rsplit_once("default")?;
    let rest = rest.strip_prefix(['"', '\'']).unwrap_or(rest).trim_start().strip_prefix(':')?;
    let is_key = start.is_empty() || start.ends_with(['"', '\'', ' ', '\n', ',']);
    literal(rest.trim_start()).map(|(text, _)| text.to_owned()).filter(|_| is_key)
}

fn reads_variables(before: &str) -> bool {
    // Elixir calls what raises an error `fetch_env!`.
    let before = before.strip_suffix('!').unwrap_or(before);
    let called = last_word(before, |c| c.is_ascii_alphanumeric() || "_.:".contains(c));
    let called = called.to_lowercase();
    called.contains("env") || called == "config" || called.ends_with(".config")
}

/// What follows a name: `, "default"`, `, default="default"`, `, dev: "default"`, `) || "default"`, `) { "default" }`,
/// `).unwrap_or_else(|_| "default".into())`.
fn default(rest: &str) -> Option<String> {
    let rest = rest.trim_start();
    let other = || {
        let behind = rest.strip_prefix([')', ']']).unwrap_or(rest).trim_start();
        let found = ["||", "??", "or ", "{"].iter().find_map(|word| behind.strip_prefix(word));
        found.or_else(|| unwrapped(behind))
    };
    let rest = rest.strip_prefix(',').or_else(other)?.trim_start();
    let named = ["default", "dev"].iter().find_map(|word| rest.strip_prefix(word));
    let rest = named.map_or(rest, |rest| rest.trim_start_matches([' ', '=', ':']));
    value(rest)
}

/// What Rust takes where there is none.
fn unwrapped(text: &str) -> Option<&str> {
    let text = text.strip_prefix(".ok()").unwrap_or(text).trim_start();
    let rest = text.strip_prefix(".unwrap_or(").or_else(|| {
        let rest = text.strip_prefix(".unwrap_or_else(|")?;
        rest.split_once('|').map(|(_, rest)| rest)
    })?;
    let rest = rest.trim_start();
    Some(rest.strip_prefix("String::from(").unwrap_or(rest))
}

/// A string in quotes, a number, or a word for nothing.
fn value(text: &str) -> Option<String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let is_nothing = || {
        let end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
        ["None", "null", "nil", "undefined"].contains(&&text[..end])
    };
    match literal(text) {
        Some((text, _)) => Some(text.to_owned()),
        None if digits > 0 => Some(text[..digits].to_owned()),
        None => is_nothing().then(String::new),
    }
}

/// `process.env.X || "default"`, `if (process.env.X)`: code that asks whether there is a value does without one.
fn members(text: &str) -> Vec<Read> {
    let found = text.match_indices("env.").filter_map(|(at, marker)| {
        let after = &text[at + marker.len()..];
        let end = after.find(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit() && c != '_');
        let (name, rest) = after.split_at(end.unwrap_or(after.len()));
        let plain =
            name.len() > 1 && is_name(name) && !rest.starts_with(|c: char| c.is_ascii_lowercase());
        let before = text[..at].strip_suffix("process.").unwrap_or_default();
        let is_asked = ["if (", "!!"].iter().any(|mark| before.ends_with(mark));
        let default = default(rest).or_else(|| is_asked.then(String::new));
        plain.then(|| Read { name: name.to_owned(), default })
    });
    found.collect()
}

/// `${X:default}` in files of settings, `${X:-default}` in others.
fn braces(text: &str) -> Vec<Read> {
    let found = text.match_indices("${").filter_map(|(at, mark)| {
        let rest = head(&text[at + mark.len()..], LONGEST);
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
        let (name, rest) = (&rest[..end], rest[end..].strip_prefix(':')?);
        let value = rest.trim_start_matches('-').split(['}', '\n']).next()?;
        let default = Some(value.to_owned()).filter(|value| !value.is_empty());
        is_name(name).then(|| Read { name: name.to_owned(), default })
    });
    found.collect()
}

/// Calls that read a variable which they do not name.
fn implied(text: &str) -> Vec<Read> {
    let names = [
        ("dj_database_url.config(", "DATABASE_URL"),
        ("env.db(", "DATABASE_URL"),
        ("env.dj_db_url(", "DATABASE_URL"),
        ("env.cache(", "CACHE_URL"),
    ];
    let calls = names.iter().flat_map(|(call, name)| {
        text.match_indices(call).map(move |(at, _)| (text[at + call.len()..].trim_start(), *name))
    });
    let unnamed = calls.filter(|(rest, _)| rest.starts_with(')') || rest.starts_with("default"));
    unnamed
        .map(|(rest, name)| Read { name: name.to_owned(), default: default(&format!(",{rest}")) })
        .collect()
}

/// A string in quotes at the beginning, and what follows it.
pub(super) fn literal(text: &str) -> Option<(&str, &str)> {
    let text = text
        .strip_prefix(['f', 'r', 'b'])
        .filter(|rest| rest.starts_with(['"', '\'']))
        .unwrap_or(text);
    let quote = text.chars().next().filter(|c| "\"'`".contains(*c))?;
    let rest = &text[1..];
    let end = rest.find([quote, '\n'])?;
    rest[end..].starts_with(quote).then(|| (&rest[..end], &rest[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_found_in_every_language() {
        for (text, name, default) in [
            ("DB = os.getenv(\"DB\", \"sqlite\")", "DB", Some("sqlite")),
            ("x = os.environ['DB_NAME']", "DB_NAME", None),
            ("os.environ.get(\n    \"PORT\",\n    8000)", "PORT", Some("8000")),
            ("env.str('DJANGO_DB', default='wger')", "DJANGO_DB", Some("wger")),
            ("config(\"SECRET\")", "SECRET", None),
            ("__get_path(get_from_env(\"DATA_DIR\", \"x\"))", "DATA_DIR", Some("x")),
            (
                "url: process.env.DATABASE_URL ?? 'postgres://h/d',",
                "DATABASE_URL",
                Some("postgres://h/d"),
            ),
            ("const on = !!process.env.REDIS_URL;", "REDIS_URL", Some("")),
            ("if (!process.env.DB_URL) throw x", "DB_URL", None),
            ("process.env['PGHOST'] || \"db\"", "PGHOST", Some("db")),
            ("f(os.getenv(\"X_Y\"), \"no\")", "X_Y", None),
            ("env('DB_URL', default=None)", "DB_URL", Some("")),
            ("<%= ENV.fetch(\"RAILS_DB\") { \"blog\" } %>", "RAILS_DB", Some("blog")),
            ("url = env(\"DATABASE_URL\")", "DATABASE_URL", None),
            ("std::env::var(\"REDIS_URL\")", "REDIS_URL", None),
            (
                "env::var(\"PORT\")\n        .unwrap_or_else(|_| \"8000\".to_string())",
                "PORT",
                Some("8000"),
            ),
            ("env::var(\"PORT\").unwrap_or(\"8000\".into())", "PORT", Some("8000")),
            ("env::var(\"PORT\").unwrap_or_else(|_| free())", "PORT", None),
            ("env::var(\"PG\").ok().unwrap_or(String::from(\"x\"))", "PG", Some("x")),
            ("os.Getenv(\"REDIS_URL\")", "REDIS_URL", None),
            ("url=${INN_URL:jdbc:mysql://h/inn}\n", "INN_URL", Some("jdbc:mysql://h/inn")),
            ("System.get_env(\"DB_URL\") || \"ecto://h/inn\"", "DB_URL", Some("ecto://h/inn")),
            (
                "{\n  \"default\": \"sqlite3\",\n  \"env\": os.getenv(\"DB_TYPE\"),\n}",
                "DB_TYPE",
                Some("sqlite3"),
            ),
            ("{\"default\": \"x\"}, {\"env\": os.getenv(\"DB_TYPE\")}", "DB_TYPE", None),
            ("System.fetch_env!(\"DB_URL\")", "DB_URL", None),
            ("Util.fetch_env!(\"DB_NAME\", dev: \"inn\", test: \"t\")", "DB_NAME", Some("inn")),
            (
                "class S(BaseSettings):\n    POSTGRES_PORT: int = 5432\n",
                "POSTGRES_PORT",
                Some("5432"),
            ),
            (
                "dj_database_url.config(default=\"postgres://a:a@h/a\")",
                "DATABASE_URL",
                Some("postgres://a:a@h/a"),
            ),
        ] {
            let expected = Read { name: name.to_owned(), default: default.map(str::to_owned) };
            assert!(of(text).contains(&expected), "{text}: {:?}", of(text));
        }
        for text in [
            "DATABASES['DEFAULT']",
            "print(\"HELLO\")",
            "os.getenv(name)",
            "{\"NAME\": x}",
            "env(\"x",
        ] {
            assert_eq!(of(text), [], "{text}");
        }
    }
}
