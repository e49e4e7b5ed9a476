//! What uses a database without a session: prepared transactions, subscriptions and replication slots.

use crate::common::{Container, Outcome, POSTGRES_READY, Repo, Sandbox};

#[test]
fn what_outlives_sessions_is_named_before_anything_goes_and_ended_by_force() {
    let sandbox = Sandbox::new();
    let options = ["--env=POSTGRES_HOST_AUTH_METHOD=trust", "--tmpfs=/var/lib/postgresql/data"];
    let command =
        ["postgres", "-cmax_prepared_transactions=5", "-cwal_level=logical", "-cfsync=off"];
    let container = Container::run_command("agentenv-test/postgres", &options, &command);
    let container = container.ready(&POSTGRES_READY);
    let name = &container.name;
    let repo = sandbox.repo("app");
    repo.config(&format!(
        "ports: {{}}\nservices:\n  pg: {{ kind: postgres, container: {name}, name: \"app_{{name}}\" }}\n"
    ));

    occupied(&repo, &container);
    for args in [&["remove", "x"][..], &["remove", "x", "--keep"], &["db", "reset", "--yes", "x"]] {
        named(&repo.agentenv(args).fails(7));
    }
    let psql = ["psql", "-XAtU", "postgres", "-d", "app_x", "-c", "SELECT count(*) FROM kept"];
    assert_eq!(container.exec(&psql).unwrap(), "1");
    assert!(sandbox.root.join("app-x/README").exists());
    std::fs::remove_dir_all(sandbox.root.join("app-x")).unwrap();
    named(&repo.agentenv(&["prune"]).fails(8));
    repo.git(&["worktree", "prune"]);

    repo.agentenv(&["remove", "x", "--force"]).ok();
    for force in [&["remove", "x", "--force"][..], &["remove", "x", "--force", "--keep"]] {
        occupied(&repo, &container);
        repo.agentenv(force).ok();
    }
    occupied(&repo, &container);
    repo.agentenv(&["db", "reset", "--yes", "--force", "x"]).ok();
    repo.agentenv(&["remove", "x", "--force"]).ok();
    let left =
        "SELECT (SELECT count(*) FROM pg_prepared_xacts) + (SELECT count(*) FROM pg_subscription)
        + (SELECT count(*) FROM pg_replication_slots)";
    assert_eq!(container.exec(&["psql", "-XAtU", "postgres", "-c", left]).unwrap(), "0");
}

/// An environment whose database has one of each.
fn occupied(repo: &Repo<'_>, container: &Container) {
    repo.agentenv(&["add", "x"]).ok();
    for sql in [
        "CREATE TABLE kept AS SELECT 1",
        // It would wait for the prepared transaction.
        "SELECT pg_create_logical_replication_slot('tail', 'test_decoding')",
        "BEGIN; CREATE TABLE half (); PREPARE TRANSACTION 'half'",
        "CREATE SUBSCRIPTION feed CONNECTION 'host=127.0.0.1 port=1' PUBLICATION p WITH (connect = false)",
    ] {
        let psql = ["psql", "-XqAtU", "postgres", "-d", "app_x"];
        let statements = sql.split("; ").flat_map(|statement| ["-c", statement]);
        container.exec(&psql.into_iter().chain(statements).collect::<Vec<_>>()).unwrap();
    }
}

#[track_caller]
fn named(said: &Outcome) {
    for user in ["prepared transaction `half`", "subscription `feed`", "replication slot `tail`"] {
        assert!(said.stderr.contains(user), "{user}: {}", said.show());
    }
    assert!(!said.stderr.contains("other users"), "{}", said.show());
}
