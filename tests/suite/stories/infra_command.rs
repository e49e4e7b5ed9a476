//! `infra up|down|status` with a compose file of the project's own.

use crate::common::{AnonymousVolumes, Outcome, Repo, Sandbox, docker, servers, wait_until};
use crate::stories::compose::with_plugin;
use std::fs;
use std::net::TcpListener;

#[test]
fn up_waits_until_the_servers_answer_and_down_keeps_what_environments_have() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, "redis:7");
    let infra = |args: &[&str]| infra(&sandbox, &repo, args);

    assert_eq!(infra(&["status", "--json"]).fails(6).json()["servers"][0]["answers"], false);
    let up = infra(&["up"]).ok();
    assert!(up.stderr.contains("waiting for postgres"), "{}", up.show());
    assert_eq!(infra(&["status", "--json"]).ok().json()["servers"][1]["answers"], true);
    repo.agentenv(&["add", "x"]).ok();
    // Another project's file would take their place, with data of its own.
    let other = project_at(&sandbox, "other", "redis:7");
    let refused = self::infra(&sandbox, &other, &["up"]).fails(7);
    assert!(refused.stderr.contains("`x`"), "{}", refused.show());

    let refused = infra(&["down", "--volumes"]).fails(7);
    assert!(refused.stderr.contains("`x`"), "{}", refused.show());
    // Neither does a configuration that does not know the servers, nor one that reaches them in another way.
    let own = fs::read_to_string(repo.path.join(".agentenv.yaml")).unwrap();
    let other = own.replace("app_db,", "app_db, user: somebody,");
    for config in ["services: {}\ninfra: { file: local-infra.yml }\n", other.as_str()] {
        repo.config(config);
        infra(&["down", "--volumes"]).fails(7);
    }
    repo.config(&own);
    // What is in the trash can be restored only with what it has there.
    repo.agentenv(&["add", "y"]).ok();
    repo.agentenv(&["remove", "y", "--keep"]).ok();
    let refused = infra(&["down", "--volumes"]).fails(7);
    assert!(refused.stderr.contains("`x`, `y` (in the trash)"), "{}", refused.show());
    repo.agentenv(&["prune", "--trash"]).ok();
    let _volumes = AnonymousVolumes::of(&sandbox.id);
    infra(&["down"]).ok();
    // The rest is on record, and released when the servers are there again.
    repo.agentenv(&["remove", "x"]).fails(8);
    infra(&["up"]).ok();
    repo.agentenv(&["prune"]).ok();

    repo.config(&own.replace("kind: postgres,", "kind: postgres, template: {},"));
    repo.agentenv(&["db", "template", "refresh"]).ok();
    let down = infra(&["down", "--volumes", "--json"]).ok();
    assert_eq!(down.json()["templates"]["templates"], 1);
    assert!(down.stderr.contains("deleting 1 template, 0 spares, "), "{}", down.show());
}

#[test]
fn down_deletes_nothing_of_others_unless_it_is_told_to() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, "redis:7");
    let down = |args: &[&str]| infra(&sandbox, &repo, &[&["down", "--volumes"], args].concat());
    infra(&sandbox, &repo, &["up"]).ok();
    let [postgres, redis] = ["postgres", "redis"].map(|name| format!("{}-{name}-1", sandbox.id));
    let sql = |sql: &str| docker(&["exec", &postgres, "psql", "-qU", "postgres", "-c", sql]);

    sql("CREATE DATABASE app_db");
    docker(&["exec", &redis, "redis-cli", "SET", "key", "value"]);
    // With a store of its own, another user of this machine.
    let mut other = repo.command(&["add", "theirs"]);
    sandbox.outcome(other.env("AGENTENV_STATE_DIR", sandbox.root.join("other-store"))).ok();
    let refused = down(&[]).fails(7);
    let theirs = format!("database `{}_theirs` on `{postgres}`", sandbox.id);
    for what in ["database `app_db` on `", &theirs, "Redis index 0 with 1 key on `"] {
        assert!(refused.stderr.contains(what), "{what}: {}", refused.show());
    }

    // An environment may reach the same server by its port.
    let own = fs::read_to_string(repo.path.join(".agentenv.yaml")).unwrap();
    let place = format!("compose: {{ project: {}, service: postgres }}", sandbox.id);
    repo.config(&own.replace(&place, "host: true"));
    repo.agentenv(&["add", "mine"]).ok();
    repo.config(&own);
    let refused = down(&["--force"]).fails(7);
    assert!(refused.stderr.contains("environments use it: `mine`"), "{}", refused.show());
    repo.agentenv(&["remove", "mine", "--yes"]).ok();

    docker(&["stop", "-t", "0", &postgres]);
    let refused = down(&[]).fails(7);
    assert!(refused.stderr.contains("into which git-agentenv cannot look"), "{}", refused.show());
    assert!(refused.stderr.contains("`git agentenv infra up`"), "{}", refused.show());
    docker(&["start", &postgres]);
    wait_until("Postgres answers", || down(&[]).stderr.contains("app_db"));
    let said = down(&["--force"]).ok();
    assert!(said.stderr.contains("warning: deleting "), "{}", said.show());
    assert!(said.stderr.contains("database `app_db` on `"), "{}", said.show());
}

#[test]
fn down_deletes_no_volume_into_which_it_cannot_look() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, "redis:7");
    let (id, external) = (&sandbox.id, format!("{}-external", sandbox.id));
    docker(&["volume", "create", &external]);
    let ports = "    ports: [\"";
    let volumes = format!(
        "    volumes: [data:/var/lib/postgresql/data, backups:/backups, {external}:/outside]\n{ports}"
    );
    let file = infra_file(&sandbox, "redis:7").replacen(ports, &volumes, 1);
    let named =
        format!("volumes: {{ data: {{}}, backups: {{}}, {external}: {{ external: true }} }}\n");
    repo.commit("local-infra.yml", &(file + &named));
    repo.agentenv(&["trust", "--yes"]).ok();
    infra(&sandbox, &repo, &["up"]).ok();
    let refused = infra(&sandbox, &repo, &["down", "--volumes"]).fails(7);
    let backups =
        format!("git-agentenv's: volume `{id}_backups`, into which git-agentenv cannot look\n");
    assert!(refused.stderr.contains(&backups), "{}", refused.show());
    let _volumes = AnonymousVolumes::of(id);
    infra(&sandbox, &repo, &["down"]).ok();
    let refused = infra(&sandbox, &repo, &["down", "--volumes"]).fails(7);
    assert!(refused.stderr.contains("`git agentenv infra up`"), "{}", refused.show());
    infra(&sandbox, &repo, &["down", "--volumes", "--force"]).ok();
    docker(&["volume", "rm", &external]);
}

#[test]
fn compose_1_takes_a_file_that_names_its_project_too() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, "'${REDIS_IMAGE:-redis:7}'");
    // Without the plugin there is only `docker-compose`, which reads the `.env` of where it stands.
    let elsewhere = repo.path.join("of-a-branch");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join(".env"), "REDIS_IMAGE=localhost:1/none:1\n").unwrap();
    let mut up = repo.command(&["infra", "up"]);
    sandbox.outcome(up.current_dir(&elsewhere)).ok();
    // The server is called as compose 1 named its container, `<project>_redis_1`.
    let shown = repo.agentenv(&["infra", "status"]).ok();
    assert!(shown.stdout.contains("_redis_1 "), "{}", shown.show());
    repo.agentenv(&["add", "x"]).ok();
    repo.agentenv(&["remove", "x"]).ok();
    repo.agentenv(&["infra", "down", "--volumes"]).ok();
    repo.agentenv(&["infra", "status"]).fails(6);
}

#[test]
fn a_taken_port_a_missing_image_and_a_missing_engine_are_told_apart() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, "redis:7");
    let says = |outcome: Outcome, word: &str| {
        assert!(outcome.fails(6).stderr.contains(word), "not said: {word}");
    };
    let holder = TcpListener::bind(("0.0.0.0", sandbox.ports().start() + 31)).unwrap();
    says(infra(&sandbox, &repo, &["up"]), "a port is in use");
    drop(holder);
    // Postgres may have been started, and does not say yet that it holds nothing.
    infra(&sandbox, &repo, &["down", "--volumes", "--force"]).ok();

    let mut away = sandbox.command("git");
    away.args(["agentenv", "infra", "up"]).current_dir(&repo.path);
    away.env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    says(sandbox.outcome(&mut away), "the Docker engine is not running");

    repo.commit("local-infra.yml", &infra_file(&sandbox, "localhost:1/none:1"));
    repo.agentenv(&["trust", "--yes"]).ok();
    says(infra(&sandbox, &repo, &["up"]), "an image cannot be pulled");
    infra(&sandbox, &repo, &["down", "--volumes"]).ok();
}

#[test]
fn a_file_without_a_name_starts_the_servers_where_environments_look_for_them() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, "redis:7");
    let named = infra_file(&sandbox, "redis:7");
    repo.commit("local-infra.yml", named.split_once('\n').unwrap().1);
    repo.agentenv(&["trust", "--yes"]).ok();
    infra(&sandbox, &repo, &["up"]).ok();
    repo.agentenv(&["add", "x"]).ok();
    repo.agentenv(&["remove", "x"]).ok();
    infra(&sandbox, &repo, &["down", "--volumes"]).ok();
}

/// A project whose servers run in a compose project of its own.
fn project<'a>(sandbox: &'a Sandbox, redis: &str) -> Repo<'a> {
    project_at(sandbox, "shop", redis)
}

fn project_at<'a>(sandbox: &'a Sandbox, name: &str, redis: &str) -> Repo<'a> {
    servers(); // the images
    let repo = sandbox.repo(name);
    repo.commit("local-infra.yml", &infra_file(sandbox, redis));
    let (id, port) = (&sandbox.id, *sandbox.ports().start());
    repo.config(&format!(
        r#"ports:
  DJANGO_PORT: {{ main: {port}, range: {}-{} }}
services:
  postgres: {{ kind: postgres, variable: POSTGRES_DB, name: "{id}_{{name}}", main: app_db, compose: {{ project: {id}, service: postgres }}, port: {} }}
  redis: {{ kind: redis, variable: REDIS_DB, main: 0, compose: {{ project: {id}, service: redis }}, port: {} }}
infra: {{ file: local-infra.yml }}
"#,
        port + 1,
        port + 20,
        port + 30,
        port + 31,
    ));
    repo.agentenv(&["trust", "--yes"]).ok();
    repo
}

fn infra_file(sandbox: &Sandbox, redis: &str) -> String {
    let (id, port) = (&sandbox.id, *sandbox.ports().start());
    format!(
        r#"name: {id}
services:
  postgres:
    image: postgres:16
    environment: {{ POSTGRES_HOST_AUTH_METHOD: trust }}
    ports: ["{}:5432"]
  redis:
    image: {redis}
    ports: ["{}:6379"]
"#,
        port + 30,
        port + 31,
    )
}

fn infra(sandbox: &Sandbox, repo: &Repo<'_>, args: &[&str]) -> Outcome {
    let mut command = sandbox.command("git");
    command.args(["agentenv", "infra"]).args(args).current_dir(&repo.path);
    sandbox.outcome(command.env("DOCKER_CONFIG", with_plugin(sandbox)))
}
