//! PostgreSQL 18: the provider of locales that the server brings, and `file_copy_method`.

use super::copies::{PROPERTIES, without_marks};
use crate::common::{Container, POSTGRES_READY, Repo, Sandbox, wait_until};

/// A server of a test's own, with a project whose main checkout's database is hostile.
struct World {
    sandbox: Sandbox,
    server: Container,
}

impl World {
    fn new() -> Self {
        let options = ["--env=POSTGRES_HOST_AUTH_METHOD=trust", "--tmpfs=/var/lib/postgresql"];
        let settings = ["-clogging_collector=on", "-clog_directory=/tmp", "-clog_filename=log"];
        let command = [&["postgres", "-cfsync=off", "-clog_statement=all"], &settings[..]].concat();
        let server = Container::run_command("agentenv-test/postgres18", &options, &command);
        let world = World { sandbox: Sandbox::new(), server: server.ready(&POSTGRES_READY) };
        // The server of the tests has no contributed extension and no ICU.
        let mut source = include_str!("../common/hostile_database.sql").replace("{id}", "inn");
        for (with, without) in [
            (
                "LOCALE_PROVIDER icu ICU_LOCALE 'de-DE'",
                "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'",
            ),
            ("provider = icu, locale = 'de-DE-u-co-phonebk'", "provider = builtin, locale = 'C'"),
            ("CREATE EXTENSION hstore;", "CREATE DOMAIN hstore AS text;"),
            ("CREATE EXTENSION pg_trgm SCHEMA public;", ""),
            ("CREATE INDEX person_trgm ON public.person USING gin (name public.gin_trgm_ops);", ""),
        ] {
            assert!(source.contains(with), "{with}");
            source = source.replace(with, without);
        }
        let file = world.sandbox.root.join("source.sql");
        std::fs::write(&file, source).unwrap();
        crate::common::docker(&[
            "cp",
            file.to_str().unwrap(),
            &format!("{}:/tmp/source.sql", world.server.name),
        ]);
        let psql = ["psql", "-XqU", "postgres", "-v", "ON_ERROR_STOP=1", "-f", "/tmp/source.sql"];
        world.server.exec(&psql).unwrap();
        world
    }

    fn repo(&self, name: &str, template: &str) -> Repo<'_> {
        let repo = self.sandbox.repo(name);
        repo.config(&format!(
            "ports: {{}}\nservices:\n  pg: {{ kind: postgres, container: {}, name: \"inn_{{name}}\", main: inn_main, \
             from: main{template} }}\n",
            self.server.name
        ));
        repo
    }

    fn ask(&self, sql: &str) -> String {
        self.server.exec(&["psql", "-XqAtU", "postgres", "-c", sql]).unwrap()
    }

    /// All that the server's catalogues say of a database.
    fn whole(&self, name: &str) -> String {
        let dump = self.server.exec(&["pg_dump", "-U", "postgres", "-d", name]).unwrap();
        self.ask(&PROPERTIES.replace("{database}", name)) + &without_marks(&dump)
    }

    #[track_caller]
    fn alike(&self, name: &str) {
        assert_eq!(self.whole("inn_main"), self.whole(name));
    }
}

#[test]
fn a_copy_of_a_hostile_database_is_faithful_on_every_way() {
    let world = World::new();
    let repo = world.repo("app", ", template: { spares: 1 }");
    repo.agentenv(&["add", "first"]).ok();
    world.alike("inn_first");
    let spares = "SELECT count(*) FROM pg_database
        WHERE shobj_description(oid, 'pg_database') LIKE 'git-agentenv spare %'";
    wait_until("a spare copy is there", || world.ask(spares) == "1");
    repo.agentenv(&["add", "spare"]).ok();
    world.alike("inn_spare");

    let user = world.server.start(&[
        "psql",
        "-U",
        "postgres",
        "-d",
        "inn_main",
        "-c",
        "SELECT pg_sleep(600)",
    ]);
    let used = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'inn_main' AND query LIKE 'SELECT pg_sleep%'";
    wait_until("the source is in use", || world.ask(used) == "1");
    repo.agentenv(&["db", "copy", "first", "--yes"]).ok();
    world.alike("inn_first");
    repo.agentenv(&["db", "snapshot", "save", "s", "spare"]).ok();
    repo.agentenv(&["db", "reset", "spare", "--yes"]).ok();
    world.alike("inn_spare");
    repo.agentenv(&["db", "snapshot", "restore", "s", "spare", "--yes"]).ok();
    world.alike("inn_spare");
    assert_eq!(world.ask(used), "1", "no session was ended");
    drop(user);

    repo.agentenv(&["remove", "first", "--force", "--keep"]).ok();
    repo.agentenv(&["restore", "first"]).ok();
    world.alike("inn_first");
    repo.agentenv(&["remove", "first", "spare", "--force"]).ok();
    repo.agentenv(&["db", "template", "drop"]).ok();
    let left =
        "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE NOT datistemplate";
    assert_eq!(world.ask(left), "inn_main postgres");

    // The files of a large one are cloned.
    let log = || world.server.exec(&["cat", "/tmp/log"]).unwrap();
    assert!(!log().contains("file_copy_method"));
    let end = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'";
    assert_eq!(world.ask(end), "t");
    let bulk =
        "CREATE TABLE bulk WITH (fillfactor = 10) AS SELECT generate_series(1, 450000) AS id";
    world.server.exec(&["psql", "-XqU", "postgres", "-d", "inn_main", "-c", bulk]).unwrap();
    world.repo("bulk", "").agentenv(&["add", "large"]).ok();
    world.alike("inn_large");
    let log = log();
    let (_, after) = log.split_once("SET file_copy_method = clone").expect("it is set");
    assert!(after.contains("STRATEGY FILE_COPY"), "{after}");
}
