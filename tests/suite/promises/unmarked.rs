//! A standing worktree that lost its mark, as after a loss of power or in a copy of the repository: it keeps its environment,
//! whatever comes first by it.

use crate::common::{Outcome, Repo, Sandbox};
use std::fs;
use std::path::{Path, PathBuf};

fn project(sandbox: &Sandbox) -> Repo<'_> {
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo
}

fn mark(repo: &Repo, name: &str) -> PathBuf {
    repo.path.join(".git/worktrees").join(name).join("agentenv")
}

/// The names of git's records of worktrees.
fn records(repo: &Repo) -> Vec<String> {
    let Ok(found) = fs::read_dir(repo.path.join(".git/worktrees")) else { return Vec::new() };
    found.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// `prune` releases nothing, and names what marks this worktree again.
#[track_caller]
fn is_kept(repo: &Repo, tree: &Path) {
    let said = repo.agentenv(&["prune"]).ok();
    assert_eq!(said.stdout, "nothing to prune\n", "{}", said.show());
    let adopt = format!("git agentenv adopt {}", tree.display());
    assert!(said.stderr.contains(&adopt), "{}", said.show());
}

#[test]
fn a_hook_marks_it_again_and_creates_nothing() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    let added = repo.agentenv(&["add", "x", "--json"]).ok().json();
    let (tree, id) = (sandbox.root.join("app-x"), sandbox.lease_id());
    for hook in ["setup", "checkout", "session-start"] {
        fs::remove_file(mark(&repo, "app-x")).unwrap();
        is_kept(&repo, &tree);
        sandbox.agentenv_in(&tree, &["hook", hook]).ok();
        assert_eq!(fs::read_to_string(mark(&repo, "app-x")).unwrap().trim(), id, "{hook}");
        assert_eq!(sandbox.lease_id(), id, "{hook}");
        let said = repo.agentenv(&["prune"]).ok();
        assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("nothing to prune\n", ""));
    }
    let status = repo.agentenv(&["status", "x", "--json"]).ok().json();
    assert_eq!(status["variables"], added["variables"]);
}

#[test]
fn of_two_that_lie_in_one_another_the_inner_one_is_marked() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    for name in ["a", "b"] {
        repo.agentenv(&["add", name]).ok();
    }
    fs::write(repo.path.join(".git/info/exclude"), ".env.worktree\n*.sqlite3*\nwt/\n").unwrap();
    let inner = sandbox.root.join("app-a/wt/b");
    fs::create_dir_all(inner.parent().unwrap()).unwrap();
    repo.git(&["worktree", "move", "../app-b", inner.to_str().unwrap()]);
    let before = sandbox.leases();
    let id = fs::read_to_string(mark(&repo, "app-b")).unwrap();
    for name in ["app-a", "app-b"] {
        fs::remove_file(mark(&repo, name)).unwrap();
    }
    let adopted = repo.agentenv(&["adopt", "../app-a/wt/b", "--json"]).ok().json();
    assert_eq!(adopted["branch"], "b");
    assert_eq!(fs::read_to_string(mark(&repo, "app-b")).unwrap(), id);
    assert!(!mark(&repo, "app-a").exists());
    is_kept(&repo, &sandbox.root.join("app-a"));
    assert_eq!(sandbox.leases(), before);
}

#[test]
fn without_its_environment_file_it_is_known_by_its_age() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    let added = repo.agentenv(&["add", "x", "--json"]).ok().json();
    let (tree, lease) = (sandbox.root.join("app-x"), sandbox.lease());
    fs::remove_file(mark(&repo, "app-x")).unwrap();
    repo.git(&["-C", tree.to_str().unwrap(), "clean", "-xfdq"]);
    assert!(!tree.join(".env.worktree").exists());
    is_kept(&repo, &tree);
    let adopted = sandbox.agentenv_in(&tree, &["adopt", "--json"]).ok().json();
    assert_eq!(adopted["variables"], added["variables"]);

    // Another one that was made in its place, of the same name, is younger.
    repo.git(&["worktree", "remove", "--force", "../app-x"]);
    repo.git(&["worktree", "add", "--quiet", "../app-x", "x"]);
    sandbox.agentenv_in(&tree, &["hook", "setup"]).ok();
    assert!(!lease.exists() && sandbox.lease().exists());
}

#[test]
fn every_command_knows_where_it_stands() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    let added = repo.agentenv(&["add", "x", "--json"]).ok().json();
    let tree = sandbox.root.join("app-x");
    fs::remove_file(mark(&repo, "app-x")).unwrap();
    let check = sandbox.agentenv_in(&tree, &["check"]).ok();
    assert_eq!(check.stdout, "in `x`: ok\n");
    let env = sandbox.agentenv_in(&tree, &["env", "--json"]).ok().json();
    assert_eq!(env["variables"], added["variables"]);
    let list = repo.agentenv(&["list", "--json"]).ok().json();
    assert_eq!(list["environments"][0]["state"], "incomplete");
    let plain = list["worktrees"].as_array().unwrap();
    assert!(plain.iter().all(|tree| tree["is_main"] == true), "{list}");
}

/// Nothing is left: no record in git, no branch, no lease.
#[track_caller]
fn is_clean(sandbox: &Sandbox, repo: &Repo, said: &Outcome) {
    assert_eq!(repo.git(&["branch", "--list", "x"]), "", "{}", said.show());
    assert_eq!(records(repo), Vec::<String>::new(), "{}", said.show());
    assert_eq!(sandbox.leases(), Vec::<PathBuf>::new(), "{}", said.show());
}

/// Until the mark is on the disk, and while it goes, our lock tells whose the worktree is.
#[test]
fn with_an_empty_mark_what_was_begun_is_finished_by_the_lock() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    for point in ["worktree-marked", "env-written"] {
        repo.killed(&["add", "x"], point);
        fs::write(mark(&repo, "app-x"), "").unwrap();
        let said = repo.agentenv(&["prune"]).ok();
        is_clean(&sandbox, &repo, &said);
    }
    repo.agentenv(&["add", "x"]).ok();
    repo.killed(&["remove", "x", "-D"], "removing");
    fs::write(mark(&repo, "app-x"), "").unwrap();
    let said = repo.agentenv(&["prune"]).ok();
    is_clean(&sandbox, &repo, &said);
}

#[test]
fn a_record_that_was_deleted_in_part_goes_also_after_a_move() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox);
    repo.agentenv(&["add", "x"]).ok();
    repo.agentenv(&["move", "x", "../foo"]).ok();
    fs::remove_dir_all(sandbox.root.join("foo")).unwrap();
    repo.killed(&["remove", "x", "-D"], "removing");
    fs::remove_file(repo.path.join(".git/worktrees/app-x/gitdir")).unwrap();
    let said = repo.agentenv(&["prune"]).ok();
    assert_eq!(records(&repo), Vec::<String>::new(), "{}", said.show());
}
