//! `remove` loses no work: what it refuses, what it says, and what `--force` means.

use crate::common::{Outcome, Repo, Sandbox, hold, servers};
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// A repository with the environment `x`.
struct World<'a> {
    repo: Repo<'a>,
    tree: PathBuf,
}

impl<'a> World<'a> {
    fn small(sandbox: &'a Sandbox) -> Self {
        Self::with(sandbox, &sandbox.config_without_servers())
    }

    fn with(sandbox: &'a Sandbox, config: &str) -> Self {
        let repo = sandbox.repo("app");
        repo.config(config);
        repo.agentenv(&["add", "x"]).ok();
        World { repo, tree: sandbox.root.join("app-x") }
    }

    /// One whose branch has the submodule `sub`.
    fn with_submodule(sandbox: &'a Sandbox, library: &Repo<'_>) -> Self {
        let world = Self::small(sandbox);
        let from = library.path.to_str().unwrap();
        world.git(&[
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "--quiet",
            "add",
            from,
            "sub",
        ]);
        world.git(&["commit", "--quiet", "--message", "submodule"]);
        world
    }

    fn git(&self, args: &[&str]) -> String {
        let tree = self.tree.to_str().unwrap();
        self.repo.git(&[&["-C", tree], args].concat())
    }

    /// Removal is refused, names what would be lost, and changes nothing.
    #[track_caller]
    fn refuses(&self, args: &[&str], named: &str) -> Outcome {
        let said = self.repo.agentenv(&[&["remove", "x"], args].concat()).fails(7);
        assert!(said.stderr.contains(named), "{named}: {}", said.show());
        assert!(self.tree.join(".env.worktree").exists(), "{}", said.show());
        let listed = self.repo.agentenv(&["list", "--json"]).ok().json();
        assert_eq!(listed["environments"][0]["state"], "ready");
        said
    }
}

#[test]
fn changed_untracked_and_ignored_files_are_kept_until_forced() {
    let sandbox = Sandbox::new();
    let world = World::small(&sandbox);
    fs::write(world.tree.join("README"), "changed\n").unwrap();
    world.refuses(&[], "M README");
    world.git(&["checkout", "--quiet", "README"]);
    fs::write(world.tree.join("notes"), "hours of work\n").unwrap();
    world.refuses(&[], "?? notes");
    fs::remove_file(world.tree.join("notes")).unwrap();

    fs::write(
        world.repo.path.join(".git/info/exclude"),
        ".env*\nsecrets.txt\nnode_modules/\n*.sqlite3\n",
    )
    .unwrap();
    fs::write(world.tree.join("secrets.txt"), "keys\n").unwrap();
    let said = world.refuses(&[], "secrets.txt");
    assert!(said.stderr.contains("hint:") && said.stderr.contains("--force"), "{}", said.show());
    let dry = world.repo.agentenv(&["remove", "x", "--dry-run"]).ok();
    assert!(dry.stdout.contains("would lose: ignored file: secrets.txt"), "{}", dry.show());
    assert!(world.tree.exists());
    world.repo.agentenv(&["remove", "x", "--force"]).ok();
    assert!(!world.tree.exists());
}

#[test]
fn what_tools_recreate_never_stops_removal() {
    let sandbox = Sandbox::new();
    let world = World::small(&sandbox);
    fs::write(world.repo.path.join(".git/info/exclude"), ".env*\nnode_modules/\n*.sqlite3\n")
        .unwrap();
    fs::create_dir_all(world.tree.join("node_modules/x")).unwrap();
    fs::write(world.tree.join("node_modules/x/index.js"), "").unwrap();
    // A full disk took it.
    let reserve = sandbox.root.join("state/reserve");
    let size = fs::metadata(&reserve).unwrap().len();
    fs::remove_file(&reserve).unwrap();
    world.repo.agentenv(&["remove", "x"]).ok();
    assert!(!world.tree.exists());
    assert_eq!(fs::metadata(&reserve).unwrap().len(), size, "the next removal has it again");
}

/// Git says nothing of these files.
#[test]
fn changes_that_git_was_told_to_overlook_are_work() {
    let sandbox = Sandbox::new();
    let world = World::small(&sandbox);
    let (readme, other) = (world.tree.join("README"), "git was told to overlook it");
    for flag in ["skip-worktree", "assume-unchanged"] {
        world.git(&["update-index", &format!("--{flag}"), "README"]);
        fs::write(&readme, "first\n").unwrap();
        let dry = world.repo.agentenv(&["remove", "x", "--dry-run", "--json"]).ok().json();
        assert_eq!(dry["removed"][0]["losses"], json!([]), "{flag}");
        fs::write(&readme, "changed\n").unwrap();
        assert_eq!(world.git(&["status", "--porcelain"]), "");
        world.refuses(&[], &format!("M README ({other})"));
        // Of a split index, git knows the whole.
        world.git(&["update-index", "--split-index"]);
        world.refuses(&[], &format!("M README ({other})"));
        world.git(&["update-index", "--no-split-index", "--index-version", "4"]);
        world.refuses(&[], &format!("M README ({other})"));
        world.git(&["update-index", &format!("--no-{flag}"), "README"]);
    }
    world.git(&["update-index", "--skip-worktree", "README"]);
    // The same in the main checkout is no loss, nor is what was deleted.
    fs::write(world.repo.path.join("README"), "changed\n").unwrap();
    world.repo.agentenv(&["remove", "x", "--dry-run"]).ok();
    world.repo.git(&["checkout", "--quiet", "README"]);
    fs::remove_file(&readme).unwrap();
    std::os::unix::fs::symlink("elsewhere", &readme).unwrap();
    world.refuses(&[], "README");
    fs::remove_file(&readme).unwrap();
    world.repo.agentenv(&["remove", "x"]).ok();
}

/// Git says nothing of a directory that it cannot look into.
#[test]
fn a_directory_that_cannot_be_read_is_kept_until_forced() {
    let sandbox = Sandbox::new();
    let world = World::small(&sandbox);
    fs::write(world.repo.path.join(".git/info/exclude"), ".env*\nsecrets/\n*.sqlite3\n").unwrap();
    let secrets = world.tree.join("secrets");
    fs::create_dir_all(secrets.join("empty")).unwrap();
    world.repo.agentenv(&["remove", "x", "--dry-run"]).ok();
    fs::write(secrets.join("keys"), "").unwrap();
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o000)).unwrap();
    let mut command = powerless(&sandbox);
    let remove = ["git", "agentenv", "remove", "x"];
    let said = sandbox.outcome(command.args(remove).current_dir(&world.repo.path));
    assert!(said.stderr.contains("ignored file: secrets"), "{}", said.show());
    said.fails(7);
    fs::write(world.repo.path.join(".git/info/exclude"), ".env*\n*.sqlite3\n").unwrap();
    let mut command = powerless(&sandbox);
    let said = sandbox.outcome(command.args(remove).current_dir(&world.repo.path));
    assert!(said.stderr.contains("secrets/"), "{}", said.show());
    said.fails(7);
    fs::write(world.repo.path.join(".git/info/exclude"), ".env*\nsecrets/\n*.sqlite3\n").unwrap();
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(secrets.join("keys")).unwrap();
    let dry = world.repo.agentenv(&["remove", "x", "--json"]).ok().json();
    assert_eq!(dry["removed"][0]["losses"], serde_json::json!([]));
}

#[test]
fn what_tools_recreate_is_named_by_its_directory() {
    let sandbox = Sandbox::new();
    let world = World::small(&sandbox);
    let ignored = ".env*\nnode_modules/*\n*.pyc\n*.sqlite3\n";
    fs::write(world.repo.path.join(".git/info/exclude"), ignored).unwrap();
    for file in ["node_modules/a/b", "node_modules/c", "app/__pycache__/a.pyc", "app/b.pyc"] {
        fs::create_dir_all(world.tree.join(file).parent().unwrap()).unwrap();
        fs::write(world.tree.join(file), "").unwrap();
    }
    let said = world.repo.agentenv(&["remove", "x", "--json"]).ok().json();
    let losses = said["removed"][0]["losses"].as_array().unwrap().iter();
    let named: Vec<&str> = losses.map(|loss| loss["what"].as_str().unwrap()).collect();
    assert_eq!(named, ["app/__pycache__/", "app/b.pyc", "node_modules/"]);
}

#[test]
fn what_a_hook_leaves_behind_is_put_back_with_the_rest() {
    let sandbox = Sandbox::new();
    let hook = "hooks: { pre_remove: [\"echo work >by-hook\"] }\n";
    let world = World::with(&sandbox, &(sandbox.config() + hook));
    world.repo.agentenv(&["trust", "--yes"]).ok();
    let before = world.repo.traces();
    world.refuses(&[], "by-hook");
    world.repo.leaves_nothing_but(&before, "closed and opened again");
    assert_eq!(world.git(&["status", "--porcelain"]), "?? by-hook");
    assert_eq!(servers().psql_on(&format!("{}_x", sandbox.id), "SELECT 1"), "1");
    fs::remove_file(world.tree.join("by-hook")).unwrap();
    world.repo.agentenv(&["remove", "x", "--no-hooks"]).ok();
}

/// What cannot be opened again on a server keeps nobody from the directory.
#[test]
fn a_worktree_is_put_back_although_a_server_is_not_opened() {
    let sandbox = Sandbox::new();
    let world = World::with(&sandbox, &sandbox.config());
    let faults = "database-closed:error,database-opened:error";
    world.repo.struck(&["remove", "x"], faults).fails(8);
    assert!(world.tree.join(".env.worktree").exists() && !hidden(&world).any(|_| true));
    world.repo.agentenv(&["prune"]).ok();
    assert_eq!(world.git(&["status", "--porcelain"]), "");
    let listed = world.repo.agentenv(&["list", "--json"]).ok().json();
    assert_eq!(listed["environments"][0]["state"], "ready");
}

#[test]
fn a_worktree_that_cannot_be_renamed_is_deleted_where_it_is() {
    let sandbox = Sandbox::new();
    let world = World::with_submodule(&sandbox, &sandbox.repo("library"));
    let said = world.repo.agentenv(&["remove", "x"]).ok();
    assert!(said.stderr.contains("git cannot move a worktree with submodules"), "{}", said.show());
    assert!(!world.tree.exists() && !hidden(&world).any(|_| true));
}

#[test]
fn two_branches_do_not_vouch_for_each_other_while_both_go() {
    let sandbox = Sandbox::new();
    let world = World::small(&sandbox);
    world.git(&["commit", "--quiet", "--allow-empty", "--message", "only here"]);
    let commit = world.git(&["rev-parse", "HEAD"]);
    world.repo.agentenv(&["add", "y", "--from", "x"]).ok();
    let said = world.repo.agentenv(&["remove", "x", "y", "-D"]).fails(7);
    assert!(said.stderr.contains("1 that only y holds"), "{}", said.show());
    assert_eq!(world.repo.git(&["rev-parse", "y"]), commit);
}

/// Two removals at once: each of them finds the other one's branch.
#[test]
fn a_branch_that_another_removal_deletes_does_not_vouch() {
    let sandbox = Sandbox::new();
    let world = World::small(&sandbox);
    world.git(&["commit", "--quiet", "--allow-empty", "--message", "only here"]);
    world.repo.agentenv(&["add", "y", "--from", "x"]).ok();
    world.repo.killed(&["remove", "y", "-D"], "removing");
    let said = world.repo.agentenv(&["remove", "x", "-D"]).fails(7);
    assert!(said.stderr.contains("1 that only x holds"), "{}", said.show());
    // What was agreed to is finished.
    world.repo.agentenv(&["remove", "y", "-D"]).ok();
    assert_eq!(world.repo.git(&["branch", "--list", "y"]), "");
}

#[test]
fn commits_of_a_branch_that_goes_are_work_without_a_worktree_too() {
    let sandbox = Sandbox::new();
    let world = World::small(&sandbox);
    world.git(&["commit", "--quiet", "--allow-empty", "--message", "only here"]);
    fs::remove_dir_all(&world.tree).unwrap();
    let said = world.repo.agentenv(&["remove", "x", "-D"]).fails(7);
    assert!(said.stderr.contains("1 that only x holds"), "{}", said.show());
    world.repo.git(&["rev-parse", "--verify", "refs/heads/x"]);
    world.repo.agentenv(&["remove", "x", "-D", "--force"]).ok();
    assert_eq!(world.repo.git(&["branch", "--list", "x"]), "");
}

#[test]
fn a_live_database_session_is_named() {
    let sandbox = Sandbox::new();
    let world = World::with(&sandbox, &sandbox.config());
    let session = hold::on(&format!("{}_x", sandbox.id), "my-console", "");
    let said = world.refuses(&[], "database session");
    assert!(said.stderr.contains("my-console"), "{}", said.show());
    assert_eq!(sandbox.databases().len(), 1);
    world.repo.agentenv(&["remove", "x", "--force"]).ok();
    assert!(sandbox.databases().is_empty());
    drop(session);
}

#[test]
fn a_client_of_the_redis_index_is_named_and_gets_no_later_environments_tasks() {
    let sandbox = Sandbox::new();
    let world = World::with(&sandbox, &sandbox.config());
    let index = world.repo.agentenv(&["env", "x", "--json"]).ok().json();
    let index = index["variables"]["REDIS_DB"].as_str().unwrap().parse().unwrap();
    let worker = servers().redis_client(index);
    let said = world.refuses(&[], "redis client");
    assert!(said.stderr.contains("idle for"), "{}", said.show());
    world.refuses(&["--keep"], "redis client");
    world.repo.agentenv(&["remove", "x", "--force"]).ok();
    assert!(!worker.is_connected());

    // As an orphaned worker does, that connects again.
    let orphan = servers().redis_client(index);
    let view = world.repo.agentenv(&["add", "y", "--json"]).ok().json();
    assert_ne!(view["variables"]["REDIS_DB"], index.to_string().as_str());
    assert!(orphan.is_connected());
    let range = format!("range: {}-{}", sandbox.indexes().start(), sandbox.indexes().end());
    let config = sandbox.config_with_one_redis();
    world.repo.config(&config.replace(&range, &format!("range: {index}-{index}")));
    let said = world.repo.agentenv(&["add", "z"]).fails(5);
    assert!(said.stderr.contains("last command `ping`"), "{}", said.show());
}

#[test]
fn the_branch_goes_only_when_asked_and_never_with_commits_of_its_own() {
    let sandbox = Sandbox::new();
    let world = World::small(&sandbox);
    world.git(&["commit", "--quiet", "--allow-empty", "--message", "work"]);
    world.refuses(&["--delete-branch"], "1 that only x holds");
    assert_ne!(world.repo.git(&["branch", "--list", "x"]), "");
    let said = world.repo.agentenv(&["remove", "x", "--json"]).ok().json();
    assert_eq!(said["removed"][0]["branch_deleted"], false);
    assert_ne!(world.repo.git(&["branch", "--list", "x"]), "");

    world.repo.agentenv(&["add", "x"]).ok();
    world.repo.agentenv(&["remove", "x", "--delete-branch", "--force"]).ok();
    assert_eq!(world.repo.git(&["branch", "--list", "x"]), "");
    for branch in ["merged", "a\"b", "Größe"] {
        world.repo.agentenv(&["add", branch]).ok();
        world.repo.git(&["config", &format!("branch.{branch}.description"), "what it is for"]);
        world.repo.agentenv(&["remove", branch, "-D"]).ok();
        assert_eq!(world.repo.git(&["branch", "--list", branch]), "");
        let settings = fs::read_to_string(world.repo.path.join(".git/config")).unwrap();
        assert!(!settings.contains("[branch"), "{settings}");
    }
}

#[test]
fn a_branch_that_the_main_checkout_is_on_as_well_is_never_deleted() {
    let sandbox = Sandbox::new();
    let world = World::small(&sandbox);
    world.repo.git(&["switch", "--quiet", "--ignore-other-worktrees", "x"]);
    let said = world.repo.agentenv(&["remove", "x", "--delete-branch"]).ok();
    assert!(said.stderr.contains("it is checked out elsewhere"), "{}", said.show());
    world.repo.git(&["rev-parse", "--verify", "HEAD"]);
}

#[test]
fn commits_on_a_detached_head_are_work() {
    let sandbox = Sandbox::new();
    let world = World::small(&sandbox);
    world.git(&["checkout", "--quiet", "--detach"]);
    world.git(&["commit", "--quiet", "--allow-empty", "--message", "lost in space"]);
    world.refuses(&[], "1 that only a detached HEAD holds");
    // Git keeps them until its record of the worktree goes.
    let commit = world.git(&["rev-parse", "HEAD"]);
    fs::remove_dir_all(&world.tree).unwrap();
    for args in [&["prune"] as &[&str], &["remove", "x"]] {
        let said = world.repo.agentenv(args);
        assert_ne!(said.code, 0, "{}", said.show());
        assert!(said.stderr.contains("1 that only a detached HEAD holds"), "{}", said.show());
        assert!(said.stderr.contains(&commit), "{}", said.show());
    }
    world.repo.git(&["tag", "kept", &commit]);
    world.repo.agentenv(&["prune"]).ok();
    assert_eq!(world.repo.agentenv(&["list", "--json"]).json()["environments"], json!([]));
}

#[test]
fn commits_on_a_head_that_a_hook_detached_are_work() {
    let sandbox = Sandbox::new();
    let commit = "git switch --quiet --detach && git commit --quiet --allow-empty --message lost";
    let hook = format!("hooks: {{ pre_remove: [\"{commit}\"] }}\n");
    let world = World::with(&sandbox, &(sandbox.config_without_servers() + &hook));
    world.repo.agentenv(&["trust", "--yes"]).ok();
    world.refuses(&[], "1 that only a detached HEAD holds");
    world.repo.agentenv(&["remove", "x", "--no-hooks", "--force"]).ok();
}

#[test]
fn a_locked_worktree_is_not_removed_even_by_force() {
    let sandbox = Sandbox::new();
    let world = World::with(&sandbox, &sandbox.config());
    world.repo.git(&["worktree", "lock", "--reason", "on a stick", "../app-x"]);
    for args in [&["remove", "x"] as &[&str], &["remove", "x", "--force"]] {
        let said = world.repo.agentenv(args);
        assert_ne!(said.code, 0, "{}", said.show());
        assert!(said.stderr.contains("on a stick"), "{}", said.show());
        assert!(world.tree.join(".env.worktree").exists());
        assert_eq!(sandbox.databases().len(), 1, "{}", said.show());
    }
    world.repo.git(&["worktree", "unlock", "../app-x"]);
    world.repo.agentenv(&["remove", "x"]).ok();
}

/// Says that everything that was seen was on a disk which is mounted at this directory.
fn seen_at(sandbox: &Sandbox, point: &std::path::Path) {
    for record in fs::read_dir(sandbox.root.join("state/mounts")).unwrap() {
        fs::write(record.unwrap().path(), point.to_str().unwrap()).unwrap();
    }
}

/// The command behind these words of a hint.
fn hinted(said: &Outcome, words: &str) -> String {
    let (_, rest) = said.stderr.split_once(words).unwrap_or_else(|| panic!("{}", said.show()));
    rest.split('`').nth(1).unwrap().to_owned()
}

/// No disk has to be mounted for it: the record says that one was, and a plain directory is left.
#[test]
fn a_worktree_is_kept_while_its_disk_is_away() {
    let sandbox = Sandbox::new();
    let world = World::with(&sandbox, &sandbox.config());
    let (disk, away) = (sandbox.root.join("disk"), sandbox.root.join("away/deep/down"));
    fs::create_dir_all(away.parent().unwrap()).unwrap();
    world.repo.agentenv(&["add", "y", "--path", disk.join("y").to_str().unwrap()]).ok();
    fs::write(sandbox.root.join("state/mounts/of-the-worktree"), disk.to_str().unwrap()).unwrap();
    let unmount = || {
        fs::rename(&disk, &away).unwrap();
        fs::create_dir(&disk).unwrap();
    };
    unmount();
    let said = world.repo.agentenv(&["prune"]).ok();
    assert_eq!(said.stdout, "nothing to prune\n", "{}", said.show());
    assert!(said.show().contains("[ROOT]/disk, may be unmounted"), "{}", said.show());
    let said = world.repo.agentenv(&["doctor"]);
    assert!(said.show().contains("[ROOT]/disk, may be unmounted"), "{}", said.show());
    let said = world.repo.agentenv(&["remove", "y"]).fails(7);
    assert!(said.stderr.contains("may be unmounted"), "{}", said.show());
    assert_eq!(sandbox.databases().len(), 2);
    fs::remove_dir(&disk).unwrap();
    fs::rename(&away, &disk).unwrap();
    let said = world.repo.agentenv(&["prune"]).ok();
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("nothing to prune\n", ""));

    unmount();
    let said = world.repo.agentenv(&["prune"]).ok();
    let mut gone = sandbox.command("sh");
    gone.args(["-c", &hinted(&said, "gone for good")]).current_dir(&world.repo.path);
    sandbox.outcome(&mut gone).ok();
    assert_eq!(sandbox.databases().len(), 1);
}

/// It was moved there and repaired, and git forgot it while the disk was away: that it was seen there says where it is.
#[test]
fn a_worktree_that_was_moved_to_a_disk_is_kept_while_that_is_away() {
    let sandbox = Sandbox::new();
    let world = World::with(&sandbox, &sandbox.config());
    let script = "mkdir -p ../disk ../still/deep/down
        mount -t tmpfs tmpfs ../disk
        mv ../app-x ../disk/x
        git worktree repair ../disk/x
        git agentenv path x
        mount --bind ../disk ../still/deep/down && umount ../disk
        git worktree prune
        git agentenv prune
        mount --bind ../still/deep/down ../disk
        git agentenv prune";
    let spaces = if rustix::process::geteuid().is_root() { "-m" } else { "-rm" };
    let mut unshare = sandbox.command("unshare");
    unshare.args([spaces, "sh", "-ec", script]).current_dir(&world.repo.path);
    let said = sandbox.outcome(&mut unshare).ok();
    let shown = said.show();
    assert!(shown.contains("[ROOT]/disk, may be unmounted"), "{shown}");
    assert!(shown.contains("mv [ROOT]/disk/x [ROOT]/app-x && git agentenv adopt"), "{shown}");
    assert_eq!(sandbox.databases().len(), 1, "{shown}");
}

/// What stays of it is its branch alone.
#[test]
fn removed_twice_it_is_said_that_nothing_is_there() {
    let sandbox = Sandbox::new();
    let world = World::small(&sandbox);
    world.repo.agentenv(&["add", "x2"]).ok();
    world.repo.agentenv(&["remove", "x"]).ok();
    for args in [&["remove", "x"][..], &["remove", "x", "-D"], &["remove", "x", "--force", "-D"]] {
        let said = world.repo.agentenv(args).fails(4);
        assert!(said.stderr.contains("branch `x` has no environment"), "{}", said.show());
        assert!(said.stderr.contains("git branch -d x"), "{}", said.show());
    }
    world.repo.git(&["branch", "-d", "x"]);
    let said = world.repo.agentenv(&["remove", "x", "-D"]).fails(4);
    assert!(said.stderr.contains("no environment `x`"), "{}", said.show());
    world.repo.agentenv(&["remove", "x2", "--keep"]).ok();
    let said = world.repo.agentenv(&["remove", "x2"]).fails(4);
    assert!(said.stderr.contains("in the trash"), "{}", said.show());
    assert!(said.stderr.contains("git agentenv restore x2"), "{}", said.show());
}

#[test]
fn a_repository_is_kept_while_its_disk_is_away_and_not_when_all_of_it_was_deleted() {
    let sandbox = Sandbox::new();
    let (disk, away) = (sandbox.root.join("disk"), sandbox.root.join("away"));
    let repo = sandbox.repo("disk/app");
    repo.config(&sandbox.config());
    repo.agentenv(&["add", "x"]).ok();
    let records = sandbox.root.join("state/mounts");
    let records = fs::read_dir(&records).unwrap().map(|record| record.unwrap().path());
    let seen: Vec<_> = records.map(|record| (fs::read(&record).unwrap(), record)).collect();
    seen_at(&sandbox, &disk);
    fs::rename(&disk, &away).unwrap();
    let prune = || sandbox.agentenv_in(&sandbox.root, &["prune"]);
    // With its empty mount point, and without it.
    for _ in 0..2 {
        let said = prune().ok();
        assert_eq!(said.stdout, "nothing to prune\n", "{}", said.show());
        assert!(said.show().contains("[ROOT]/disk, may be unmounted"), "{}", said.show());
        assert_eq!(sandbox.databases().len(), 1);
        fs::create_dir_all(&disk).unwrap();
    }
    // Of what was seen on a disk that is there, nothing else has to be left.
    fs::remove_dir(&disk).unwrap();
    seen.iter().for_each(|(mount, record)| fs::write(record, mount).unwrap());
    let said = prune().ok();
    assert!(said.stdout.contains('x') && sandbox.databases().is_empty(), "{}", said.show());
}

#[test]
fn what_is_locked_is_kept_while_its_disk_is_away() {
    let sandbox = Sandbox::new();
    let world = World::small(&sandbox);
    world.repo.git(&["worktree", "lock", "--reason", "on a stick", "../app-x"]);
    let away = sandbox.root.join("away/deep/down");
    fs::create_dir_all(&away).unwrap();
    fs::rename(&world.tree, away.join("x")).unwrap();
    let said = world.repo.agentenv(&["prune"]).ok();
    assert_eq!(said.stdout, "nothing to prune\n", "{}", said.show());
    let said = world.repo.agentenv(&["remove", "x", "--force"]).fails(7);
    assert!(said.stderr.contains("on a stick"), "{}", said.show());
    fs::rename(away.join("x"), &world.tree).unwrap();
    assert_eq!(world.git(&["status", "--porcelain"]), "");
    world.repo.git(&["worktree", "unlock", "../app-x"]);
    world.repo.agentenv(&["remove", "x"]).ok();
}

#[test]
fn deleting_and_renaming_is_work_as_git_says() {
    let sandbox = Sandbox::new();
    let world = World::small(&sandbox);
    world.git(&["rm", "--quiet", "README"]);
    world.refuses(&[], "D  README");
    world.git(&["reset", "--quiet", "--hard"]);
    world.git(&["mv", "README", "READ.me"]);
    let said = world.refuses(&[], "A  READ.me");
    assert_eq!(said.stderr.matches("uncommitted").count(), 2, "{}", said.show());
    assert!(said.stderr.contains("D  README"), "{}", said.show());
    world.repo.agentenv(&["remove", "x", "--force"]).ok();
}

#[test]
fn unpushed_commits_in_a_submodule_are_work() {
    let sandbox = Sandbox::new();
    let library = sandbox.repo("library");
    let world = World::with_submodule(&sandbox, &library);
    let sub = world.tree.join("sub");
    let in_sub = |args: &[&str]| world.repo.git(&[&["-C", sub.to_str().unwrap()], args].concat());
    in_sub(&["commit", "--quiet", "--allow-empty", "--message", "hours of work"]);
    world.git(&["commit", "--quiet", "--all", "--message", "newer"]);
    world.refuses(&[], "1 in the submodule sub");
    library.git(&["config", "receive.denyCurrentBranch", "ignore"]);
    in_sub(&["push", "--quiet", "origin", "HEAD"]);
    world.repo.agentenv(&["remove", "x"]).ok();
    assert!(!world.tree.exists());
}

#[test]
fn a_submodule_whose_commits_cannot_be_counted_is_kept_until_forced() {
    let sandbox = Sandbox::new();
    let world = World::with_submodule(&sandbox, &sandbox.repo("library"));
    let modules = world.repo.path.join(".git/worktrees/app-x/modules/sub");
    fs::write(modules.join("refs/heads/work"), "1".repeat(40) + "\n").unwrap();
    world.refuses(&[], "the submodule sub");
    world.repo.agentenv(&["remove", "x", "--force"]).ok();
}

#[test]
fn a_worktree_that_git_cannot_read_goes_by_force_alone() {
    let sandbox = Sandbox::new();
    let world = World::small(&sandbox);
    fs::write(world.repo.path.join(".git/worktrees/app-x/index"), "no index").unwrap();
    let said = world.refuses(&[], "git cannot read it");
    assert!(said.stderr.contains("--force"), "{}", said.show());
    world.repo.agentenv(&["remove", "x", "--force"]).ok();
    assert!(!world.tree.exists());
}

#[test]
fn a_file_that_only_begins_like_the_database_is_not_the_database() {
    let sandbox = Sandbox::new();
    let world = World::small(&sandbox);
    fs::write(world.repo.path.join(".git/info/exclude"), ".env*\n*.sqlite3*\n").unwrap();
    for own in ["x.sqlite3", "x.sqlite3-wal", "x.sqlite3-shm"] {
        fs::write(world.tree.join(own), "").unwrap();
    }
    for other in ["x.sqlite3.backup", "x.sqlite3-backup"] {
        fs::write(world.tree.join(other), "hours of work\n").unwrap();
        let said = world.refuses(&[], other);
        assert_eq!(said.stderr.matches("ignored file").count(), 1, "{}", said.show());
        fs::remove_file(world.tree.join(other)).unwrap();
    }
    world.repo.agentenv(&["remove", "x"]).ok();
}

#[test]
fn from_inside_it_is_meant_and_the_main_checkout_never_is() {
    let sandbox = Sandbox::new();
    let world = World::with(&sandbox, &sandbox.config());
    let said = world.repo.agentenv(&["remove"]).fails(2);
    assert!(said.stderr.contains("hint:"), "{}", said.show());
    let main = world.repo.path.to_str().unwrap();
    for name in ["main", "app", ".", main] {
        world.repo.agentenv(&["remove", name, "--force"]).fails(4);
        assert!(world.repo.path.join("README").exists());
    }
    let below = world.tree.join("deep/er");
    fs::create_dir_all(&below).unwrap();
    let said = sandbox.agentenv_in(&below, &["remove"]).ok();
    assert!(said.stderr.contains(&format!("cd {main}")), "{}", said.show());
    assert!(!world.tree.exists() && sandbox.databases().is_empty());
}

#[test]
fn a_name_that_is_wrong_removes_nothing_of_the_others() {
    let sandbox = Sandbox::new();
    let world = World::small(&sandbox);
    let said = world.repo.agentenv(&["remove", "x", "y"]).fails(4);
    assert!(world.tree.exists(), "{}", said.show());
    assert!(said.stderr.contains("nothing was removed"), "{}", said.show());
}

#[test]
fn one_that_is_refused_keeps_all_of_them() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["add", "clean", "dirty"]).ok();
    fs::write(sandbox.root.join("app-dirty/work"), "").unwrap();

    let refused = repo.agentenv(&["remove", "clean", "dirty"]).fails(7);
    assert!(refused.stderr.contains("work"), "{}", refused.show());
    assert!(sandbox.root.join("app-clean").exists());
    // Twice the same one is no reason to wait for oneself.
    let twice = repo.agentenv(&["remove", "clean", "app-clean", "dirty", "--force", "--json"]).ok();
    assert_eq!(twice.json()["removed"].as_array().unwrap().len(), 2);
}

#[test]
fn keys_whose_mark_the_application_flushed_are_the_environments() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config());
    let flushed = |branch: &str| -> u16 {
        let view = repo.agentenv(&["add", branch, "--json"]).ok().json();
        let index = view["variables"]["REDIS_DB"].as_str().unwrap().parse().unwrap();
        // As Django's `cache.clear()` does, and then works on.
        servers().redis(index, &["FLUSHDB"]);
        servers().redis(index, &["SET", "cached", "value"]);
        index
    };
    for args in [&["remove", "x"][..], &["remove", "x", "--keep"]] {
        let index = flushed("x");
        repo.agentenv(args).ok();
        assert_eq!(servers().redis(index, &["DBSIZE"]), "0");
    }
    repo.agentenv(&["restore", "x"]).ok();
    assert_eq!(servers().redis(*sandbox.indexes().start(), &["GET", "cached"]), "value");
    repo.agentenv(&["remove", "x"]).ok();

    // Where only git took the worktree away, too.
    let index = flushed("x");
    repo.git(&["worktree", "remove", "--force", "../app-x"]);
    repo.agentenv(&["prune"]).ok();
    assert_eq!(servers().redis(index, &["DBSIZE"]), "0");

    // Another environment's mark is another environment's.
    let index = flushed("x");
    servers().redis(index, &["SET", "git-agentenv:owner", "git-agentenv 0123456789abcdef01234567"]);
    let said = repo.agentenv(&["remove", "x"]).ok();
    assert!(said.stderr.contains("does not belong to this environment"), "{}", said.show());
    let removed = said.stderr.lines().find(|line| line.starts_with("removed environment")).unwrap();
    assert!(removed.contains("database") && !removed.contains("redis"), "{}", said.show());
    assert_eq!(servers().redis(index, &["GET", "cached"]), "value");
}

#[test]
fn keys_without_a_mark_on_a_server_that_is_not_known_go_only_by_force() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config());
    let index = |branch: &str| -> u16 {
        let view = repo.agentenv(&["add", branch, "--json"]).ok().json();
        let lease = format!("state/leases/{}.yaml", view["lease"].as_str().unwrap());
        let lease = sandbox.root.join(lease);
        // As version 0.1 wrote it.
        let text = fs::read_to_string(&lease).unwrap();
        let known = text.lines().filter(|line| !line.trim_start().starts_with("server_id:"));
        fs::write(&lease, known.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
        let index = view["variables"]["REDIS_DB"].as_str().unwrap().parse().unwrap();
        servers().redis(index, &["FLUSHDB"]);
        servers().redis(index, &["SET", "cached", "value"]);
        index
    };
    let [adopted, forced] = ["adopted", "forced"].map(index);

    for branch in ["adopted", "forced"] {
        let refused = repo.agentenv(&["remove", branch]).fails(7);
        assert!(refused.stderr.contains("holds a key and no"), "{}", refused.show());
    }
    sandbox.agentenv_in(sandbox.root.join("app-adopted"), &["adopt"]).ok();
    repo.agentenv(&["remove", "adopted"]).ok();

    // Where only git took the worktree away, a new one of the same branch takes nothing along either.
    repo.git(&["worktree", "remove", "--force", "../app-forced"]);
    let refused = repo.agentenv(&["add", "forced"]).fails(7);
    assert!(refused.stderr.contains("holds a key and no"), "{}", refused.show());
    assert!(refused.stderr.contains("git agentenv remove --force forced"), "{}", refused.show());
    assert_eq!(servers().redis(forced, &["GET", "cached"]), "value");
    repo.agentenv(&["remove", "forced", "--force"]).ok();
    for index in [adopted, forced] {
        assert_eq!(servers().redis(index, &["DBSIZE"]), "0");
    }
}

#[test]
fn what_cannot_be_deleted_stays_on_record_until_it_can() {
    let sandbox = Sandbox::new();
    let world = World::with(&sandbox, &sandbox.config());
    let stuck = undeletable(&world);
    for args in [&["remove", "x", "--json"][..], &["prune"]] {
        let mut command = powerless(&sandbox);
        let command = command.args(["git", "agentenv"]).args(args).current_dir(&world.repo.path);
        let said = sandbox.outcome(command).fails(8);
        assert!(
            said.stderr.contains("partially removed") || said.stdout.contains("partially removed"),
            "{}",
            said.show()
        );
        assert!(said.stdout.contains("of-a-container") || said.stderr.contains("of-a-container"));
        let stuck = closed(&world).join("node_modules/of-a-container");
        assert!(stuck.join("file").exists() && sandbox.databases().is_empty(), "{}", said.show());
    }
    let stuck = closed(&world).join(stuck.strip_prefix(&world.tree).unwrap());
    fs::set_permissions(stuck, fs::Permissions::from_mode(0o755)).unwrap();
    world.repo.agentenv(&["prune"]).ok();
    assert!(!world.tree.exists() && !hidden(&world).any(|_| true));
    assert!(sandbox.leases().is_empty());
}

#[test]
fn anothers_worktree_where_something_was_left_is_not_deleted() {
    let sandbox = Sandbox::new();
    let world = World::with(&sandbox, &sandbox.config_without_servers());
    let stuck = undeletable(&world);
    let mut command = powerless(&sandbox);
    let remove = ["git", "agentenv", "remove", "x"];
    sandbox.outcome(command.args(remove).current_dir(&world.repo.path)).fails(8);
    let stuck = closed(&world).join(stuck.strip_prefix(&world.tree).unwrap());
    fs::set_permissions(stuck, fs::Permissions::from_mode(0o755)).unwrap();
    let other = sandbox.repo("other");
    other.git(&["worktree", "add", "--quiet", world.tree.to_str().unwrap()]);
    world.repo.agentenv(&["prune"]).ok();
    assert!(world.tree.join(".git").exists());
}

/// The hidden directories beside the worktree.
fn hidden(world: &World) -> impl Iterator<Item = PathBuf> {
    let beside = fs::read_dir(world.tree.parent().unwrap()).unwrap();
    let beside = beside.map(|entry| entry.unwrap().path());
    beside.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(".agentenv-"))
}

/// Where the worktree is once it is closed.
#[track_caller]
fn closed(world: &World) -> PathBuf {
    hidden(world).next().unwrap()
}

/// Leaves something in the worktree that only a user with more rights can delete, and gives its directory.
fn undeletable(world: &World) -> PathBuf {
    let stuck = world.tree.join("node_modules/of-a-container");
    fs::create_dir_all(&stuck).unwrap();
    fs::write(stuck.join("file"), "").unwrap();
    fs::write(world.repo.path.join(".git/info/exclude"), ".env*\nnode_modules/\n").unwrap();
    fs::set_permissions(&stuck, fs::Permissions::from_mode(0o555)).unwrap();
    stuck
}

/// Runs what follows as a user whom permissions hold back, as they do not hold back root.
fn powerless(sandbox: &Sandbox) -> std::process::Command {
    let mut command = sandbox.command("setpriv");
    if rustix::process::geteuid().is_root() {
        command.arg("--bounding-set=-dac_override,-dac_read_search,-fowner");
    }
    command.arg("--");
    command
}

/// A database that somebody renamed by hand: what it is now, only they know.
#[test]
fn a_database_that_was_renamed_by_hand_is_named_and_never_dropped() {
    let sandbox = Sandbox::new();
    let world = World::with(&sandbox, &sandbox.config());
    let (own, now) = (format!("{}_x", sandbox.id), format!("{}_precious", sandbox.id));
    let rename = |from: &str, to: &str| {
        servers().psql(&format!("ALTER DATABASE \"{from}\" RENAME TO \"{to}\""));
    };
    rename(&own, &now);
    for args in [&[][..], &["--keep"]] {
        let said = world.refuses(args, &now);
        assert!(said.stderr.contains("RENAME TO"), "{}", said.show());
    }
    // Nor does `prune` take it, whatever it finds first.
    let tree = world.tree.to_str().unwrap();
    world.repo.git(&["worktree", "remove", "--force", tree]);
    for _ in 0..2 {
        let said = world.repo.agentenv(&["prune"]).fails(8);
        assert!(said.stderr.contains(&now), "{}", said.show());
    }
    assert_eq!(sandbox.databases(), std::slice::from_ref(&now));
    rename(&now, &own);
    world.repo.agentenv(&["prune"]).ok();
    assert!(sandbox.databases().is_empty());

    for force in [&["remove", "x", "--force"][..], &["remove", "x", "--force", "--keep"]] {
        world.repo.agentenv(&["add", "x"]).ok();
        rename(&own, &now);
        let said = world.repo.agentenv(force).ok();
        assert!(said.stderr.contains(&format!("keeping database `{now}`")), "{}", said.show());
        world.repo.agentenv(&["prune", "--trash"]).ok();
        assert_eq!(sandbox.databases(), std::slice::from_ref(&now));
        servers().psql(&format!("DROP DATABASE \"{now}\""));
    }
}

#[test]
fn what_was_taken_is_named_with_its_size_and_what_stays() {
    let sandbox = Sandbox::new();
    let world = World::with(&sandbox, &sandbox.config());
    let database = format!("database `{}_x` (", sandbox.id);
    fs::write(world.tree.join("work"), "").unwrap();
    let dry = world.repo.agentenv(&["remove", "x", "--dry-run"]).ok();
    let refused = "would be refused: cannot remove `x`: this would be lost";
    for fact in [&database, "redis index", "branch `x` stays", "?? work", refused, "--force"] {
        assert!(dry.stdout.contains(fact), "{fact}: {}", dry.show());
    }
    fs::remove_file(world.tree.join("work")).unwrap();
    let dry = world.repo.agentenv(&["remove", "x", "-D", "--dry-run", "--json"]).ok().json();
    assert!(dry["removed"][0]["services"][0]["bytes"].as_u64() > Some(1_000_000), "{dry}");
    assert!(dry["removed"][0].get("refusal").is_none(), "{dry}");
    let said = world.repo.agentenv(&["remove", "x"]).ok();
    for fact in ["removed environment `x`: ", &database, "redis index", "branch `x` stays"] {
        assert!(said.stderr.contains(fact), "{fact}: {}", said.show());
    }
    world.repo.agentenv(&["add", "x"]).ok();
    let said = world.repo.agentenv(&["remove", "x", "--delete-branch"]).ok();
    assert!(said.stderr.contains("branch `x` is deleted"), "{}", said.show());
}

#[test]
fn what_the_main_checkout_has_as_well_is_no_loss_and_what_was_changed_is_named() {
    let sandbox = Sandbox::new();
    let world = World::small(&sandbox);
    let ignored = ".env*\n/secrets/\n/venv/\n*.sqlite3\n";
    fs::write(world.repo.path.join(".git/info/exclude"), ignored).unwrap();
    let files = [(".env", "A=1\n"), ("secrets/a", "a"), ("secrets/b", "b"), ("notes", "mine\n")];
    let fill = || {
        for checkout in [&world.repo.path, &world.tree] {
            fs::create_dir_all(checkout.join("secrets")).unwrap();
            files.iter().for_each(|(file, text)| fs::write(checkout.join(file), text).unwrap());
        }
        // The pattern matches directories only, so that git takes the link for work.
        fs::create_dir_all(world.repo.path.join("venv")).unwrap();
        std::os::unix::fs::symlink(world.repo.path.join("venv"), world.tree.join("venv")).unwrap();
    };
    fill();
    for changed in [".env", "secrets/b", "notes"] {
        fs::write(world.tree.join(changed), "other").unwrap();
        let said = world.refuses(&[], changed);
        assert!(!said.stderr.contains("secrets/a"), "{}", said.show());
        assert!(!said.stderr.contains("venv"), "{}", said.show());
        fs::copy(world.repo.path.join(changed), world.tree.join(changed)).unwrap();
    }
    let dry = world.repo.agentenv(&["remove", "x", "--dry-run", "--json"]).ok().json();
    assert_eq!(dry["removed"][0]["losses"], serde_json::json!([]));
    world.repo.agentenv(&["remove", "x"]).ok();
    assert!(world.repo.path.join("venv").is_dir() && world.repo.path.join("secrets/a").exists());

    // The main checkout has only a link to it.
    world.repo.agentenv(&["add", "x"]).ok();
    fs::write(world.tree.join(".env"), "A=1\n").unwrap();
    fs::remove_file(world.repo.path.join(".env")).unwrap();
    let link = world.repo.path.join(".env");
    std::os::unix::fs::symlink(world.tree.join(".env"), link).unwrap();
    world.refuses(&[], ".env");
}

#[test]
fn what_a_killed_removal_has_closed_is_used_by_no_command_until_it_is_open_again() {
    let sandbox = Sandbox::new();
    let world = World::small(&sandbox);
    let file = world.tree.join("x.sqlite3");
    let sql = |sql: &str| {
        let mut sqlite = sandbox.command("sqlite3");
        sandbox.outcome(sqlite.arg(&file).arg(sql)).ok().stdout
    };
    sql("CREATE TABLE t AS SELECT 7");
    world.repo.killed(&["remove", "x", "--force"], "worktree-closed");
    for args in [
        &["adopt", "x"][..],
        &["path", "x"],
        &["db", "reset", "x"],
        &["db", "copy", "x"],
        &["db", "snapshot", "save", "s", "x"],
    ] {
        let refused = world.repo.agentenv(args).fails(7);
        assert!(refused.stderr.contains("`x` is not a complete environment"), "{}", refused.show());
    }
    world.repo.agentenv(&["run", "x", "--", "true"]).fails(125);
    let pruned = world.repo.agentenv(&["prune", "--dry-run"]).ok();
    assert!(pruned.stdout.starts_with("would reopen x: "), "{}", pruned.show());
    let pruned = world.repo.agentenv(&["prune"]).ok();
    assert!(pruned.stdout.starts_with("reopened x: "), "{}", pruned.show());
    assert_eq!(sql("SELECT * FROM t"), "7\n");
    world.repo.agentenv(&["db", "reset", "x"]).ok();
    // Without its directory there is nothing that could be emptied.
    fs::remove_dir_all(&world.tree).unwrap();
    world.repo.agentenv(&["db", "reset", "x"]).fails(4);
}

#[test]
fn said_twice_it_means_no_other_environment() {
    let sandbox = Sandbox::new();
    let world = World::small(&sandbox);
    let repo = &world.repo;
    repo.agentenv(&["add", "feature-x"]).ok();
    repo.agentenv(&["remove", "feature-x"]).ok();
    let other = repo.agentenv(&["add", "feature/x", "--json"]).ok().json();
    assert_eq!(other["name"], "feature-x");
    for command in [&["remove", "feature-x"][..], &["remove", "feature-x", "--force"]] {
        let refused = repo.agentenv(command).fails(7);
        let says =
            "branch `feature-x` has no environment, and that of branch `feature/x` has its name";
        assert!(refused.stderr.contains(says), "{}", refused.show());
    }
    let path = other["path"].as_str().unwrap();
    // A commit that is checked out in it by now makes it no environment without a branch.
    repo.git(&["-C", path, "checkout", "--quiet", "--detach"]);
    let refused = repo.agentenv(&["remove", "feature-x"]).fails(7);
    assert!(refused.stderr.contains(&format!("name its path: {path}")), "{}", refused.show());
    repo.agentenv(&["remove", path]).ok();

    // One that was made without a branch is meant by its name.
    let detached = ["add", "--detach", "--path", "../feature-x", "--from", "feature-x", "--json"];
    let named = repo.agentenv(&detached).ok().json();
    assert_eq!(named["name"], "feature-x");
    repo.agentenv(&["remove", "feature-x"]).ok();

    // One that was made for the branch is meant, whatever is checked out in it by now.
    world.git(&["checkout", "--quiet", "--detach"]);
    repo.agentenv(&["remove", "x"]).ok();
}
