//! Databases that a Postgres server was dropping when it crashed: without files, and good for nothing but another DROP.

use crate::common::{Container, POSTGRES_READY, Repo, Sandbox};
use serde_json::Value;

/// A server of its own: its checkpoints fail when files of a database are gone that it has not written.
fn server() -> Container {
    let options = ["--env=POSTGRES_HOST_AUTH_METHOD=trust", "--tmpfs=/var/lib/postgresql/data"];
    Container::run("agentenv-test/postgres", &options).ready(&POSTGRES_READY)
}

fn sql(server: &Container, statement: &str) -> String {
    server.exec(&["psql", "-XqAtU", "postgres", "-c", statement]).unwrap()
}

/// Leaves a database as a crash does.
fn cut_drop(server: &Container, database: &str) {
    sql(server, "CHECKPOINT");
    let of = format!("WHERE datname = '{database}'");
    let oid = sql(server, &format!("SELECT oid FROM pg_database {of}"));
    sql(server, &format!("UPDATE pg_database SET datconnlimit = -2 {of}"));
    server.exec(&["rm", "-rf", &format!("/var/lib/postgresql/data/base/{oid}")]).unwrap();
}

fn databases(server: &Container) -> String {
    let own = "datname <> 'postgres' AND NOT datistemplate";
    sql(
        server,
        &format!("SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE {own}"),
    )
}

fn templates(repo: &Repo<'_>) -> Vec<Value> {
    let listed = repo.agentenv(&["db", "template", "list", "--json"]).ok().json();
    listed["templates"].as_array().unwrap().clone()
}

#[test]
fn they_stop_no_command_and_are_dropped_or_made_again() {
    let (sandbox, server) = (Sandbox::new(), server());
    let repo = sandbox.repo("app");
    let service = format!("kind: postgres, from: main, template: {{}}, container: {}", server.name);
    repo.config(&format!("ports: {{}}\nservices:\n  pg: {{ {service} }}\n"));
    sql(&server, "CREATE DATABASE app_db");
    repo.agentenv(&["add", "one"]).ok();
    repo.agentenv(&["db", "snapshot", "save", "s", "one"]).ok();
    let [template] = templates(&repo).try_into().unwrap();
    let template = template["database"].as_str().unwrap();
    let mark = format!("git-agentenv spare {} {template} 1", sandbox.store_id().unwrap());
    sql(&server, "CREATE DATABASE agentenv_s_0a");
    sql(&server, &format!("COMMENT ON DATABASE agentenv_s_0a IS '{mark}'"));
    for database in [template, "agentenv_s_0a", "app_one__s"] {
        cut_drop(&server, database);
    }

    assert_eq!(templates(&repo), [Value::Null; 0]);
    repo.agentenv(&["add", "two"]).ok();
    assert_eq!(templates(&repo).len(), 1);
    let status = repo.agentenv(&["db", "status", "one", "--json"]).ok().json();
    assert_eq!(status["databases"][0]["snapshots"][0]["bytes"], 0, "{status}");
    let said = repo.agentenv(&["prune"]).ok();
    assert!(said.stdout.contains("agentenv_s_0a"), "{}", said.show());
    assert_eq!(databases(&server), format!("{template} app_db app_one app_one__s app_two"));
    repo.agentenv(&["remove", "one", "--keep"]).ok();
    repo.agentenv(&["restore", "one"]).ok();
    repo.agentenv(&["remove", "one", "two", "--yes"]).ok();
    repo.agentenv(&["db", "template", "drop"]).ok();
    assert_eq!(databases(&server), "app_db");
}
