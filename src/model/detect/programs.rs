//! What starts a program of Go or Rust: a task of the project's own, a program that starts it anew after a change, or the
//! language's own command.

use super::paths::dir;
use super::processes::{Process, enter, process};
use super::seen::Seen;
use super::tasks;
use super::{Evidence, Port, fixed};
use crate::model::shell;

/// A manifest, with the programs that tasks start such an application by.
const LANGUAGES: [(&str, &[&str]); 2] = [
    ("go.mod", &["go run", "air", "gow", "reflex", "CompileDaemon"]),
    ("Cargo.toml", &["cargo run", "cargo watch", "cargo-watch", "bacon", "watchexec"]),
];

/// A process for the topmost manifest of each language. The program reads its port from the environment.
pub(super) fn of(evidence: &Evidence<'_>, ports: &[Port]) -> Vec<Process> {
    let seen = evidence.seen;
    let each = LANGUAGES.iter().filter_map(|(manifest, programs)| {
        let file = seen.named(manifest).next()?;
        let near = dir(file);
        // Two of them cannot listen on one port.
        let is_fixed = |(place, _): (String, u16)| ports.iter().any(|port| port.why == place);
        if fixed::of(seen, file).is_some_and(is_fixed) {
            return None;
        }
        let run = match tasks::starting(evidence, near, programs, ports) {
            Some(task) => task.run(),
            None if *manifest == "go.mod" => enter(near) + &of_go(seen, near)?,
            None => enter(near) + &of_cargo(seen, near)?,
        };
        Some(process("web", near, run))
    });
    each.collect()
}

/// air, where the project has settings for it, else the one package that is a program.
fn of_go(seen: &Seen, near: &str) -> Option<String> {
    if seen.tracked.contains(&format!("{near}.air.toml")) {
        return Some("air".to_owned());
    }
    if seen.tracked.contains(&format!("{near}main.go")) {
        return Some("go run .".to_owned());
    }
    let commands = format!("{near}cmd/");
    let mut files = seen
        .tracked
        .iter()
        .filter(|path| path.starts_with(&commands) && path.ends_with("/main.go"));
    let file = files.next().filter(|_| files.next().is_none())?;
    let package = dir(file).strip_prefix(near)?.trim_end_matches('/');
    Some(format!("go run {}", shell::word(&format!("./{package}"))))
}

/// The one program of a package or of a workspace.
fn of_cargo(seen: &Seen, near: &str) -> Option<String> {
    let is_inside = |path: &&String| path.starts_with(near);
    let is_program = |path: &&String| path.ends_with("src/main.rs") || path.contains("src/bin/");
    let mut files = seen.tracked.iter().filter(is_inside).filter(is_program);
    let file = files.next().filter(|_| files.next().is_none())?;
    let package = file.strip_prefix(near)?.strip_suffix("src/main.rs")?;
    if package.is_empty() {
        return Some("cargo run".to_owned());
    }
    let manifest: toml_edit::DocumentMut =
        seen.text(&format!("{near}{package}Cargo.toml")).parse().ok()?;
    let name = manifest.get("package")?.get("name")?.as_str()?;
    Some(format!("cargo run --package {}", shell::word(name)))
}
