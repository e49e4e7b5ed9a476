//! What leads environments to the main checkout.

use super::*;
use crate::model::config::Config;

const CONFIG: &str = "services:
  postgres: { kind: postgres, variable: POSTGRES_DB, name: \"shop_{name}\", main: shop }
  redis: { kind: redis, variable: REDIS_DB, main: 0 }
env: { DATABASE_URL: \"postgres://localhost/{POSTGRES_DB}\" }
";

fn leads(files: &[(&str, &str)]) -> Vec<String> {
    let own = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
    let files: std::collections::BTreeMap<_, _> = files.iter().map(own).collect();
    let tracked = files.keys().filter(|path| *path != ".env").cloned().collect();
    let seen = Seen { repo: "shop".to_owned(), files, tracked, ..Seen::default() };
    let config = Config::parse("t", CONFIG).unwrap();
    let words = |lead: Lead| format!("{lead}; {}", lead.way_out());
    to_main(&seen, &config).into_iter().map(words).collect()
}

#[test]
fn what_no_environment_sets_leads_to_the_main_checkout() {
    assert_eq!(
        leads(&[("app/settings.py", "X = os.environ.get(\"REPORTS_DB_NAME\", \"shop\")")]),
        [concat!(
            "REPORTS_DB_NAME of app/settings.py leads every environment to the main checkout's database `shop`; ",
            "set it under `env:` in .agentenv.yaml: REPORTS_DB_NAME: \"{POSTGRES_DB}\""
        )]
    );
    assert_eq!(
        leads(&[(".env", "CACHE_URL=redis://:secret@localhost:6379\n")]),
        [concat!(
            "CACHE_URL of .env leads every environment to the main checkout's redis index 0; ",
            "set it under `env:` in .agentenv.yaml: CACHE_URL: \"redis://localhost:{redis.port}/{REDIS_DB}\""
        )]
    );
    assert_eq!(
        leads(&[("config/settings.py", "env('CELERY_BROKER_URL', default='redis://redis/1')")]),
        [concat!(
            "CELERY_BROKER_URL of config/settings.py leads every environment to redis index 1; ",
            "add a service for it to .agentenv.yaml"
        )]
    );
}

#[test]
fn what_an_environment_sets_or_nobody_uses_does_not() {
    for (path, text) in [
        ("app/settings.py", "os.environ['DATABASE_URL']"),
        (".env", "DATABASE_URL=postgres://localhost/shop\nPOSTGRES_DB=shop\n"),
        (".env", "AUDIT_DATABASE_URL=postgres://db.example.com/shop\n"),
        (".env", "CACHE_URL=locmem://\nDEBUG=1\nDB_NAME=\n"),
        ("compose.yml", "services: { web: { environment: { DB_NAME: \"${NAME}\" } } }"),
    ] {
        assert_eq!(leads(&[(path, text)]), [] as [String; 0], "{text}");
    }
}

#[test]
fn a_secret_behind_an_address_is_not_shown() {
    let text = "REPORTS_URL=postgres://me@localhost/shop?password=hunter2\n";
    let found = leads(&[(".env", text)]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("REPORTS_URL: \"postgres://me@"), "{found:?}");
    assert!(!found[0].contains("hunter2"), "{found:?}");
    assert!(leads(&[("dev.env", text)])[0].contains("hunter2"), "a tracked file holds no secret");
}

#[test]
fn what_a_makefile_includes_is_named_once() {
    let files = [
        ("Makefile", "include build/app.mk\nrun:\n\tgo run .\n"),
        ("build/app.mk", "-include app.env\nexport DATABASE_URL := postgres://localhost/shop\n"),
    ];
    let found = leads(&files).into_iter().filter(|lead| lead.contains("make takes it"));
    assert_eq!(
        found.collect::<Vec<_>>(),
        [
            "build/app.mk:2 sets DATABASE_URL, so make takes it from there and not from the environment; call `make -e` in environments"
        ]
    );
}
