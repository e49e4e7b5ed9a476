//! MySQL and MariaDB on a real server (MariaDB 10.11): databases with our mark, and no others.

use crate::common::mariadb::{self, MariaDb};
use crate::common::{Repo, Sandbox, wait_until};
use crate::promises::crash_data::MYSQL;
use git_agentenv::model::config::{Kind, Place};
use git_agentenv::service::{Server, contents};
use std::fs;

pub(super) fn sql(server: &MariaDb, statement: &str) -> Result<String, String> {
    server.sql(statement)
}

pub(super) fn databases(server: &MariaDb) -> Vec<String> {
    server.databases()
}

/// The database that announces `shop_x`.
fn announced(id: &str) -> String {
    git_agentenv::model::name::with_hash(&format!("agentenv_{id}"), "shop_x", '_', 64)
}

/// A project that reaches the server through its container.
pub(super) fn project<'a>(sandbox: &'a Sandbox, server: &MariaDb) -> Repo<'a> {
    project_at(sandbox, &format!("container: {}", server.name))
}

/// A project that reaches the server with this host's programs. What the server does is the same, and a command takes half
/// as long: for tests of what it does at many points.
pub(super) fn project_on_host<'a>(sandbox: &'a Sandbox, server: &MariaDb) -> Repo<'a> {
    project_at(sandbox, &on_host(server))
}

fn on_host(server: &MariaDb) -> String {
    format!("host: true, port: {}, password_env: {}", server.port, mariadb::PASSWORD[0])
}

fn project_at<'a>(sandbox: &'a Sandbox, place: &str) -> Repo<'a> {
    let repo = sandbox.repo("app");
    let service = format!(
        "services:\n  db: {{ kind: mysql, variable: DB_NAME, name: \"shop_{{name}}\", main: shop, {place} }}\n"
    );
    repo.config(&(sandbox.config_of_own_ports() + &service));
    repo
}

#[test]
fn an_environment_has_a_database_of_its_own_and_takes_it_along() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = project(&sandbox, &server);
    sql(&server, "CREATE DATABASE shop; CREATE DATABASE shop_taken").unwrap();

    let added = repo.agentenv(&["add", "x", "--json"]).ok().json();
    assert_eq!(added["variables"]["DB_NAME"], "shop_x");
    assert_eq!(databases(&server), ["shop", "shop_taken", "shop_x"]);
    sql(&server, "CREATE TABLE shop_x.t (a INT); INSERT INTO shop_x.t VALUES (1)").unwrap();
    let taken = repo.agentenv(&["add", "taken"]).fails(7);
    assert!(
        taken.stderr.contains("database `shop_taken` exists and is not ours"),
        "{}",
        taken.show()
    );
    repo.agentenv(&["adopt", "../app-x"]).ok();
    assert_eq!(sql(&server, "SELECT a FROM shop_x.t").unwrap(), "1", "repairing keeps the rows");

    repo.agentenv(&["db", "reset", "x", "--force"]).ok();
    assert!(sql(&server, "SELECT a FROM shop_x.t").is_err());
    repo.agentenv(&["remove", "x"]).ok();
    assert_eq!(databases(&server), ["shop", "shop_taken"]);
}

#[test]
fn every_database_of_others_is_listed_or_the_user_who_cannot_see_them_is_named() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = project(&sandbox, &server);
    repo.agentenv(&["add", "x"]).ok();
    // The client in the container has the administrator's password.
    let password = mariadb::PASSWORD[1].replace('\'', "''");
    let user = format!("CREATE USER one IDENTIFIED BY '{password}'");
    sql(&server, &format!("CREATE DATABASE shop; {user}; GRANT ALL ON shop.* TO one")).unwrap();
    let of = |user: &str, store: &str| {
        let place = Place::Container(server.name.clone());
        let (user, password_env) = (user.to_owned(), None);
        let port = server.port;
        contents::of_others(&Server { kind: Kind::Mysql, place, user, port, password_env }, store)
    };
    let id = sandbox.store_id().unwrap();
    for store in [&*id, "01234567"] {
        assert_eq!(of("root", store).unwrap(), ["database `shop`", "database `shop_x`"]);
    }
    let why = of("one", &id).unwrap_err().to_string();
    assert_eq!(why, "user `one` may not see all databases");
}

#[test]
fn a_database_in_use_or_without_our_mark_stays() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = project_on_host(&sandbox, &server);
    repo.agentenv(&["add", "x"]).ok();
    let client =
        r#"MYSQL_PWD=$MARIADB_ROOT_PASSWORD exec mariadb -uroot -e "SELECT SLEEP(600)" shop_x"#;
    let mut session = server.start(&["sh", "-c", client]);
    let used = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = 'shop_x'";
    wait_until("the session is there", || sql(&server, used).unwrap() == "1");
    let refused = repo.agentenv(&["remove", "x"]).fails(7);
    assert!(refused.stderr.contains("root"), "the session is named: {}", refused.show());
    assert_eq!(databases(&server), ["shop_x"]);
    repo.agentenv(&["remove", "x", "--force"]).ok();
    assert!(databases(&server).is_empty());
    wait_until("the session is ended", || !session.runs());

    repo.agentenv(&["add", "x"]).ok();
    sql(
        &server,
        "DROP DATABASE shop_x; CREATE DATABASE shop_x; CREATE TABLE shop_x.theirs (a INT)",
    )
    .unwrap();
    repo.agentenv(&["remove", "x"]).ok();
    assert_eq!(databases(&server), ["shop_x"], "another one under the same name is not ours");
}

#[test]
fn nothing_is_left_by_a_kill_or_by_a_lost_lease() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = project_on_host(&sandbox, &server);
    for point in ["before-database", "database-made"] {
        repo.killed(&["add", "x"], point);
        repo.agentenv(&["prune"]).ok();
        assert!(databases(&server).is_empty(), "killed at {point}");
    }
    repo.agentenv(&["add", "x"]).ok();
    let id = sandbox.lease_id();
    // As a server that dies between the two statements leaves it: announced, and without its mark.
    sql(&server, &format!("DROP VIEW shop_x.agentenv_{id}; CREATE DATABASE {}", announced(&id)))
        .unwrap();
    repo.agentenv(&["adopt", "../app-x"]).ok();
    assert_eq!(databases(&server), ["shop_x"]);

    fs::remove_dir_all(sandbox.root.join("app-x")).unwrap();
    repo.git(&["worktree", "prune"]);
    sandbox.lose_leases();
    repo.agentenv(&["prune"]).ok();
    assert!(databases(&server).is_empty(), "a marked database without lease and worktree goes");

    sql(&server, &format!("CREATE DATABASE {}", announced(&id))).unwrap();
    repo.agentenv(&["prune"]).ok();
    assert!(databases(&server).is_empty(), "so does an announcement");
}

/// A source with one of everything that a copy can lose.
pub(super) const SOURCE: &str = r#"CREATE DATABASE shop CHARACTER SET latin1 COLLATE latin1_german1_ci COMMENT 'it''s the \\ "shop"'; USE shop;
CREATE TABLE item (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(40) CHARACTER SET utf8mb4, raw BLOB, half INT AS (CHAR_LENGTH(name)) STORED);
CREATE TABLE part (item INT, FOREIGN KEY (item) REFERENCES item (id) ON DELETE CASCADE);
INSERT INTO item (name, raw) VALUES ('Käse ☃ ''`"', x'00ff275c0a'), ('two\nlines', NULL);
INSERT INTO part VALUES (1);
CREATE SEQUENCE counter START WITH 7;
CREATE TRIGGER upper_case BEFORE INSERT ON item FOR EACH ROW SET NEW.name = UPPER(NEW.name);
CREATE FUNCTION twice(x INT) RETURNS INT DETERMINISTIC RETURN 2 * x;
CREATE PROCEDURE clean() MODIFIES SQL DATA DELETE FROM part;
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO CALL clean();
CREATE USER keeper; CREATE DEFINER = keeper SQL SECURITY DEFINER VIEW named AS SELECT name FROM item"#;

/// What the catalogues hold of a database, and its rows.
pub(super) fn all_of(server: &MariaDb, database: &str) -> String {
    let d = format!("'{database}'");
    let sql = format!(
        "SELECT default_character_set_name, default_collation_name, schema_comment FROM information_schema.schemata WHERE schema_name = {d};
SELECT table_name, table_type, engine, table_collation FROM information_schema.tables WHERE table_schema = {d} AND table_name NOT LIKE 'agentenv%' ORDER BY 1;
SELECT table_name, column_name, column_type, character_set_name, generation_expression FROM information_schema.columns WHERE table_schema = {d} AND table_name NOT LIKE 'agentenv%' ORDER BY 1, 2;
SELECT routine_name, routine_type, routine_definition, definer FROM information_schema.routines WHERE routine_schema = {d} ORDER BY 1;
SELECT trigger_name, action_statement, definer FROM information_schema.triggers WHERE trigger_schema = {d};
SELECT event_name, event_definition, status FROM information_schema.events WHERE event_schema = {d};
SELECT definer, security_type FROM information_schema.views WHERE table_schema = {d} AND table_name = 'named';
SELECT constraint_name, delete_rule FROM information_schema.referential_constraints WHERE constraint_schema = {d};
USE {database}; SELECT id, HEX(name), HEX(raw), half FROM item ORDER BY id; SELECT * FROM part; SELECT next_not_cached_value FROM counter"
    );
    self::sql(server, &sql).unwrap()
}

#[test]
fn a_new_database_is_a_faithful_copy_of_main_another_environments_or_a_dump() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = project(&sandbox, &server);
    let config = fs::read_to_string(repo.path.join(".agentenv.yaml")).unwrap();
    let from = |source: &str| {
        repo.config(&config.replace("kind: mysql,", &format!("kind: mysql, from: {source},")));
    };
    sql(&server, SOURCE).unwrap();
    let expected = all_of(&server, "shop");
    assert!(expected.contains("latin1_german1_ci") && expected.contains("keeper"), "{expected}");

    from("main");
    repo.agentenv(&["add", "x"]).ok();
    assert_eq!(all_of(&server, "shop_x"), expected);
    from("empty");
    repo.agentenv(&["add", "y", "--data", "x"]).ok();
    assert_eq!(all_of(&server, "shop_y"), expected);
    let marks = "SELECT COUNT(*) FROM information_schema.views WHERE table_schema = 'shop_y' AND table_name LIKE 'agentenv%'";
    assert_eq!(sql(&server, marks).unwrap(), "1", "the mark of the source stays there");

    // Of a view whose definer may not read its tables MariaDB's own dump is not whole.
    sql(&server, "GRANT SELECT ON shop.* TO keeper").unwrap();
    let dump = "MYSQL_PWD=$MARIADB_ROOT_PASSWORD exec mariadb-dump -uroot --routines --events --hex-blob shop";
    let text = server.exec(&["sh", "-c", dump]).unwrap();
    fs::write(repo.path.join("seed.sql"), &text).unwrap();
    from("{ dump: seed.sql }");
    repo.agentenv(&["add", "z"]).ok();
    // A dump does not say how its database was created.
    let without_default = |all: &str| {
        let lines = all.lines().skip(1).filter(|line| !line.starts_with("counter\tSEQUENCE"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(without_default(&all_of(&server, "shop_z")), without_default(&expected));

    let before = databases(&server);
    for (dump, why) in [
        (format!("USE shop;\n{text}"), "names a database"),
        (format!("  SELECT 1; use `shop`;\n{text}"), "names a database"),
        (
            format!("{text}\n\\! touch /tmp/touched\n"),
            "seed.sql: the client refused: Unknown command",
        ),
        (
            format!("{text}\nsystem touch /tmp/touched\n"),
            "seed.sql: the server refused: You have an error",
        ),
        (format!("{text}\nLOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE item;\n"), "seed.sql: "),
        (format!("{text}\nINSERT INTO nothing VALUES (1);\n"), "nothing"),
        (text[..text.len() / 2].to_owned() + "'", "error"),
    ] {
        fs::write(repo.path.join("seed.sql"), dump).unwrap();
        let said = repo.agentenv(&["add", "w"]);
        assert!(said.code != 0 && said.stderr.contains(why), "{why}: {}", said.show());
        assert_eq!(databases(&server), before);
    }
    from("main");
    sql(&server, "USE shop; CREATE PROCEDURE leads() SELECT * FROM shop . item").unwrap();
    let said = repo.agentenv(&["add", "w"]).fails(7);
    assert!(said.stderr.contains("routine `leads` names its database"), "{}", said.show());
    sql(
        &server,
        "USE shop; DROP PROCEDURE leads; CREATE TABLE shop (id INT, item_id INT);
        CREATE PROCEDURE leads() SELECT shop.id, shop.`item_id` FROM shop",
    )
    .unwrap();
    repo.agentenv(&["add", "alike"]).ok();
    sql(&server, "USE shop; CREATE PROCEDURE leads_away() SELECT * FROM shop . `item` WHERE TRUE")
        .unwrap();
    let said = repo.agentenv(&["add", "w"]).fails(7);
    assert!(
        said.stderr.contains("copy database `shop`: routine `leads_away` names"),
        "{}",
        said.show()
    );
    repo.agentenv(&["remove", "alike", "--yes"]).ok();
    from("absent");
    repo.agentenv(&["add", "w"]).fails(4);
    assert_eq!(databases(&server), before);
}

#[test]
fn a_copy_that_was_cut_short_is_rolled_back_or_made_again() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = project_on_host(&sandbox, &server);
    let config = fs::read_to_string(repo.path.join(".agentenv.yaml")).unwrap();
    repo.config(&config.replace("kind: mysql,", "kind: mysql, from: main,"));
    sql(&server, "CREATE DATABASE shop; CREATE TABLE shop.t AS SELECT 1 AS a").unwrap();
    for point in MYSQL {
        repo.killed(&["add", "x"], point);
        repo.agentenv(&["prune"]).ok();
        assert_eq!(databases(&server), ["shop"], "killed at {point}");

        repo.agentenv(&["add", "x"]).ok();
        sql(&server, "DROP DATABASE shop_x").unwrap();
        repo.killed(&["adopt", "../app-x"], point);
        let said = repo.agentenv(&["doctor"]).fails(1);
        assert!(said.stdout.contains("shop_x is missing"), "{}", said.show());
        repo.agentenv(&["adopt", "../app-x"]).ok();
        assert_eq!(databases(&server), ["shop", "shop_x"]);
        assert_eq!(sql(&server, "SELECT a FROM shop_x.t").unwrap(), "1");
        repo.agentenv(&["remove", "x", "--force", "--yes"]).ok();
    }
}

#[test]
fn a_copy_that_was_cut_short_is_no_word_about_the_other_database() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = project_on_host(&sandbox, &server);
    let config = fs::read_to_string(repo.path.join(".agentenv.yaml")).unwrap();
    let other = format!(
        "  other: {{ kind: mysql, variable: OTHER, name: \"other_{{name}}\", main: shop, {} }}\n",
        on_host(&server)
    );
    let config = config.replace("kind: mysql,", "kind: mysql, from: main,");
    repo.config(&config.replace("services:\n", &format!("services:\n{other}")));
    sql(&server, "CREATE DATABASE shop; CREATE TABLE shop.t AS SELECT 1 AS a").unwrap();
    repo.agentenv(&["add", "x"]).ok();
    sql(&server, "CREATE TABLE other_x.mine AS SELECT 2 AS a; DROP DATABASE shop_x").unwrap();
    repo.killed(&["adopt", "../app-x"], "mysql-begun");
    repo.agentenv(&["adopt", "../app-x"]).ok();
    assert_eq!(sql(&server, "SELECT a FROM other_x.mine").unwrap(), "2");
    assert_eq!(sql(&server, "SELECT a FROM shop_x.t").unwrap(), "1");
    assert_eq!(databases(&server), ["other_x", "shop", "shop_x"]);
}
