//! A lease that is lost takes nothing with it: what a standing worktree's mark names stays, and `adopt` finds it again.

use crate::common::{Outcome, Repo, Sandbox, servers};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

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
fn a_dry_run_leaves_the_logs_and_the_lock_of_a_lost_lease() {
    let sandbox = Sandbox::new();
    let (repo, _, lease) = environment(&sandbox);
    let (state, id) = (lease.ancestors().nth(2).unwrap(), sandbox.lease_id());
    let logs = state.join("logs").join(&id);
    fs::create_dir_all(&logs).unwrap();
    fs::write(logs.join("web.1.log"), "why it failed").unwrap();
    let (lock, away) = (state.join(format!("locks/{id}.lock")), sandbox.root.join("lock"));
    fs::remove_file(&lease).unwrap();
    repo.git(&["worktree", "remove", "--force", "../app-x"]);
    for has_lock in [true, false] {
        if !has_lock {
            fs::rename(&lock, &away).unwrap();
        }
        let said = repo.agentenv(&["prune", "--dry-run"]).ok();
        assert!(said.stderr.contains("its lease was lost"), "{}", said.show());
        assert!(logs.join("web.1.log").exists());
        assert_eq!(lock.exists(), has_lock);
    }
    repo.agentenv(&["prune"]).ok();
    assert!(!logs.exists() && !lock.exists());
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

/// What `remove` closed is named, and the command that is named ends it.
#[test]
fn a_directory_that_remove_closed_is_named_when_the_lease_was_lost() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    let tree = sandbox.root.join("app-x");
    let other = format!(".agentenv-trash-{}", "0".repeat(24));
    for (point, comes_back) in [("worktree-closed", true), ("admin-taken", false)] {
        repo.agentenv(&["add", "x"]).ok();
        fs::write(tree.join("work"), "mine").unwrap();
        repo.killed(&["remove", "x", "--force", "-D"], point);
        // It is finished as long as there is a record of it.
        let said = repo.agentenv(&["prune", "--dry-run"]).ok();
        assert!(!said.stderr.contains(".agentenv-trash-"), "{}", said.show());
        sandbox.lose_leases();
        // Another store's.
        fs::create_dir_all(sandbox.root.join(&other)).unwrap();
        let said = repo.agentenv(&["prune"]);
        assert!(!said.stderr.contains(&other), "{}", said.show());
        let (_, hint) = said.stderr.split_once("record was lost").unwrap_or_else(|| {
            panic!("{}", said.show());
        });
        let command = hint.split('`').nth(1).unwrap().to_owned();
        let said = repo.agentenv(&["doctor"]);
        assert!(said.stdout.contains(&command), "{}", said.show());
        let mut sh = sandbox.command("sh");
        sandbox.outcome(sh.args(["-ec", &command]).current_dir(&repo.path)).ok();
        assert_eq!(tree.join("work").exists(), comes_back, "{point}");
        if comes_back {
            repo.agentenv(&["remove", "x", "--force", "-D"]).ok();
        }
    }
    // Git's own record of the worktree is in the repository.
    let said = repo.agentenv(&["prune"]).ok();
    let inside = repo.path.join(".git/agentenv-trash");
    let inside = fs::read_dir(&inside).unwrap().next().unwrap().unwrap().path();
    let delete = format!("rm -rf {}", inside.display());
    assert!(said.stderr.contains(&delete), "{}", said.show());
    assert!(!said.stderr.contains("app-x"), "{}", said.show());
    fs::remove_dir_all(inside).unwrap();
    assert_eq!(repo.agentenv(&["prune"]).ok().stderr, "");
}

/// Keys of an environment in the trash, maybe: what has a lease gets its record again.
#[test]
fn what_is_in_the_trash_without_a_record_is_named() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["add", "x"]).ok();
    let id = sandbox.lease().file_stem().unwrap().to_str().unwrap().to_owned();
    let lost = format!("{}0000", &id[..id.len() - 4]);
    let dir = |id: &str| sandbox.root.join("state/trash").join(id);
    for id in [&id, &lost] {
        fs::create_dir_all(dir(id)).unwrap();
        fs::write(dir(id).join("redis.keys"), "").unwrap();
    }
    let said = repo.agentenv(&["prune"]).ok();
    assert!(said.stderr.contains(&format!("`rm -rf {}`", dir(&lost).display())), "{}", said.show());
    assert!(!said.stderr.contains(dir(&id).to_str().unwrap()), "{}", said.show());
    assert!(dir(&id).exists() && dir(&lost).exists());
}

/// As when the disk of the worktree was away while git looked.
fn lose_gits_record(repo: &Repo, tree: &Path) {
    let away = tree.with_file_name("away");
    fs::rename(tree, &away).unwrap();
    repo.git(&["worktree", "prune"]);
    fs::rename(&away, tree).unwrap();
}

#[test]
fn a_worktree_of_which_git_lost_its_record_is_adopted_again_with_all_that_it_holds() {
    let sandbox = Sandbox::new();
    let (repo, environment, _) = environment(&sandbox);
    let tree = sandbox.root.join("app-x");
    fs::write(tree.join("note"), "mine").unwrap();
    repo.git(&["-C", tree.to_str().unwrap(), "commit", "--quiet", "--allow-empty", "-m", "work"]);
    lose_gits_record(&repo, &tree);
    let adopt = format!("git agentenv adopt {}", tree.display());
    let named = |said: &Outcome, words: &str| assert!(words.contains(&adopt), "{}", said.show());

    for taken in [false, true] {
        if taken {
            lose_gits_record(&repo, &tree);
            // Another worktree has the name in `.git/worktrees` by now.
            repo.git(&["worktree", "add", "--quiet", "--detach", "../other/app-x"]);
        }
        for args in [&["prune"][..], &["prune", "--dry-run"]] {
            let said = repo.agentenv(args).ok();
            named(&said, &said.stderr);
        }
        let said = repo.agentenv(&["doctor"]).fails(1);
        named(&said, &said.stdout);
        let said = repo.agentenv(&["remove", "x", "--force"]).fails(7);
        named(&said, &said.stderr);
        is_untouched(&environment);

        let said = repo.agentenv(&["adopt", "../app-x", "--json"]).ok();
        assert_eq!(said.stderr.matches("sparse checkout").count(), 1, "{}", said.show());
        let said = said.json();
        assert_eq!(said["variables"], environment["variables"]);
        assert_eq!(said["branch"], "x");
        is_untouched(&environment);
        let status = repo.git(&["-C", tree.to_str().unwrap(), "status", "--porcelain"]);
        assert_eq!(status.trim(), "?? note");
        let found = repo.agentenv(&["list", "--json"]).ok().json();
        assert_eq!(found["environments"][0]["state"], "ready");
    }
    repo.git(&["-C", "../other/app-x", "status"]);
    let refused = repo.agentenv(&["remove", "x"]).fails(7);
    assert!(refused.stderr.contains("note"), "{}", refused.show());
    repo.agentenv(&["remove", "x", "--force", "-D"]).ok();
    assert!(sandbox.databases().is_empty() && !tree.exists());
}

/// A loss of power, or a copy of the repository without it.
#[test]
fn a_worktree_whose_mark_is_lost_keeps_what_it_holds_and_adopt_marks_it_again() {
    let sandbox = Sandbox::new();
    let (repo, environment, _) = environment(&sandbox);
    let (tree, id) = (sandbox.root.join("app-x"), sandbox.lease_id());
    let mark = repo.path.join(".git/worktrees/app-x/agentenv");
    for is_empty in [true, false] {
        fs::remove_file(&mark).unwrap();
        if is_empty {
            fs::write(&mark, "").unwrap();
        }
        let adopt = format!("git agentenv adopt {}", tree.display());
        for (args, code) in
            [(&["prune", "--dry-run"][..], 0), (&["prune"], 0), (&["remove", "x", "--force"], 7)]
        {
            let said = repo.agentenv(args).fails(code);
            assert!(said.stderr.contains(&adopt), "{}", said.show());
        }
        let doctor = repo.agentenv(&["doctor"]).fails(1);
        assert!(doctor.stdout.contains(&adopt), "{}", doctor.show());
        is_untouched(&environment);
        let said = repo.agentenv(&["adopt", "../app-x", "--json"]).ok().json();
        assert_eq!(said["variables"], environment["variables"]);
        assert_eq!(fs::read_to_string(&mark).unwrap().trim(), id);
        is_untouched(&environment);
    }
    // Another worktree that was made in its place is younger than its lease, and has none of its variables.
    repo.git(&["worktree", "remove", "--force", "../app-x"]);
    repo.git(&["worktree", "add", "--quiet", "../app-x", "x"]);
    let yesterday = SystemTime::now() - Duration::from_secs(86_400);
    fs::File::open(sandbox.lease()).unwrap().set_modified(yesterday).unwrap();
    repo.agentenv(&["prune"]).ok();
    assert!(sandbox.databases().is_empty() && tree.exists());
}

#[test]
fn a_worktree_whose_record_names_no_place_is_adopted_again() {
    let sandbox = Sandbox::new();
    let (repo, environment, _) = environment(&sandbox);
    fs::write(repo.path.join(".git/worktrees/app-x/gitdir"), "").unwrap();
    repo.agentenv(&["prune"]).ok();
    let said = repo.agentenv(&["remove", "x", "--force"]).fails(7);
    assert!(said.stderr.contains("`git agentenv adopt "), "{}", said.show());
    is_untouched(&environment);
    let said = repo.agentenv(&["adopt", "../app-x", "--json"]).ok().json();
    assert_eq!(said["variables"], environment["variables"]);
    let before: Vec<PathBuf> = sandbox.leases();
    repo.git(&["worktree", "prune"]);
    repo.agentenv(&["prune"]).ok();
    assert_eq!(sandbox.leases(), before);
    is_untouched(&environment);
    repo.agentenv(&["remove", "x"]).ok();
    assert_eq!(sandbox.databases(), Vec::<String>::new());
}

#[test]
fn gits_record_is_written_again_beside_a_lease_that_cannot_be_read() {
    let sandbox = Sandbox::new();
    let (repo, environment, _) = environment(&sandbox);
    lose_gits_record(&repo, &sandbox.root.join("app-x"));
    let broken = sandbox.root.join("state/leases/0123456789abcdef.yaml");
    fs::write(&broken, "version: 1\n").unwrap();
    let adopted = repo.agentenv(&["adopt", "../app-x", "--json"]).ok().json();
    assert_eq!(adopted["variables"], environment["variables"]);
    fs::remove_file(broken).unwrap();
    is_untouched(&environment);
}

#[test]
fn gits_record_is_not_written_into_a_repository_without_the_branch() {
    let sandbox = Sandbox::new();
    let (repo, environment, _) = environment(&sandbox);
    lose_gits_record(&repo, &sandbox.root.join("app-x"));
    repo.git(&["branch", "--move", "x", "y"]);
    let refused = repo.agentenv(&["adopt", "../app-x"]).fails(7);
    assert!(refused.stderr.contains("has no branch `x`"), "{}", refused.show());
    assert!(!repo.path.join(".git/worktrees").exists());
    is_untouched(&environment);
    repo.git(&["branch", "--move", "y", "x"]);
    repo.git(&["switch", "--quiet", "x"]);
    // The main checkout has the branch by now.
    let adopted = repo.agentenv(&["adopt", "../app-x", "--json"]).ok().json();
    assert!(adopted["branch"].is_null(), "{adopted}");
    is_untouched(&environment);
}

#[test]
fn gits_record_is_not_written_into_a_clone_in_the_place_of_its_repository() {
    let sandbox = Sandbox::new();
    let (repo, environment, _) = environment(&sandbox);
    let tree = sandbox.root.join("app-x");
    let (fresh, moved) = (repo.clone_as("fresh"), sandbox.root.join("moved"));
    fresh.git(&["branch", "x", "origin/x"]);
    fs::rename(&repo.path, &moved).unwrap();
    fs::rename(&fresh.path, &repo.path).unwrap();
    let yesterday = SystemTime::now() - Duration::from_secs(86_400);
    fs::File::open(tree.join(".git")).unwrap().set_modified(yesterday).unwrap();

    let refused = repo.agentenv(&["adopt", "../app-x"]).fails(7);
    let repair = format!("git worktree repair {}", tree.display());
    assert!(refused.stderr.contains(&repair), "{}", refused.show());
    assert!(!repo.path.join(".git/worktrees").exists());
    is_untouched(&environment);
    // No clone has what `add` wrote, however old the files are.
    fs::remove_dir_all(&repo.path).unwrap();
    fs::rename(&moved, &repo.path).unwrap();
    lose_gits_record(&repo, &tree);
    for entry in fs::read_dir(repo.path.join(".git")).unwrap() {
        fs::File::open(entry.unwrap().path()).unwrap().set_modified(SystemTime::now()).unwrap();
    }
    repo.agentenv(&["adopt", "../app-x"]).ok();
    is_untouched(&environment);
}

/// Moved by plain `mv` or by git, then git forgot it while it was away: it stands, so it keeps what it holds.
#[test]
fn a_moved_worktree_of_which_git_lost_its_record_keeps_what_it_holds() {
    let sandbox = Sandbox::new();
    let (repo, environment, _) = environment(&sandbox);
    let (tree, moved) = (sandbox.root.join("app-x"), sandbox.root.join("moved"));
    for by_git in [false, true] {
        match by_git {
            true => {
                repo.git(&["worktree", "move", "../app-x", "../moved"]);
                lose_gits_record(&repo, &moved);
            }
            false => {
                fs::rename(&tree, &moved).unwrap();
                repo.git(&["worktree", "prune"]);
            }
        }
        let back = format!("mv {} {} && git agentenv adopt", moved.display(), tree.display());
        for args in [&["prune"][..], &["prune", "--dry-run"]] {
            let said = repo.agentenv(args).ok();
            assert_eq!(said.stdout, "nothing to prune\n");
            assert!(said.stderr.contains(&back), "{}", said.show());
        }
        let said = repo.agentenv(&["doctor"]).fails(1);
        assert!(said.stdout.contains(&back), "{}", said.show());
        let said = repo.agentenv(&["remove", "x", "--force", "-D"]).fails(7);
        assert!(said.stderr.contains(&back), "{}", said.show());
        is_untouched(&environment);
        fs::rename(&moved, &tree).unwrap();
        let adopted = repo.agentenv(&["adopt", "../app-x", "--json"]).ok().json();
        assert_eq!(adopted["variables"], environment["variables"]);
        is_untouched(&environment);
    }
    // Another worktree has the name in `.git/worktrees`, and its own was deleted.
    fs::rename(&tree, &moved).unwrap();
    repo.git(&["worktree", "prune"]);
    repo.git(&["worktree", "add", "--quiet", "--detach", "../other/app-x"]);
    assert_eq!(repo.agentenv(&["prune"]).ok().stdout, "nothing to prune\n");
    fs::remove_dir_all(&moved).unwrap();
    repo.agentenv(&["prune"]).ok();
    assert_eq!(sandbox.databases(), Vec::<String>::new());
}

/// Nothing says that the disk was there; an empty mount point is left of it.
#[test]
fn a_worktree_that_git_moved_to_a_disk_that_was_never_seen_keeps_what_it_holds() {
    let sandbox = Sandbox::new();
    let (repo, environment, _) = environment(&sandbox);
    let (disk, away) = (sandbox.root.join("disk"), sandbox.root.join("away/deep/down"));
    fs::create_dir_all(&disk).unwrap();
    fs::create_dir_all(away.parent().unwrap()).unwrap();
    repo.git(&["worktree", "move", "../app-x", "../disk/x"]);
    fs::rename(&disk, &away).unwrap();
    for _ in 0..2 {
        let said = repo.agentenv(&["prune"]).ok();
        assert_eq!(said.stdout, "nothing to prune\n", "{}", said.show());
        assert!(said.stderr.contains("its disk may be unmounted"), "{}", said.show());
        fs::create_dir_all(&disk).unwrap();
    }
    is_untouched(&environment);
    repo.git(&["worktree", "prune"]);
    repo.agentenv(&["prune"]).ok();
    assert_eq!(sandbox.databases(), Vec::<String>::new());
}
