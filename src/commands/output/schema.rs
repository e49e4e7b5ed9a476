//! The schema of all answers, made from their types.

use super::Script;
use super::environment::Environment;
use super::processes::Processes;
use crate::commands::db::{copy, reset, snapshot, status as db_status, template};
use crate::commands::hook::{checkout, claude, host};
use crate::commands::{add, check, doctor, down, env, infra, init, list, logs, open, path, remove};
use crate::commands::{restore, shell_init, status, switch, trust};
use crate::environment::prune;
use crate::sys;
use crate::ui::{ErrorAnswer, JSON_VERSION};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};
use std::path::Path;

const FILE: &str = "src/commands/answers.schema.json";
const KNOWN: &str = include_str!("../answers.schema.json");
const DESCRIPTION: &str = "What `git agentenv <command> --json` prints on stdout: one document, described by the \
    definition named like the command, or by `error`. `run` prints what its command prints.";

/// The answers of each command.
macro_rules! answers {
    ($($command:literal => $($answer:ty)|+;)+) => {
        fn answers(generator: &mut SchemaGenerator) -> Map<String, Value> {
            [$(($command, vec![$(<$answer>::json_schema(generator)),+])),+]
                .map(|(command, answers)| (command.to_owned(), one_of(answers)))
                .into_iter()
                .collect()
        }
    };
}

answers! {
    "add" => Environment | add::make::Several;
    "adopt" => Environment;
    "check" => check::Answer | check::Watched;
    "completions" => Script;
    "db" => reset::Answer | db_status::Answer | copy::Answer | snapshot::Snapshot | snapshot::Snapshots | template::Changed
        | template::Listing;
    "doctor" => doctor::Answer;
    "down" => down::Answer;
    "env" => env::Answer;
    "error" => ErrorAnswer;
    "hook" => checkout::Installed | checkout::Status | claude::Settings | host::Printed;
    "infra" => infra::Servers | infra::Down;
    "init" => init::Answer | init::Instructions;
    "list" => list::Answer;
    "logs" => logs::Answer;
    "move" => Environment;
    "rename" => Environment;
    "open" => open::Answer;
    "path" => path::Answer;
    "prune" => prune::Report;
    "ps" => Processes;
    "remove" => remove::Answer;
    "restart" => Processes;
    "restore" => restore::Answer | restore::Listing;
    "shell-init" => Script | shell_init::rc::Installed;
    "status" => status::Answer;
    "switch" => switch::Answer;
    "trust" => trust::Approved | trust::Revoked;
    "up" => Processes;
    "wait" => Processes;
}

#[test]
fn the_schema_is_that_of_the_types() {
    let schema = format!("{:#}\n", schema());
    if sys::env::var("UPDATE").is_some() {
        sys::fs::replace_as(Path::new(FILE), schema.as_bytes(), 0o644).unwrap();
        return;
    }
    let update = "run UPDATE=1 cargo test --lib schema";
    assert!(schema == KNOWN, "{FILE} is not what the types say: {update}");
}

fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let answers = answers(&mut generator);
    let mut definitions = generator.take_definitions(true);
    definitions.extend(answers);
    let mut schema = Schema::try_from(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Answers of git agentenv",
        "description": DESCRIPTION,
        "$defs": definitions,
    }))
    .unwrap();
    RecursiveTransform(close).transform(&mut schema);
    schema.into()
}

/// The answers of one command, each with the version.
fn one_of(mut answers: Vec<Schema>) -> Value {
    answers.iter_mut().for_each(add_version);
    match <[Schema; 1]>::try_from(answers) {
        Ok([one]) => one.into(),
        Err(several) => json!({ "oneOf": several }),
    }
}

/// What [`crate::ui::Ui::answer`] adds to each document.
fn add_version(answer: &mut Schema) {
    if let Some(Value::Array(cases)) = answer.get_mut("anyOf") {
        let case = |case: &mut Value| add_version(case.try_into().unwrap());
        return cases.iter_mut().for_each(case);
    }
    let description = "The version of all answers. It grows when a field changes its meaning or goes \
        away; fields may be added without.";
    answer.get_mut("properties").unwrap()["version"] =
        json!({ "description": description, "const": JSON_VERSION });
    answer.get_mut("required").unwrap().as_array_mut().unwrap().push("version".into());
}

/// Allows no other fields than those of the type and drops Rust's names of numbers. A field that may be missing is
/// never null.
fn close(schema: &mut Schema) {
    schema.remove("format");
    let required = schema.get("required").cloned().unwrap_or_default();
    let Some(Value::Object(fields)) = schema.get_mut("properties") else { return };
    let is_required =
        |name: &str| required.as_array().is_some_and(|all| all.contains(&name.into()));
    fields
        .iter_mut()
        .filter(|(name, _)| !is_required(name))
        .for_each(|(_, field)| drop_null(field));
    schema.insert("additionalProperties".to_owned(), false.into());
}

fn drop_null(field: &mut Value) {
    let Some(fields) = field.as_object_mut() else { return };
    if let Some(Value::Array(types)) = fields.get_mut("type") {
        types.retain(|one| one != "null");
    }
    if let Some(Value::Array(mut cases)) = fields.remove("anyOf") {
        cases.retain(|case| case["type"] != "null");
        fields.extend(cases.into_iter().filter_map(|case| case.as_object().cloned()).flatten());
    }
}
