//! Every command's `--json` is one document that its schema describes; errors too.

use crate::common::{Outcome, Repo, Sandbox};
use clap::CommandFactory;
use git_agentenv::cli::Cli;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeSet;

const SCHEMA: &str = include_str!("../../../src/commands/answers.schema.json");

/// Commands whose stdout is not an answer: another program's, or a script's.
const WITHOUT_ANSWER: [&str; 2] = ["mcp", "run"];

#[test]
fn every_command_answers_as_its_schema_says() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(
        &(sandbox.config()
            + "hooks: { post_add: [\"echo hooked\"] }\nprocesses: { idle: { run: sleep 600, ready: \"true\" } }\n"),
    );
    let answers = Answers::default();
    let says = |words: &[&str]| answers.of(&repo, words);

    let approved = says(&["trust", "--yes"]);
    assert_eq!(approved["post_add"], json!(["echo hooked"]));
    let planned = says(&["add", "one", "--dry-run"]);
    assert_eq!(planned["phase"], "creating");
    let one = says(&["add", "one"]);
    for fact in ["path", "url", "env_file", "project"] {
        assert!(one[fact].is_string(), "{fact}: {one}");
    }
    assert_eq!(one["variables"]["POSTGRES_DB"], one["services"]["postgres"]["holds"]);
    assert_eq!(one["hooks_pending"], false);
    assert_eq!(says(&["add", "two", "three"])["environments"].as_array().unwrap().len(), 2);
    assert_eq!(says(&["list"])["environments"].as_array().unwrap().len(), 3);
    assert_eq!(says(&["list", "--full"])["environments"][0]["status"]["beside"], "main");
    says(&["list", "--all"]);
    assert_eq!(says(&["list", "--idle", "1m"])["environments"], json!([]));
    assert_eq!(says(&["env", "one"])["variables"], one["variables"]);
    assert_eq!(says(&["path", "one"])["path"], one["path"]);
    assert_eq!(says(&["check"])["ok"], true);
    says(&["infra", "status"]);

    for words in
        [&["up", "one", "--wait"][..], &["restart", "one"], &["ps", "--all"], &["wait", "one"]]
    {
        assert_eq!(says(words)["environments"][0]["processes"][0]["name"], "idle");
    }
    assert_eq!(says(&["status", "one"])["processes"][0]["state"], "running");
    says(&["logs", "--env", "one"]);
    says(&["logs", "--env", "one", "--previous"]);
    says(&["open", "one"]);
    assert_eq!(says(&["down", "one"])["stopped"][0]["name"], "one");

    for shell in ["bash", "zsh", "fish"] {
        says(&["completions", shell]);
        says(&["shell-init", shell]);
    }
    says(&["init", "--dry-run", "--force"]);
    says(&["init", "--agents"]);
    says(&["db", "reset", "one"]);
    for what in ["save", "restore"] {
        says(&["db", "snapshot", what, "kept", "one"]);
    }
    assert_eq!(says(&["db", "status", "one"])["databases"][0]["exists"], true);
    assert_eq!(says(&["db", "template", "list"])["templates"], serde_json::json!([]));
    says(&["db", "template", "drop"]);
    says(&["db", "copy", "one", "--from", "three"]);
    let listed = says(&["db", "snapshot", "list", "one"])["snapshots"].to_string();
    assert!(listed.contains("\"kept\"") && listed.contains("before-reset-1"), "{listed}");
    says(&["db", "snapshot", "delete", "kept", "one"]);

    repo.git(&["worktree", "add", "--quiet", "../plain", "-b", "plain"]);
    says(&["adopt", "../plain"]);
    assert!(says(&["move", "plain", "../by-hand"])["path"].as_str().unwrap().ends_with("/by-hand"));
    assert_eq!(says(&["rename", "plain", "renamed"])["name"], "renamed");
    let two = sandbox.root.join("app-two");
    std::fs::write(two.join("work"), "").unwrap();
    let losses = says(&["remove", "two", "--dry-run"]);
    assert_eq!(losses["removed"][0]["losses"][0]["kind"], "uncommitted");
    let kept = says(&["remove", "two", "--force", "--delete-branch", "--keep"]);
    assert!(kept["removed"][0]["kept_until"].is_u64(), "{kept}");
    assert_eq!(says(&["restore", "--list"])["trash"][0]["branch"], "two");
    assert_eq!(says(&["restore", "two"])["changed"], json!([]));
    says(&["remove", "two", "--force", "--delete-branch"]);
    std::fs::remove_dir_all(sandbox.root.join("app-three")).unwrap();
    std::fs::remove_file(sandbox.root.join("app-one/.env.worktree")).unwrap();
    let states = says(&["list"])["environments"].as_array().unwrap().clone();
    let states: Vec<_> = states.iter().map(|row| (&row["name"], &row["state"])).collect();
    let state = |name: &str, state: &str| (json!(name), json!(state));
    let expected = [state("one", "incomplete"), state("renamed", "ready"), state("three", "gone")];
    assert_eq!(states, expected.iter().map(|(name, state)| (name, state)).collect::<Vec<_>>());
    assert_eq!(says(&["prune", "--dry-run"])["pruned"][0]["due"], "worktree_gone");
    says(&["prune", "--merged", "--idle", "7d"]);
    says(&["doctor", "--fix"]);
    assert_eq!(says(&["doctor"])["ok"], true);
    for what in ["status", "install", "uninstall"] {
        says(&["hook", what]);
    }
    says(&["hook", "claude", "--install"]);
    says(&["hook", "codex"]);
    says(&["switch", "one"]);
    says(&["shell-init", "bash", "--install"]);
    says(&["trust", "--revoke"]);

    let command = Cli::command();
    let all = command.get_subcommands().filter(|command| !command.is_hide_set());
    let silent = |name: &&str| WITHOUT_ANSWER.contains(name);
    let expected: BTreeSet<String> =
        all.map(clap::Command::get_name).filter(|name| !silent(name)).map(str::to_owned).collect();
    assert_eq!(*answers.seen.borrow(), expected, "every command with an answer is tried here");
}

#[test]
fn every_error_is_a_document_with_code_message_and_hint() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["add", "feature"]).ok();
    std::fs::write(sandbox.root.join("app-feature/work"), "").unwrap();

    let near = error(&repo.agentenv(&["path", "featrue", "--json"]), 4, "not_found");
    assert_eq!(near["hint"], "did you mean `feature`?");
    error(&repo.agentenv(&["add", "--json"]), 2, "usage");
    error(&repo.agentenv(&["remove", "--json"]), 2, "usage");
    error(&repo.agentenv(&["remove", "feature", "--json"]), 7, "refused");
    error(&repo.agentenv(&["run", "none", "--json", "--", "true"]), 125, "not_found");
    error(&sandbox.agentenv_in(&sandbox.root, &["list", "--json"]), 4, "not_found");
    let unknown = error(&repo.agentenv(&["lst", "--json"]), 2, "usage");
    assert!(unknown["message"].as_str().unwrap().contains("lst"), "{unknown}");
    assert!(unknown["hint"].as_str().unwrap().contains("'list'"), "{unknown}");
    error(&repo.agentenv(&["add", "--json", "--no-such"]), 2, "usage");
    repo.config("prots: {}\n");
    let config = error(&repo.agentenv(&["add", "x", "--json"]), 3, "config");
    assert!(config["hint"].as_str().unwrap().contains("ports"), "{config}");

    // What follows `--` is another program's.
    let said = repo.agentenv(&["add", "--no-such", "--", "--json"]).fails(2);
    assert!(said.stdout.is_empty() && said.stderr.starts_with("error:"), "{}", said.show());
}

#[test]
fn a_command_that_add_starts_leaves_stdout_to_the_answer() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    let said = repo.agentenv(&["add", "x", "--json", "-x", "echo from the command"]).ok();
    valid("add", &said.json());
    assert!(said.stderr.contains("from the command"), "{}", said.show());
}

#[test]
fn the_schema_describes_every_field() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    assert!(jsonschema::meta::is_valid(&schema));
    let mut silent = Vec::new();
    undescribed("", &schema, &mut silent);
    assert!(silent.is_empty(), "without a description: {silent:#?}");
}

/// The answers seen so far, by command.
#[derive(Default)]
struct Answers {
    seen: RefCell<BTreeSet<String>>,
}

impl Answers {
    #[track_caller]
    fn of(&self, repo: &Repo<'_>, words: &[&str]) -> Value {
        let said = repo.agentenv(&[words, &["--json"]].concat()).ok();
        let answer = said.json();
        valid(words[0], &answer);
        self.seen.borrow_mut().insert(words[0].to_owned());
        answer
    }
}

#[track_caller]
fn error(said: &Outcome, exit: i32, code: &str) -> Value {
    assert_eq!(said.code, exit, "{}", said.show());
    let mut document = said.json();
    valid("error", &document);
    let error = document["error"].take();
    assert_eq!(error["code"], code, "{}", said.show());
    assert_eq!(error["exit"], exit, "{}", said.show());
    assert!(!error["message"].as_str().unwrap().is_empty());
    assert!(error["hint"].is_string(), "{}", said.show());
    assert!(!said.stderr.contains("error:"), "it is said once: {}", said.show());
    error
}

#[track_caller]
fn valid(definition: &str, answer: &Value) {
    let mut schema: Value = serde_json::from_str(SCHEMA).unwrap();
    assert!(schema["$defs"][definition].is_object(), "no definition for `{definition}`");
    schema["$ref"] = format!("#/$defs/{definition}").into();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<String> = validator
        .iter_errors(answer)
        .map(|fault| format!("{}: {fault}", fault.instance_path))
        .collect();
    assert!(faults.is_empty(), "{definition}: {faults:#?}\n{answer:#}");
}

fn undescribed(at: &str, value: &Value, silent: &mut Vec<String>) {
    if let Value::Array(cases) = value {
        cases.iter().for_each(|case| undescribed(at, case, silent));
    }
    let Value::Object(fields) = value else { return };
    for (name, field) in fields {
        let at = format!("{at}/{name}");
        if name == "properties" {
            for (property, schema) in field.as_object().unwrap() {
                if schema.get("description").or(schema.get("$ref")).is_none() {
                    silent.push(format!("{at}/{property}"));
                }
            }
        }
        undescribed(&at, field, silent);
    }
}
