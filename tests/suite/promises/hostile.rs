//! Names, files and records that an attacker made.

use crate::common::{Sandbox, servers};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;

#[test]
fn nasty_branch_names_are_only_names() {
    let sandbox = Sandbox::wide(4);
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config());
    let long = "l".repeat(200);
    let names = [
        "$(touch${IFS}pwned)",
        "`touch`",
        "a;b",
        "a'b",
        "a\"b",
        "a&b|c<d>e",
        "a%b#c!d",
        "{x}",
        "größe/日本語",
        &long,
        "Feature-X",
        "feature-x",
        "feature_x",
        "feature/x",
    ];
    let mut seen = BTreeSet::new();
    for name in names {
        let made = repo.agentenv(&["add", name, "--json"]).ok().json();
        assert_eq!(made["branch"], name);
        for fact in ["/path", "/project", "/services/postgres/holds", "/ports/DJANGO_PORT"] {
            let value = made.pointer(fact).unwrap().to_string();
            assert!(value.len() < 255 && seen.insert(value.clone()), "{name}: {value}");
        }
        let database = made.pointer("/services/postgres/holds").and_then(Value::as_str).unwrap();
        assert!(sandbox.databases().iter().any(|there| there == database), "{database}");
        let shown = repo.agentenv(&["run", name, "--", "sh", "-c", "printf %s \"$POSTGRES_DB\""]);
        assert_eq!(shown.ok().stdout, database);
    }
    // The name of one is the branch of another.
    let said = repo.agentenv(&["remove", "feature-x", "-D"]).fails(7);
    assert!(said.stderr.contains("may mean"), "{}", said.show());
    for name in names {
        repo.agentenv(&["remove", name, "-D"]).ok();
    }
    assert!(sandbox.databases().is_empty());
    let left = fs::read_dir(&sandbox.root).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<String> = left.map(|name| name.into_string().unwrap()).collect();
    let harm = |name: &String| name == "pwned" || name.starts_with("app-");
    assert!(!left.iter().any(harm), "{left:?}");
}

#[test]
fn an_environment_file_that_is_no_file_of_ours_is_not_followed_or_overwritten() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    let victim = sandbox.root.join("victim");
    fs::write(&victim, "mine\n").unwrap();

    repo.git(&["checkout", "-q", "-b", "link"]);
    symlink(&victim, repo.path.join(".env.worktree")).unwrap();
    repo.git(&["add", "-f", ".env.worktree"]);
    repo.git(&["commit", "-qm", "link"]);
    repo.git(&["checkout", "-q", "main"]);
    repo.git(&["checkout", "-q", "-b", "tracked"]);
    repo.commit(".env.worktree", "A=1\n");
    repo.git(&["checkout", "-q", "main"]);
    repo.git(&["checkout", "-q", "-b", "dir"]);
    repo.commit(".env.worktree/file", "x\n");
    repo.git(&["checkout", "-q", "main"]);
    let before = repo.traces_of_files();
    for (branch, why) in
        [("link", "a symbolic link"), ("dir", "a directory"), ("tracked", "git tracks it")]
    {
        let refused = repo.agentenv(&["add", branch]).fails(7);
        assert!(refused.stderr.contains(why), "{}", refused.show());
    }
    assert_eq!(fs::read_to_string(victim).unwrap(), "mine\n");
    let state: BTreeSet<_> = repo.traces_of_files();
    let grown: Vec<_> =
        state.difference(&before).filter(|trace| !trace.contains("/state")).collect();
    assert!(grown.is_empty(), "{grown:#?}");
}

#[test]
fn a_giant_environment_file_is_refused_and_a_lying_one_is_never_believed() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config());
    repo.agentenv(&["add", "victim"]).ok();
    repo.agentenv(&["add", "liar"]).ok();
    let file = |name: &str| sandbox.root.join(format!("app-{name}/.env.worktree"));
    fs::write(file("liar"), fs::read(file("victim")).unwrap()).unwrap();
    let index = sandbox.indexes().next().unwrap();
    servers().redis(index, &["SET", "work", "1"]);
    repo.agentenv(&["remove", "liar", "-D"]).ok();
    assert_eq!(sandbox.databases(), [format!("{}_victim", sandbox.id)]);
    assert_eq!(servers().redis(index, &["GET", "work"]), "1");

    repo.git(&["worktree", "add", "-q", "../giant"]);
    let giant = fs::File::create(sandbox.root.join("giant/.env.worktree")).unwrap();
    giant.set_len(1 << 30).unwrap();
    let refused = repo.agentenv(&["adopt", "../giant"]);
    assert!(refused.stderr.contains("longer than"), "{}", refused.show());
    assert_ne!(refused.code, 0);
    assert_eq!(giant.metadata().unwrap().len(), 1 << 30);
    assert_eq!(sandbox.databases().len(), 1);
}

#[test]
fn a_lease_that_cannot_be_read_is_named_and_nothing_is_given_away_or_dropped() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config());
    repo.agentenv(&["add", "x"]).ok();
    let file =
        fs::read_dir(sandbox.root.join("state/leases")).unwrap().next().unwrap().unwrap().path();
    let lease = fs::read_to_string(&file).unwrap();
    let before = repo.traces();
    for broken in [
        "",
        &lease[..lease.len() / 2],
        "version: 99\n",
        "\0\u{1}nonsense: [",
        &lease.replace("phase: ready", "phase: done"),
    ] {
        fs::write(&file, broken).unwrap();
        for args in [&["add", "y"][..], &["list"], &["remove", "x"], &["doctor"], &["prune"]] {
            let said = repo.agentenv(args);
            let named = said.stdout.clone() + &said.stderr;
            assert!(
                said.code != 0 && named.contains(file.to_str().unwrap()),
                "{broken:?}: {}",
                said.show()
            );
        }
        repo.leaves_nothing_but(&before, broken);
    }
    fs::write(&file, lease).unwrap();
    repo.agentenv(&["remove", "x", "-D"]).ok();
}

#[test]
fn a_lease_that_cannot_be_read_is_named_beside_all_others() {
    let sandbox = Sandbox::new();
    let (repo, other) = (sandbox.repo("app"), sandbox.repo("other"));
    let processes = "processes: { web: exec sleep 600 }\n";
    repo.config(&(sandbox.config_without_servers() + processes));
    repo.agentenv(&["trust", "--yes"]).ok();
    repo.agentenv(&["add", "x", "y"]).ok();
    repo.agentenv(&["up", "y"]).ok();
    let listed = repo.agentenv(&["list", "--json"]).ok().json();
    let rows = listed["environments"].as_array().unwrap();
    let id = rows.iter().find(|row| row["name"] == "x").unwrap()["lease"].as_str().unwrap();
    let file = sandbox.root.join("state/leases").join(format!("{id}.yaml"));
    let lease = fs::read_to_string(&file).unwrap();
    let path = file.to_str().unwrap();
    for (broken, is_known_to_be_here) in [
        (lease[..lease.find("repository: ").unwrap()].to_owned(), false),
        (lease.replace("phase: ready", "phase: done"), true),
        (lease.replace("version: 1", "version: 99"), true),
    ] {
        assert_ne!(broken, lease);
        fs::write(&file, &broken).unwrap();
        for args in [&["list"][..], &["list", "--all"], &["list", "--full"], &["ps", "--all"]] {
            let said = repo.agentenv(args).fails(8);
            assert!(
                said.stdout.contains(" running") || said.stdout.contains("y  "),
                "{}",
                said.show()
            );
            assert!(
                said.stderr.contains(path) && said.stderr.contains("hint: "),
                "{}",
                said.show()
            );
            assert!(said.stderr.contains(&format!("mv {path} {path}.broken")), "{}", said.show());
            let said = repo.agentenv(&[args, &["--json"]].concat()).fails(8);
            let answer = said.json();
            assert_eq!(answer["environments"][0]["name"], "y", "{answer:#}");
            let (failed, error) = (&answer["failed"][0], &answer["failed"][0]["error"]);
            assert_eq!((&failed["name"], &error["exit"]), (&json!(path), &json!(8)));
            assert!(error["hint"].as_str().unwrap().contains("mv "), "{answer:#}");
            assert_eq!(said.stderr, "");
        }
        for args in [
            &["path", "y"][..],
            &["env", "y"],
            &["status", "y"],
            &["ps", "y"],
            &["run", "y", "--", "true"],
            &["logs", "--env", "y"],
        ] {
            repo.agentenv(args).ok();
        }
        for args in [&["move", "y", "../elsewhere"][..], &["remove", "y"]] {
            let said = repo.agentenv(args).fails(1);
            assert!(said.stderr.contains(path), "{}", said.show());
        }
        // What the word `x` means is not known.
        for word in ["x", "app-x", "nothing"] {
            let said = repo.agentenv(&["path", word]).fails(1);
            assert!(said.stderr.contains(path), "{}", said.show());
        }
        other.agentenv(&["list"]).fails(if is_known_to_be_here { 0 } else { 8 });
    }
    let down = repo.agentenv(&["down", "--all", "--json"]).fails(8).json();
    assert_eq!(down["stopped"][0]["processes"], 1, "{down:#}");
    repo.agentenv(&["run", "--all", "--", "true"]).fails(125);
    fs::write(&file, lease).unwrap();
    repo.agentenv(&["list"]).ok();
}

#[test]
fn a_directory_that_has_the_name_of_a_lease_that_cannot_be_read_is_not_taken_for_it() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    let broken = repo.agentenv(&["add", "feature/x", "--json"]).ok().json();
    assert_eq!(broken["name"], "feature-x");
    let other = repo.agentenv(&["add", "y", "--path", "../feature-x", "--json"]).ok().json();
    let path = other["path"].as_str().unwrap();
    let file =
        sandbox.root.join(format!("state/leases/{}.yaml", broken["lease"].as_str().unwrap()));
    let lease = fs::read_to_string(&file).unwrap();
    fs::write(&file, &lease[..lease.len() / 2]).unwrap();
    let said = repo.agentenv(&["path", "feature-x"]).fails(1);
    assert!(said.stderr.contains(file.to_str().unwrap()), "{}", said.show());
    for word in ["y", "../feature-x", path] {
        assert_eq!(repo.agentenv(&["path", word]).ok().stdout.trim(), path);
    }
    fs::write(&file, lease).unwrap();
}

/// With `core.hooksPath = .husky` the hooks are files of the branch: those of a branch that was not reviewed never run.
#[test]
fn hooks_of_a_relative_path_are_the_main_checkouts() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let hook = |text: &str| {
        repo.commit(".husky/post-checkout", &format!("#!/bin/sh\ntouch {text}\n"));
        let chmod = fs::Permissions::from_mode(0o755);
        fs::set_permissions(repo.path.join(".husky/post-checkout"), chmod).unwrap();
        repo.git(&["commit", "--quiet", "--all", "--amend", "--no-edit"]);
    };
    repo.config(&sandbox.config_without_servers());
    let (evil, good) = (sandbox.root.join("evil-ran"), sandbox.root.join("good-ran"));
    repo.git(&["checkout", "--quiet", "-b", "evil"]);
    hook(evil.to_str().unwrap());
    repo.git(&["checkout", "--quiet", "main"]);
    repo.git(&["config", "core.hooksPath", ".husky"]);
    repo.agentenv(&["add", "evil"]).ok();
    assert!(!evil.exists(), "a hook of the unread branch ran");
    repo.agentenv(&["remove", "evil"]).ok();
    hook(good.to_str().unwrap());
    repo.agentenv(&["add", "evil"]).ok();
    assert!(good.exists() && !evil.exists(), "the main checkout's own hook runs");
}
