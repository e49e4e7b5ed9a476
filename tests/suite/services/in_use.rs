//! What uses a database without a session: prepared transactions, subscriptions and replication slots.

use super::docker::{Container, run};
use crate::common::{Outcome, Repo, Sandbox, servers, wait_until};

#[test]
fn what_outlives_sessions_is_named_before_anything_goes_and_ended_by_force() {
    servers(); // the images
    let sandbox = Sandbox::new();
    let name = format!("{}-postgres", sandbox.id);
    let trust = "--env=POSTGRES_HOST_AUTH_METHOD=trust";
    let tmpfs = "--tmpfs=/var/lib/postgresql/data";
    let settings = ["-cmax_prepared_transactions=5", "-cwal_level=logical", "-cfsync=off"];
    let args = [&[trust, tmpfs, "agentenv-test/postgres", "postgres"][..], &settings].concat();
    let _container = Container::run(&name, &args);
    let ready = ["exec", &name, "sh", "-c", "pg_isready -q -h 127.0.0.1 && echo yes || true"];
    wait_until("postgres is up", || run(&ready) == "yes");
    let repo = sandbox.repo("app");
    repo.config(&format!(
        "ports: {{}}\nservices:\n  pg: {{ kind: postgres, container: {name}, name: \"app_{{name}}\" }}\n"
    ));

    occupied(&repo, &name);
    for args in [&["remove", "x"][..], &["remove", "x", "--keep"], &["db", "reset", "--yes", "x"]] {
        named(&repo.agentenv(args).fails(7));
    }
    let psql = ["exec", &name, "psql", "-XAtU", "postgres", "-d", "app_x", "-c"];
    let table = [&psql[..], &["SELECT count(*) FROM kept"]].concat();
    assert_eq!(run(&table), "1");
    assert!(sandbox.root.join("app-x/README").exists());
    std::fs::remove_dir_all(sandbox.root.join("app-x")).unwrap();
    named(&repo.agentenv(&["prune"]).fails(8));
    repo.git(&["worktree", "prune"]);

    repo.agentenv(&["remove", "x", "--force"]).ok();
    for force in [&["remove", "x", "--force"][..], &["remove", "x", "--force", "--keep"]] {
        occupied(&repo, &name);
        repo.agentenv(force).ok();
    }
    occupied(&repo, &name);
    repo.agentenv(&["db", "reset", "--yes", "--force", "x"]).ok();
    repo.agentenv(&["remove", "x", "--force"]).ok();
    let left =
        "SELECT (SELECT count(*) FROM pg_prepared_xacts) + (SELECT count(*) FROM pg_subscription)
        + (SELECT count(*) FROM pg_replication_slots)";
    assert_eq!(run(&["exec", &name, "psql", "-XAtU", "postgres", "-c", left]), "0");
}

/// An environment whose database has one of each.
fn occupied(repo: &Repo<'_>, container: &str) {
    repo.agentenv(&["add", "x"]).ok();
    for sql in [
        "CREATE TABLE kept AS SELECT 1",
        // It would wait for the prepared transaction.
        "SELECT pg_create_logical_replication_slot('tail', 'test_decoding')",
        "BEGIN; CREATE TABLE half (); PREPARE TRANSACTION 'half'",
        "CREATE SUBSCRIPTION feed CONNECTION 'host=127.0.0.1 port=1' PUBLICATION p WITH (connect = false)",
    ] {
        let psql = ["exec", container, "psql", "-XqAtU", "postgres", "-d", "app_x"];
        let statements = sql.split("; ").flat_map(|statement| ["-c", statement]);
        run(&psql.into_iter().chain(statements).collect::<Vec<_>>());
    }
}

#[track_caller]
fn named(said: &Outcome) {
    for user in ["prepared transaction `half`", "subscription `feed`", "replication slot `tail`"] {
        assert!(said.stderr.contains(user), "{user}: {}", said.show());
    }
    assert!(!said.stderr.contains("other users"), "{}", said.show());
}
