//! Many stale leases at once: each server is asked in one session, and none of the leases stops another.

use crate::common::{Outcome, Repo, Sandbox, hold, servers, write_program};
use std::fs::{self, File};
use std::path::PathBuf;

/// More than are locked at the same time.
const STALE: usize = 130;

/// So many of them have a database.
const DATABASES: usize = 12;

#[test]
fn many_stale_leases_are_pruned_in_one_session_and_what_is_in_use_stays() {
    let sandbox = Sandbox::new();
    let repo = configured(&sandbox);
    repo.agentenv(&["add", "x"]).ok();
    repo.agentenv(&["add", "standing"]).ok();
    let (_, usual) = counted(&sandbox, &repo, &["prune"]);
    let stale = multiply(&sandbox, STALE, DATABASES);
    fs::remove_dir_all(sandbox.root.join("app-x")).unwrap();
    let beside = format!("test_{}_s3", sandbox.id);
    servers().psql(&format!("CREATE DATABASE {beside}"));
    let database = |name: &str| format!("{}_{name}", sandbox.id);
    let session = hold::on(&database("s1"), "another-client", "SELECT 1 AS one \\gset");
    let lock = File::create(sandbox.root.join(format!("state/locks/{}.lock", stale[2]))).unwrap();
    lock.lock().unwrap();

    let dry = repo.agentenv(&["prune", "--dry-run", "--json"]).ok().json();
    assert_eq!(dry["pruned"].as_array().unwrap().len(), STALE, "{dry:#}");
    let (said, sessions) = counted(&sandbox, &repo, &["prune", "--json"]);
    let answer = said.fails(8).json();
    let kept = answer["kept"].as_array().unwrap();
    assert_eq!((kept.len(), &kept[0]["name"]), (1, &"s1".into()), "{answer:#}");
    assert!(kept[0]["why"].as_str().unwrap().contains("another-client"), "{answer:#}");
    assert_eq!(answer["pruned"].as_array().unwrap().len(), STALE - 1);
    // One of its own for the database that has another one beside it.
    assert_eq!(sessions, usual + 2, "for {STALE} leases");
    let left = format!("SELECT count(*) FROM pg_database WHERE datname = '{beside}'");
    assert_eq!(servers().psql(&left), "0");
    assert_eq!(sandbox.databases(), ["s1", "s2", "standing"].map(database));
    assert_eq!(sandbox.leases().len(), 3);

    drop((session, lock));
    repo.agentenv(&["prune"]).ok();
    assert_eq!(sandbox.databases(), [database("standing")]);
    repo.agentenv(&["remove", "standing"]).ok();
    assert!(sandbox.leases().is_empty());
}

#[test]
fn a_server_that_is_gone_and_a_kill_stop_none_of_the_others_for_good() {
    let sandbox = Sandbox::new();
    let repo = configured(&sandbox);
    repo.agentenv(&["add", "x"]).ok();
    let stale = multiply(&sandbox, 4, 4);
    fs::remove_dir_all(sandbox.root.join("app-x")).unwrap();
    let lost = sandbox.root.join(format!("state/leases/{}.yaml", stale[0]));
    let whole = fs::read_to_string(&lost).unwrap();
    fs::write(&lost, whole.replace(servers().postgres, "no-such-container")).unwrap();

    repo.killed(&["prune"], "database-released");
    assert!(sandbox.leases().len() > 1, "killed before the leases were forgotten");
    let said = repo.agentenv(&["prune"]).fails(8);
    assert!(said.stderr.contains("kept s0: "), "{}", said.show());
    assert!(said.stderr.contains("no container `no-such-container`"), "{}", said.show());
    assert_eq!(sandbox.leases(), std::slice::from_ref(&lost));
    assert_eq!(sandbox.databases(), [format!("{}_s0", sandbox.id)]);

    fs::write(&lost, whole).unwrap();
    repo.agentenv(&["prune"]).ok();
    assert!(sandbox.databases().is_empty() && sandbox.leases().is_empty());
}

/// A configuration with Postgres alone: of indexes and ports there are not that many.
fn configured(sandbox: &Sandbox) -> Repo<'_> {
    let repo = sandbox.repo("app");
    let (id, servers) = (&sandbox.id, servers());
    let (container, port) = (servers.postgres, servers.postgres_port);
    repo.config(&format!(
        "ports: {{}}\nservices:\n  postgres: {{ kind: postgres, variable: POSTGRES_DB, \
         name: \"{id}_{{name}}\", main: {id}_main, also: [\"test_{{POSTGRES_DB}}\"], \
         container: {container}, port: {port} }}\n"
    ));
    repo
}

/// Writes so many leases like that of `x`, of worktrees that are not there, the first of them with a database. Their ids.
fn multiply(sandbox: &Sandbox, count: usize, databases: usize) -> Vec<String> {
    let is_x = |file: &PathBuf| fs::read_to_string(file).unwrap().contains("\nname: x\n");
    let file = sandbox.leases().into_iter().find(is_x).unwrap();
    let (text, id) = (fs::read_to_string(&file).unwrap(), file.file_stem().unwrap());
    let (mut ids, mut sql) = (Vec::new(), String::new());
    for n in 0..count {
        let own = format!("{}{n:016x}", sandbox.store_id().unwrap());
        let text = text
            .replace(id.to_str().unwrap(), &own)
            .replace("app-x", &format!("app-s{n}"))
            .replace(&format!("{}_x", sandbox.id), &format!("{}_s{n}", sandbox.id))
            .replace("\nname: x\n", &format!("\nname: s{n}\n"));
        fs::write(sandbox.root.join(format!("state/leases/{own}.yaml")), text).unwrap();
        if n < databases {
            let name = format!("{}_s{n}", sandbox.id);
            sql.push_str(&format!("CREATE DATABASE {name};\n"));
            sql.push_str(&format!("COMMENT ON DATABASE {name} IS 'git-agentenv {own}';\n"));
        }
        ids.push(own);
    }
    servers().psql(&sql);
    ids
}

/// The outcome of a command, and in how many sessions it asked the Postgres server.
fn counted(sandbox: &Sandbox, repo: &Repo<'_>, args: &[&str]) -> (Outcome, usize) {
    let (bin, log) = (sandbox.root.join("counting"), sandbox.root.join("asked"));
    fs::create_dir_all(&bin).unwrap();
    let path = std::env::var("PATH").unwrap();
    let script =
        format!("#!/bin/sh\necho \"$*\" >>{}\nPATH='{path}' exec docker \"$@\"\n", log.display());
    write_program(&bin.join("docker"), &script);
    let path = format!("{}:{path}", bin.display());
    let said = sandbox.outcome(repo.command(args).env("PATH", path));
    let asked = fs::read_to_string(&log).unwrap();
    fs::remove_file(log).unwrap();
    (said, asked.lines().filter(|line| line.contains(" psql ")).count())
}
