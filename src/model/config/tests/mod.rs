mod errors;
mod schema;

use super::*;
use crate::error::{Exit, exit_of, hint_of};
use crate::model::envfile;

fn parse(text: &str) -> Config {
    Config::parse("f", text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn values<'a>(
    ports: &'a IndexMap<String, u16>,
    parts: &'a IndexMap<String, String>,
    path: &'a str,
) -> Values<'a> {
    Values {
        repo: "app",
        name: "feature-x",
        project: "app-feature-x",
        path,
        main: "/m",
        ports,
        parts,
        hosts: None,
    }
}

fn map<T>(pairs: impl IntoIterator<Item = (&'static str, T)>) -> IndexMap<String, T> {
    let owned = |(name, value): (&str, T)| (name.to_owned(), value);
    pairs.into_iter().map(owned).collect()
}

#[test]
fn the_written_defaults_are_the_defaults() {
    assert_eq!(parse(DEFAULTS_YAML), Config::default());
    for empty in [
        "",
        "# nothing\n",
        "---\n",
        "{}",
        "ports:\n  DJANGO_PORT: { main: 8011, range: 8012-8030 }\n  VITE_PORT: { main: 5173, follows: DJANGO_PORT }\n",
    ] {
        assert_eq!(parse(empty), Config::default(), "{empty}");
    }
}

#[test]
fn the_default_variables_are_those_of_the_design() {
    let ports = map([("DJANGO_PORT", 8012), ("VITE_PORT", 5174)]);
    let parts = map([("POSTGRES_DB", "app_feature_x".to_owned()), ("REDIS_DB", "1".to_owned())]);
    let vars = Config::default().vars(&values(&ports, &parts, "/w")).unwrap();
    let expected = "COMPOSE_PROJECT_NAME=app-feature-x\nDJANGO_PORT=8012\nVITE_PORT=5174\n\
                    POSTGRES_DB=app_feature_x\nREDIS_DB=1\nGN_PROJECT_NAME=app-feature-x\n\
                    DATABASE_URL=postgres://postgres@localhost:5432/app_feature_x\n\
                    REDIS_URL=redis://localhost:6379/1\n";
    assert_eq!(envfile::dotenv(&vars), expected);
}

#[test]
fn the_embedded_default_needs_no_server() {
    let config = embedded();
    assert_eq!(config.services.len(), 1);
    assert_eq!(config.env.keys().collect::<Vec<_>>(), ["GN_PROJECT_NAME", "DATABASE_URL"]);
    let (ports, parts) = (map([]), map([("SQLITE_PATH", EMBEDDED_FILE.to_owned())]));
    let vars = config.vars(&values(&ports, &parts, "/a b/ü")).unwrap();
    assert_eq!(vars["DATABASE_URL"], "sqlite:////a%20b/%C3%BC/.agentenv.sqlite3");
    assert_eq!(config.services["sqlite"].part("r", "n").unwrap(), EMBEDDED_FILE);
}

#[test]
fn a_path_outside_of_urls_must_be_safe_as_it_is() {
    let config = parse("env: { DATA: '{path}/data' }");
    let (ports, parts) = (map([]), map([]));
    let vars = config.vars(&values(&ports, &parts, "/w")).unwrap();
    assert_eq!(vars["DATA"], "/w/data");
    assert_eq!(config.vars(&values(&ports, &parts, "/a b")).unwrap()["DATA"], "/a b/data");
    assert!(config.vars(&values(&ports, &parts, "/a'b")).is_err());
}

#[test]
fn variables_do_not_grow_without_end() {
    let entries: String = (0..110).map(|n| format!("  V{n}: '{}'\n", "{D}".repeat(40))).collect();
    let config =
        parse(&format!("env:\n{entries}services: {{ d: {{ kind: sqlite, variable: D }} }}"));
    let (ports, parts) = (map([]), map([("D", "x".repeat(300))]));
    let error = config.vars(&values(&ports, &parts, "/w")).unwrap_err();
    assert_eq!(exit_of(&error), Exit::Config);
}

#[test]
fn default_variables_go_with_the_services_that_they_are_made_of() {
    let names = |text: &str| parse(text).env.into_keys().collect::<Vec<_>>().join(" ");
    assert_eq!(names("services: {}"), "GN_PROJECT_NAME");
    let cache = "services: { redis: { kind: redis } }";
    assert_eq!(names(cache), "GN_PROJECT_NAME REDIS_URL");
    assert_eq!(
        names("services: { postgres: { kind: postgres, variable: PGDATABASE } }"),
        "GN_PROJECT_NAME"
    );
    assert_eq!(
        names("services: { postgres: { kind: mysql, variable: POSTGRES_DB } }"),
        "GN_PROJECT_NAME"
    );
    assert_eq!(
        names("services: { db: { kind: sqlite, variable: DATABASE_URL } }"),
        "GN_PROJECT_NAME"
    );
    assert_eq!(names("env: {}"), "");
}

#[test]
fn services_have_the_defaults_of_their_kind() {
    let config = parse(
        "services:
  a: { kind: postgres, container: pg, name: 'a_{repo}_{name}', main: 7, user: me, port: 5433 }
  b: { kind: mysql, compose: { project: p, service: s } }
  c: { kind: redis, host: true, main: '3', range: 4-65535 }
  d: { kind: sqlite }
  e: { kind: redis, variable: CELERY_DB }
",
    );
    let (a, b) = (&config.services["a"], &config.services["b"]);
    assert_eq!(a.place, Place::Container("pg".to_owned()));
    assert_eq!((a.main.as_str(), a.user.as_str(), a.port), ("7", "me", 5433));
    assert_eq!(a.part("my-app", "fix-1").unwrap(), "a_my_app_fix_1");
    assert_eq!((b.variable.as_str(), b.port, b.range), ("MYSQL_DATABASE", 3306, None));
    assert!(
        matches!(&b.place, Place::Compose { project, service } if project == "p" && service == "s")
    );
    let (c, d, e) = (&config.services["c"], &config.services["d"], &config.services["e"]);
    assert_eq!((&c.place, c.main.as_str(), c.range), (&Place::Host, "3", Some((4, 65535))));
    assert_eq!((d.name.as_str(), d.main.as_str()), ("{name}.sqlite3", "db.sqlite3"));
    assert_eq!(d.part("r", "fix-1").unwrap(), "fix-1.sqlite3");
    assert_eq!((e.range, e.port), (Some((1, 15)), 6379));
}

#[test]
fn a_long_database_name_is_cut_and_stays_distinct() {
    let mut service = Config::default().services["postgres"].clone();
    service.name = "{repo}_{name}_test".to_owned();
    let (repo, name) = ("r".repeat(40), "n".repeat(39));
    let [one, two] = ["1", "2"].map(|n| service.part(&repo, &format!("{name}{n}")).unwrap());
    assert!(one.len() <= 63 && two.len() <= 63 && one != two, "{one} {two}");
}

#[test]
fn ports_follow_at_a_distance() {
    let vite = &Config::default().ports["VITE_PORT"];
    assert_eq!(vite.following(8012, 8011), Some(5174));
    assert_eq!(vite.following(65535, 1), None);
    assert_eq!(vite.following(1, 65535), None);
}

#[test]
fn hooks_and_files_are_taken_as_they_are() {
    let config = parse(
        "worktree: /tmp/{name}/x\nenv_file: ./conf/.env\ninfra: { file: ops/infra.yml }\n\
         env: { EMPTY: '', N: 1 }\nhooks:\n  post_add:\n  - echo {}\n  - |\n    two\n    lines\n",
    );
    assert_eq!(config.hooks.post_add[0], "echo {}");
    assert_eq!(config.infra.file.as_deref(), Some("ops/infra.yml"));
    assert_eq!((config.env["EMPTY"].as_str(), config.env["N"].as_str()), ("", "1"));
}
