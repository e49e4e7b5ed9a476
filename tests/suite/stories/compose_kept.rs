//! A server of a compose file that the shared one stands for, although nothing leads the application to its own part there.

use crate::common::Sandbox;

#[test]
fn a_server_whose_part_nothing_carries_is_named_with_the_way_to_keep_it() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("shop");
    let stack = "services:
  web: { image: x, environment: { ConnectionStrings__Default: 'Host=db;Database=shop' } }
  db: { image: 'postgres:16', environment: { POSTGRES_DB: shop } }
";
    repo.commit("compose.yml", stack);
    repo.commit("README.md", "Set POSTGRES_DB.\n");
    let config =
        |keep: &str| format!("{}compose: {{ file: compose.yml{keep} }}\n", sandbox.config());
    repo.config(&config(""));
    let warning = "compose.agentenv.yaml: the shared server stands for `db`";
    let said = repo.agentenv(&["add", "red"]).ok();
    assert!(said.stderr.contains(warning), "{}", said.show());
    assert!(said.stderr.contains("keep: [db]"), "{}", said.show());

    repo.config(&config(", keep: [db]"));
    let said = repo.agentenv(&["add", "kept"]).ok();
    assert!(!said.stderr.contains(warning), "{}", said.show());

    // Code that reads the variable leads the application to its own.
    repo.config(&config(""));
    repo.commit("app.cs", "Environment.GetEnvironmentVariable(\"POSTGRES_DB\")\n");
    let said = repo.agentenv(&["add", "blue"]).ok();
    assert!(!said.stderr.contains(warning), "{}", said.show());
}
