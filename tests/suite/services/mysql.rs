//! MySQL and MariaDB on a real server (MariaDB 10.11): databases with our mark, and no others.

use crate::common::{Container, Repo, Sandbox, wait_until};
use std::fs;

/// A server of this test's own, with a password as the official images want one.
fn server() -> Container {
    let server = Container::run(
        "agentenv-test/mariadb",
        &["--tmpfs=/var/lib/mysql", "--env=MARIADB_ROOT_PASSWORD=it's secret"],
    );
    wait_until("MariaDB answers", || sql(&server, "SELECT 1").is_ok());
    server
}

fn sql(server: &Container, statement: &str) -> Result<String, String> {
    let client = r#"MYSQL_PWD=$MARIADB_ROOT_PASSWORD exec mariadb -h127.0.0.1 -uroot --batch --skip-column-names -e "$1""#;
    server.exec(&["sh", "-c", client, "sh", statement])
}

fn databases(server: &Container) -> Vec<String> {
    let known = "'information_schema','mysql','performance_schema','sys'";
    let list = format!(
        "SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT IN ({known}) ORDER BY 1"
    );
    sql(server, &list).unwrap().lines().map(str::to_owned).collect()
}

fn project<'a>(sandbox: &'a Sandbox, server: &Container) -> Repo<'a> {
    let repo = sandbox.repo("app");
    let service = format!(
        "services:\n  db: {{ kind: mysql, variable: DB_NAME, name: \"shop_{{name}}\", main: shop, container: {} }}\n",
        server.name
    );
    repo.config(&(sandbox.config_of_own_ports() + &service));
    repo
}

#[test]
fn an_environment_has_a_database_of_its_own_and_takes_it_along() {
    let (sandbox, server) = (Sandbox::new(), server());
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
fn a_database_in_use_or_without_our_mark_stays() {
    let (sandbox, server) = (Sandbox::new(), server());
    let repo = project(&sandbox, &server);
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
    let (sandbox, server) = (Sandbox::new(), server());
    let repo = project(&sandbox, &server);
    for point in ["before-database", "database-made"] {
        let mut add = sandbox.command("git");
        add.args(["agentenv", "add", "x"]).current_dir(&repo.path);
        sandbox.outcome(add.env("AGENTENV_FAULT", format!("{point}:kill"))).fails(128 + 9);
        repo.agentenv(&["prune"]).ok();
        assert!(databases(&server).is_empty(), "killed at {point}");
    }
    repo.agentenv(&["add", "x"]).ok();
    let lease = fs::read_dir(sandbox.root.join("state/leases")).unwrap().next().unwrap().unwrap();
    let id = lease.path().file_stem().unwrap().to_str().unwrap().to_owned();
    // As a server that dies between the two statements leaves it: announced, and without its mark.
    sql(&server, &format!("DROP VIEW shop_x.agentenv_{id}; CREATE DATABASE agentenv_{id}"))
        .unwrap();
    repo.agentenv(&["adopt", "../app-x"]).ok();
    assert_eq!(databases(&server), ["shop_x"]);

    fs::remove_dir_all(sandbox.root.join("app-x")).unwrap();
    repo.git(&["worktree", "prune"]);
    fs::remove_file(lease.path()).unwrap();
    repo.agentenv(&["prune"]).ok();
    assert!(databases(&server).is_empty(), "a marked database without lease and worktree goes");
}
