//! What `doctor` finds, that each finding names its repair, and what `--fix` repairs by itself.

use crate::common::{Outcome, Repo, Sandbox, servers};
use serde_json::Value;
use std::fs;
use std::net::TcpListener;

#[test]
fn what_is_whole_has_no_errors() {
    let sandbox = Sandbox::new();
    let repo = environment(&sandbox);
    let said = repo.agentenv(&["doctor", "--json"]).ok().json();
    assert_eq!(said["ok"], true, "{said:#}");
    assert!(errors(&said).is_empty());
    let pools = said["slots"].as_array().unwrap();
    assert_eq!((&pools[0]["pool"], &pools[0]["free"]), (&"ports.DJANGO_PORT".into(), &38.into()));
    assert_eq!((&pools[1]["pool"], &pools[1]["free"]), (&"services.redis".into(), &3.into()));
    assert!(repo.agentenv(&["doctor"]).ok().stdout.contains("ports.DJANGO_PORT: 38 of 39 free"));
}

#[test]
fn what_is_missing_is_named_and_put_back() {
    let sandbox = Sandbox::new();
    let repo = environment(&sandbox);
    let file = sandbox.root.join("app-x/.env.worktree");
    let content = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    servers().psql(&format!("DROP DATABASE {}_x", sandbox.id));
    let index = sandbox.indexes().next().unwrap();
    servers().redis(index, &["FLUSHDB"]);
    let said = repo.agentenv(&["doctor", "--json"]).fails(1).json();
    let found = errors(&said);
    for what in [
        ".env.worktree is missing or changed",
        "_x is missing",
        &format!("redis {index} is missing"),
    ] {
        assert!(found.iter().any(|finding| finding.contains(what)), "{what}: {said:#}");
    }
    let findings = said["findings"].as_array().unwrap().iter();
    let is_repair =
        |finding: &&Value| finding["command"].to_string().starts_with("\"git agentenv adopt /");
    assert_eq!(findings.filter(is_repair).count(), 3, "{said:#}");
    repo.agentenv(&["doctor", "--fix"]).ok();
    assert_eq!(fs::read_to_string(&file).unwrap(), content);
    assert_eq!(sandbox.databases(), [format!("{}_x", sandbox.id)]);
    fs::write(&file, content.replace("POSTGRES_DB=", "POSTGRES_DB=other")).unwrap();
    repo.agentenv(&["doctor"]).fails(1);
    repo.agentenv(&["doctor", "--fix"]).ok();
    assert_eq!(fs::read_to_string(&file).unwrap(), content);
}

#[test]
fn what_leads_applications_to_another_server_or_the_main_checkout_is_named() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let port = servers().postgres_port;
    repo.config(&sandbox.config_in_container().replace(&format!("port: {port}"), "port: 1"));
    let settings = format!("X = os.environ.get('REPORTS_DB_NAME', '{}_main')", sandbox.id);
    repo.commit("shop/settings.py", &settings);
    let said = repo.agentenv(&["doctor", "--json"]).fails(1).json();
    let errors = errors(&said);
    assert!(
        errors[0].contains("look for postgres at localhost:1, but")
            && errors[0].contains(&format!("is published at 127.0.0.1:{port}")),
        "{said:#}"
    );
    let findings = said["findings"].as_array().unwrap();
    let lead =
        findings.iter().find(|one| one["what"].as_str().unwrap().starts_with("REPORTS_DB_NAME"));
    let hint = lead.unwrap()["hint"].as_str().unwrap();
    assert!(hint.ends_with("REPORTS_DB_NAME: \"{POSTGRES_DB}\""), "{hint}");
}

#[test]
fn an_index_with_anybodys_keys_is_not_free() {
    let sandbox = Sandbox::new();
    let repo = environment(&sandbox);
    let free = || {
        let said = repo.agentenv(&["doctor", "--json"]).json();
        let pools = said["slots"].as_array().unwrap().clone();
        let redis = pools.into_iter().find(|pool| pool["pool"] == "services.redis").unwrap();
        redis["free"].as_u64().unwrap()
    };
    let before = free();
    let mark = "git-agentenv 0123456789abcdef01234567";
    servers().redis(*sandbox.indexes().end(), &["SET", "git-agentenv:owner", mark]);
    assert_eq!(free(), before - 1);
}

#[test]
fn its_commands_are_for_the_shell() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["add", "x", "--path", "../it's here"]).ok();
    fs::remove_file(sandbox.root.join("it's here/.env.worktree")).unwrap();
    let said = repo.agentenv(&["doctor", "--json"]).fails(1).json();
    let finding = said["findings"].as_array().unwrap().iter().find(|one| one["level"] == "error");
    let mut shell = sandbox.command("sh");
    shell.args(["-c", finding.unwrap()["command"].as_str().unwrap()]).current_dir(&repo.path);
    sandbox.outcome(&mut shell).ok();
    repo.agentenv(&["doctor"]).ok();
}

#[test]
fn a_worktree_that_is_away_keeps_its_environment_and_a_way_back_is_named() {
    let sandbox = Sandbox::new();
    let repo = environment(&sandbox);
    let (place, moved) = (sandbox.root.join("app-x"), sandbox.root.join("elsewhere"));
    fs::rename(&place, &moved).unwrap();
    let repair = format!("git worktree repair {}", moved.display());
    let said = repo.agentenv(&["doctor", "--json"]).fails(1).json();
    assert_eq!(
        said["findings"].as_array().unwrap().iter().filter(|f| f["command"] == *repair).count(),
        1
    );
    assert_eq!(errors(&said).len(), 1, "{said:#}");
    for args in [&["remove", "x"][..], &["remove", "x", "--force"]] {
        let said = repo.agentenv(args).fails(7);
        assert!(said.stderr.contains(&repair), "{}", said.show());
    }
    // What was refused is not begun: told where it is, nothing is due.
    repo.git(&repair.split(' ').skip(1).collect::<Vec<_>>());
    assert!(repo.agentenv(&["prune"]).ok().stdout.contains("nothing to prune"));
    assert!(moved.exists());

    repo.git(&["worktree", "lock", moved.to_str().unwrap()]);
    let away = sandbox.root.join("a/b/c");
    fs::create_dir_all(&away).unwrap();
    fs::rename(&moved, away.join("x")).unwrap();
    let said = repo.agentenv(&["doctor", "--json"]).ok().json();
    let unlock = format!("git worktree unlock {}", moved.display());
    assert!(
        said["findings"].as_array().unwrap().iter().any(|f| f["command"] == *unlock),
        "{said:#}"
    );
    repo.git(&["worktree", "unlock", moved.to_str().unwrap()]);
}

#[test]
fn what_was_interrupted_or_lost_its_worktree_is_finished() {
    let sandbox = Sandbox::new();
    let repo = environment(&sandbox);
    repo.killed(&["add", "y"], "before-ready");
    fs::remove_dir_all(sandbox.root.join("app-x")).unwrap();
    let said = repo.agentenv(&["doctor", "--json"]).fails(1).json();
    let found = errors(&said);
    assert!(found.iter().any(|finding| finding.contains("`add` was interrupted")), "{said:#}");
    assert!(found.iter().any(|finding| finding.contains("its worktree was deleted")), "{said:#}");
    repo.agentenv(&["doctor", "--fix"]).ok();
    assert!(sandbox.databases().is_empty());
    assert_eq!(
        repo.agentenv(&["list", "--json"]).ok().json()["environments"],
        Value::Array(vec![])
    );
}

#[test]
fn what_is_foreign_is_named_and_kept() {
    let sandbox = Sandbox::new();
    let repo = environment(&sandbox);
    let database = format!("{}_x", sandbox.id);
    servers().psql(&format!("COMMENT ON DATABASE {database} IS 'mine'"));
    let port = sandbox.ports().nth(1).unwrap();
    let _listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let said = repo.agentenv(&["doctor", "--fix", "--json"]).fails(1).json();
    assert!(
        errors(&said).iter().any(|finding| finding.contains("belongs to another now")),
        "{said:#}"
    );
    let all = said["findings"].to_string();
    assert!(all.contains(&format!("(pid {})", std::process::id())), "{all}");
    assert!(all.contains(env!("CARGO_MANIFEST_DIR")), "{all}");
    assert_eq!(sandbox.databases(), [database.as_str()]);
}

#[test]
fn engines_and_leases_that_do_not_answer_are_named() {
    let sandbox = Sandbox::new();
    let repo = environment(&sandbox);
    let mut doctor = repo.command(&["doctor", "--json"]);
    let said = sandbox.outcome(doctor.env("DOCKER_HOST", "unix:///nonexistent/docker.sock"));
    let said = said.fails(1).json();
    assert!(
        errors(&said)
            .iter()
            .any(|finding| finding.contains("cannot use Docker: the Docker engine is not running"))
    );
    let lease = sandbox.lease();
    fs::write(&lease, "version: 99\n").unwrap();
    let said: Outcome = repo.agentenv(&["doctor"]).fails(1);
    assert!(said.stdout.contains("newer git-agentenv (version 99)"), "{}", said.show());
    assert!(said.stdout.contains(&format!("  mv {}", lease.display())), "{}", said.show());
}

fn environment(sandbox: &Sandbox) -> Repo<'_> {
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_in_container());
    repo.agentenv(&["add", "x"]).ok();
    repo
}

fn errors(said: &Value) -> Vec<String> {
    let findings = said["findings"].as_array().unwrap().iter();
    let errors = findings.filter(|finding| finding["level"] == "error");
    errors.map(|finding| finding["what"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_worktree_that_was_moved_is_repaired_by_the_command_that_is_printed() {
    for by in ["doctor", "git"] {
        let sandbox = Sandbox::new();
        let repo = sandbox.repo("app");
        repo.config(&sandbox.config_without_servers());
        repo.agentenv(&["add", "x"]).ok();
        let (old, new) = (sandbox.root.join("app-x"), sandbox.root.join("moved"));
        fs::rename(&old, &new).unwrap();
        let command = format!("git worktree repair {}", new.display());
        let run = repo.agentenv(&["run", "x", "--", "true"]).fails(125);
        assert!(run.stderr.contains(&command), "{}", run.show());
        let path = repo.agentenv(&["path", "x"]).fails(7);
        assert!(path.stderr.contains(&command) && path.stdout.is_empty(), "{}", path.show());
        if by == "git" {
            repo.git(&["worktree", "repair", new.to_str().unwrap()]);
            let said = repo.agentenv(&["doctor"]);
            assert!(!said.stdout.contains(old.to_str().unwrap()), "{}", said.show());
        } else {
            let said = repo.agentenv(&["doctor"]).fails(1);
            assert!(said.stdout.contains(&command), "{}", said.show());
        }
        fs::remove_file(new.join(".env.worktree")).unwrap();
        let said = repo.agentenv(&["doctor", "--fix", "--json"]);
        assert!(errors(&said.json()).is_empty(), "{}", said.show());
        assert!(new.join(".env.worktree").exists() && !old.exists());
        let path = repo.agentenv(&["path", "x"]).ok().stdout;
        assert_eq!(path.trim(), new.to_str().unwrap());
        repo.agentenv(&["run", "x", "--", "true"]).ok();
    }
}

#[test]
fn a_worktree_that_was_deleted_has_no_path() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["add", "x"]).ok();
    fs::remove_dir_all(sandbox.root.join("app-x")).unwrap();
    let said = repo.agentenv(&["path", "x"]).fails(4);
    assert!(
        said.stderr.contains("git agentenv prune") && said.stdout.is_empty(),
        "{}",
        said.show()
    );
}

#[test]
fn what_is_no_command_is_a_hint_and_one_cause_is_named_once() {
    let sandbox = Sandbox::new();
    let repo = environment(&sandbox);
    let mut doctor = sandbox.command("git");
    doctor.args(["agentenv", "doctor", "--json"]).current_dir(&repo.path);
    let said = sandbox.outcome(doctor.env("DOCKER_HOST", "unix:///nowhere.sock")).fails(1).json();
    let findings = said["findings"].as_array().unwrap();
    let of_docker = |one: &&Value| one["what"].as_str().unwrap().contains("engine is not running");
    let found: Vec<&Value> = findings.iter().filter(of_docker).collect();
    assert_eq!(found.len(), 1, "{said:#}");
    assert_eq!(found[0]["command"], Value::Null);
    assert!(found[0]["hint"].as_str().unwrap().starts_with("start Docker"), "{said:#}");
    for one in findings {
        assert!(one["command"].is_string() != one["hint"].is_string(), "{one:#}");
        let command = one["command"].as_str().unwrap_or_default();
        let first = command.split(' ').next().unwrap_or_default();
        assert!(["", "git", "mkdir", "mv"].contains(&first), "{command}");
    }
}
