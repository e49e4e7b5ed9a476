//! The files that say which migrations a database has: what names its template.

use super::seen::Seen;

/// Tools that migrate, by a file that each needs with a word in it, and where the migrations are. Each migration is a file
/// that never changes, so that a branch has those of the commit that it started from.
const TOOLS: [(&str, &str, &str); 6] = [
    ("manage.py", "django", "**/migrations/*.py"),
    ("alembic.ini", "script_location", "**/versions/*.py"),
    ("Gemfile", "rails", "**/db/migrate/*.rb"),
    ("schema.prisma", "datasource", "**/migrations/*/migration.sql"),
    ("flyway.conf", "flyway", "**/V*__*.sql"),
    ("flyway.toml", "flyway", "**/V*__*.sql"),
];

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
