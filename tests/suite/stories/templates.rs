//! Template databases: what they are copied from, which one a branch gets, and what is run on them.

use crate::common::{Repo, Sandbox, hold, servers, write_program};
use serde_json::Value;
use std::fs;

struct World {
    sandbox: Sandbox,
}

impl World {
    /// With a main checkout's database that holds a secret.
    fn new() -> Self {
        let sandbox = Sandbox::wide(2);
        servers().psql(&format!("CREATE DATABASE {}_main", sandbox.id));
        let sql = "CREATE TABLE person AS SELECT 'secret' AS name";
        servers().psql_on(&format!("{}_main", sandbox.id), sql);
        World { sandbox }
    }

    /// A project whose service has this `template`.
    fn project(&self, template: &str) -> Repo<'_> {
        let repo = self.sandbox.repo("app");
        let kind = format!("kind: postgres, from: main, template: {template}");
        repo.config(&self.sandbox.config().replace("kind: postgres", &kind));
        repo.agentenv(&["prune"]).ok();
        repo
    }

    fn db(&self, name: &str) -> String {
        format!("{}_{name}", self.sandbox.id)
    }

    fn names(&self, name: &str) -> String {
        servers().psql_on(&self.db(name), "SELECT string_agg(name, ',') FROM person")
    }
}

/// How many sessions a command starts. What looks whether the server still works is none of them.
fn sessions(repo: &Repo<'_>, args: &[&str]) -> usize {
    let (bin, log) = (repo.sandbox.root.join("counted"), repo.sandbox.root.join("sessions"));
    fs::create_dir_all(&bin).unwrap();
    fs::write(&log, "").unwrap();
    let counts =
        format!("#!/bin/sh\necho >>{}\nPATH=${{PATH#*:}} exec psql \"$@\"\n", log.display());
    write_program(&bin.join("psql"), &counts);
    let mut run = repo.command(args);
    let path = run.get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap().to_owned();
    let path = format!("{}:{}", bin.display(), path.to_str().unwrap());
    repo.sandbox.outcome(run.env("PATH", path).env("AGENTENV_TIMEOUT", "600")).ok();
    fs::read_to_string(&log).unwrap().lines().count()
}

fn templates(repo: &Repo<'_>) -> Vec<Value> {
    let listed = repo.agentenv(&["db", "template", "list", "--json"]).ok().json();
    listed["templates"].as_array().unwrap().clone()
}

/// Each costs the start of a program in the server's container.
#[test]
fn add_takes_one_session_and_six_where_it_makes_the_template() {
    let world = World::new();
    let repo = world.project("{ spares: 0 }");
    assert_eq!(sessions(&repo, &["add", "one"]), 6);
    assert_eq!(sessions(&repo, &["add", "two"]), 1);
}

#[test]
fn add_copies_the_template_and_waits_for_no_source_that_is_in_use() {
    let world = World::new();
    let repo = world.project("{}");
    let said = repo.agentenv(&["add", "one"]).ok();
    assert!(said.stderr.contains("copying template agentenv_t_"), "{}", said.show());
    let [template] = templates(&repo).try_into().unwrap();
    assert_eq!(template["from"], *world.db("main"));
    let name = template["database"].as_str().unwrap();
    let sql =
        format!("SELECT datallowconn, datistemplate FROM pg_database WHERE datname = '{name}'");
    assert_eq!(servers().psql(&sql), "f|f");

    // A lock that would keep a dump waiting.
    let user = hold::on(&world.db("main"), "user", "BEGIN; DROP TABLE person;");
    repo.agentenv(&["add", "two"]).ok();
    assert_eq!(
        (world.names("one"), world.names("two")),
        ("secret".to_owned(), "secret".to_owned())
    );
    assert_eq!(templates(&repo), std::slice::from_ref(&template));
    drop(user);

    servers().psql_on(&world.db("main"), "UPDATE person SET name = 'newer'");
    let said = repo.agentenv(&["db", "template", "refresh", "--json"]).ok().json();
    assert_eq!(said["refreshed"][0], name);
    repo.agentenv(&["add", "three"]).ok();
    assert_eq!((world.names("three"), templates(&repo).len()), ("newer".to_owned(), 1));
    assert_eq!(
        repo.agentenv(&["db", "template", "drop", "--json"]).ok().json()["dropped"][0],
        name
    );
    assert!(templates(&repo).is_empty());
    repo.agentenv(&["db", "template", "drop", "postgres"]).fails(4);
}

#[test]
fn prune_finds_templates_although_nothing_names_their_server_any_more() {
    let world = World::new();
    let repo = world.project("{}");
    repo.agentenv(&["add", "x"]).ok();
    let [template] = templates(&repo).try_into().unwrap();
    let name = template["database"].as_str().unwrap();
    repo.agentenv(&["remove", "x", "--yes"]).ok();
    let records = world.sandbox.root.join("state/servers");
    let recorded = || fs::read_dir(&records).unwrap().count();
    // An earlier version recorded none.
    fs::remove_dir_all(&records).unwrap();
    templates(&repo);
    world.sandbox.repo("other").agentenv(&["prune"]).ok();
    assert_eq!((recorded(), templates(&repo).len()), (1, 1), "its repository is there");

    fs::remove_dir_all(&repo.path).unwrap();
    let other = world.sandbox.repo_at("other");
    let said = other.agentenv(&["prune"]).ok();
    assert!(said.stdout.contains(name), "{}", said.show());
    assert!(!servers().databases().contains(&name.to_owned()));
    assert_eq!(recorded(), 0);
    let said = other.agentenv(&["prune"]).ok();
    assert!(said.stdout.contains("nothing to prune"), "{}", said.show());
}

#[test]
fn a_branch_gets_the_template_that_is_nearest_to_its_files() {
    let world = World::new();
    let repo = world.project("{ key: ['db/*.sql'] }");
    repo.commit("db/1.sql", "one");
    repo.git(&["branch", "old"]);
    repo.agentenv(&["add", "a"]).ok();
    servers().psql_on(&world.db("main"), "UPDATE person SET name = 'second'");
    repo.commit("db/2.sql", "two");
    let said = repo.agentenv(&["add", "b"]).ok();
    assert!(!said.stderr.contains("files of its key"), "{}", said.show());
    repo.commit("README", "no file of the key\n");
    repo.agentenv(&["add", "old", "c"]).ok();
    let names = ["a", "b", "c", "old"].map(|name| world.names(name));
    assert_eq!(names, ["secret", "second", "second", "secret"]);
    assert_eq!(templates(&repo).len(), 2);

    // Ahead of every template, but with none of their files changed.
    repo.git(&["switch", "--quiet", "--create", "ahead"]);
    repo.commit("db/3.sql", "three");
    repo.git(&["switch", "--quiet", "main"]);
    let said = repo.agentenv(&["add", "ahead"]).ok();
    assert!(said.stderr.contains("which has 2 of 3 files of its key"), "{}", said.show());
    assert_eq!((world.names("ahead"), templates(&repo).len()), ("second".to_owned(), 2));
}

#[test]
fn a_branch_behind_every_template_is_told_so_or_begins_with_nothing() {
    let world = World::new();
    let repo = world.project("{ key: ['db/*.sql'] }");
    repo.commit("db/1.sql", "one");
    repo.git(&["branch", "behind"]);
    repo.commit("db/2.sql", "two");
    repo.commit("db/3.sql", "three");
    let said = repo.agentenv(&["add", "behind"]).ok();
    assert!(said.stderr.contains("which has 1 of 1 files of its key"), "{}", said.show());
    let warning =
        "is a copy of a template that is ahead of it: the branch lacks 2 of the 3 files of its key";
    assert!(said.stderr.contains(warning), "{}", said.show());
    repo.agentenv(&["remove", "behind", "--force", "--yes"]).ok();

    let config = fs::read_to_string(repo.path.join(".agentenv.yaml")).unwrap();
    repo.config(&config.replace("from: main", "from: empty"));
    repo.agentenv(&["add", "now"]).ok();
    let said = repo.agentenv(&["add", "behind"]).ok();
    assert!(
        said.stderr.contains("begins empty: each of its templates has files"),
        "{}",
        said.show()
    );
    let said = repo.agentenv(&["db", "reset", "behind", "--json"]).ok().json();
    assert_eq!((&said["from"], &said["empty"]), (&Value::Null, &true.into()));
}

#[test]
fn commands_and_mask_run_once_and_only_when_they_were_approved() {
    let world = World::new();
    let build = "echo $POSTGRES_DB $PWD >>../built";
    let repo = world.project(&format!("{{ build: ['{build}'], mask: mask.sql }}"));
    repo.commit("mask.sql", "UPDATE person SET name = 'masked';\n");
    let before = repo.traces();
    let said = repo.agentenv(&["add", "x"]).fails(7);
    assert!(said.stderr.contains("mask mask.sql (sha256 "), "{}", said.show());
    assert!(said.stderr.contains("or go without it: `--data empty`"), "{}", said.show());
    repo.leaves_nothing_but(&before, "not trusted");
    repo.agentenv(&["trust", "--yes"]).ok();
    repo.agentenv(&["add", "x", "y"]).ok();
    assert_eq!((world.names("x"), world.names("y")), ("masked".to_owned(), "masked".to_owned()));
    let built = fs::read_to_string(world.sandbox.root.join("built")).unwrap();
    let [line] = built.lines().collect::<Vec<_>>().try_into().unwrap();
    assert!(line.starts_with("agentenv_") && line.ends_with("/app"), "{line}");
    assert_eq!(world.names("main"), "secret");

    for words in [&["add", "z", "--data", "main"][..], &["db", "copy", "x"]] {
        let said = repo.agentenv(words).fails(7);
        assert!(
            said.stderr.contains("the mask mask.sql of `postgres` would not run"),
            "{}",
            said.show()
        );
    }
    repo.agentenv(&["db", "copy", "x", "--unmasked"]).ok();
    assert_eq!(world.names("x"), "secret");
    let said = repo.agentenv(&["db", "reset", "x", "--json"]).ok().json();
    assert!(said["from"].as_str().unwrap().starts_with("agentenv_t_"), "{said}");
    assert_eq!((&said["empty"], world.names("x").as_str()), (&false.into(), "masked"));
    repo.agentenv(&["db", "reset", "x", "--empty"]).ok();
    let sql = "SELECT to_regclass('person') IS NULL";
    assert_eq!(servers().psql_on(&world.db("x"), sql), "t");

    fs::write(repo.path.join("mask.sql"), "UPDATE person SET name = 'other';\n").unwrap();
    let said = repo.agentenv(&["db", "reset", "x"]).fails(7);
    assert!(said.stderr.contains("is not trusted"), "{}", said.show());
    assert!(said.stderr.contains("or go without it: `--empty`"), "{}", said.show());
    repo.agentenv(&["add", "z"]).fails(7);
    repo.agentenv(&["trust", "--yes"]).ok();
    repo.agentenv(&["add", "z"]).ok();
    assert_eq!((world.names("z").as_str(), templates(&repo).len()), ("other", 1));

    // Without its mask it is another template; the masked one is replaced.
    let config = fs::read_to_string(repo.path.join(".agentenv.yaml")).unwrap();
    repo.config(&config.replace(", mask: mask.sql", ""));
    repo.agentenv(&["trust", "--yes"]).ok();
    repo.agentenv(&["add", "w"]).ok();
    assert_eq!((world.names("w").as_str(), templates(&repo).len()), ("secret", 1));
}

#[test]
fn the_mask_that_runs_is_the_one_that_was_approved() {
    let world = World::new();
    let repo = world.project(
        r#"{ build: ["echo \"UPDATE person SET name = 'other';\" >mask.sql"], mask: mask.sql }"#,
    );
    repo.commit("mask.sql", "UPDATE person SET name = 'masked';\n");
    repo.agentenv(&["trust", "--yes"]).ok();
    repo.agentenv(&["add", "x"]).ok();
    assert_eq!(world.names("x"), "masked");
    // The template's name says so, too: it is none of the mask that is there now.
    repo.agentenv(&["add", "y"]).fails(7);
}

#[test]
fn nothing_of_what_a_mask_overwrote_is_left_in_its_template() {
    let world = World::new();
    let repo = world.project("{ mask: mask.sql }");
    let main = world.db("main");
    servers().psql_on(
        &main,
        "INSERT INTO person SELECT 'secret' FROM generate_series(1, 99);
         CREATE TABLE gone AS SELECT 'secret' AS name FROM generate_series(1, 99);
         CREATE TABLE pair AS SELECT 'secret' AS a, 'secret' AS b FROM generate_series(1, 99);
         CREATE STATISTICS both_of (mcv) ON a, b FROM pair; ANALYZE",
    );
    repo.commit(
        "mask.sql",
        "UPDATE person SET name = 'masked'; DELETE FROM gone; UPDATE pair SET a = '-', b = '-';\n",
    );
    repo.agentenv(&["trust", "--yes"]).ok();
    repo.agentenv(&["add", "x"]).ok();
    let known = |what: &str| {
        servers().psql_on(&world.db("x"), &format!("SELECT count(*) FROM {what} LIKE '%secret%'"))
    };
    assert_eq!(known("pg_stats WHERE most_common_vals::text"), "0");
    assert_eq!(known("pg_stats_ext WHERE most_common_vals::text"), "0");
    let masked = "SELECT most_common_vals FROM pg_stats WHERE tablename = 'person'";
    assert_eq!(servers().psql_on(&world.db("x"), masked), "{masked}");
    // What the files of the template hold, which those of the copy are copies of.
    servers().psql("CHECKPOINT");
    let oid =
        servers().psql(&format!("SELECT oid FROM pg_database WHERE datname = '{}'", world.db("x")));
    let files = format!(
        "cd \"$(psql -XAtU postgres -c 'SHOW data_directory')/base/{}\" && grep -l secret *",
        oid.trim()
    );
    let holding = servers().beside_postgres(&["sh", "-c", &(files + " || true")]);
    let which = "SELECT relname, pg_relation_filenode(oid) FROM pg_class ORDER BY 2";
    assert_eq!(holding.trim(), "", "{}", servers().psql_on(&world.db("x"), which));
}

#[test]
fn a_mask_or_a_command_that_fails_publishes_nothing() {
    let world = World::new();
    for template in ["{ mask: mask.sql }", "{ build: ['exit 3'] }"] {
        let repo = world.project(template);
        repo.commit("mask.sql", "UPDATE person SET name = 'half';\nSELECT 1 / 0;\n");
        repo.agentenv(&["trust", "--yes"]).ok();
        let before = repo.traces();
        let said = repo.agentenv(&["add", "x"]);
        let why = if template.contains("mask") { "division by zero" } else { "exited with 3" };
        assert!(said.code != 0 && said.stderr.contains(why), "{}", said.show());
        repo.leaves_nothing_but(&before, template);
        assert!(templates(&repo).is_empty());
        fs::remove_dir_all(&repo.path).unwrap();
    }
}

#[test]
fn a_build_reaches_nothing_of_the_main_checkout_but_its_files() {
    let world = World::new();
    let repo = world.project("{ build: ['env >../built'] }");
    let config = fs::read_to_string(repo.path.join(".agentenv.yaml")).unwrap();
    let more = "  other: { kind: postgres, variable: OTHER_DB, name: \"o_{name}\", main: shop_main, host: true }
  file: { kind: sqlite, variable: SQLITE_FILE, name: \"{name}.sqlite3\", main: db.sqlite3 }
env:
  DATABASE_URL: postgres://localhost:{postgres.port}/{POSTGRES_DB}
  OTHER_URL: postgres://localhost:{other.port}/{OTHER_DB}
  REDIS_URL: redis://{redis.host}:{redis.port}/{REDIS_DB}
  PREFIX: \"{name}:\"
";
    repo.config(&(config + more));
    repo.agentenv(&["trust", "--yes"]).ok();
    repo.agentenv(&["db", "template", "refresh"]).ok();
    let built = fs::read_to_string(world.sandbox.root.join("built")).unwrap();
    let value = |name: &str| {
        let lines = built.lines().filter_map(|line| line.split_once('='));
        lines.filter(|(one, _)| *one == name).map(|(_, value)| value).next().unwrap()
    };
    let database = value("POSTGRES_DB");
    assert!(database.starts_with("agentenv_") && database != "agentenv_none", "{database}");
    let port = servers().postgres_port;
    assert_eq!(value("DATABASE_URL"), format!("postgres://localhost:{port}/{database}"));
    for (name, nothing) in [
        ("DJANGO_PORT", "1"),
        ("OTHER_URL", "postgres://localhost:1/agentenv_none"),
        ("REDIS_URL", "redis://localhost:1/2147483647"),
        ("SQLITE_FILE", "agentenv-none/none.sqlite3"),
        ("PREFIX", "template:"),
        ("COMPOSE_PROJECT_NAME", "agentenv-none"),
    ] {
        assert_eq!(value(name), nothing, "{name}");
    }
}

#[test]
fn many_that_want_a_template_at_once_make_one() {
    let world = World::new();
    let repo = world.project("{}");
    let running: Vec<_> =
        (0..4).map(|number| repo.start(&["add", &format!("x{number}")])).collect();
    let said: Vec<_> = running.into_iter().map(|one| one.outcome().ok().stderr).collect();
    let made = |said: &&String| said.contains(&format!("from {}", world.db("main")));
    assert_eq!(templates(&repo).len(), 1);
    assert!(said.iter().filter(made).count() >= 1, "{said:?}");
    assert!((0..4).all(|number| world.names(&format!("x{number}")) == "secret"));
}

#[test]
fn prune_drops_the_templates_of_deleted_repositories_and_no_others() {
    let world = World::new();
    let repo = world.project("{}");
    repo.agentenv(&["db", "template", "refresh"]).ok();
    let [template] = templates(&repo).try_into().unwrap();
    let other = world.sandbox.repo("other");
    other.config(&world.sandbox.config());
    other.agentenv(&["prune"]).ok();
    assert_eq!(templates(&repo).len(), 1);
    fs::remove_dir_all(&repo.path).unwrap();
    let name = template["database"].as_str().unwrap();
    let found = other.agentenv(&["doctor", "--json"]).ok().json()["findings"].to_string();
    assert!(found.contains(name) && found.contains("its repository"), "{found}");
    let said = other.agentenv(&["prune"]).ok();
    assert!(said.stderr.contains(name), "{}", said.show());
    let sql = format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'");
    assert_eq!(servers().psql(&sql), "0");
}
