//! `prune --idle` and `prune --merged`: what is not needed any more goes, and what would be lost or is in use stays.

use crate::common::{Outcome, Repo, Sandbox, hold};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

const LONG_AGO: &str = "2001-02-03T04:05:06Z";

#[test]
fn what_nothing_has_used_goes_and_what_is_in_use_or_holds_work_stays() {
    let sandbox = Sandbox::wide(2);
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config());
    for name in ["old", "dirty", "locked", "connected", "served"] {
        added_long_ago(&sandbox, &repo, name);
    }
    repo.agentenv(&["add", "fresh"]).ok();
    std::fs::write(tree(&sandbox, "dirty").join("notes"), "mine").unwrap();
    repo.git(&["worktree", "lock", "../app-locked"]);
    for name in ["dirty", "old"] {
        age(&sandbox, name);
    }
    let database = |name: &str| format!("{}_{name}", sandbox.id);
    let session = hold::on(&database("connected"), "a-worker", "SELECT 1 AS one \\gset");
    let mut server = Command::new("sleep");
    let built = tree(&sandbox, "served").join("dist");
    std::fs::create_dir(&built).unwrap();
    let mut server = server.arg("300").current_dir(&built).spawn().unwrap();
    // Made again, as each build does.
    std::fs::remove_dir(&built).unwrap();
    std::fs::create_dir(&built).unwrap();
    age(&sandbox, "served");

    let none = repo.agentenv(&["list", "--idle", "2000w"]).ok();
    assert_eq!(none.stdout, "no environment has been unused for 2000w\n", "{}", none.show());
    let listed = repo.agentenv(&["list", "--idle", "7d", "--json"]).ok().json();
    assert_eq!(names(&listed["environments"]), ["dirty", "locked", "old"]);
    let before = repo.traces();
    let dry = repo.agentenv(&["prune", "--idle", "7d", "--dry-run", "--json"]).ok().json();
    assert_eq!(before, repo.traces());
    assert_eq!(names(&dry["removed"]), ["old"], "{dry:#}");
    assert!(dry["removed"][0]["services"][0]["bytes"].as_u64().unwrap() > 0, "{dry:#}");
    let said = repo.agentenv(&["prune", "--idle", "7d"]).ok();
    server.kill().unwrap();
    server.wait().unwrap();
    drop(session);
    assert!(said.stdout.starts_with("removed old: unused for "), "{}", said.show());
    for (name, why) in [("dirty", "?? notes"), ("locked", "is locked")] {
        assert!(said.stderr.contains(&format!("skipped {name}: ")), "{}", said.show());
        assert!(said.stderr.contains(why), "{}", said.show());
    }
    let left = repo.agentenv(&["list", "--json"]).ok().json();
    let left = names(&left["environments"]);
    assert_eq!(left, ["connected", "dirty", "fresh", "locked", "served"]);
    assert!(!sandbox.databases().contains(&database("old")));
    assert_eq!(sandbox.databases().len(), left.len());
    assert_ne!(repo.git(&["for-each-ref", "refs/heads/old"]), "", "the branch stays");

    let bad = repo.agentenv(&["prune", "--idle", "soon"]).fails(2);
    assert!(bad.stderr.contains("90m, 24h, 7d or 2w"), "{}", bad.show());
}

#[test]
fn what_is_merged_in_any_way_goes_and_what_was_just_created_stays() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&(sandbox.config_of_own_ports() + "services: {}\n"));
    let main = repo.git(&["symbolic-ref", "--short", "HEAD"]);
    for name in
        ["forwarded", "by-merge", "rebased", "squashed", "dirty", "open", "caught-up", "far"]
    {
        repo.agentenv(&["add", name]).ok();
    }
    for name in ["forwarded", "by-merge", "rebased", "squashed", "dirty", "open", "far"] {
        commits(&sandbox, name, 2);
    }
    repo.git(&["merge", "--quiet", "--ff-only", "forwarded"]);
    repo.git(&["merge", "--quiet", "--no-ff", "-m", "merged", "by-merge"]);
    repo.git(&["cherry-pick", &format!("{main}..rebased")]);
    for name in ["squashed", "dirty"] {
        repo.git(&["merge", "--quiet", "--squash", name]);
        repo.git(&["commit", "--quiet", "-m", name]);
    }
    repo.commit("later", "more\n");
    // Neither a branch that followed the main one nor one that begins at a merged commit has anything of its own.
    repo.git(&["-C", "../app-caught-up", "merge", "--quiet", "--ff-only", &main]);
    for (name, from) in [("born", "HEAD~1"), ("born-aside", "by-merge")] {
        repo.agentenv(&["add", name, "--from", from]).ok();
    }
    std::fs::write(tree(&sandbox, "dirty").join("notes"), "mine").unwrap();

    let dry = repo.agentenv(&["prune", "--merged", "--dry-run", "--json"]).ok().json();
    let how: BTreeMap<&str, &str> = dry["removed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["merged"].as_str().unwrap()))
        .collect();
    let expected = [
        ("by-merge", "merged"),
        ("forwarded", "merged"),
        ("rebased", "rebased"),
        ("squashed", "squashed"),
    ];
    assert_eq!(how, BTreeMap::from(expected), "{dry:#}");
    assert_eq!(names(&dry["skipped"]), ["dirty"]);

    // From within one of them.
    let within = || tree(&sandbox, "squashed");
    let said = sandbox.agentenv_in(within(), &["prune", "--merged"]).ok();
    assert!(
        said.stderr.contains("skipped squashed: the current directory is in it"),
        "{}",
        said.show()
    );
    assert!(said.stderr.contains("?? notes"), "{}", said.show());
    assert!(said.stdout.contains(&format!("removed rebased: rebased and merged into {main}\n")));
    let said = repo.agentenv(&["prune", "--merged"]).ok();
    assert_eq!(said.stdout, format!("removed squashed: squashed and merged into {main}\n"));
    let left = repo.agentenv(&["list", "--json"]).ok().json();
    let left = names(&left["environments"]);
    assert_eq!(left, ["born", "born-aside", "caught-up", "dirty", "far", "open"]);
    assert_ne!(repo.git(&["for-each-ref", "refs/heads/squashed"]), "", "the branch stays");

    // Of a deleted worktree, everything is released: it is listed once, and not as one to remove.
    repo.agentenv(&["add", "gone"]).ok();
    commits(&sandbox, "gone", 1);
    repo.git(&["merge", "--quiet", "--no-ff", "-m", "merged", "gone"]);
    std::fs::remove_dir_all(tree(&sandbox, "gone")).unwrap();
    let dry = ["prune", "--idle", "7d", "--merged", "--dry-run", "--json"];
    let dry = repo.agentenv(&dry).ok().json();
    assert_eq!(names(&dry["pruned"]), ["gone"]);
    assert_eq!(
        (names(&dry["removed"]), names(&dry["skipped"])),
        (vec![], vec!["dirty"]),
        "{dry:#}"
    );
    repo.agentenv(&["prune"]).ok();

    // What only the remote's default branch has counts as well.
    repo.git(&["update-ref", "refs/remotes/origin/trunk", "refs/heads/far"]);
    repo.git(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk"]);
    let said = repo.agentenv(&["prune", "--merged"]).ok();
    assert_eq!(said.stdout, "removed far: merged into origin/trunk\n", "{}", said.show());
}

/// Adds an environment whose files and whose HEAD changed last a long time ago.
fn added_long_ago(sandbox: &Sandbox, repo: &Repo<'_>, name: &str) -> Outcome {
    let mut command = repo.command(&["add", name]);
    let added = sandbox.outcome(command.env("GIT_COMMITTER_DATE", LONG_AGO)).ok();
    age(sandbox, name);
    added
}

fn age(sandbox: &Sandbox, name: &str) {
    let index = sandbox.root.join(format!("app/.git/worktrees/app-{name}/index"));
    let mut find = Command::new("find");
    find.arg(tree(sandbox, name)).arg(index);
    assert!(
        find.args(["-exec", "touch", "-h", "-d", LONG_AGO, "{}", "+"]).status().unwrap().success()
    );
}

fn commits(sandbox: &Sandbox, name: &str, count: usize) {
    let tree = sandbox.repo_at(&format!("app-{name}"));
    (0..count).for_each(|n| tree.commit(&format!("{name}-{n}"), "text\n"));
}

fn tree(sandbox: &Sandbox, name: &str) -> std::path::PathBuf {
    Path::new(&sandbox.root).join(format!("app-{name}"))
}

/// The names of what is listed, in order.
fn names(listed: &Value) -> Vec<&str> {
    let mut names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    names
}
