//! What migrates a database, and the files that say which migrations it has: what names its template.

use super::paths::{dir, name};
use super::plain::{is_run, is_tracked, without_tests};
use super::seen::Seen;
use super::{Evidence, Project, frameworks, needs, tasks};
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
pub(super) const EMBEDDED: [(&str, &str, &[&str]); 2] = [
    ("Cargo.toml", ".rs", &["migrate!(", "embed_migrations!", "Migrator::up("]),
    (
        "go.mod",
        ".go",
        &[".AutoMigrate(", "goose.Up", "goose.SetBaseFS(", "iofs.New(", "migrate.New"],
    ),
];

/// Manifests of Java's build tools.
pub(super) const MANIFESTS: [&str; 3] = ["pom.xml", "build.gradle", "build.gradle.kts"];

/// Commands that migrate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Migrations {
    pub(super) run: Vec<String>,
    /// Those that only containers can run.
    pub(super) inside: Vec<String>,
}

/// Decides what migrates, and says what is missing. A task of the project's own counts more than the commands of tools in Rust
/// and than code that may do it, but not more than frameworks.
pub(super) fn find(project: &mut Project, evidence: &Evidence<'_>) {
    let of_frameworks = evidence.frameworks.iter().flat_map(|framework| {
        framework.migrate.iter().map(|run| (framework.file().to_owned(), run.clone()))
    });
    let mut found: Vec<(String, String)> = of_frameworks.collect();
    let task = tasks::migrating(project, evidence);
    let is_by_task = found.is_empty() && task.is_some();
    let mut said = Vec::new();
    match task {
        Some(run) if is_by_task => found.push((String::new(), run)),
        Some(_) => {}
        None => found.extend(of_rust(project, evidence, &mut said)),
    }
    let is_migrated = |file: &str| {
        // A crate of a workspace may migrate for the program of another one.
        let is_in_cargo = |of: &str| name(of) == "Cargo.toml" && name(file) == "Cargo.toml";
        let is_found = found.iter().any(|(of, _)| of == file || is_in_cargo(of));
        is_by_task || is_found || is_by_itself(evidence.seen, file)
    };
    let is_whole = project.unstarted.iter().all(|file| is_migrated(file));
    let unstarted = project.unstarted.iter().map(|file| {
        let more =
            if is_migrated(file) { "" } else { ", and what migrates a database to `hooks:`" };
        format!("what starts {file}: add it to `processes:`{more}")
    });
    project.missing.extend(unstarted);
    let is_known = !found.is_empty() || !said.is_empty() || is_by_program(evidence.seen);
    project.missing.extend(said);
    if project.services.iter().any(|one| one.kind != Kind::Redis) && !is_known && is_whole {
        project.missing.push("what migrates a database: add it to `hooks:`".to_owned());
    }
    let only_inside = needs::only_inside(project, evidence);
    let manage = frameworks::django(evidence.seen).filter(|_| only_inside.is_some());
    project.missing.extend(only_inside);
    let (inside, run): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|(file, _)| manage == Some(file));
    let commands = |found: Vec<(String, String)>| found.into_iter().map(|(_, run)| run).collect();
    project.migrations = Migrations { run: commands(run), inside: commands(inside) };
}

/// The command of a tool in Rust, and what is said of it.
fn of_rust(
    project: &Project,
    evidence: &Evidence<'_>,
    said: &mut Vec<String>,
) -> Option<(String, String)> {
    let is_file = evidence.engine == Some(Kind::Sqlite);
    let own = frameworks::rust_migrations(evidence.seen, is_file)?;
    let others = own.others.iter();
    said.extend(others.map(|dir| format!("what migrates {dir}: add it to `hooks:`")));
    if project.sets("DATABASE_URL") {
        return Some((own.manifest.to_owned(), own.run));
    }
    said.push(format!(
        "what migrates a database: `{}` needs DATABASE_URL: set it under `env:`, and add the command to `hooks:`",
        own.run
    ));
    None
}

/// Holds back what would migrate another database than that of a stack's own, which commands on this machine do not reach.
pub(super) fn hold(project: &mut Project, evidence: &Evidence<'_>) {
    let is_sql = |kind: Kind| kind != Kind::Redis;
    let stacks =
        evidence.stacks.iter().filter(|stack| project.compose.as_ref() == Some(&stack.file));
    let mut kinds = stacks.flat_map(|stack| &stack.services).filter_map(|service| service.kind);
    if !project.services.iter().any(|service| is_sql(service.kind)) && kinds.any(is_sql) {
        let is_migration = |hook: &mut String| project.migrations.run.contains(hook);
        project.held.extend(project.hooks.extract_if(.., is_migration));
    }
}

/// A program of the project migrates when it starts.
fn is_by_program(seen: &Seen) -> bool {
    MANIFESTS.iter().any(|manifest| is_by_itself(seen, manifest))
        || EMBEDDED.iter().any(|(manifest, ..)| is_embedded(seen, manifest))
}

/// Code of the manifest's language migrates when it starts: that of its only program, for another one may be what migrates.
pub(super) fn is_embedded(seen: &Seen, manifest: &str) -> bool {
    EMBEDDED.iter().filter(|(name, ..)| *name == manifest).any(|(_, end, words)| {
        let is_it = |line: &str| words.iter().any(|word| code(line).contains(word));
        let programs = seen.tracked.iter().filter(|path| is_program(path, end));
        let mut files = seen
            .files
            .iter()
            .chain(&seen.others)
            .filter(|(path, text)| path.ends_with(end) && is_tracked(seen, path, text));
        programs.filter(|path| is_run(seen, path)).count() == 1
            && files.any(|(path, text)| without_tests(path, text).lines().any(is_it))
    })
}

/// The file with which a program begins.
fn is_program(path: &str, end: &str) -> bool {
    match end {
        ".go" => name(path) == "main.go",
        _ => path.ends_with("src/main.rs") || (path.contains("src/bin/") && path.ends_with(end)),
    }
}

/// A line without its comment, in a language with those of C.
fn code(line: &str) -> &str {
    let is_block = line.trim_start().starts_with("* ");
    let end = ["//", "/*"].iter().filter_map(|mark| line.find(mark)).min();
    if is_block { "" } else { &line[..end.unwrap_or(line.len())] }
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
