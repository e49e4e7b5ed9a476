//! What fails says what, why and the way out, with its own exit code, and leaves nothing behind.

use crate::common::{Container, Outcome, Repo, Sandbox, servers};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

/// `add x` ends with this code and says these words; nothing is left of it.
#[track_caller]
fn add_fails(sandbox: &Sandbox, repo: &Repo<'_>, code: i32, words: &[&str]) -> Outcome {
    let said = repo.agentenv(&["add", "x"]).fails(code);
    says(&said, words);
    nothing_left(sandbox, repo, &said);
    said
}

#[track_caller]
fn says(said: &Outcome, words: &[&str]) {
    for word in words.iter().chain(&["error:", "hint:"]) {
        assert!(said.stderr.contains(word), "{word} is missing in {}", said.show());
    }
}

#[track_caller]
fn nothing_left(sandbox: &Sandbox, repo: &Repo<'_>, said: &Outcome) {
    assert_eq!(repo.git(&["branch", "--list", "x"]), "", "{}", said.show());
    assert_eq!(repo.git(&["worktree", "list"]).lines().count(), 1, "{}", said.show());
    let listed = repo.agentenv(&["list", "--json"]).ok().json();
    assert_eq!(listed["environments"], serde_json::json!([]), "{}", said.show());
    assert!(!sandbox.root.join("app-x").exists());
}

#[test]
fn outside_a_repository() {
    let sandbox = Sandbox::new();
    for args in [&["add", "x"] as &[&str], &["list"], &["path", "x"], &["remove", "x"], &["env"]] {
        let said = sandbox.agentenv_in(&sandbox.root, args).fails(4);
        says(&said, &["not in a git repository"]);
        assert!(!said.stderr.contains("caused by"), "{}", said.show());
    }
    let said = sandbox.agentenv_in(&sandbox.root, &["list", "--json"]).fails(4);
    let error = &said.json()["error"];
    assert_eq!((&error["code"], &error["exit"]), (&"not_found".into(), &4.into()));
    assert!(error["hint"].is_string() && said.stderr.is_empty(), "{}", said.show());
}

#[test]
fn in_a_directory_that_is_gone() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    for args in ["list", "remove", "env"] {
        let script = format!("mkdir gone && cd gone && rmdir ../gone && git agentenv {args}");
        let mut shell = sandbox.command("sh");
        let said = sandbox.outcome(shell.args(["-c", &script]).current_dir(&repo.path)).fails(4);
        says(
            &said,
            &["the current directory no longer exists", "hint: change to an existing directory"],
        );
    }
}

#[test]
fn in_no_environment() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    says(&repo.agentenv(&["env"]).fails(4), &["git agentenv list"]);
    repo.git(&["worktree", "add", "--quiet", "../plain"]);
    says(&sandbox.agentenv_in(sandbox.root.join("plain"), &["env"]).fails(4), &["agentenv adopt"]);
    for named in ["../plain", "plain"] {
        for command in ["status", "remove"] {
            let said = repo.agentenv(&[command, named]).fails(4);
            says(&said, &["no environment `", "hint: make it one: `git agentenv adopt "]);
        }
    }
}

#[test]
fn without_a_configuration_there_is_nothing_to_start() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.git(&["worktree", "add", "--quiet", "../x"]);
    sandbox.agentenv_in(sandbox.root.join("x"), &["adopt"]).ok();
    let said = repo.agentenv(&["up", "x"]).fails(3);
    says(&said, &["there is no .agentenv.yaml", "hint: write it: `git agentenv init`"]);
}

#[test]
fn a_branch_and_no_branch() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    let said = repo.agentenv(&["add", "x", "--detach"]).fails(2);
    let hint = "git agentenv add --detach --from <commit>";
    assert!(said.stderr.contains(hint), "{}", said.show());
    let said = repo.agentenv(&["add", "x", "--detach", "--json"]).fails(2).json();
    assert!(said["error"]["hint"].as_str().unwrap().contains(hint), "{said}");
}

#[test]
fn a_repository_without_a_commit() {
    let sandbox = Sandbox::new();
    let empty = sandbox.root.join("empty");
    fs::create_dir(&empty).unwrap();
    sandbox.outcome(sandbox.command("git").args(["init", "-q"]).current_dir(&empty)).ok();
    says(&sandbox.agentenv_in(&empty, &["add", "x"]).fails(4), &["no commit yet"]);
}

#[test]
fn references_that_cannot_be_read() {
    let sandbox = Sandbox::new();
    let repo = sandbox.root.join("reftable");
    let mut init = sandbox.command("git");
    init.args(["init", "-q", "--ref-format=reftable", "reftable"]).current_dir(&sandbox.root);
    let said = sandbox.outcome(&mut init);
    // Git knows the format since 2.45.
    if said.code == 0 {
        let words = ["`reftable`", "git refs migrate --ref-format=files"];
        says(&sandbox.agentenv_in(&repo, &["add", "x"]).fails(1), &words);
    }
}

#[test]
fn a_branch_that_is_in_the_way_of_another() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    repo.git(&["branch", "feature"]);
    repo.git(&["branch", "fix/a/b"]);
    for (name, other) in [("feature/x", "feature"), ("fix", "fix/a/b"), ("fix/a", "fix/a/b")] {
        let said = repo.agentenv(&["add", name]).fails(7);
        let exists = format!("cannot create branch `{name}`: branch `{other}` exists");
        says(&said, &[&exists, &format!("git branch -m {other} ")]);
        nothing_left(&sandbox, &repo, &said);
    }
    for names in [["x", "x/y/z"], ["x/y/z", "x"]] {
        let said = repo.agentenv(&[&["add", "ok"][..], &names].concat()).fails(2);
        says(&said, &["cannot create branch `x/y/z` beside branch `x`", "another name"]);
        nothing_left(&sandbox, &repo, &said);
    }
}

#[test]
fn branches_that_cannot_be() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    for name in ["a..b", "a b", "-x", "a~1", "x.lock", "HEAD", "@", ""] {
        let said = repo.agentenv(&["add", "--", name]).fails(2);
        nothing_left(&sandbox, &repo, &said);
    }
    repo.git(&["worktree", "add", "--quiet", "../elsewhere", "-b", "taken"]);
    repo.agentenv(&["add", "mine"]).ok();
    for (name, place, way_out) in [
        ("main", "/app", "--from main"),
        ("taken", "/elsewhere", "git agentenv adopt "),
        ("mine", "/app-mine", "git agentenv run mine -- "),
    ] {
        says(&repo.agentenv(&["add", name]).fails(7), &["already checked out at", place, way_out]);
    }
    says(
        &repo.agentenv(&["add", "new", "--from", "no-such"]).fails(4),
        &["`no-such` is not a commit"],
    );
    says(&repo.agentenv(&["add", "main", "--from", "HEAD"]).fails(7), &["checked out"]);
    says(&repo.agentenv(&["add"]).fails(2), &["<BRANCH>"]);
}

#[test]
fn a_configuration_that_is_wrong_is_named_with_file_line_and_key() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    for (yaml, words) in [
        ("env_fle: x\n", &["env_fle", ":1", "did you mean"] as &[&str]),
        ("\nports:\n  A: { main: high, range: 1-2 }\n", &["main", ":3"]),
        ("project: a\nworktree: b\nproject: c\n", &["project", ":3"]),
        ("services: [\n", &[".agentenv.yaml"]),
    ] {
        repo.config(yaml);
        let said = repo.agentenv(&["add", "x"]).fails(3);
        for word in words.iter().chain(&[".agentenv.yaml", "error:"]) {
            assert!(said.stderr.contains(word), "{yaml}: {word} is missing in {}", said.show());
        }
        nothing_left(&sandbox, &repo, &said);
    }
}

#[test]
fn servers_that_are_missing_stopped_or_refuse() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let config = sandbox.config_in_container();
    let postgres = servers().postgres;
    repo.config(&config.replace(postgres, "no-such-container"));
    add_fails(&sandbox, &repo, 6, &["no-such-container"]);
    let stopped = Container::create("agentenv-test/postgres", &[]);
    repo.config(&config.replace(postgres, &stopped.name));
    let said = add_fails(&sandbox, &repo, 6, &[&stopped.name, "not running"]);
    assert!(said.stderr.contains("docker start"), "{}", said.show());
    let user = config.replace("kind: postgres,", "kind: postgres, user: no-such-user,");
    repo.config(&user);
    add_fails(&sandbox, &repo, 6, &["no-such-user"]);
    assert!(sandbox.databases().is_empty());
}

#[test]
fn docker_that_is_missing_down_or_forbidden() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_in_container());
    let add = |name: &str, value: &std::ffi::OsStr| {
        let said = sandbox.outcome(repo.command(&["add", "x"]).env(name, value)).fails(6);
        nothing_left(&sandbox, &repo, &said);
        said
    };
    let bin = bin_without_docker(&sandbox);
    says(&add("PATH", bin.as_os_str()), &["`docker` is not installed"]);
    says(
        &add("DOCKER_HOST", "unix:///nowhere.sock".as_ref()),
        &["the Docker engine is not running"],
    );
}

#[test]
fn all_ports_or_indexes_taken_names_who_holds_them() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let first = *sandbox.ports().start();
    let (all, one) = (
        format!("range: {}-{}", first + 1, sandbox.ports().end()),
        format!("range: {0}-{0}", first + 1),
    );
    repo.config(&sandbox.config_without_servers().replace(&all, &one));
    repo.agentenv(&["add", "holder"]).ok();
    // The holder may be an environment of another repository.
    let ways = ["git -C <path> agentenv remove", "agentenv list --all --idle 7d"];
    let said = repo.agentenv(&["add", "x"]).fails(5);
    says(&said, &[&["DJANGO_PORT", "holder"][..], &ways].concat());
    repo.agentenv(&["remove", "holder"]).ok();
    let listener = TcpListener::bind(("127.0.0.1", first + 1)).unwrap();
    add_fails(&sandbox, &repo, 5, &["DJANGO_PORT"]);
    drop(listener);

    let indexes = sandbox.indexes();
    let (all, one) = (
        format!("range: {}-{}", indexes.start(), indexes.end()),
        format!("range: {0}-{0}", indexes.start()),
    );
    repo.config(&sandbox.config_with_one_redis().replace(&all, &one));
    repo.agentenv(&["add", "holder"]).ok();
    says(&repo.agentenv(&["add", "x"]).fails(5), &["services.redis.range", "holder"]);
    assert_eq!(sandbox.databases().len(), 1);
}

#[test]
fn a_directory_that_is_in_the_way() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    let there = sandbox.root.join("there");
    fs::create_dir(&there).unwrap();
    fs::write(there.join("mine"), "keep\n").unwrap();
    let said = repo.agentenv(&["add", "x", "--path", "../there"]).fails(7);
    says(&said, &["/there"]);
    assert_eq!(fs::read_to_string(there.join("mine")).unwrap(), "keep\n");
    nothing_left(&sandbox, &repo, &said);
}

#[test]
fn a_state_directory_that_cannot_be_used() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    repo.agentenv(&["add", "y"]).ok();
    let file = sandbox.root.join("file");
    fs::write(&file, "").unwrap();
    // A relative one would be another one in each directory.
    for (dir, exit, words) in
        [(file.join("state"), 1, "state directory"), ("rel".into(), 2, "not an absolute path")]
    {
        let mut command = repo.command(&["add", "x"]);
        says(
            &sandbox.outcome(command.env("AGENTENV_STATE_DIR", dir)).fails(exit),
            &[words, "AGENTENV_STATE_DIR"],
        );
        assert!(!repo.path.join("rel").exists());
    }
}

#[test]
fn a_disk_that_is_full() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox);
    repo.commit("big", &"x".repeat(3_000_000));
    // Files of this process and its children may not grow beyond a limit, as on a disk with so much left.
    let mut bash = sandbox.command("bash");
    let script = "trap '' XFSZ; ulimit -f 2000; git agentenv add x";
    let said = sandbox.outcome(bash.args(["-c", script]).current_dir(&repo.path)).fails(1);
    assert!(said.stderr.contains("big"), "{}", said.show());
    nothing_left(&sandbox, &repo, &said);
}

fn small(sandbox: &Sandbox) -> Repo<'_> {
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo
}

/// A directory for PATH that has all of PATH's programs but docker.
fn bin_without_docker(sandbox: &Sandbox) -> PathBuf {
    let bin = sandbox.root.join("bin");
    fs::create_dir(&bin).unwrap();
    let command = sandbox.command("true");
    let path = command.get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap().to_owned();
    for dir in std::env::split_paths(&path) {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let runs = entry.metadata().is_ok_and(|meta| meta.permissions().mode() & 0o111 != 0);
            if runs && !entry.file_name().to_string_lossy().starts_with("docker") {
                symlink(entry.path(), bin.join(entry.file_name())).ok();
            }
        }
    }
    bin
}
