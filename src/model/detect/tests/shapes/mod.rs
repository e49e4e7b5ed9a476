//! Shapes of projects × what must be said: a service that no file's variable leads to, and what names main's parts itself.

mod carried;
mod engines;
mod literals;
mod reached;
mod several;

use super::*;

/// A project's files, and what its configuration must say.
#[derive(Clone)]
pub(super) struct Shape {
    name: &'static str,
    files: &'static [(&'static str, &'static str)],
    /// `key kind VARIABLE=main`.
    services: &'static [&'static str],
    /// `NAME=template`; without a template, the variable is not there.
    env: &'static [&'static str],
    /// Active commands.
    hooks: &'static [&'static str],
    /// Words of each note.
    notes: &'static [&'static str],
}

#[test]
fn nothing_leads_to_the_main_checkout_in_silence() {
    for shape in
        [carried::SHAPES, engines::SHAPES, literals::SHAPES, reached::SHAPES, several::SHAPES]
            .concat()
    {
        let project = detect(&seen(shape.files));
        let text = render(&project, None, true);
        let config = Config::parse("t", &text).unwrap_or_else(|error| panic!("{error:#}\n{text}"));
        let name = shape.name;
        let services = config.services.iter().map(|(key, service)| {
            let kind = format!("{:?}", service.kind).to_lowercase();
            format!("{key} {kind} {}={}", service.variable, service.main)
        });
        assert_eq!(services.collect::<Vec<_>>(), shape.services, "{name}\n{text}");
        for entry in shape.env {
            let (variable, template) = entry.split_once('=').unwrap();
            let found = config.env.get(variable).map(String::as_str);
            let expected = Some(template).filter(|template| !template.is_empty());
            assert_eq!(found, expected, "{name}: {variable}\n{text}");
        }
        assert_eq!(config.hooks.post_add, shape.hooks, "{name}\n{text}");
        for words in shape.notes {
            let said = project.notes.iter().any(|note| note.contains(words));
            assert!(said, "{name}: {words}\n{:#?}", project.notes);
        }
        assert_eq!(project.notes.len(), shape.notes.len(), "{name}\n{:#?}", project.notes);
    }
}
