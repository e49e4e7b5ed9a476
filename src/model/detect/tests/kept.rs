//! Servers that stay in the stack of each environment.

use super::*;

const STACK: &str = "services:
  db: { image: 'postgres:16', environment: { POSTGRES_DB: inn }, ports: ['5432:5432'] }
  cache: { image: 'redis:7', ports: ['6379:6379'] }
  web: { build: ., environment: ";

/// The servers that stay, and the configuration's services.
#[track_caller]
fn kept(environment: &str, files: &[(&str, &str)]) -> (String, String) {
    let stack = format!("{STACK}{environment} }}\n");
    let config = config(&[files, &[("compose.yml", stack.as_str())]].concat());
    let services: Vec<&str> = config.services.keys().map(String::as_str).collect();
    (config.compose.unwrap().keep.join(" "), services.join(" "))
}

#[test]
fn a_server_whose_part_nothing_carries_stays_in_the_stack() {
    let packages = r#"{ "dependencies": { "pg": "8", "bullmq": "5", "knex": "3" } }"#;
    let node = [("package.json", packages)];
    let go = [("config.yaml", "host: db\ndatabase: inn\n"), ("go.mod", "github.com/lib/pq v1")];
    let code = ("src/config.ts", "const name = process.env.DB_NAME ?? 'inn'");
    for (environment, files, keep, services) in [
        ("{ ConnectionStrings__A: 'Host=db;Database=inn' }", &[][..], "cache", "postgres"),
        ("{ DATABASE_URL: 'postgres://u@db/inn', REDIS_HOST: cache }", &node, "cache", "postgres"),
        ("{ A: 'jdbc:postgresql://db/inn', B: 'redis://cache' }", &[], "", "postgres redis"),
        ("{ B: 'redis://cache:6379/0' }", &go, "db", "redis"),
        // Code adds an index to whatever the environment is given.
        (
            "{ DATABASE_URL: 'postgres://u@db/inn', REDIS_URL: 'redis://cache' }",
            &[("shop/settings.py", "A = os.environ['REDIS_URL'] + '/1'\n")],
            "cache",
            "postgres",
        ),
        // Code says more than the stack does.
        ("{ DB_HOST: db }", &[code], "cache", "postgres"),
        (
            "{ REDIS_URL: 'redis://cache' }",
            &[("Gemfile", "gem 'rails'\ngem 'pg'\n")],
            "",
            "postgres redis",
        ),
    ] {
        let expected = (keep.to_owned(), services.to_owned());
        assert_eq!(kept(environment, files), expected, "{environment}");
    }
}

#[test]
fn of_two_servers_of_one_kind_that_stays_which_nothing_leads_to() {
    let (keep, services) = kept(
        "{ QUEUE_HOST: queue, CACHE_URL: 'redis://cache:6379/0', DB_NAME: inn } }\n  queue: { image: 'valkey:8'",
        &[],
    );
    assert_eq!((keep.as_str(), services.as_str()), ("queue", "postgres redis"));
}

#[test]
fn it_is_said_and_nothing_claims_that_it_is_shared() {
    let stack = format!("{STACK}{{ X: 'Host=db' }} }}\n");
    let packages = r#"{ "dependencies": { "pg": "8", "knex": "3" } }"#;
    let settings = "development: { client: 'pg', connection: { host: 'db', database: 'inn' } }";
    let project = detect(&seen(&[
        ("compose.yml", &stack),
        ("package.json", packages),
        ("knexfile.js", settings),
    ]));
    let stays =
        |server: &str| format!("compose.yml: {server} stays in the containers of each environment");
    for (note, server) in project.notes.iter().zip(["db: Postgres", "cache: Redis"]) {
        assert!(note.starts_with(&stays(server)), "{note}");
    }
    assert_eq!(project.notes.len(), 2, "{:#?}", project.notes);
    assert_eq!(project.held, ["npx knex migrate:latest"]);
    // Also where no settings name the database.
    let project = detect(&seen(&[("compose.yml", &stack), ("package.json", packages)]));
    assert_eq!(project.held, ["npx knex migrate:latest"]);
    assert!(project.hooks.is_empty(), "{:?}", project.hooks);
    assert!(project.env.is_empty(), "{:?}", project.env);
    assert!(!project.missing.iter().any(|what| what.contains("database")), "{:?}", project.missing);
}
