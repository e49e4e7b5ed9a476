//! Tools that migrate the database of a program in Rust.

use super::Framework;
use crate::model::detect::migrations;
use crate::model::detect::paths::FOREIGN;
use crate::model::detect::processes::enter;
use crate::model::detect::seen::Seen;
use crate::model::shell;
use std::collections::BTreeSet;

/// A crate that migrates.
struct Tool {
    name: &'static str,
    title: &'static str,
    /// Its command, which finds migrations in the directory `migrations` of the one that it runs in.
    command: &'static str,
    /// The same, where the database is a file that does not exist yet.
    creating: &'static str,
    /// The option that names another directory.
    option: &'static str,
    /// Its migrations, for the key of a template.
    pattern: &'static str,
    /// Whether a file in a directory `migrations` is one of its own.
    is_own: fn(&str) -> bool,
}

const TOOLS: [Tool; 2] = [
    Tool {
        name: "sqlx",
        title: "SQLx",
        command: "sqlx migrate run",
        creating: "sqlx database setup",
        option: "--source",
        pattern: "**/migrations/*.sql",
        is_own: |file| file.starts_with(|c: char| c.is_ascii_digit()) && !file.contains('/'),
    },
    Tool {
        name: "diesel",
        title: "Diesel",
        command: "diesel migration run",
        creating: "diesel migration run",
        option: "--migration-dir",
        pattern: "**/migrations/*/up.sql",
        is_own: |file| file.ends_with("/up.sql"),
    },
];

/// The tool whose migrations the repository holds.
pub(super) fn find(seen: &Seen) -> Option<Framework> {
    let (file, tool, _) = used(seen)?;
    Some(Framework { found: format!("{file}: {}", tool.title), ..Framework::default() })
}

/// What the tool's own command does, which reads `DATABASE_URL`.
pub(in crate::model::detect) struct Migrations<'a> {
    pub(in crate::model::detect) manifest: &'a str,
    pub(in crate::model::detect) run: String,
    /// Directories of migrations that it does not run.
    pub(in crate::model::detect) others: Vec<String>,
}

/// The tool's own command. None where the program migrates when it starts, unless its queries are checked against the database
/// before that, when it is compiled; and none where the migrations may be those of another tool, which SQLx would run with
/// the part that takes them back.
pub(in crate::model::detect) fn migrations(seen: &Seen, is_file: bool) -> Option<Migrations<'_>> {
    let (manifest, tool, places) = used(seen)?;
    let is_needed = !migrations::is_embedded(seen, "Cargo.toml") || is_checked(seen);
    let is_others = places.iter().any(|place| place.contains("supabase/"))
        || seen.others.iter().any(|(path, text)| path.ends_with(".sql") && takes_back(text));
    let (first, more) = places.split_first().filter(|_| is_needed && !is_others)?;
    Some(Migrations {
        manifest,
        run: command(seen, tool, first, is_file),
        others: more.iter().map(|place| format!("{place}migrations")).collect(),
    })
}

/// A migration of dbmate or goose has both directions in one file.
fn takes_back(migration: &str) -> bool {
    migration.lines().filter_map(|line| line.trim().strip_prefix("--")).any(|line| {
        let words: Vec<String> = line.split_whitespace().map(str::to_lowercase).collect();
        ["migrate:down", "+goose down"].iter().any(|mark| words.join(" ").starts_with(mark))
    })
}

/// The pattern of its migrations.
pub(in crate::model::detect) fn key(seen: &Seen) -> Option<&'static str> {
    used(seen).map(|(_, tool, _)| tool.pattern)
}

/// The manifest that names the tool, and the directories above its migrations.
fn used(seen: &Seen) -> Option<(&str, &'static Tool, Vec<String>)> {
    TOOLS.iter().find_map(|tool| {
        let file = seen.named("Cargo.toml").find(|file| depends(seen.text(file), tool.name))?;
        Some((file, tool, places(seen, tool))).filter(|(.., places)| !places.is_empty())
    })
}

/// Whether a manifest names a crate among what it needs.
fn depends(manifest: &str, name: &str) -> bool {
    let tables = ["[dependencies.", "[workspace.dependencies."];
    manifest.lines().map(str::trim).any(|line| {
        let line = tables.iter().find_map(|table| line.strip_prefix(table)).unwrap_or(line);
        let rest = line.strip_prefix(name).map(str::trim_start);
        rest.is_some_and(|rest| rest.starts_with(['=', '.', ']']))
    })
}

/// The directories above its migrations, the topmost first.
fn places(seen: &Seen, tool: &Tool) -> Vec<String> {
    let of_file = |path: &String| {
        let (near, file) = path.rsplit_once("migrations/")?;
        let is_whole = near.is_empty() || near.ends_with('/');
        let is_foreign = near.split('/').any(|dir| FOREIGN.contains(&dir));
        let is_own = file.ends_with(".sql") && (tool.is_own)(file);
        (is_whole && is_own && !is_foreign).then(|| near.to_owned())
    };
    let places: BTreeSet<String> = seen.tracked.iter().filter_map(of_file).collect();
    let mut places: Vec<String> = places.into_iter().collect();
    places.sort_by_key(|place| place.matches('/').count());
    places
}

fn command(seen: &Seen, tool: &Tool, place: &str, is_file: bool) -> String {
    let command = if is_file { tool.creating } else { tool.command };
    let is_crate = seen.files.contains_key(&format!("{place}Cargo.toml"));
    match is_crate || place.is_empty() {
        true => enter(place) + command,
        false => {
            let migrations = shell::word(&format!("{place}migrations"));
            format!("{command} {} {migrations}", tool.option)
        }
    }
}

/// Queries of SQLx that are compared with the database when they are compiled.
pub(in crate::model::detect) const CHECKED: [&str; 6] = [
    "query!(",
    "query_as!(",
    "query_scalar!(",
    "query_file!(",
    "query_file_as!(",
    "query_file_scalar!(",
];

/// Whether code has such queries.
fn is_checked(seen: &Seen) -> bool {
    let files = seen.files.iter().chain(&seen.others);
    let mut code = files.filter(|(path, _)| path.ends_with(".rs"));
    code.any(|(_, text)| CHECKED.iter().any(|name| text.contains(name)))
}
