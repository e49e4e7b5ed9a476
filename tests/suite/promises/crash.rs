//! Killed, failed or interrupted at every named point of the program, nothing is left behind, and nothing
//! foreign is touched.

use super::{crash_data, trash};
use crate::common::{Outcome, Repo, Sandbox, pairs, servers, wait_until};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Points on the way of `add` until it is an environment.
const ADD: [&str; 21] = [
    "before-lease",
    "file-replaced",
    "lease-written",
    "branch-created",
    "branch-tracked",
    "worktree-added",
    "worktree-marked",
    "checked-out",
    "worktree-unlocked",
    "rule-written",
    "env-written",
    "compose-written",
    "file-copied",
    "files-copied",
    "before-database",
    "copy-filled",
    "database-made",
    "before-index",
    "index-made",
    "before-ready",
    "ready",
];

/// Points at which it is an environment already, for `add`, and still is one, for `remove`.
const WHOLE: [&str; 2] = ["before-hook", "hook-run"];

/// Points of `adopt`; the promise about lost leases strikes them.
const ADOPT: [&str; 1] = ["lease-restored"];

/// Points of `move`.
const MOVE: [&str; 3] = ["worktree-moved", "env-written", "file-replaced"];

/// Points of `rename`, beside those of writing its files.
const RENAME: [&str; 5] =
    ["branch-renamed", "worktree-moved", "compose-written", "env-written", "file-replaced"];

/// Points of `up`; the story of processes strikes them.
const UP: [&str; 1] = ["process-started"];

/// Points of `remove` at which it is closed, and opened again by `prune`.
const CLOSE: [&str; 4] = ["file-replaced", "closing", "worktree-closed", "database-closed"];

/// Points at which it is opened again, because the last look found something.
const OPEN: [&str; 3] = ["database-opened", "worktree-opened", "opened"];

/// Points of `remove` after which it is only ever finished.
const REMOVE: [&str; 9] = [
    "removing",
    "worktree-unlinked",
    "admin-taken",
    "branch-deleted",
    "files-deleted",
    "database-released",
    "index-released",
    "before-forgotten",
    "forgotten",
];

/// Points of a service of the kind custom; its own test strikes them.
pub const CUSTOM: [&str; 3] = ["before-custom", "custom-made", "custom-released"];

/// Points of a second Redis; its own test strikes them.
pub const OVERFLOW: [&str; 4] =
    ["before-overflow", "overflow-started", "before-overflow-removed", "overflow-removed"];

/// Points at which files are left to a process of their own.
const LEAVE: [&str; 2] = ["files-postponed", "files-recorded"];

/// Points on the way back of an `add` that failed.
const UNDO: [&str; 6] = [
    "worktree-removed",
    "branch-deleted",
    "database-released",
    "index-released",
    "before-forgotten",
    "forgotten",
];

/// Points of an `add` at which several environments of one command are in different states; it has the others of [`ADD`],
/// too, and each environment comes to them as a single one does.
const SEVERAL: [&str; 6] =
    ["lease-written", "branch-created", "worktree-added", "database-made", "before-ready", "ready"];

const ADDS: [&str; 2] = ["add", "feature"];
const REMOVES: [&str; 3] = ["remove", "feature", "--delete-branch"];

#[test]
fn every_point_of_the_program_is_struck() {
    let mut found = BTreeSet::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    let struck: BTreeSet<String> = ADD
        .iter()
        .chain(&WHOLE)
        .chain(&UP)
        .chain(&ADOPT)
        .chain(&MOVE)
        .chain(&RENAME)
        .chain(&CLOSE)
        .chain(&OPEN)
        .chain(&REMOVE)
        .chain(&LEAVE)
        .chain(&CUSTOM)
        .chain(&OVERFLOW)
        .chain(&UNDO)
        .chain(&crash_data::POINTS)
        .chain(&trash::KEEP)
        .chain(&trash::RESTORE)
        .chain(&trash::DELETE)
        .chain(&crash_data::SPARES)
        .chain(&crash_data::MYSQL)
        .chain(&crash_data::MYSQL_REPLACES)
        .map(ToString::to_string)
        .collect();
    assert_eq!(found, struck);
}

#[test]
fn a_killed_add_leaves_nothing_after_prune_and_nothing_after_another_add() {
    at_each(&pairs(&ADD), |world, (point, adds_again)| {
        let before = world.repo.traces();
        world.struck(&ADDS, &format!("{point}:kill")).fails(128 + 9);
        // It is an environment at the last point, and no other can be added.
        let adds_again = adds_again && point != "ready";
        let finish = if adds_again { &ADDS[..] } else { &["prune"] };
        world.repo.agentenv(finish).ok();
        if adds_again || point == "ready" {
            world.is_whole(&before);
            world.repo.agentenv(&REMOVES).ok();
        }
        world.prune_leaves_nothing_but(&before, &format!("add killed at {point}, then {finish:?}"));
    });
}

#[test]
fn an_add_that_fails_or_is_interrupted_leaves_nothing_at_once() {
    at_each_in_container(&pairs(&ADD), |world, (point, interrupted)| {
        let before = world.repo.traces();
        if interrupted {
            world.interrupted(&ADDS, point).fails(130);
        } else {
            let failed = world.struck(&ADDS, &format!("{point}:error"));
            assert!(failed.stderr.contains("fault injected at"), "{}", failed.show());
            failed.fails(1);
        }
        let how = if interrupted { "interrupted" } else { "failed" };
        world.repo.leaves_nothing_but(&before, &format!("add {how} at {point}"));
    });
}

#[test]
fn a_killed_add_of_several_leaves_nothing_after_prune() {
    at_each(&SEVERAL, |world, point| {
        let before = world.repo.traces();
        let adds = ["add", "feature", "second", "third"];
        world.struck(&adds, &format!("{point}:kill")).fails(128 + 9);
        world.repo.agentenv(&["prune"]).ok();
        if point == "ready" {
            // Who was faster is an environment already.
            let all = world.repo.agentenv(&["list", "--json"]).ok().json();
            for one in all["environments"].as_array().unwrap() {
                let name = one["name"].as_str().unwrap();
                if name != "other" {
                    world.repo.agentenv(&["remove", name, "-D"]).ok();
                }
            }
        }
        world.repo.leaves_nothing_but(&before, &format!("add of several killed at {point}"));
        if point != "ready" {
            world.interrupted(&adds, point).fails(130);
            let when = format!("add of several interrupted at {point}");
            world.repo.leaves_nothing_but(&before, &when);
        }
    });
}

#[test]
fn an_add_that_is_killed_while_it_undoes_leaves_nothing_after_prune() {
    at_each(&UNDO, |world, point| {
        let before = world.repo.traces();
        let fault = format!("before-ready:error,{point}:kill");
        world.struck(&ADDS, &fault).fails(128 + 9);
        world.prune_leaves_nothing_but(&before, &format!("undoing killed at {point}, pruned"));
        let fault = format!("before-ready:error,{point}:error");
        world.struck(&ADDS, &fault);
        world.prune_leaves_nothing_but(&before, &format!("undoing failed at {point}, pruned"));
    });
}

#[test]
fn a_killed_remove_leaves_nothing_after_prune_and_nothing_after_another_remove() {
    at_each(&pairs(&REMOVE), |world, (point, removes_again)| {
        let before = world.repo.traces();
        world.repo.agentenv(&ADDS).ok();
        world.struck(&REMOVES, &format!("{point}:kill")).fails(128 + 9);
        let finish = if removes_again { &REMOVES[..] } else { &["prune"] };
        let gone = point == "forgotten" && removes_again;
        world.repo.agentenv(finish).fails(if gone { 4 } else { 0 });
        let when = format!("remove killed at {point}, then {finish:?}");
        world.repo.leaves_nothing_but(&before, &when);
    });
}

#[test]
fn a_remove_that_fails_or_is_interrupted_is_finished_by_prune() {
    at_each_in_container(&pairs(&REMOVE), |world, (point, interrupted)| {
        let before = world.repo.traces();
        world.repo.agentenv(&ADDS).ok();
        if interrupted {
            world.interrupted(&REMOVES, point).fails(130);
        } else {
            world.struck(&REMOVES, &format!("{point}:error"));
        }
        let how = if interrupted { "interrupted" } else { "failed" };
        world.prune_leaves_nothing_but(&before, &format!("remove {how} at {point}, pruned"));
    });
}

#[test]
fn an_environment_that_was_closed_is_opened_again() {
    at_each(&CLOSE, |world, point| {
        let before = world.repo.traces();
        world.repo.agentenv(&ADDS).ok();
        let whole = world.repo.traces();
        let opens = |world: &World<'_>, how: &str| {
            world.repo.leaves_nothing_but(&whole, &format!("remove {how} at {point}, pruned"));
            world.is_whole(&before);
            world.is_open();
        };
        world.struck(&REMOVES, &format!("{point}:kill")).fails(128 + 9);
        world.repo.agentenv(&["prune"]).ok();
        opens(world, "killed");
        if point != "file-replaced" {
            world.struck(&REMOVES, &format!("{point}:error")).fails(1);
            opens(world, "failed");
            world.interrupted(&REMOVES, point).fails(130);
            opens(world, "interrupted");
        }
        world.struck(&REMOVES, &format!("{point}:kill")).fails(128 + 9);
        world.repo.agentenv(&REMOVES).ok();
        world.repo.leaves_nothing_but(&before, &format!("remove killed at {point}, removed"));
    });
}

#[test]
fn one_that_is_killed_while_it_is_opened_again_is_opened_by_prune() {
    at_each(&OPEN, |world, point| {
        let before = world.repo.traces();
        world.repo.agentenv(&ADDS).ok();
        let whole = world.repo.traces();
        let fault = format!("database-closed:error,{point}:error");
        let said = world.struck(&REMOVES, &fault).fails(8);
        assert!(said.stderr.contains("`git agentenv prune` opens it again"), "{}", said.show());
        world.repo.agentenv(&["prune"]).ok();
        world.is_open();
        let fault = format!("database-closed:error,{point}:kill");
        world.struck(&REMOVES, &fault).fails(128 + 9);
        world.repo.agentenv(&["prune"]).ok();
        world.repo.leaves_nothing_but(&whole, &format!("opening killed at {point}, pruned"));
        world.is_open();
        world.repo.agentenv(&REMOVES).ok();
        world.repo.leaves_nothing_but(&before, &format!("opening killed at {point}, removed"));
    });
}

#[test]
fn a_killed_move_is_finished_by_the_same_command() {
    at_each(&MOVE, |world, point| {
        let before = world.repo.traces();
        world.repo.agentenv(&ADDS).ok();
        let root = &world.sandbox.root;
        fs::write(root.join("app-feature/work"), "work").unwrap();
        let file = |dir: &str, name: &str| fs::read_to_string(root.join(dir).join(name)).unwrap();
        let variables = file("app-feature", ".env.worktree");
        let lease = world.lease_of("feature");
        for (from, to) in [("app-feature", "moved"), ("moved", "app-feature")] {
            let moves = ["move", "feature", &format!("../{to}")];
            world.struck(&moves, &format!("{point}:kill")).fails(128 + 9);
            world.repo.agentenv(&["prune"]).ok();
            world.is_whole(&before);
            world.repo.agentenv(&moves).ok();
            world.is_whole(&before);
            world.is_open();
            assert!(!root.join(from).exists(), "{point}");
            assert_eq!(file(to, "work"), "work", "{point}");
            let now = file(to, ".env.worktree").replace("/moved", "/app-feature");
            assert_eq!(now, variables, "{point}");
            assert_eq!(world.lease_of("feature"), lease, "{point}");
            assert_eq!(
                world.repo.agentenv(&["path", "feature"]).ok().stdout.trim(),
                root.join(to).to_str().unwrap()
            );
        }
        world.repo.agentenv(&["remove", "feature", "-D", "--force"]).ok();
        world.repo.leaves_nothing_but(&before, &format!("move killed at {point}, removed"));
    });
}

#[test]
fn a_killed_rename_is_finished_by_the_same_command() {
    at_each(&RENAME, |world, point| {
        let before = world.repo.traces();
        world.repo.agentenv(&ADDS).ok();
        let root = &world.sandbox.root;
        fs::write(root.join("app-feature/work"), "work").unwrap();
        let lease = world.lease_of("feature");
        let rename = ["rename", "feature", "new/name"];
        world.struck(&rename, &format!("{point}:kill")).fails(128 + 9);
        world.repo.agentenv(&["prune"]).ok();
        world.is_open();
        world.repo.agentenv(&rename).ok();
        world.is_open();
        assert_eq!(world.lease_of("new/name"), lease, "{point}");
        assert!(!root.join("app-feature").exists(), "{point}");
        let file = |name: &str| fs::read_to_string(root.join("app-new-name").join(name)).unwrap();
        assert_eq!(file("work"), "work", "{point}");
        let variables = file(".env.worktree");
        assert!(variables.contains("COMPOSE_PROJECT_NAME=app-feature\n"), "{point}: {variables}");
        assert_eq!(world.repo.git(&["branch", "--list", "feature"]), "", "{point}");
        world.repo.agentenv(&["remove", "new/name", "-D", "--force"]).ok();
        world.repo.leaves_nothing_but(&before, &format!("rename killed at {point}, removed"));
    });
}

#[test]
fn a_killed_rename_is_taken_back_with_its_directory() {
    at_each(&["env-written", "worktree-moved"], |world, point| {
        let before = world.repo.traces();
        world.repo.agentenv(&ADDS).ok();
        world.struck(&["rename", "feature", "elsewhere"], &format!("{point}:kill")).fails(128 + 9);
        world.repo.agentenv(&["rename", "elsewhere", "feature"]).ok();
        world.is_open();
        assert!(world.sandbox.root.join("app-feature/.env.worktree").exists(), "{point}");
        assert!(!world.sandbox.root.join("app-elsewhere").exists(), "{point}");
        world.repo.agentenv(&REMOVES).ok();
        world.repo.leaves_nothing_but(&before, &format!("rename killed at {point}, taken back"));
    });
}

#[test]
fn files_that_a_killed_process_left_are_deleted_by_prune() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["prune"]).ok();
    let before = repo.traces_of_files();
    for fault in ["files-recorded:kill", "trash-deleting:kill", "trash-files-deleted:kill", ""] {
        repo.agentenv(&["add", "x"]).ok();
        let faults = format!("files-postponed:error,{fault}");
        let said = repo.struck(&["remove", "x", "-D"], &faults);
        said.fails(if fault.starts_with("files-recorded") { 128 + 9 } else { 0 });
        if fault.is_empty() {
            wait_until("the files are deleted", || !sandbox.root.join("state/trash").exists());
        } else {
            wait_until("the files are left", || sandbox.root.join("state/trash").exists());
            assert_eq!(repo.agentenv(&["restore", "--list"]).ok().stdout, "the trash is empty\n");
            repo.agentenv(&["prune"]).ok();
        }
        repo.leaves_no_file_but(&before, &format!("the process of the files, {fault}"));
    }
}

#[test]
fn an_environment_is_kept_whose_hooks_were_cut_short() {
    at_each(&WHOLE, |world, point| {
        let before = world.repo.traces();
        for how in ["kill", "error", "hang"] {
            let strike = |args: &[&str]| match how {
                "hang" => world.interrupted(args, point),
                how => world.struck(args, &format!("{point}:{how}")),
            };
            assert_ne!(strike(&ADDS).code, 0);
            world.repo.agentenv(&["prune"]).ok();
            world.is_whole(&before);
            let path = world.sandbox.root.join("app-feature");
            world.repo.agentenv(&["adopt", path.to_str().unwrap()]).ok();
            assert!(path.join("post.log").exists(), "adopt ran the hook again");
            assert_ne!(strike(&REMOVES).code, 0);
            world.repo.agentenv(&["prune"]).ok();
            world.is_whole(&before);
            world.repo.agentenv(&REMOVES).ok();
            world.repo.leaves_nothing_but(&before, &format!("{how} at {point}, removed"));
        }
    });
}

#[test]
fn only_a_branch_that_this_run_made_and_that_did_not_move_is_deleted() {
    let sandbox = Sandbox::new();
    in_a_world(&sandbox, &sandbox.config(), only_our_own_branches);
}

fn only_our_own_branches(world: &World<'_>) {
    world.repo.git(&["branch", "old"]);
    let before = world.repo.traces();
    for point in ["worktree-added", "checked-out", "before-ready"] {
        world.struck(&["add", "old"], &format!("{point}:kill")).fails(128 + 9);
        world.prune_leaves_nothing_but(&before, &format!("add of an old branch killed at {point}"));
    }
    world.struck(&["add", "new"], "branch-created:kill").fails(128 + 9);
    let moved = world.repo.git(&["commit-tree", "-m", "work", "HEAD^{tree}", "-p", "HEAD"]);
    world.repo.git(&["update-ref", "refs/heads/new", &moved]);
    world.repo.agentenv(&["prune"]).ok();
    assert_eq!(world.repo.git(&["rev-parse", "new"]), moved);
    world.repo.git(&["branch", "-D", "new"]);
    world.repo.leaves_nothing_but(&before, "a branch that moved");
}

#[test]
fn what_took_the_place_of_a_half_made_worktree_is_kept() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["prune"]).ok();
    let before = repo.traces_of_files();
    repo.killed(&["add", "x"], "worktree-added");
    let tree = sandbox.root.join("app-x");
    fs::remove_dir_all(&tree).unwrap();
    sandbox.repo("app-x");
    fs::remove_file(tree.join("README")).unwrap();
    repo.agentenv(&["prune"]).ok();
    assert!(tree.join(".git/HEAD").exists());
    fs::remove_dir_all(&tree).unwrap();
    repo.leaves_no_file_but(&before, "pruned beside a foreign repository");
}

/// A repository with an environment, and things of other people beside it.
struct World<'a> {
    sandbox: &'a Sandbox,
    repo: Repo<'a>,
}

fn in_a_world(sandbox: &Sandbox, config: &str, check: impl FnOnce(&World<'_>)) {
    let origin = sandbox.repo("origin");
    let hooks = "hooks: { post_add: [touch post.log], pre_remove: [touch pre.log] }\n";
    origin.commit(".gitignore", "*.log\nnode_modules/\n");
    origin.commit(".worktreeinclude", "node_modules/\n");
    let config = config.replace("kind: postgres", "kind: postgres, from: main");
    servers().psql(&format!("CREATE DATABASE {}_main", sandbox.id));
    origin.commit("compose.yml", "services: { web: { image: x, ports: ['80:80'] } }\n");
    let compose = "compose: { file: compose.yml }\n";
    origin.config(&(config + hooks + compose));
    origin.git(&["branch", "feature"]);
    let repo = origin.clone_as("app");
    fs::create_dir(repo.path.join("node_modules")).unwrap();
    fs::write(repo.path.join("node_modules/a.js"), "ignored").unwrap();
    repo.agentenv(&["trust", "--yes"]).ok();
    repo.agentenv(&["add", "other"]).ok();
    repo.git(&["worktree", "add", "--quiet", "../plain"]);
    let id = &sandbox.id;
    servers().psql(&format!("CREATE DATABASE {id}_theirs"));
    servers().psql(&format!("CREATE DATABASE {id}_marked"));
    let mark = "git-agentenv deadbeef0123456789abcdef";
    servers().psql(&format!("COMMENT ON DATABASE {id}_marked IS '{mark}'"));
    servers().redis(*sandbox.indexes().end(), &["SET", "theirs", "1"]);
    check(&World { sandbox, repo });
}

impl World<'_> {
    #[track_caller]
    fn prune_leaves_nothing_but(&self, before: &BTreeSet<String>, when: &str) {
        self.repo.agentenv(&["prune"]).ok();
        self.repo.leaves_nothing_but(before, when);
    }

    /// As if the repository were new: the rule is written again.
    fn without_rule(&self) {
        fs::write(self.repo.path.join(".git/info/exclude"), "").unwrap();
    }

    /// Fails or dies at the point.
    #[track_caller]
    fn struck(&self, args: &[&str], fault: &str) -> Outcome {
        self.without_rule();
        self.repo.struck(args, fault)
    }

    /// Hangs at the point, and is told to end there.
    #[track_caller]
    fn interrupted(&self, args: &[&str], point: &str) -> Outcome {
        self.without_rule();
        let running = self.repo.hanging(args, point);
        running.signal("TERM");
        running.outcome()
    }

    #[track_caller]
    fn lease_of(&self, branch: &str) -> String {
        let listed = self.repo.agentenv(&["list", "--json"]).ok().json();
        let rows = listed["environments"].as_array().unwrap();
        rows.iter().find(|row| row["branch"] == branch).unwrap()["lease"].to_string()
    }

    /// Its database takes connections.
    #[track_caller]
    fn is_open(&self) {
        let database = format!("{}_feature", self.sandbox.id);
        assert_eq!(servers().psql_on(&database, "SELECT 1"), "1");
    }

    /// One environment more than before, and it is ready.
    #[track_caller]
    fn is_whole(&self, before: &BTreeSet<String>) {
        let listed = self.repo.agentenv(&["list", "--json"]).ok().json();
        let states: BTreeMap<_, _> = listed["environments"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| (row["branch"].as_str().unwrap(), row["state"].as_str().unwrap()))
            .collect();
        let state = states.get("feature").copied();
        assert!(matches!(state, Some("ready" | "hooks pending")), "{states:?}");
        assert_eq!(states.get("other"), Some(&"ready"));
        let databases = |traces: &BTreeSet<String>| {
            traces.iter().filter(|trace| trace.starts_with("database ")).count()
        };
        assert_eq!(databases(&self.repo.traces()), databases(before) + 1);
    }
}

/// Tries every point in a world of their own, with the `psql` of this host. More worlds would take as long to make as the
/// points in them take, and other tests use the processors meanwhile.
fn at_each<T: Copy>(points: &[T], check: impl Fn(&World<'_>, T)) {
    tries_each(points, Sandbox::config, check);
}

/// The same with that of the server's container, where an interruption or a failure ends a `docker exec`.
fn at_each_in_container<T: Copy>(points: &[T], check: impl Fn(&World<'_>, T)) {
    tries_each(points, Sandbox::config_in_container, check);
}

fn tries_each<T: Copy>(
    points: &[T],
    config: fn(&Sandbox) -> String,
    check: impl Fn(&World<'_>, T),
) {
    let sandbox = Sandbox::new();
    in_a_world(&sandbox, &config(&sandbox), |world| {
        points.iter().for_each(|point| check(world, *point));
    });
}

fn collect(dir: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            collect(&entry, found);
            continue;
        }
        let code = fs::read_to_string(&entry).unwrap();
        let names =
            code.split("failpoint::point(\"").skip(1).filter_map(|rest| rest.split('"').next());
        found.extend(names.map(str::to_owned));
    }
}
