//! The post-checkout hook: plain `git worktree add` makes an environment.

use crate::common::{Repo, Sandbox, write_program};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

fn project(sandbox: &Sandbox) -> Repo<'_> {
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo
}

fn hook(repo: &Repo) -> PathBuf {
    repo.path.join(".git/hooks/post-checkout")
}

fn write_hook(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    write_program(file, text);
}

fn environments(repo: &Repo) -> Vec<String> {
    let listed = repo.agentenv(&["list", "--json"]).ok().json();
    let rows = listed["environments"].as_array().unwrap().iter();
    rows.map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_plain_worktree_becomes_an_environment_until_the_hook_is_gone() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    assert_eq!(
        repo.agentenv(&["hook", "status", "--json"]).ok().json()["post_checkout"]["installed"],
        false
    );
    let said = repo.agentenv(&["hook", "install", "--json"]).ok().json();
    assert_eq!(said["file"], hook(&repo).to_str().unwrap());
    assert_eq!(
        repo.agentenv(&["hook", "status", "--json"]).ok().json()["post_checkout"]["installed"],
        true
    );

    let mut add = sandbox.command("git");
    let said =
        sandbox.outcome(add.args(["worktree", "add", "-q", "../x"]).current_dir(&repo.path)).ok();
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""), "it works in silence");
    assert_eq!(environments(&repo), ["x"]);
    let tree = sandbox.root.join("x");
    let vars = fs::read_to_string(tree.join(".env.worktree")).unwrap();
    assert!(vars.contains("DJANGO_PORT="), "{vars}");

    // Neither a checkout in it nor our own add makes another one.
    repo.git(&["branch", "other"]);
    sandbox
        .outcome(sandbox.command("git").args(["checkout", "-q", "other"]).current_dir(&tree))
        .ok();
    repo.agentenv(&["add", "y"]).ok();
    assert_eq!(environments(&repo), ["x", "y"]);

    repo.agentenv(&["hook", "uninstall"]).ok();
    assert!(!hook(&repo).exists());
    repo.git(&["worktree", "add", "-q", "../z"]);
    assert_eq!(environments(&repo), ["x", "y"]);
}

#[test]
fn a_hook_that_is_there_runs_as_before_and_gets_its_bytes_back() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    let theirs = "#!/bin/sh\nset -eu\necho \"theirs $3\" >>\"$HOME/ran\"\nexit 0\n";
    write_hook(&hook(&repo), theirs);
    repo.agentenv(&["hook", "install"]).ok();
    let installed = fs::read(hook(&repo)).unwrap();
    repo.agentenv(&["hook", "install"]).ok();
    assert_eq!(fs::read(hook(&repo)).unwrap(), installed, "twice is once");

    repo.git(&["worktree", "add", "-q", "../x"]);
    assert_eq!(environments(&repo), ["x"]);
    assert_eq!(fs::read_to_string(sandbox.root.join("home/ran")).unwrap(), "theirs 1\n");
    repo.agentenv(&["hook", "uninstall"]).ok();
    assert_eq!(fs::read_to_string(hook(&repo)).unwrap(), theirs);
    assert_eq!(fs::metadata(hook(&repo)).unwrap().permissions().mode() & 0o777, 0o755);
}

#[test]
fn what_is_no_shell_hook_is_left_alone() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    let file = hook(&repo);
    write_hook(&file, "#!/usr/bin/env python3\nprint(1)\n");
    let said = repo.agentenv(&["hook", "install"]).fails(7);
    assert!(said.stderr.contains("not a shell script"), "{}", said.show());
    assert_eq!(fs::read_to_string(&file).unwrap(), "#!/usr/bin/env python3\nprint(1)\n");

    fs::rename(&file, sandbox.root.join("elsewhere")).unwrap();
    symlink(sandbox.root.join("elsewhere"), &file).unwrap();
    let said = repo.agentenv(&["hook", "install"]).fails(7);
    assert!(said.stderr.contains("is a symbolic link"), "{}", said.show());
    assert!(file.is_symlink());

    fs::remove_file(&file).unwrap();
    fs::write(&file, "#!/bin/sh\nrm -rf x\n").unwrap();
    let said = repo.agentenv(&["hook", "install"]).fails(7);
    assert!(said.stderr.contains("not executable"), "{}", said.show());
    assert_eq!(fs::read_to_string(&file).unwrap(), "#!/bin/sh\nrm -rf x\n");
}

#[test]
fn core_hooks_path_is_respected() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    repo.git(&["config", "core.hooksPath", ".githooks"]);
    repo.agentenv(&["hook", "install"]).ok();
    assert!(repo.path.join(".githooks/post-checkout").exists() && !hook(&repo).exists());
    repo.git(&["worktree", "add", "-q", "../x"]);
    assert_eq!(environments(&repo), ["x"]);
    repo.agentenv(&["hook", "uninstall"]).ok();
    repo.git(&["config", "--unset", "core.hooksPath"]);

    let shared = sandbox.root.join("shared-hooks");
    repo.git(&["config", "--global", "core.hooksPath", shared.to_str().unwrap()]);
    let said = repo.agentenv(&["hook", "install"]).fails(7);
    assert!(said.stderr.contains("--shared"), "{}", said.show());
    assert!(!shared.exists());
    repo.agentenv(&["hook", "install", "--shared"]).ok();
    // A clone passes no previous HEAD either, and is no linked worktree.
    let clone = repo.clone_as("clone");
    assert!(environments(&clone).is_empty() && !clone.path.join(".env.worktree").exists());
}

#[test]
fn a_checkout_never_fails_for_us() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    repo.agentenv(&["hook", "install"]).ok();
    repo.config("nonsense: 1\n");
    let mut add = sandbox.command("git");
    let said = sandbox.outcome(add.args(["worktree", "add", "../x"]).current_dir(&repo.path)).ok();
    assert!(
        said.stderr.contains("cannot turn this worktree") && said.stderr.contains("nonsense"),
        "{}",
        said.show()
    );
    assert!(said.stderr.contains("git agentenv adopt"), "{}", said.show());
    assert!(sandbox.root.join("x/README").exists());

    // Without the program there is nothing to do, and nothing is said.
    repo.config(&sandbox.config_without_servers());
    let mut add = sandbox.command("git");
    add.env("PATH", "/usr/bin:/bin").args(["worktree", "add", "-q", "../y"]);
    let said = sandbox.outcome(add.current_dir(&repo.path)).ok();
    assert_eq!(said.stderr, "");
    assert!(environments(&repo).is_empty());

    // Nor when the user does not want one.
    let mut add = sandbox.command("git");
    add.env("AGENTENV_WORKING", "1").args(["worktree", "add", "-q", "../z"]);
    sandbox.outcome(add.current_dir(&repo.path)).ok();
    assert!(environments(&repo).is_empty());
    // Such a worktree stays plain, whatever is checked out in it.
    let mut checkout = sandbox.command("git");
    checkout.args(["checkout", "-q", "-b", "later"]).current_dir(sandbox.root.join("z"));
    sandbox.outcome(&mut checkout).ok();
    assert!(environments(&repo).is_empty());
}

#[test]
fn only_trusted_hooks_run_after_a_plain_worktree() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(
        &(sandbox.config_without_servers() + "hooks: { post_add: [\"echo $DJANGO_PORT >ran\"] }\n"),
    );
    repo.agentenv(&["hook", "install"]).ok();
    let mut add = sandbox.command("git");
    let said =
        sandbox.outcome(add.args(["worktree", "add", "-q", "../x"]).current_dir(&repo.path)).ok();
    assert!(
        said.stderr.contains("not trusted") && said.stderr.contains("git agentenv trust"),
        "{}",
        said.show()
    );
    assert_eq!(environments(&repo), ["x"]);
    assert!(!sandbox.root.join("x/ran").exists());

    repo.agentenv(&["trust", "--yes"]).ok();
    repo.agentenv(&["adopt", "../x"]).ok();
    assert!(sandbox.root.join("x/ran").exists(), "adopt runs what is pending");
    repo.git(&["worktree", "add", "-q", "../y"]);
    let port = fs::read_to_string(sandbox.root.join("y/ran")).unwrap();
    assert!(port.trim().parse::<u16>().is_ok_and(|port| sandbox.ports().contains(&port)), "{port}");
}

#[test]
fn it_works_from_anywhere_and_for_many_at_once() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    repo.commit("sub/file", "");
    repo.git(&["clone", "-q", "--bare", ".", "../bare.git"]);
    let bare = sandbox.root.join("bare.git");
    let git = |dir: &Path, args: &[&str]| {
        sandbox.outcome(sandbox.command("git").args(args).current_dir(dir)).ok();
    };
    sandbox.agentenv_in(&bare, &["hook", "install"]).ok();
    git(&bare, &["worktree", "add", "-q", "../of-bare"]);
    let listed = sandbox.agentenv_in(&bare, &["list", "--json"]).ok().json();
    assert_eq!(listed["environments"][0]["name"], "of-bare");

    repo.agentenv(&["hook", "install"]).ok();
    git(&repo.path.join("sub"), &["worktree", "add", "-q", "../../a"]);
    git(&sandbox.root.join("a/sub"), &["worktree", "add", "-q", "--detach", "../../b"]);
    git(&sandbox.root, &["-C", "app", "-c", "alias.w=!git worktree add -q", "w", "../c"]);
    let tries = ["d", "e", "f"].map(|name| {
        let mut add = sandbox.command("git");
        add.env("AGENTENV_WORKING", "1").args(["worktree", "add", "-q", &format!("../{name}")]);
        sandbox.outcome(add.current_dir(&repo.path)).ok();
        let mut hook = sandbox.command("git-agentenv");
        hook.args(["--quiet", "hook", "checkout"]).current_dir(sandbox.root.join(name));
        hook.spawn().unwrap()
    });
    tries.into_iter().for_each(|mut child| assert!(child.wait().unwrap().success()));
    let listed = repo.agentenv(&["list", "--json"]).ok().json();
    let rows = listed["environments"].as_array().unwrap();
    let mut ports: Vec<u64> =
        rows.iter().map(|row| row["ports"]["DJANGO_PORT"].as_u64().unwrap()).collect();
    ports.sort_unstable();
    ports.dedup();
    let mut names = environments(&repo);
    names.sort();
    assert_eq!((names.join(" ").as_str(), ports.len()), ("a b c d e f", 6));
}
