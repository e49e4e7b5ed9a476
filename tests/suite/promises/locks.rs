//! Locks: no process waits for a dead one, and waiting is said once.

use crate::common::{Repo, Sandbox, wait_until};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

#[test]
fn a_killed_holder_of_the_machine_lock_blocks_no_process() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let holder = repo.hanging(&["add", "one"], "before-lease");
    let said = fs::File::create(sandbox.root.join("said")).unwrap();
    let mut waiting = repo.command(&["add", "two"]).stderr(said).spawn().unwrap();
    let read = || fs::read_to_string(sandbox.root.join("said")).unwrap();
    wait_until("the second says that it waits", || read().contains("waiting for another"));
    holder.signal("KILL");
    let begin = Instant::now();
    wait_until("the second has its lease", || !sandbox.leases().is_empty());
    assert!(begin.elapsed() < Duration::from_secs(1));
    assert!(waiting.wait().unwrap().success());
    assert_eq!(read().matches("waiting for another").count(), 1, "{}", read());
    holder.outcome().fails(128 + 9);
}

#[test]
fn two_removals_of_one_environment_take_turns() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    repo.agentenv(&["add", "x"]).ok();
    let first = repo.hanging(&["remove", "x"], "removing");
    let second = repo.start(&["remove", "x"]);
    let busy = repo.agentenv(&["prune"]).ok();
    assert_eq!(busy.stdout, "nothing to prune\n", "{}", busy.show());
    first.signal("KILL");
    first.outcome().fails(128 + 9);
    let outcome = second.outcome().ok();
    assert!(!sandbox.root.join("app-x").exists(), "{}", outcome.show());
}

#[test]
fn two_removals_of_the_same_two_environments_never_wait_for_each_other() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let added = repo.agentenv(&["add", "a", "b", "--json"]).ok();
    let leases = sandbox.leases();
    let named = |lease: &Path| {
        let is_a = fs::read_to_string(lease).unwrap().contains("\nbranch: a\n");
        if is_a { "a" } else { "b" }
    };
    let lock = |lease: &Path| {
        let locks = sandbox.root.join("state/locks");
        let file = locks.join(lease.file_name().unwrap()).with_extension("lock");
        fs::File::options().create(true).append(true).open(file).unwrap()
    };
    let first = lock(&leases[0]);
    first.lock().unwrap();
    let said = sandbox.root.join("said");
    // The other way round than the order in which everybody takes them.
    let mut command = repo.command(&["remove", named(&leases[1]), named(&leases[0])]);
    let mut waiting = command.stderr(fs::File::create(&said).unwrap()).spawn().unwrap();
    wait_until("it waits", || fs::read_to_string(&said).unwrap().contains("waiting for"));
    let second = lock(&leases[1]).try_lock();
    drop(first);
    assert!(waiting.wait().unwrap().success(), "{}", fs::read_to_string(&said).unwrap());
    assert!(second.is_ok(), "it holds one while it waits for the other: {}", added.show());
}

#[test]
fn of_two_that_want_the_same_branch_at_once_one_gets_it_and_the_other_learns_why() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    one_of_two(&sandbox, &repo, &["add", "x"]);
    repo.agentenv(&["remove", "x"]).ok();
    repo.git(&["worktree", "add", "--quiet", "--detach", "../d"]);
    one_of_two(&sandbox, &repo, &["adopt", "../d"]);
}

/// Two processes have looked at everything before either may choose its slots.
#[track_caller]
fn one_of_two(sandbox: &Sandbox, repo: &Repo<'_>, args: &[&str]) {
    repo.agentenv(&["list"]).ok();
    let lock = fs::File::options().append(true).create(true).open(sandbox.root.join("state/lock"));
    let lock = lock.unwrap();
    lock.lock().unwrap();
    let start = |number: usize| {
        let said = sandbox.root.join(format!("said-{number}"));
        let mut command = repo.command(args);
        command.stdout(std::process::Stdio::null());
        let child = command.stderr(fs::File::create(&said).unwrap()).spawn().unwrap();
        wait_until("it waits", || fs::read_to_string(&said).unwrap().contains("waiting"));
        (child, said)
    };
    let both = [start(1), start(2)];
    drop(lock);
    let ended = both
        .map(|(mut child, said)| (child.wait().unwrap().code(), fs::read_to_string(said).unwrap()));
    let lost: Vec<_> = ended.iter().filter(|(code, _)| *code != Some(0)).collect();
    assert_eq!(lost.len(), 1, "{ended:?}");
    assert_eq!(lost[0].0, Some(7), "{ended:?}");
    assert!(lost[0].1.contains("hint: "), "{ended:?}");
    assert_eq!(sandbox.leases().len(), 1);
}

#[test]
fn a_waiting_process_can_be_interrupted() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let holder = repo.hanging(&["add", "one"], "before-lease");
    let said = sandbox.root.join("said");
    let mut command = repo.command(&["add", "two"]);
    let mut waiting = command.stderr(fs::File::create(&said).unwrap()).spawn().unwrap();
    wait_until("it waits", || fs::read_to_string(&said).unwrap().contains("waiting"));
    std::process::Command::new("kill").args(["-INT", &waiting.id().to_string()]).status().unwrap();
    assert_eq!(waiting.wait().unwrap().code(), Some(130));
    holder.signal("TERM");
    holder.outcome().fails(130);
    assert_eq!(sandbox.leases().len(), 0);
}

#[test]
fn one_process_at_a_time_starts_or_stops_the_shared_servers() {
    let sandbox = Sandbox::new();
    repo(&sandbox).agentenv(&["list"]).ok();
    let lock = fs::File::create(sandbox.root.join("state/locks/infra.lock")).unwrap();
    for what in ["up", "down"] {
        lock.lock().unwrap();
        let said = sandbox.root.join(what);
        let mut command = sandbox.command(env!("CARGO_BIN_EXE_git-agentenv"));
        // Nothing is started: there is no engine.
        command.args(["infra", what]).env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
        command.current_dir(&sandbox.root).stderr(fs::File::create(&said).unwrap());
        let mut waiting = command.spawn().unwrap();
        let read = || fs::read_to_string(&said).unwrap();
        let mut ended = || waiting.try_wait().unwrap().is_some();
        wait_until("it waits", || read().contains("waiting for another git-agentenv") || ended());
        assert!(!ended(), "{}", read());
        lock.unlock().unwrap();
        assert_eq!(waiting.wait().unwrap().code(), Some(6), "{}", read());
    }
}

fn repo(sandbox: &Sandbox) -> Repo<'_> {
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo
}
