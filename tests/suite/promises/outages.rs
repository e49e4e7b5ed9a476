//! Servers and engines that are down, paused, silent or slow: no record is lost, nothing is believed.

use crate::common::hold::{self, creating};
use crate::common::{Container, Outcome, Repo, Sandbox, docker, wait_until, write_program};
use std::fs;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

const NOWHERE: &str = "unix:///nonexistent/docker.sock";

#[test]
fn a_database_that_a_killed_client_was_creating_never_appears() {
    let sandbox = Sandbox::new();
    let repo = configured(&sandbox);
    let before = repo.traces();
    let hold = hold::creation();
    let add = sandbox.start(&mut repo.command(&["add", "late"]));
    creating(&sandbox.store_id().unwrap());
    kill_with_children(add.pid());
    add.outcome().fails(128 + 9);
    repo.agentenv(&["prune"]).ok();
    drop(hold);
    repo.leaves_nothing_but(&before, "the client was killed while the database was made");
}

#[test]
fn without_docker_a_removal_takes_the_worktree_and_keeps_the_rest_on_record() {
    let sandbox = Sandbox::new();
    let repo = configured(&sandbox);
    let before = repo.traces();
    repo.agentenv(&["add", "x"]).ok();
    let removed = without_docker(&sandbox, &repo, &["remove", "x", "-D"]).fails(8);
    assert!(removed.stderr.contains("git agentenv prune"), "{}", removed.show());
    let forget = format!("gone for good, delete the lease: `rm {}`", sandbox.leases()[0].display());
    assert!(removed.stderr.contains(&forget), "{}", removed.show());
    assert!(!sandbox.root.join("app-x").exists());
    assert_eq!(sandbox.databases(), [format!("{}_x", sandbox.id)]);
    without_docker(&sandbox, &repo, &["prune"]).fails(8);
    assert_eq!(sandbox.leases().len(), 1);
    repo.agentenv(&["prune"]).ok();
    repo.leaves_nothing_but(&before, "docker came back");
}

#[test]
fn a_paused_server_keeps_its_part_on_record() {
    let sandbox = Sandbox::new();
    let redis = Container::run("agentenv-test/redis", &["-p127.0.0.1::6379"]);
    let redis = redis.ready(&["redis-cli", "PING"]);
    let name = &redis.name;
    let repo = sandbox.repo("app");
    let only_redis = format!(
        "ports: {{}}\nservices:\n  redis: {{ kind: redis, variable: REDIS_DB, main: 0, range: 1-9, container: {name} }}\n"
    );
    repo.config(&only_redis);
    repo.agentenv(&["add", "x"]).ok();
    let whole = sandbox.leases();
    docker(&["pause", name]);
    let failed = repo.agentenv(&["add", "y"]).fails(8);
    assert!(failed.stderr.contains("is paused"), "{}", failed.show());
    repo.agentenv(&["remove", "x"]).fails(8);
    repo.agentenv(&["prune"]).fails(8);
    assert_eq!(sandbox.leases().len(), whole.len() + 1);
    docker(&["unpause", name]);
    repo.agentenv(&["prune"]).ok();
    assert!(sandbox.leases().is_empty());
    assert_eq!(redis.exec(&["redis-cli", "INFO", "keyspace"]).unwrap(), "# Keyspace");
}

#[test]
fn a_silent_engine_hangs_no_command_and_loses_nothing() {
    let sandbox = Sandbox::new();
    let repo = configured(&sandbox);
    let before = repo.traces();
    repo.agentenv(&["add", "x"]).ok();
    let socket = sandbox.root.join("silent.sock");
    let _silent = UnixListener::bind(&socket).unwrap();
    let host = format!("unix://{}", socket.display());
    let silent = |args: &[&str]| {
        let mut command = repo.command(args);
        sandbox.outcome(command.env("DOCKER_HOST", &host).env("AGENTENV_TIMEOUT", "0.3"))
    };
    let failed = silent(&["add", "y"]);
    assert!(failed.stderr.contains("did not answer within"), "{}", failed.show());
    assert!([6, 8].contains(&failed.code), "{}", failed.show());
    silent(&["remove", "x", "-D"]).fails(8);
    silent(&["prune"]).fails(8);
    fs::remove_file(socket).unwrap();
    repo.agentenv(&["prune"]).ok();
    repo.leaves_nothing_but(&before, "the engine answers again");
}

#[test]
fn a_docker_that_hangs_is_waited_for_once_in_each_command() {
    let sandbox = Sandbox::new();
    let repo = configured(&sandbox);
    let before = repo.traces();
    for name in ["a", "b", "c"] {
        repo.agentenv(&["add", name]).ok();
    }
    let log = sandbox.root.join("asked");
    let hanging = Stand::in_for(&sandbox, "docker", &format!("echo \"$*\" >>{}", log.display()));
    let ask = |args: &[&str]| {
        fs::write(&log, "").unwrap();
        let begin = Instant::now();
        let mut command = repo.command(args);
        let said = sandbox.outcome(hanging.before(&mut command).env("AGENTENV_TIMEOUT", "1"));
        let asked = fs::read_to_string(&log).unwrap();
        // Compose's version is asked of its client alone.
        let asked: Vec<_> = asked.lines().filter(|line| *line != "compose version").collect();
        // Of two servers that are asked side by side, each is waited for.
        assert!(asked.len() <= 2, "{args:?} asked {asked:#?}: {}", said.show());
        assert!(begin.elapsed() < Duration::from_secs(15), "{args:?}: {}", said.show());
        assert!(said.show().contains("did not answer within"), "{args:?}: {}", said.show());
        said
    };
    let doctor = ask(&["doctor"]).fails(1);
    // It is one finding, not one for each server.
    assert_eq!(doctor.stdout.matches("did not answer within").count(), 1, "{}", doctor.show());
    ask(&["add", "d"]).fails(8);
    ask(&["remove", "a", "-D"]).fails(8);
    for name in ["b", "c"] {
        fs::remove_dir_all(sandbox.root.join(format!("app-{name}"))).unwrap();
    }
    ask(&["prune"]).fails(8);
    assert_eq!(sandbox.leases().len(), 4);
    drop(hanging);
    fs::remove_file(&log).unwrap();
    repo.agentenv(&["prune"]).ok();
    repo.git(&["branch", "-D", "b", "c"]);
    repo.leaves_nothing_but(&before, "docker answers again");
}

#[test]
fn a_copy_that_takes_longer_than_the_time_for_silence_is_not_cut() {
    let sandbox = Sandbox::new();
    let repo = configured(&sandbox);
    repo.agentenv(&["add", "x"]).ok();
    let database = format!("{}_x", sandbox.id);
    // It is in use, and a table is locked: the dump has begun and waits.
    let held = hold::on(&database, "app", "CREATE TABLE t (); BEGIN; LOCK TABLE t;");
    let mut save = repo.command(&["db", "snapshot", "save", "one", "x"]);
    let save = sandbox.start(save.env("AGENTENV_TIMEOUT", "3"));
    let begin = Instant::now();
    wait_until("the dump has waited longer than servers may be silent", || {
        begin.elapsed() > Duration::from_secs(5)
    });
    drop(held);
    save.outcome().ok();
}

#[test]
fn a_setting_of_the_time_that_is_no_number_is_refused() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let mut command = repo.command(&["list"]);
    let said = sandbox.outcome(command.env("AGENTENV_TIMEOUT", "soon")).fails(2);
    assert!(said.stderr.contains("AGENTENV_TIMEOUT is `soon`"), "{}", said.show());
}

#[test]
fn prune_drops_nothing_when_git_cannot_be_asked() {
    let sandbox = Sandbox::new();
    let repo = configured(&sandbox);
    let before = repo.traces();
    repo.killed(&["add", "x"], "before-ready");
    let whole = repo.traces();
    let bin = sandbox.root.join("bin");
    fs::create_dir(&bin).unwrap();
    write_program(&bin.join("git"), "#!/bin/sh\necho 'git is broken' >&2\nexit 1\n");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let said = sandbox.outcome(repo.command(&["prune"]).env("PATH", path)).fails(8);
    assert!(said.stderr.contains("git is broken"), "{}", said.show());
    fs::remove_dir_all(&bin).unwrap();
    let kept = |trace: &&String| trace.contains("worktree ") || trace.contains("refs/heads/x");
    let now = repo.traces();
    assert!(whole.iter().filter(kept).all(|trace| now.contains(trace)), "{now:#?}");
    assert_eq!(sandbox.leases().len(), 1);
    repo.agentenv(&["prune"]).ok();
    repo.leaves_nothing_but(&before, "git works again");
}

#[test]
fn what_has_live_sessions_is_left_and_named() {
    let sandbox = Sandbox::new();
    let repo = configured(&sandbox);
    let before = repo.traces();
    repo.agentenv(&["add", "x"]).ok();
    fs::remove_dir_all(sandbox.root.join("app-x")).unwrap();
    let database = format!("{}_x", sandbox.id);
    let session = hold::on(&database, "another-client", "SELECT 1 AS one \\gset");
    let kept = repo.agentenv(&["prune"]).fails(8);
    assert!(kept.stderr.contains("another-client"), "{}", kept.show());
    assert_eq!(sandbox.databases(), [database.as_str()]);
    drop(session);
    repo.agentenv(&["prune"]).ok();
    repo.git(&["branch", "-D", "x"]);
    repo.leaves_nothing_but(&before, "the session ended");
}

fn configured(sandbox: &Sandbox) -> Repo<'_> {
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_in_container());
    repo.agentenv(&["prune"]).ok();
    repo
}

#[track_caller]
fn without_docker(sandbox: &Sandbox, repo: &Repo<'_>, args: &[&str]) -> Outcome {
    sandbox.outcome(repo.command(args).env("DOCKER_HOST", NOWHERE))
}

/// The program and the docker client that it started.
fn kill_with_children(pid: u32) {
    let children = fs::read_dir(format!("/proc/{pid}/task")).unwrap().flat_map(|task| {
        let listed = fs::read_to_string(task.unwrap().path().join("children")).unwrap();
        listed.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    });
    let pids: Vec<String> = std::iter::once(pid.to_string()).chain(children).collect();
    Command::new("kill").arg("-KILL").args(pids).status().unwrap();
}

/// A program that stands in for another one and hangs, until it is dropped.
struct Stand(PathBuf);

impl Stand {
    fn in_for(sandbox: &Sandbox, program: &str, first: &str) -> Stand {
        let bin = sandbox.root.join("stand-in");
        fs::create_dir(&bin).unwrap();
        write_program(&bin.join(program), &format!("#!/bin/sh\n{first}\nexec sleep 300\n"));
        Stand(bin)
    }

    fn before<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", self.0.display()))
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
