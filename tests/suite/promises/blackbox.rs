//! Killed, or told that the disk is full or broken, at the n-th call that changes a file, without knowing where
//! that is: prune leaves what was there before.
//!
//! `strace` strikes every one of the program's own calls, from the first to the last of a run without faults; of its
//! children (git) every third call up to the 30th of each.

use crate::common::{Repo, Sandbox, first_turn, is_full_sweep};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

/// Calls that change files, or make them last.
pub(super) const FILE_CALLS: &str = "write,pwrite64,rename,renameat,renameat2,mkdir,mkdirat,rmdir,unlink,unlinkat,link,linkat,symlink,fsync,fdatasync,ftruncate,fchmod,chmod";

/// Calls that fail on a full disk. Without `write`, which also prints.
const ROOM_CALLS: &str =
    "rename,renameat,renameat2,mkdir,mkdirat,link,linkat,symlink,fsync,fdatasync";

const ADD: [&str; 2] = ["add", "x"];
const REMOVE: [&str; 3] = ["remove", "x", "-D"];

/// More than the main thread makes on the way to the trash.
const SYNCS: usize = 30;

/// The same ways lead back from all of them: each call is struck in one way, by turns; in a full sweep in all.
#[test]
fn killed_or_with_a_full_or_broken_disk_at_any_call() {
    let faults = ["signal=KILL", "error=ENOSPC", "signal=KILL", "error=EIO"];
    if is_full_sweep() {
        let places = [Sandbox::new, Sandbox::in_memory].into_iter().cycle();
        faults[1..].iter().zip(places).for_each(|(fault, place)| sweep(&[fault], place()));
    } else {
        sweep(&faults, if first_turn() == 0 { Sandbox::in_memory() } else { Sandbox::new() });
    }
}

/// What needs room fails from one call on to the end of the command.
#[test]
fn a_disk_that_stays_full_from_a_call_on() {
    let (sandbox, before) = world(Sandbox::new());
    let repo = sandbox.repo_at("app");
    let step = if is_full_sweep() { 1 } else { 5 };
    for args in [&ADD[..], &REMOVE] {
        for n in (1 + first_turn()..=SYNCS).step_by(step) {
            repo.agentenv(if args == ADD { &REMOVE } else { &ADD });
            let inject = format!("inject={ROOM_CALLS}:error=ENOSPC:when={n}+");
            let options = ["-f", "-o", "/dev/null", "-e", &inject];
            sandbox.outcome(&mut strace(&sandbox, &repo, ROOM_CALLS, &options, args));
            pruned(&repo);
            gone(&repo, &before, &format!("no room from call {n} of {args:?} on"));
        }
    }
}

#[test]
fn git_killed_at_any_call() {
    let (sandbox, before) = world(Sandbox::new());
    let repo = sandbox.repo_at("app");
    for n in (1..=30).step_by(3) {
        struck(&sandbox, &repo, &["-f"], "signal=KILL", n, &ADD);
        pruned(&repo);
        gone(&repo, &before, &format!("git killed at its call {n} in add"));
        repo.agentenv(&ADD).ok();
        struck(&sandbox, &repo, &["-f"], "signal=KILL", n, &REMOVE);
        pruned(&repo);
        gone(&repo, &before, &format!("git killed at its call {n} in remove"));
    }
}

/// What was renamed is not on the disk yet when that fails: it goes back, or is found where it is.
#[test]
fn a_disk_that_is_full_on_the_way_to_the_trash_and_back() {
    let (sandbox, _) = world(Sandbox::new());
    let repo = sandbox.repo_at("app");
    let tree = sandbox.root.join("app-x");
    repo.agentenv(&ADD).ok();
    fs::write(tree.join("work"), "mine").unwrap();
    let step = if is_full_sweep() { 1 } else { 3 };
    for (args, n) in (1..=SYNCS).step_by(step).flat_map(|n| {
        [(["remove", "x", "--keep", "--force"], n), (["restore", "x", "--quiet", "--json"], n)]
    }) {
        let inject = format!("inject=fsync,fdatasync:error=ENOSPC:when={n}");
        let options = ["-o", "/dev/null", "-e", &inject];
        sandbox.outcome(&mut strace(&sandbox, &repo, "fsync,fdatasync", &options, &args));
        repo.agentenv(&["prune"]).ok();
        let listed = repo.agentenv(&["list", "--json"]).ok().json();
        if args[0] == "restore" && listed["environments"].as_array().unwrap().is_empty() {
            repo.agentenv(&["restore", "x"]).ok();
        }
        if args[0] == "restore" {
            let work = fs::read_to_string(tree.join("work"));
            assert_eq!(work.unwrap_or_default(), "mine", "ENOSPC at sync {n} of {args:?}");
        }
    }
}

/// Lets `prune` finish what was interrupted. What git's lock files hold up is kept on record, and they are named.
#[track_caller]
pub(super) fn pruned(repo: &Repo<'_>) {
    let said = repo.agentenv(&["prune"]);
    let locks = unlocked(repo);
    let named = locks.iter().any(|lock| said.stderr.contains(lock));
    assert!(said.code == 0 || named, "{}", said.show());
    if said.code != 0 || !locks.is_empty() {
        repo.agentenv(&["prune"]).ok();
    }
}

/// A git that is killed leaves its lock files. They are not ours to remove: the test does, as git tells the user to.
pub(super) fn unlocked(repo: &Repo<'_>) -> Vec<String> {
    let mut locks: Vec<String> = repo.traces_of_files().into_iter().collect();
    locks.retain(|trace| trace.contains("/.git/") && trace.ends_with(".lock"));
    locks.iter().for_each(|lock| fs::remove_file(lock).unwrap());
    locks
}

/// Strikes every call with one of these faults.
fn sweep(faults: &[&str], sandbox: Sandbox) {
    let (sandbox, before) = world(sandbox);
    let repo = sandbox.repo_at("app");
    let fault = |n: usize| faults[(n + first_turn()) % faults.len()];
    for n in 1..=calls(&sandbox, &repo, &ADD) {
        let fault = fault(n);
        repo.agentenv(&["remove", "x", "-D"]);
        struck(&sandbox, &repo, &[], fault, n, &ADD);
        repo.agentenv(&["prune"]).ok();
        gone(&repo, &before, &format!("{fault} at call {n} of add"));
    }
    repo.agentenv(&ADD).ok();
    for n in 1..=calls(&sandbox, &repo, &REMOVE) {
        let fault = fault(n);
        repo.agentenv(&ADD);
        struck(&sandbox, &repo, &[], fault, n, &REMOVE);
        repo.agentenv(&["prune"]).ok();
        gone(&repo, &before, &format!("{fault} at call {n} of remove"));
    }
}

/// As before, or a whole environment, when the fault came too late or too early to matter.
#[track_caller]
fn gone(repo: &Repo<'_>, before: &BTreeSet<String>, when: &str) {
    let listed = repo.agentenv(&["list", "--json"]).ok().json();
    if let Some(row) = listed["environments"].as_array().unwrap().first() {
        assert_eq!(row["state"], "ready", "{when}");
        repo.agentenv(&REMOVE).ok();
    }
    repo.leaves_no_file_but(before, when);
}

fn world(sandbox: Sandbox) -> (Sandbox, BTreeSet<String>) {
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&ADD).ok();
    repo.agentenv(&REMOVE).ok();
    let before = repo.traces_of_files();
    drop(repo);
    (sandbox, before)
}

/// How many of these calls the command makes when nothing strikes it.
fn calls(sandbox: &Sandbox, repo: &Repo<'_>, args: &[&str]) -> usize {
    let log = sandbox.root.join("home/calls");
    let mut strace = strace(sandbox, repo, FILE_CALLS, &["-o", log.to_str().unwrap()], args);
    sandbox.outcome(&mut strace).ok();
    let count = fs::read_to_string(log).unwrap().lines().count();
    assert!(count > 12, "{count} calls");
    count
}

fn struck(sandbox: &Sandbox, repo: &Repo<'_>, how: &[&str], fault: &str, n: usize, args: &[&str]) {
    let inject = format!("inject={FILE_CALLS}:{fault}:when={n}");
    let options = [how, &["-o", "/dev/null", "-e", &inject]].concat();
    sandbox.outcome(&mut strace(sandbox, repo, FILE_CALLS, &options, args));
}

pub(super) fn strace(
    sandbox: &Sandbox,
    repo: &Repo<'_>,
    calls: &str,
    options: &[&str],
    args: &[&str],
) -> Command {
    let mut command = sandbox.command("strace");
    command.args(["-qq", "-e", &format!("trace={calls}")]).args(options);
    command.arg(env!("CARGO_BIN_EXE_git-agentenv")).args(args).current_dir(&repo.path);
    command
}
