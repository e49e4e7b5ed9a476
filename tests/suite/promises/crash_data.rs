//! Killed while a template database is made, nothing is left but what is whole.

use crate::common::{Sandbox, servers};

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
    let kind = format!("kind: postgres, from: main, template: {template}");
    sandbox.config().replace("kind: postgres", &kind)
}
