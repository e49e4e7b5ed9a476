//! Everything that an environment could leave behind, so that before and after can be compared.

use super::{Repo, servers};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

impl Repo<'_> {
    /// What there is: leases, locks, worktrees, branches, git's settings and lock files, directories beside the
    /// repository, environment files, databases and Redis indexes of this sandbox. One line each.
    #[track_caller]
    pub fn traces(&self) -> BTreeSet<String> {
        let mut traces = self.traces_of_files();
        let sandbox = self.sandbox;
        let sql = format!(
            "SELECT concat_ws(' ', datname, replace(shobj_description(oid, 'pg_database'), E'\\n', ' '))
             FROM pg_database WHERE starts_with(datname, '{}') OR starts_with(datname, 'agentenv_{store}')
             OR starts_with(datname, 'agentenv_trash_{store}')",
            sandbox.id,
            store = sandbox.store_id().unwrap_or("none".to_owned()),
        );
        traces.extend(servers().psql(&sql).lines().map(|line| format!("database {line}")));
        let keyspace = servers().redis(0, &["INFO", "keyspace"]);
        for index in sandbox.indexes() {
            if keyspace.contains(&format!("db{index}:")) {
                let owner = servers().redis(index, &["GET", "git-agentenv:owner"]);
                traces.insert(format!("redis {index} {owner}"));
            }
        }
        traces
    }

    /// The same without the servers.
    #[track_caller]
    pub fn traces_of_files(&self) -> BTreeSet<String> {
        let root = &self.sandbox.root;
        settled(&root.join("state"));
        let mut traces = BTreeSet::new();
        for dir in ["", "state", "state/leases", "state/locks"] {
            traces.extend(names(&root.join(dir)));
        }
        let git = self.path.join(".git");
        traces.extend(names(&git.join("worktrees")));
        traces.extend(lock_files(&git));
        for args in [
            &["for-each-ref", "--format=%(refname) %(objectname)"][..],
            &["worktree", "list", "--porcelain"],
            &["config", "--local", "--list"],
        ] {
            traces.extend(self.git(args).lines().map(str::to_owned));
        }
        // What a full disk takes first, and the next removal puts back; where repositories, worktrees and templates were seen;
        // why no spares could be made.
        let stays = ["/state/reserve", "/state/mounts", "/state/servers", "/state/spares"];
        traces.retain(|trace| {
            !trace.contains("locks/repository-") && !stays.iter().any(|end| trace.ends_with(end))
        });
        traces
    }

    /// Panics when there is more or less than there was.
    #[track_caller]
    pub fn leaves_nothing_but(&self, before: &BTreeSet<String>, when: &str) {
        same(before, &self.traces(), when);
    }

    /// The same without the servers.
    #[track_caller]
    pub fn leaves_no_file_but(&self, before: &BTreeSet<String>, when: &str) {
        same(before, &self.traces_of_files(), when);
    }
}

/// Waits for the processes that work in the state directory: they delete files of removed environments, and outlive
/// `remove`.
fn settled(state: &Path) {
    let works_there =
        |pid: &String| fs::read_link(Path::new(pid).join("cwd")).is_ok_and(|cwd| cwd == state);
    let deadline = Instant::now() + Duration::from_secs(30);
    while names(Path::new("/proc")).iter().any(works_there) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[track_caller]
fn same(before: &BTreeSet<String>, after: &BTreeSet<String>, when: &str) {
    let more: Vec<_> = after.difference(before).collect();
    let less: Vec<_> = before.difference(after).collect();
    assert!(more.is_empty() && less.is_empty(), "{when}: left {more:#?}, lost {less:#?}");
}

fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path().display().to_string()).collect()
}

/// The lock files that git itself writes.
fn lock_files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("objects") {
            found.extend(lock_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "lock") {
            found.push(path.display().to_string());
        }
    }
    found
}
