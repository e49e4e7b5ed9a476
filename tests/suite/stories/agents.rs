//! Agents and programs that create worktrees themselves. None of them is run here: these tests run what was put into
//! their files, as their vendors document it.

use crate::common::{Outcome, Repo, Sandbox};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

const HOSTS: [(&str, &str); 7] = [
    ("codex", ".codex/environments/environment.toml"),
    ("conductor", ".conductor/settings.toml"),
    ("cursor", ".cursor/worktrees.json"),
    ("gemini", ".gemini/settings.json"),
    ("opencode", ".opencode/plugins/git-agentenv.js"),
    ("vscode", ".vscode/settings.json"),
    ("worktrunk", ".config/wt.toml"),
];

fn project(sandbox: &Sandbox) -> Repo<'_> {
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo
}

/// A worktree that another program made.
fn worktree(sandbox: &Sandbox, repo: &Repo) -> PathBuf {
    repo.git(&["worktree", "add", "-q", "../theirs"]);
    sandbox.root.join("theirs")
}

fn sh(sandbox: &Sandbox, dir: &PathBuf, script: &str) -> Outcome {
    sandbox.outcome(sandbox.command("sh").args(["-ec", script]).current_dir(dir))
}

#[test]
fn each_file_comes_and_goes_without_a_trace() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    fs::write(repo.path.join(".worktreeinclude"), ".env\n").unwrap();
    let before = repo.git(&["status", "--porcelain", "-uall"]);
    for (host, file) in HOSTS {
        let printed = repo.agentenv(&["hook", host, "--print"]).ok().stdout;
        let said = repo.agentenv(&["hook", host, "--install", "--json"]).ok().json();
        assert_eq!(said["file"], repo.path.join(file).to_str().unwrap());
        assert_eq!(fs::read_to_string(repo.path.join(file)).unwrap(), printed, "{host}");
        repo.agentenv(&["hook", host, "--install"]).ok();
        assert_eq!(fs::read_to_string(repo.path.join(file)).unwrap(), printed, "{host}: once");
        let status = || repo.agentenv(&["hook", "status", "--json"]).ok().json();
        assert_eq!(status()[host]["installed"], true, "{host}");
        let said = repo.agentenv(&["hook", host, "--uninstall"]).ok();
        assert_eq!(said.stdout, "", "{host}: its file is gone");
        assert_eq!(status()[host]["installed"], false, "{host}");
        repo.agentenv(&["hook", host, "--uninstall"]).ok();
    }
    assert_eq!(repo.git(&["status", "--porcelain", "-uall"]), before);
    for dir in [".codex", ".conductor", ".cursor", ".gemini", ".opencode", ".vscode", ".config"] {
        assert!(!repo.path.join(dir).exists(), "{dir} is left");
    }
}

#[test]
fn a_file_that_was_there_is_not_deleted() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    let theirs = [("cursor", "{}\n"), ("gemini", "{}"), ("worktrunk", "")];
    for (host, text) in theirs {
        let (_, file) = HOSTS.iter().find(|(key, _)| *key == host).unwrap();
        let file = repo.path.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        repo.agentenv(&["hook", host, "--uninstall"]).ok();
        assert_eq!(fs::read_to_string(&file).unwrap(), text, "{host}: nothing of it was ours");
        repo.agentenv(&["hook", host, "--install"]).ok();
        let said = repo.agentenv(&["hook", host, "--uninstall"]).ok();
        assert_eq!(said.stdout, format!("{}\n", file.display()));
        let left: String = fs::read_to_string(&file).unwrap().split_whitespace().collect();
        assert_eq!(left, text.trim(), "{host}");
    }
}

#[test]
fn a_setup_script_makes_an_environment_and_releases_deleted_ones() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    let text = repo.agentenv(&["hook", "cursor"]).ok().json();
    let setup = text["setup-worktree"][0].as_str().unwrap().to_owned();
    repo.agentenv(&["add", "old"]).ok();
    fs::remove_dir_all(sandbox.root.join("app-old")).unwrap();

    let dir = worktree(&sandbox, &repo);
    sh(&sandbox, &dir, &setup).ok();
    assert!(fs::read_to_string(dir.join(".env.worktree")).unwrap().contains("DJANGO_PORT="));
    sh(&sandbox, &dir, &setup).ok();
    let rows = repo.agentenv(&["list", "--json"]).ok().json();
    let names: Vec<_> = rows["environments"].as_array().unwrap().iter().collect();
    assert_eq!((names.len(), names[0]["name"].as_str()), (1, Some("theirs")), "{rows}");
    let said = sh(&sandbox, &repo.path, &setup).ok();
    assert!(said.stderr.contains("main checkout"), "{}", said.stderr);
    assert!(!repo.path.join(".env.worktree").exists());
}

#[test]
fn an_archive_script_stops_what_runs() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&(sandbox.config_without_servers() + "processes: { idle: sleep 600 }\n"));
    repo.agentenv(&["trust", "--yes"]).ok();
    // As earlier versions of Conductor have it. The newer file, where there is one, is the only one that is read.
    fs::write(repo.path.join("conductor.json"), "{}\n").unwrap();
    let scripts = repo.agentenv(&["hook", "conductor"]).ok().json()["scripts"].clone();
    fs::create_dir(repo.path.join(".conductor")).unwrap();
    fs::write(repo.path.join(".conductor/settings.toml"), "[scripts]\nsetup = \"npm ci\"\n")
        .unwrap();
    repo.agentenv(&["hook", "conductor", "--install"]).ok();
    let settings = fs::read_to_string(repo.path.join(".conductor/settings.toml")).unwrap();
    let line = |key: &str| settings.lines().find(|line| line.starts_with(key)).unwrap();
    assert_eq!(
        line("setup"),
        format!("setup = \"{} && npm ci\"", scripts["setup"].as_str().unwrap())
    );
    assert_eq!(line("archive"), format!("archive = {}", scripts["archive"]));
    assert_eq!(fs::read_to_string(repo.path.join("conductor.json")).unwrap(), "{}\n");
    let dir = worktree(&sandbox, &repo);
    sh(&sandbox, &dir, scripts["setup"].as_str().unwrap()).ok();
    sandbox.agentenv_in(&dir, &["up"]).ok();
    sh(&sandbox, &dir, scripts["archive"].as_str().unwrap()).ok();
    let said = sandbox.agentenv_in(&dir, &["down"]).ok();
    assert!(said.stdout.contains("nothing runs"), "{}", said.stdout);
    sh(&sandbox, &repo.path, scripts["archive"].as_str().unwrap()).ok();
}

#[test]
fn a_session_of_gemini_learns_its_variables() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    let settings = repo.agentenv(&["hook", "gemini"]).ok().json();
    let command = settings["hooks"]["SessionStart"][0]["hooks"][0]["command"].as_str().unwrap();
    let dir = worktree(&sandbox, &repo);
    let said: Value = serde_json::from_str(&sh(&sandbox, &dir, command).ok().stdout).unwrap();
    let output = &said["hookSpecificOutput"];
    assert_eq!(output["hookEventName"], "SessionStart");
    assert!(output["additionalContext"].as_str().unwrap().contains("DJANGO_PORT="), "{said}");
    assert_eq!(sh(&sandbox, &repo.path, command).ok().stdout, "{}\n");
    repo.config("prots: {}\n");
    let said: Value = serde_json::from_str(&sh(&sandbox, &dir, command).ok().stdout).unwrap();
    assert!(said["systemMessage"].as_str().unwrap().contains("prots"), "{said}");
}

#[test]
fn a_plugin_of_opencode_sets_the_variables_of_each_command() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    let dir = worktree(&sandbox, &repo);
    fs::write(dir.join("plugin.mjs"), repo.agentenv(&["hook", "opencode"]).ok().stdout).unwrap();
    fs::write(dir.join("try.mjs"), PLAYER).unwrap();
    let said = sandbox.outcome(sandbox.command("node").arg("try.mjs").current_dir(&dir)).ok();
    let file = fs::read_to_string(dir.join(".env.worktree")).unwrap();
    let said = said.json();
    for version in ["1", "2"] {
        let port = said[version]["DJANGO_PORT"].as_str().unwrap();
        assert!(file.contains(&format!("DJANGO_PORT={port}\n")), "{version}: {file}");
        assert_eq!(said[version]["THEIRS"], "stays");
    }
    assert_eq!(said["outside"], serde_json::json!({}), "in the main checkout");

    fs::create_dir_all(repo.path.join(".opencode/plugins")).unwrap();
    let theirs = repo.path.join(".opencode/plugins/git-agentenv.js");
    fs::write(&theirs, "// mine\n").unwrap();
    repo.agentenv(&["hook", "opencode", "--install"]).fails(7);
    repo.agentenv(&["hook", "opencode", "--uninstall"]).ok();
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "// mine\n");
}

/// What versions 1 and 2 of opencode do with a plugin.
const PLAYER: &str = r#"
import plugin from "./plugin.mjs"
const directory = process.cwd()
const env = () => ({ THEIRS: "stays" })
const first = { env: env() }
const hooks = await plugin.server({ directory, worktree: directory })
await hooks["shell.env"]({ cwd: directory }, first)
const outside = { env: {} }
await hooks["shell.env"]({ cwd: "../app" }, outside)
const second = { command: "ls", cwd: directory, timeout: 1, shell: "sh", env: env() }
const registered = {}
const shell = { hook: async (name, call) => void (registered[name] = call) }
await plugin.setup({ location: { directory }, shell })
await registered["create.before"](second)
console.log(JSON.stringify({ 1: first.env, 2: second.env, outside: outside.env, id: plugin.id }))
"#;
