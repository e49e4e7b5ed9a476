//! Tools that migrate the database of a program in Rust.

use super::Framework;
use crate::model::detect::migrations;
use crate::model::detect::paths::FOREIGN;
use crate::model::detect::processes::enter;
use crate::model::detect::seen::Seen;
use crate::model::shell;

/// A crate that migrates.
struct Tool {
    name: &'static str,
    title: &'static str,
    /// Its command, which finds migrations in the directory `migrations` of the one that it runs in.
    command: &'static str,
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
        option: "--source",
        pattern: "**/migrations/*.sql",
        is_own: |file| file.starts_with(|c: char| c.is_ascii_digit()) && !file.contains('/'),
    },
    Tool {
        name: "diesel",
        title: "Diesel",
        command: "diesel migration run",
        option: "--migration-dir",
        pattern: "**/migrations/*/up.sql",
        is_own: |file| file.ends_with("/up.sql"),
    },
];

/// The tool whose migrations the repository holds. Without a command where the program runs them when it starts, unless its
/// queries are checked against the database before that, when it is compiled.
pub(super) fn find(seen: &Seen) -> Option<Framework> {
    let (file, tool, place) = used(seen)?;
    let is_needed = !migrations::is_embedded(seen, "Cargo.toml") || is_checked(seen);
    Some(Framework {
        found: format!("{file}: {}", tool.title),
        migrate: is_needed.then(|| command(seen, tool, &place)).into_iter().collect(),
        ..Framework::default()
    })
}

/// The pattern of its migrations.
pub(in crate::model::detect) fn key(seen: &Seen) -> Option<&'static str> {
    used(seen).map(|(_, tool, _)| tool.pattern)
}

/// The manifest that names the tool, and the directory above its migrations.
fn used(seen: &Seen) -> Option<(&str, &'static Tool, String)> {
    TOOLS.iter().find_map(|tool| {
        let file = seen.named("Cargo.toml").find(|file| depends(seen.text(file), tool.name))?;
        Some((file, tool, place(seen, tool)?))
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

/// The topmost directory with its migrations.
fn place(seen: &Seen, tool: &Tool) -> Option<String> {
    let of_file = |path: &String| {
        let (near, file) = path.rsplit_once("migrations/")?;
        let is_whole = near.is_empty() || near.ends_with('/');
        let is_foreign = near.split('/').any(|dir| FOREIGN.contains(&dir));
        let is_own = file.ends_with(".sql") && (tool.is_own)(file);
        (is_whole && is_own && !is_foreign).then(|| near.to_owned())
    };
    let places = seen.tracked.iter().filter_map(of_file);
    places.min_by_key(|place| place.matches('/').count())
}

fn command(seen: &Seen, tool: &Tool, place: &str) -> String {
    let is_crate = seen.files.contains_key(&format!("{place}Cargo.toml"));
    match is_crate || place.is_empty() {
        true => enter(place) + tool.command,
        false => {
            let migrations = shell::word(&format!("{place}migrations"));
            format!("{} {} {migrations}", tool.command, tool.option)
        }
    }
}

/// Queries of SQLx are compared with the database when they are compiled.
fn is_checked(seen: &Seen) -> bool {
    let macros = ["query!(", "query_as!(", "query_scalar!(", "query_file!(", "query_file_as!("];
    let files = seen.files.iter().chain(&seen.others);
    let mut code = files.filter(|(path, _)| path.ends_with(".rs"));
    code.any(|(_, text)| macros.iter().any(|name| text.contains(name)))
}
