//! Privileges on MySQL and MariaDB, which are on the names of databases: who may use the source and not its copy is named.

use super::mysql::{project_on_host, sql};
use super::mysql_copies::configure;
use crate::common::Sandbox;
use crate::common::mariadb::MariaDb;

#[test]
fn who_may_use_the_source_and_not_its_copy_is_named_with_the_statement_that_mends_it() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = project_on_host(&sandbox, &server);
    configure(&repo, "from: main");
    sql(
        &server,
        r"CREATE DATABASE shop; CREATE TABLE shop.t AS SELECT 1 AS a;
          CREATE USER app; GRANT ALL ON shop.* TO app; CREATE USER few; GRANT SELECT, INSERT ON shop.* TO few;
          CREATE USER reader; GRANT SELECT ON shop.t TO reader;
          CREATE USER boss; GRANT SELECT ON *.* TO boss; GRANT SELECT ON shop.* TO boss;
          CREATE USER every; GRANT ALL ON `shop%`.* TO every; CREATE USER none",
    )
    .unwrap();
    let said = repo.agentenv(&["add", "x"]).ok();
    let granted = |stderr: &str| {
        let hints = stderr.lines().filter_map(|line| line.strip_prefix("hint: grant the same: "));
        hints.map(str::to_owned).collect::<Vec<_>>()
    };
    let statements = granted(&said.stderr);
    let expected = [
        r"GRANT ALL ON `shop\_x`.* TO 'app'@'%'",
        r"GRANT INSERT, SELECT ON `shop\_x`.* TO 'few'@'%'",
        r"GRANT SELECT ON `shop_x`.`t` TO 'reader'@'%'",
    ];
    assert_eq!(statements, expected, "{}", said.show());
    let user = "'app'@'%' may use database `shop` and not its copy `shop_x`";
    assert!(said.stderr.contains(user), "{}", said.show());

    sql(&server, &statements.join("; ")).unwrap();
    let said = repo.agentenv(&["adopt", "../app-x"]).ok();
    assert_eq!(granted(&said.stderr), [""; 0], "{}", said.show());
    sql(&server, r"GRANT ALL ON `shop\_%`.* TO app, few, reader").unwrap();
    let said = repo.agentenv(&["add", "y"]).ok();
    assert!(!said.stderr.contains("may use"), "{}", said.show());
}
