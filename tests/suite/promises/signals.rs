//! Ctrl-C and SIGTERM: children are ended, everything is undone, exit 130.

use crate::common::hold::{self, creating};
use crate::common::{Repo, Running, Sandbox, wait_until, write_program};
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn a_slow_hook_of_git_is_ended_with_all_that_it_started() {
    for signal in ["INT", "TERM", "HUP"] {
        let sandbox = Sandbox::new();
        let repo = slow(&sandbox);
        let pid = sandbox.root.join("pid");
        write_hook(&repo, &format!("sleep 300 & echo $! >{}; wait", pid.display()));
        ends_and_undoes(&sandbox, &repo, &pid, signal);
    }
}

#[test]
fn a_slow_filter_is_ended() {
    let sandbox = Sandbox::new();
    let repo = slow(&sandbox);
    let pid = sandbox.root.join("pid");
    repo.commit(".gitattributes", "*.big filter=slow\n");
    repo.commit("some.big", "text\n");
    let smudge = format!("echo $$ >{}; exec sleep 300", pid.display());
    repo.git(&["config", "filter.slow.smudge", &smudge]);
    ends_and_undoes(&sandbox, &repo, &pid, "TERM");
}

/// A real git leaves the directory when it is ended between making it and noting that it did: a window that no test can hit,
/// so this git is a stand-in.
#[test]
fn a_git_that_is_ended_when_it_has_only_made_the_directory_leaves_nothing() {
    let sandbox = Sandbox::new();
    let repo = slow(&sandbox);
    let pid = sandbox.root.join("pid");
    let tree = sandbox.root.join("app-x");
    let does = format!("mkdir {}; echo $$ >{}; exec sleep 300", tree.display(), pid.display());
    let before = repo.traces_of_files();
    let add = start_with(&sandbox, &repo, "worktree add", &does);
    pid_in(&pid);
    assert!(tree.exists());
    add.signal("TERM");
    add.outcome().fails(130);
    fs::remove_file(pid).unwrap();
    repo.leaves_no_file_but(&before, "interrupted");
}

/// As above: what a real git does under its lock file is over before a test can interrupt it.
#[test]
fn a_git_that_holds_a_lock_file_gets_time_to_take_it_away() {
    let sandbox = Sandbox::new();
    let repo = slow(&sandbox);
    let (pid, lock) = (sandbox.root.join("pid"), repo.path.join(".git/packed-refs.lock"));
    let lock = lock.display();
    let does = format!("touch {lock}; echo $$ >{}; sleep 1; rm {lock}", pid.display());
    let before = repo.traces_of_files();
    let add = start_with(&sandbox, &repo, "update-ref --create-reflog", &does);
    pid_in(&pid);
    add.signal("TERM");
    add.outcome().fails(130);
    fs::remove_file(pid).unwrap();
    repo.leaves_no_file_but(&before, "interrupted");
}

#[test]
fn a_hook_of_the_project_is_ended_and_the_environment_is_kept() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let pid = sandbox.root.join("pid");
    let hook = format!("sh -c 'echo $$ >{}; exec sleep 300' & wait", pid.display());
    repo.config(&format!(
        "{}hooks: {{ post_add: [\"{hook}\"] }}\n",
        sandbox.config_without_servers()
    ));
    repo.agentenv(&["trust", "--yes"]).ok();
    let before = repo.traces_of_files();
    let add = start(&sandbox, &repo);
    let sleeper = pid_in(&pid);
    add.signal("TERM");
    add.outcome().fails(130);
    wait_until("the hook's child is gone", || !is_alive(&sleeper));
    let state = repo.agentenv(&["list", "--json"]).ok().json();
    assert_eq!(state["environments"][0]["hooks_pending"], true);
    repo.agentenv(&["remove", "x", "-D", "--no-hooks"]).ok();
    fs::remove_file(pid).unwrap();
    repo.leaves_no_file_but(&before, "removed");
}

#[test]
fn a_database_that_is_being_created_is_given_up() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_in_container());
    repo.agentenv(&["prune"]).ok();
    let before = repo.traces();
    let hold = hold::creation();
    let add = start(&sandbox, &repo);
    creating(&sandbox.store_id().unwrap());
    add.signal("INT");
    // Impatience changes nothing: what was begun is undone. The server need not complete it for that.
    add.signal("INT");
    let outcome = add.outcome().fails(130);
    drop(hold);
    assert!(outcome.stderr.contains("error: interrupted"), "{}", outcome.show());
    repo.leaves_nothing_but(&before, "interrupted while the database was made");
}

#[test]
fn beside_an_answer_in_json_an_interruption_is_no_second_document() {
    let sandbox = Sandbox::new();
    let repo = slow(&sandbox);
    let pid = sandbox.root.join("pid");
    let script = format!("echo $$ >{}; exec sleep 300", pid.display());
    let add = repo.start(&["add", "x", "--json", "-x", &script]);
    let sleeper = pid_in(&pid);
    add.signal("INT");
    let said = add.outcome().fails(130);
    assert_eq!(said.json()["name"], "x", "{}", said.show());
    assert!(said.stderr.contains("interrupted"), "{}", said.show());
    wait_until("the command is gone", || !is_alive(&sleeper));
}

#[test]
fn nothing_that_run_runs_outlives_a_kill() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["add", "x"]).ok();
    let file = sandbox.root.join("pid");
    let script = format!("echo $$ >{}; exec sleep 300", file.display());
    let mut command = sandbox.command("git-agentenv");
    command.args(["run", "x", "--", "sh", "-c", &script]).current_dir(&repo.path);
    let mut running = command.spawn().unwrap();
    let sleeper = pid_in(&file);
    running.kill().unwrap();
    running.wait().unwrap();
    wait_until("the command is gone", || !is_alive(&sleeper));
}

#[test]
fn run_passes_signals_on_and_exits_as_its_command() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["add", "x"]).ok();
    let killed = repo.agentenv(&["run", "x", "--", "sh", "-c", "kill -KILL $$"]).fails(137);
    assert_eq!(killed.stderr, "");
    let file = sandbox.root.join("pid");
    for (signal, code) in [("TERM", 7), ("INT", 7), ("USR1", 7), ("HUP", 7), ("QUIT", 7)] {
        let trap = format!(
            "trap 'exit 7' {signal}; echo $$ >{}; while :; do sleep 0.05; done",
            file.display()
        );
        let running = repo.start(&["run", "x", "--", "sh", "-c", &trap]);
        pid_in(&file);
        running.signal(signal);
        running.outcome().fails(code);
        fs::remove_file(&file).unwrap();
    }
    let missing = repo.agentenv(&["run", "x", "--json", "--", "no-such-program"]).fails(125);
    assert_eq!(missing.json()["error"]["message"], "`no-such-program` is not installed");
}

#[track_caller]
fn ends_and_undoes(sandbox: &Sandbox, repo: &Repo<'_>, pid: &Path, signal: &str) {
    let before = repo.traces_of_files();
    let add = start(sandbox, repo);
    let sleeper = pid_in(pid);
    add.signal(signal);
    let outcome = add.outcome().fails(130);
    assert!(outcome.stderr.contains("error: interrupted"), "{}", outcome.show());
    wait_until("the child is gone", || !is_alive(&sleeper));
    fs::remove_file(pid).unwrap();
    repo.leaves_no_file_but(&before, signal);
}

fn slow(sandbox: &Sandbox) -> Repo<'_> {
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["prune"]).ok();
    repo
}

fn start(sandbox: &Sandbox, repo: &Repo<'_>) -> Running {
    let mut command = sandbox.command(env!("CARGO_BIN_EXE_git-agentenv"));
    sandbox.start(command.args(["add", "x"]).current_dir(&repo.path))
}

/// Starts `add` with a git that does this before the command whose line has these words.
fn start_with(sandbox: &Sandbox, repo: &Repo<'_>, words: &str, does: &str) -> Running {
    let bin = sandbox.root.join("home/bin");
    fs::create_dir(&bin).unwrap();
    let git = which::which("git").unwrap();
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *'{words}'*) {does} ;; esac\nexec {} \"$@\"\n",
        git.display()
    );
    write_program(&bin.join("git"), &script);
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    sandbox.start(repo.command(&["add", "x"]).env("PATH", path))
}

fn write_hook(repo: &Repo<'_>, script: &str) {
    let hook = repo.path.join(".git/hooks/post-checkout");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    write_program(&hook, &format!("#!/bin/sh\n{script}\n"));
}

/// Waits until a script has written a process id, and gives its directory in /proc.
#[track_caller]
fn pid_in(file: &Path) -> PathBuf {
    let mut pid = String::new();
    wait_until("the script runs", || {
        pid = fs::read_to_string(file).unwrap_or_default();
        pid.ends_with('\n')
    });
    Path::new("/proc").join(pid.trim())
}

/// One that is dead but not waited for is not alive.
fn is_alive(process: &Path) -> bool {
    fs::read_to_string(process.join("stat")).is_ok_and(|stat| !stat.contains(") Z "))
}
