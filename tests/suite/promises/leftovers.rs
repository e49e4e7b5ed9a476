//! Unfinished files of processes that were killed between the write and the rename.

use crate::common::Sandbox;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// As a process that was killed leaves it beside this file.
fn leave(file: &Path, pid: u32) -> PathBuf {
    let name = file.file_name().unwrap().to_str().unwrap();
    let left = file.with_file_name(format!(".{name}.{pid}.0.new"));
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&left, "half").unwrap();
    left
}

fn ended() -> u32 {
    let mut child = Command::new("true").spawn().unwrap();
    let pid = child.id();
    child.wait().unwrap();
    pid
}

#[test]
fn prune_sweeps_what_killed_commands_left() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["add", "x"]).ok();
    let git = repo.path.join(".git");
    let ours = [
        repo.path.join(".agentenv.yaml"),
        repo.path.join(".claude/settings.local.json"),
        git.join("hooks/post-checkout"),
        git.join("worktrees/app-x/agentenv"),
        sandbox.root.join("app-x/.env.worktree"),
    ];
    let left: Vec<PathBuf> = ours.iter().map(|file| leave(file, ended())).collect();
    // A writer that still runs, and a file of another name.
    let kept = [leave(&ours[0], std::process::id()), leave(&repo.path.join("notes"), ended())];
    sandbox.agentenv_in(&sandbox.root, &["prune", "--dry-run"]).ok();
    assert!(left.iter().all(|file| file.exists()));
    sandbox.agentenv_in(&sandbox.root, &["prune"]).ok();
    let still: Vec<_> = left.iter().filter(|file| file.exists()).collect();
    assert!(still.is_empty(), "{still:?}");
    assert!(kept.iter().all(|file| file.exists()));
}

#[test]
fn the_same_command_again_sweeps_what_it_left() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.git(&["worktree", "add", "-q", "../x"]);
    for (file, command) in [
        (".git/worktrees/x/agentenv", &["adopt", "../x"][..]),
        (".git/hooks/post-checkout", &["hook", "install"]),
        (".claude/settings.local.json", &["hook", "claude", "--install"]),
    ] {
        let left = leave(&repo.path.join(file), ended());
        repo.agentenv(command).ok();
        assert!(!left.exists(), "{command:?}");
    }
}
