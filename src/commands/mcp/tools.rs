//! The tools: our own commands, with the arguments that the command line gives them.

use crate::cli::Cli;
use crate::error;
use anyhow::Result;
use clap::{Arg, ArgAction, Command, CommandFactory};
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Value, json};
use std::any::TypeId;

/// What a tool does to what is there.
#[derive(Clone, Copy)]
enum Effect {
    Reads,
    Adds,
    Destroys,
}

/// The commands that are tools.
const TOOLS: [(&[&str], Effect); 23] = [
    (&["list"], Effect::Reads),
    (&["status"], Effect::Reads),
    (&["env"], Effect::Reads),
    (&["add"], Effect::Adds),
    (&["adopt"], Effect::Adds),
    (&["remove"], Effect::Destroys),
    (&["restore"], Effect::Adds),
    (&["move"], Effect::Adds),
    (&["rename"], Effect::Adds),
    (&["prune"], Effect::Destroys),
    (&["doctor"], Effect::Destroys),
    (&["up"], Effect::Adds),
    (&["down"], Effect::Destroys),
    (&["restart"], Effect::Destroys),
    (&["ps"], Effect::Reads),
    (&["logs"], Effect::Reads),
    (&["wait"], Effect::Reads),
    (&["db", "reset"], Effect::Destroys),
    (&["db", "copy"], Effect::Destroys),
    (&["db", "snapshot", "save"], Effect::Adds),
    (&["db", "snapshot", "restore"], Effect::Destroys),
    (&["db", "snapshot", "list"], Effect::Reads),
    (&["db", "snapshot", "delete"], Effect::Destroys),
];

/// Arguments for people: those of a terminal, and those that delete the only way back.
const HIDDEN: [&str; 12] = [
    "json",
    "quiet",
    "color",
    "help",
    "version",
    "yes",
    "exec",
    "follow",
    "format",
    "watch",
    "trash",
    "no_snapshot",
];

/// Where the command runs: an argument that every tool has.
const DIRECTORY: &str = "directory";

/// All tools.
pub fn all() -> Vec<Tool> {
    let cli = cli();
    TOOLS
        .iter()
        .filter_map(|(path, effect)| Some(tool(path, command(&cli, path)?, *effect)))
        .collect()
}

/// The command line of a call.
pub fn command_line(name: &str, given: &JsonObject) -> Result<Vec<String>> {
    let unknown = || error::usage(format!("no tool `{name}`"));
    let (path, _) = TOOLS.iter().find(|(path, _)| named(path) == name).ok_or_else(unknown)?;
    let cli = cli();
    let command = command(&cli, path).ok_or_else(unknown)?;
    let known: Vec<&Arg> = arguments(command).collect();
    let is_known = |key: &&String| known.iter().any(|arg| key_of(arg) == **key);
    if let Some(key) = given.keys().filter(|key| *key != DIRECTORY).find(|key| !is_known(key)) {
        return Err(error::usage(format!("`{name}` has no argument `{key}`")).into());
    }
    let mut words: Vec<String> = path.iter().map(|word| (*word).to_owned()).collect();
    words.extend(["--json".to_owned(), "--quiet".to_owned()]);
    let (positionals, options): (Vec<&Arg>, Vec<&Arg>) =
        known.into_iter().partition(|arg| arg.is_positional());
    for arg in options {
        let key = key_of(arg);
        match given.get(&key) {
            None | Some(Value::Null | Value::Bool(false)) => {}
            Some(Value::Bool(true)) => words.push(format!("--{}", long(arg))),
            Some(Value::Array(values)) => {
                for value in values {
                    words.push(format!("--{}={}", long(arg), text(&key, value)?));
                }
            }
            Some(value) => words.push(format!("--{}={}", long(arg), text(&key, value)?)),
        }
    }
    // After this, nothing is taken for an option.
    words.push("--".to_owned());
    for arg in positionals {
        let key = key_of(arg);
        match given.get(&key) {
            None | Some(Value::Null) => {}
            Some(Value::Array(values)) => {
                for value in values {
                    words.push(text(&key, value)?);
                }
            }
            Some(value) => words.push(text(&key, value)?),
        }
    }
    Ok(words)
}

/// The directory of a call.
///
/// # Errors
/// When it is anything but a string: the command must not run elsewhere then.
pub fn directory(given: &JsonObject) -> Result<Option<&str>> {
    match given.get(DIRECTORY) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(directory)) => Ok(Some(directory)),
        Some(_) => Err(error::usage(format!("`{DIRECTORY}` is not a string")).into()),
    }
}

fn cli() -> Command {
    let mut cli = Cli::command();
    cli.build();
    cli
}

fn command<'a>(cli: &'a Command, path: &[&str]) -> Option<&'a Command> {
    path.iter().try_fold(cli, |command, word| command.find_subcommand(word))
}

fn named(path: &[&str]) -> String {
    path.join("_")
}

fn tool(path: &[&str], command: &Command, effect: Effect) -> Tool {
    let mut properties = JsonObject::new();
    let mut required = Vec::new();
    for arg in arguments(command) {
        properties.insert(key_of(arg), schema(arg));
        if arg.is_required_set() {
            required.push(Value::from(key_of(arg)));
        }
    }
    let about = "Run the command in this directory of the repository; default: where the server was started";
    properties.insert(DIRECTORY.to_owned(), json!({ "type": "string", "description": about }));
    let mut input = JsonObject::new();
    input.insert("type".to_owned(), "object".into());
    input.insert("properties".to_owned(), properties.into());
    input.insert("required".to_owned(), required.into());
    input.insert("additionalProperties".to_owned(), false.into());
    let about = command.get_long_about().or_else(|| command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    let hints = ToolAnnotations::new()
        .read_only(matches!(effect, Effect::Reads))
        .destructive(matches!(effect, Effect::Destroys))
        .open_world(false);
    Tool::new(named(path), about, input).with_annotations(hints)
}

fn arguments(command: &Command) -> impl Iterator<Item = &Arg> {
    let shown = |arg: &&Arg| !arg.is_hide_set() && !HIDDEN.contains(&arg.get_id().as_str());
    command.get_arguments().filter(shown)
}

fn key_of(arg: &Arg) -> String {
    arg.get_id().to_string()
}

fn long(arg: &Arg) -> &str {
    arg.get_long().unwrap_or(arg.get_id().as_str())
}

fn schema(arg: &Arg) -> Value {
    let about = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let many = arg.get_num_args().is_some_and(|count| count.max_values() > 1);
    let parsed = arg.get_value_parser().type_id();
    let is_count = parsed == TypeId::of::<usize>() || parsed == TypeId::of::<u16>();
    let number = |value: &std::ffi::OsString| value.to_str().is_some_and(is_number);
    let mut schema = match arg.get_action() {
        ArgAction::SetTrue => json!({ "type": "boolean" }),
        ArgAction::Append => json!({ "type": "array", "items": { "type": "string" } }),
        _ if many => json!({ "type": "array", "items": { "type": "string" } }),
        _ if is_count
            || arg.get_default_values().iter().any(|value| number(&value.to_os_string())) =>
        {
            json!({ "type": "integer", "minimum": 0 })
        }
        _ => json!({ "type": "string" }),
    };
    schema["description"] = about.into();
    schema
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn text(key: &str, value: &Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(error::usage(format!("`{key}` is not a string")).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, given: Value) -> Result<Vec<String>> {
        command_line(name, given.as_object().unwrap())
    }

    #[test]
    fn every_tool_is_a_command() {
        let tools = all();
        assert_eq!(tools.len(), TOOLS.len());
        let add = tools.iter().find(|tool| tool.name == "add").unwrap();
        assert_eq!(add.input_schema["properties"]["branches"]["type"], "array");
        assert_eq!(add.input_schema["properties"]["dry_run"]["type"], "boolean");
        assert!(add.input_schema["properties"].get("exec").is_none());
        let wait = tools.iter().find(|tool| tool.name == "wait").unwrap();
        assert_eq!(wait.input_schema["properties"]["timeout"]["type"], "integer");
        let logs = tools.iter().find(|tool| tool.name == "logs").unwrap();
        assert_eq!(logs.input_schema["properties"]["previous"]["type"], "integer");
        let save = tools.iter().find(|tool| tool.name == "db_snapshot_save").unwrap();
        assert_eq!(save.input_schema["required"], json!(["name"]));
    }

    #[test]
    fn arguments_become_a_command_line() {
        let words = line(
            "add",
            json!({ "branches": ["a", "--force"], "from": "v1", "dry_run": true, "directory": "/x" }),
        );
        let expected = ["add", "--json", "--quiet", "--from=v1", "--dry-run", "--", "a", "--force"];
        assert_eq!(words.unwrap(), expected);
        let words = line("db_snapshot_save", json!({ "name": "s", "env": "x", "force": false }));
        assert_eq!(words.unwrap(), ["db", "snapshot", "save", "--json", "--quiet", "--", "s", "x"]);
        assert_eq!(line("wait", json!({ "timeout": 5 })).unwrap()[3], "--timeout=5");
    }

    #[test]
    fn an_option_of_several_values_is_given_once_for_each() {
        let words = line("db_copy", json!({ "exclude_table_data": ["a_*", "b"], "jobs": 4 }));
        let options = ["--exclude-table-data=a_*", "--exclude-table-data=b", "--jobs=4"];
        assert_eq!(
            words.unwrap(),
            [&["db", "copy", "--json", "--quiet"], &options[..], &["--"]].concat()
        );
        let tools = all();
        let copy = tools.iter().find(|tool| tool.name == "db_copy").unwrap();
        let properties = &copy.input_schema["properties"];
        assert_eq!(properties["exclude_table_data"]["type"], "array");
        assert_eq!(properties["jobs"]["type"], "integer");
        assert!(line("db_copy", json!({ "exclude_table_data": [["a"]] })).is_err());
    }

    #[test]
    fn a_directory_is_a_string_or_not_there() {
        let found = |given: Value| {
            directory(given.as_object().unwrap()).map(|found| found.map(str::to_owned))
        };
        assert_eq!(found(json!({})).unwrap(), None);
        assert_eq!(found(json!({ "directory": null })).unwrap(), None);
        assert_eq!(found(json!({ "directory": "/x" })).unwrap().as_deref(), Some("/x"));
        for odd in [json!(["/x"]), json!(1), json!(true), json!({})] {
            assert!(found(json!({ "directory": odd })).is_err(), "{odd}");
        }
    }

    #[test]
    fn what_no_command_knows_is_refused() {
        assert!(line("nope", json!({})).is_err());
        assert!(line("list", json!({ "alll": true })).is_err());
        assert!(line("add", json!({ "exec": "rm -rf ." })).is_err());
        for (tool, key) in [
            ("prune", "trash"),
            ("db_reset", "no_snapshot"),
            ("db_copy", "no_snapshot"),
            ("db_snapshot_restore", "no_snapshot"),
        ] {
            assert!(line(tool, json!({ key: true })).is_err(), "{tool} {key}");
        }
        assert!(line("add", json!({ "branches": [{}] })).is_err());
    }
}
