//! Shapes of projects × what must be said: a service that no file's variable leads to, and what names main's parts itself.

mod addresses;
mod bound;
mod carried;
mod engines;
mod forms;
mod guesses;
mod literals;
mod migrated;
mod others;
mod reached;
mod several;
mod tasks;
mod unused;

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
    for shapes in
        [carried::SHAPES, engines::SHAPES, literals::SHAPES, reached::SHAPES, several::SHAPES]
    {
        shapes.iter().for_each(check);
    }
}

#[test]
fn what_looks_like_something_else_is_not_taken_for_it() {
    guesses::SHAPES.iter().for_each(check);
}

#[test]
fn nothing_is_made_that_the_main_checkout_does_not_use() {
    unused::SHAPES.iter().for_each(check);
}

#[test]
fn settings_are_replaced_by_the_variables_that_stand_for_them() {
    bound::SHAPES.iter().for_each(check);
}

#[test]
fn addresses_lead_to_the_environments_own_ports() {
    addresses::SHAPES.iter().for_each(check);
}

#[test]
fn servers_are_found_by_what_they_are_and_by_every_form_of_their_address() {
    forms::SHAPES.iter().for_each(check);
}

#[test]
fn servers_of_other_kinds_are_not_shared_in_silence() {
    others::SHAPES.iter().for_each(check);
}

#[test]
fn databases_are_migrated_by_the_tools_of_each_language() {
    migrated::SHAPES.iter().for_each(check);
    let missing = |shape: &Shape| detect(&seen(shape.files)).missing.join("\n");
    for shape in migrated::SHAPES {
        let is_said = missing(shape).contains("what migrates");
        assert_eq!(is_said, shape.name.ends_with(": missing"), "{}", shape.name);
    }
}

#[test]
fn migrations_of_rust_need_their_variable_and_one_directory() {
    let sqlx = |features| format!("[dependencies]\nsqlx = {{ features = [\"{features}\"] }}\n");
    let (postgres, sqlite) = (sqlx("postgres"), sqlx("sqlite"));
    let own = ("migrations/1_rooms.sql", "");
    let parts = "POSTGRES_HOST=localhost\nPOSTGRES_PORT=5432\nPOSTGRES_DB=inn\n";
    let why = |run: &str| {
        format!(
            "what migrates a database: `{run}` needs DATABASE_URL: set it under `env:`, and add the command to `hooks:`"
        )
    };
    let url = "DATABASE_URL=postgres://inn:inn@localhost:5432/inn\n";
    let other = "what migrates users/migrations: add it to `hooks:`".to_owned();
    for (manifest, env, migrations, hooks, missing) in [
        (&postgres, parts, &[own][..], &[][..], why("sqlx migrate run")),
        (&sqlite, "DATABASE_URL=sqlite:inn.db\n", &[own], &[], why("sqlx database setup")),
        (
            &postgres,
            url,
            &[("orders/migrations/1_a.sql", ""), ("users/migrations/1_a.sql", "")],
            &["sqlx migrate run --source orders/migrations"],
            other,
        ),
    ] {
        let files = [&[("Cargo.toml", manifest.as_str()), (".env.example", env)], migrations];
        let project = detect(&seen(&files.concat()));
        assert_eq!(project.hooks, hooks, "{env}");
        let found = project.missing.iter().filter(|what| what.starts_with("what migrates"));
        assert_eq!(found.collect::<Vec<_>>(), [&missing], "{env}");
    }
}

#[track_caller]
fn check(shape: &Shape) {
    let seen = seen(shape.files);
    let project = detect(&seen);
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
    // As `init` says it.
    let leads = to_main(&seen, &config).into_iter().filter(|lead| !lead.is_in(&project.notes));
    let leads: Vec<String> = leads.map(|lead| lead.told()).collect();
    let notes = [project.notes.clone(), leads].concat();
    for words in shape.notes {
        let said = notes.iter().any(|note| note.contains(words));
        assert!(said, "{name}: {words}\n{notes:#?}");
    }
    assert_eq!(notes.len(), shape.notes.len(), "{name}\n{notes:#?}");
}
