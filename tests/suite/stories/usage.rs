//! A command line that cannot be understood, help, and readers that go away.

use std::path::Path;

use clap::CommandFactory;
use git_agentenv::cli::Cli;

use crate::common::Sandbox;

#[test]
fn usage_errors_end_with_2_and_say_the_way_out() {
    let sandbox = Sandbox::new();
    for (args, wanted) in [
        (&["lst"] as &[&str], "similar subcommands exist: 'ls', 'list'"),
        (&["list", "--al"], "similar argument exists: '--all'"),
        (&["path"], "<ENV>"),
        (&["env", "--format", "xml"], "possible values: dotenv"),
        (&["run", "x"], "<CMD>"),
        (&["run", "x", "echo", "hi"], "write `--` before the command"),
        (&[], "Usage:"),
    ] {
        let said = sandbox.agentenv_in(&sandbox.root, args).fails(2);
        assert!(said.stderr.contains(wanted), "{args:?}: {}", said.show());
        assert_eq!(said.stdout, "", "{args:?}");
    }
}

#[test]
fn json_is_honoured_where_the_command_line_is_wrong() {
    let sandbox = Sandbox::new();
    for args in [&["lst", "--json"] as &[&str], &["--json", "path"], &["--json"]] {
        let said = sandbox.agentenv_in(&sandbox.root, args).fails(2);
        let document = said.json();
        assert_eq!(document["version"], 1, "{}", said.show());
        assert_eq!(
            (&document["error"]["code"], &document["error"]["exit"]),
            (&"usage".into(), &2.into())
        );
        assert!(document["error"]["message"].as_str().is_some_and(|text| !text.contains("error:")));
        assert!(document["error"]["hint"].is_string() && document["error"]["causes"].is_array());
        assert_eq!(said.stderr, "");
    }
    let said = sandbox.agentenv_in(&sandbox.root, &["lst", "--json"]).json();
    assert_eq!(said["error"]["hint"], "some similar subcommands exist: 'ls', 'list'");
}

#[test]
fn a_time_that_no_clock_can_show_is_refused() {
    let sandbox = Sandbox::new();
    let forever = u64::MAX.to_string();
    let mut up = sandbox.command("git-agentenv");
    up.args(["infra", "up", "--timeout", &forever]).env("DOCKER_HOST", "unix:///nonexistent");
    let said = sandbox.outcome(up.current_dir(&sandbox.root));
    assert!(said.stderr.contains(&forever), "{}", said.show());
    said.fails(2);
}

#[test]
fn help_and_version_are_answers() {
    let sandbox = Sandbox::new();
    for args in [&["-h"] as &[&str], &["add", "--help"], &["help", "remove"], &["--version"]] {
        let said = sandbox.agentenv_in(&sandbox.root, args).ok();
        assert!(said.stdout.contains("agentenv") && said.stderr.is_empty(), "{}", said.show());
    }
    let said = sandbox.agentenv_in(&sandbox.root, &["add", "--help"]).ok();
    assert!(said.stdout.contains("Examples:\n  git agentenv add feature-x\n"), "{}", said.show());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["add", "x"]).ok();
    for words in ["list", "env x", "--help", "completions bash", "list --json", "lst --json"] {
        // The program begins only once the pipe's other end is closed.
        let script = format!(
            "mkfifo gone; exec 3<>gone 4>gone; exec 3<&-; git-agentenv {words} >&4; echo $? >&2; rm gone"
        );
        let mut bash = sandbox.command("bash");
        let said =
            sandbox.outcome(bash.args(["-c", &script]).current_dir(sandbox.root.join("app")));
        let wanted = if words.starts_with("lst") { "2\n" } else { "0\n" };
        assert_eq!(said.stderr, wanted, "{words}: {}", said.show());
    }
}

#[test]
fn hints_and_texts_name_commands_that_there_are() {
    let known: Vec<String> =
        Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut grep = std::process::Command::new("grep");
    grep.args(["-rhoE", "`git agentenv [a-z-]+", "src", "README.md"]).current_dir(project);
    let found = String::from_utf8(grep.output().unwrap().stdout).unwrap();
    assert!(found.lines().count() > 20, "{found}");
    for line in found.lines() {
        let word = line.rsplit(' ').next().unwrap().to_owned();
        assert!(word.starts_with('-') || known.contains(&word), "{line}` is no command");
    }
}

#[test]
fn a_command_that_is_run_dies_of_a_closed_pipe_as_usual() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["add", "x"]).ok();
    let mut bash = sandbox.command("bash");
    let script = "git agentenv run x -- yes | head -1; echo ${PIPESTATUS[0]}";
    let said = sandbox.outcome(bash.args(["-c", script]).current_dir(&repo.path)).ok();
    assert_eq!(said.show(), "exit 0\n--- stdout\ny\n141\n--- stderr\n");
}
