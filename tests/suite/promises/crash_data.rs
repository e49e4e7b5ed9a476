//! Killed while a template database is made, nothing is left but what is whole.

use crate::common::{Sandbox, servers, wait_until};
use std::fs;

/// Points on the way of a template, beside those of a copy.
pub const POINTS: [&str; 2] = ["template-prepared", "template-published"];

/// Points on the way of a spare, and of the `add` that takes it.
pub const SPARES: [&str; 3] = ["spare-filled", "spare-made", "spare-claimed"];

/// Points on the way of a copy on MySQL that replaces nothing: see `services::mysql`.
pub const MYSQL: [&str; 2] = ["mysql-begun", "mysql-filled"];

/// Points on the way of one that replaces a database, and of one to the trash and back: see `services::mysql_copies`.
pub const MYSQL_REPLACES: [&str; 5] =
    ["mysql-complete", "mysql-kept", "mysql-replaced", "mysql-in-trash", "mysql-returned"];

#[test]
fn a_template_that_was_cut_short_leaves_nothing_and_is_made_by_the_next() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let main = format!("{}_main", sandbox.id);
    servers().psql(&format!("CREATE DATABASE {main}"));
    servers().psql_on(&main, "CREATE TABLE t AS SELECT 7 AS n");
    repo.config(&with_template(&sandbox, "{}"));
    repo.agentenv(&["prune"]).ok();
    let before = repo.traces();
    for point in ["copy-filled", POINTS[0], POINTS[1]] {
        for how in ["kill", "error"] {
            repo.agentenv(&["db", "template", "drop"]).ok();
            let struck = repo.struck(&["add", "x"], &format!("{point}:{how}"));
            assert_ne!(struck.code, 0, "{}", struck.show());
            repo.agentenv(&["prune"]).ok();
            repo.leaves_nothing_but(&before, &format!("{how} at {point}"));
            let listed = repo.agentenv(&["db", "template", "list", "--json"]).ok().json();
            let published = usize::from(point == POINTS[1]);
            assert_eq!(listed["templates"].as_array().unwrap().len(), published, "{how} {point}");
            repo.agentenv(&["add", "x"]).ok();
            assert_eq!(servers().psql_on(&format!("{}_x", sandbox.id), "SELECT n FROM t"), "7");
            repo.agentenv(&["remove", "x", "--delete-branch"]).ok();
            repo.agentenv(&["prune"]).ok();
        }
    }
}

#[test]
fn a_template_whose_build_or_mask_was_running_is_never_published() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let (id, main) = (&sandbox.id, format!("{}_main", sandbox.id));
    servers().psql(&format!("CREATE DATABASE {main}"));
    servers().psql_on(&main, "CREATE TABLE slow AS SELECT 0 AS build, 0 AS mask");
    let build = format!(
        "psql -Xqh localhost -p {} -U postgres -d $POSTGRES_DB -c \"UPDATE slow SET build = -1 WHERE pg_sleep(build) IS NOT NULL\"",
        servers().postgres_port
    );
    repo.commit("mask.sql", "UPDATE slow SET mask = -1 WHERE pg_sleep(mask) IS NOT NULL;\n");
    let template = format!("{{ build: ['{build}'], mask: mask.sql }}");
    let at_work = || {
        let store = sandbox.store_id().unwrap();
        servers().psql(&format!(
            "SELECT count(*) FROM pg_stat_activity WHERE starts_with(datname, 'agentenv_{store}') AND query LIKE '%pg_sleep%'"
        ))
    };
    for (what, is_pruned) in [("build", true), ("mask", true), ("build", false), ("mask", false)] {
        if what == "build" {
            let at = if is_pruned { sandbox.config_in_container() } else { sandbox.config() };
            repo.config(&configured(&at, &template));
            repo.agentenv(&["trust", "--yes"]).ok();
            repo.agentenv(&["prune"]).ok();
        }
        let before = repo.traces();
        servers().psql_on(&main, &format!("UPDATE slow SET {what} = 600"));
        let running = repo.start(&["add", "x"]);
        wait_until("its statement runs", || at_work() == "1");
        running.signal("KILL");
        wait_until("it is dead", || is_dead(running.pid()));
        servers().psql_on(&main, &format!("UPDATE slow SET {what} = 0"));
        if is_pruned {
            repo.agentenv(&["prune"]).ok();
            repo.leaves_nothing_but(&before, what);
            assert_eq!(at_work(), "0", "{what}");
        }
        repo.agentenv(&["add", "x"]).ok();
        let made = servers().psql_on(&format!("{id}_x"), "SELECT build, mask FROM slow");
        assert_eq!(made, "-1|-1", "{what}");
        repo.agentenv(&["remove", "x", "--delete-branch"]).ok();
        repo.agentenv(&["db", "template", "drop"]).ok();
        repo.agentenv(&["prune"]).ok();
        repo.leaves_nothing_but(&before, what);
        assert_eq!(at_work(), "0", "{what}");
        // The command of a build outlives the program; its session was ended.
        assert_eq!(running.outcome().code, 137);
    }
}

/// Whether a process was killed for which nobody waited yet.
fn is_dead(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with('Z'))
}

#[test]
fn a_spare_that_was_cut_short_leaves_nothing_and_one_that_was_taken_is_dropped() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    servers().psql(&format!("CREATE DATABASE {}_main", sandbox.id));
    repo.config(&with_template(&sandbox, "{ spares: 1 }"));
    repo.agentenv(&["db", "template", "refresh"]).ok();
    repo.agentenv(&["prune"]).ok();
    let before = repo.traces();
    let spares = || {
        let name = format!("agentenv\\_s\\_{}%", sandbox.store_id().unwrap());
        let sql = format!("SELECT count(*) FROM pg_database WHERE datname LIKE '{name}'");
        servers().psql(&sql)
    };
    let struck = |args: &[&str], fault: String| {
        let struck = repo.struck(args, &fault);
        assert_ne!(struck.code, 0, "{}", struck.show());
        repo.agentenv(&["prune"]).ok();
        repo.leaves_nothing_but(&before, &format!("{args:?}"));
    };
    for how in ["kill", "error"] {
        for point in ["copy-filled", SPARES[0], SPARES[1]] {
            repo.agentenv(&["db", "template", "drop"]).ok();
            repo.agentenv(&["db", "template", "refresh"]).ok();
            struck(&["db", "template", "spare"], format!("{point}:{how}"));
            assert_eq!(spares(), if point == SPARES[1] { "1" } else { "0" }, "{how} {point}");
        }
        repo.agentenv(&["db", "template", "spare"]).ok();
        struck(&["add", "x"], format!("{}:{how}", SPARES[2]));
        assert_eq!(spares(), "0");
    }
}

fn with_template(sandbox: &Sandbox, template: &str) -> String {
    configured(&sandbox.config(), template)
}

fn configured(config: &str, template: &str) -> String {
    config.replace("kind: postgres", &format!("kind: postgres, from: main, template: {template}"))
}
