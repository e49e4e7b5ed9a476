//! The everyday path on real servers: add, list, env, run, path.

use crate::common::{Repo, Sandbox, servers};
use std::fs;
use std::os::unix::fs::PermissionsExt;

fn with_servers(sandbox: &Sandbox) -> Repo<'_> {
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_in_container());
    repo
}

fn small(sandbox: &Sandbox) -> Repo<'_> {
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo
}

#[test]
fn one_command_makes_all_of_it_and_one_takes_all_of_it_away() {
    let sandbox = Sandbox::new();
    let repo = with_servers(&sandbox);
    let before = (repo.git(&["worktree", "list"]), repo.git(&["status", "--porcelain"]));
    let said = repo.agentenv(&["add", "feature/x", "--json"]).ok().json();
    let tree = sandbox.root.join("app-feature-x");
    let (port, index) = (*sandbox.ports().start() + 1, *sandbox.indexes().start());
    let database = format!("{}_feature_x", sandbox.id);
    assert_eq!(said["version"], 1);
    assert_eq!((&said["branch"], &said["phase"]), (&"feature/x".into(), &"ready".into()));
    assert_eq!(said["path"], tree.to_str().unwrap());
    assert_eq!(said["ports"]["DJANGO_PORT"], port);
    assert_eq!(said["services"]["postgres"]["holds"], database);
    assert_eq!(said["services"]["redis"]["holds"], index.to_string());
    assert_eq!(said["url"], format!("http://feature-x.localhost:{port}"));

    assert_eq!(sandbox.databases(), [database.as_str()]);
    servers().psql_on(&database, "CREATE TABLE t (i int)");
    servers().redis(index, &["SET", "key", "value"]);
    let file = tree.join(".env.worktree");
    let text = fs::read_to_string(&file).unwrap();
    for line in [
        format!("DJANGO_PORT={port}"),
        format!("POSTGRES_DB={database}"),
        format!("REDIS_DB={index}"),
        "COMPOSE_PROJECT_NAME=app-feature-x".to_owned(),
        "GN_PROJECT_NAME=app-feature-x".to_owned(),
        format!(
            "DATABASE_URL=postgres://postgres@localhost:{}/{database}",
            servers().postgres_port
        ),
    ] {
        assert!(text.lines().any(|have| have == line), "{line} is not in\n{text}");
    }
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(sandbox_git(&sandbox, &tree, &["status", "--porcelain"]), "");

    repo.agentenv(&["remove", "feature/x"]).ok();
    assert!(!tree.exists() && sandbox.databases().is_empty());
    assert_eq!(servers().redis(index, &["DBSIZE"]), "0");
    assert_eq!((repo.git(&["worktree", "list"]), repo.git(&["status", "--porcelain"])), before);
    assert_eq!(repo.git(&["branch", "--list", "feature/x"]).trim(), "feature/x");
}

#[test]
fn a_branch_is_found_as_git_switch_finds_it() {
    let sandbox = Sandbox::new();
    let upstream = sandbox.repo("upstream");
    upstream.git(&["branch", "theirs"]);
    upstream.commit("later", "x\n");
    let repo = upstream.clone_as("app");
    repo.config(&sandbox.config_without_servers());
    repo.git(&["branch", "mine"]);
    repo.git(&["tag", "v1", "HEAD~1"]);
    let at = |name: &str, what: &str| {
        sandbox_git(&sandbox, &sandbox.root.join(format!("app-{name}")), &["rev-parse", what])
    };

    repo.agentenv(&["add", "mine"]).ok();
    assert_eq!(at("mine", "HEAD"), repo.git(&["rev-parse", "main"]));
    repo.agentenv(&["add", "theirs"]).ok();
    assert_eq!(at("theirs", "HEAD"), repo.git(&["rev-parse", "origin/theirs"]));
    assert_eq!(repo.git(&["rev-parse", "--abbrev-ref", "theirs@{upstream}"]), "origin/theirs");
    repo.agentenv(&["add", "fresh"]).ok();
    assert_eq!(at("fresh", "HEAD"), repo.git(&["rev-parse", "main"]));
    repo.agentenv(&["add", "old", "--from", "v1"]).ok();
    assert_eq!(at("old", "HEAD"), repo.git(&["rev-parse", "v1"]));
    let said = repo.agentenv(&["add", "--detach", "--from", "v1", "--json"]).ok().json();
    assert!(said["branch"].is_null());
    let tree = std::path::Path::new(said["path"].as_str().unwrap());
    assert_eq!(sandbox_git(&sandbox, tree, &["rev-parse", "HEAD"]), repo.git(&["rev-parse", "v1"]));
    assert_eq!(sandbox_git(&sandbox, tree, &["branch", "--show-current"]), "");
}

#[test]
fn where_several_remotes_have_a_branch_the_configured_one_is_taken() {
    let sandbox = Sandbox::new();
    let upstream = sandbox.repo("upstream");
    upstream.git(&["branch", "x"]);
    let repo = upstream.clone_as("app");
    repo.config(&sandbox.config_without_servers());
    repo.git(&["remote", "add", "fork", "../upstream"]);
    repo.git(&["fetch", "--quiet", "fork"]);
    let said = repo.agentenv(&["add", "x"]).fails(2);
    assert!(
        said.stderr.contains("several remotes") && said.stderr.contains("--from "),
        "{}",
        said.show()
    );
    assert_eq!(repo.git(&["branch", "--list", "x"]), "");
    repo.git(&["config", "checkout.defaultRemote", "fork"]);
    repo.agentenv(&["add", "x"]).ok();
    assert_eq!(repo.git(&["rev-parse", "--abbrev-ref", "x@{upstream}"]), "fork/x");

    // A local branch may be called as a remote's is.
    repo.agentenv(&["remove", "x", "--delete-branch"]).ok();
    repo.git(&["branch", "fork/x"]);
    repo.agentenv(&["add", "x"]).ok();
    assert_eq!(
        repo.git(&["rev-parse", "--symbolic-full-name", "x@{upstream}"]),
        "refs/remotes/fork/x"
    );
}

#[test]
fn a_dry_run_says_what_would_be_made_and_makes_nothing() {
    let sandbox = Sandbox::new();
    let repo = with_servers(&sandbox);
    let plan = repo.agentenv(&["add", "x", "--dry-run", "--json"]).ok().json();
    let text = repo.agentenv(&["add", "x", "--dry-run"]).ok();
    assert!(text.stdout.starts_with("would create "), "{}", text.show());
    assert!(sandbox.databases().is_empty() && !sandbox.root.join("app-x").exists());
    assert_eq!(repo.git(&["branch", "--list", "x"]), "");
    assert_eq!(
        repo.agentenv(&["list", "--json"]).json()["environments"].as_array().unwrap().len(),
        0
    );
    let made = repo.agentenv(&["add", "x", "--json"]).ok().json();
    assert_eq!(plan["variables"], made["variables"]);
}

#[test]
fn the_path_can_be_chosen_and_a_command_started_there() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    fs::create_dir(repo.path.join("below")).unwrap();
    let said = sandbox.agentenv_in(
        repo.path.join("below"),
        &["add", "x", "--path", "../../my tree", "-x", "pwd; echo $DJANGO_PORT; exit 5"],
    );
    let said = said.fails(5);
    let tree = sandbox.root.join("my tree");
    let port = *sandbox.ports().start() + 1;
    let wanted = format!("{}\n{port}\n", tree.display());
    assert!(said.stdout.ends_with(&wanted), "{}", said.show());
    assert_eq!(repo.agentenv(&["path", "x"]).ok().stdout.trim_end(), tree.to_str().unwrap());
}

#[test]
fn several_branches_become_several_environments_with_nothing_in_common() {
    let sandbox = Sandbox::new();
    let repo = with_servers(&sandbox);
    let said = repo.agentenv(&["add", "a", "b", "a", "c", "--json"]).ok().json();
    let made = said["environments"].as_array().unwrap();
    for field in [
        "/ports/DJANGO_PORT",
        "/services/redis/holds",
        "/services/postgres/holds",
        "/project",
        "/path",
    ] {
        let mut values: Vec<_> =
            made.iter().map(|one| one.pointer(field).unwrap().to_string()).collect();
        values.sort();
        values.dedup();
        assert_eq!(values.len(), 3, "{field}");
    }
    repo.agentenv(&["remove", "a", "b", "c"]).ok();
    assert!(sandbox.databases().is_empty());
}

#[test]
fn list_shows_each_environment_once_and_all_those_of_other_repositories() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    let other = sandbox.repo("other");
    other.config(&sandbox.config_without_servers());
    let none = repo.agentenv(&["list"]).ok();
    assert!(none.stdout.contains("no environments"), "{}", none.show());
    repo.agentenv(&["add", "x"]).ok();
    other.agentenv(&["add", "x"]).ok();
    let names = |args: &[&str]| {
        let said = repo.agentenv(args).ok().json();
        let all = said["environments"].as_array().unwrap().clone();
        all.iter().map(|one| (one["main"].clone(), one["state"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(names(&["list", "--json"]), [(repo.path.to_str().into(), "ready".into())]);
    assert_eq!(names(&["list", "--all", "--json"]).len(), 2);
    let text = repo.agentenv(&["list"]).ok();
    assert!(text.stdout.contains("x") && text.stdout.contains("ready"), "{}", text.show());
    fs::remove_file(sandbox.root.join("app-x/.env.worktree")).unwrap();
    assert_ne!(names(&["list", "--json"])[0].1, "ready");
}

#[test]
fn variables_come_in_every_format_and_shells_take_them() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    repo.agentenv(&["add", "x"]).ok();
    let port = (*sandbox.ports().start() + 1).to_string();
    let env = |args: &[&str]| repo.agentenv(&[&["env", "x"], args].concat()).ok().stdout;
    assert!(env(&[]).contains(&format!("DJANGO_PORT={port}\n")));
    assert_eq!(env(&["--format", "dotenv"]), env(&[]));
    let json: serde_json::Value = serde_json::from_str(&env(&["--format", "json"])).unwrap();
    assert_eq!(json["DJANGO_PORT"], port);
    let answer: serde_json::Value = serde_json::from_str(&env(&["--json"])).unwrap();
    assert_eq!((&answer["variables"], &answer["version"]), (&json, &1.into()));
    for (shell, load) in [
        ("sh", "eval \"$(git agentenv env x --format shell)\""),
        ("bash", "eval \"$(git agentenv env x --format shell)\""),
        ("zsh", "eval \"$(git agentenv env x --format shell)\""),
        ("fish", "git agentenv env x --format fish | source"),
    ] {
        let script = format!("{load}\nsh -c 'echo $DJANGO_PORT'");
        let mut command = sandbox.command(shell);
        let said = sandbox.outcome(command.args(["-c", &script]).current_dir(&repo.path)).ok();
        assert_eq!(said.stdout.trim_end(), port, "{shell}: {}", said.show());
    }
}

#[test]
fn an_environment_is_found_by_branch_directory_path_and_place() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    repo.agentenv(&["add", "feature/x"]).ok();
    let tree = sandbox.root.join("app-feature-x");
    let below = tree.join("some/where");
    fs::create_dir_all(&below).unwrap();
    let wanted = format!("{}\n", tree.display());
    for name in
        ["feature/x", "feature-x", "app-feature-x", "../app-feature-x", tree.to_str().unwrap()]
    {
        assert_eq!(repo.agentenv(&["path", name]).ok().stdout, wanted, "{name}");
    }
    let here = sandbox.agentenv_in(&below, &["env", "--json"]).ok().json();
    assert_eq!(here["name"], "feature-x");
    let said = repo.agentenv(&["path", "feature/y"]).fails(4);
    assert!(said.stderr.contains("did you mean `feature/x`?"), "{}", said.show());
}

#[test]
fn run_ends_as_its_command_does_and_with_125_when_it_never_ran() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    repo.agentenv(&["add", "x"]).ok();
    let said = repo.agentenv(&["run", "x", "--", "sh", "-c", "pwd; echo $DJANGO_PORT"]).ok();
    let port = *sandbox.ports().start() + 1;
    let tree = sandbox.root.join("app-x");
    assert_eq!(said.stdout, format!("{}\n{port}\n", tree.display()));
    for code in [1, 7, 125, 255] {
        repo.agentenv(&["run", "x", "--", "sh", "-c", &format!("exit {code}")]).fails(code);
    }
    repo.agentenv(&["run", "x", "--", "sh", "-c", "kill -TERM $$"]).fails(128 + 15);
    for args in [
        &["run", "x", "--", "no-such-program"] as &[&str],
        &["run", "y", "--", "true"],
        &["run", "--", "true"],
    ] {
        repo.agentenv(args).fails(125);
    }
    let inside =
        sandbox.agentenv_in(&tree, &["run", "--", "git", "rev-parse", "--show-toplevel"]).ok();
    assert_eq!(inside.stdout.trim_end(), tree.to_str().unwrap());
}

fn sandbox_git(sandbox: &Sandbox, dir: &std::path::Path, args: &[&str]) -> String {
    let mut git = sandbox.command("git");
    sandbox.outcome(git.args(args).current_dir(dir)).ok().stdout.trim_end().to_owned()
}

#[test]
fn the_url_is_what_the_configuration_says() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let config = sandbox.config_without_servers();
    repo.config(&format!("url: \"https://{{name}}.test:{{DJANGO_PORT}}/admin\"\n{config}"));
    let said = repo.agentenv(&["add", "a/b", "--json"]).ok().json();
    let port = &said["ports"]["DJANGO_PORT"];
    assert_eq!(said["url"], format!("https://a-b.test:{port}/admin"));
    let listed = repo.agentenv(&["list", "--json"]).ok().json();
    assert_eq!(listed["environments"][0]["url"], said["url"]);
    repo.config(&format!("url: \"http://{{nme}}\"\n{config}"));
    let said = repo.agentenv(&["add", "c"]).fails(3);
    assert!(said.stderr.contains("url: ") && said.stderr.contains("{nme}"), "{}", said.show());
}

#[test]
fn a_dry_run_of_several_gives_each_its_own_slots() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_in_container());
    let planned = repo.agentenv(&["add", "a", "b", "--dry-run", "--json"]).ok().json();
    let made = repo.agentenv(&["add", "a", "b", "--json"]).ok().json();
    for at in [0, 1] {
        let [planned, made] =
            [&planned, &made].map(|said| said["environments"][at]["variables"].clone());
        assert_eq!(planned, made);
    }
    assert_ne!(planned["environments"][0]["ports"], planned["environments"][1]["ports"]);
}
