//! An environment's resources in a few lines: planned, and created.

use crate::commands::output::environment::url;
use crate::model::lease::Lease;
use crate::model::plan::{Start, Target};
use crate::model::shell;
use crate::ui::Tone;

/// What `add` will create.
pub fn planned(lease: &Lease, target: &Target, hooks: &[String]) -> String {
    let mut facts = vec![("branch".to_owned(), origin(target))];
    facts.extend(held(lease));
    facts.extend(hooks.iter().map(|hook| ("hook".to_owned(), hook.clone())));
    format!("Will create:\n{}", listed(&facts))
}

/// What was created, and the command to go there.
pub fn made(lease: &Lease) -> String {
    let mut facts = held(lease);
    let path = shell::path(&lease.path);
    facts.push(("go there".to_owned(), format!("cd {path}")));
    let name = Tone::Strong.paint_stderr(&lease.name);
    format!("environment {name} is ready\n{}", listed(&facts))
}

fn held(lease: &Lease) -> Vec<(String, String)> {
    let mut facts = vec![("path".to_owned(), lease.path.display().to_string())];
    facts.extend(url(lease).map(|url| ("url".to_owned(), url)));
    let others = lease.ports.iter().skip(1).map(|(name, port)| format!("{name}={port}"));
    let others = others.collect::<Vec<_>>().join(" ");
    if !others.is_empty() {
        facts.push(("ports".to_owned(), others));
    }
    facts.extend(lease.parts.iter().map(|part| (part.service.clone(), part.holds.clone())));
    facts
}

fn origin(target: &Target) -> String {
    match target {
        Target::Branch { name, start: Start::Existing } => name.clone(),
        Target::Branch { name, start: Start::Remote { remote, .. } } => {
            format!("{name}, from {remote}")
        }
        Target::Branch { name, start: Start::New { commit, from } } => {
            format!("{name}, new, from {}", place(commit, from.as_deref()))
        }
        Target::Detached { commit, .. } => format!("none, at {}", short(commit)),
    }
}

/// What a new branch starts from: `main (3d29bab)`.
pub fn place(commit: &str, from: Option<&str>) -> String {
    format!("{} ({})", from.unwrap_or("HEAD"), short(commit))
}

fn short(commit: &str) -> String {
    commit.chars().take(7).collect()
}

fn listed(facts: &[(String, String)]) -> String {
    let width = facts.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    let line = |(label, value): &(String, String)| {
        format!("  {}  {value}", Tone::Quiet.paint_stderr(&format!("{label:<width$}")))
    };
    facts.iter().map(line).collect::<Vec<_>>().join("\n")
}
