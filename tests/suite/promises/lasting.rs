//! A machine that loses power: a record is on the disk before what it records is done, what was deleted before its record goes.

use super::blackbox;
use crate::common::{Repo, Sandbox};
use std::fs;

/// Calls that move or remove something, and those that make it last.
const CALLS: &str = "fsync,rename,renameat2,unlink";

/// The calls of a command in their order.
struct Trace(Vec<String>);

impl Trace {
    fn of(sandbox: &Sandbox, repo: &Repo<'_>, args: &[&str]) -> Self {
        let log = sandbox.root.join("home/calls");
        let options = ["-f", "-y", "-s", "500", "-o", log.to_str().unwrap()];
        sandbox.outcome(&mut blackbox::strace(sandbox, repo, CALLS, &options, args)).ok();
        let text = fs::read_to_string(log).unwrap();
        Trace(text.lines().filter(|line| !line.contains(" resumed>")).map(str::to_owned).collect())
    }

    /// The places of the calls with all of these words.
    fn all(&self, words: &[&str]) -> Vec<usize> {
        let has = |call: &&String| words.iter().all(|word| call.contains(word));
        (0..self.0.len()).filter(|&at| has(&&self.0[at])).collect()
    }

    /// The places of the syncs of a directory.
    fn syncs(&self, dir: &str) -> Vec<usize> {
        self.all(&["fsync(", &format!("<{dir}>")])
    }

    /// Fails unless a sync of this directory is between the last of some calls and the first of others.
    #[track_caller]
    fn lasts(&self, dir: &str, before: &[usize], after: &[usize]) {
        let (last, first) = (before.last().copied().unwrap(), after[0]);
        let is_between = |at: &usize| (last..first).contains(at);
        assert!(self.syncs(dir).iter().any(is_between), "{dir}, {last}, {first}: {:#?}", self.0);
    }
}

#[test]
fn each_record_lasts_before_what_it_says_and_several_environments_wait_for_that_once() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    let root = sandbox.root.to_str().unwrap();
    let [leases, records] =
        ["state/leases", "app/.git/worktrees"].map(|dir| format!("{root}/{dir}"));
    let envs = ["a", "b", "c"];

    let add = Trace::of(&sandbox, &repo, &[&["add"], &envs[..]].concat());
    let written = add.all(&["rename(", "/state/leases/"]);
    let (creating, ready) = written.split_at(envs.len());
    add.lasts(&leases, creating, &add.all(&["rename", "/refs/heads/"]));
    for env in envs {
        let tree = format!("{root}/app-{env}");
        let file = add.all(&["rename(", &format!("{tree}/.env.worktree\"")]);
        add.lasts(&tree, &file, &ready[2..]);
        let admin = format!("{records}/app-{env}");
        let marked = add.all(&["rename(", &format!("{admin}/agentenv\"")]);
        add.lasts(&admin, &marked, &add.all(&["unlink(", &format!("{admin}/locked\"")]));
    }
    // Each is ready when it is.
    assert_eq!(add.syncs(&leases).len(), 1 + envs.len(), "{:#?}", add.0);

    let remove = Trace::of(&sandbox, &repo, &[&["remove"], &envs[..]].concat());
    let written = remove.all(&["rename(", "/state/leases/"]);
    let (closing, removing) = written.split_at(envs.len());
    let closed = remove.all(&["renameat2(", "/.agentenv-trash-"]);
    let taken = remove.all(&["renameat2(", "/agentenv-trash/"]);
    let forgotten = remove.all(&["unlink(", "/state/leases/"]);
    for each in [closing, removing, &closed, &taken, &forgotten] {
        assert_eq!(each.len(), envs.len(), "{:#?}", remove.0);
    }
    remove.lasts(&leases, closing, &closed);
    remove.lasts(root, &closed, removing);
    remove.lasts(&leases, removing, &taken);
    remove.lasts(&records, &taken, &forgotten);
    remove.lasts(root, &taken, &forgotten);
    assert_eq!([&leases, &records].map(|dir| remove.syncs(dir).len()), [2, 1], "{:#?}", remove.0);
    assert_eq!(remove.syncs(root).len(), 2, "{:#?}", remove.0);
}
