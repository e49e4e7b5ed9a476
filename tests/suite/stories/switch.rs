//! `switch`, `run --all` and `shell-init --install`: between environments, and in all of them.

use crate::common::{Repo, Sandbox};
use std::fs;

fn project(sandbox: &Sandbox) -> Repo<'_> {
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo
}

#[test]
fn switch_leads_there_and_back_in_each_shell() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    repo.agentenv(&["add", "one", "two"]).ok();
    let main = repo.git(&["branch", "--show-current"]);
    for shell in ["bash", "zsh", "fish"] {
        let load = match shell {
            "fish" => "git agentenv shell-init fish | source".to_owned(),
            _ => format!("eval \"$(git agentenv shell-init {shell})\""),
        };
        let steps = ["one", "two", "-", "-", main.trim(), "-"];
        let steps = steps.map(|to| format!("agentenv -q switch {to} >/dev/null; pwd"));
        let script = format!("{load}\n{}", steps.join("\n"));
        let mut command = sandbox.command(shell);
        let said = sandbox.outcome(command.args(["-c", &script]).current_dir(&repo.path)).ok();
        let places = ["app-one", "app-two", "app-one", "app-two", "app", "app-two"];
        let places = places.map(|dir| sandbox.root.join(dir).display().to_string());
        assert_eq!(said.stdout.lines().collect::<Vec<_>>(), places, "{shell}: {}", said.show());
    }
}

#[test]
fn switch_creates_only_on_request() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    let said = repo.agentenv(&["switch", "new"]).fails(4);
    assert!(!sandbox.root.join("app-new").exists(), "{}", said.stderr);
    repo.agentenv(&["switch", "new", "--create"]).ok();
    assert!(sandbox.root.join("app-new/.env.worktree").exists());
    let said = repo.agentenv(&["switch", "new", "--json"]).ok().json();
    assert_eq!(said["path"], sandbox.root.join("app-new").to_str().unwrap());
    repo.agentenv(&["switch"]).fails(2);
    repo.agentenv(&["switch", "-"]).fails(2);
}

#[test]
fn run_all_prefixes_lines_and_exits_with_the_worst_code() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    repo.agentenv(&["run", "--all", "--", "true"]).fails(125);
    repo.agentenv(&["add", "a", "bcd"]).ok();
    let script = "echo $DJANGO_PORT; echo no >&2; test \"${PWD##*/}\" = app-a || exit 3";
    let said = repo.agentenv(&["run", "--all", "--", "sh", "-c", script]).fails(3);
    let mut lines: Vec<_> = said.stdout.lines().collect();
    lines.sort_unstable();
    let port = *sandbox.ports().start() + 1;
    let expected = [
        format!("a   | {port}"),
        "a   | no".to_owned(),
        format!("bcd | {}", port + 1),
        "bcd | no".to_owned(),
    ];
    assert_eq!(lines, expected);
    assert!(said.stderr.contains("bcd exited with 3"), "{}", said.stderr);
    repo.agentenv(&["run", "--all", "--", "no-such-program"]).fails(125);
}

#[test]
fn the_function_is_loaded_once_and_taken_out_again() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    repo.agentenv(&["add", "x"]).ok();
    let home = sandbox.root.join("home");
    let files = [("bash", ".bashrc"), ("zsh", ".zshrc"), ("fish", ".config/fish/config.fish")];
    for (shell, file) in files {
        let file = home.join(file);
        repo.agentenv(&["shell-init", shell, "--install"]).ok();
        repo.agentenv(&["shell-init", shell, "--uninstall"]).ok();
        assert!(!file.exists(), "{shell}: nothing else was in it");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "# mine\n").unwrap();
        for _ in 0..2 {
            repo.agentenv(&["shell-init", shell, "--install"]).ok();
        }
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("# mine\n") && text.matches("shell-init").count() == 1, "{text}");
        let mut command = sandbox.command(shell);
        let script = format!(". {}; agentenv -q switch x >/dev/null; pwd", file.display());
        let said = sandbox.outcome(command.args(["-c", &script]).current_dir(&repo.path)).ok();
        assert_eq!(said.stdout.trim(), sandbox.root.join("app-x").to_str().unwrap(), "{shell}");
        let said = repo.agentenv(&["shell-init", shell, "--uninstall", "--json"]).ok().json();
        assert_eq!(said["file"], file.to_str().unwrap());
        assert_eq!(fs::read_to_string(&file).unwrap(), "# mine\n");
    }
    let linked = sandbox.root.join("dotfiles");
    fs::write(&linked, "# linked\n").unwrap();
    fs::remove_file(home.join(".bashrc")).unwrap();
    std::os::unix::fs::symlink(&linked, home.join(".bashrc")).unwrap();
    repo.agentenv(&["shell-init", "bash", "--install"]).ok();
    assert!(home.join(".bashrc").is_symlink());
    assert!(fs::read_to_string(&linked).unwrap().contains("shell-init"));
}

#[test]
fn a_new_branch_says_where_it_comes_from_and_what_may_have_been_meant() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    let main = repo.git(&["branch", "--show-current"]).trim().to_owned();
    let commit = repo.git(&["rev-parse", "HEAD"])[..7].to_owned();
    repo.git(&["branch", "feature/login"]);
    let line =
        format!("new branch `featur/logi`, from {main} ({commit}); did you mean `feature/login`?");
    for args in [&["add", "featur/logi", "--dry-run"][..], &["add", "featur/logi"]] {
        let said = repo.agentenv(args).ok();
        assert!(said.stderr.contains(&line), "{}", said.stderr);
    }
    let said = repo.agentenv(&["add", "feature/login"]).ok();
    assert!(!said.stderr.contains("new branch"), "{}", said.stderr);

    let clone = repo.clone_as("clone");
    let said = clone.agentenv(&["add", "origin/feature/login"]).fails(2);
    assert!(said.stderr.contains("git agentenv add feature/login`"), "{}", said.stderr);
    let said = clone.agentenv(&["add", &format!("origin/{main}")]).fails(2);
    assert!(said.stderr.contains(&format!("--from origin/{main}`")), "{}", said.stderr);
}
