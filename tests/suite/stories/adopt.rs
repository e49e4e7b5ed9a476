//! `adopt`: worktrees that something else made, and environments of which something is missing.

use crate::common::{Repo, Sandbox, servers};
use std::fs;
use std::path::Path;

fn vars(sandbox: &Sandbox, tree: &Path) -> serde_json::Value {
    sandbox.agentenv_in(tree, &["env", "--json"]).ok().json()["variables"].clone()
}

fn var(sandbox: &Sandbox, tree: &Path, name: &str) -> String {
    vars(sandbox, tree)[name].as_str().unwrap().to_owned()
}

fn small<'a>(sandbox: &'a Sandbox) -> Repo<'a> {
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo
}

/// A repository with environment `x` on the shared servers.
fn added(sandbox: &Sandbox) -> Repo<'_> {
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config());
    repo.agentenv(&["add", "x"]).ok();
    repo
}

#[test]
fn a_worktree_of_plain_git_becomes_an_environment_and_stays_when_it_was() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config());
    repo.git(&["worktree", "add", "-q", "../x"]);
    let tree = sandbox.root.join("x");
    fs::write(tree.join(".env.worktree"), "MINE=1\n").unwrap();
    fs::write(tree.join("work"), "hours").unwrap();

    let said = repo.agentenv(&["adopt", "../x", "--json"]).ok().json();
    assert_eq!((said["name"].as_str(), said["branch"].as_str()), (Some("x"), Some("x")));
    assert_eq!(said["path"], tree.to_str().unwrap());
    assert_eq!(sandbox.databases(), [format!("{}_x", sandbox.id)]);
    let file = fs::read_to_string(tree.join(".env.worktree")).unwrap();
    assert!(file.starts_with("MINE=1\n") && file.contains("POSTGRES_DB="), "{file}");
    assert!(tree.join("work").exists());

    repo.agentenv(&["remove", "x"]).fails(7);
    assert!(tree.join("work").exists());
    repo.agentenv(&["remove", "x", "--force"]).ok();
    assert!(sandbox.databases().is_empty() && !tree.exists());
}

/// Its directory has its name again: by the user, who found it hidden.
#[test]
fn what_a_killed_removal_closed_is_opened_and_what_it_began_to_delete_is_refused() {
    let sandbox = Sandbox::new();
    let repo = added(&sandbox);
    let tree = sandbox.root.join("app-x");
    let killed = |point: &str| {
        repo.killed(&["remove", "x", "-D"], point);
        let mut beside = fs::read_dir(&sandbox.root).unwrap().map(|entry| entry.unwrap().path());
        let is_hidden =
            |path: &std::path::PathBuf| path.display().to_string().contains("/.agentenv-");
        fs::rename(beside.find(is_hidden).unwrap(), &tree).unwrap();
    };
    killed("database-closed");
    repo.agentenv(&["adopt", "x"]).ok();
    assert_eq!(servers().psql_on(&format!("{}_x", sandbox.id), "SELECT 1"), "1");
    repo.agentenv(&["remove", "x"]).ok();
    repo.git(&["rev-parse", "--verify", "refs/heads/x"]);

    repo.agentenv(&["add", "x"]).ok();
    killed("removing");
    let said = repo.agentenv(&["adopt", "x"]).fails(7);
    assert!(said.stderr.contains("hint: finish it: `git agentenv prune`"), "{}", said.show());
    repo.agentenv(&["prune"]).ok();
    assert!(sandbox.databases().is_empty() && !tree.exists());
}

#[test]
fn a_detached_worktree_is_named_after_its_directory() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    repo.git(&["worktree", "add", "-q", "--detach", "../look"]);
    let said = sandbox.agentenv_in(sandbox.root.join("look"), &["adopt", "--json"]).ok().json();
    assert_eq!((said["name"].as_str(), said["branch"].is_null()), (Some("look"), true));
}

#[test]
fn what_is_missing_of_an_environment_is_put_back() {
    let sandbox = Sandbox::new();
    let repo = added(&sandbox);
    let tree = sandbox.root.join("app-x");
    let before = vars(&sandbox, &tree);
    let index: u16 = var(&sandbox, &tree, "REDIS_DB").parse().unwrap();
    let database = var(&sandbox, &tree, "POSTGRES_DB");

    fs::remove_file(tree.join(".env.worktree")).unwrap();
    servers().psql(&format!("DROP DATABASE {database}"));
    servers().redis(index, &["FLUSHDB"]);
    sandbox.agentenv_in(tree.join("."), &["adopt"]).ok();
    assert_eq!(vars(&sandbox, &tree), before);
    assert!(fs::read_to_string(tree.join(".env.worktree")).unwrap().contains(&database));
    assert_eq!(sandbox.databases().first(), Some(&database));
    assert_ne!(servers().redis(index, &["DBSIZE"]), "0", "its mark is back");
    repo.agentenv(&["remove", "x"]).ok();
    assert!(sandbox.databases().is_empty());
}

#[test]
fn what_is_there_of_an_environment_stays() {
    let sandbox = Sandbox::new();
    added(&sandbox);
    let tree = sandbox.root.join("app-x");
    let database = var(&sandbox, &tree, "POSTGRES_DB");
    let index: u16 = var(&sandbox, &tree, "REDIS_DB").parse().unwrap();
    servers().psql_on(&database, "CREATE TABLE t (n int)");
    servers().redis(index, &["SET", "k", "v"]);
    sandbox.agentenv_in(&tree, &["adopt"]).ok();
    assert_eq!(servers().psql_on(&database, "SELECT count(*) FROM t"), "0");
    assert_eq!(servers().redis(index, &["GET", "k"]), "v");
}

#[test]
fn what_became_foreign_is_named_and_kept() {
    let sandbox = Sandbox::new();
    let repo = added(&sandbox);
    let tree = sandbox.root.join("app-x");
    let database = var(&sandbox, &tree, "POSTGRES_DB");
    servers().psql(&format!("COMMENT ON DATABASE {database} IS 'mine'"));
    let said = sandbox.agentenv_in(&tree, &["adopt"]).fails(7);
    assert!(said.stderr.contains(&database) && said.stderr.contains("not ours"), "{}", said.show());
    let said = repo.agentenv(&["remove", "x"]).ok();
    assert!(said.stderr.contains("keeping postgres"), "{}", said.show());
    assert_eq!(sandbox.databases(), [database]);
}

#[test]
fn the_main_checkout_is_refused() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    let said = repo.agentenv(&["adopt"]).fails(7);
    assert!(said.stderr.contains("main checkout"), "{}", said.show());
    assert!(!repo.path.join(".env.worktree").exists());
    sandbox.agentenv_in(&sandbox.root, &["adopt"]).fails(4);
    repo.agentenv(&["adopt", "../nowhere"]).fails(4);
}

#[test]
fn a_moved_worktree_keeps_what_it_holds() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&(sandbox.config_without_servers() + "env: { HERE: \"{path}\" }\n"));
    repo.agentenv(&["add", "x"]).ok();
    let port = var(&sandbox, &sandbox.root.join("app-x"), "DJANGO_PORT");
    repo.git(&["worktree", "move", "../app-x", "../moved"]);
    let moved = sandbox.root.join("moved");
    assert_eq!(var(&sandbox, &moved, "DJANGO_PORT"), port);

    // From another environment's worktree, too.
    repo.agentenv(&["add", "y"]).ok();
    let said = sandbox
        .agentenv_in(sandbox.root.join("app-y"), &["adopt", "../moved", "--json"])
        .ok()
        .json();
    assert_eq!((said["name"].as_str(), said["path"].as_str()), (Some("x"), moved.to_str()));
    assert_eq!(said["variables"]["DJANGO_PORT"], port);
    assert_eq!(said["variables"]["HERE"], moved.to_str().unwrap());
    let file = fs::read_to_string(moved.join(".env.worktree")).unwrap();
    assert!(file.contains(&format!("HERE={}\n", moved.display())), "{file}");
    repo.agentenv(&["remove", "x"]).ok();
    assert!(!moved.exists());
}

#[test]
fn a_worktree_that_was_moved_without_gits_help_is_not_gone() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    let (tree, moved) = (sandbox.root.join("app-x"), sandbox.root.join("moved"));
    repo.agentenv(&["add", "x"]).ok();
    let absolute = fs::read_to_string(tree.join(".git")).unwrap();
    // The second is what git writes with `worktree.useRelativePaths`.
    for pointer in [absolute.as_str(), "gitdir: ../app/.git/worktrees/app-x\n"] {
        fs::write(tree.join(".git"), pointer).unwrap();
        fs::rename(&tree, &moved).unwrap();
        let said = repo.agentenv(&["prune"]).ok();
        assert_eq!(said.stdout, "nothing to prune\n", "{pointer}: {}", said.show());
        fs::rename(&moved, &tree).unwrap();
    }
    repo.agentenv(&["remove", "x"]).ok();
}

#[test]
fn the_environment_of_another_state_directory_is_left_alone() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    repo.agentenv(&["add", "x"]).ok();
    let tree = sandbox.root.join("app-x");
    let elsewhere = |args: &[&str]| {
        let mut command = sandbox.command("git-agentenv");
        command.args(args).current_dir(&tree).env("AGENTENV_STATE_DIR", sandbox.root.join("two"));
        sandbox.outcome(&mut command)
    };
    let refused = elsewhere(&["adopt"]).fails(7);
    assert!(refused.stderr.contains("another state directory"), "{}", refused.show());
    repo.agentenv(&["remove", "x"]).ok();
    assert!(!tree.exists());
}

#[test]
fn a_repository_that_is_moved_takes_its_environments_along() {
    let sandbox = Sandbox::new();
    let repo = added(&sandbox);
    let (tree, moved) = (sandbox.root.join("app-x"), sandbox.repo_at("moved"));
    let tree = tree.to_str().unwrap();
    let database = format!("{}_x", sandbox.id);
    fs::rename(&repo.path, &moved.path).unwrap();

    // From wherever it is run: the worktree is there, and so are the processes that work in it.
    let other = sandbox.repo("other");
    let said = other.agentenv(&["prune"]).ok();
    assert!(said.stderr.contains("git worktree repair"), "{}", said.show());
    assert_eq!(sandbox.databases(), [database.as_str()]);
    let said = other.agentenv(&["doctor", "--json"]).fails(1).json();
    let repair = format!("git worktree repair {tree} && git agentenv adopt {tree}");
    let mut found = said["findings"].as_array().unwrap().iter();
    assert!(found.any(|finding| finding["command"] == *repair), "{said:#}");

    moved.git(&["worktree", "repair", tree]);
    moved.agentenv(&["adopt", tree]).ok();
    let listed = moved.agentenv(&["list", "--json"]).ok().json();
    assert_eq!(listed["environments"][0]["services"]["postgres"]["holds"], database);
    assert!(moved.agentenv(&["prune"]).ok().stdout.contains("nothing to prune"));
    moved.agentenv(&["remove", "x"]).ok();
    assert!(sandbox.databases().is_empty() && !Path::new(tree).exists());
}

#[test]
fn another_repository_in_the_place_of_one_that_was_moved_takes_nothing_of_its_environments() {
    let sandbox = Sandbox::new();
    let repo = added(&sandbox);
    let (tree, moved) = (sandbox.root.join("app-x"), sandbox.repo_at("moved"));
    let tree = tree.to_str().unwrap();
    let database = format!("{}_x", sandbox.id);
    fs::write(format!("{tree}/work"), "unsaved").unwrap();
    fs::rename(&repo.path, &moved.path).unwrap();

    let other = sandbox.repo(repo.path.file_name().unwrap().to_str().unwrap());
    for args in [&["prune"][..], &["remove", "x"], &["remove", "x", "--force"], &["add", "x"]] {
        let said = other.agentenv(args);
        assert_eq!(sandbox.databases()[0], database, "{}", said.show());
        assert!(Path::new(tree).join("work").exists(), "{}", said.show());
    }
    let said = other.agentenv(&["prune"]).ok();
    assert!(said.stderr.contains("git worktree repair"), "{}", said.show());

    moved.git(&["worktree", "repair", tree]);
    assert!(other.agentenv(&["prune"]).ok().stdout.contains("nothing to prune"));
    moved.agentenv(&["adopt", tree]).ok();
    let listed = moved.agentenv(&["list", "--json"]).ok().json();
    assert_eq!(listed["environments"][0]["services"]["postgres"]["holds"], database);
    moved.agentenv(&["remove", "x", "--force"]).ok();
    assert!(!Path::new(tree).exists() && !sandbox.databases().contains(&database));
}

#[test]
fn a_repository_that_is_gone_with_its_worktrees_is_released() {
    let sandbox = Sandbox::new();
    let repo = added(&sandbox);
    let other = sandbox.repo("other");
    fs::remove_dir_all(&repo.path).unwrap();
    fs::remove_dir_all(sandbox.root.join("app-x")).unwrap();
    other.agentenv(&["prune"]).ok();
    assert!(sandbox.databases().is_empty());
}

#[test]
fn an_environment_is_repaired_by_its_name_and_a_missing_directory_is_named() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    repo.agentenv(&["add", "x"]).ok();
    let file = sandbox.root.join("app-x/.env.worktree");
    fs::remove_file(&file).unwrap();
    repo.agentenv(&["adopt", "x"]).ok();
    assert!(file.exists());
    let said = repo.agentenv(&["adopt", "../nowhere"]).fails(4);
    let message = "no environment and no directory `../nowhere`";
    assert!(said.stderr.contains(message) && !said.stderr.contains("caused by"), "{}", said.show());
}

#[test]
fn what_a_changed_configuration_asks_for_in_vain_is_said() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    repo.agentenv(&["add", "x"]).ok();
    let config = sandbox.config_without_servers();
    let more = "ports:\n  MAIL_PORT: { main: 21025, range: 21026-21030 }";
    for (env, warning) in [
        ("", "warning: `x` has no MAIL_PORT\n"),
        ("env: { MAIL: 'localhost:{MAIL_PORT}' }\n", "warning: keeping the old variables of `x`: "),
    ] {
        repo.config(&(config.replacen("ports:", more, 1) + env));
        let said = repo.agentenv(&["adopt", "x"]).ok();
        assert!(said.stderr.contains(warning), "{}", said.show());
        assert!(said.stderr.contains("MAIL_PORT"), "{}", said.show());
    }
}

#[test]
fn a_worktree_that_cannot_be_adopted_is_left_as_it_was() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let config = sandbox.config_without_servers();
    // The part cannot be made.
    let config = config.replace("kind: sqlite", "kind: sqlite, from: main");
    repo.config(&(config + "copy: [.env]\nlink: [cache]\n"));
    repo.commit(".gitignore", ".env\ncache\n");
    fs::write(repo.path.join(".env"), "A=1\n").unwrap();
    fs::create_dir(repo.path.join("cache")).unwrap();
    repo.git(&["worktree", "add", "-q", "../x"]);
    repo.agentenv(&["adopt", "../x"]).fails(4);
    let left = fs::read_dir(sandbox.root.join("x")).unwrap();
    let mut left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, [".agentenv.yaml", ".git", ".gitignore", "README"]);
}

#[test]
fn which_database_was_chosen_is_said_only_where_one_is_created() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let chooses = |args: &[&str]| {
        let said = repo.agentenv(args);
        said.stderr.contains("using SQLite")
    };
    assert!(chooses(&["add", "x", "--dry-run"]) && chooses(&["add", "x"]));
    repo.git(&["worktree", "add", "--quiet", "../plain"]);
    assert!(chooses(&["adopt", "../plain"]));
    for args in [
        &["adopt", "../plain"][..],
        &["adopt", "."],
        &["move", "x", "../moved"],
        &["rename", "x", "y"],
        &["db", "template", "list"],
        &["db", "reset", "y"],
    ] {
        assert!(!chooses(args), "{args:?}");
    }
}
