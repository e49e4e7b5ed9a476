//! Where `.env.worktree` and SQLite's file lie, and what `remove` says of the lines and files beside them.

use crate::common::{Repo, Sandbox};
use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;

#[test]
fn a_directory_that_the_branch_does_not_have_is_made() {
    let sandbox = Sandbox::new();
    let repo = with(&sandbox, "env_file: deploy/local env\n", "data/db/{name}.sqlite3");
    repo.agentenv(&["add", "x"]).ok();
    let tree = sandbox.root.join("app-x");
    let written = fs::read_to_string(tree.join("deploy/local env")).unwrap();
    assert!(written.contains("SQLITE_FILE=data/db/x.sqlite3\n"), "{written}");
    assert_eq!(repo.git(&["-C", tree.to_str().unwrap(), "status", "--porcelain"]), "");
    // As the application does; none of it is work that `remove` would ask about.
    for file in ["x.sqlite3", "x.sqlite3-wal", "x.sqlite3-shm"] {
        fs::write(tree.join("data/db").join(file), "").unwrap();
    }
    repo.agentenv(&["remove", "x"]).ok();
    assert!(!tree.exists());
}

#[test]
fn ignored_files_beside_ours_are_named() {
    let sandbox = Sandbox::new();
    let repo = with(&sandbox, "", "data/{name}");
    repo.agentenv(&["add", "x"]).ok();
    fs::write(repo.path.join(".git/info/exclude"), ".env*\ndata/\n").unwrap();
    let data = sandbox.root.join("app-x/data");
    fs::write(data.join("x"), "the database").unwrap();
    fs::write(data.join("x-notes"), "hours of work").unwrap();
    let said = repo.agentenv(&["remove", "x"]).fails(7);
    assert!(said.stderr.contains("\n  ignored file: data/x-notes\nhint"), "{}", said.show());
    repo.agentenv(&["remove", "x", "--force"]).ok();
}

#[test]
fn lines_of_the_users_own_are_kept_until_forced() {
    let sandbox = Sandbox::new();
    let repo = with(&sandbox, "", "{name}.sqlite3");
    repo.agentenv(&["add", "x"]).ok();
    let file = sandbox.root.join("app-x/.env.worktree");
    let mut append = fs::File::options().append(true).open(&file).unwrap();
    append.write_all(b"\n# a comment holds nothing\nAPI_KEY=once-shown\n").unwrap();
    let said = repo.agentenv(&["remove", "x"]).fails(7);
    let named = "ignored file: .env.worktree (1 of its lines are yours)";
    assert!(said.stderr.contains(named), "{}", said.show());
    assert!(fs::read_to_string(&file).unwrap().contains("once-shown"));
    repo.agentenv(&["remove", "x", "--force"]).ok();
}

#[test]
fn a_link_above_a_file_of_ours_is_not_followed() {
    for (more, database, key) in [
        ("env_file: out/x.env\n", "{name}.sqlite3", "`env_file`"),
        ("", "out/{name}.sqlite3", "`services.sqlite.name`"),
    ] {
        let sandbox = Sandbox::new();
        let repo = with(&sandbox, more, database);
        let outside = sandbox.root.join("outside");
        fs::create_dir(&outside).unwrap();
        symlink(&outside, repo.path.join("out")).unwrap();
        repo.git(&["add", "out"]);
        repo.git(&["commit", "--quiet", "--message", "link"]);
        let said = repo.agentenv(&["add", "x"]).fails(7);
        assert!(said.stderr.contains("app-x/out is not a directory"), "{}", said.show());
        assert!(said.stderr.contains(key), "{}", said.show());
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
        assert!(!sandbox.root.join("app-x").exists());
        assert_eq!(repo.git(&["branch", "--list", "x"]), "");
    }
}

fn with<'a>(sandbox: &'a Sandbox, more: &str, database: &str) -> Repo<'a> {
    let repo = sandbox.repo("app");
    repo.config(&(sandbox.config_without_servers().replace("{name}.sqlite3", database) + more));
    repo
}
