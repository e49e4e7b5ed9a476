//! A machine that loses power: a record is on the disk before what it records is done, what was deleted before its record goes.

use super::blackbox;
use crate::common::{Repo, Sandbox, wait_until};
use std::collections::BTreeMap;
use std::fs;

/// Calls that make, move or remove something, and those that make it last.
const CALLS: &str = "fsync,rename,renameat2,mkdir,unlink,unlinkat,rmdir";

const ENVS: [&str; 3] = ["a", "b", "c"];

/// A call of a command: its words, and the lines of the trace in which it begins and ends.
#[derive(Debug, Clone, PartialEq)]
struct Call {
    words: String,
    begin: usize,
    end: usize,
}

/// The calls of a command that succeeded, in the order in which they began.
struct Trace(Vec<Call>);

impl Trace {
    fn of(sandbox: &Sandbox, repo: &Repo<'_>, args: &[&str]) -> Self {
        let log = sandbox.root.join("home/calls");
        let options = ["-f", "-y", "-s", "500", "-o", log.to_str().unwrap()];
        sandbox.outcome(&mut blackbox::strace(sandbox, repo, CALLS, &options, args)).ok();
        Self::read(&fs::read_to_string(log).unwrap())
    }

    fn read(text: &str) -> Self {
        let (mut calls, mut unfinished) = (Vec::new(), BTreeMap::new());
        for (end, line) in text.lines().enumerate() {
            let (process, words) = line.split_once(' ').unwrap();
            let mut call = Call { words: words.to_owned(), begin: end, end };
            if words.ends_with("<unfinished ...>") {
                unfinished.insert(process, call);
                continue;
            }
            if words.contains(" resumed>") {
                call = Call { end, ..unfinished.remove(process).unwrap() };
            }
            if line.ends_with("= 0") {
                calls.push(call);
            }
        }
        calls.sort_by_key(|call| call.begin);
        Trace(calls)
    }

    /// The calls with all of these words.
    fn all(&self, words: &[&str]) -> Vec<Call> {
        let has = |call: &&Call| words.iter().all(|word| call.words.contains(word));
        self.0.iter().filter(has).cloned().collect()
    }

    /// The syncs of a directory.
    fn syncs(&self, dir: &str) -> Vec<Call> {
        self.all(&["fsync(", &format!("<{dir}>")])
    }

    /// Fails unless a sync of this directory begins after the last of some calls has ended, and ends before the first of
    /// others begins.
    #[track_caller]
    fn lasts(&self, dir: &str, before: &[Call], after: &[Call]) {
        let last = before.iter().map(|call| call.end).max().expect("what is synced");
        let first = after.iter().map(|call| call.begin).min().expect("what comes after");
        let is_between = |call: &Call| last < call.begin && call.end < first;
        assert!(self.syncs(dir).iter().any(is_between), "{dir}, {last}, {first}: {:#?}", self.0);
    }
}

/// The path of a directory in a sandbox.
fn dir(sandbox: &Sandbox, name: &str) -> String {
    sandbox.root.join(name).to_str().unwrap().to_owned()
}

#[test]
fn a_sync_counts_when_it_has_ended() {
    let text = "1 fsync(3</d> <unfinished ...>\n2 unlink(\"/r\") = 0\n1 <... fsync resumed>) = 0\n\
                1 fsync(3</e>) = -1 ENOSPC\n1 rmdir(\"/d\") = 0";
    let trace = Trace::read(text);
    let ends: Vec<_> = trace.0.iter().map(|call| (call.begin, call.end)).collect();
    assert_eq!(ends, [(0, 2), (1, 1), (4, 4)]);
}

#[test]
fn an_environment_is_ready_when_what_applications_read_lasts() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    let leases = dir(&sandbox, "state/leases");
    let add = Trace::of(&sandbox, &repo, &[&["add"], &ENVS[..]].concat());
    let written = add.all(&["rename(", "/state/leases/"]);
    add.lasts(&leases, &written[..ENVS.len()], &add.all(&["rename", "/refs/heads/"]));
    let listed = repo.agentenv(&["list", "--json"]).ok().json();
    for env in listed["environments"].as_array().unwrap() {
        let [tree, id] = ["path", "lease"].map(|key| env[key].as_str().unwrap());
        let file = add.all(&["rename(", &format!("{tree}/.env.worktree\"")]);
        let own = add.all(&["rename(", &format!("/state/leases/{id}.yaml\"")]);
        assert_eq!(own.len(), 2, "{:#?}", add.0);
        add.lasts(tree, &file, &own[1..]);
        let admin =
            dir(&sandbox, &format!("app/.git/worktrees/app-{}", env["name"].as_str().unwrap()));
        let marked = add.all(&["rename(", &format!("{admin}/agentenv\"")]);
        add.lasts(&admin, &marked, &add.all(&["unlink(", &format!("{admin}/locked\"")]));
    }
    // Each is ready when it is.
    assert_eq!(add.syncs(&leases).len(), 1 + ENVS.len(), "{:#?}", add.0);
}

#[test]
fn each_step_of_a_removal_lasts_and_several_environments_wait_for_that_once() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    let [root, leases, records] =
        ["", "state/leases", "app/.git/worktrees"].map(|name| dir(&sandbox, name));
    let root = root.trim_end_matches('/');
    repo.agentenv(&[&["add"], &ENVS[..]].concat()).ok();
    let remove = Trace::of(&sandbox, &repo, &[&["remove"], &ENVS[..]].concat());
    let written = remove.all(&["rename(", "/state/leases/"]);
    let (closing, removing) = written.split_at(ENVS.len());
    let closed = remove.all(&["renameat2(", "/.agentenv-trash-"]);
    let taken = remove.all(&["renameat2(", "/agentenv-trash/"]);
    let forgotten = remove.all(&["unlink(", "/state/leases/"]);
    for each in [closing, removing, &closed, &taken, &forgotten] {
        assert_eq!(each.len(), ENVS.len(), "{:#?}", remove.0);
    }
    remove.lasts(&leases, closing, &closed);
    remove.lasts(root, &closed, removing);
    remove.lasts(&leases, removing, &taken);
    remove.lasts(&records, &taken, &forgotten);
    remove.lasts(root, &taken, &forgotten);
    assert_eq!([&leases, &records].map(|dir| remove.syncs(dir).len()), [2, 1], "{:#?}", remove.0);
    assert_eq!(remove.syncs(root).len(), 2, "{:#?}", remove.0);
}

#[test]
fn the_files_of_a_removed_worktree_are_gone_for_good_before_their_record() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    let root = sandbox.root.to_str().unwrap();
    repo.agentenv(&["add", "x"]).ok();
    repo.struck(&["remove", "x"], "files-postponed:error,trash-deleting:kill").ok();
    wait_until("the files are left", || sandbox.root.join("state/trash").exists());
    let prune = Trace::of(&sandbox, &repo, &["prune"]);
    let deleted = prune.all(&[&format!("\"{root}/.agentenv-trash-")]);
    let forgotten = prune.all(&["unlink", "/state/trash/", "record.yaml\""]);
    prune.lasts(root, &deleted, &forgotten);
}

#[test]
fn directories_that_are_made_for_the_trash_and_back_last_before_the_step_after_that() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    let [state, trash, git, in_git] =
        ["state", "state/trash", "app/.git", "app/.git/agentenv-trash"]
            .map(|name| dir(&sandbox, name));
    let path = dir(&sandbox, "deep/x");
    repo.agentenv(&["add", "x", "--path", &path]).ok();
    let keep = Trace::of(&sandbox, &repo, &["remove", "x", "--keep"]);
    let taken = keep.all(&["renameat2(", &format!("\"{path}\"")]);
    for (parent, made) in [(&state, &trash), (&git, &in_git)] {
        for (dir, made) in [(parent, format!("{made}\"")), (made, format!("{made}/"))] {
            keep.lasts(dir, &keep.all(&["mkdir(", &made]), &taken);
        }
    }
    fs::remove_dir(sandbox.root.join("deep")).ok();
    let restore = Trace::of(&sandbox, &repo, &["restore", "x"]);
    let back = restore.all(&["renameat2(", "/admin\""]);
    let made = restore.all(&["mkdir(", &format!("\"{}\"", dir(&sandbox, "deep"))]);
    restore.lasts(sandbox.root.to_str().unwrap(), &made, &back);
}

/// Nothing that is lost is worse than what cannot be removed: a removal is what makes room.
#[test]
fn a_directory_that_cannot_be_synced_keeps_no_environment_from_going() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    let parent = dir(&sandbox, "w");
    for fault in ["fsync:error=ENOSPC", "openat:error=EACCES"] {
        repo.agentenv(&["add", "x", "--path", &format!("{parent}/x")]).ok();
        repo.agentenv(&["add", "o", "--path", &dir(&sandbox, "other/o")]).ok();
        let inject = format!("inject={fault}");
        let options = ["-f", "-o", "/dev/null", "-P", &parent, "-e", &inject];
        let args = ["remove", "x", "o", "-D"];
        let mut strace = blackbox::strace(&sandbox, &repo, "fsync,openat", &options, &args);
        let said = sandbox.outcome(&mut strace).ok();
        let why = format!("deleting {parent}/x where it is: cannot sync directory {parent}");
        assert_eq!(said.stderr.matches("where it is").count(), 1, "{}", said.show());
        assert!(
            said.stderr.replace("[ROOT]", sandbox.root.to_str().unwrap()).contains(&why),
            "{}",
            said.show()
        );
        let listed = repo.agentenv(&["list", "--json"]).ok().json();
        assert_eq!(listed["environments"].as_array().unwrap().len(), 0, "{fault}");
    }
}
