//! Copies on MySQL and MariaDB: `db copy`, `reset` and snapshots, templates, test databases and the trash.

use super::mysql::{SOURCE, all_of, databases, project, project_on_host, sql};
use crate::common::mariadb::MariaDb;
use crate::common::{Outcome, Repo, Running, Sandbox, Started, pairs, wait_until};
use crate::promises::crash_data::{MYSQL, MYSQL_REPLACES, POINTS};
use std::fs;

/// A project whose environment `x` has one row, and that reaches the server through its container.
fn with_x<'a>(sandbox: &'a Sandbox, server: &MariaDb) -> Repo<'a> {
    filled(project(sandbox, server), server)
}

/// The same with this host's programs.
pub(super) fn with_x_on_host<'a>(sandbox: &'a Sandbox, server: &MariaDb) -> Repo<'a> {
    filled(project_on_host(sandbox, server), server)
}

fn filled<'a>(repo: Repo<'a>, server: &MariaDb) -> Repo<'a> {
    sql(server, "CREATE DATABASE shop; CREATE TABLE shop.t AS SELECT 'main' AS origin").unwrap();
    repo.agentenv(&["add", "x"]).ok();
    sql(server, "CREATE TABLE shop_x.t AS SELECT 'x' AS origin").unwrap();
    repo
}

pub(super) fn origin(server: &MariaDb, database: &str) -> String {
    sql(server, &format!("SELECT origin FROM {database}.t")).unwrap_or_else(|error| error)
}

pub(super) fn configure(repo: &Repo<'_>, keys: &str) {
    let config = fs::read_to_string(repo.path.join(".agentenv.yaml")).unwrap();
    repo.config(&config.replace("kind: mysql,", &format!("kind: mysql, {keys},")));
}

pub(super) fn struck(repo: &Repo<'_>, args: &[&str], fault: &str) -> Outcome {
    let struck = repo.struck(args, fault);
    assert_ne!(struck.code, 0, "{args:?} {fault}: {}", struck.show());
    struck
}

fn snapshots(repo: &Repo<'_>, env: &str) -> Vec<String> {
    let listed = repo.agentenv(&["db", "snapshot", "list", env, "--json"]).ok().json();
    let listed = listed["snapshots"].as_array().unwrap().iter();
    listed.map(|one| one["snapshot"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_database_is_reset_copied_saved_and_restored_and_nothing_is_lost() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = with_x_on_host(&sandbox, &server);
    let said = repo.agentenv(&["db", "copy", "x", "--json"]).ok().json();
    assert_eq!((&said["means"], &said["snapshot"]), (&"dump".into(), &"before-copy-1".into()));
    assert_eq!(origin(&server, "shop_x"), "main");
    repo.agentenv(&["db", "snapshot", "restore", "before-copy-1", "x"]).ok();
    assert_eq!(origin(&server, "shop_x"), "x");
    let said = repo.agentenv(&["db", "reset", "x"]).ok();
    assert!(said.stderr.contains("db snapshot restore before-reset-1 x"), "{}", said.show());
    assert!(sql(&server, "SELECT * FROM shop_x.t").is_err());
    repo.agentenv(&["db", "copy", "x", "--no-snapshot"]).ok();
    repo.agentenv(&["db", "snapshot", "save", "one", "x"]).ok();
    repo.agentenv(&["db", "snapshot", "save", "one", "x"]).fails(7);
    assert_eq!(
        snapshots(&repo, "x"),
        ["before-copy-1", "before-reset-1", "before-restore-1", "one"]
    );

    let status = repo.agentenv(&["db", "status", "x", "--json"]).ok().json();
    let status = &status["databases"][0];
    assert!(status["bytes"].as_u64().unwrap() > 0 && status["created"].is_u64(), "{status}");
    assert_eq!(status["snapshots"].as_array().unwrap().len(), 4);
    assert!(status["snapshots"][3]["bytes"].as_u64().unwrap() > 0, "{status}");
    let listed = repo.agentenv(&["list", "--full", "--json"]).ok().json();
    let x = listed["environments"].as_array().unwrap().iter().find(|one| one["name"] == "x");
    assert!(x.unwrap()["database_bytes"].as_u64().unwrap() > 0, "{listed}");

    repo.agentenv(&["add", "y", "--data", "x:before-copy-1"]).ok();
    assert_eq!(origin(&server, "shop_y"), "x");
    repo.agentenv(&["db", "copy", "y", "--no-snapshot"]).ok();
    assert_eq!(origin(&server, "shop_y"), "main");
    repo.agentenv(&["db", "copy", "y", "--from", "x:before-copy-1", "--no-snapshot"]).ok();
    assert_eq!(origin(&server, "shop_y"), "x");
    repo.agentenv(&["db", "snapshot", "delete", "one", "x"]).ok();
    repo.agentenv(&["db", "snapshot", "restore", "one", "x"]).fails(4);
    repo.agentenv(&["prune"]).ok();
    assert_eq!(snapshots(&repo, "x").len(), 3, "prune knows whose they are");
    let said = repo.agentenv(&["remove", "x", "--yes"]).ok();
    assert!(said.stderr.contains("database `shop_x` ("), "{}", said.show());
    assert_eq!(databases(&server), ["shop", "shop_y"]);
}

#[test]
fn a_copy_leaves_out_rows_and_refuses_what_it_cannot_do() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = with_x(&sandbox, &server);
    sql(&server, "CREATE TABLE shop.audit_log AS SELECT 1 AS a; CREATE VIEW shop.v AS SELECT * FROM shop.audit_log").unwrap();
    repo.agentenv(&["db", "copy", "x", "--exclude-table-data", "audit_*"]).ok();
    let count =
        |table: &str| sql(&server, &format!("SELECT COUNT(*) FROM shop_x.{table}")).unwrap();
    assert_eq!((count("t"), count("audit_log"), count("v")), ("1".into(), "0".into(), "0".into()));
    repo.agentenv(&["db", "copy", "x", "--schema-only"]).ok();
    assert_eq!(count("t"), "0");
    repo.agentenv(&["db", "copy", "x", "--jobs", "2"]).fails(2);

    // What cannot be copied is refused before anything is replaced, a session only by `--force` ended.
    sql(&server, "CREATE SEQUENCE shop.s; CREATE TABLE shop.leads (n INT DEFAULT NEXTVAL(shop.s))")
        .unwrap();
    let said = repo.agentenv(&["db", "copy", "x"]).fails(7);
    assert!(
        said.stderr.contains("the default of column `leads.n` names its database"),
        "{}",
        said.show()
    );
    let client =
        r#"MYSQL_PWD=$MARIADB_ROOT_PASSWORD exec mariadb -uroot -e "SELECT SLEEP(600)" shop_x"#;
    let mut session = server.start(&["sh", "-c", client]);
    let used = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = 'shop_x'";
    wait_until("the session is there", || sql(&server, used).unwrap() == "1");
    repo.agentenv(&["db", "reset", "x"]).fails(7);
    assert_eq!(count("t"), "0");
    repo.agentenv(&["db", "reset", "x", "--force"]).ok();
    wait_until("the session is ended", || !session.runs());
    assert!(sql(&server, "SELECT * FROM shop_x.t").is_err());
}

#[test]
fn a_view_that_cannot_be_read_is_named_before_anything_is_made() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = with_x_on_host(&sandbox, &server);
    configure(&repo, "from: main");
    sql(
        &server,
        "USE shop; CREATE TABLE gone (a INT); CREATE FUNCTION lost() RETURNS INT DETERMINISTIC RETURN 1;
         CREATE VIEW one AS SELECT a FROM gone; CREATE VIEW two AS SELECT lost() AS a; CREATE VIEW whole AS SELECT * FROM t;
         DROP TABLE gone; DROP FUNCTION lost",
    )
    .unwrap();
    let before = databases(&server);
    for args in [&["add", "y"][..], &["db", "copy", "x"]] {
        let said = repo.agentenv(args).fails(7);
        assert!(said.stderr.contains("what view `one`, `two` reads is missing"), "{}", said.show());
        assert!(said.stderr.contains("DROP VIEW `shop`.`one`, `shop`.`two`"), "{}", said.show());
        assert_eq!(databases(&server), before);
    }
    assert_eq!(origin(&server, "shop_x"), "x");
    sql(&server, "DROP VIEW `shop`.`one`, `shop`.`two`").unwrap();
    repo.agentenv(&["add", "y"]).ok();
    assert_eq!(sql(&server, "SELECT origin FROM shop_y.whole").unwrap(), "main");
}

#[test]
fn a_source_with_a_locked_table_ends_the_copy_in_time() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = with_x(&sandbox, &server);
    let client = r#"MYSQL_PWD=$MARIADB_ROOT_PASSWORD exec mariadb -uroot -e "LOCK TABLES t WRITE; SELECT SLEEP(600)" shop"#;
    let _holder = server.start(&["sh", "-c", client]);
    let used = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%SLEEP(600)%' AND command = 'Query' AND id <> CONNECTION_ID()";
    wait_until("the lock is held", || sql(&server, used).unwrap() == "1");
    let said = repo.agentenv(&["db", "copy", "x"]).fails(6);
    assert!(said.stderr.contains("a session has locked one of its tables"), "{}", said.show());
    assert_eq!(origin(&server, "shop_x"), "x", "it has its old content");
}

#[test]
fn a_replacement_that_was_cut_short_keeps_the_old_or_has_the_new_content() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = with_x_on_host(&sandbox, &server);
    let points = [&MYSQL[..], &MYSQL_REPLACES[..3]].concat();
    let ways: Vec<_> =
        points.iter().flat_map(|point| [(*point, "kill"), (*point, "error")]).collect();
    for ((point, how), keeps) in pairs(&ways) {
        let mut copy = vec!["db", "copy", "x"];
        copy.extend((!keeps).then_some("--no-snapshot"));
        struck(&repo, &copy, &format!("{point}:{how}"));
        let what = format!("{how} at {point}, {keeps}");
        if how == "error" && point != "mysql-complete" {
            assert_eq!(origin(&server, "shop_x"), "x", "{what}");
            assert!(!databases(&server).iter().any(|name| name.contains("old")), "{what}");
        }
        repo.agentenv(&["prune"]).ok();
        assert_ne!(origin(&server, "shop_x"), "", "{what}");
        repo.agentenv(&copy).ok();
        assert_eq!(origin(&server, "shop_x"), "main", "{what}");
        let left = databases(&server);
        assert!(!left.iter().any(|name| name.starts_with("agentenv")), "{what}: {left:?}");
        sql(&server, "UPDATE shop_x.t SET origin = 'x'").unwrap();
    }
    repo.agentenv(&["remove", "x", "--yes"]).ok();
    assert_eq!(databases(&server), ["shop"], "with every copy");
}

#[test]
fn an_interruption_puts_the_old_content_back_and_what_is_not_complete_is_no_source() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = with_x(&sandbox, &server);
    for point in ["mysql-replaced", "mysql-filled"] {
        let running = repo.hanging(&["db", "copy", "x", "--no-snapshot"], point);
        running.signal("TERM");
        running.outcome().fails(130);
        assert_eq!(origin(&server, "shop_x"), "x", "{point}");
        assert_eq!(databases(&server), ["shop", "shop_x"], "{point}");
    }
    struck(&repo, &["db", "copy", "x"], "mysql-replaced:kill");
    let said = repo.agentenv(&["db", "snapshot", "save", "half", "x"]).fails(4);
    assert!(said.stderr.contains("it is not complete"), "{}", said.show());
    let said = repo.agentenv(&["add", "y", "--data", "x"]).fails(4);
    assert!(said.stderr.contains("it is not complete"), "{}", said.show());
    let said = repo.agentenv(&["db", "status", "x"]).ok();
    let restore = "`git agentenv db snapshot restore before-copy-1 x` brings back its content";
    assert!(said.stdout.contains(restore), "{}", said.show());
    repo.agentenv(&["db", "snapshot", "restore", "before-copy-1", "x"]).ok();
    assert_eq!(origin(&server, "shop_x"), "x");
}

#[test]
fn the_copy_of_the_old_content_stays_until_the_database_has_all_of_it_or_of_the_new() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = with_x_on_host(&sandbox, &server);
    let copy = ["db", "copy", "x", "--no-snapshot"];
    let kept = || databases(&server).into_iter().find(|name| name.starts_with("agentenv_old_"));

    // The server completed it, and its client was interrupted.
    let running = repo.hanging(&copy, "mysql-replaced");
    let announces = |name: &String| name.starts_with("agentenv_") && !name.contains("_old_");
    let announced = databases(&server).into_iter().find(announces).unwrap();
    let complete = "CREATE TABLE shop_x.t AS SELECT 'main' AS origin; DROP DATABASE";
    sql(&server, &format!("{complete} {announced}")).unwrap();
    running.signal("TERM");
    let said = running.outcome().fails(130);
    assert!(said.stderr.contains("`shop_x` has all of the new content"), "{}", said.show());
    assert_eq!(origin(&server, "shop_x"), "main");
    assert_eq!(origin(&server, &kept().unwrap()), "x");

    // It could not be dropped, and lost nothing.
    sql(&server, "UPDATE shop_x.t SET origin = 'x'").unwrap();
    let client = r#"MYSQL_PWD=$MARIADB_ROOT_PASSWORD exec mariadb -uroot -e "BEGIN; SELECT * FROM shop_x.t; SELECT SLEEP(600)" mysql"#;
    let holder = server.start(&["sh", "-c", client]);
    let used = "SELECT id FROM information_schema.processlist WHERE info = 'SELECT SLEEP(600)'";
    wait_until("the table is held", || !sql(&server, used).unwrap().is_empty());
    let said = repo.agentenv(&copy).fails(6);
    assert!(said.stderr.contains("a transaction holds it"), "{}", said.show());
    assert_eq!((origin(&server, "shop_x"), kept()), ("x".to_owned(), None));
    sql(&server, &format!("KILL {}", sql(&server, used).unwrap())).unwrap();
    drop(holder);

    // It was dropped in part.
    sql(
        &server,
        "CREATE TABLE shop_x.p (id INT PRIMARY KEY); CREATE DATABASE other;
         CREATE TABLE other.c (id INT, FOREIGN KEY (id) REFERENCES shop_x.p (id))",
    )
    .unwrap();
    let said = repo.agentenv(&copy).fails(8);
    let kept = kept().unwrap();
    assert!(
        said.stderr.contains(&format!("the old content is in database `{kept}`")),
        "{}",
        said.show()
    );
    assert_eq!(origin(&server, &kept), "x");
}

/// Locks a table until [`unlock`] or the end.
fn lock(server: &MariaDb, table: &str) -> Started {
    let client = format!(
        r#"MYSQL_PWD=$MARIADB_ROOT_PASSWORD exec mariadb -uroot -e "LOCK TABLES {table} WRITE; SELECT SLEEP(600), '{table}'" mysql"#
    );
    let holder = server.start(&["sh", "-c", &client]);
    wait_until("the table is locked", || !holders(server, table).is_empty());
    holder
}

fn unlock(server: &MariaDb, table: &str) {
    sql(server, &format!("KILL {}", holders(server, table))).unwrap();
}

fn holders(server: &MariaDb, table: &str) -> String {
    let like = format!("info LIKE '%SLEEP(600)%{table}%' AND id <> CONNECTION_ID()");
    sql(server, &format!("SELECT id FROM information_schema.processlist WHERE {like}")).unwrap()
}

/// Starts `db copy x --from y`, and waits until it waits for a locked table.
fn copy_that_waits(repo: &Repo<'_>, server: &MariaDb) -> Running {
    let running = repo.start(&["db", "copy", "x", "--from", "y", "--no-snapshot"]);
    wait_until("the copy waits", || waiting(server, "TRUE"));
    running
}

fn waiting(server: &MariaDb, condition: &str) -> bool {
    let waits = format!("state LIKE 'Waiting for table%' AND {condition}");
    let count = format!("SELECT COUNT(*) FROM information_schema.processlist WHERE {waits}");
    sql(server, &count).unwrap() == "1"
}

/// The database that announces another one, which is complete.
fn announcing(server: &MariaDb, database: &str) -> String {
    let views = "SELECT table_name FROM information_schema.views WHERE table_schema";
    let view = sql(server, &format!("{views} = '{database}'")).unwrap();
    git_agentenv::model::name::with_hash(&view, database, '_', 64)
}

/// Adds environment `y`, with two tables in its database.
fn and_y<'a>(repo: Repo<'a>, server: &MariaDb) -> Repo<'a> {
    repo.agentenv(&["add", "y"]).ok();
    sql(server, "CREATE TABLE shop_y.a (a INT); CREATE TABLE shop_y.t AS SELECT 'y' AS origin")
        .unwrap();
    repo
}

#[test]
fn an_interruption_ends_what_still_fills_the_database() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = and_y(with_x(&sandbox, &server), &server);
    let claim = format!("SELECT IS_USED_LOCK('{}') > 0", announcing(&server, "shop_x"));
    let tables = "SELECT CONCAT('shop_y.', table_name) FROM information_schema.tables
        WHERE table_schema = 'shop_y' AND table_type = 'BASE TABLE'";
    let tables = sql(&server, tables).unwrap();
    let (first, last) = tables.split_once('\n').unwrap();
    let _last = lock(&server, last);
    let running = copy_that_waits(&repo, &server);
    // What reaches for each table before the dump has passed the first one: the dump waits for it.
    let _first = lock(&server, first);
    unlock(&server, last);
    wait_until("it fills", || {
        waiting(&server, "info NOT LIKE 'SELECT 1 FROM%'") && sql(&server, &claim).unwrap() == "1"
    });
    running.signal("TERM");
    running.outcome().fails(130);
    assert_eq!(sql(&server, &claim).unwrap(), "NULL");
    assert_eq!(origin(&server, "shop_x"), "x");
    assert_eq!(databases(&server), ["shop", "shop_x", "shop_y"]);

    fs::write(repo.path.join("slow.sql"), "SELECT SLEEP(600), 'dump';\n").unwrap();
    configure(&repo, "from: { dump: slow.sql }");
    let running = repo.start(&["add", "z"]);
    wait_until("it fills", || !holders(&server, "dump").is_empty());
    running.signal("TERM");
    running.outcome().fails(130);
    assert_eq!(holders(&server, "dump"), "");
    assert_eq!(databases(&server), ["shop", "shop_x", "shop_y"]);
}

#[test]
fn what_changes_while_it_is_copied_is_no_copy() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = and_y(with_x_on_host(&sandbox, &server), &server);
    let while_it_waits = |table: &str, statement: &str| {
        let _holder = lock(&server, table);
        let running = copy_that_waits(&repo, &server);
        sql(&server, statement).unwrap();
        unlock(&server, table);
        running.outcome()
    };
    let said = while_it_waits("shop_x.t", "CREATE TABLE shop_x.u (a INT)").fails(7);
    assert!(said.stderr.contains("was written to while it was copied"), "{}", said.show());
    assert_eq!(databases(&server), ["shop", "shop_x", "shop_y"]);

    // Another command replaces the source: it is announced as not complete.
    let announced = announcing(&server, "shop_y");
    let said = while_it_waits("shop_y.t", &format!("CREATE DATABASE {announced}")).fails(4);
    assert!(said.stderr.contains("it is not complete"), "{}", said.show());
    assert_eq!(origin(&server, "shop_x"), "x");
}

#[test]
fn a_template_is_made_once_masked_and_copied() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = project_on_host(&sandbox, &server);
    sql(&server, "CREATE DATABASE shop; CREATE TABLE shop.t AS SELECT 'secret_value' AS origin")
        .unwrap();
    configure(
        &repo,
        "from: main, template: { key: ['db/*.sql'], mask: mask.sql, build: ['echo $DB_NAME >>../built; echo >mask.sql'] }",
    );
    let mask = "UPDATE t SET origin = 'masked';\n";
    repo.commit("mask.sql", mask);
    repo.commit("db/1.sql", "one");
    repo.agentenv(&["add", "x"]).fails(7);
    repo.agentenv(&["trust", "--yes"]).ok();
    repo.agentenv(&["add", "x", "y"]).ok();
    assert_eq!(
        (origin(&server, "shop_x"), origin(&server, "shop_y")),
        ("masked".into(), "masked".into())
    );
    let built = fs::read_to_string(sandbox.root.join("built")).unwrap();
    assert_eq!(built.lines().count(), 1, "{built}");
    // The one that was approved has run, not the one that is there since.
    fs::write(repo.path.join("mask.sql"), mask).unwrap();
    let listed =
        || repo.agentenv(&["db", "template", "list", "--json"]).ok().json()["templates"].clone();
    let first = listed()[0]["database"].as_str().unwrap().to_owned();
    assert!(listed()[0]["bytes"].as_u64().unwrap() > 0);

    sql(&server, "UPDATE shop_x.t SET origin = 'mine'").unwrap();
    let said = repo.agentenv(&["db", "reset", "x", "--json"]).ok().json();
    assert_eq!(
        (&said["from"], origin(&server, "shop_x")),
        (&first.as_str().into(), "masked".into())
    );
    let said = repo.agentenv(&["db", "template", "refresh", "--json"]).ok().json();
    assert_eq!(listed().as_array().unwrap().len(), 1, "the old one is dropped");
    assert_eq!(listed()[0]["database"], said["refreshed"][0]);
    fs::write(repo.path.join("mask.sql"), "UPDATE t SET origin = 'half'; SELECT nothing;\n")
        .unwrap();
    repo.agentenv(&["trust", "--yes"]).ok();
    let said = repo.agentenv(&["db", "template", "refresh"]).fails(6);
    assert!(said.stderr.contains("nothing"), "{}", said.show());
    assert_eq!(listed().as_array().unwrap().len(), 1, "the one before is there");
    repo.agentenv(&["db", "template", "drop"]).ok();
    repo.agentenv(&["remove", "x", "y", "--force", "--yes"]).ok();
    repo.agentenv(&["prune"]).ok();
    assert_eq!(databases(&server), ["shop"]);
}

#[test]
fn a_template_that_was_cut_short_leaves_nothing() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = project_on_host(&sandbox, &server);
    sql(&server, "CREATE DATABASE shop; CREATE TABLE shop.t AS SELECT 'main' AS origin").unwrap();
    configure(&repo, "from: main, template: {}");
    for (point, fails) in pairs(&[&MYSQL[..], &MYSQL_REPLACES[..1], &POINTS].concat()) {
        let how = if fails { "error" } else { "kill" };
        struck(&repo, &["db", "template", "refresh"], &format!("{point}:{how}"));
        repo.agentenv(&["prune"]).ok();
        let published = ["mysql-complete", POINTS[1]].contains(&point);
        let left = databases(&server).len() - 1;
        assert_eq!(left, usize::from(published), "{how} at {point}: {:?}", databases(&server));
        repo.agentenv(&["add", "x"]).ok();
        assert_eq!(origin(&server, "shop_x"), "main");
        repo.agentenv(&["remove", "x", "--yes", "--delete-branch"]).ok();
        repo.agentenv(&["db", "template", "drop"]).ok();
        assert_eq!(databases(&server), ["shop"]);
    }
}

#[test]
fn a_template_whose_older_one_a_kill_left_is_the_only_one_after_the_next_add() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = project_on_host(&sandbox, &server);
    sql(&server, "CREATE DATABASE shop; CREATE TABLE shop.t AS SELECT 'main' AS origin").unwrap();
    configure(&repo, "from: main, template: {}");
    repo.agentenv(&["db", "template", "refresh"]).ok();
    struck(&repo, &["db", "template", "refresh"], "mysql-complete:kill");
    assert_eq!(databases(&server).len(), 3, "{:?}", databases(&server));
    repo.agentenv(&["add", "x"]).ok();
    assert_eq!(databases(&server).len(), 3, "one template: {:?}", databases(&server));
}

#[test]
fn what_tests_made_beside_it_goes_along_and_nothing_of_another() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = project_on_host(&sandbox, &server);
    // Older than the environment: not made by its tests.
    sql(&server, "CREATE DATABASE test_shop_a_old; CREATE TABLE test_shop_a_old.t (a INT)")
        .unwrap();
    let now = sql(&server, "SELECT UNIX_TIMESTAMP()").unwrap();
    wait_until("the clock ticks", || sql(&server, "SELECT UNIX_TIMESTAMP()").unwrap() != now);
    configure(&repo, "also: ['test_{DB_NAME}', 'test_{DB_NAME}_*']");
    repo.agentenv(&["add", "a", "a-b"]).ok();
    for name in [
        "test_shop_a",
        "test_shop_a_gw0",
        "test_shop_a_b",
        "test_shop_ab",
        "shop_a_main",
        "test_shop_a_main",
    ] {
        sql(
            &server,
            &format!("CREATE DATABASE {name}; CREATE TABLE {name}.t AS SELECT '{name}' AS origin"),
        )
        .unwrap();
    }
    let status = repo.agentenv(&["db", "status", "a", "--json"]).ok().json();
    let also = status["databases"][0]["also"].as_array().unwrap();
    let names: Vec<_> = also.iter().map(|one| one["database"].as_str().unwrap()).collect();
    assert_eq!(names, ["test_shop_a", "test_shop_a_gw0"]);

    let client = r#"MYSQL_PWD=$MARIADB_ROOT_PASSWORD exec mariadb -uroot -e "SELECT SLEEP(600)" test_shop_a_gw0"#;
    let mut session = server.start(&["sh", "-c", client]);
    let used = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = 'test_shop_a_gw0'";
    wait_until("the session is there", || sql(&server, used).unwrap() == "1");
    let said = repo.agentenv(&["remove", "a"]).fails(7);
    assert!(said.stderr.contains("test_shop_a_gw0"), "{}", said.show());
    repo.agentenv(&["remove", "a", "--force", "--yes"]).ok();
    wait_until("the session is ended", || !session.runs());
    let left = [
        "shop_a_b",
        "shop_a_main",
        "test_shop_ab",
        "test_shop_a_b",
        "test_shop_a_main",
        "test_shop_a_old",
    ];
    assert_eq!(databases(&server), left);
}

#[test]
fn the_trash_keeps_a_database_with_its_snapshots_and_gives_them_back() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = project(&sandbox, &server);
    sql(&server, SOURCE).unwrap();
    configure(&repo, "from: main, also: ['test_{DB_NAME}']");
    repo.agentenv(&["add", "x"]).ok();
    let expected = all_of(&server, "shop_x");
    repo.agentenv(&["db", "snapshot", "save", "one", "x"]).ok();
    sql(
        &server,
        "CREATE DATABASE test_shop_x; CREATE TABLE test_shop_x.t AS SELECT 'test' AS origin",
    )
    .unwrap();
    let before = databases(&server);

    repo.agentenv(&["remove", "x", "--keep"]).ok();
    let kept = databases(&server);
    assert_eq!(
        kept.iter().filter(|name| name.starts_with("agentenv_trash_")).count(),
        3,
        "{kept:?}"
    );
    repo.agentenv(&["prune"]).ok();
    assert_eq!(databases(&server), kept, "prune knows whose they are");
    repo.agentenv(&["restore", "x"]).ok();
    assert_eq!(databases(&server), before);
    assert_eq!(all_of(&server, "shop_x"), expected);
    assert_eq!(origin(&server, "test_shop_x"), "test");
    repo.agentenv(&["db", "snapshot", "restore", "one", "x"]).ok();
    assert_eq!(all_of(&server, "shop_x"), expected);

    // Another environment has the name by now.
    repo.agentenv(&["remove", "x", "--keep"]).ok();
    repo.git(&["branch", "-m", "x", "x-was"]);
    repo.agentenv(&["add", "x"]).ok();
    repo.agentenv(&["remove", "x", "--yes", "--delete-branch"]).ok();
    repo.agentenv(&["prune", "--trash"]).ok();
    assert_eq!(databases(&server), ["shop"]);
}

#[test]
fn the_trash_refuses_what_has_no_copy_and_says_what_helps() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = with_x_on_host(&sandbox, &server);
    sql(&server, "USE shop_x; CREATE PROCEDURE leads() SELECT * FROM shop_x.t").unwrap();
    let said = repo.agentenv(&["remove", "x", "--keep"]).fails(7);
    assert!(said.stderr.contains("routine `leads` names its database"), "{}", said.show());
    assert!(said.stderr.contains("git agentenv remove --no-keep x"), "{}", said.show());
    assert_eq!(origin(&server, "shop_x"), "x");
    repo.agentenv(&["db", "reset", "x"]).fails(7);
    assert_eq!(origin(&server, "shop_x"), "x");
    repo.agentenv(&["db", "reset", "x", "--no-snapshot"]).ok();
    repo.agentenv(&["remove", "x"]).ok();
    assert_eq!(databases(&server), ["shop"]);
}

#[test]
fn a_way_to_the_trash_and_back_that_was_cut_short_is_finished() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = with_x_on_host(&sandbox, &server);
    repo.agentenv(&["db", "snapshot", "save", "one", "x"]).ok();
    let before = databases(&server);
    let there =
        ["mysql-begun", "mysql-filled", "mysql-complete", MYSQL_REPLACES[3], "database-kept"];
    let back = ["mysql-begun", "mysql-filled", MYSQL_REPLACES[4], "database-back"];
    // Each point on the way back once or twice: what is in the trash is the same, wherever the way there was cut short.
    for ((point, prunes), back) in pairs(&there).into_iter().zip(back.into_iter().cycle()) {
        struck(&repo, &["remove", "x", "--keep"], &format!("{point}:kill"));
        if prunes {
            repo.agentenv(&["prune"]).ok();
        } else {
            // Half way there, it comes back as well.
            repo.agentenv(&["restore", "x"]).ok();
            let found = (databases(&server), origin(&server, "shop_x"));
            assert_eq!(found, (before.clone(), "x".to_owned()), "{point}");
        }
        repo.agentenv(&["remove", "x", "--keep"]);
        let kept = databases(&server);
        assert_eq!(
            kept.iter().filter(|name| name.starts_with("agentenv_trash_")).count(),
            2,
            "{point}: {kept:?}"
        );
        assert_eq!(kept.len(), 3, "{point}: {kept:?}");
        struck(&repo, &["restore", "x"], &format!("{back}:kill"));
        if back == "mysql-begun" {
            repo.agentenv(&["prune"]).ok();
        } else {
            repo.agentenv(&["restore", "x"]).ok();
        }
        assert_eq!(
            (databases(&server), origin(&server, "shop_x")),
            (before.clone(), "x".to_owned()),
            "{point}, {back}"
        );
        repo.agentenv(&["db", "snapshot", "restore", "one", "x", "--no-snapshot"]).ok();
    }
}
