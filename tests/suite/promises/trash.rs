//! What goes to the trash comes back whole, byte by byte, whatever happens meanwhile; and it leaves in its time.

use crate::common::{Outcome, Repo, Sandbox, Talk, pairs, servers, wait_until};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Points on the way to the trash.
pub const KEEP: [&str; 10] = [
    "file-replaced",
    "trash-recorded",
    "keeping",
    "trash-held",
    "admin-kept",
    "worktree-kept",
    "database-kept",
    "index-kept",
    "branch-deleted",
    "kept",
];

/// Points on the way back.
pub const RESTORE: [&str; 11] = [
    "file-replaced",
    "restore-recorded",
    "restoring",
    "database-back",
    "index-back",
    "branch-back",
    "worktree-back",
    "admin-back",
    "env-written",
    "restored",
    "restore-forgotten",
];

/// Points on the way out.
pub const DELETE: [&str; 4] =
    ["trash-deleting", "trash-parts-deleted", "trash-files-deleted", "trash-forgotten"];

const BRANCH: &str = "feature/it's-\"x\"";
const KEEPS: [&str; 5] = ["remove", BRANCH, "--keep", "--force", "--delete-branch"];

#[test]
fn everything_comes_back_as_it_was() {
    let sandbox = Sandbox::new();
    let world = World::new(&sandbox);
    world.fill();
    let before = world.whole();
    let said = world.repo.agentenv(&KEEPS).ok();
    let last = said.stderr.lines().last().unwrap();
    assert!(last.ends_with("git agentenv restore 'feature/it'\\''s-\"x\"'"), "{}", said.show());
    assert!(!world.tree.exists());
    assert_eq!(sandbox.databases(), Vec::<String>::new());
    assert_eq!(servers().redis(world.index(), &["DBSIZE"]), "0");
    assert_eq!(
        world.repo.git(&["worktree", "list", "--porcelain"]).matches("worktree ").count(),
        1
    );
    assert_eq!(world.repo.git(&["branch", "--list", BRANCH]), "");

    world.repo.git(&["worktree", "prune", "--expire=now"]);
    world.repo.git(&["reflog", "expire", "--expire=now", "--all"]);
    world.repo.git(&["gc", "--quiet", "--prune=now"]);
    world.repo.git(&["fsck", "--strict"]);
    let said = world.repo.agentenv(&["prune"]).ok();
    assert_eq!(said.stdout, "nothing to prune\n");
    let listed = world.repo.agentenv(&["restore", "--list", "--json"]).ok().json();
    assert_eq!(listed["trash"][0]["branch"], BRANCH);
    assert!(listed["trash"][0]["size_bytes"].as_u64().unwrap() > 1_000_000, "{listed}");
    let said = world.repo.agentenv(&["doctor"]);
    assert!(said.stdout.contains("trash: 1 environment, "), "{}", said.show());

    let said = world.repo.agentenv(&["restore", BRANCH]).ok();
    assert_eq!(said.stdout.trim_end(), world.tree.to_str().unwrap());
    same(&before, &world.whole(), "restored");
    assert_eq!(
        world.repo.agentenv(&["list", "--json"]).ok().json()["environments"][0]["state"],
        "ready"
    );
    assert_eq!(
        world.repo.git(&["config", &format!("branch.{BRANCH}.description")]),
        "what it is for"
    );
    assert_eq!(world.repo.git(&["for-each-ref", "refs/agentenv"]), "");
    assert!(!sandbox.root.join("state/trash").exists());
    assert!(!world.repo.path.join(".git/agentenv-trash").exists());
    world.git(&["fsck", "--strict"]);
    world.repo.agentenv(&["restore", BRANCH]).fails(4);
}

#[test]
fn commits_of_a_detached_head_and_what_is_staged_outlive_the_rubbish_collector() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&(sandbox.config_without_servers() + "trash: { keep: 1h }\n"));
    repo.agentenv(&["add", "--detach", "--path", "../loose"]).ok();
    let world = World { sandbox: &sandbox, tree: sandbox.root.join("loose"), repo };
    world.git(&["commit", "--quiet", "--allow-empty", "-m", "amended away"]);
    let amended = world.git(&["rev-parse", "HEAD"]);
    world.git(&["commit", "--quiet", "--allow-empty", "--amend", "-m", "only here"]);
    let head = world.git(&["rev-parse", "HEAD"]);
    fs::write(world.tree.join("staged"), "staged and nowhere else\n").unwrap();
    world.git(&["add", "staged"]);
    fs::write(world.tree.join("later"), "").unwrap();
    world.git(&["add", "--intent-to-add", "later"]);
    world.git(&["update-ref", "refs/worktree/mine", &head]);
    let before = files(&world.tree);

    world.repo.agentenv(&["remove", "loose", "--force"]).ok();
    world.repo.git(&["gc", "--quiet", "--prune=now"]);
    world.repo.agentenv(&["restore", "loose"]).ok();
    same(&before, &files(&world.tree), "restored");
    assert_eq!(world.git(&["rev-parse", "HEAD"]), head);
    assert_eq!(world.git(&["cat-file", "-t", &amended]), "commit");
    assert_eq!(world.git(&["show", ":staged"]), "staged and nowhere else");
    assert_eq!(world.git(&["rev-parse", "refs/worktree/mine"]), head);
    assert_eq!(world.git(&["status", "--porcelain"]), " A later\nA  staged");
}

#[test]
fn a_conflict_in_the_middle_of_a_merge_comes_back() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["add", "x"]).ok();
    let world = World { sandbox: &sandbox, tree: sandbox.root.join("app-x"), repo };
    world.repo.commit("README", "theirs\n");
    let theirs = world.repo.git(&["rev-parse", "HEAD"]);
    fs::write(world.tree.join("README"), "ours\n").unwrap();
    world.git(&["commit", "--quiet", "--all", "-m", "ours"]);
    let mut merge = sandbox.command("git");
    sandbox.outcome(merge.args(["merge", "main"]).current_dir(&world.tree)).fails(1);
    let (before, stages) = (files(&world.tree), world.git(&["ls-files", "--unmerged"]));

    world.repo.agentenv(&["remove", "x", "--keep", "--force", "-D"]).ok();
    world.repo.git(&["reset", "--quiet", "--hard", "HEAD~"]);
    world.repo.git(&["reflog", "expire", "--expire=now", "--all"]);
    world.repo.git(&["gc", "--quiet", "--prune=now"]);
    world.repo.agentenv(&["restore", "x"]).ok();
    same(&before, &files(&world.tree), "restored");
    assert_eq!(world.git(&["ls-files", "--unmerged"]), stages);
    assert_eq!(world.git(&["rev-parse", "MERGE_HEAD"]), theirs);
    world.git(&["checkout", "--quiet", "--theirs", "README"]);
    world.git(&["commit", "--quiet", "--all", "--no-edit"]);
}

#[test]
fn slots_that_another_one_took_are_replaced_and_it_is_said() {
    let sandbox = Sandbox::new();
    let world = World::new(&sandbox);
    world.fill();
    let before = world.env();
    world.repo.agentenv(&KEEPS).ok();
    // Another environment takes port and index, a stranger the database's name.
    world.repo.agentenv(&["add", "other"]).ok();
    servers().psql(&format!("CREATE DATABASE {}", before["POSTGRES_DB"]));

    let said = world.repo.agentenv(&["restore", BRANCH, "--json"]).ok();
    let (after, answer) = (world.env(), said.json());
    for variable in ["DJANGO_PORT", "REDIS_DB", "POSTGRES_DB"] {
        assert_ne!(before[variable], after[variable], "{variable}");
        let changed = answer["changed"].as_array().unwrap();
        let one = changed.iter().find(|one| one["variable"] == variable).unwrap();
        assert_eq!(
            (&one["was"], &one["now"]),
            (&before[variable].as_str().into(), &after[variable].as_str().into())
        );
        let line = format!("{variable} was {} and is {} now", before[variable], after[variable]);
        assert!(said.stderr.contains(&line), "{line}: {}", said.show());
    }
    assert_eq!(before["COMPOSE_PROJECT_NAME"], after["COMPOSE_PROJECT_NAME"]);
    assert_eq!(servers().psql_on(&after["POSTGRES_DB"], "SELECT count(*) FROM t"), "100");
    let index: u16 = after["REDIS_DB"].parse().unwrap();
    assert_eq!(servers().redis(index, &["GET", "text"]), "value");
    world.repo.agentenv(&["db", "snapshot", "restore", "kept", BRANCH]).ok();
    let said = world.repo.agentenv(&["doctor", "--json"]).json();
    let about = |finding: &serde_json::Value| finding["what"].as_str().unwrap().contains("it-s");
    assert!(!said["findings"].as_array().unwrap().iter().any(about), "{said}");
    assert_eq!(
        servers().psql(&format!(
            "SELECT count(*) FROM pg_database WHERE datname = '{}'",
            before["POSTGRES_DB"]
        )),
        "1"
    );
}

#[test]
fn a_path_or_branch_in_use_is_refused_with_the_way_out() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&(sandbox.config_without_servers() + "trash: {}\n"));
    repo.agentenv(&["add", "x"]).ok();
    repo.agentenv(&["remove", "x"]).ok();
    let tree = sandbox.root.join("app-x");
    let refused = |named: &str, hint: &str| {
        let said = repo.agentenv(&["restore", "x"]).fails(7);
        assert!(said.stderr.contains(named) && said.stderr.contains(hint), "{}", said.show());
    };
    fs::create_dir(&tree).unwrap();
    refused("app-x exists", "mv ");
    fs::remove_dir(&tree).unwrap();

    repo.git(&["switch", "--quiet", "x"]);
    refused("branch `x` is checked out at", "switch it");
    repo.commit("more", "");
    repo.git(&["switch", "--quiet", "main"]);
    refused("branch `x` has changed since", "git branch -m x <new name>");
    repo.git(&["branch", "-m", "x", "newer"]);

    // The same branch again, and both in the trash: the newest is meant by its name, the other by its id.
    repo.agentenv(&["add", "x"]).ok();
    refused("app-x exists", "git agentenv remove x");
    fs::write(tree.join("README"), "second\n").unwrap();
    repo.agentenv(&["remove", "x", "--force", "-D"]).ok();
    let listed = repo.agentenv(&["restore", "--list", "--json"]).ok().json();
    let older = listed["trash"][1]["id"].as_str().unwrap().to_owned();
    repo.agentenv(&["restore", "x"]).ok();
    assert_eq!(fs::read_to_string(tree.join("README")).unwrap(), "second\n");
    repo.agentenv(&["remove", "x", "--force", "-D", "--no-keep"]).ok();
    repo.agentenv(&["restore", &older]).ok();
    assert_eq!(fs::read_to_string(tree.join("README")).unwrap(), "first\n");
    assert_eq!(repo.agentenv(&["restore", "--list"]).ok().stdout, "the trash is empty\n");
    let said = repo.agentenv(&["restore"]).fails(2);
    assert!(said.stderr.contains("restore --list"), "{}", said.show());
}

#[test]
fn an_admin_directory_whose_name_is_taken_gets_another() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["add", "x"]).ok();
    repo.agentenv(&["remove", "x", "--keep"]).ok();
    repo.git(&["worktree", "add", "--quiet", "-b", "y", "../elsewhere/app-x"]);
    repo.agentenv(&["restore", "x"]).ok();
    assert!(repo.path.join(".git/worktrees/app-x1").exists());
    let tree = sandbox.root.join("app-x");
    let world = World { sandbox: &sandbox, tree, repo };
    assert_eq!(world.git(&["rev-parse", "--abbrev-ref", "HEAD"]), "x");
    assert_eq!(world.git(&["status", "--porcelain"]), "");
    world.repo.agentenv(&["remove", "x"]).ok();
    assert_eq!(world.repo.git(&["-C", "../elsewhere/app-x", "status", "--porcelain"]), "");
}

#[test]
fn a_worktree_on_another_disk_stays_on_it() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let disk = tempfile::Builder::new().prefix("agentenv-").tempdir_in("/dev/shm").unwrap();
    let device = |path: &Path| fs::metadata(path).unwrap().dev();
    assert_ne!(device(disk.path()), device(&repo.path), "/dev/shm is a file system of its own");
    let place = disk.path().display();
    repo.config(&format!("worktree: \"{place}/{{name}}\"\n{}", sandbox.config_without_servers()));
    repo.agentenv(&["add", "x"]).ok();
    let tree = disk.path().join("x");
    let before = files(&tree);
    repo.agentenv(&["remove", "x", "--keep"]).ok();
    let entries = fs::read_dir(disk.path()).unwrap().count();
    assert!(!tree.exists() && entries == 1);
    repo.agentenv(&["restore", "x"]).ok();
    same(&before, &files(&tree), "restored");
    repo.agentenv(&["remove", "x", "--keep"]).ok();
    repo.agentenv(&["prune", "--trash"]).ok();
    assert_eq!(fs::read_dir(disk.path()).unwrap().count(), 0);
}

#[test]
fn a_worktree_that_cannot_be_moved_stays_whole() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["add", "x"]).ok();
    let before = repo.traces_of_files();
    // Something stands where the directory would go.
    let id = repo.agentenv(&["list", "--json"]).ok().json()["environments"][0]["lease"].clone();
    let way = repo.path.join(".git/agentenv-trash");
    fs::write(&way, "").unwrap();
    let said = repo.agentenv(&["remove", "x", "--keep"]);
    assert_ne!(said.code, 0, "{}", said.show());
    fs::remove_file(&way).unwrap();
    repo.agentenv(&["prune"]).ok();
    if repo.agentenv(&["list", "--json"]).ok().json()["environments"][0]["lease"] != id {
        repo.agentenv(&["restore", "x"]).ok();
    }
    repo.leaves_no_file_but(&before, "refused, pruned and restored");
}

#[test]
fn killed_on_its_way_to_the_trash_it_can_be_restored_all_the_same() {
    at_each(&KEEP, &KEEPS, |world, point, finish, before| {
        world.repo.killed(&KEEPS, point);
        let gone = point == "kept" && finish != ["prune"];
        let ended = world.repo.agentenv(finish);
        assert!(ended.code == 0 || gone, "{point}, then {finish:?}: {}", ended.show());
        // Where nothing was moved yet, it is an environment still.
        if world.tree.exists() {
            let when = format!("keeping killed at {point}, then {finish:?}");
            same(before, &world.whole(), &when);
            world.repo.agentenv(&KEEPS).ok();
        }
        world.repo.agentenv(&["restore", BRANCH]).ok();
    });
}

#[test]
fn killed_on_its_way_back_it_comes_back_with_the_next_command() {
    let restore = ["restore", BRANCH];
    at_each(&RESTORE, &restore, |world, point, finish, _| {
        world.repo.agentenv(&KEEPS).ok();
        world.repo.killed(&restore, point);
        let ended = world.repo.agentenv(finish);
        let is_back = ["restored", "restore-forgotten"].contains(&point) && finish != ["prune"];
        assert!(ended.code == 0 || is_back, "{point}, then {finish:?}: {}", ended.show());
        world.repo.agentenv(&["prune"]).ok();
    });
}

#[test]
fn half_way_to_the_trash_it_comes_back_whole_without_its_record() {
    at_each(&KEEP[2..], &["restore", BRANCH], |world, point, finish, _| {
        world.repo.killed(&KEEPS, point);
        world.lose_record();
        let ended = world.repo.agentenv(finish);
        assert_eq!(ended.code, 0, "{point}, then {finish:?}: {}", ended.show());
    });
}

#[test]
fn half_way_back_it_comes_back_whole_without_its_record() {
    let refused = &["remove", BRANCH, "--no-keep"];
    at_each(&RESTORE[1..9], refused, |world, point, finish, _| {
        world.repo.agentenv(&KEEPS).ok();
        world.repo.killed(&["restore", BRANCH], point);
        world.lose_record();
        let ended = world.repo.agentenv(finish);
        let code = if finish == refused { 7 } else { 0 };
        assert_eq!(ended.code, code, "{point}, then {finish:?}: {}", ended.show());
    });
}

#[test]
fn killed_on_its_way_out_prune_deletes_the_rest() {
    let sandbox = Sandbox::new();
    let world = World::bare(&sandbox);
    let before = world.repo.traces();
    for point in DELETE {
        world.repo.agentenv(&["add", BRANCH]).ok();
        world.repo.agentenv(&KEEPS).ok();
        world.repo.killed(&["prune", "--trash"], point);
        world.repo.agentenv(&["prune"]).ok();
        world.repo.leaves_nothing_but(&before, &format!("deletion killed at {point}"));
    }
}

#[test]
fn a_server_that_is_away_is_waited_for_in_both_directions() {
    let sandbox = Sandbox::new();
    let world = World::new(&sandbox);
    world.fill();
    let before = world.whole();
    let said = world.without_docker(&KEEPS).fails(8);
    assert!(said.stderr.contains("partly moved"), "{}", said.show());
    world.repo.agentenv(&["restore", BRANCH]).ok();
    same(&before, &world.whole(), "restored from half way");
    world.without_docker(&KEEPS).fails(8);
    world.repo.agentenv(&["prune"]).ok();
    let said = world.without_docker(&["restore", BRANCH]).fails(6);
    assert!(said.stderr.contains("git agentenv restore "), "{}", said.show());
    // Nor does a removal lose what is still in the trash.
    let said = world.without_docker(&["remove", BRANCH, "--force", "--no-keep"]).fails(6);
    assert!(said.stderr.contains("bringing"), "{}", said.show());
    assert_eq!(world.listed().len(), 1);
    world.repo.agentenv(&["restore", BRANCH]).ok();
    same(&before, &world.whole(), "restored");
}

#[test]
fn what_a_server_does_not_let_go_stays_whole_and_can_be_removed_for_good() {
    let sandbox = Sandbox::new();
    let world = World::new(&sandbox);
    world.fill();
    let before = world.whole();
    let stays = |said: Outcome, named: [&str; 2]| {
        for named in named {
            assert!(said.stderr.contains(named), "{named}: {}", said.show());
        }
        same(&before, &world.whole(), named[0]);
        let listed = world.repo.agentenv(&["list", "--json"]).ok().json();
        assert_eq!(listed["environments"][0]["state"], "ready", "{}", named[0]);
        assert_eq!(world.repo.git(&["for-each-ref", "refs/agentenv"]), "");
        assert!(!sandbox.root.join("state/trash").exists(), "{}", named[0]);
        assert!(!world.repo.path.join(".git/agentenv-trash").exists(), "{}", named[0]);
    };
    let index = world.index();
    let names: Vec<String> = (0..70).map(|number| format!("large:{number}")).collect();
    // Bytes that DUMP cannot compress; little by little, for others use the server.
    let large = "redis.call('SELECT', ARGV[1]) local t = {}
for i = 1, 10000 do t[i] = string.char(math.random(0, 255)) end
redis.call('SET', ARGV[2], string.rep(table.concat(t), 100))";
    for name in &names {
        servers().redis(0, &["EVAL", large, "0", &index.to_string(), name]);
    }
    let said = world.repo.agentenv(&KEEPS).fails(7);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    servers().redis(index, &[&["DEL"], &names[..]].concat());
    stays(said, ["holds more than", "--no-keep"]);

    // Half way already, when a client connects to what is left.
    let database = world.env()["POSTGRES_DB"].clone();
    world.without_docker(&KEEPS).fails(8);
    assert!(!world.tree.exists());
    let client = Talk::with(&database, "SELECT 'here';");
    let said = world.repo.agentenv(&["prune"]).fails(8);
    drop(client);
    stays(said, ["is in use by", "stays as it was"]);

    world.without_docker(&KEEPS).fails(8);
    world.repo.agentenv(&["remove", BRANCH, "--no-keep", "--force", "-D"]).ok();
    assert_eq!(sandbox.databases(), Vec::<String>::new());
    assert_eq!(servers().redis(index, &["DBSIZE"]), "0");
    assert_eq!(world.repo.git(&["for-each-ref", "refs/agentenv"]), "");
    assert!(!world.tree.exists() && !sandbox.root.join("state/trash").exists());
    assert!(!world.repo.path.join(".git/agentenv-trash").exists());
}

#[test]
fn what_is_old_or_too_much_is_deleted_and_nothing_else() {
    let sandbox = Sandbox::new();
    let world = World::bare(&sandbox);
    let trash = "trash: { keep: 2h, limit: 35MB }\n";
    world.repo.config(&(sandbox.config() + trash));
    let before = world.repo.traces();
    for name in ["one", "two"] {
        world.repo.agentenv(&["add", name]).ok();
        world.repo.agentenv(&["remove", name, "-D"]).ok();
    }
    let theirs = format!("agentenv_trash_{}_theirs", sandbox.id);
    servers().psql(&format!("CREATE DATABASE {theirs}"));
    servers().psql(&format!(
        "COMMENT ON DATABASE {theirs} IS 'git-agentenv-trash deadbeef0123456789abcdef {{}}'"
    ));
    assert_eq!(world.repo.agentenv(&["prune"]).ok().stdout, "nothing to prune\n");

    // A clock that jumps ahead, or a machine that was off, takes no more than half of its time.
    world.age("one", 1_000 * 3_600);
    assert_eq!(world.repo.agentenv(&["prune"]).ok().stdout, "nothing to prune\n");
    assert_eq!(world.listed(), ["one", "two"]);
    // An hour later.
    world.age("one", 3_600);
    let dry = world.repo.agentenv(&["prune", "--dry-run"]).ok();
    assert!(dry.stdout.contains("one") && !dry.stdout.contains("two"), "{}", dry.show());
    assert_eq!(world.listed(), ["one", "two"]);
    let pruned = world.repo.agentenv(&["prune", "--json"]).ok().json();
    assert_eq!(pruned["pruned"][0]["due"], "trash_expired", "{pruned}");
    assert_eq!(world.listed(), ["two"]);

    // Each takes the 7 MB of an empty database; the fourth goes beyond the limit, and the oldest goes at once.
    for name in ["three", "four"] {
        world.repo.agentenv(&["add", name]).ok();
        let file = fs::File::create(sandbox.root.join(format!("app-{name}/big.log"))).unwrap();
        write_bytes(&file, 8 << 20);
        world.repo.agentenv(&["remove", name, "-D", "--force"]).ok();
    }
    wait_until("the oldest is deleted in the background", || world.listed() == ["four", "three"]);
    world.repo.agentenv(&["prune", "--trash"]).ok();
    wait_until("the trash is empty", || world.listed().is_empty());
    assert_eq!(
        servers().psql(&format!("SELECT count(*) FROM pg_database WHERE datname = '{theirs}'")),
        "1"
    );
    servers().psql(&format!("DROP DATABASE {theirs}"));
    world.repo.leaves_nothing_but(&before, "the trash was emptied");
}

#[test]
fn the_menu_and_the_completion_know_what_is_in_the_trash() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["add", "x"]).ok();
    repo.agentenv(&["remove", "x", "--keep"]).ok();
    let mut complete = sandbox.command(env!("CARGO_BIN_EXE_git-agentenv"));
    complete.args(["--", "git-agentenv", "restore", ""]).env("GIT_AGENTENV_COMPLETE", "bash");
    let offered = sandbox.outcome(complete.current_dir(&repo.path)).ok();
    assert!(offered.stdout.starts_with("x\tremoved 2"), "{}", offered.show());
    let near = repo.agentenv(&["restore", "xx"]).fails(4);
    assert!(near.stderr.contains("did you mean `x`?"), "{}", near.show());
}

/// A repository with an environment of an odd name.
struct World<'a> {
    sandbox: &'a Sandbox,
    repo: Repo<'a>,
    tree: PathBuf,
}

impl<'a> World<'a> {
    fn bare(sandbox: &'a Sandbox) -> Self {
        Self::configured(sandbox, sandbox.config())
    }

    fn configured(sandbox: &'a Sandbox, config: String) -> Self {
        let repo = sandbox.repo("app");
        repo.config(&(config + "hooks: { post_add: [\"echo ran >>../hooks.log\"] }\n"));
        repo.agentenv(&["trust", "--yes"]).ok();
        fs::write(sandbox.root.join("hooks.log"), "").unwrap();
        World { sandbox, repo, tree: PathBuf::new() }
    }

    fn new(sandbox: &'a Sandbox) -> Self {
        Self::configured(sandbox, sandbox.config_in_container()).with_environment()
    }

    fn with_environment(self) -> Self {
        let added = self.repo.agentenv(&["add", BRANCH, "--json"]).ok().json();
        World { tree: PathBuf::from(added["path"].as_str().unwrap()), ..self }
    }

    #[track_caller]
    fn git(&self, args: &[&str]) -> String {
        let mut command = self.sandbox.command("git");
        let said = self.sandbox.outcome(command.args(args).current_dir(&self.tree)).ok();
        said.stdout.trim_end().to_owned()
    }

    /// With an engine that is not there.
    fn without_docker(&self, args: &[&str]) -> Outcome {
        self.sandbox.outcome(self.repo.command(args).env("DOCKER_HOST", "unix:///nowhere.sock"))
    }

    fn env(&self) -> BTreeMap<String, String> {
        let text = fs::read_to_string(self.tree.join(".env.worktree")).unwrap();
        let pair = |line: &str| line.split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned()));
        text.lines().filter_map(pair).collect()
    }

    fn index(&self) -> u16 {
        *self.sandbox.indexes().start()
    }

    /// Work of every kind: committed, staged, changed, untracked, ignored; rows, a snapshot, keys.
    fn fill(&self) {
        let tree = &self.tree;
        let write = |name: &str, text: &str| fs::write(tree.join(name), text).unwrap();
        write("committed", "only on this branch\n");
        self.git(&["add", "committed"]);
        self.git(&["commit", "--quiet", "-m", "only here"]);
        self.git(&["config", &format!("branch.{BRANCH}.description"), "what it is for"]);
        write("staged", "staged\n");
        self.git(&["add", "staged"]);
        write("staged", "staged and changed\n");
        write("untracked \"ü\"\n$x", "untracked\n");
        write("README", "changed\n");
        fs::write(self.repo.path.join(".git/info/exclude"), "ignored/\n.env*\n").unwrap();
        fs::create_dir_all(tree.join("ignored/deep")).unwrap();
        write("ignored/deep/secret", "secret\n");
        fs::set_permissions(tree.join("ignored/deep/secret"), fs::Permissions::from_mode(0o640))
            .unwrap();
        std::os::unix::fs::symlink("/nowhere", tree.join("link")).unwrap();
        let old = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
        fs::File::open(tree.join("README")).unwrap().set_times(old).unwrap();
        let database = &self.env()["POSTGRES_DB"];
        servers().psql_on(database, "CREATE TABLE t AS SELECT n, md5(n::text) AS \"q'uo\"\"te\" FROM generate_series(1, 100) n");
        self.repo.agentenv(&["db", "snapshot", "save", "kept", BRANCH]).ok();
        let redis = |args: &[&str]| servers().redis(self.index(), args);
        redis(&["SET", "text", "value"]);
        redis(&["SET", "session", "x", "PX", "10000000"]);
        redis(&["HSET", "hash \"ü\"\n", "f", "v"]);
    }

    /// All of it.
    fn whole(&self) -> BTreeMap<String, String> {
        let mut whole = files(&self.tree);
        let database = &self.env()["POSTGRES_DB"];
        let rows = servers().psql_on(
            database,
            "SELECT coalesce(string_agg(t::text, ';'), '') FROM (SELECT to_regclass('t')) r(t)",
        );
        whole.insert("rows".to_owned(), rows);
        if whole["rows"] == "t" {
            let rows =
                servers().psql_on(database, "SELECT string_agg(t::text, ';' ORDER BY n) FROM t");
            whole.insert("rows".to_owned(), rows);
        }
        let snapshots = self.repo.agentenv(&["db", "snapshot", "list", BRANCH]).ok().stdout;
        whole.insert("snapshots".to_owned(), snapshots);
        let index = self.index();
        let redis = |args: &[&str]| servers().redis(index, args);
        for key in ["text", "session", "hash \"ü\"\n", "git-agentenv:owner"] {
            whole.insert(format!("key {key}"), redis(&["DUMP", key]));
        }
        let left: i64 = redis(&["PTTL", "session"]).parse().unwrap();
        let is_right = left == -2 || (9_000_000..=10_000_000).contains(&left);
        whole.insert("session has its time".to_owned(), is_right.to_string());
        whole.insert("keys".to_owned(), redis(&["DBSIZE"]));
        whole.insert("branch".to_owned(), self.git(&["log", "--format=%H %D", "-1"]));
        let hooks = fs::read_to_string(self.sandbox.root.join("hooks.log")).unwrap_or_default();
        whole.insert("hooks".to_owned(), hooks);
        whole
    }

    /// The names of what is in the trash, in alphabetical order.
    fn listed(&self) -> Vec<String> {
        let listed = self.repo.agentenv(&["restore", "--list", "--json"]).ok().json();
        let names = listed["trash"].as_array().unwrap().iter();
        let names: BTreeSet<_> =
            names.map(|one| one["name"].as_str().unwrap().to_owned()).collect();
        names.into_iter().collect()
    }

    /// Deletes the one record in the trash, but not the keys beside it.
    fn lose_record(&self) {
        for dir in fs::read_dir(self.sandbox.root.join("state/trash")).unwrap() {
            fs::remove_file(dir.unwrap().path().join("record.yaml")).unwrap();
        }
    }

    /// Makes it so many seconds older.
    fn age(&self, name: &str, seconds: u64) {
        for dir in fs::read_dir(self.sandbox.root.join("state/trash")).unwrap() {
            let file = dir.unwrap().path().join("record.yaml");
            let text = fs::read_to_string(&file).unwrap();
            if !text.contains(&format!("name: {name}\n")) {
                continue;
            }
            let older = |line: &str| {
                let moment = ["removed_at: ", "  at: "]
                    .into_iter()
                    .find_map(|key| Some((key, line.strip_prefix(key)?.parse::<u64>().ok()?)));
                match moment {
                    Some((key, at)) => format!("{key}{}\n", at - seconds),
                    None => format!("{line}\n"),
                }
            };
            fs::write(&file, text.lines().map(older).collect::<String>()).unwrap();
        }
    }
}

/// Strikes each point in an environment that is compared before and after. What finishes is `prune` and the command again,
/// by turns; in a full sweep both.
fn at_each(
    points: &[&str],
    again: &[&str],
    check: impl Fn(&World<'_>, &str, &[&str], &BTreeMap<String, String>),
) {
    let sandbox = Sandbox::new();
    let world = World::configured(&sandbox, sandbox.config()).with_environment();
    world.fill();
    let before = world.whole();
    for (point, second) in pairs(points) {
        let finish = if second { again } else { &["prune"] };
        check(&world, point, finish, &before);
        same(&before, &world.whole(), &format!("killed at {point}"));
    }
    world.repo.agentenv(&["remove", BRANCH, "--force", "-D"]).ok();
    assert_eq!(sandbox.databases(), Vec::<String>::new());
    assert_eq!(world.repo.git(&["for-each-ref", "refs/agentenv"]), "");
}

/// Every file of a worktree with type, mode, time and content, and its index and HEAD.
fn files(tree: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    collect(tree, tree, &mut found);
    let pointer = fs::read_to_string(tree.join(".git")).unwrap();
    let admin = PathBuf::from(pointer.trim().strip_prefix("gitdir: ").unwrap());
    for file in ["HEAD", "index", "logs/HEAD", "gitdir", "commondir"] {
        let content = fs::read(admin.join(file)).unwrap_or_default();
        found.insert(format!("admin {file}"), content.escape_ascii().to_string());
    }
    found
}

fn collect(root: &Path, dir: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        let meta = fs::symlink_metadata(&entry).unwrap();
        let content = if meta.is_dir() {
            collect(root, &entry, found);
            String::new()
        } else if meta.is_symlink() {
            fs::read_link(&entry).unwrap().display().to_string()
        } else {
            fs::read(&entry).unwrap().escape_ascii().to_string()
        };
        let name = entry.strip_prefix(root).unwrap().display().to_string();
        let facts = format!("{:o} {}.{} {content}", meta.mode(), meta.mtime(), meta.mtime_nsec());
        found.insert(name, facts);
    }
}

#[track_caller]
fn same(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>, when: &str) {
    for (name, was) in before {
        assert_eq!(Some(was), after.get(name), "{when}: {name:?}");
    }
    let more: Vec<_> = after.keys().filter(|name| !before.contains_key(*name)).collect();
    assert!(more.is_empty(), "{when}: {more:?}");
}

/// Writes bytes that take room.
fn write_bytes(mut file: &fs::File, bytes: usize) {
    use std::io::Write;
    file.write_all(&vec![7; bytes]).unwrap();
}
