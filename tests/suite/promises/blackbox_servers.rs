//! As `blackbox`, with real servers: the program is killed, or told that the disk is full or broken, at calls that change
//! a file or talk to a server, in each command that works on a whole environment.
//!
//! A sample of the calls is struck, always the same one; `AGENTENV_SWEEP=full` strikes every call in every way.

use super::blackbox::{FILE_CALLS, pruned, strace, unlocked};
use crate::common::{Outcome, Repo, Sandbox, is_full_sweep, servers};
use std::fs;

/// Calls that talk to a server.
const NETWORK_CALLS: &str = "connect,sendto,sendmsg";

const FAULTS: [&str; 3] = ["signal=KILL", "error=ENOSPC", "error=EIO"];

/// How many calls of the main thread are struck.
const SAMPLE: usize = 5;

/// At these calls every thread and every child (git, docker) is struck.
const OF_ALL: [usize; 2] = [3, 14];

const REMOVE: [&str; 3] = ["remove", "x", "-D"];

#[test]
fn remove() {
    let sandbox = Sandbox::new();
    let world = World::in_container(&sandbox);
    world.strike(&REMOVE, || world.environment(), || world.is_gone("remove"));
}

#[test]
fn prune() {
    let sandbox = Sandbox::new();
    let world = World::new(&sandbox);
    let deleted = || {
        world.environment();
        fs::remove_dir_all(sandbox.root.join("app-x")).unwrap();
    };
    world.strike(&["prune"], deleted, || {
        world.branch();
        world.is_gone("prune");
    });
}

#[test]
fn adopt_of_a_worktree() {
    let sandbox = Sandbox::new();
    let world = World::in_container(&sandbox);
    let plain = || drop(world.repo.git(&["worktree", "add", "--quiet", "-b", "x", "../app-x"]));
    world.strike(&["adopt", "../app-x"], plain, || {
        let listed = world.repo.agentenv(&["list", "--json"]).ok().json();
        if listed["environments"].as_array().unwrap().is_empty() {
            world.repo.git(&["worktree", "remove", "../app-x"]);
            world.branch();
        }
        world.is_gone("adopt");
    });
}

#[test]
fn adopt_of_an_environment_whose_lease_was_lost() {
    let sandbox = Sandbox::new();
    let world = World::new(&sandbox);
    world.environment();
    let lost = || sandbox.lose_leases();
    world.strike_unpruned(&["adopt", "../app-x"], lost, || {
        unlocked(&world.repo);
        world.repo.agentenv(&["adopt", "../app-x"]).ok();
        world.holds_its_data();
    });
    world.repo.agentenv(&REMOVE).ok();
    world.is_gone("adopt");
}

#[test]
fn adopt_of_a_worktree_whose_record_git_lost() {
    let sandbox = Sandbox::new();
    let world = World::new(&sandbox);
    world.environment();
    let tree = sandbox.root.join("app-x");
    let lost = || {
        let away = tree.with_file_name("away");
        fs::rename(&tree, &away).unwrap();
        world.repo.git(&["worktree", "prune"]);
        fs::rename(&away, &tree).unwrap();
    };
    lost();
    // Its place is taken.
    world.repo.git(&["worktree", "add", "--quiet", "--detach", "../other/app-x"]);
    world.strike(&["adopt", "../app-x"], lost, || {
        world.repo.agentenv(&["adopt", "../app-x"]).ok();
        world.holds_its_data();
    });
    world.repo.git(&["worktree", "remove", "../other/app-x"]);
    fs::remove_dir(sandbox.root.join("other")).unwrap();
    world.repo.agentenv(&REMOVE).ok();
    world.is_gone("adopt");
}

#[test]
fn restore() {
    let sandbox = Sandbox::new();
    let world = World::new(&sandbox);
    world.environment();
    let kept = || drop(world.repo.agentenv(&["remove", "x", "--keep"]).ok());
    world.strike(&["restore", "x"], kept, || world.comes_back());
    world.repo.agentenv(&REMOVE).ok();
    world.is_gone("restore");
}

#[test]
fn remove_to_the_trash() {
    let sandbox = Sandbox::new();
    let world = World::new(&sandbox);
    world.environment();
    world.strike(&["remove", "x", "--keep"], || (), || world.comes_back());
    world.repo.agentenv(&REMOVE).ok();
    world.is_gone("remove --keep");
}

#[test]
fn db_reset() {
    let sandbox = Sandbox::new();
    let world = World::new(&sandbox);
    world.environment();
    let database = format!("{}_x", sandbox.id);
    let filled = || {
        servers().psql_on(&database, "CREATE TABLE IF NOT EXISTS rows AS SELECT 1 AS one");
    };
    world.strike(&["db", "reset", "--yes", "x"], filled, || {
        let tables = "SELECT count(*) FROM pg_class WHERE relname = 'rows'";
        if servers().psql_on(&database, tables) == "0" {
            let said = world.repo.agentenv(&["db", "snapshot", "list", "x"]).ok();
            let resets = said
                .stdout
                .split_whitespace()
                .filter_map(|word| word.strip_prefix("before-reset-"));
            let newest = resets.filter_map(|number| number.parse::<u32>().ok()).max();
            let newest = newest.unwrap_or_else(|| panic!("no snapshot: {}", said.show()));
            let newest = format!("before-reset-{newest}");
            world.repo.agentenv(&["db", "snapshot", "restore", &newest, "x"]).ok();
        }
        assert_eq!(servers().psql_on(&database, "SELECT one FROM rows"), "1");
    });
    world.repo.agentenv(&REMOVE).ok();
    world.is_gone("db reset");
}

/// The client could not send its question, and waits for the answer; the server waits for the question.
#[test]
fn a_client_that_waits_in_vain_is_ended() {
    let sandbox = Sandbox::new();
    let world = World::new(&sandbox);
    world.environment();
    // After the words that open a session.
    let inject = "inject=sendto:error=ENOSPC:when=3+";
    let reset = ["db", "reset", "--yes", "--no-snapshot", "x"];
    let options = ["-f", "-o", "/dev/null", "-e", inject];
    let mut command = strace(&sandbox, &world.repo, NETWORK_CALLS, &options, &reset);
    let said = sandbox.outcome(command.env("AGENTENV_TIMEOUT", "4")).fails(6);
    // Who looks whether the server works waits in vain, too.
    assert!(said.stderr.contains("did not answer within 16 s"), "{}", said.show());
    pruned(&world.repo);
    world.holds_its_data();
    world.repo.agentenv(&REMOVE).ok();
    world.is_gone("a client that waits");
}

#[test]
fn db_copy() {
    let sandbox = Sandbox::new();
    let world = World::new(&sandbox);
    world.repo.agentenv(&["add", "y"]).ok();
    world.environment();
    let [x, y] = ["x", "y"].map(|name| format!("{}_{name}", sandbox.id));
    servers().psql_on(&y, "CREATE TABLE rows AS SELECT 2 AS one");
    let own = || servers().psql_on(&x, "UPDATE rows SET one = 1").clear();
    world.strike(&["db", "copy", "--yes", "--from", "y", "x"], own, || {
        let row = servers().psql_on(&x, "SELECT one FROM rows");
        assert!(["1", "2"].contains(&row.as_str()), "{row}");
        let half = "SELECT datname FROM pg_database d WHERE datname LIKE 'agentenv\\_%' AND shobj_description(oid, 'pg_database') IS NULL";
        assert!(!servers().psql(half).contains(&sandbox.store_id().unwrap()));
    });
    world.repo.agentenv(&["remove", "x", "y", "-D"]).ok();
    world.is_gone("db copy");
}

#[test]
fn db_snapshot_restore() {
    let sandbox = Sandbox::new();
    let world = World::new(&sandbox);
    world.environment();
    world.repo.agentenv(&["db", "snapshot", "save", "one", "x"]).ok();
    let database = format!("{}_x", sandbox.id);
    let changed = || servers().psql_on(&database, "UPDATE rows SET one = 2").clear();
    let restore = ["db", "snapshot", "restore", "one", "x"];
    world.strike(&restore, changed, || {
        let row = servers().psql_on(&database, "SELECT one FROM rows");
        assert!(["1", "2"].contains(&row.as_str()), "{row}");
        world.repo.agentenv(&restore).ok();
        world.holds_its_data();
    });
    world.repo.agentenv(&REMOVE).ok();
    world.is_gone("db snapshot restore");
}

#[test]
fn emptying_the_trash() {
    let sandbox = Sandbox::new();
    let world = World::new(&sandbox);
    let kept = || {
        world.environment();
        world.repo.agentenv(&["remove", "x", "--keep", "-D"]).ok();
    };
    world.strike(&["prune", "--trash"], kept, || {
        world.repo.agentenv(&["prune", "--trash"]).ok();
        world.is_gone("prune --trash");
    });
}

struct World<'a> {
    repo: Repo<'a>,
    before: std::collections::BTreeSet<String>,
}

impl<'a> World<'a> {
    fn new(sandbox: &'a Sandbox) -> Self {
        Self::configured(sandbox, &sandbox.config())
    }

    /// Where a strike at every child hits `docker exec`, and not the client that it started.
    fn in_container(sandbox: &'a Sandbox) -> Self {
        Self::configured(sandbox, &sandbox.config_in_container())
    }

    fn configured(sandbox: &'a Sandbox, config: &str) -> Self {
        let repo = sandbox.repo("app");
        repo.config(config);
        repo.agentenv(&["add", "x"]).ok();
        repo.agentenv(&REMOVE).ok();
        let before = repo.traces();
        World { repo, before }
    }

    /// An environment with a row and a key.
    fn environment(&self) {
        let said = self.repo.agentenv(&["add", "x", "--json"]).ok().json();
        let index = said["variables"]["REDIS_DB"].as_str().unwrap().parse().unwrap();
        let database = said["variables"]["POSTGRES_DB"].as_str().unwrap();
        servers().psql_on(database, "CREATE TABLE rows AS SELECT 1 AS one");
        servers().redis(index, &["SET", "key", "value"]);
    }

    #[track_caller]
    fn holds_its_data(&self) {
        let said = self.repo.agentenv(&["env", "x", "--json"]).ok().json();
        let index = said["variables"]["REDIS_DB"].as_str().unwrap().parse().unwrap();
        let database = said["variables"]["POSTGRES_DB"].as_str().unwrap();
        assert_eq!(servers().psql_on(database, "SELECT one FROM rows"), "1");
        assert_eq!(servers().redis(index, &["GET", "key"]), "value");
    }

    /// From the trash, if it is there.
    #[track_caller]
    fn comes_back(&self) {
        let listed = self.repo.agentenv(&["list", "--json"]).ok().json();
        if listed["environments"].as_array().unwrap().is_empty() {
            self.repo.agentenv(&["restore", "x"]).ok();
        }
        self.holds_its_data();
    }

    fn branch(&self) {
        let mut delete = self.repo.sandbox.command("git");
        delete.args(["branch", "-D", "x"]).current_dir(&self.repo.path);
        self.repo.sandbox.outcome(&mut delete);
    }

    /// As before, or a whole environment that can be removed.
    #[track_caller]
    fn is_gone(&self, when: &str) {
        let listed = self.repo.agentenv(&["list", "--json"]).ok().json();
        if let Some(row) = listed["environments"].as_array().unwrap().first() {
            assert_eq!(row["state"], "ready", "{when}");
            self.repo.agentenv(&REMOVE).ok();
        }
        self.repo.leaves_nothing_but(&self.before, when);
    }

    /// Strikes a command again and again: first it is prepared, then `prune` ends what was interrupted, then it is checked.
    fn strike(&self, args: &[&str], prepare: impl Fn(), check: impl Fn()) {
        self.strike_unpruned(args, prepare, || {
            pruned(&self.repo);
            check();
        });
    }

    #[expect(clippy::print_stdout, reason = "a test that fails shows the strike")]
    fn strike_unpruned(&self, args: &[&str], prepare: impl Fn(), check: impl Fn()) {
        prepare();
        let calls = self.calls(args);
        println!("{calls} calls of {args:?}");
        check();
        for (how, fault, n) in strikes(calls) {
            prepare();
            println!("{fault} at call {n} {how:?} of {args:?}");
            let inject = format!("inject={FILE_CALLS},{NETWORK_CALLS}:{fault}:when={n}");
            self.run(&[how, &["-o", "/dev/null", "-e", &inject]].concat(), args);
            check();
        }
    }

    /// How many calls the main thread makes when nothing strikes it.
    fn calls(&self, args: &[&str]) -> usize {
        let log = self.repo.sandbox.root.join("home/calls");
        self.run(&["-o", log.to_str().unwrap()], args);
        let count = fs::read_to_string(log).unwrap().lines().count();
        assert!(count >= SAMPLE, "{count} calls");
        count
    }

    fn run(&self, options: &[&str], args: &[&str]) -> Outcome {
        let calls = format!("{FILE_CALLS},{NETWORK_CALLS}");
        let mut command = strace(self.repo.sandbox, &self.repo, &calls, options, args);
        self.repo.sandbox.outcome(command.env("AGENTENV_TIMEOUT", "10"))
    }
}

/// How each strike goes: the options of strace, the fault, the number of the call.
fn strikes(calls: usize) -> Vec<(&'static [&'static str], &'static str, usize)> {
    const MAIN: &[&str] = &[];
    const ALL: &[&str] = &["-f"];
    if is_full_sweep() {
        let main = (1..=calls).map(|n| (MAIN, n)).chain((1..=30).map(|n| (ALL, n)));
        return main.flat_map(|(how, n)| FAULTS.map(|fault| (how, fault, n))).collect();
    }
    let spread = (0..SAMPLE).map(|i| (MAIN, 1 + i * (calls - 1) / (SAMPLE - 1)));
    let all = OF_ALL.into_iter().map(|n| (ALL, n));
    let faults = FAULTS.into_iter().cycle();
    spread.chain(all).zip(faults).map(|((how, n), fault)| (how, fault, n)).collect()
}
