//! Spares: what the next `add` only renames.

use crate::common::{Repo, Sandbox, hold, servers, wait_until};
use std::collections::HashSet;

/// A project with a template and this many spares, and a row in the main checkout's database.
fn project(sandbox: &Sandbox, spares: u8) -> Repo<'_> {
    let main = format!("{}_main", sandbox.id);
    servers().psql(&format!("CREATE DATABASE {main}"));
    servers().psql_on(&main, "CREATE TABLE t AS SELECT 'first' AS word");
    servers().psql(&format!("ALTER DATABASE {main} SET work_mem TO '7MB'"));
    let repo = sandbox.repo("app");
    let kind = format!("kind: postgres, from: main, template: {{ spares: {spares} }}");
    repo.config(&sandbox.config().replace("kind: postgres", &kind));
    repo
}

/// The ids of the databases that wait.
fn spares(sandbox: &Sandbox) -> Vec<String> {
    let store = sandbox.store_id().unwrap();
    let sql = format!(
        "SELECT oid FROM pg_database WHERE shobj_description(oid, 'pg_database') LIKE 'git-agentenv spare {store} %' ORDER BY 1"
    );
    servers().psql(&sql).lines().map(str::to_owned).collect()
}

fn word(sandbox: &Sandbox, name: &str) -> String {
    servers().psql_on(&format!("{}_{name}", sandbox.id), "SELECT word FROM t")
}

fn oid(sandbox: &Sandbox, name: &str) -> String {
    servers().psql(&format!("SELECT oid FROM pg_database WHERE datname = '{}_{name}'", sandbox.id))
}

#[test]
fn add_takes_the_spare_and_another_process_makes_the_next() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, 1);
    repo.agentenv(&["add", "one"]).ok();
    wait_until("a spare is made", || spares(&sandbox).len() == 1);
    let [spare] = spares(&sandbox).try_into().unwrap();
    repo.agentenv(&["add", "two"]).ok();
    assert_eq!(oid(&sandbox, "two"), spare);
    assert_eq!(word(&sandbox, "two"), "first");
    let setting = servers().psql_on(&format!("{}_two", sandbox.id), "SHOW work_mem");
    assert_eq!(setting, "7MB");
    wait_until("the next is made", || spares(&sandbox).len() == 1);
    assert_ne!(spares(&sandbox), [spare]);

    // As if the process that made a template again had been killed before it dropped what is stale.
    let stale = format!("{}_stale", sandbox.id);
    servers().psql(&format!("CREATE DATABASE {stale}"));
    let store = sandbox.store_id().unwrap();
    servers().psql(&format!("COMMENT ON DATABASE {stale} IS 'git-agentenv spare {store} gone 1'"));
    let said = repo.agentenv(&["doctor", "--json"]).ok().json();
    assert_eq!(
        (&said["templates"]["templates"], &said["templates"]["spares"]),
        (&1.into(), &2.into())
    );
    assert!(said["templates"]["bytes"].as_u64() > Some(3 << 20), "{said:#}");
    assert!(said["findings"].to_string().contains(&stale), "{said:#}");
    let said = repo.agentenv(&["doctor"]).ok();
    assert!(said.stdout.contains("\n1 template, 2 spares, "), "{}", said.show());
    let listed = repo.agentenv(&["db", "template", "list", "--json"]).ok().json();
    assert_eq!(listed["templates"][0]["spares"], 1);
    let would = repo.agentenv(&["prune", "--dry-run"]).ok();
    assert!(would.stdout.contains(&format!("would release spare {stale}: ")), "{}", would.show());
    assert!(sandbox.databases().contains(&stale));
    let pruned = repo.agentenv(&["prune"]).ok();
    assert!(pruned.stdout.contains(&format!("released spare {stale}: ")), "{}", pruned.show());
    assert!(!sandbox.databases().contains(&stale));
    assert_eq!(spares(&sandbox).len(), 1);

    servers().psql_on(&format!("{}_main", sandbox.id), "UPDATE t SET word = 'second'");
    repo.agentenv(&["db", "template", "refresh"]).ok();
    assert!(spares(&sandbox).is_empty(), "a spare of an old template is dropped");
    repo.agentenv(&["add", "three"]).ok();
    assert_eq!(word(&sandbox, "three"), "second");
    wait_until("one more is made", || spares(&sandbox).len() == 1);
    repo.agentenv(&["remove", "one", "two", "three"]).ok();
    assert_eq!(spares(&sandbox).len(), 1);
    repo.agentenv(&["db", "template", "drop"]).ok();
    assert!(spares(&sandbox).is_empty());
}

#[test]
fn no_spare_is_taken_twice() {
    let sandbox = Sandbox::wide(2);
    let repo = project(&sandbox, 2);
    repo.agentenv(&["db", "template", "refresh"]).ok();
    repo.agentenv(&["db", "template", "spare"]).ok();
    let ready = spares(&sandbox);
    assert_eq!(ready.len(), 2);
    let add = |number: usize| repo.start(&["add", &format!("x{number}")]);
    let running: Vec<_> = (0..5).map(add).collect();
    running.into_iter().for_each(|one| drop(one.outcome().ok()));
    let mut oids: Vec<String> = (0..5).map(|number| oid(&sandbox, &format!("x{number}"))).collect();
    assert!(ready.iter().all(|spare| oids.contains(spare)), "{ready:?} {oids:?}");
    assert!((0..5).all(|number| word(&sandbox, &format!("x{number}")) == "first"));
    oids.sort();
    oids.dedup();
    assert_eq!(oids.len(), 5);
    wait_until("there are two again", || spares(&sandbox).len() == 2);
}

#[test]
fn thirty_at_once_get_whole_copies_while_the_template_is_made_again() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, 1);
    let config = std::fs::read_to_string(repo.path.join(".agentenv.yaml")).unwrap();
    let lines = config.lines().filter(|line| !line.contains("kind: redis"));
    repo.config(&lines.map(|line| format!("{line}\n")).collect::<String>());
    repo.agentenv(&["db", "template", "refresh"]).ok();
    repo.agentenv(&["db", "template", "spare"]).ok();
    let [spare] = spares(&sandbox).try_into().unwrap();
    let main = format!("{}_main", sandbox.id);
    servers().psql_on(&main, "INSERT INTO t SELECT 'first' FROM generate_series(2, 5000)");
    servers().psql_on(&main, "UPDATE t SET word = 'second'");
    let writer = hold::on(&main, "writer", "BEGIN; INSERT INTO t VALUES ('unseen');");
    let refresh = repo.start(&["db", "template", "refresh"]);
    let names: Vec<String> = (0..30).map(|number| format!("x{number}")).collect();
    let running: Vec<_> = names.iter().map(|name| repo.start(&["add", name])).collect();
    running.into_iter().for_each(|one| drop(one.outcome().ok()));
    refresh.outcome().ok();
    drop(writer);

    let content = "SELECT DISTINCT word, count(*) OVER () FROM t";
    for name in &names {
        let copy = servers().psql_on(&format!("{}_{name}", sandbox.id), content);
        assert!(["first|1", "second|5000"].contains(&&*copy), "{name}: {copy}");
    }
    let oids: HashSet<String> = names.iter().map(|name| oid(&sandbox, name)).collect();
    assert_eq!(oids.len(), 30);
    wait_until("there is one spare, of the new template", || {
        spares(&sandbox).len() == 1 && spares(&sandbox) != [spare.clone()]
    });
    repo.agentenv(&["add", "last"]).ok();
    assert_eq!(servers().psql_on(&format!("{}_last", sandbox.id), content), "second|5000");
}

#[test]
fn add_waits_for_no_process_that_makes_spares() {
    let sandbox = Sandbox::new();
    let repo = project(&sandbox, 2);
    let config = std::fs::read_to_string(repo.path.join(".agentenv.yaml")).unwrap();
    repo.config(&config.replace("template: {", "template: { key: ['db/*.sql'],"));
    repo.commit("db/1.sql", "one");
    repo.agentenv(&["db", "template", "refresh"]).ok();
    repo.git(&["switch", "--quiet", "--create", "ahead"]);
    repo.commit("db/2.sql", "two");
    repo.git(&["switch", "--quiet", "main"]);
    let making = repo.hanging(&["db", "template", "spare"], "spare-filled");
    let said = repo.agentenv(&["add", "ahead"]).ok();
    assert!(!said.stderr.contains("waiting"), "{}", said.show());
    making.signal("TERM");
    making.outcome();
}

/// The messages of `doctor` about spares that could not be made.
fn failures(repo: &Repo<'_>) -> Vec<String> {
    let said = repo.agentenv(&["doctor", "--json"]).ok().json();
    let findings = said["findings"].as_array().unwrap().iter();
    let failed = findings.filter(|one| one.to_string().contains("no spare copies"));
    let command = format!("git -C {} agentenv db template spare", repo.path.display());
    failed
        .inspect(|one| assert_eq!(one["command"], command))
        .map(|one| one["what"].to_string())
        .collect()
}

#[test]
fn what_keeps_spares_from_being_made_is_on_record_until_they_are() {
    let sandbox = Sandbox::new();
    let (repo, role) = (project(&sandbox, 1), format!("{}_maker", sandbox.id));
    let config = std::fs::read_to_string(repo.path.join(".agentenv.yaml")).unwrap();
    servers().psql(&format!(
        "CREATE ROLE {role} LOGIN CREATEDB; ALTER DATABASE {0}_main RESET work_mem; ALTER DATABASE {0}_main OWNER TO {role}",
        sandbox.id
    ));
    servers().psql_on(&format!("{}_main", sandbox.id), &format!("ALTER TABLE t OWNER TO {role}"));
    repo.config(&config.replace("template:", &format!("user: {role}, template:")));
    // The process that `add` leaves behind fails at the same point.
    repo.struck(&["add", "one"], "spare-filled:error").ok();
    wait_until("the failure is on record", || !failures(&repo).is_empty());
    repo.agentenv(&["db", "template", "spare"]).ok();
    assert!(failures(&repo).is_empty());

    repo.agentenv(&["db", "template", "refresh"]).ok();
    wait_until("no process makes spares", || failures(&repo).is_empty());
    servers().psql(&format!("ALTER ROLE {role} NOCREATEDB"));
    repo.agentenv(&["db", "template", "spare"]).fails(6);
    let [failure] = failures(&repo).try_into().unwrap();
    assert!(failure.contains("permission denied"), "{failure}");
    let status = repo.agentenv(&["db", "status", "one", "--json"]).ok().json();
    let why = status["databases"][0]["spares_failed"]["why"].as_str().unwrap();
    assert!(why.contains("permission denied"), "{status:#}");
    let status = repo.agentenv(&["db", "status", "one"]).ok();
    assert!(status.stdout.contains("\n  spares    none were made "), "{}", status.show());

    repo.agentenv(&["prune"]).ok();
    assert_eq!(failures(&repo).len(), 1, "the service wants them still");
    repo.config(&config.replace("spares: 1", "spares: 0"));
    assert!(failures(&repo).is_empty());
    repo.agentenv(&["prune"]).ok();
    repo.config(&config);
    assert!(failures(&repo).is_empty(), "the record is deleted");
    servers().psql(&format!("ALTER ROLE {role} CREATEDB"));
}
