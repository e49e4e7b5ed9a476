//! A lease that is lost takes nothing with it: what a standing worktree's mark names stays, and `adopt` finds it again.

use crate::common::{Outcome, Repo, Sandbox, servers};
use std::fs;
use std::path::{Path, PathBuf};

fn environment<'a>(sandbox: &'a Sandbox) -> (Repo<'a>, serde_json::Value, PathBuf) {
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config());
    let said = repo.agentenv(&["add", "x", "--json"]).ok().json();
    let (index, database) = held(&said);
    servers().psql_on(&database, "CREATE TABLE work (row int)");
    servers().redis(index.parse().unwrap(), &["SET", "work", "1"]);
    (repo, said, sandbox.lease())
}

fn held(environment: &serde_json::Value) -> (String, String) {
    let value = |name: &str| environment["variables"][name].as_str().unwrap().to_owned();
    (value("REDIS_DB"), value("POSTGRES_DB"))
}

/// Both still hold what was put into them.
#[track_caller]
fn is_untouched(environment: &serde_json::Value) {
    let (index, database) = held(environment);
    assert_eq!(servers().psql_on(&database, "SELECT count(*) FROM work").trim(), "0");
    assert_eq!(servers().redis(index.parse().unwrap(), &["GET", "work"]).trim(), "1");
}

#[track_caller]
fn keeps(said: &Outcome, environment: &serde_json::Value, tree: &Path) {
    let (_, database) = held(environment);
    let adopt = format!("git agentenv adopt {}", tree.display());
    for word in [database.as_str(), "its lease was lost", &adopt] {
        assert!(said.stderr.contains(word), "{word}: {}", said.show());
    }
}

#[test]
fn prune_keeps_what_a_standing_worktree_uses_and_adopt_restores_its_lease() {
    let sandbox = Sandbox::new();
    let (repo, environment, lease) = environment(&sandbox);
    let (tree, away) = (sandbox.root.join("app-x"), sandbox.root.join("away.yaml"));
    let written = fs::read_to_string(tree.join(".env.worktree")).unwrap();
    fs::rename(&lease, &away).unwrap();

    for from in [&repo.path, &sandbox.repo("other").path] {
        fs::write(from.join(".agentenv.yaml"), sandbox.config()).unwrap();
        for args in [&["prune", "--dry-run"][..], &["prune"]] {
            keeps(&sandbox.agentenv_in(from, args).fails(8), &environment, &tree);
        }
        is_untouched(&environment);
    }
    let doctor = repo.agentenv(&["doctor"]).fails(1);
    assert!(doctor.stdout.contains("the lease of worktree"), "{}", doctor.show());

    // A branch of the same name in another repository takes nothing of it meanwhile.
    let restored = repo.agentenv(&["adopt", "../app-x", "--json"]).ok().json();
    assert_eq!(restored["variables"], environment["variables"]);
    assert!(lease.exists(), "restored under the id of its marks");
    assert_eq!(fs::read_to_string(tree.join(".env.worktree")).unwrap(), written);
    is_untouched(&environment);
    repo.agentenv(&["prune"]).ok();
    is_untouched(&environment);
    repo.agentenv(&["remove", "x", "--force"]).ok();
    assert_eq!(sandbox.databases(), Vec::<String>::new());
}

#[test]
fn without_its_environment_file_it_is_restored_by_the_marks_alone() {
    let sandbox = Sandbox::new();
    let (repo, environment, lease) = environment(&sandbox);
    fs::remove_file(&lease).unwrap();
    fs::remove_file(sandbox.root.join("app-x/.env.worktree")).unwrap();
    let restored = repo.agentenv(&["adopt", "../app-x", "--json"]).ok().json();
    assert_eq!(held(&restored), held(&environment));
    is_untouched(&environment);
}

#[test]
fn the_environment_file_alone_gives_nothing_away() {
    let sandbox = Sandbox::new();
    let (repo, environment, lease) = environment(&sandbox);
    let file = sandbox.root.join("app-x/.env.worktree");
    let (index, database) = held(&environment);
    let theirs = format!("{}_theirs", sandbox.id);
    servers().psql(&format!("CREATE DATABASE {theirs}"));
    let other = sandbox.indexes().end().to_string();
    servers().redis(*sandbox.indexes().end(), &["SET", "theirs", "1"]);
    fs::remove_file(&lease).unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let text = text.replace(&format!("POSTGRES_DB={database}"), &format!("POSTGRES_DB={theirs}"));
    let text = text.replace(&format!("REDIS_DB={index}"), &format!("REDIS_DB={other}"));
    fs::write(&file, text).unwrap();
    let restored = repo.agentenv(&["adopt", "../app-x", "--json"]).ok().json();
    assert_eq!(held(&restored), (index, database));
    is_untouched(&environment);
}

#[test]
fn a_lease_is_not_guessed_while_a_server_is_silent() {
    let sandbox = Sandbox::new();
    let (repo, _, lease) = environment(&sandbox);
    fs::remove_file(&lease).unwrap();
    let silent =
        sandbox.config_in_container().replace(servers().postgres, "agentenv-no-such-container");
    fs::write(repo.path.join(".agentenv.yaml"), silent).unwrap();
    repo.agentenv(&["adopt", "../app-x"]).fails(6);
    assert!(!lease.exists());
}

#[test]
fn what_no_worktree_uses_any_more_is_released() {
    let sandbox = Sandbox::new();
    let (repo, _, lease) = environment(&sandbox);
    fs::remove_file(&lease).unwrap();
    fs::remove_dir_all(sandbox.root.join("app-x")).unwrap();
    let said = repo.agentenv(&["prune", "--dry-run"]).ok();
    assert!(said.stderr.contains("would release"), "{}", said.show());
    assert!(!said.show().contains("released "), "{}", said.show());
    let said = repo.agentenv(&["prune"]).ok();
    assert!(said.stderr.contains("released "), "{}", said.show());
    assert_eq!(sandbox.databases(), Vec::<String>::new());
    assert_eq!(repo.agentenv(&["prune"]).ok().stdout, "nothing to prune\n");
}

#[test]
fn killed_when_the_lease_is_restored_nothing_is_lost() {
    let sandbox = Sandbox::new();
    let (repo, environment, lease) = environment(&sandbox);
    fs::remove_file(&lease).unwrap();
    repo.killed(&["adopt", "../app-x"], "lease-restored");
    repo.agentenv(&["prune"]).ok();
    let restored = repo.agentenv(&["adopt", "../app-x", "--json"]).ok().json();
    assert_eq!(restored["variables"], environment["variables"]);
    is_untouched(&environment);
}

/// A `remove` that ends while `prune` asks the servers leaves what looks like an orphan.
#[test]
fn what_another_process_works_on_is_neither_released_nor_reported() {
    let sandbox = Sandbox::new();
    let (repo, environment, lease) = environment(&sandbox);
    fs::remove_file(&lease).unwrap();
    fs::remove_dir_all(sandbox.root.join("app-x")).unwrap();
    let lock = sandbox.root.join("state/locks").join(lease.file_stem().unwrap());
    let lock = fs::File::create(lock.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    for args in [&["prune", "--dry-run"][..], &["prune"]] {
        assert_eq!(repo.agentenv(args).ok().stdout, "nothing to prune\n");
    }
    is_untouched(&environment);
    drop(lock);
    repo.agentenv(&["prune"]).ok();
    assert_eq!(sandbox.databases(), Vec::<String>::new());
}

#[test]
fn what_adopt_finished_is_as_whole_as_what_add_did() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config());
    repo.killed(&["add", "x"], "before-ready");
    repo.agentenv(&["adopt", "../app-x"]).ok();

    let environment = repo.agentenv(&["status", "x", "--json"]).ok().json();
    let index: u16 = environment["variables"]["REDIS_DB"].as_str().unwrap().parse().unwrap();
    // Its application's tests take the mark along.
    servers().redis(index, &["FLUSHDB"]);
    servers().redis(index, &["SET", "left", "1"]);
    repo.agentenv(&["remove", "x"]).ok();
    assert_eq!(servers().redis(index, &["DBSIZE"]).trim(), "0");
}
