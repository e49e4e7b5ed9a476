//! Databases on a real server: made, found and dropped only with our own mark on them.

use super::World;
use crate::common::{Talk, servers, wait_until};
use git_agentenv::error::{Exit, exit_of, hint_of};
use git_agentenv::model::config::Place;
use git_agentenv::model::lease::mark;
use git_agentenv::model::name::with_hash;
use git_agentenv::model::source::Source;
use git_agentenv::service::postgres::spare;
use git_agentenv::service::{Database, Gone, Server, State, postgres, template};

#[test]
fn a_database_is_made_once_and_dropped_once() {
    let world = World::new();
    let (part, id) = (world.part("one"), world.id(1));
    assert_eq!(postgres::state(&part, &id).unwrap(), State::Missing);
    postgres::create(&part, &id, None).unwrap();
    postgres::create(&part, &id, None).unwrap();
    assert_eq!(postgres::state(&part, &id).unwrap(), State::Ours);
    assert_eq!(world.comment(&part.name), mark(&id));
    assert_eq!(postgres::release(&part, &id, false).unwrap(), Gone::Dropped);
    assert_eq!(postgres::release(&part, &id, false).unwrap(), Gone::Missing);
    assert_eq!(world.databases(), Vec::<String>::new());
}

#[test]
fn of_two_that_want_one_spare_the_second_takes_the_next() {
    let world = World::new();
    let (part, id, name) = (world.part("one"), world.id(1), world.sandbox.id.clone());
    let store = &name[1..];
    let make = |database: &str, mark: &str| {
        servers().psql(&format!("CREATE DATABASE {database}"));
        servers().psql(&format!("COMMENT ON DATABASE {database} IS '{mark}'"));
    };
    let spare = format!("git-agentenv spare {store} {name}_t 7");
    make(&format!("{name}_t"), &format!("git-agentenv template {store} {{\"at\":7}}"));
    make(&format!("{name}_s"), &spare);
    let other = format!("BEGIN; ALTER DATABASE {name}_s RENAME TO {name}_taken; SELECT 'here';");
    let mut other = Talk::with("postgres", &other);
    let waits = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'COMMENT ON DATABASE \"{name}_s%'"
    );
    let taken = std::thread::scope(|scope| {
        let claim = scope.spawn(|| spare::claim(&part, store, &id, &format!("{name}_t")));
        wait_until("the second waits for the first", || servers().psql(&waits) == "1");
        make(&format!("{name}_next"), &spare);
        other.say("COMMIT;");
        claim.join().unwrap()
    });
    assert!(taken.unwrap());
    assert_eq!(postgres::state(&part, &id).unwrap(), State::Ours);
    postgres::release(&part, &id, false).unwrap();
}

#[test]
fn the_host_s_own_client_does_the_same() {
    let world = World::new();
    let id = world.id(1);
    let part = on(world.part("host"), |server| server.place = Place::Host);
    postgres::create(&part, &id, None).unwrap();
    assert_eq!(world.comment(&part.name), mark(&id));
    assert_eq!(postgres::release(&part, &id, false).unwrap(), Gone::Dropped);
    let closed = on(part, |server| server.port = 1);
    let error = postgres::create(&closed, &id, None).unwrap_err();
    assert_eq!(exit_of(&error), Exit::Service);
    assert!(error.to_string().contains("does not answer"), "{error}");
}

#[test]
fn a_session_on_template1_is_no_hindrance() {
    let world = World::new();
    let (part, id) = (world.part("crowded"), world.id(1));
    let _user = Talk::with("template1", "SELECT 'here';");
    postgres::create(&part, &id, None).unwrap();
    assert_eq!(postgres::state(&part, &id).unwrap(), State::Ours);
    assert_eq!(postgres::release(&part, &id, false).unwrap(), Gone::Dropped);
}

#[test]
fn a_copy_is_made_once_of_an_idle_source_and_of_one_in_use() {
    let world = World::new();
    let (source, copy) = (world.part("source"), world.part("copy"));
    let from = Source::Database(source.name.clone());
    postgres::create(&source, &world.id(1), None).unwrap();
    servers().psql_on(&source.name, "CREATE TABLE t AS SELECT 7 AS n");
    postgres::create(&copy, &world.id(2), Some(&from)).unwrap();
    servers().psql_on(&copy.name, "UPDATE t SET n = 8");
    postgres::create(&copy, &world.id(2), Some(&from)).unwrap();
    assert_eq!(servers().psql_on(&copy.name, "SELECT n FROM t"), "8");
    assert_eq!(world.comment(&copy.name), mark(&world.id(2)));
    let error = postgres::create(&copy, &world.id(3), Some(&from)).unwrap_err();
    assert_eq!(exit_of(&error), Exit::Refused);

    let _user = Talk::with(&source.name, "SELECT 'here';");
    let busy = world.part("busy");
    postgres::create(&busy, &world.id(3), Some(&from)).unwrap();
    assert_eq!(servers().psql_on(&busy.name, "SELECT n FROM t"), "7");

    let (none, missing) = (world.part("none"), Source::Database("no such database".to_owned()));
    let error = postgres::create(&none, &world.id(4), Some(&missing)).unwrap_err();
    assert_eq!(exit_of(&error), Exit::NotFound);
    assert!(error.to_string().contains("no database `no such database`"), "{error}");
}

#[test]
fn a_foreign_database_is_neither_taken_nor_dropped() {
    let world = World::new();
    let id = world.id(1);
    for (word, comment) in
        [("bare", None), ("noted", Some("mine: keep")), ("other", Some(&*mark(&world.id(2))))]
    {
        let part = world.part(word);
        servers().psql(&format!("CREATE DATABASE {}", part.name));
        if let Some(comment) = comment {
            servers().psql(&format!("COMMENT ON DATABASE {} IS '{comment}'", part.name));
        }
        let error = postgres::create(&part, &id, None).unwrap_err();
        assert_eq!(exit_of(&error), Exit::Refused);
        assert_eq!(error.to_string(), format!("database `{}` exists and is not ours", part.name));
        for force in [false, true] {
            let Gone::NotOurs(what) = postgres::release(&part, &id, force).unwrap() else {
                panic!("{word} was not refused");
            };
            assert!(what.contains(comment.unwrap_or("no comment")), "{what}");
        }
        assert!(world.databases().contains(&part.name));
    }
}

#[test]
fn a_live_session_is_named_and_ended_only_by_force() {
    let world = World::new();
    let (part, id) = (world.part("busy"), world.id(1));
    postgres::create(&part, &id, None).unwrap();
    let _user = Talk::with(&part.name, "SET application_name = 'the \"app\" \\ ü'; SELECT 'here';");
    let Gone::Busy(sessions) = postgres::release(&part, &id, false).unwrap() else {
        panic!("dropped under a live session");
    };
    let [session] = sessions.as_slice() else {
        panic!("{sessions:?}");
    };
    assert!(session.client.parse::<std::net::IpAddr>().is_ok(), "{session:?}");
    assert_eq!(session.state, "idle");
    assert!(session.application.starts_with("the \"app\" \\"), "{session:?}");
    assert!(session.pid > Some(0));
    assert_eq!(postgres::release(&part, &id, true).unwrap(), Gone::Dropped);
}

#[test]
fn taking_over_waits_for_a_session_that_still_creates() {
    let world = World::new();
    let (part, id) = (world.part("late"), world.id(1));
    let lock = format!("SELECT pg_advisory_lock(hashtextextended('{}', 0))::text;", mark(&id));
    let mut killed = Talk::with("postgres", &format!("{lock} SELECT 'here';"));
    std::thread::scope(|scope| {
        let taking_over = scope.spawn(|| postgres::release(&part, &id, false));
        let waiting =
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'git-agentenv'
            AND wait_event = 'advisory' AND query LIKE '%advisory%'";
        wait_until("the successor waits", || servers().psql(waiting) != "0");
        let (birth, name) = (format!("agentenv_{id}"), &part.name);
        killed.say(&format!("CREATE DATABASE {birth};"));
        killed.say(&format!("COMMENT ON DATABASE {birth} IS '{}';", mark(&id)));
        killed.say(&format!("ALTER DATABASE {birth} RENAME TO {name};"));
        drop(killed);
        assert_eq!(taking_over.join().unwrap().unwrap(), Gone::Dropped);
    });
    assert_eq!(world.databases(), Vec::<String>::new());
}

#[test]
fn what_was_born_and_never_named_is_found_used_up_and_dropped() {
    let world = World::new();
    let (part, id) = (world.part("born"), world.id(1));
    let birth = format!("{}_0a1b", with_hash(&format!("agentenv_{id}"), &part.name, '_', 63));
    servers().psql(&format!("CREATE DATABASE {birth}"));
    let found = postgres::inventory(&part.server).unwrap();
    let born = found.iter().find(|database| database.name == birth).unwrap();
    assert_eq!((born.id(), born.mark.as_deref()), (Some(&*id), None));

    // What a killed run left at work.
    let filling = Talk::with(&birth, "SELECT 'here';");
    postgres::create(&part, &id, None).unwrap();
    drop(filling);
    assert!(!servers().databases().contains(&birth));
    let found = postgres::inventory(&part.server).unwrap();
    let ours = found.iter().find(|database| database.name == part.name).unwrap();
    assert_eq!(ours.id(), Some(&*id));

    let of_copy = format!("agentenv_{id}_0a1b2c_3d4e");
    for left in [&birth, &of_copy] {
        servers().psql(&format!("CREATE DATABASE {left}"));
    }
    let filling = Talk::with(&of_copy, "SELECT 'here';");
    assert_eq!(postgres::release(&part, &id, false).unwrap(), Gone::Dropped);
    drop(filling);
    assert!(!servers().databases().iter().any(|name| name.contains(&*id)));

    servers().psql(&format!("CREATE DATABASE {of_copy}"));
    let alone = Database::new(&part.server, of_copy);
    postgres::release(&alone, &id, false).unwrap();
    assert!(!servers().databases().contains(&alone.name));
}

#[test]
fn two_databases_of_one_lease_are_copied_at_the_same_time() {
    let world = World::new();
    let id = world.id(1);
    let part = |word: &str, number: usize| world.part(&format!("{word}{number}"));
    for number in 0..4 {
        let source = part("source", number);
        postgres::create(&source, &world.id(10 + number), None).unwrap();
        servers().psql_on(&source.name, &format!("CREATE TABLE t AS SELECT {number} AS n"));
    }
    std::thread::scope(|scope| {
        for number in 0..4 {
            let (copy, from) = (part("copy", number), part("source", number).name);
            let id = &id;
            scope.spawn(move || {
                postgres::create(&copy, id, Some(&Source::Database(from))).unwrap();
            });
        }
    });
    for number in 0..4 {
        let copied = servers().psql_on(&part("copy", number).name, "SELECT n FROM t");
        assert_eq!(copied, number.to_string());
    }
}

#[test]
fn a_marked_database_that_another_process_renames_meanwhile_is_kept() {
    let world = World::new();
    let (spare, taken) = (world.part("spare"), world.part("taken"));
    let (old, new) = (&spare.name, &taken.name);
    servers().psql(&format!("CREATE DATABASE {old}"));
    servers().psql(&format!("COMMENT ON DATABASE {old} IS 'a spare'"));
    let rename = format!("BEGIN; ALTER DATABASE {old} RENAME TO {new}; SELECT 'here';");
    let mut claim = Talk::with("postgres", &rename);
    std::thread::scope(|scope| {
        let dropping = scope.spawn(|| template::drop_marked(&spare.server, old, "a spare"));
        let waiting = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE query = 'DROP DATABASE \"{old}\";'
            AND wait_event_type = 'Lock'"
        );
        wait_until("the drop waits", || servers().psql(&waiting) != "0");
        claim.say("COMMIT;");
        drop(claim);
        assert!(!dropping.join().unwrap().unwrap());
    });
    assert_eq!(world.databases(), [taken.name]);
}

#[test]
fn names_are_data() {
    let world = World::new();
    let names = [
        r#"a"; DROP DATABASE postgres; --"#,
        "a'b",
        r"a\'b\c",
        ":name :'mark' $$x$$ %I",
        "dbname=template1 host=elsewhere",
        "-rf",
        "Größe 'n' ☃",
        "a\nb",
    ];
    for (number, odd) in names.iter().enumerate() {
        let part = world.part(odd);
        let id = world.id(number);
        postgres::create(&part, &id, None).unwrap();
        assert_eq!(postgres::state(&part, &id).unwrap(), State::Ours, "{odd}");
        assert!(
            servers().psql("SELECT json_agg(datname) FROM pg_database").contains(&world.sandbox.id)
        );
        let other = postgres::release(&part, &world.id(99), false).unwrap();
        assert!(matches!(other, Gone::NotOurs(_)), "{odd}");
        assert_eq!(postgres::release(&part, &id, false).unwrap(), Gone::Dropped, "{odd}");
    }
    let mut part = world.part("");
    part.name = "-rf".to_owned();
    postgres::create(&part, &world.id(50), None).unwrap();
    assert_eq!(postgres::release(&part, &world.id(50), false).unwrap(), Gone::Dropped);
}

#[test]
fn a_name_that_the_server_would_cut_is_never_sent() {
    let world = World::new();
    let longest = format!("{:x<63}", world.sandbox.id);
    let id = world.id(1);
    let part = |name: &str| Database { name: name.to_owned(), ..world.part("") };
    postgres::create(&part(&longest), &id, None).unwrap();
    let longer = part(&format!("{longest}y"));
    assert_eq!(exit_of(&postgres::create(&longer, &id, None).unwrap_err()), Exit::Config);
    assert_eq!(exit_of(&postgres::release(&longer, &id, true).unwrap_err()), Exit::Config);
    assert_eq!(world.databases(), [longest]);
}

#[test]
fn many_at_once_all_come_about() {
    let world = World::new();
    let parts: Vec<Database> = (0..6).map(|n| world.part(&n.to_string())).collect();
    std::thread::scope(|scope| {
        for (number, part) in parts.iter().enumerate() {
            let id = world.id(number);
            // Twice the same: as when `add` is called again while the first is still at work.
            scope.spawn({
                let id = id.clone();
                move || postgres::create(part, &id, None).unwrap()
            });
            scope.spawn(move || postgres::create(part, &id, None).unwrap());
        }
    });
    assert_eq!(world.databases().len(), parts.len());
}

#[test]
fn a_user_who_may_not_create_is_told_so() {
    let world = World::new();
    let user = format!("{}_poor", world.sandbox.id);
    servers().psql(&format!("CREATE ROLE {user} LOGIN"));
    let part = on(world.part("poor"), |server| server.user.clone_from(&user));
    let error = postgres::create(&part, &world.id(1), None).unwrap_err();
    servers().psql(&format!("DROP ROLE {user}"));
    assert_eq!(exit_of(&error), Exit::Service);
    assert!(hint_of(&error).unwrap().contains("CREATEDB"), "{error}");

    let part = on(part, |server| server.user = "no one'\"".to_owned());
    let error = postgres::create(&part, &world.id(1), None).unwrap_err();
    assert_eq!(exit_of(&error), Exit::Service);
    assert!(error.to_string().contains("does not answer"), "{error}");
}

fn on(mut database: Database, change: impl FnOnce(&mut Server)) -> Database {
    change(&mut database.server);
    database
}

impl World {
    fn part(&self, word: &str) -> Database {
        Database::new(&super::postgres_server(), format!("{}_{word}", self.sandbox.id))
    }

    fn comment(&self, name: &str) -> String {
        servers().psql(&format!(
            "SELECT split_part(shobj_description(oid, 'pg_database'), E'\\n', 1) FROM pg_database
             WHERE datname = '{name}' AND shobj_description(oid, 'pg_database') LIKE '%' || E'\\n' || encode(datname::text::bytea, 'hex')"
        ))
    }
}
