//! The harness keeps what it promises to the other tests.

use crate::common::{Sandbox, servers, wait_until};
use std::fs::File;
use std::process::Command;

#[test]
fn a_sandbox_finds_the_program_and_hides_its_own_paths() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let said = repo.agentenv(&["--version"]).ok();
    assert!(said.stdout.contains("agentenv"), "{}", said.show());

    let mut command = sandbox.command("sh");
    let said = sandbox.outcome(command.args(["-c", "pwd; exit 3"]).current_dir(&repo.path));
    assert_eq!(said.fails(3).show(), "exit 3\n--- stdout\n[ROOT]/app\n--- stderr\n");
}

#[test]
fn sandboxes_hold_different_slots_and_leave_nothing() {
    let (one, other) = (Sandbox::new(), Sandbox::wide(2));
    assert!(!one.ports().any(|port| other.ports().contains(&port)));
    assert!(!one.indexes().any(|index| other.indexes().contains(&index)));
    assert_eq!(other.indexes().count(), 8);

    let index = *one.indexes().start();
    servers().redis(index, &["SET", "key", "value"]);
    assert_eq!(servers().redis(index, &["GET", "key"]), "value");
    servers().psql(&format!("CREATE DATABASE {}_x", one.id));
    assert_eq!(one.databases(), [format!("{}_x", one.id)]);
    servers().psql_on(&one.databases()[0], "CREATE TABLE t ()");

    let id = one.id.clone();
    drop(one);
    assert!(!servers().databases().iter().any(|name| name.starts_with(&id)));
}

#[test]
fn the_last_test_process_removes_the_servers() {
    let dir = tempfile::tempdir().unwrap();
    // Its own directory for locks, and with it its own servers.
    let mut tests = Command::new(std::env::current_exe().unwrap());
    tests.args(["--exact", "project::harness::sandboxes_hold_different_slots_and_leave_nothing"]);
    tests.env("TMPDIR", dir.path());
    let lock = dir.path().join("agentenv-test/servers-in-use.lock");
    std::fs::create_dir(lock.parent().unwrap()).unwrap();

    let other_process = File::create(&lock).unwrap();
    other_process.lock_shared().unwrap();
    let output = tests.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let label = format!("label=agentenv-test={}", lock.parent().unwrap().display());
    let left = || {
        let args = ["ps", "--all", "--quiet", "--filter", &label];
        let listed = Command::new("docker").args(args).output().unwrap();
        String::from_utf8(listed.stdout).unwrap().lines().count()
    };
    assert_eq!(left(), 2, "another process still uses them");
    drop(other_process);
    wait_until("the servers are removed", || left() == 0);
}
