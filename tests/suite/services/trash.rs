//! Databases and Redis indexes in the trash, on real servers: whole there and whole back, and only our own.

use super::World;
use crate::common::{Container, Talk, servers};
use git_agentenv::error::{Exit, exit_of, hint_of};
use git_agentenv::model::config::{Kind, Place};
use git_agentenv::model::lease::mark;
use git_agentenv::model::resource::{Database, RedisIndex, Resource};
use git_agentenv::model::server::Server;
use git_agentenv::service::snapshot::{self, Overwrite};
use git_agentenv::service::trash::{Kept, Returned, delete, keep, put_back};
use git_agentenv::service::{Made, State, postgres, redis};
use std::path::PathBuf;

#[test]
fn a_database_goes_with_its_snapshots_and_comes_back_under_any_name() {
    let world = World::new();
    for word in ["plain", r#"Größe "n" \ ☃"#, "it's :name %I"] {
        let (part, id) = (world.database(word), world.id(word.len()));
        postgres::create(&part, &id, None).unwrap();
        servers().psql_on(&part.name, "CREATE TABLE t AS SELECT 7 AS n");
        snapshot::save(&part, &id, "before", false).unwrap();
        servers().psql_on(&part.name, "UPDATE t SET n = 8");

        let Kept::InTrash(size) = keep(&database(&part), &id, false, &world.file()).unwrap() else {
            panic!("{word} was not kept");
        };
        assert!(size > 1_000_000, "{size}");
        assert_eq!(world.databases(), Vec::<String>::new());
        assert_eq!(world.in_trash(&id).len(), 2);
        assert!(world.in_trash(&id).iter().all(|(_, open)| open == "f"), "closed for connections");
        assert_eq!(keep(&database(&part), &id, false, &world.file()).unwrap(), Kept::InTrash(0));
        assert_eq!(
            postgres::inventory(&part.server)
                .unwrap()
                .iter()
                .filter(|d| d.id() == Some(&id))
                .count(),
            0
        );

        assert_eq!(
            put_back(&database(&part), &database(&part), &id, &world.file()).unwrap(),
            Returned::Ours
        );
        assert_eq!(
            put_back(&database(&part), &database(&part), &id, &world.file()).unwrap(),
            Returned::Missing
        );
        assert_eq!(postgres::state(&part, &id).unwrap(), State::Ours);
        assert_eq!(servers().psql_on(&part.name, "SELECT n FROM t"), "8");

        keep(&database(&part), &id, false, &world.file()).unwrap();
        let renamed = Database { name: format!("{} new", part.name), ..part.clone() };
        assert_eq!(
            put_back(&database(&renamed), &database(&part), &id, &world.file()).unwrap(),
            Returned::Ours
        );
        assert_eq!(postgres::state(&part, &id).unwrap(), State::Missing);
        snapshot::restore(&renamed, &id, "before", &Overwrite::default()).unwrap();
        assert_eq!(servers().psql_on(&renamed.name, "SELECT n FROM t"), "7");
        postgres::release(&renamed, &id, false).unwrap();
        assert_eq!(world.databases(), Vec::<String>::new());
    }
}

#[test]
fn a_database_that_is_not_ours_or_in_use_stays() {
    let world = World::new();
    let (part, id) = (world.database("x"), world.id(1));
    assert_eq!(keep(&database(&part), &id, false, &world.file()).unwrap(), Kept::Missing);
    servers().psql(&format!("CREATE DATABASE {}", part.name));
    let Kept::NotOurs(whose) = keep(&database(&part), &id, true, &world.file()).unwrap() else {
        panic!("a database without a mark was kept");
    };
    assert_eq!(whose, "it has no comment");
    servers().psql(&format!("COMMENT ON DATABASE {} IS '{}'", part.name, mark(&id)));
    let user = Talk::with(&part.name, "SELECT 'here';");
    let Kept::Busy(sessions) = keep(&database(&part), &id, false, &world.file()).unwrap() else {
        panic!("kept under a live session");
    };
    assert_eq!(sessions.len(), 1);
    assert_eq!(world.databases().concat(), part.name);
    assert!(matches!(keep(&database(&part), &id, true, &world.file()).unwrap(), Kept::InTrash(_)));
    drop(user);

    // Its name was given to another one meanwhile.
    servers().psql(&format!("CREATE DATABASE {}", part.name));
    assert_eq!(keep(&database(&part), &id, false, &world.file()).unwrap(), Kept::InTrash(0));
    assert_eq!(
        put_back(&database(&part), &database(&part), &id, &world.file()).unwrap(),
        Returned::Taken
    );
    assert_eq!(world.in_trash(&id).len(), 1);
    delete(&part.server, &world.id(2)).unwrap();
    assert_eq!(world.in_trash(&id).len(), 1, "another lease's trash stays");
    delete(&part.server, &id).unwrap();
    delete(&part.server, &id).unwrap();
    assert_eq!(world.in_trash(&id).len(), 0);
    assert_eq!(world.databases().concat(), part.name);
}

#[test]
fn keys_of_every_type_come_back_with_their_time_over_each_way() {
    let world = World::new();
    let first = *world.sandbox.indexes().start();
    // Without a published port, only its own client reaches it.
    let alone = Container::run("agentenv-test/redis", &["--network=none"]);
    let alone = alone.ready(&["redis-cli", "PING"]);
    for (place, redis_of) in [
        (Place::Host, None),
        (Place::Container(servers().redis.to_owned()), None),
        (Place::Container(alone.name.clone()), Some(&alone)),
    ] {
        let id = world.id(1);
        let number = redis_of.map_or(first, |_| 3);
        let part = world.index(number, place);
        let ask = |args: &[&str]| match redis_of {
            None => servers().redis(number, args),
            Some(alone) => {
                let client = ["redis-cli", "-n", &number.to_string()];
                alone.exec(&[&client[..], args].concat()).unwrap()
            }
        };
        assert!(matches!(redis::claim(&part, &id).unwrap(), Made::Ours(_)));
        ask(&["SET", "text\n\"k\" \\ ü", "value\n"]);
        ask(&["SET", "session", "x", "PX", "1000000"]);
        ask(&["SETBIT", "bits", "7", "1"]);
        ask(&["RPUSH", "list", "a", "b"]);
        ask(&["HSET", "hash", "f", "v"]);
        ask(&["SADD", "set", "m"]);
        ask(&["ZADD", "sorted", "1.5", "m"]);
        ask(&["XADD", "stream", "1-1", "f", "v"]);
        ask(&["EVAL", RANDOM, "0", &number.to_string(), "random", "1"]);
        for n in 0..500 {
            if redis_of.is_none() {
                ask(&["SET", &format!("many:{n}"), "x"]);
            }
        }
        let all = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| ask(&["DUMP", name])).collect()
        };
        let names =
            ["text\n\"k\" \\ ü", "bits", "list", "hash", "set", "sorted", "stream", "random"];
        let (before, count) = (all(&names), ask(&["DBSIZE"]));
        let Kept::InTrash(size) = keep(&index(&part), &id, false, &world.file()).unwrap() else {
            panic!("the index was not kept");
        };
        assert!(size > 300_000, "{size}");
        assert_eq!(ask(&["DBSIZE"]), "0");
        assert!(matches!(
            keep(&index(&part), &id, false, &world.file()).unwrap(),
            Kept::InTrash(_)
        ));

        let other = world.index(number + 1, part.server.place.clone());
        assert_eq!(
            put_back(&index(&other), &index(&part), &id, &world.file()).unwrap(),
            Returned::Ours
        );
        free(&other, &id);
        assert_eq!(
            put_back(&index(&part), &index(&part), &id, &world.file()).unwrap(),
            Returned::Ours
        );
        assert_eq!(
            put_back(&index(&part), &index(&part), &id, &world.file()).unwrap(),
            Returned::Ours
        );
        assert_eq!((all(&names), ask(&["DBSIZE"])), (before, count));
        let left: i64 = ask(&["PTTL", "session"]).parse().unwrap();
        assert!((900_000..=1_000_000).contains(&left), "{left}");
        assert_eq!(ask(&["PTTL", "list"]), "-1");
        assert_eq!(redis::state(&part, &id).unwrap(), State::Ours);
        free(&part, &id);
        std::fs::remove_file(world.file()).unwrap();
    }
}

#[test]
fn an_index_that_is_not_ours_stays() {
    let world = World::new();
    let first = *world.sandbox.indexes().start();
    let (part, id) = (world.index(first, Place::Host), world.id(1));
    assert_eq!(keep(&index(&part), &id, false, &world.file()).unwrap(), Kept::Missing);
    servers().redis(first, &["SET", "theirs", "1"]);
    assert!(matches!(keep(&index(&part), &id, true, &world.file()).unwrap(), Kept::NotOurs(_)));
    assert_eq!(
        put_back(&index(&part), &index(&part), &id, &world.file()).unwrap(),
        Returned::Missing
    );
    std::fs::write(world.file(), "").unwrap();
    assert_eq!(
        put_back(&index(&part), &index(&part), &id, &world.file()).unwrap(),
        Returned::Taken
    );
    std::fs::remove_file(world.file()).unwrap();
    assert_eq!(servers().redis(first, &["DBSIZE"]), "1");
    servers().redis(first, &["FLUSHDB"]);
}

#[test]
fn what_an_index_holds_is_kept_little_by_little_up_to_a_limit() {
    let world = World::new();
    // Of its own: others would wait for what fills it.
    let server = Container::run("agentenv-test/redis", &["-p127.0.0.1::6379"]);
    let server = server.ready(&["redis-cli", "PING"]);
    let (part, id) = (world.index(3, Place::Container(server.name.clone())), world.id(1));
    let ask = |args: &[&str]| server.exec(&[&["redis-cli", "-n", "3"], args].concat()).unwrap();
    redis::claim(&part, &id).unwrap();
    ask(&["EVAL", RANDOM, "0", "3", "random", "1"]);
    let more = "redis.call('SELECT', 3) for i = 1, 19 do redis.call('COPY', 'random', i) end";
    ask(&["EVAL", more, "0"]);
    ask(&["CONFIG", "RESETSTAT"]);
    let Kept::InTrash(size) = keep(&index(&part), &id, false, &world.file()).unwrap() else {
        panic!("the index was not kept");
    };
    assert!(size > 20 * 300_000, "{size}");
    let evals = ask(&["INFO", "commandstats"]);
    let evals = evals.split("cmdstat_eval:calls=").nth(1).unwrap().split(',').next().unwrap();
    assert!(
        evals.parse::<u32>().unwrap() >= 6,
        "the server works on nothing else meanwhile: {evals}"
    );

    redis::claim(&part, &id).unwrap();
    ask(&["EVAL", RANDOM, "0", "3", "random", "230"]);
    let error = keep(&index(&part), &id, false, &world.file()).unwrap_err();
    assert_eq!(exit_of(&error), Exit::Refused);
    assert!(error.to_string().contains("holds more than 67.1 MB"), "{error}");
    assert!(hint_of(&error).unwrap().contains("--no-keep"));
    assert_eq!(ask(&["DBSIZE"]), "2");

    ask(&["DEL", "random"]);
    let many = "redis.call('SELECT', 3) for i = 1, 50001 do redis.call('SET', i, i) end";
    ask(&["EVAL", many, "0"]);
    let error = keep(&index(&part), &id, false, &world.file()).unwrap_err();
    assert!(error.to_string().contains("or 50000 keys"), "{error}");
    ask(&["DEL", "1"]);
    keep(&index(&part), &id, false, &world.file()).unwrap();
    assert_eq!(ask(&["DBSIZE"]), "0");
}

/// Makes a key of random bytes, for DUMP compresses. ARGV: the index, the key, and how many times 300,000.
const RANDOM: &str = "redis.call('SELECT', ARGV[1]) local t = {}
for i = 1, 300000 do t[i] = string.char(math.random(0, 255)) end
redis.call('SET', ARGV[2], string.rep(table.concat(t), ARGV[3])) return 'done'";

fn free(index: &RedisIndex, id: &str) {
    redis::release(index, id, false).unwrap();
}

fn database(database: &Database) -> Resource {
    Resource::Database(database.clone())
}

fn index(index: &RedisIndex) -> Resource {
    Resource::RedisIndex(index.clone())
}

impl World {
    fn file(&self) -> PathBuf {
        self.sandbox.root.join("keys")
    }

    /// The databases that the trash holds of a lease, and whether they take connections.
    fn in_trash(&self, id: &str) -> Vec<(String, String)> {
        let sql = format!(
            "SELECT datname || ' ' || datallowconn FROM pg_database WHERE starts_with(datname, 'agentenv_trash_{id}_')"
        );
        let line = |line: &str| {
            let (name, open) = line.split_once(' ').unwrap();
            (name.to_owned(), open[..1].to_owned())
        };
        servers().psql(&sql).lines().map(line).collect()
    }

    fn database(&self, word: &str) -> Database {
        let place = Place::Container(servers().postgres.to_owned());
        let (kind, port) = (Kind::Postgres, servers().postgres_port);
        let server = Server { kind, place, user: "postgres".to_owned(), port, password_env: None };
        Database::new(&server, format!("{}_{word}", self.sandbox.id))
    }

    fn index(&self, index: u16, place: Place) -> RedisIndex {
        let (kind, port) = (Kind::Redis, servers().redis_port);
        let server = Server { kind, place, user: "default".to_owned(), port, password_env: None };
        RedisIndex { server, index: index.into(), claimed_on: None }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for number in 0..64 {
            for (name, _) in self.in_trash(&self.id(number)) {
                servers().psql(&format!("DROP DATABASE {name}"));
            }
        }
    }
}
