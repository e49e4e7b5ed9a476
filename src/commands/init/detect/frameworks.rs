//! Frameworks, by the files that they need.

use crate::commands::init::detect::Seen;
use crate::model::config::Kind;
use serde_json::Value;

/// A framework that was recognised.
pub(super) struct Framework {
    /// In words.
    pub(super) found: String,
    /// The variable to use for its port, and its port when nobody says another.
    pub(super) port: Option<(&'static str, u16)>,
    /// It runs beside another one.
    pub(super) second: bool,
    /// Servers that its packages talk to.
    pub(super) servers: Vec<Kind>,
}

impl Framework {
    /// Whether a variable of this name says its port.
    pub(super) fn owns(&self, variable: &str) -> bool {
        match self.port {
            Some(("VITE_PORT", _)) => {
                ["VITE", "FRONTEND", "WEB", "CLIENT"].iter().any(|word| variable.contains(word))
            }
            Some((own, _)) => own == variable || variable == "PORT",
            None => false,
        }
    }
}

/// The frameworks of a repository, the one that serves pages first.
pub(super) fn of(seen: &Seen) -> Vec<Framework> {
    [django(seen), rails(seen)].into_iter().flatten().chain(node(seen)).collect()
}

/// What a fresh worktree needs before it works.
pub(super) fn hooks(seen: &Seen) -> Vec<String> {
    let has = |file: &str| seen.files.contains_key(file);
    let mut hooks = Vec::new();
    let installers = [
        ("uv.lock", "uv sync"),
        ("poetry.lock", "poetry install"),
        ("pnpm-lock.yaml", "pnpm install --frozen-lockfile"),
        ("yarn.lock", "yarn install"),
        ("bun.lock", "bun install"),
        ("bun.lockb", "bun install"),
        ("package-lock.json", "npm ci"),
    ];
    hooks.extend(
        installers.iter().filter(|(lock, _)| has(lock)).map(|(_, command)| (*command).to_owned()),
    );
    if has("manage.py") {
        let runner = match (has("uv.lock"), has("poetry.lock")) {
            (true, _) => "uv run ",
            (_, true) => "poetry run ",
            _ => "",
        };
        hooks.push(format!("{runner}python manage.py migrate"));
    }
    if rails(seen).is_some() {
        hooks.extend(["bundle install".to_owned(), "bin/rails db:prepare".to_owned()]);
    }
    hooks
}

fn django(seen: &Seen) -> Option<Framework> {
    seen.files
        .get("manage.py")
        .filter(|text| text.contains("django") || text.contains("DJANGO"))?;
    let python = ["requirements.txt", "requirements/base.txt", "pyproject.toml", "Pipfile"];
    let settings =
        seen.files.keys().filter(|file| file.ends_with("settings.py")).map(String::as_str);
    let text: String = python
        .into_iter()
        .chain(settings)
        .filter_map(|file| seen.files.get(file))
        .cloned()
        .collect();
    let text = text.to_lowercase();
    let words = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let mut servers = Vec::new();
    if words(&["psycopg", "backends.postgresql"]) {
        servers.push(Kind::Postgres);
    }
    if words(&["redis", "celery", "channels"]) {
        servers.push(Kind::Redis);
    }
    let port = Some(("DJANGO_PORT", 8000));
    Some(Framework { found: "manage.py: Django".to_owned(), port, second: false, servers })
}

fn rails(seen: &Seen) -> Option<Framework> {
    let gems = seen.files.get("Gemfile")?;
    let has = |name: &str| {
        ['"', '\''].iter().any(|quote| gems.contains(&format!("gem {quote}{name}{quote}")))
    };
    has("rails").then(|| {
        let mut servers = Vec::new();
        servers.extend(has("pg").then_some(Kind::Postgres));
        servers.extend((has("redis") || has("sidekiq") || has("resque")).then_some(Kind::Redis));
        let port = Some(("PORT", 3000));
        Framework { found: "Gemfile: Rails".to_owned(), port, second: false, servers }
    })
}

fn node(seen: &Seen) -> Vec<Framework> {
    let files =
        ["package.json", "frontend/package.json", "web/package.json", "client/package.json"];
    let found = files.into_iter().filter_map(|file| package(file, seen.files.get(file)?));
    found.collect()
}

fn package(file: &str, text: &str) -> Option<Framework> {
    let package: Value = serde_json::from_str(text).ok()?;
    let needs = |name: &str| {
        ["dependencies", "devDependencies"].iter().any(|key| package[key].get(name).is_some())
    };
    let any = |names: &[&str]| names.iter().any(|name| needs(name));
    let (name, port, second) = if needs("next") {
        ("Next.js", Some(("PORT", 3000)), false)
    } else if any(&["vite", "@sveltejs/kit", "astro"]) {
        ("Vite", Some(("VITE_PORT", 5173)), true)
    } else if any(&["express", "fastify", "koa", "@nestjs/core", "hono"]) {
        ("Node.js", Some(("PORT", 3000)), false)
    } else {
        ("Node.js", None, false)
    };
    let mut servers = Vec::new();
    servers.extend(any(&["pg", "postgres", "pg-promise"]).then_some(Kind::Postgres));
    servers.extend(any(&["redis", "ioredis", "bull", "bullmq"]).then_some(Kind::Redis));
    Some(Framework { found: format!("{file}: {name}"), port, second, servers })
}
