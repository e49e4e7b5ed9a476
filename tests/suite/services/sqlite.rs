//! SQLite files: copies that are never torn, and the commands of `db` on them.

use crate::common::{Repo, Sandbox};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

/// A project whose databases are copies of the main checkout's, which has a table of numbers.
fn project(sandbox: &Sandbox) -> Repo<'_> {
    let repo = sandbox.repo("app");
    let from = sandbox.config_without_servers().replace("kind: sqlite", "kind: sqlite, from: main");
    repo.config(&from);
    sql(&repo.path.join("db.sqlite3"), "CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (7);");
    fs::write(repo.path.join(".git/info/exclude"), "db.sqlite3*\n").unwrap();
    repo
}

const RUN: &str = "
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=30)
rows = []
for statement in sys.argv[2].split(';'):
    rows += db.execute(statement).fetchall()
db.commit()
print('\\n'.join('|'.join(str(c) for c in row) for row in rows))
";

#[track_caller]
fn sql(file: &Path, statements: &str) -> String {
    let mut python = Command::new("python3");
    let output = python.args(["-c", RUN]).arg(file).arg(statements).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A process that changes both tables in each transaction until it is dropped.
struct Writer(Child);

const WRITE: &str = "
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
db.execute('PRAGMA journal_mode=' + sys.argv[2])
db.execute('CREATE TABLE IF NOT EXISTS a (n INTEGER, pad TEXT)')
db.execute('CREATE TABLE IF NOT EXISTS b (n INTEGER, pad TEXT)')
n = 0
while True:
    n += 1
    db.execute('BEGIN IMMEDIATE')
    for table in ('a', 'b'):
        db.execute(f'INSERT INTO {table} VALUES (?, ?)', (n, 'x' * 3000))
    db.execute('COMMIT')
    if n == 50: print('busy', flush=True)
";

impl Writer {
    fn on(file: &Path, journal: &str) -> Self {
        let mut command = Command::new("python3");
        command.args(["-c", WRITE]).arg(file).arg(journal).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "busy\n");
        Writer(child)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn age(file: &Path) {
    let past = SystemTime::now() - Duration::from_secs(60);
    File::options().write(true).open(file).unwrap().set_modified(past).unwrap();
}

#[test]
fn add_copies_an_idle_file_and_one_that_is_written_to() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    let main = repo.path.join("db.sqlite3");
    age(&main);
    repo.agentenv(&["add", "idle"]).ok();
    let copy = |name: &str| sandbox.root.join(format!("app-{name}/{name}.sqlite3"));
    fs::set_permissions(&main, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(fs::read(copy("idle")).unwrap(), fs::read(&main).unwrap());
    for journal in ["delete", "wal"] {
        let writer = Writer::on(&main, journal);
        for number in 0..3 {
            let name = format!("{journal}{number}");
            repo.agentenv(&["add", &name]).ok();
            let copied = sql(
                &copy(&name),
                "PRAGMA integrity_check; SELECT count(*) >= 50 FROM a; SELECT (SELECT count(*) FROM a) = (SELECT count(*) FROM b)",
            );
            assert_eq!(copied, "ok\n1\n1", "{name}");
            assert_eq!(fs::metadata(copy(&name)).unwrap().mode() & 0o777, 0o600, "{name}");
        }
        drop(writer);
    }
    repo.agentenv(&["add", "other", "--data", "idle"]).ok();
    repo.agentenv(&["add", "empty", "--data", "empty"]).ok();
    assert_eq!(sql(&copy("other"), "SELECT n FROM t"), "7");
    assert!(!copy("empty").exists());
    fs::remove_file(&main).unwrap();
    let said = repo.agentenv(&["add", "x"]).fails(4);
    assert!(said.stderr.contains("no SQLite file"), "{}", said.show());
}

#[test]
fn db_resets_copies_and_keeps_a_file() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    repo.agentenv(&["add", "x"]).ok();
    let file = sandbox.root.join("app-x/x.sqlite3");
    sql(&file, "UPDATE t SET n = 8");
    let status = repo.agentenv(&["db", "status", "x", "--json"]).ok().json();
    assert_eq!(status["databases"][0]["bytes"], fs::metadata(&file).unwrap().len());
    let copied = repo.agentenv(&["db", "copy", "x", "--json"]).ok().json();
    assert_eq!(copied["snapshot"], "before-copy-1");
    assert_eq!(sql(&file, "SELECT n FROM t"), "7");
    let restored =
        repo.agentenv(&["db", "snapshot", "restore", "before-copy-1", "x", "--json"]).ok();
    assert_eq!(restored.json()["kept"], "before-restore-1");
    assert_eq!(sql(&file, "SELECT n FROM t"), "8");
    repo.agentenv(&["db", "snapshot", "restore", "before-restore-1", "x"]).ok();
    assert_eq!(sql(&file, "SELECT n FROM t"), "7");
    repo.agentenv(&["db", "snapshot", "restore", "before-restore-2", "x"]).ok();
    for number in 1..=3 {
        repo.agentenv(&["db", "snapshot", "delete", &format!("before-restore-{number}"), "x"]).ok();
    }
    repo.agentenv(&["db", "snapshot", "save", "mine", "x"]).ok();
    repo.agentenv(&["db", "snapshot", "save", "mine", "x"]).fails(7);
    snapshots_are_sources(&repo, &file);
    let opened = File::open(&file).unwrap();
    let status = repo.agentenv(&["db", "status", "x", "--json"]).ok().json();
    let kept = &status["databases"][0]["snapshots"];
    assert_eq!(
        (&kept[0]["snapshot"], &kept[1]["snapshot"]),
        (&"before-copy-4".into(), &"mine".into())
    );
    assert!(kept[1]["bytes"].as_u64().unwrap() > 0, "{status}");
    assert_eq!(status["databases"][0]["sessions"][0]["pid"], std::process::id(), "{status}");
    drop(opened);

    let writer = Writer::on(&file, "wal");
    for words in [&["db", "reset", "x"][..], &["db", "copy", "x"]] {
        let said = repo.agentenv(words).fails(7);
        assert!(said.stderr.contains("it is open in python3"), "{}", said.show());
    }
    drop(writer);
    let reset = repo.agentenv(&["db", "reset", "x", "--json"]).ok().json();
    assert_eq!((&reset["empty"], &reset["snapshot"]), (&true.into(), &"before-reset-1".into()));
    assert!(!file.exists() && !file.with_extension("sqlite3-wal").exists());
    repo.agentenv(&["db", "snapshot", "restore", "before-reset-1", "x"]).ok();
    assert_eq!(sql(&file, "SELECT n FROM t; SELECT count(*) >= 50 FROM b"), "8\n1");
    let listed = repo.agentenv(&["db", "snapshot", "list", "x", "--json"]).ok().json();
    let names: Vec<_> = listed["snapshots"].as_array().unwrap().iter().collect();
    // The file was missing: nothing was kept.
    assert_eq!(names.len(), 3, "{listed}");
    repo.agentenv(&["db", "snapshot", "delete", "mine", "x"]).ok();
    assert_eq!(repo.agentenv(&["status", "x"]).ok().code, 0);
    assert_eq!(repo.git(&["-C", "../app-x", "status", "--porcelain"]), "");
    repo.agentenv(&["remove", "x"]).ok();
    assert!(!repo.path.join(".git/worktrees/app-x").exists());
}

/// `x` holds 8 and has the snapshots `before-copy-1` and `mine` with it; in the end `before-copy-4` is the first.
fn snapshots_are_sources(repo: &Repo<'_>, file: &Path) {
    let sandbox = repo.sandbox;
    let mut ask = sandbox.command("git-agentenv");
    ask.args(["--", "git-agentenv", "db", "copy", "--from", ""]).current_dir(&repo.path);
    let offered = sandbox.outcome(ask.env("GIT_AGENTENV_COMPLETE", "fish")).ok();
    for one in ["main", "x", "x:before-copy-1", "x:mine"] {
        assert!(offered.stdout.lines().any(|line| line.split('\t').next() == Some(one)), "{one}");
    }
    repo.agentenv(&["add", "z", "--data", "x:mine"]).ok();
    let other = sandbox.root.join("app-z/z.sqlite3");
    assert_eq!(sql(&other, "SELECT n FROM t"), "8");
    repo.agentenv(&["db", "copy", "z", "--no-snapshot"]).ok();
    repo.agentenv(&["db", "snapshot", "save", "mine", "z"]).ok();
    let said = repo.agentenv(&["db", "copy", "x", "--from", "z:mine", "--json"]).ok().json();
    assert!(said["from"].as_str().unwrap().ends_with("mine.sqlite3"), "{said}");
    assert_eq!(sql(file, "SELECT n FROM t"), "7");
    repo.agentenv(&["db", "copy", "x", "--from", "mine"]).ok();
    assert_eq!(sql(file, "SELECT n FROM t"), "8", "its own comes before those of others");
    repo.agentenv(&["add", "w", "--data", "mine"]).fails(2);
    repo.agentenv(&["db", "copy", "x", "--from", "nothing"]).fails(4);
    // The oldest of more than three goes, but not by the command that copies it.
    sql(file, "UPDATE t SET n = 9");
    repo.agentenv(&["db", "copy", "x", "--from", "before-copy-1"]).ok();
    assert_eq!(sql(file, "SELECT n FROM t"), "8");
    for old in ["before-copy-1", "before-copy-2", "before-copy-3"] {
        repo.agentenv(&["db", "snapshot", "delete", old, "x"]).ok();
    }
    repo.agentenv(&["remove", "z", "--yes"]).ok();
}

#[test]
fn without_a_configuration_the_main_checkout_s_file_is_copied() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    sql(&repo.path.join("db.sqlite3"), "CREATE TABLE t AS SELECT 7 AS n");
    let said = repo.agentenv(&["add", "x"]).ok();
    assert!(said.stderr.contains("copy of the main checkout's db.sqlite3"), "{}", said.show());
    let file = sandbox.root.join("app-x/.agentenv.sqlite3");
    assert_eq!(sql(&file, "SELECT n FROM t"), "7");
    sql(&file, "UPDATE t SET n = 8");
    repo.agentenv(&["db", "copy", "x", "--from", "main"]).ok();
    assert_eq!(sql(&file, "SELECT n FROM t"), "7");
    fs::remove_file(repo.path.join("db.sqlite3")).unwrap();
    let said = repo.agentenv(&["db", "copy", "x", "--from", "main"]).fails(4);
    assert!(said.stderr.contains("no SQLite file"), "{}", said.show());
}

#[test]
fn the_shell_takes_options_statements_and_commands() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    repo.agentenv(&["add", "x"]).ok();
    let shell = |args: &[&str]| {
        let said = repo.agentenv(&[&["db", "shell", "x", "--"][..], args].concat()).ok();
        said.stdout.trim().to_owned()
    };
    assert_eq!(shell(&["-json", "SELECT n FROM t"]), "[{\"n\":7}]");
    assert_eq!(shell(&[".tables"]), "t");
    assert_eq!(repo.git(&["status", "--porcelain"]), "", "no file is called as a statement");
}
