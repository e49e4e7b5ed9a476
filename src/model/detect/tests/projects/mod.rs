//! Projects × what is found: repositories in the shape of seven public ones, written for this table.

mod containers;
mod django;
mod others;

use super::*;

/// A project's files, and what its configuration must say.
pub(super) struct Case {
    project: &'static str,
    files: &'static [(&'static str, &'static str)],
    /// `PORT_VARIABLE=main`.
    ports: &'static str,
    /// `key kind VARIABLE=main`.
    services: &'static [&'static str],
    /// `NAME=template`.
    env: &'static [&'static str],
    /// Empty: a host name of each environment's own.
    url: &'static str,
    hooks: &'static [&'static str],
    /// `name: command`, or `compose: file`.
    starts: &'static [&'static str],
    /// Words of the notes.
    notes: &'static [&'static str],
}

pub(super) const VENV: &str = "python3 -m venv .venv && echo '*' >.venv/.gitignore && .venv/bin/pip install -r requirements.txt";

#[test]
fn projects_are_understood_without_an_edit() {
    for case in django::CASES.iter().chain(&containers::CASES).chain(&others::CASES) {
        // Nothing of these is private.
        let files = seen(case.files);
        let tracked = files.files.keys().chain(files.others.keys()).cloned().collect();
        let project = detect(&Seen { tracked, ..files });
        let text = render(&project, None, true);
        let config = Config::parse("t", &text).unwrap_or_else(|error| panic!("{error:#}\n{text}"));
        let name = case.project;
        let ports = config.ports.iter().map(|(name, port)| format!("{name}={}", port.main));
        assert_eq!(ports.collect::<Vec<_>>().join(" "), case.ports, "{name}\n{text}");
        let services = config.services.iter().map(|(key, service)| {
            let kind = if service.kind == Kind::Redis { "redis" } else { "postgres" };
            format!("{key} {kind} {}={}", service.variable, service.main)
        });
        assert_eq!(services.collect::<Vec<_>>(), case.services, "{name}\n{text}");
        for entry in case.env {
            let (variable, template) = entry.split_once('=').unwrap();
            let found = config.env.get(variable).map(String::as_str);
            let expected = Some(template).filter(|template| !template.is_empty());
            assert_eq!(found, expected, "{name}: {variable}\n{text}");
        }
        assert_eq!(config.url.unwrap_or_default(), case.url, "{name}\n{text}");
        let starts = config.processes.iter().map(|(name, one)| format!("{name}: {}", one.run));
        let compose = config.compose.map(|compose| format!("compose: {}", compose.file));
        assert_eq!(starts.chain(compose).collect::<Vec<_>>(), case.starts, "{name}\n{text}");
        assert_eq!(config.hooks.post_add, case.hooks, "{name}\n{text}");
        for words in case.notes {
            let said = project.notes.iter().any(|note| note.contains(words));
            assert!(said, "{name}: {words}\n{:?}", project.notes);
        }
        assert_eq!(project.notes.len(), case.notes.len(), "{name}\n{:?}", project.notes);
    }
}
