//! Events of MySQL and MariaDB: they run in databases that are used, and not in what is kept of them.

use super::mysql::{databases, project_on_host, sql};
use super::mysql_copies::{configure, struck};
use crate::common::mariadb::MariaDb;
use crate::common::{Repo, Sandbox, wait_until};

/// A project whose main database and environment `x` have three rows, an event that deletes them each second and writes, and
/// two that are disabled. The server runs no events yet.
fn with_events<'a>(sandbox: &'a Sandbox, server: &MariaDb) -> Repo<'a> {
    let repo = project_on_host(sandbox, server);
    configure(&repo, "from: main, template: {}");
    let every = "ON SCHEDULE EVERY 1 SECOND";
    let events = format!(
        "CREATE USER 'a b'@'%'; GRANT ALL ON *.* TO 'a b'@'%';
         CREATE DATABASE shop; USE shop; CREATE TABLE log AS SELECT seq FROM seq_1_to_3; CREATE TABLE beats (a INT);
         CREATE DEFINER='a b'@'%' EVENT `eat ``it ENABLE` {every} ON COMPLETION PRESERVE COMMENT 'ENABLE' DO DELETE FROM log;
         SET NAMES latin1;
         CREATE EVENT beat {every} COMMENT 'it''s \\\\ one' DO INSERT INTO beats VALUES (1);
         CREATE EVENT off {every} DISABLE DO DELETE FROM log;
         CREATE EVENT elsewhere {every} DISABLE ON SLAVE DO DELETE FROM log;"
    );
    sql(server, &events).unwrap();
    repo.agentenv(&["add", "x"]).ok();
    repo
}

fn run_events(server: &MariaDb, run: bool) {
    sql(server, &format!("SET GLOBAL event_scheduler = {}", if run { "ON" } else { "OFF" }))
        .unwrap();
}

fn count(server: &MariaDb, table: &str) -> u32 {
    sql(server, &format!("SELECT COUNT(*) FROM {table}")).unwrap().parse().unwrap()
}

fn events(server: &MariaDb, database: &str) -> String {
    let columns = "event_name, definer, status, on_completion, event_comment";
    let of = format!("FROM information_schema.events WHERE event_schema = '{database}' ORDER BY 1");
    sql(server, &format!("SELECT {columns} {of}")).unwrap()
}

const LIVE: &str = "beat	root@%	ENABLED	NOT PRESERVE	it's \\\\ one
eat `it ENABLE	a b@%	ENABLED	PRESERVE	ENABLE
elsewhere	root@%	SLAVESIDE_DISABLED	NOT PRESERVE	
off	root@%	DISABLED	NOT PRESERVE";

#[test]
fn events_run_in_the_database_of_an_environment_and_not_in_what_is_kept() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::started_by(&["mariadbd"]));
    let repo = with_events(&sandbox, &server);
    repo.agentenv(&["db", "snapshot", "save", "one", "x"]).ok();
    assert_eq!(events(&server, "shop_x"), LIVE);
    run_events(&server, true);
    wait_until("events run", || count(&server, "shop.log") + count(&server, "shop_x.log") == 0);
    let template = databases(&server).into_iter().find(|name| name.starts_with("agentenv_t_"));
    let beats = count(&server, "shop_x.beats");
    wait_until("they run again", || count(&server, "shop_x.beats") > beats + 1);
    for kept in [&template.unwrap(), "shop_x__one"] {
        assert_eq!(count(&server, &format!("{kept}.log")), 3, "{kept}");
        assert_eq!(count(&server, &format!("{kept}.beats")), 0, "{kept}");
    }
    repo.agentenv(&["db", "snapshot", "restore", "one", "x", "--no-snapshot"]).ok();
    assert_eq!(events(&server, "shop_x"), LIVE);
    let own = databases(&server).into_iter().filter(|name| name.contains("shop_x"));
    assert_eq!(own.collect::<Vec<_>>(), ["shop_x", "shop_x__one"]);
}

#[test]
fn an_event_that_writes_each_second_keeps_no_database_from_being_replaced_or_kept() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::started_by(&["mariadbd"]));
    let repo = with_events(&sandbox, &server);
    sql(&server, "DROP EVENT shop_x.`eat ``it ENABLE`").unwrap();
    run_events(&server, true);
    wait_until("events run", || count(&server, "shop_x.beats") > 1);
    repo.agentenv(&["remove", "x", "--keep"]).ok();
    let trash = databases(&server).into_iter().find(|name| name.starts_with("agentenv_trash_"));
    let beats = format!("{}.beats", trash.unwrap());
    let kept = count(&server, &beats);
    let main = count(&server, "shop.beats");
    wait_until("main's runs", || count(&server, "shop.beats") > main + 1);
    assert_eq!(count(&server, &beats), kept);
    repo.agentenv(&["restore", "x"]).ok();
    assert_eq!(count(&server, "shop_x.log"), 3);
    wait_until("events run again", || count(&server, "shop_x.beats") > kept);

    repo.agentenv(&["db", "reset", "x"]).ok();
    assert_eq!(events(&server, "shop_x"), LIVE);
    assert_eq!(count(&server, "shop_x__before_reset_1.log"), 3);
    struck(&repo, &["remove", "x", "--keep"], "mysql-begun:kill");
    repo.agentenv(&["restore", "x"]).ok();
    assert_eq!(events(&server, "shop_x"), LIVE);
    struck(&repo, &["db", "reset", "x"], "mysql-begun:kill");
    assert_ne!(events(&server, "shop_x"), LIVE);
    let found = repo.agentenv(&["doctor", "--json"]).json().to_string();
    assert!(found.contains("shop_x has events that are switched off"), "{found}");
    repo.agentenv(&["adopt", "../app-x"]).ok();
    assert_eq!(events(&server, "shop_x"), LIVE);
    for killed in [&["db", "reset", "x"][..], &["db", "copy", "x", "--from", "main"]] {
        struck(&repo, killed, "mysql-begun:kill");
        assert_ne!(events(&server, "shop_x"), LIVE, "{killed:?}");
        let would = repo.agentenv(&["prune", "--dry-run"]).ok();
        assert!(would.stdout.contains("would repair mysql shop_x"), "{}", would.show());
        assert_ne!(events(&server, "shop_x"), LIVE, "{killed:?}");
        let pruned = repo.agentenv(&["prune"]).ok();
        assert!(pruned.stdout.contains("repaired mysql shop_x"), "{}", pruned.show());
        assert_eq!(events(&server, "shop_x"), LIVE, "{killed:?}");
        assert_eq!(repo.agentenv(&["prune"]).ok().stdout, "nothing to prune\n");
    }
    let found = repo.agentenv(&["doctor", "--json"]).json().to_string();
    assert!(!found.contains("switched off"), "{found}");
    // A refusal leaves them as they are.
    let held = server.start(&[
        "sh",
        "-c",
        r#"MYSQL_PWD=$MARIADB_ROOT_PASSWORD exec mariadb -uroot -e "SELECT SLEEP(600)" shop_x"#,
    ]);
    wait_until("a session is there", || {
        sql(&server, "SELECT COUNT(*) FROM information_schema.processlist WHERE db = 'shop_x' AND command = 'Query'").unwrap() == "1"
    });
    repo.agentenv(&["db", "reset", "x"]).fails(7);
    repo.agentenv(&["remove", "x", "--keep"]).fails(7);
    assert_eq!(events(&server, "shop_x"), LIVE);
    drop(held);
}
