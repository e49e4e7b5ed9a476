//! Databases on MySQL and MariaDB that nobody may lose: what is written while a copy is made, and what has no copy.

use super::mysql::{databases, project, project_on_host, sql};
use super::mysql_copies::{configure, origin, struck, with_x_on_host};
use crate::common::mariadb::{MariaDb, PASSWORD};
use crate::common::{Outcome, Repo, Sandbox, wait_until, write_program};
use git_agentenv::model::name::with_hash;
use std::fs;
use std::process::Command;

/// The variable `DB_NAME` of environment `x`.
fn own(repo: &Repo<'_>) -> String {
    let said = repo.agentenv(&["status", "x", "--json"]).ok().json();
    said["variables"]["DB_NAME"].as_str().unwrap().to_owned()
}

#[test]
fn all_of_it_comes_back_from_the_trash_where_the_name_of_a_part_is_taken() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = project_on_host(&sandbox, &server);
    configure(&repo, "also: ['test_{DB_NAME}_*']");
    repo.agentenv(&["add", "x"]).ok();
    // In the trash its copy stands behind that of the environment's own.
    let hash = |name: &str| with_hash("", name, '_', 64);
    let mut names = (0..).map(|number| format!("test_shop_x_{number}"));
    let beside = names.find(|name| hash(name) > hash("shop_x")).unwrap();
    for name in ["shop_x", &beside] {
        sql(&server, &format!("CREATE DATABASE IF NOT EXISTS {name}")).unwrap();
        sql(&server, &format!("CREATE TABLE {name}.t (origin VARCHAR(9)) AS SELECT 'x' AS origin"))
            .unwrap();
    }
    let is_whole = |others: usize| {
        let (own, left) = (own(&repo), databases(&server));
        let beside = left.iter().find(|name| name.starts_with(&format!("test_{own}_")));
        let found = [&own, beside.unwrap_or(&own)].map(|name| origin(&server, name));
        assert_eq!(found, ["x", "x"], "{left:?}");
        assert_eq!(left.len(), 2 + others, "{left:?}");
        let status = repo.agentenv(&["db", "status", "x", "--json"]).ok().json();
        let also = &status["databases"][0]["also"];
        assert_eq!(also[0]["database"].as_str(), beside.map(String::as_str), "{also}");
        let marks =
            "SELECT COUNT(*) FROM information_schema.views WHERE table_name = 'agentenv_mark'";
        assert_eq!(sql(&server, marks).unwrap(), "0");
        repo.agentenv(&["prune"]).ok();
        assert_eq!(databases(&server), left);
        own
    };
    let foreign = |name: &str| sql(&server, &format!("CREATE DATABASE {name}")).unwrap();

    repo.agentenv(&["remove", "x", "--keep"]).ok();
    foreign(&beside);
    repo.agentenv(&["restore", "x"]).ok();
    let renamed = is_whole(1);
    assert_ne!(renamed, "shop_x");

    // What was tests' own is back, and the environment's own is not.
    repo.agentenv(&["remove", "x", "--keep"]).ok();
    struck(&repo, &["restore", "x"], "mysql-complete:kill");
    foreign(&renamed);
    repo.agentenv(&["restore", "x"]).ok();
    assert_ne!(is_whole(2), renamed);

    // Both are back, and one is not in the trash any more.
    repo.agentenv(&["remove", "x", "--keep"]).ok();
    struck(&repo, &["restore", "x"], "mysql-returned:kill");
    repo.agentenv(&["restore", "x"]).ok();
    let now = is_whole(2);

    // Tables of what tests made are older than the environment's own database, which comes back last.
    repo.agentenv(&["remove", "x", "--keep"]).ok();
    struck(&repo, &["restore", "x"], "mysql-complete:kill");
    let is_past = format!(
        "SELECT COUNT(*) > 0 AND MAX(UNIX_TIMESTAMP(create_time)) < UNIX_TIMESTAMP()
         FROM information_schema.tables WHERE table_schema LIKE 'test_{now}_%'"
    );
    wait_until("the second is over", || sql(&server, &is_past).unwrap() == "1");
    repo.agentenv(&["restore", "x"]).ok();
    is_whole(2);
}

#[test]
fn a_database_is_replaced_without_a_copy_only_where_it_has_none() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = with_x_on_host(&sandbox, &server);
    let reset = ["db", "reset", "x", "--no-snapshot"];
    let views = "SELECT table_name FROM information_schema.views WHERE table_schema = 'shop_x'";
    let id = sql(&server, views).unwrap().replace("agentenv_", "agentenv_old_");
    let copy = with_hash(&id, "shop_x", '_', 64);
    sql(&server, &format!("CREATE DATABASE {copy}")).unwrap();
    let said = repo.agentenv(&reset).fails(7);
    assert!(said.stderr.contains(&copy), "{}", said.show());
    assert_eq!(origin(&server, "shop_x"), "x");

    sql(&server, &format!("DROP DATABASE {copy}")).unwrap();
    sql(&server, "USE shop_x; CREATE PROCEDURE leads() SELECT * FROM shop_x.t").unwrap();
    let said = struck(&repo, &reset, "mysql-begun:error");
    let gone = "database `shop_x` is gone; the same command again makes it";
    assert!(said.stderr.contains(gone), "{}", said.show());
    assert_eq!(databases(&server), ["shop"]);
    repo.agentenv(&reset).ok();
    assert_eq!(databases(&server), ["shop", "shop_x"]);
}

/// A command of the program that runs this script as `mariadb-dump`. There, `sql` runs a statement.
fn dumping(repo: &Repo<'_>, server: &MariaDb, script: &str) -> Command {
    let bin = repo.sandbox.root.join("dumping");
    fs::create_dir_all(&bin).unwrap();
    let client = format!("mariadb -h127.0.0.1 -P{} -uroot", server.port);
    let script =
        format!("#!/bin/sh\nPATH=${{PATH#*:}}\nsql() {{ {client} -e \"$1\"; }}\n{script}\n");
    write_program(&bin.join("mariadb-dump"), &script);
    let mut run = repo.sandbox.command(env!("CARGO_BIN_EXE_git-agentenv"));
    let path = run.get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap().to_owned();
    let path = format!("{}:{}", bin.display(), path.to_str().unwrap());
    run.current_dir(&repo.path).env("PATH", path).env("MYSQL_PWD", PASSWORD[1]);
    run
}

/// Runs the program, and has a row written to a database right after its copy was read; all in one second, unless the
/// program waits for the next.
fn with_a_late_row(repo: &Repo<'_>, server: &MariaDb, database: &str, args: &[&str]) -> Outcome {
    let late = format!(
        "mariadb-dump \"$@\" || exit
case \"$*\" in *--routines*' {database}') sql \"UPDATE {database}.t SET origin = 'late'\";; esac"
    );
    let mut run = dumping(repo, server, &late);
    let begins = "SELECT MICROSECOND(NOW(6)) < 100000";
    wait_until("a second begins", || sql(server, begins).unwrap() == "1");
    sql(server, &format!("UPDATE {database}.t SET origin = 'early'")).unwrap();
    repo.sandbox.outcome(run.args(args))
}

#[test]
fn what_is_written_in_the_second_of_the_copy_is_not_lost() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = with_x_on_host(&sandbox, &server);
    configure(&repo, "also: ['test_{DB_NAME}']");
    repo.agentenv(&["remove", "x", "--force", "--yes"]).ok();
    repo.agentenv(&["add", "x"]).ok();
    for name in ["shop_x", "test_shop_x"] {
        sql(&server, &format!("CREATE DATABASE IF NOT EXISTS {name}")).unwrap();
        sql(&server, &format!("CREATE TABLE {name}.t (origin VARCHAR(9)) AS SELECT 'x' AS origin"))
            .unwrap();
    }
    let before = databases(&server);
    let runs: [(&str, &[&str]); 4] = [
        ("shop_x", &["db", "reset", "x"]),
        ("shop_x", &["db", "reset", "x", "--no-snapshot"]),
        ("test_shop_x", &["remove", "x", "--keep"]),
        ("shop_x", &["remove", "x", "--keep"]),
    ];
    for (database, args) in runs {
        let said = with_a_late_row(&repo, &server, database, args);
        assert_ne!(said.code, 0, "{}", said.show());
        assert!(said.stderr.contains("was written to while it was copied"), "{}", said.show());
        assert_eq!(origin(&server, database), "late", "{args:?}");
        assert_eq!(databases(&server), before, "{args:?}");
    }
}

#[test]
fn a_template_that_goes_while_it_is_copied_is_chosen_again() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = with_x_on_host(&sandbox, &server);
    configure(&repo, "from: main, template: {}");
    let templates = || {
        let named = |name: &String| name.starts_with("agentenv_t_");
        databases(&server).into_iter().filter(named).collect::<Vec<_>>()
    };
    for (args, database) in [(&["add", "y"][..], "shop_y"), (&["db", "reset", "x"], "shop_x")] {
        repo.agentenv(&["db", "template", "refresh"]).ok();
        let first = templates();
        // As another process does that made the next one.
        let once = format!(
            "case \"$*\" in *--routines*' {0}') sql 'DROP DATABASE {0}';; esac
exec mariadb-dump \"$@\"",
            first[0]
        );
        sandbox.outcome(dumping(&repo, &server, &once).args(args)).ok();
        assert_eq!(origin(&server, database), "main");
        assert_eq!(templates().len(), 1);
        assert_ne!(templates(), first);
    }
}

/// As a client does whose connection broke without a word: it waits for ever, and the server for
/// it.
#[test]
fn a_copy_for_which_the_server_does_nothing_is_ended_and_loses_nothing() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = with_x_on_host(&sandbox, &server);
    let before = databases(&server);
    let reached = sandbox.root.join("reached");
    let waits = format!(
        "case \"$*\" in *--routines*' shop') echo >'{}'; exec tail -f /dev/null;; esac
exec mariadb-dump \"$@\"",
        reached.display()
    );
    let runs: [&[&str]; 3] = [
        &["db", "copy", "x", "--from", "main"],
        &["db", "copy", "x", "--from", "main", "--no-snapshot"],
        &["add", "y", "--data", "main"],
    ];
    for args in runs {
        let mut run = dumping(&repo, &server, &waits);
        let said = sandbox.outcome(run.args(args).env("AGENTENV_TIMEOUT", "6")).fails(6);
        // A machine under load may answer late that the server does nothing.
        let is_named = ["did nothing for this command for", "did not answer within"]
            .iter()
            .any(|words| said.stderr.contains(words));
        assert!(is_named, "{}", said.show());
        fs::remove_file(&reached).unwrap();
        assert_eq!(origin(&server, "shop_x"), "x", "{args:?}");
        assert_eq!(databases(&server), before, "{args:?}");
    }
}

/// As that of a developer who changes a table.
#[test]
fn a_copy_waits_for_a_lock_on_its_source() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = with_x_on_host(&sandbox, &server);
    let locked = "case \"$*\" in *--routines*' shop')
  sql 'LOCK TABLES shop.t WRITE; DO SLEEP(12)' >/dev/null 2>&1 &
  until sql 'SHOW PROCESSLIST' | grep -q 'DO SLEEP(12)'; do :; done;; esac
exec mariadb-dump \"$@\"";
    let mut run = dumping(&repo, &server, locked);
    let copy = ["db", "copy", "x", "--from", "main", "--no-snapshot"];
    sandbox.outcome(run.args(copy).env("AGENTENV_TIMEOUT", "4")).ok();
    assert_eq!(origin(&server, "shop_x"), "main");
}

/// The same with the programs of the server's container.
#[test]
fn a_copy_in_a_container_for_which_the_server_does_nothing_is_ended() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::own("--tmpfs=/var/lib/mysql"));
    let repo = project(&sandbox, &server);
    sql(&server, "CREATE DATABASE shop; CREATE TABLE shop.t AS SELECT 'main' AS origin").unwrap();
    let waits = "mkdir -p /usr/local/bin && cat >/usr/local/bin/mariadb-dump <<'END'
#!/bin/sh
case \"$*\" in *--routines*' shop') echo >/tmp/reached; exec tail -f /dev/null;; esac
exec /usr/bin/mariadb-dump \"$@\"
END
chmod +x /usr/local/bin/mariadb-dump";
    server.exec(&["sh", "-c", waits]).unwrap();
    let mut run = repo.command(&["add", "y", "--data", "main"]);
    let said = sandbox.outcome(run.env("AGENTENV_TIMEOUT", "6")).fails(6);
    assert!(said.stderr.contains("AGENTENV_TIMEOUT=60 waits longer"), "{}", said.show());
    server.exec(&["rm", "/tmp/reached"]).unwrap();
    assert_eq!(databases(&server), ["shop"]);
}

#[test]
fn a_copy_for_which_the_server_works_may_take_longer_than_it_may_be_silent() {
    let (sandbox, server) = (Sandbox::new(), MariaDb::take());
    let repo = with_x_on_host(&sandbox, &server);
    // One statement that takes long, and some that come slowly, each as long as what a pipe waits
    // for.
    let slow = "case \"$*\" in *--routines*' shop') echo 'DO SLEEP(5);'
for n in 1 2 3 4 5; do printf 'DO 1; -- %9999s\\n' end; sleep 1; done;; esac
exec mariadb-dump \"$@\"";
    let mut run = dumping(&repo, &server, slow);
    let copy = ["db", "copy", "x", "--from", "main", "--no-snapshot"];
    sandbox.outcome(run.args(copy).env("AGENTENV_TIMEOUT", "3")).ok();
    assert_eq!(origin(&server, "shop_x"), "main");
}
