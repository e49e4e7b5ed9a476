//! Killed while a template database is made, nothing is left but what is whole.

use crate::common::{Sandbox, servers};

/// Points on the way of a template, beside those of a copy.
pub const POINTS: [&str; 2] = ["template-prepared", "template-published"];

#[test]
fn a_template_that_was_cut_short_leaves_nothing_and_is_made_by_the_next() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let main = format!("{}_main", sandbox.id);
    servers().psql(&format!("CREATE DATABASE {main}"));
    servers().psql_on(&main, "CREATE TABLE t AS SELECT 7 AS n");
    let template = "kind: postgres, from: main, template: {}";
    repo.config(&sandbox.config().replace("kind: postgres", template));
    repo.agentenv(&["prune"]).ok();
    let before = repo.traces();
    for point in ["copy-filled", POINTS[0], POINTS[1]] {
        for how in ["kill", "error"] {
            repo.agentenv(&["db", "template", "drop"]).ok();
            let mut add = sandbox.command(env!("CARGO_BIN_EXE_git-agentenv"));
            add.args(["add", "x"]).current_dir(&repo.path);
            let struck = sandbox.outcome(add.env("AGENTENV_FAULT", format!("{point}:{how}")));
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
