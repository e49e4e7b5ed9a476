//! A disk that is nearly full: a copy that does not fit is refused before anything is made, and spares go first.

use super::mysql;
use crate::common::mariadb::MariaDb;
use crate::common::{Container, POSTGRES_READY, Repo, Sandbox, wait_until};
use std::fs;

/// A server whose data lies on a small disk.
fn server() -> Container {
    crate::common::servers(); // the images
    let server = Container::run(
        "agentenv-test/postgres",
        &["--tmpfs=/var/lib/postgresql/data:size=400m", "--env=POSTGRES_HOST_AUTH_METHOD=trust"],
    );
    wait_until("postgres answers", || {
        server.exec(&["pg_isready", "-q", "-h", "127.0.0.1"]).is_ok()
    });
    server
}

fn sql(server: &Container, database: &str, statement: &str) -> String {
    server.exec(&["psql", "-XqAtU", "postgres", "-d", database, "-c", statement]).unwrap()
}

/// Leaves this many megabytes free.
fn leave(server: &Container, megabytes: u32) {
    let fill = format!(
        "cd $PGDATA && rm -f ballast && psql -XqU postgres -c CHECKPOINT &&
        free=$(df -Pk . | tail -n 1 | awk '{{print $4}}') && head -c $(( (free - {megabytes} * 1024) * 1024 )) /dev/zero >ballast"
    );
    server.exec(&["sh", "-c", &fill]).unwrap();
}

fn databases(server: &Container) -> Vec<String> {
    let listed = "SELECT datname FROM pg_database WHERE datname <> 'postgres' AND datname !~ '^template' ORDER BY 1";
    sql(server, "postgres", listed).lines().map(str::to_owned).collect()
}

fn project<'a>(sandbox: &'a Sandbox, server: &Container, source: &str) -> Repo<'a> {
    let repo = sandbox.repo("app");
    let service = format!(
        "services:\n  db: {{ kind: postgres, variable: DB_NAME, name: \"shop_{{name}}\", main: shop, container: {}, {source} }}\n",
        server.name
    );
    repo.config(&(sandbox.config_of_own_ports() + &service));
    repo
}

#[test]
fn a_copy_that_does_not_fit_is_refused_with_both_sizes_and_spares_go_first() {
    let (sandbox, server) = (Sandbox::new(), server());
    let repo = project(&sandbox, &server, "from: main, template: { spares: 1 }");
    sql(&server, "postgres", "CREATE DATABASE shop");
    let rows = "CREATE TABLE t AS SELECT n, md5(n::text) FROM generate_series(1, 250000) n";
    sql(&server, "shop", rows);
    repo.agentenv(&["db", "template", "refresh"]).ok();
    repo.agentenv(&["db", "template", "spare"]).ok();
    let before = databases(&server);
    assert_eq!(before.len(), 3, "{before:?}");

    // The source has grown: it does not fit, even without the spare.
    sql(&server, "shop", "CREATE TABLE more AS SELECT * FROM t");
    leave(&server, 20);
    let said = repo.agentenv(&["add", "x", "--data", "main"]).fails(6);
    assert!(
        said.stderr.contains("it needs ") && said.stderr.contains(" are free"),
        "{}",
        said.show()
    );
    assert!(said.stderr.contains("`git agentenv db template drop` frees "), "{}", said.show());
    assert_eq!(databases(&server), before, "nothing was made, and nothing dropped in vain");
    let dump = repo.path.join("seed.sql");
    fs::write(&dump, format!("-- {}\nSELECT 1;\n", "x".repeat(60_000_000))).unwrap();
    repo.config(
        &fs::read_to_string(repo.path.join(".agentenv.yaml"))
            .unwrap()
            .replace("from: main, template: { spares: 1 }", "from: { dump: seed.sql }"),
    );
    let said = repo.agentenv(&["add", "x"]).fails(6);
    assert!(said.stderr.contains("it needs 120.0 MB, and "), "{}", said.show());
    assert_eq!(databases(&server), before);

    // It fits when the spare goes.
    leave(&server, 75);
    let said = repo.agentenv(&["add", "y", "--data", "main"]).ok();
    assert_eq!(sql(&server, "shop_y", "SELECT count(*) FROM more"), "250000", "{}", said.show());
    assert_eq!(databases(&server).len(), 3, "the spare made room: {:?}", databases(&server));
}

/// From PostgreSQL 18 on a large database may be cloned, which takes no space; this file system has
/// no clones.
#[test]
fn a_copy_that_cannot_be_cloned_is_refused_where_it_does_not_fit() {
    let options =
        ["--env=POSTGRES_HOST_AUTH_METHOD=trust", "--tmpfs=/var/lib/postgresql:size=600m"];
    let command = [
        "postgres",
        "-cfsync=off",
        "-cfile_copy_method=clone",
        "-cwal_level=minimal",
        "-cmax_wal_senders=0",
        "-cautovacuum=off",
    ];
    let server = Container::run_command("agentenv-test/postgres18", &options, &command);
    let (sandbox, server) = (Sandbox::new(), server.ready(&POSTGRES_READY));
    let repo = project(&sandbox, &server, "from: main");
    sql(&server, "postgres", "CREATE DATABASE shop");
    let many = "CREATE TABLE large AS SELECT * FROM generate_series(1, 4000000) n";
    sql(&server, "shop", many);
    leave(&server, 60);
    let said = repo.agentenv(&["add", "x"]).fails(6);
    let sizes = ["it needs ", " are free"].map(|words| said.stderr.contains(words));
    assert_eq!(sizes, [true, true], "{}", said.show());
    assert_eq!(databases(&server), ["shop"]);
    server.exec(&["sh", "-c", "rm $PGDATA/ballast"]).unwrap();
    repo.agentenv(&["add", "x"]).ok();
    assert_eq!(sql(&server, "shop_x", "SELECT count(*) FROM large"), "4000000");
}

#[test]
fn a_copy_on_mysql_that_does_not_fit_is_refused_with_both_sizes() {
    let sandbox = Sandbox::new();
    let server = MariaDb::own("--tmpfs=/var/lib/mysql:size=400m");
    let repo = mysql::project(&sandbox, &server);
    let rows = "CREATE DATABASE shop; USE shop; CREATE TABLE t AS SELECT seq, REPEAT('x', 1000) AS x FROM seq_1_to_40000";
    mysql::sql(&server, rows).unwrap();
    let fill = "cd /var/lib/mysql && free=$(df -Pk . | tail -n 1 | awk '{print $4}') && head -c $(( (free - 20 * 1024) * 1024 )) /dev/zero >ballast";
    server.exec(&["sh", "-c", fill]).unwrap();
    let said = repo.agentenv(&["add", "x", "--data", "main"]).fails(6);
    assert!(
        said.stderr.contains("it needs ") && said.stderr.contains(" are free"),
        "{}",
        said.show()
    );
    assert_eq!(mysql::databases(&server), ["shop"]);
    server.exec(&["rm", "/var/lib/mysql/ballast"]).unwrap();
    repo.agentenv(&["add", "x", "--data", "main"]).ok();
}
