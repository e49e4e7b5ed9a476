//! The README is true: its commands run, in order, and its tables are the program's.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use git_agentenv::cli::Cli;
use git_agentenv::error::Exit;
use git_agentenv::model::config::{Config, DEFAULTS_YAML};

use crate::common::{Repo, Sandbox, wait_until, write_program};

/// What a reader sees of this project in a fresh clone, as far as the commands need it.
const CLONED: [&str; 4] = ["install.sh", "Cargo.toml", "man", "completions"];

/// The command that runs this test, among all others.
const EXEMPT: &str = "tests/run";

#[test]
fn every_command_runs_in_order() {
    let sandbox = Sandbox::new();
    let repo = fresh_clone(&sandbox);
    // Stand-ins: neither program is to be had where the tests run. They say with what they were called.
    for agent in ["claude", "codex"] {
        stand_in(&sandbox, agent);
    }
    let blocks: Vec<String> =
        blocks("sh").into_iter().filter(|block| block.trim() != EXEMPT).collect();
    let script = format!("set -eu\n{}", blocks.concat());
    let mut bash = sandbox.command("bash");
    let path = bash.get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap().to_owned();
    let dirs = std::iter::once(sandbox.root.join("bin")).chain(std::env::split_paths(&path));
    bash.env("PATH", std::env::join_paths(dirs).unwrap());
    bash.env("AGENTENV_BIN", env!("CARGO_BIN_EXE_git-agentenv"));
    bash.env("DOCKER_HOST", "unix:///nowhere.sock").env("TMUX_TMPDIR", &sandbox.root);
    let said = sandbox.outcome(bash.args(["-xc", &script]).current_dir(&repo.path)).ok();

    let log = || fs::read_to_string(sandbox.root.join("agents")).unwrap_or_default();
    wait_until("all four agents were started", || log().lines().count() == 4);
    assert!(log().contains("codex in codex-1: fix the login\n"), "{}", log());
    assert!(log().contains("claude in fix-login: \n"), "{}", log());
    assert!(log().contains(": --worktree fix-typo\n"), "{}", log());
    assert!(said.stdout.contains("http://localhost:30"), "{}", said.show());
    assert!(said.stdout.contains("\nrepo-by-hand\n"), "{}", said.show());
    let left = ["bin/git-agentenv", "share/man/man1/git-agentenv.1"]
        .map(|file| sandbox.root.join("home/.local").join(file).exists());
    assert_eq!(left, [false, false], "{}", said.show());
}

#[test]
fn the_configuration_shown_is_the_default() {
    let yaml = blocks("yaml").remove(0);
    assert_eq!(Config::parse("README.md", &yaml).unwrap(), Config::default());
    assert_eq!(yaml, DEFAULTS_YAML);
}

#[test]
fn the_tables_name_every_command_and_every_exit_code() {
    let text = text();
    for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
        assert!(
            text.contains(&format!("| `{}", command.get_name()))
                || text.contains(&format!(", `{} ", command.get_name())),
            "{}",
            command.get_name()
        );
    }
    for exit in Exit::ALL {
        let row = format!("| {} | `{}` | {} |\n", exit.code(), exit.word(), exit.meaning());
        assert!(text.contains(&row), "{row}");
    }
}

#[test]
fn links_lead_somewhere_and_so_do_the_names_of_tests() {
    let text = text();
    let targets: BTreeSet<&str> =
        text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    let slug = |heading: &str| format!("#{}", heading.to_lowercase().replace(' ', "-"));
    let headings = text.lines().filter(|line| line.starts_with("##"));
    let sections: Vec<_> = headings.map(|line| slug(line.trim_start_matches(['#', ' ']))).collect();
    for target in targets.into_iter().filter(|target| !target.starts_with("https://")) {
        let is_section = sections.iter().any(|section| section == target);
        assert!(is_section || project().join(target).exists(), "{target}");
    }
    let tests = fs::read_to_string(project().join("tests/README.md")).unwrap();
    let (_, table) = tests.split_once("| promise | held by |").expect("a table");
    let held_by = table.lines().filter_map(|row| row.split('|').nth(2));
    for name in held_by.flat_map(|cell| cell.split('`').skip(1).step_by(2)) {
        let folders = ["stories", "promises", "services", "project"];
        let mut files: Vec<_> =
            folders.iter().map(|folder| format!("tests/suite/{folder}/{name}.rs")).collect();
        files.extend([format!("tests/{name}"), name.to_owned()]);
        assert!(files.iter().any(|file| project().join(file).exists()), "no test is named {name}");
    }
}

/// A repository named `repo`, with the files that the commands use and a tag.
fn fresh_clone(sandbox: &Sandbox) -> Repo<'_> {
    let repo = sandbox.repo("repo");
    for name in CLONED {
        let mut copy = sandbox.command("cp");
        sandbox.outcome(copy.arg("-r").arg(project().join(name)).arg(&repo.path)).ok();
    }
    repo.git(&["add", "."]);
    repo.git(&["commit", "--quiet", "--message", "a clone"]);
    repo.git(&["tag", "v1.2"]);
    repo
}

fn stand_in(sandbox: &Sandbox, agent: &str) {
    let bin = sandbox.root.join("bin");
    fs::create_dir_all(&bin).unwrap();
    let log = sandbox.root.join("agents");
    let script = format!(
        "#!/bin/sh\necho \"{agent} in ${{COMPOSE_PROJECT_NAME#repo-}}: $*\" >>'{}'\n",
        log.display()
    );
    write_program(&bin.join(agent), &script);
}

/// The fenced blocks of one language.
pub fn blocks(language: &str) -> Vec<String> {
    let text = text();
    let begin = format!("```{language}\n");
    let ends = |rest: &str| rest.split_once("\n```").map(|(block, _)| format!("{block}\n"));
    text.split(&begin).skip(1).filter_map(ends).collect()
}

fn text() -> String {
    fs::read_to_string(project().join("README.md")).unwrap()
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
