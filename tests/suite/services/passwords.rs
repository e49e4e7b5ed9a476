//! Servers that demand a password: given by a variable, kept nowhere, and named in the hint when it is missing.

use super::docker::{ID, REDIS, server};
use crate::common::{Container, Outcome, POSTGRES_READY, Repo, Sandbox, docker, wait_until};
use git_agentenv::error::hint_of;
use git_agentenv::model::config::{Kind, Place};
use git_agentenv::service::{RedisIndex, redis};
use std::fs;
use std::os::unix::fs::PermissionsExt;

const SECRET: &str = "s3cret-of-the-test";

#[test]
fn redis_that_refuses_says_why_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    for (args, word) in [
        (&["--requirepass", SECRET][..], "REDISCLI_AUTH"),
        (&["--cluster-enabled", "yes"], "Cluster"),
        (&["--user", "default", "on", "nopass", "~*", "+@all", "-eval"], "needs EVAL"),
    ] {
        // Over the published port, and through the client in the container.
        for publish in [&["-p", "127.0.0.1::6379"][..], &[]] {
            let command = [&["redis-server"], args].concat();
            let container = Container::run_command(REDIS, publish, &command);
            let server = server(Kind::Redis, Place::Container(container.name.clone()));
            let part = RedisIndex { server, index: 1, claimed_on: None };
            let claim = || redis::claim(&part, ID).unwrap_err();
            wait_until(word, || hint_of(&claim()).is_some_and(|hint| hint.contains(word)));
            let service = format!("kind: redis, container: {}", container.name);
            if word != "REDISCLI_AUTH" {
                let repo = repo(&sandbox, &service);
                let said = repo.agentenv(&["add", "x"]).fails(6);
                assert!(said.stderr.contains("hint: "), "{}", said.show());
                nothing_is_left(&repo);
                continue;
            }
            for (key, variable) in
                [("", "REDISCLI_AUTH"), (", password_env: APP_REDIS", "APP_REDIS")]
            {
                let repo = repo(&sandbox, &format!("{service}{key}"));
                add_asks_for(variable, &repo);
                with(&repo, variable, &["add", "x"]).ok();
                with(&repo, variable, &["remove", "x"]).ok();
                nothing_is_left(&repo);
            }
            docker(&["pause", &container.name]);
            let unpause = format!("docker unpause {}", container.name);
            assert_eq!(hint_of(&claim()), Some(&*unpause));
        }
    }
}

#[test]
fn postgres_that_demands_scram_works_with_a_password_in_the_container_and_on_the_host() {
    demands_scram("agentenv-test/postgres", "/var/lib/postgresql/data");
}

#[test]
fn postgres_18_that_demands_scram_works_with_a_password() {
    demands_scram("agentenv-test/postgres18", "/var/lib/postgresql");
}

fn demands_scram(image: &str, data: &str) {
    let sandbox = Sandbox::new();
    let password = format!("--env=POSTGRES_PASSWORD={SECRET}");
    let data = format!("--tmpfs={data}");
    let options = [&*password, &data, "-p", "127.0.0.1::5432"];
    let container = Container::run(image, &options).ready(&POSTGRES_READY);
    let name = &container.name;
    let demand = "sed -i 's/^local.*/local all all scram-sha-256/' $PGDATA/pg_hba.conf &&
        PGPASSWORD=$POSTGRES_PASSWORD psql -qU postgres -c 'SELECT pg_reload_conf()' >/dev/null";
    container.exec(&["sh", "-c", demand]).unwrap();
    let published = docker(&["port", name, "5432"]);
    let port = published.lines().next().unwrap().rsplit_once(':').unwrap().1.to_owned();

    for place in [format!("container: {name}"), format!("host: true, port: {port}")] {
        for (key, variable) in [("", "PGPASSWORD"), (", password_env: APP_PG", "APP_PG")] {
            let repo = repo(&sandbox, &format!("kind: postgres, {place}{key}"));
            add_asks_for(variable, &repo);
            with(&repo, variable, &["add", "x"]).ok();
            let said = with(&repo, variable, &["db", "psql", "x", "-c", "SELECT 'reached'"]).ok();
            assert!(said.stdout.contains("reached"), "{}", said.show());
            // A session on it: the copy goes through a dump.
            with(&repo, variable, &["db", "snapshot", "save", "one", "x"]).ok();
            with(&repo, variable, &["remove", "x"]).ok();
            nothing_is_left(&repo);
        }
    }
    let pgpass = sandbox.root.join("home/.pgpass");
    fs::write(&pgpass, format!("localhost:{port}:*:postgres:{SECRET}\n")).unwrap();
    fs::set_permissions(&pgpass, fs::Permissions::from_mode(0o600)).unwrap();
    let repo = repo(&sandbox, &format!("kind: postgres, host: true, port: {port}"));
    repo.agentenv(&["add", "x"]).ok();
    repo.agentenv(&["remove", "x"]).ok();
}

fn repo<'a>(sandbox: &'a Sandbox, service: &str) -> Repo<'a> {
    let path = sandbox.root.join("app");
    let repo = if path.exists() { sandbox.repo_at("app") } else { sandbox.repo("app") };
    repo.config(&format!("ports: {{}}\nservices:\n  it: {{ {service} }}\n"));
    repo
}

/// Without the password, `add` names its variable and leaves nothing.
#[track_caller]
fn add_asks_for(variable: &str, repo: &Repo<'_>) {
    let said = repo.agentenv(&["add", "x"]).fails(6);
    let hint = said.stderr.split("hint: set").nth(1);
    assert!(hint.is_some_and(|hint| hint.contains(variable)), "{}", said.show());
    nothing_is_left(repo);
}

/// Runs with the password in a variable, and shows that it is written nowhere.
#[track_caller]
fn with(repo: &Repo<'_>, variable: &str, args: &[&str]) -> Outcome {
    let said = repo.sandbox.outcome(repo.command(args).env(variable, SECRET));
    for lease in repo.sandbox.leases() {
        let lease = fs::read_to_string(lease).unwrap();
        assert!(!lease.contains(SECRET), "{lease}");
    }
    said
}

#[track_caller]
fn nothing_is_left(repo: &Repo<'_>) {
    let listed = repo.agentenv(&["list", "--json"]).ok().json();
    assert_eq!(listed["environments"].as_array().unwrap().len(), 0, "{listed}");
}
