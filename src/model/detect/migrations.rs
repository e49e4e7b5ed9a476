//! The files that say which migrations a database has: what names its template.

use super::Project;
use super::frameworks::Framework;
use super::seen::Seen;
use crate::model::config::Kind;

/// Tools that migrate, by a file that each needs with a word in it, and where the migrations are. Each migration is a file
/// that never changes, so that a branch has those of the commit that it started from.
const TOOLS: [(&str, &str, &str); 8] = [
    ("manage.py", "django", "**/migrations/*.py"),
    ("alembic.ini", "script_location", "**/versions/*.py"),
    ("Gemfile", "rails", "**/db/migrate/*.rb"),
    ("schema.prisma", "datasource", "**/migrations/*/migration.sql"),
    ("mix.exs", ":ecto", "**/priv/repo/migrations/*.exs"),
    ("composer.json", "laravel/framework", "**/database/migrations/*.php"),
    ("flyway.conf", "flyway", "**/V*__*.sql"),
    ("flyway.toml", "flyway", "**/V*__*.sql"),
];

/// Says that no command is known that gives a new database its tables.
pub(super) fn unknown(project: &mut Project, frameworks: &[Framework]) {
    let is_sql = project.services.iter().any(|service| service.kind != Kind::Redis);
    let is_known = frameworks.iter().any(|framework| !framework.migrate.is_empty());
    let is_said = project.missing.iter().any(|what| what.contains("what migrates"));
    if is_sql && !is_known && !is_said {
        project.missing.push("what migrates a database: add it to `hooks:`".to_owned());
    }
}

/// The patterns for the key of a template.
pub(super) fn key(seen: &Seen) -> Vec<String> {
    let mut key: Vec<String> = Vec::new();
    for (file, word, pattern) in TOOLS {
        let has = |path: &str| seen.text(path).to_lowercase().contains(word);
        if seen.named(file).any(has) && !key.iter().any(|known| known == pattern) {
            key.push(pattern.to_owned());
        }
    }
    key
}
