//! The files that say which migrations a database has: what names its template.

use super::paths::{dir, name};
use super::seen::Seen;
use super::{Evidence, Project, frameworks, plain, processes, tasks};
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

/// What code says that migrates when it starts, by the manifest of its language and the ending of its files.
const EMBEDDED: [(&str, &str, &[&str]); 2] = [
    ("Cargo.toml", ".rs", &["migrate!(", "embed_migrations!", "Migrator::up("]),
    (
        "go.mod",
        ".go",
        &[".AutoMigrate(", "goose.Up", "goose.SetBaseFS(", "iofs.New(", "migrate.New"],
    ),
];

/// Manifests of Java's build tools.
pub(super) const MANIFESTS: [&str; 3] = ["pom.xml", "build.gradle", "build.gradle.kts"];

/// Says that no command is known that gives a new database its tables. Commands on this machine reach no database of a
/// stack's own.
pub(super) fn close(project: &mut Project, evidence: &Evidence<'_>) {
    let frameworks = &evidence.frameworks;
    let is_sql = |kind: Kind| kind != Kind::Redis;
    let task = tasks::migrating(project, evidence);
    let is_known = frameworks.iter().any(|framework| !framework.migrate.is_empty())
        || is_by_program(evidence)
        || task.is_some();
    if task.is_some() {
        let missing = project.missing.iter_mut();
        missing.for_each(|what| *what = what.replace(processes::AND_MIGRATES, ""));
    }
    let is_said = project.missing.iter().any(|what| what.contains("what migrates"));
    if project.services.iter().any(|service| is_sql(service.kind)) {
        if !is_known && !is_said {
            project.missing.push("what migrates a database: add it to `hooks:`".to_owned());
        }
        return;
    }
    let stacks =
        evidence.stacks.iter().filter(|stack| project.compose.as_ref() == Some(&stack.file));
    let mut kinds = stacks.flat_map(|stack| &stack.services).filter_map(|service| service.kind);
    if kinds.any(is_sql) {
        let is_migration =
            |hook: &mut String| frameworks.iter().any(|one| one.migrate.contains(hook));
        project.held.extend(project.hooks.extract_if(.., is_migration));
    }
}

/// A program of the project migrates when it starts.
pub(super) fn is_by_program(evidence: &Evidence<'_>) -> bool {
    MANIFESTS.iter().any(|manifest| is_by_itself(evidence.seen, manifest))
        || EMBEDDED.iter().any(|(manifest, ..)| is_embedded(evidence.seen, manifest))
}

/// Code of the manifest's language migrates when it starts.
pub(super) fn is_embedded(seen: &Seen, manifest: &str) -> bool {
    let files = || seen.files.iter().chain(&seen.others);
    EMBEDDED.iter().filter(|(name, ..)| *name == manifest).any(|(_, end, words)| {
        let code = files().filter(|(path, _)| path.ends_with(end));
        let mut code = code.filter(|(path, text)| plain::is_tracked(seen, path, text));
        code.any(|(_, text)| words.iter().any(|word| text.contains(word)))
    })
}

/// Spring Boot migrates when it starts, where one of these packages is there: in the manifest, or in one of its modules.
pub(super) fn is_by_itself(seen: &Seen, manifest: &str) -> bool {
    if is_embedded(seen, name(manifest)) {
        return true;
    }
    let is_it = |path: &str| {
        let text = seen.text(path);
        is_springs(text) && ["flyway-core", "liquibase-core"].iter().any(|word| text.contains(word))
    };
    seen.named(name(manifest)).any(|path| path.starts_with(dir(manifest)) && is_it(path))
}

/// Whether a manifest of Java's has Spring Boot.
pub(super) fn is_springs(text: &str) -> bool {
    ["spring-boot", "springframework.boot"].iter().any(|word| text.contains(word))
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
    key.extend(frameworks::rust_key(seen).map(str::to_owned));
    key
}
