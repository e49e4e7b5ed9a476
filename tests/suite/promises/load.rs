//! Sixty at once: nothing is shared, nothing is left, and none fails for a reason that is not the user's.

use crate::common::{Outcome, Repo, Running, Sandbox, wait_until};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

const ADDS: usize = 60;

/// Enough slices for a redis index each.
const SLICES: usize = 16;

#[test]
fn sixty_at_once_in_three_repositories_share_nothing() {
    let sandbox = Sandbox::wide(SLICES);
    let origin = origin(&sandbox);
    let repos = [origin.clone_as("one"), origin.clone_as("two"), origin.clone_as("three")];
    // A third of them goes through `docker exec`.
    repos[2].config(&sandbox.config_in_container());
    for n in 0..ADDS {
        if n % 3 == 1 {
            repos[1].git(&["branch", "--no-track", &branch(n), "origin/main"]);
        }
    }
    let remotes: Vec<String> = (0..ADDS).step_by(3).map(branch).collect();
    remotes.iter().for_each(|name| drop(origin.git(&["branch", name])));
    repos[0].git(&["fetch", "--quiet"]);
    repos.iter().for_each(|repo| drop(repo.agentenv(&["list"]).ok()));
    let before: Vec<_> = repos.iter().map(Repo::traces).collect();

    let adds = all(&repos, |n| vec!["add".to_owned(), branch(n), "--json".to_owned()]);
    let made: Vec<Value> = adds.into_iter().map(|outcome| outcome.ok().json()).collect();
    shares_nothing(&made);
    for (n, one) in made.iter().enumerate() {
        let text = fs::read_to_string(one["env_file"].as_str().unwrap()).unwrap();
        assert!(text.contains(&format!("DJANGO_PORT={}\n", one["ports"]["DJANGO_PORT"])), "{n}");
    }
    assert_eq!(sandbox.databases().len(), ADDS);
    assert_eq!(locks(&repos), BTreeSet::new());
    let upstream = format!("{}@{{upstream}}", branch(0));
    assert_eq!(repos[0].git(&["rev-parse", "--abbrev-ref", &upstream]), "origin/b0");

    // Plain git works beside, in all three.
    let beside = sandbox.root.join("beside");
    std::thread::scope(|scope| {
        for repo in &repos {
            scope.spawn(|| {
                for n in 0..8 {
                    let path =
                        beside.join(format!("{}-{n}", repo.path.file_name().unwrap().display()));
                    plain(&sandbox, repo, &["worktree", "add", "--detach", path.to_str().unwrap()]);
                    plain(&sandbox, repo, &["worktree", "remove", path.to_str().unwrap()]);
                }
            });
        }
        let removes = all(&repos, |n| vec!["remove".to_owned(), branch(n), "-D".to_owned()]);
        removes.into_iter().for_each(|outcome| drop(outcome.ok()));
    });
    fs::remove_dir_all(&beside).unwrap();
    assert_eq!(repos[1].git(&["for-each-ref", "refs/heads/b1"]), "");
    for (repo, before) in repos.iter().zip(before) {
        let mut after = repo.traces();
        let local = |trace: &String| trace.starts_with("refs/heads/b");
        let before: BTreeSet<_> = before.into_iter().filter(|trace| !local(trace)).collect();
        after.retain(|trace| !local(trace));
        assert_eq!(before, after);
        assert_eq!(repo.git(&["for-each-ref", "refs/heads/b*"]), "", "-D took the branches");
    }
}

#[test]
fn killed_at_random_nothing_is_left_but_what_was_made() {
    let sandbox = Sandbox::wide(8);
    let origin = origin(&sandbox);
    let repos = [origin.clone_as("one"), origin.clone_as("two"), origin.clone_as("three")];
    repos.iter().for_each(|repo| drop(repo.agentenv(&["prune"]).ok()));
    let before: Vec<_> = repos.iter().map(Repo::traces).collect();
    let leases = || sandbox.leases().len();
    let adds: Vec<Running> = (0..30).map(|n| repos[n % 3].start(&["add", &branch(n)])).collect();
    for (n, add) in adds.iter().enumerate().step_by(2) {
        wait_until("some are on their way", || leases() > n / 2 + 3);
        add.signal("KILL");
    }
    let made = adds.into_iter().map(Running::outcome).filter(|outcome| outcome.code == 0).count();
    repos[0].agentenv(&["prune"]).ok();
    let listed = repos[0].agentenv(&["list", "--all", "--json"]).ok().json();
    let listed = listed["environments"].as_array().unwrap();
    assert!(listed.iter().all(|row| row["state"] == "ready"), "{listed:#?}");
    assert!(listed.len() >= made && made >= 15, "{made} of {}", listed.len());
    assert_eq!(sandbox.databases().len(), listed.len());
    for row in listed {
        let branch = row["branch"].as_str().unwrap();
        let repo = repos.iter().find(|repo| row["main"] == repo.path.to_str().unwrap()).unwrap();
        repo.agentenv(&["remove", branch, "-D"]).ok();
    }
    repos[0].agentenv(&["prune"]).ok();
    for (repo, before) in repos.iter().zip(before) {
        repo.leaves_nothing_but(&before, "killed at random");
    }
}

#[test]
fn when_all_is_taken_the_holders_are_named_and_nothing_is_left() {
    let sandbox = Sandbox::new();
    let repos = [origin(&sandbox)];
    repos[0].config(&sandbox.config_with_one_redis());
    let adds = all_of(7, &repos, |n| vec!["add".to_owned(), branch(n)]);
    let (made, failed): (Vec<_>, Vec<_>) = adds.into_iter().partition(|add| add.code == 0);
    assert_eq!(made.len(), sandbox.indexes().count());
    assert_eq!(sandbox.databases().len(), made.len());
    for outcome in failed {
        let outcome = outcome.fails(5);
        let named = sandbox
            .indexes()
            .filter(|index| outcome.stderr.contains(&format!("{index}: the environment `b")));
        assert_eq!(named.count(), made.len(), "{}", outcome.show());
    }
    let branches = repos[0].git(&["for-each-ref", "--format=%(refname)", "refs/heads/b*"]);
    assert_eq!(branches.lines().count(), made.len());
}

fn origin(sandbox: &Sandbox) -> Repo<'_> {
    let origin = sandbox.repo("origin");
    origin.config(&sandbox.config());
    origin
}

fn branch(n: usize) -> String {
    format!("b{n}")
}

fn all(repos: &[Repo<'_>], args: impl Fn(usize) -> Vec<String>) -> Vec<Outcome> {
    all_of(ADDS, repos, args)
}

/// All at once, over the repositories in turn; waits for all.
fn all_of(count: usize, repos: &[Repo<'_>], args: impl Fn(usize) -> Vec<String>) -> Vec<Outcome> {
    let started: Vec<Running> = (0..count)
        .map(|n| {
            let args = args(n);
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            repos[n % repos.len()].start(&args)
        })
        .collect();
    started.into_iter().map(Running::outcome).collect()
}

#[track_caller]
fn shares_nothing(made: &[Value]) {
    let facts = [
        "/path",
        "/project",
        "/ports/DJANGO_PORT",
        "/services/postgres/holds",
        "/services/redis/holds",
        "/lease",
    ];
    for fact in facts {
        let values: BTreeSet<String> = made
            .iter()
            .map(|one| one.pointer(fact).unwrap_or_else(|| panic!("{fact}: {one:#}")).to_string())
            .collect();
        assert_eq!(values.len(), made.len(), "{fact}");
    }
}

/// Git by itself runs into git at work now and then: it is tried until it succeeds.
fn plain(sandbox: &Sandbox, repo: &Repo<'_>, args: &[&str]) {
    wait_until("plain git succeeds", || {
        let mut command = sandbox.command("git");
        sandbox.outcome(command.args(args).current_dir(&repo.path)).code == 0
    });
}

fn locks(repos: &[Repo<'_>]) -> BTreeSet<String> {
    let traces = repos.iter().flat_map(Repo::traces_of_files);
    traces.filter(|trace| trace.contains("/.git/") && trace.ends_with(".lock")).collect()
}
