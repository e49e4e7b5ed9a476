//! The schema that editors use says the same as the parser.

use super::*;
use serde_json::Value;
use std::collections::BTreeSet;

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

fn accepts(text: &str) -> bool {
    let document: Value = serde_yaml::from_str(text).unwrap();
    jsonschema::is_valid(&schema(), &document)
}

/// The keys of an object in the schema.
fn properties(pointer: &str) -> BTreeSet<String> {
    let schema = schema();
    let object = schema.pointer(&format!("{pointer}/properties"));
    let object = object.and_then(Value::as_object);
    object.unwrap_or_else(|| panic!("{pointer}")).keys().cloned().collect()
}

/// The fields of a serialised value, as the file spells them.
fn fields(value: &impl Serialize) -> BTreeSet<String> {
    let value = serde_json::to_value(value).unwrap();
    let mut fields: BTreeSet<String> = value.as_object().unwrap().keys().cloned().collect();
    if fields.remove("place") {
        fields.extend(["container", "compose", "host"].map(str::to_owned));
    }
    fields
}

#[test]
fn it_is_a_schema_with_a_description_everywhere() {
    jsonschema::meta::validate(&schema()).unwrap();
    for pointer in [
        "",
        "/$defs/port",
        "/$defs/service",
        "/properties/hooks",
        "/properties/trash",
        "/properties/infra",
        "/properties/compose",
    ] {
        for key in properties(pointer) {
            let at = format!("{pointer}/properties/{key}/description");
            assert!(schema().pointer(&at).is_some(), "{at}");
        }
        let closed = schema().pointer(&format!("{pointer}/additionalProperties")).cloned();
        assert_eq!(closed, Some(Value::Bool(false)), "{pointer}");
    }
}

#[test]
fn it_has_every_field_and_no_other() {
    let config = Config::default();
    assert_eq!(properties(""), fields(&config));
    assert_eq!(properties("/$defs/port"), fields(&config.ports["VITE_PORT"]));
    assert_eq!(properties("/$defs/service"), fields(&config.services["redis"]));
    assert_eq!(properties("/properties/hooks"), fields(&config.hooks));
    assert_eq!(properties("/properties/trash"), fields(&Trash::default()));
    assert_eq!(properties("/properties/infra"), fields(&config.infra));
    assert_eq!(properties("/properties/compose"), fields(&Compose::default()));
}

#[test]
fn the_parser_knows_every_property() {
    let places = [
        ("", "{key}: null"),
        ("/$defs/port", "ports: { A: { {key}: null } }"),
        ("/$defs/service", "services: { a: { kind: redis, {key}: null } }"),
        ("/properties/hooks", "hooks: { {key}: null }"),
        ("/properties/trash", "trash: { {key}: null }"),
        ("/properties/infra", "infra: { {key}: null }"),
        ("/properties/compose", "compose: { file: x, {key}: null }"),
    ];
    for (pointer, text) in places {
        for key in properties(pointer) {
            let text = text.replace(
                "kind: redis, {key}",
                if key == "kind" { "{key}" } else { "kind: redis, {key}" },
            );
            let error = Config::parse("f", &text.replace("{key}", &key)).unwrap_err();
            assert!(!error.to_string().contains("unknown key"), "{error}");
        }
        let error = Config::parse("f", &text.replace("{key}", "other")).unwrap_err();
        assert!(error.to_string().contains("other: unknown key"), "{error}");
    }
}

#[test]
fn both_accept_what_is_right() {
    for text in [
        DEFAULTS_YAML,
        "{}",
        "services: { a: { kind: postgres, host: true, main: 7 }, b: { kind: sqlite, main: x } }",
        "services: { a: { kind: mysql, compose: { project: p, service: s } } }",
        "services: { a: { kind: redis, main: '0', range: 0-65535 } }",
        "services: { a: { kind: postgres, from: main }, b: { kind: postgres, variable: B, name: 'b_{name}', from: { dump: /x.sql.gz } } }",
        "services: { a: { kind: postgres, template: { key: ['**/x'], build: [y], mask: z.sql, spares: 2 } } }",
        "services: { a: { kind: postgres, also: ['test_{POSTGRES_DB}', '{POSTGRES_DB}_test-*'] } }",
        "services: { a: { kind: mysql, template: { key: ['**/x'] }, also: ['test_{MYSQL_DATABASE}'] } }",
        "services: { a: { kind: sqlite, from: main }, b: { kind: sqlite, variable: B, name: b, from: data/seed.db } }",
        "hooks: { post_add: [x] }\ninfra: { file: x.yml }\nenv: { A: '', B: 1 }",
        "services: { a: { kind: custom, variable: A, container: c, create: x, exists: y, drop: z, port: 1, user: u, password_env: P } }",
        "env: { A: 'http://x/?sslmode=disable' }",
        "trash: {}",
        "compose: { file: docker/c.yml, keep: [db] }",
        "trash: { keep: 90m, limit: 2GiB }",
    ] {
        parse(text);
        assert!(accepts(text), "{text}");
    }
}

#[test]
fn both_refuse_what_is_wrong_in_itself() {
    for text in [
        "x: 1",
        "worktree: ../x",
        "project: x",
        "env_file: /x",
        "env_file: a/../b",
        "infra: { file: ../x }",
        "compose: { file: ../x }",
        "compose: {}",
        "compose: { file: x, keep: db }",
        "ports: { A: { main: 0, range: 1-2 } }",
        "ports: { A: { main: 65536, range: 1-2 } }",
        "ports: { A: { main: '1', range: 1-2 } }",
        "ports: { A: { main: 1 } }",
        "ports: { A: { range: 1-2 } }",
        "ports: { A: { main: 1, range: 1-2, follows: B } }",
        "ports: { A: { main: 1, range: 1..2 } }",
        "ports: { A-B: { main: 1, range: 1-2 } }",
        "ports: null",
        "services: { a: {} }",
        "services: { a: { kind: x } }",
        "services: { a b: { kind: redis } }",
        "services: { a: { kind: redis, container: x, host: true } }",
        "services: { a: { kind: redis, host: false } }",
        "services: { a: { kind: redis, name: 'a_{name}' } }",
        "services: { a: { kind: postgres, name: a } }",
        "services: { a: { kind: postgres, range: 1-2 } }",
        "services: { a: { kind: sqlite, port: 1 } }",
        "services: { a: { kind: redis, compose: { project: x } } }",
        "services: { a: { kind: redis, container: -x } }",
        "services: { a: { kind: redis, from: main } }",
        "services: { a: { kind: sqlite, template: {} } }",
        "services: { a: { kind: postgres, template: { mask: /x } } }",
        "services: { a: { kind: postgres, template: { x: y } } }",
        "services: { a: { kind: postgres, template: { spares: -1 } } }",
        "services: { a: { kind: postgres, template: { spares: 21 } } }",
        "services: { a: { kind: mysql, template: { spares: 1 } } }",
        "services: { a: { kind: redis, also: [] } }",
        "services: { a: { kind: postgres, also: [test] } }",
        "services: { a: { kind: postgres, also: ['{POSTGRES_DB}_*'] } }",
        "services: { a: { kind: postgres, also: ['test {POSTGRES_DB}'] } }",
        "services: { a: { kind: postgres, also: ['a{POSTGRES_DB}{POSTGRES_DB}'] } }",
        "services: { a: { kind: redis, from: main } }",
        "services: { a: { kind: sqlite, from: { dump: x } } }",
        "services: { a: { kind: sqlite, from: ~/x } }",
        "services: { a: { kind: postgres, from: -x } }",
        "services: { a: { kind: postgres, from: [main] } }",
        "services: { a: { kind: postgres, from: {} } }",
        "services: { a: { kind: postgres, from: { dump: ~/x.sql } } }",
        "services: { a: { kind: postgres, from: { dump: x, x: y } } }",
        "services: { a: { kind: custom, container: c, create: x, exists: y, drop: z } }",
        "services: { a: { kind: custom, variable: A, create: x, exists: y, drop: z } }",
        "services: { a: { kind: custom, variable: A, container: c, create: x, exists: y } }",
        "services: { a: { kind: custom, variable: A, host: true, create: x, exists: y, drop: z } }",
        "services: { a: { kind: custom, variable: A, container: c, create: x, exists: y, drop: '' } }",
        "services: { a: { kind: custom, variable: A, container: c, create: x, exists: y, drop: z, name: a } }",
        "services: { a: { kind: custom, variable: A, container: c, create: x, exists: y, drop: z, from: main } }",
        "services: { a: { kind: redis, drop: x } }",
        "env: { A: true }",
        "env: { A: 'a#b' }",
        "env: { GIT_DIR: x }",
        "hooks: { post_add: x }",
        "trash: null",
        "trash: 24h",
        "trash: { keep: 24 }",
        "trash: { keep: 0h }",
        "trash: { keep: 24H }",
        "trash: { limit: 5 GB }",
        "trash: { limit: 5 }",
        "hooks: { post_add: [1] }",
    ] {
        assert!(Config::parse("f", text).is_err(), "{text}");
        assert!(!accepts(text), "{text}");
    }
}
