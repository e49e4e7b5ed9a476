//! Marks that a copy made by hand takes along: it is nobody's.

use super::mysql::{databases, project_on_host, sql};
use crate::common::mariadb::MariaDb;
use crate::common::{Repo, Sandbox, servers};
use git_agentenv::model::template_key::{Key, TemplateMark};
use git_agentenv::service::template;
use std::fs;

/// Copies a database as a user does.
fn by_hand(server: &MariaDb, from: &str, to: &str) {
    let copy = r#"export MYSQL_PWD=$MARIADB_ROOT_PASSWORD
mariadb -uroot -e "CREATE DATABASE $2" && mariadb-dump -uroot --routines "$1" | mariadb -uroot "$2""#;
    server.exec(&["sh", "-c", copy, "sh", from, to]).unwrap();
}

/// Marks a database as an earlier version did: the view does not name it.
fn as_before(server: &MariaDb, database: &str) {
    let view = format!(
        "SELECT CONCAT('CREATE OR REPLACE VIEW {database}.', table_name, ' AS ',
           REGEXP_REPLACE(view_definition, ',0x[0-9A-Fa-f]+ AS .made_for.', ''))
         FROM information_schema.views WHERE table_schema = '{database}' AND table_name LIKE 'agentenv%'"
    );
    sql(server, &sql(server, &view).unwrap()).unwrap();
    assert_eq!(named(server, database), "0");
}

/// How many marks name their database.
fn named(server: &MariaDb, database: &str) -> String {
    let count = "SELECT COUNT(*) FROM information_schema.views WHERE view_definition LIKE '%made_for%' AND table_schema";
    sql(server, &format!("{count} = '{database}'")).unwrap()
}

fn of_kind(repo: &Repo<'_>, key: &str) -> Vec<String> {
    let status = repo.agentenv(&["db", "status", "x", "--json"]).ok().json();
    let found = status["databases"][0][key].as_array().unwrap().iter();
    found.map(|one| one["database"].as_str().unwrap().to_owned()).collect()
}

/// Loses the worktree of `x` and its lease, as a restored home directory does.
fn lose(repo: &Repo<'_>) {
    fs::remove_dir_all(repo.sandbox.root.join("app-x")).unwrap();
    repo.git(&["worktree", "prune"]);
    fs::remove_file(repo.sandbox.lease()).unwrap();
}

/// Nothing that looks for what is left finds or drops anything.
fn all_stay(repo: &Repo<'_>, server: &MariaDb, expected: &[&str]) {
    for command in [&["prune"][..], &["doctor", "--fix"], &["prune", "--dry-run"]] {
        let said = repo.agentenv(command);
        assert!(!said.show().contains("mine"), "{}", said.show());
        assert_eq!(databases(server), expected, "{command:?}: {}", said.show());
    }
}

#[test]
fn a_mysql_database_that_was_copied_by_hand_stays() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = project_on_host(&sandbox, &server);
    let config = fs::read_to_string(repo.path.join(".agentenv.yaml")).unwrap();
    let also = config.replace("kind: mysql,", "kind: mysql, also: ['test_{DB_NAME}'],");
    repo.config(&also);
    for marked_before in [false, true] {
        repo.agentenv(&["add", "x"]).ok();
        sql(&server, "CREATE TABLE shop_x.t AS SELECT 1 AS a").unwrap();
        repo.agentenv(&["db", "snapshot", "save", "one", "x"]).ok();
        if marked_before {
            as_before(&server, "shop_x");
            as_before(&server, "shop_x__one");
        }
        by_hand(&server, "shop_x", "mine");
        by_hand(&server, "shop_x__one", "mine_one");
        by_hand(&server, "shop_x", "test_shop_x");
        let all = ["mine", "mine_one", "shop_x", "shop_x__one", "test_shop_x"];
        assert_eq!(of_kind(&repo, "snapshots"), ["shop_x__one"]);
        assert!(of_kind(&repo, "also").is_empty());
        all_stay(&repo, &server, &all);
        repo.agentenv(&["remove", "x", "--yes"]).ok();
        all_stay(&repo, &server, &["mine", "mine_one", "test_shop_x"]);

        // It is a source like any other.
        repo.config(&also.replace("kind: mysql,", "kind: mysql, from: mine,"));
        repo.agentenv(&["add", "x"]).ok();
        assert_eq!(sql(&server, "SELECT a FROM shop_x.t").unwrap(), "1");
        repo.agentenv(&["db", "snapshot", "save", "one", "x"]).ok();
        repo.config(&also);
        if marked_before {
            as_before(&server, "shop_x");
            as_before(&server, "shop_x__one");
            repo.agentenv(&["adopt", "../app-x"]).ok();
            assert_eq!(named(&server, "shop_x"), "1", "what is repaired is named");
            as_before(&server, "shop_x");
        }
        lose(&repo);
        repo.agentenv(&["prune"]).ok();
        let left = databases(&server);
        // Without a lease only a mark that names it says that it is ours; a snapshot has its name from its mark.
        assert_eq!(left.contains(&"shop_x".to_owned()), marked_before, "{left:?}");
        assert!(!left.contains(&"shop_x__one".to_owned()), "{left:?}");
        sql(&server, "DROP DATABASE IF EXISTS shop_x").unwrap();
        all_stay(&repo, &server, &["mine", "mine_one", "test_shop_x"]);
        sql(&server, "DROP DATABASE mine; DROP DATABASE mine_one; DROP DATABASE test_shop_x")
            .unwrap();
        repo.git(&["branch", "-D", "x"]);
    }

    repo.agentenv(&["add", "x"]).ok();
    repo.agentenv(&["remove", "x", "--keep"]).ok();
    let trash = databases(&server).remove(0);
    by_hand(&server, &trash, "mine");
    repo.agentenv(&["restore", "x"]).ok();
    assert_eq!(databases(&server), ["mine", "shop_x"]);
    repo.agentenv(&["remove", "x", "--keep"]).ok();
    repo.agentenv(&["prune", "--trash"]).ok();
    all_stay(&repo, &server, &["mine"]);
}

#[test]
fn a_server_that_folds_names_knows_its_marks() {
    let sandbox = Sandbox::new();
    let server = MariaDb::started_by(&["mariadbd", "--lower-case-table-names=1"]);
    let repo = project_on_host(&sandbox, &server);
    let config = fs::read_to_string(repo.path.join(".agentenv.yaml")).unwrap();
    repo.config(&config.replace("shop_{name}", "Shop_{name}"));
    repo.agentenv(&["add", "x"]).ok();
    repo.agentenv(&["db", "snapshot", "save", "one", "x"]).ok();
    assert_eq!(of_kind(&repo, "snapshots"), ["shop_x__one"]);
    by_hand(&server, "shop_x", "mine");
    all_stay(&repo, &server, &["mine", "shop_x", "shop_x__one"]);
    lose(&repo);
    repo.agentenv(&["prune"]).ok();
    all_stay(&repo, &server, &["mine"]);
}

#[test]
fn a_postgres_database_that_was_copied_by_hand_stays() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config());
    let db = |name: &str| format!("{}_{name}", sandbox.id);
    let left = || sandbox.databases();
    repo.agentenv(&["add", "x"]).ok();
    repo.agentenv(&["db", "snapshot", "save", "one", "x"]).ok();
    // As a user does who wants it under another name: that of the comment's text would change with it.
    let copy = r#"pg_dump -Upostgres --create "$1" | sed "s/$1/$2/g" | psql -Upostgres -q -v ON_ERROR_STOP=1"#;
    for (from, to) in [("x", "mine"), ("x__one", "mine_one")] {
        servers().beside_postgres(&["sh", "-c", copy, "sh", &db(from), &db(to)]);
    }
    assert_eq!(of_kind(&repo, "snapshots"), [db("x__one")]);
    repo.agentenv(&["prune"]).ok();
    repo.agentenv(&["doctor"]).ok();
    assert_eq!(left(), ["mine", "mine_one", "x", "x__one"].map(db));
    // Renamed by hand and back, it is ours: the comment names it.
    let rename = |from: &str, to: &str| {
        servers().psql(&format!("ALTER DATABASE {} RENAME TO {}", db(from), db(to)));
    };
    rename("x", "away");
    let said = repo.agentenv(&["remove", "x", "--yes"]).fails(7);
    assert!(said.stderr.contains("RENAME TO"), "{}", said.show());
    rename("away", "x");

    repo.agentenv(&["remove", "x", "--yes"]).ok();
    assert_eq!(left(), ["mine", "mine_one"].map(db));
    repo.agentenv(&["add", "x"]).ok();
    lose(&repo);
    let said = repo.agentenv(&["prune"]).ok();
    assert!(!said.stderr.contains("mine"), "{}", said.show());
    assert_eq!(left(), ["mine", "mine_one"].map(db), "only what its mark names goes");
}

#[test]
fn a_mark_may_be_longer_than_an_argument_of_a_program() {
    let world = super::World::new();
    let (server, id) = (super::postgres_server(), world.id(1));
    let files: Vec<String> = (0..13_000).map(|number| format!("m/{number}.py")).collect();
    let key = Key::of(&["m/*.py".to_owned()], files.iter().map(|file| (&**file, "it's \\")));
    let mark = TemplateMark {
        repository: "/it's \\ one".into(),
        service: "postgres".to_owned(),
        from: None,
        recipe: String::new(),
        at: 1,
        key,
    };
    let store = &id[..8];
    let stocked = template::stocked(&server, store).unwrap();
    let made = template::make(&server, &stocked, &id, (None, mark.clone()), |_| Ok(())).unwrap();
    assert_eq!(template::list(&server, store).unwrap()[0].mark, mark);
    assert!(template::drop(&server, store, &made).unwrap());
}

/// Each has a state directory of its own: a mark says that a database or index is taken, a listener that a port is.
#[test]
fn users_who_share_only_the_servers_get_nothing_that_is_marked_or_listened_on() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config());
    let held = repo.agentenv(&["add", "x", "--json"]).ok().json();
    let theirs = repo.clone_as("theirs");
    let other = |args: &[&str]| {
        let mut command = theirs.command(args);
        sandbox.outcome(command.env("AGENTENV_STATE_DIR", sandbox.root.join("their-state")))
    };
    let value =
        |of: &serde_json::Value, name: &str| of["variables"][name].as_str().unwrap().to_owned();
    let refused = other(&["add", "x"]).fails(7);
    assert!(refused.stderr.contains(&value(&held, "POSTGRES_DB")), "{}", refused.show());
    let made = other(&["add", "y", "--json"]).ok().json();
    assert_ne!(value(&made, "REDIS_DB"), value(&held, "REDIS_DB"));
    // No mark names a port, and nothing listens there.
    let port = held["ports"].as_object().unwrap().keys().next().unwrap().clone();
    assert_eq!(made["ports"][&port], held["ports"][&port]);
    other(&["remove", "y", "-D"]).ok();
    let number = u16::try_from(held["ports"][&port].as_u64().unwrap()).unwrap();
    let listener = std::net::TcpListener::bind(("127.0.0.1", number)).unwrap();
    let made = other(&["add", "y", "--json"]).ok().json();
    assert_ne!(made["ports"][&port], held["ports"][&port]);
    drop(listener);
    other(&["prune"]).ok();
    other(&["remove", "y", "-D"]).ok();
    assert_eq!(sandbox.databases(), [value(&held, "POSTGRES_DB")]);
}
