//! `list`: environments and the worktrees beside them, with what each holds and does.

use crate::common::{Sandbox, hold, servers, wait_until};
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, UNIX_EPOCH};

#[test]
fn the_main_checkout_comes_first_and_plain_worktrees_say_how_to_adopt_them() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    let empty = repo.agentenv(&["list"]).ok();
    assert!(empty.stdout.starts_with("no environments"), "{}", empty.show());
    repo.git(&["worktree", "add", "--quiet", "-b", "by-hand", "../by-hand"]);
    repo.agentenv(&["add", "x"]).ok();

    let said = repo.agentenv(&["list"]).ok().stdout;
    let words = |line: &str| line.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>();
    let rows: Vec<Vec<String>> = said.lines().skip(1).map(words).collect();
    assert_eq!(rows, [["@", "main"], ["x", "ready"], ["by-hand", "plain"]], "{said}");
    let listed = repo.agentenv(&["list", "--json"]).ok().json();
    assert_eq!(listed["environments"].as_array().unwrap().len(), 1);
    let of = |worktree: &Value| (worktree["branch"].clone(), worktree["is_main"].clone());
    let worktrees: Vec<_> = listed["worktrees"].as_array().unwrap().iter().map(of).collect();
    assert_eq!(worktrees, [(json!("main"), json!(true)), (json!("by-hand"), json!(false))]);
    assert_eq!(listed["worktrees"][0]["status"], Value::Null, "git is not asked");

    repo.agentenv(&["adopt", "../by-hand"]).ok();
    let listed = repo.agentenv(&["list", "--all", "--json"]).ok().json();
    assert_eq!(listed["worktrees"].as_array().unwrap().len(), 1, "{listed:#}");
}

#[test]
fn full_shows_changes_commits_the_last_activity_and_sizes() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config());
    repo.agentenv(&["add", "x"]).ok();
    sandbox.repo_at("app-x").commit("work", "done\n");
    // A time that nothing else in the worktree has: later than that of the commit.
    let later = UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    let file = fs::File::create(sandbox.root.join("app-x/notes")).unwrap();
    file.set_modified(later).unwrap();
    drop(file);
    let row = repo.agentenv(&["list", "--full", "--json"]).ok().json()["environments"][0].clone();
    assert_eq!(row["status"], json!({"changed": 1, "ahead": 1, "behind": 0, "beside": "main"}));
    assert_eq!(row["last_activity"], 4_000_000_000_u64, "{row:#}");
    assert!(row["worktree_bytes"].as_u64().unwrap() > 0, "{row:#}");
    assert!(row["database_bytes"].as_u64().unwrap() > 1_000_000, "{row:#}");
    let text = repo.agentenv(&["list", "--full"]).ok().stdout;
    for cell in ["+1 main", " 0s ", " MB ", "ACTIVE", "DB SIZE"] {
        assert!(text.contains(cell), "{cell}: {text}");
    }
}

#[test]
fn processes_that_up_started_are_counted_and_those_that_died_are_seen() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let processes = "processes: { web: exec sleep 600, worker: exec sleep 600, once: \"true\" }\n";
    repo.config(&(sandbox.config_without_servers() + processes));
    repo.agentenv(&["trust", "--yes"]).ok();
    repo.agentenv(&["add", "x"]).ok();
    let counts = || {
        let row = repo.agentenv(&["list", "--json"]).ok().json()["environments"][0].clone();
        (row["running"].as_u64().unwrap(), row["died"].as_u64().unwrap())
    };
    assert_eq!(counts(), (0, 0));
    repo.agentenv(&["up", "x"]).ok();
    wait_until("the one that ends has ended", || counts() == (2, 0));
    let ps = repo.agentenv(&["ps", "x", "--json"]).ok().json();
    let pid = ps["environments"][0]["processes"][1]["pid"].as_u64().unwrap().to_string();
    let kill = sandbox.command("kill").args(["-9", &pid]).status().unwrap();
    assert!(kill.success());
    wait_until("the other is missed", || counts() == (1, 1));
    assert!(repo.agentenv(&["list"]).ok().stdout.contains(" 1/2 "));
    let doctor = repo.agentenv(&["doctor"]).ok().stdout;
    let way = format!("git -C {} agentenv up", sandbox.root.join("app-x").display());
    let finding = format!("warning: `x`: process `worker` was killed\n  {way}\n");
    assert!(doctor.contains(&finding), "{doctor}");
    repo.agentenv(&["down", "x"]).ok();
    assert_eq!(counts(), (0, 0));
}

#[test]
fn a_worktree_that_git_has_no_record_of_is_not_ready() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["add", "x"]).ok();
    fs::remove_dir_all(repo.path.join(".git/worktrees/app-x")).unwrap();
    let doctor = repo.agentenv(&["doctor"]).fails(1).stdout;
    assert!(doctor.contains("has no record of worktree"), "{doctor}");
    for args in
        [&["list", "--json"][..], &["list", "--full", "--json"], &["list", "--all", "--json"]]
    {
        let row = repo.agentenv(args).ok().json()["environments"][0].clone();
        assert_eq!(row["state"], "no record", "{row:#}");
    }
    let status = repo.agentenv(&["status", "x"]).ok().stdout;
    assert!(
        status.starts_with("x  no record\n") && status.contains("git agentenv adopt"),
        "{status}"
    );
    // Its repository was moved.
    fs::rename(&repo.path, sandbox.root.join("moved")).unwrap();
    let moved = sandbox.repo_at("moved");
    let row = moved.agentenv(&["list", "--all", "--json"]).ok().json()["environments"][0].clone();
    assert_eq!(row["state"], "no record", "{row:#}");
}

#[test]
fn watch_needs_a_terminal() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let said = repo.agentenv(&["list", "--watch"]).fails(2);
    assert!(
        said.stderr.contains("cannot watch: stdin or stdout is not a terminal"),
        "{}",
        said.show()
    );
    assert!(said.stderr.contains("git agentenv list --full"), "{}", said.show());
    assert_eq!(said.stdout, "");
    let said = repo.agentenv(&["list", "--watch", "--json"]).fails(2);
    assert!(said.json()["error"]["hint"].as_str().unwrap().contains("--full --json"));
}

#[test]
fn move_takes_the_worktree_elsewhere_and_refuses_what_is_in_use() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let home = "env: { HOME_OF_APP: \"{path}\" }\n";
    repo.config(&(sandbox.config() + home + "processes: { web: exec sleep 600 }\n"));
    repo.agentenv(&["trust", "--yes"]).ok();
    repo.agentenv(&["add", "x", "y"]).ok();
    fs::write(sandbox.root.join("app-x/work"), "mine").unwrap();

    repo.agentenv(&["up", "x"]).ok();
    let said = repo.agentenv(&["move", "x", "../moved"]).fails(7);
    assert!(said.stderr.contains("its processes are up"), "{}", said.show());
    assert!(said.stderr.contains("git agentenv down x"), "{}", said.show());
    repo.agentenv(&["down", "x"]).ok();
    let session = hold::on(&format!("{}_x", sandbox.id), "a-worker", "SELECT 1 AS one \\gset");
    let said = repo.agentenv(&["move", "x", "../moved"]).fails(7);
    assert!(said.stderr.contains("a client is connected"), "{}", said.show());
    drop(session);
    wait_until("the client has gone", || {
        repo.agentenv(&["status", "x", "--json"]).ok().json()["sessions"] == json!([])
    });
    let said = repo.agentenv(&["move", "x", "README"]).fails(7);
    assert!(said.stderr.contains("already exists"), "{}", said.show());
    let said = repo.agentenv(&["move", "x", "../none/moved"]).fails(7);
    assert!(said.stderr.contains("mkdir -p"), "{}", said.show());
    repo.git(&["worktree", "lock", "../app-x"]);
    let said = repo.agentenv(&["move", "x", "../moved"]).fails(7);
    assert!(said.stderr.contains("git worktree unlock"), "{}", said.show());
    repo.git(&["worktree", "unlock", "../app-x"]);
    assert!(sandbox.root.join("app-x/work").exists() && !sandbox.root.join("moved").exists());

    fs::create_dir(sandbox.root.join("inside")).unwrap();
    let lease =
        || repo.agentenv(&["list", "--json"]).ok().json()["environments"][0]["lease"].clone();
    let before = lease();
    let said = repo.agentenv(&["move", "x", "../inside"]).ok();
    let moved = sandbox.root.join("inside/app-x");
    assert_eq!(said.stdout.trim(), moved.to_str().unwrap());
    assert_eq!(
        (lease(), fs::read_to_string(moved.join("work")).unwrap()),
        (before, "mine".to_owned())
    );
    let variables = fs::read_to_string(moved.join(".env.worktree")).unwrap();
    assert!(variables.contains(&format!("HOME_OF_APP={}", moved.display())), "{variables}");
    // As git leaves it when it is killed between the directory and its record.
    fs::rename(&moved, sandbox.root.join("moved")).unwrap();
    let said = repo.agentenv(&["move", "x", "../moved"]).ok();
    let moved = format!("moved `x` to {}/moved\n", sandbox.root.display());
    assert!(said.stderr.contains(&moved), "{}", said.show());
    assert!(!said.stderr.contains("repaired"), "{}", said.show());
    assert!(repo.git(&["worktree", "list"]).contains("/moved "));
    let doctor = repo.agentenv(&["doctor", "--json"]).json()["findings"].to_string();
    assert!(!doctor.contains("`x`") && !doctor.contains("app-x"), "{doctor}");
}

#[test]
fn rename_gives_branch_and_directory_another_name() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&(sandbox.config() + "processes: { web: exec sleep 600 }\n"));
    repo.agentenv(&["trust", "--yes"]).ok();
    repo.git(&["branch", "old"]);
    repo.agentenv(&["add", "x", "old"]).ok();
    let database = format!("{}_x", sandbox.id);
    servers().psql_on(&database, "CREATE TABLE rows AS SELECT 7 AS n");

    repo.agentenv(&["up", "x"]).ok();
    let said = repo.agentenv(&["rename", "x", "y"]).fails(7);
    assert!(said.stderr.contains("git agentenv down x"), "{}", said.show());
    repo.agentenv(&["down", "x"]).ok();
    repo.agentenv(&["rename", "x", "bad..name"]).fails(2);
    let said = repo.agentenv(&["rename", "x", "old"]).fails(7);
    assert!(said.stderr.contains("branch `old` exists"), "{}", said.show());
    repo.git(&["worktree", "lock", "../app-x"]);
    repo.agentenv(&["rename", "x", "y"]).fails(7);
    repo.git(&["worktree", "unlock", "../app-x"]);
    assert_eq!(repo.git(&["branch", "--list", "y"]), "", "a refusal changes nothing");
    // Its own branch would go, another one of the same folder would not.
    repo.agentenv(&["add", "a/b"]).ok();
    repo.git(&["branch", "a/c"]);
    let said = repo.agentenv(&["rename", "a/b", "a"]).fails(7);
    assert!(said.stderr.contains("branch `a/c` exists"), "{}", said.show());
    repo.git(&["branch", "-D", "a/c"]);
    repo.agentenv(&["rename", "a/b", "a"]).ok();
    repo.agentenv(&["remove", "a", "-D"]).ok();

    let said = repo.agentenv(&["rename", "x", "fix/login"]).ok();
    let moved = sandbox.root.join("app-fix-login");
    assert_eq!(said.stdout.trim(), moved.to_str().unwrap());
    assert!(said.stderr.contains(&format!("POSTGRES_DB={database}")), "{}", said.show());
    let variables = fs::read_to_string(moved.join(".env.worktree")).unwrap();
    assert!(variables.contains("COMPOSE_PROJECT_NAME=app-x\n"), "{variables}");
    assert_eq!(servers().psql_on(&database, "SELECT n FROM rows"), "7");
    // A branch of the old name starts anew beside it.
    let again = repo.agentenv(&["add", "x", "--json"]).ok().json();
    assert_ne!(again["variables"]["POSTGRES_DB"], database.as_str());
    // The same letters, another branch: nothing moves.
    repo.agentenv(&["rename", "fix/login", "fix-login"]).ok();
    assert!(moved.join(".env.worktree").exists());
    repo.agentenv(&["remove", "fix-login", "-D"]).ok();
    assert!(!sandbox.databases().contains(&database));

    let said = repo.agentenv(&["rename", "old", "main"]).fails(7);
    assert!(said.stderr.contains("branch `main` exists"), "{}", said.show());
    let said = repo.agentenv(&["rename", "old", "new"]).ok();
    assert!(said.stderr.contains("keeping branch `old`"), "{}", said.show());
    assert_eq!(repo.git(&["branch", "--list", "new"]), "");
    repo.agentenv(&["rename", "new", "newer", "--branch"]).ok();
    assert_eq!(repo.git(&["branch", "--list", "old", "newer"]), "+ newer");
    repo.agentenv(&["move", "newer", "../elsewhere"]).ok();
    let said = repo.agentenv(&["rename", "newer", "newest"]).ok();
    assert_eq!(said.stdout.trim(), sandbox.root.join("elsewhere").to_str().unwrap());
    let list = repo.agentenv(&["list"]).ok().stdout;
    assert!(list.contains("newer (newest)"), "{list}");
    assert_eq!(repo.agentenv(&["doctor"]).stdout.matches("error: ").count(), 0);
}
