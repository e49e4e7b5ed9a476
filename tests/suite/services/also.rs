//! Databases that tests make beside an environment's own: they go with it, and no other does.

use crate::common::{Repo, Sandbox, hold, servers};
use git_agentenv::service::{Database, Gone, postgres};

fn project<'a>(sandbox: &'a Sandbox, also: &str) -> Repo<'a> {
    let repo = sandbox.repo("app");
    let kind = format!("kind: postgres, also: {also}");
    repo.config(&sandbox.config().replace("kind: postgres", &kind));
    repo
}

const DJANGO: &str = "[\"test_{POSTGRES_DB}\", \"test_{POSTGRES_DB}_*\"]";

fn create(sandbox: &Sandbox, names: &[&str]) {
    let create = |name: &&str| format!("CREATE DATABASE {};\n", name.replace("ID", &sandbox.id));
    servers().psql(&names.iter().map(create).collect::<String>());
}

/// The databases of the sandbox and of its tests, with `ID` for its word.
fn databases(sandbox: &Sandbox) -> Vec<String> {
    let own = servers().databases().into_iter().filter(|name| name.contains(&sandbox.id));
    let mut names: Vec<String> = own.map(|name| name.replace(&sandbox.id, "ID")).collect();
    names.sort();
    names
}

struct Clean<'a>(&'a Sandbox);

impl Drop for Clean<'_> {
    fn drop(&mut self) {
        let id = &self.0.id;
        servers().psql(&format!(
            "SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database WHERE datname LIKE '%{id}%' \\gexec
             DROP ROLE IF EXISTS {id}_other"
        ));
    }
}

#[test]
fn what_tests_made_goes_with_the_environment_and_nothing_of_another() {
    let sandbox = Sandbox::new();
    let _clean = Clean(&sandbox);
    let repo = project(&sandbox, DJANGO);
    repo.agentenv(&["add", "a", "a-b"]).ok();
    create(
        &sandbox,
        &[
            "test_ID_a",
            "test_ID_a_gw0",
            "test_ID_a_1",
            "test_ID_a_b",
            "test_ID_a_b_gw0",
            "test_ID_ab",
            // The main checkout of another project, and its tests' database.
            "ID_a_main",
            "test_ID_a_main",
            "test_ID_a_marked",
            "test_ID_a_owned",
        ],
    );
    servers().psql(&format!(
        "COMMENT ON DATABASE test_{0}_a_marked IS 'mine'; CREATE ROLE {0}_other; ALTER DATABASE test_{0}_a_owned OWNER TO {0}_other",
        sandbox.id
    ));
    repo.agentenv(&["remove", "a"]).ok();
    let kept = [
        "ID_a_b",
        "ID_a_main",
        "test_ID_a_b",
        "test_ID_a_b_gw0",
        "test_ID_a_main",
        "test_ID_a_marked",
        "test_ID_a_owned",
        "test_ID_ab",
    ];
    assert_eq!(databases(&sandbox), kept);
    repo.agentenv(&["remove", "a-b"]).ok();
    assert_eq!(databases(&sandbox), [kept[1], kept[4], kept[5], kept[6], kept[7]]);
}

#[test]
fn a_session_on_one_of_them_is_named_and_nothing_is_dropped() {
    let sandbox = Sandbox::new();
    let _clean = Clean(&sandbox);
    let repo = project(&sandbox, DJANGO);
    repo.agentenv(&["add", "a"]).ok();
    create(&sandbox, &["test_ID_a", "test_ID_a_gw1"]);
    let session = hold::on(&format!("test_{}_a_gw1", sandbox.id), "pytest", "SELECT 1;");
    let said = repo.agentenv(&["remove", "a"]).fails(7);
    assert!(said.show().contains("test_[ID]_a_gw1: pytest"), "{}", said.show());
    assert_eq!(databases(&sandbox), ["ID_a", "test_ID_a", "test_ID_a_gw1"]);
    let id = sandbox.lease_id();
    // The look right before the deletion finds it as well.
    let mut own = Database::new(&super::postgres_server(), format!("{}_a", sandbox.id));
    own.also = vec![format!("test_{}_a*", sandbox.id)];
    let Gone::Busy(sessions) = postgres::release(&own, &id, false).unwrap() else { panic!() };
    assert_eq!(sessions[0].application, "pytest");
    assert_eq!(databases(&sandbox), ["ID_a", "test_ID_a", "test_ID_a_gw1"]);
    drop(session);
    repo.agentenv(&["remove", "a"]).ok();
    assert!(databases(&sandbox).is_empty());
}

#[test]
fn they_move_to_the_trash_and_come_back_under_the_name_of_their_environment() {
    let sandbox = Sandbox::new();
    let _clean = Clean(&sandbox);
    let repo = project(&sandbox, DJANGO);
    repo.agentenv(&["add", "a"]).ok();
    create(&sandbox, &["test_ID_a", "test_ID_a_gw0"]);
    servers().psql_on(&format!("test_{}_a", sandbox.id), "CREATE TABLE t AS SELECT 7 AS n");
    repo.agentenv(&["remove", "a", "--keep"]).ok();
    assert!(databases(&sandbox).is_empty());
    repo.agentenv(&["restore", "a"]).ok();
    assert_eq!(databases(&sandbox), ["ID_a", "test_ID_a", "test_ID_a_gw0"]);
    assert_eq!(servers().psql_on(&format!("test_{}_a", sandbox.id), "SELECT n FROM t"), "7");
    repo.agentenv(&["remove", "a"]).ok();
    assert!(databases(&sandbox).is_empty());
}

#[test]
fn a_key_that_was_written_later_holds_for_older_environments_and_a_failing_add_drops_nothing() {
    let sandbox = Sandbox::new();
    let _clean = Clean(&sandbox);
    let repo = project(&sandbox, "[]");
    repo.agentenv(&["add", "a"]).ok();
    create(&sandbox, &["ID_a_test", "\"ID_a_test-0\"", "test_ID_b"]);
    let rails = "[\"{POSTGRES_DB}_test\", \"{POSTGRES_DB}_test-*\", \"test_{POSTGRES_DB}\"]";
    let kind = format!("kind: postgres, also: {rails}");
    repo.config(&sandbox.config().replace("kind: postgres", &kind));
    repo.agentenv(&["remove", "a"]).ok();
    assert_eq!(databases(&sandbox), ["test_ID_b"]);
    assert_ne!(repo.struck(&["add", "b"], "database-made:error").code, 0);
    assert_eq!(databases(&sandbox), ["test_ID_b"]);
}
