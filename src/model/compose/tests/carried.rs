//! What leads applications to an environment's own part, and servers of the file that stay.

use super::*;

#[test]
fn variables_of_an_env_file_are_overridden_where_they_lead_to_the_main_checkout() {
    let text = "
services:
  db: { image: 'postgres:16' }
  web: { image: hc, env_file: [{ path: ./a.env }, b.env], environment: [SECRET, TASKS=x] }
";
    let files =
        [("./a.env", "PG_URL=postgres://hc:x@db/hc\nDEBUG=1\n"), ("b.env", "TASKS=y\nDB=postgres")];
    let stack = made(text, "compose: { file: compose.yml }", &servers(), &files);
    let environment = at(&stack, "web/environment");
    assert_eq!(environment["PG_URL"], "postgres://postgres:x@db/hc_red");
    assert_eq!(environment["TASKS"], "x");
    assert_eq!(environment["SECRET"], Value::Null);
    assert!(environment.get("DEBUG").is_none() && environment.get("DB").is_none());
    let file = load("compose.yml", &|_| Some(text.to_owned())).unwrap();
    assert_eq!(env_files(&file).into_keys().collect::<Vec<_>>(), ["./a.env", "b.env"]);
}

#[test]
fn what_is_kept_is_the_environments_own() {
    let text = "
services:
  db: { image: 'postgres:16', container_name: hc_db, ports: ['5432:5432'] }
  web: { build: ., depends_on: [db], environment: { DATABASE_URL: 'postgres://u@db/hc' } }
";
    let stack = made(text, "compose: { file: compose.yml, keep: [db] }", &servers(), &[]);
    assert_eq!(
        *at(&stack, "db"),
        yaml("{ image: 'postgres:16', networks: { default: { aliases: [hc_db] } } }")
    );
    assert_eq!(*at(&stack, "web/depends_on"), yaml("[db]"));
    assert_eq!(at(&stack, "web/environment")["DATABASE_URL"], "postgres://u@db/hc");
    assert!(at(&stack, "web/environment").get("DB_NAME").is_none());
    assert_eq!(*at(&stack, "agentenv-postgres"), Value::Null);
    assert_eq!(stack.notes, ["service `db` does not publish 5432: no variable of `ports:` has it"]);
}

const BOTH: &str =
    "db: { image: 'postgres:16', container_name: hc_db }\n  cache: { image: 'redis:7' }";

/// The servers that the shared ones stand for although nothing leads to a part there.
fn lost_of(application: &str, keep: &str, env_files: &[(&str, &str)]) -> Vec<String> {
    let text = format!("services:\n  {BOTH}\n  web: {{ build: ., {application} }}\n");
    let section = format!("compose: {{ file: compose.yml, keep: [{keep}] }}");
    within(&section, &servers(), env_files, |environment| {
        let file = load("compose.yml", &|_| Some(text.clone())).unwrap();
        lost(&file, environment).into_iter().map(|one| one.server).collect()
    })
}

#[test]
fn a_part_is_lost_where_nothing_of_an_application_holds_it() {
    for (application, lost) in [
        ("command: run", "db cache"),
        ("environment: { CONNECTION: 'Host=db;Database=hc', REDIS_HOST: cache }", "db cache"),
        ("environment: ['PG=postgres://db/hc', 'C=redis://cache']", ""),
        ("environment: { A: 'jdbc:postgresql://hc_db:5432/hc?x=1', REDIS_DB: 0 }", ""),
        ("environment: { A: 'postgres://u:${P:-x}@db/hc' }", "cache"),
        ("environment: { A: 'postgres://db.example.com/hc' }", "db cache"),
        // Compose asks a variable for the host, so the URL stays as it is.
        ("environment: { A: 'postgres://${H:-db}:5432/hc' }", "db cache"),
        // Variables of the configuration with the part in them.
        ("environment: { A: 'Host=db;Database=${DB_NAME:-hc}' }", "cache"),
        ("environment: [DATABASE_URL, CELERY_BROKER]", ""),
        ("command: 'run --cache $$CACHE_DB'", "db"),
        ("environment: { DATABASE_URL: 'postgres://localhost/hc' }", "cache"),
        ("environment: { SITE: x }, env_file: a.env", "db"),
        ("env_file: [missing.env]", "db cache"),
    ] {
        let files = [("a.env", "BROKER=redis://cache:6379/1\n")];
        assert_eq!(lost_of(application, "", &files).join(" "), lost, "{application}");
    }
}

#[test]
fn a_url_of_one_server_carries_no_part_of_another() {
    let application = "environment: { CELERY_BROKER: 'redis://cache/1', QUEUE: queue } }
  queue: { image: 'valkey:8'";
    assert_eq!(lost_of(application, "db", &[]), ["queue"]);
}

#[test]
fn what_is_kept_or_shared_by_nobody_is_not_lost() {
    assert_eq!(lost_of("command: run", "db", &[]), ["cache"]);
    let text = format!("services:\n  {BOTH}\n");
    let file = load("compose.yml", &|_| Some(text.clone())).unwrap();
    within("compose: { file: compose.yml }", &[], &[], |environment| {
        assert_eq!(lost(&file, environment), []);
    });
    within("compose: { file: compose.yml }", &servers(), &[], |environment| {
        let variables = lost(&file, environment).into_iter().map(|one| one.variables);
        assert_eq!(
            variables.collect::<Vec<_>>(),
            [vec!["DB_NAME", "DATABASE_URL"], vec!["CACHE_DB", "BROKER_DB", "CELERY_BROKER"]]
        );
    });
}
