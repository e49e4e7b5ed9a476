//! `db`: an environment's database, on the real server.

use crate::common::{Outcome, Repo, Sandbox, Talk, hold, servers, wait_until};
use std::io::Write;
use std::process::Stdio;

struct World {
    sandbox: Sandbox,
}

impl World {
    fn new() -> Self {
        World { sandbox: Sandbox::new() }
    }

    /// A project with the main checkout's database, which holds one row, and two environments.
    fn project(&self) -> Repo<'_> {
        self.configured(&self.sandbox.config())
    }

    /// The same with the server's container.
    fn project_in_container(&self) -> Repo<'_> {
        self.configured(&self.sandbox.config_in_container())
    }

    fn configured(&self, config: &str) -> Repo<'_> {
        let repo = self.sandbox.repo("app");
        repo.config(config);
        servers().psql(&format!("CREATE DATABASE {}", self.db("main")));
        servers().psql_on(&self.db("main"), "CREATE TABLE t AS SELECT 'main' AS origin");
        repo.agentenv(&["add", "x", "y"]).ok();
        repo
    }

    fn db(&self, name: &str) -> String {
        format!("{}_{name}", self.sandbox.id)
    }

    fn set(&self, name: &str, origin: &str) {
        let sql = format!("DROP TABLE IF EXISTS t; CREATE TABLE t AS SELECT '{origin}' AS origin");
        servers().psql_on(&self.db(name), &sql);
    }

    fn origin(&self, name: &str) -> String {
        servers().psql_on(&self.db(name), "SELECT string_agg(origin, '+') FROM t")
    }

    fn comment(&self, database: &str) -> String {
        servers().psql(&format!(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{database}'"
        ))
    }
}

fn snapshots(said: &Outcome) -> Vec<String> {
    let listed = said.json()["snapshots"].as_array().unwrap().clone();
    listed.iter().map(|one| one["snapshot"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn psql_talks_to_the_environments_own_database() {
    let world = World::new();
    let repo = world.project_in_container();
    let said =
        repo.agentenv(&["db", "psql", "x", "--", "-At", "-c", "SELECT current_database()"]).ok();
    assert_eq!(said.stdout.trim(), world.db("x"));
    let said = repo.agentenv(&["db", "psql", "x", "-c", "SELECT 'one'", "-c", "SELECT 'two'"]).ok();
    assert!(said.stdout.contains("one") && said.stdout.contains("two"), "{}", said.show());
    repo.agentenv(&["db", "psql", "x", "-c", "no such thing"]).fails(1);

    let mut psql = repo.command(&["db", "psql", "x"]);
    let mut child = psql.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"CREATE TABLE t AS SELECT 'stdin' AS origin;\n").unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
    assert_eq!(world.origin("x"), "stdin");
}

#[test]
fn status_tells_size_sessions_and_what_lies_beside() {
    let world = World::new();
    let repo = world.project();
    repo.agentenv(&["db", "snapshot", "save", "kept", "x"]).ok();
    let session = hold::on(&world.db("x"), "editor", "SELECT 1;");
    let said = repo.agentenv(&["db", "status", "x", "--json"]).ok().json();
    let [one] = said["databases"].as_array().unwrap().clone().try_into().unwrap();
    assert_eq!((&one["database"], &one["kind"]), (&world.db("x").into(), &"postgres".into()));
    assert!(one["bytes"].as_u64().unwrap() > 1_000_000 && one["created"].is_u64(), "{one}");
    assert_eq!(one["sessions"][0]["application"], "editor");
    assert_eq!(one["snapshots"][0]["snapshot"], "kept");
    drop(session);
    let said = repo.agentenv(&["db", "status", "x"]).ok();
    assert!(said.stdout.contains("snapshot  kept, "), "{}", said.show());
    servers().psql(&format!("DROP DATABASE {}", world.db("x")));
    let said = repo.agentenv(&["db", "status", "x"]).ok();
    assert!(said.stdout.contains("missing"), "{}", said.show());
}

#[test]
fn copy_leaves_out_what_it_is_told_to() {
    let world = World::new();
    let repo = world.project_in_container();
    let main = world.db("main");
    servers().psql_on(&main, "CREATE TABLE audit_log AS SELECT 1 AS n");
    let count =
        |table: &str| servers().psql_on(&world.db("x"), &format!("SELECT count(*) FROM {table}"));
    for jobs in [&[][..], &["--jobs", "2"]] {
        let copy = |words: &[&str]| {
            repo.agentenv(&[&["db", "copy", "x", "--no-snapshot"], words, jobs].concat()).ok();
            (count("t"), count("audit_log"))
        };
        let counts = |t: &str, audit: &str| (t.to_owned(), audit.to_owned());
        assert_eq!(copy(&["--exclude-table-data", "audit_*"]), counts("1", "0"));
        assert_eq!(copy(&["--schema-only"]), counts("0", "0"));
        assert_eq!(copy(&[]), counts("1", "1"));
    }
    // Those of other tests go, too.
    let dumps = ["sh", "-c", "ls -d /tmp/agentenv_dump_* 2>/dev/null || true"];
    wait_until("no dump is left", || servers().beside_postgres(&dumps).is_empty());
}

#[test]
fn reset_empties_it_and_nothing_else() {
    let world = World::new();
    let repo = world.project_in_container();
    world.set("x", "x");
    world.set("y", "y");
    let mark = world.comment(&world.db("x"));
    repo.agentenv(&["db", "snapshot", "save", "kept", "x"]).ok();

    let user = Talk::with(&world.db("x"), "SELECT 'here';");
    let said = repo.agentenv(&["db", "reset", "x"]).fails(7);
    assert!(
        said.stderr.contains("psql (pid") && said.stderr.contains("--force"),
        "{}",
        said.show()
    );
    assert_eq!(world.origin("x"), "x");
    let said = repo.agentenv(&["db", "reset", "x", "--force"]).ok();
    assert!(said.stderr.contains("snapshot restore before-reset-1 x"), "{}", said.show());
    drop(user);
    assert_eq!(
        servers()
            .psql_on(&world.db("x"), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"),
        "0"
    );
    assert_eq!((world.comment(&world.db("x")), world.origin("y")), (mark, "y".to_owned()));
    assert_eq!(
        snapshots(&repo.agentenv(&["db", "snapshot", "list", "x", "--json"]).ok()),
        ["before-reset-1", "kept"]
    );
    let restored = repo.agentenv(&["db", "snapshot", "restore", "before-reset-1", "x"]).ok();
    assert_eq!(world.origin("x"), "x", "{}", restored.show());

    let next = format!("{}__before_reset_2", world.db("x"));
    servers().psql(&format!("CREATE DATABASE {next}"));
    let said = repo.agentenv(&["db", "reset", "x"]).fails(7);
    assert!(said.stderr.contains(&format!("drop or rename database `{next}`")), "{}", said.show());
    assert_eq!((world.origin("x"), world.comment(&next)), ("x".to_owned(), String::new()));

    servers().psql(&format!("COMMENT ON DATABASE {} IS 'mine'", world.db("y")));
    repo.agentenv(&["db", "reset", "y", "--force"]).fails(7);
    repo.agentenv(&["db", "copy", "y", "--force"]).fails(7);
    assert_eq!(world.origin("y"), "y");
}

#[test]
fn a_reset_that_is_killed_leaves_the_old_or_the_new_database() {
    let world = World::new();
    let repo = world.project();
    world.set("x", "x");
    repo.killed(&["db", "reset", "x"], "copy-filled");
    assert_eq!(world.origin("x"), "x");
    for _ in 0..4 {
        repo.agentenv(&["db", "reset", "x"]).ok();
    }
    let listed = snapshots(&repo.agentenv(&["db", "snapshot", "list", "x", "--json"]).ok());
    assert_eq!(listed, ["before-reset-2", "before-reset-3", "before-reset-4"]);
    repo.agentenv(&["remove", "x", "y"]).ok();
    assert_eq!(world.sandbox.databases(), [world.db("main")], "nothing is left over");
}

#[test]
fn what_a_killed_copy_left_is_pruned_and_what_a_running_one_makes_is_not() {
    let world = World::new();
    let repo = world.project();
    world.set("x", "x");
    let of_lease = |name: &str| {
        let mark = world.comment(&world.db(name));
        let mark = mark.lines().next().unwrap().to_owned();
        (format!("agentenv_{}", mark.strip_prefix("git-agentenv ").unwrap()), mark)
    };
    let ((left, mark), (other, _)) = (of_lease("x"), of_lease("y"));
    let begun = |prefix: &str| {
        let all = servers().databases();
        all.into_iter().filter(|name| name.starts_with(prefix)).collect::<Vec<_>>()
    };
    repo.killed(&["db", "copy", "x"], "copy-filled");
    // A kill after the new database has its name leaves the old one.
    let old = format!("{left}_0a_old");
    let digits = format!("encode('{old}', 'hex')");
    servers().psql(&format!("CREATE DATABASE {old}"));
    let comment = format!("'{mark} old of {}' || E'\\n' || {digits}", world.db("x"));
    servers().psql(&format!(
        "SELECT format('COMMENT ON DATABASE %I IS %L', '{old}', {comment}) \\gexec"
    ));
    repo.agentenv(&["db", "snapshot", "save", "old", "x"]).ok();
    let running = repo.hanging(&["db", "copy", "y"], "copy-filled");
    assert_eq!((begun(&left).len(), begun(&other).len()), (2, 1));

    let would = repo.agentenv(&["prune", "--dry-run", "--json"]).ok().json();
    assert_eq!((would["pruned"].as_array().unwrap().len(), begun(&left).len()), (2, 2));
    let said = repo.agentenv(&["prune"]).ok();
    assert!(said.stderr.contains("an interrupted command of `x` left it"), "{}", said.show());
    assert!(said.stdout.contains(&format!("released postgres {old}\n")), "{}", said.show());
    assert_eq!((begun(&left).len(), begun(&other).len()), (0, 1));
    assert_eq!(world.origin("x"), "x");
    assert!(world.sandbox.databases().contains(&world.db("x__old")));
    running.signal("KILL");
    running.outcome();
    repo.agentenv(&["prune"]).ok();
    assert_eq!(begun(&other), [""; 0]);
}

#[test]
fn a_copy_that_is_interrupted_leaves_nothing_at_work() {
    let world = World::new();
    let repo = world.project_in_container();
    let main = world.db("main");
    world.set("x", "x");
    let user = Talk::with(&main, "BEGIN; LOCK TABLE t; SELECT 'here';");
    let copy = repo.start(&["db", "copy", "x"]);
    let dumps = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{main}' AND application_name <> 'psql'"
    );
    wait_until("the dump waits for the table", || servers().psql(&dumps) == "1");
    copy.signal("INT");
    copy.outcome().fails(130);
    let id = world.comment(&world.db("x")).split([' ', '\n']).nth(1).unwrap().to_owned();
    let left = format!("SELECT count(*) FROM pg_database WHERE datname LIKE 'agentenv_{id}%'");
    assert_eq!((servers().psql(&left), world.origin("x")), ("0".to_owned(), "x".to_owned()));
    wait_until("the dump has ended", || servers().psql(&dumps) == "0");
    drop(user);
}

#[test]
fn a_database_that_a_killed_command_still_creates_never_appears() {
    let world = World::new();
    let repo = world.project_in_container();
    let main = world.db("main");
    // What copies the files of this database waits.
    let hold = format!("BEGIN; COMMENT ON DATABASE {main} IS 'held'; SELECT 'here';");
    let user = Talk::with("postgres", &hold);
    let creating = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE DATABASE %{main}%' AND state = 'active'"
    );
    let at_work = || wait_until("the server creates", || servers().psql(&creating) == "1");
    let copy = repo.start(&["db", "copy", "x"]);
    at_work();
    copy.signal("KILL");
    copy.outcome();
    let said = repo.agentenv(&["prune"]).ok();
    assert!(said.stderr.contains("an interrupted command of `x` left it"), "{}", said.show());
    assert_eq!(servers().psql(&creating), "0");

    let add = repo.start(&["add", "z", "--data", "main"]);
    at_work();
    add.signal("INT");
    add.outcome().fails(130);
    assert_eq!(servers().psql(&creating), "0");
    drop(user);
    let store = world.comment(&world.db("x")).split(' ').nth(1).unwrap()[..8].to_owned();
    let left = format!("SELECT count(*) FROM pg_database WHERE datname LIKE 'agentenv_{store}%'");
    assert_eq!(servers().psql(&left), "0");
}

#[test]
fn a_missing_database_is_made_again_and_costs_no_snapshot() {
    let world = World::new();
    let repo = world.project();
    for _ in 0..3 {
        repo.agentenv(&["db", "reset", "x"]).ok();
    }
    let listed = || snapshots(&repo.agentenv(&["db", "snapshot", "list", "x", "--json"]).ok());
    let before = listed();
    servers().psql(&format!("DROP DATABASE {}", world.db("x")));
    let reset = repo.agentenv(&["db", "reset", "x", "--json"]).ok().json();
    assert!(reset["snapshot"].is_null());
    assert_eq!((listed(), before.len()), (before, 3));
}

#[test]
fn copy_takes_the_main_checkouts_or_another_environments() {
    let world = World::new();
    let repo = world.project_in_container();
    let mark = world.comment(&world.db("x"));
    let said = repo.agentenv(&["db", "copy", "x", "--json"]).ok().json();
    assert_eq!(
        (said["means"].as_str(), said["from"].as_str()),
        (Some("template"), Some(&*world.db("main")))
    );
    assert_eq!((world.origin("x"), world.comment(&world.db("x"))), ("main".to_owned(), mark));

    world.set("x", "x");
    let y = world.sandbox.root.join("app-y");
    world.sandbox.agentenv_in(&y, &["db", "copy", "--from", "x"]).ok();
    assert_eq!((world.origin("y"), world.origin("x")), ("x".to_owned(), "x".to_owned()));
    let said = world.sandbox.agentenv_in(&y, &["db", "copy", "--from", "nobody"]).fails(4);
    assert!(said.stderr.contains("no environment and no snapshot `nobody`"), "{}", said.show());
    assert_eq!(world.origin("y"), "x");
    repo.agentenv(&["db", "snapshot", "save", "one", "x"]).ok();
    for from in ["x:one", "one"] {
        world.set("y", "y");
        repo.agentenv(&["db", "copy", "y", "--no-snapshot", "--from", from]).ok();
        assert_eq!(world.origin("y"), "x", "{from}");
    }
    repo.agentenv(&["db", "snapshot", "delete", "one", "x"]).ok();
    let said = repo.agentenv(&["db", "copy", "y", "--no-snapshot", "--json"]).ok().json();
    assert!(said["snapshot"].is_null());
    assert_eq!(
        world.sandbox.databases(),
        ["main", "x", "x__before_copy_1", "y", "y__before_copy_1"].map(|name| world.db(name)),
        "only the old content is kept"
    );
}

#[test]
fn a_source_in_use_is_copied_and_its_sessions_stay() {
    let world = World::new();
    let repo = world.project();
    let mut user = Talk::with(&world.db("main"), "BEGIN; SELECT 'here';");
    let said = repo.agentenv(&["db", "copy", "x", "--json"]).ok().json();
    assert_eq!(said["means"], "dump");
    assert_eq!(world.origin("x"), "main");
    user.say("INSERT INTO t VALUES ('still'); COMMIT;");
    drop(user);
    assert_eq!(world.origin("main"), "main+still", "its transaction was not ended");
    repo.agentenv(&["remove", "x"]).ok();
}

#[test]
fn a_copy_that_fails_leaves_what_was_there() {
    let world = World::new();
    let repo = world.project_in_container();
    world.set("x", "x");
    let user = Talk::with(&world.db("x"), "SELECT 'here';");
    let said = repo.agentenv(&["db", "copy", "x"]).fails(7);
    assert!(said.stderr.contains("in use by psql"), "{}", said.show());
    assert_eq!(world.origin("x"), "x");
    repo.agentenv(&["db", "copy", "x", "--force"]).ok();
    assert_eq!(world.origin("x"), "main");
    drop(user);

    servers().psql(&format!("DROP DATABASE {}", world.db("main")));
    let said = repo.agentenv(&["db", "copy", "x"]).fails(4);
    assert!(said.stderr.contains(&world.db("main")), "{}", said.show());
    // Data that cannot be read in again: a constraint that came after it.
    servers().psql_on(
        &world.db("y"),
        "CREATE FUNCTION fine() RETURNS boolean LANGUAGE sql AS 'SELECT true';
         CREATE TABLE odd (n int CHECK (fine()));
         INSERT INTO odd VALUES (1);
         CREATE OR REPLACE FUNCTION fine() RETURNS boolean LANGUAGE sql AS 'SELECT false'",
    );
    let _user = Talk::with(&world.db("y"), "SELECT 'here';");
    let said = repo.agentenv(&["db", "copy", "x", "--from", "y"]).fails(6);
    assert!(said.stderr.contains("violates check constraint"), "{}", said.show());
    assert_eq!(world.origin("x"), "main");
    repo.agentenv(&["remove", "x"]).ok();
    assert_eq!(world.sandbox.databases(), [world.db("y")]);
}

#[test]
fn a_dump_that_breaks_off_is_no_copy() {
    let world = World::new();
    let repo = world.project();
    world.set("x", "x");
    let break_it =
        "CREATE SCHEMA s; CREATE TABLE s.t (n int); DELETE FROM pg_namespace WHERE nspname = 's'";
    servers().psql_on(&world.db("main"), break_it);
    let _user = Talk::with(&world.db("main"), "SELECT 'here';");
    let said = repo.agentenv(&["db", "copy", "x"]).fails(6);
    assert!(said.stderr.contains("pg_dump: error"), "{}", said.show());
    assert_eq!(world.origin("x"), "x");
}

#[test]
fn a_source_whose_owner_the_copy_could_not_have_is_refused() {
    let world = World::new();
    let (role, main) = (world.db("role"), world.db("main"));
    servers().psql(&format!("CREATE ROLE {role} LOGIN CREATEDB; "));
    servers().psql(&format!("CREATE DATABASE {main}"));
    servers().psql_on(
        &main,
        &format!("CREATE TABLE t AS SELECT 'main' AS origin; ALTER TABLE t OWNER TO {role}"),
    );
    let repo = world.sandbox.repo("app");
    let user = format!("kind: postgres, user: {role}");
    repo.config(&world.sandbox.config().replace("kind: postgres", &user));
    repo.agentenv(&["add", "x"]).ok();
    let said = repo.agentenv(&["db", "copy", "x"]);
    repo.agentenv(&["remove", "x"]).ok();
    servers().psql(&format!("DROP DATABASE {main} WITH (FORCE)"));
    servers().psql(&format!("DROP ROLE {role}"));
    let said = said.fails(7);
    assert!(said.stderr.contains("is not a member of postgres"), "{}", said.show());
    assert!(said.stderr.contains("hint: run `GRANT postgres TO"), "{}", said.show());
}

#[test]
fn snapshots_come_back_and_go_with_the_environment() {
    let world = World::new();
    let repo = world.project_in_container();
    let x = world.sandbox.root.join("app-x");
    let db = |args: &[&str]| world.sandbox.agentenv_in(&x, &[&["db", "snapshot"], args].concat());
    world.set("x", "first");
    let mark = world.comment(&world.db("x"));
    db(&["save", "one"]).ok();
    world.set("x", "second");
    let said = db(&["save", "one"]).fails(7);
    assert!(said.stderr.contains("--force"), "{}", said.show());
    db(&["save", "two-b"]).ok();
    assert_eq!(snapshots(&db(&["list", "--json"]).ok()), ["one", "two-b"]);

    world.set("x", "present");
    let restored = db(&["restore", "one"]).ok();
    let back = "git agentenv db snapshot restore before-restore-1 x";
    assert!(restored.stderr.contains(back), "{}", restored.show());
    assert_eq!((world.origin("x"), world.comment(&world.db("x"))), ("first".to_owned(), mark));
    let restored = db(&["restore", "before-restore-1", "--json"]).ok().json();
    assert_eq!(restored["kept"], "before-restore-2");
    assert_eq!(world.origin("x"), "present");
    db(&["restore", "two-b", "--no-snapshot"]).ok();
    assert_eq!(world.origin("x"), "second");
    db(&["save", "one", "--force"]).ok();
    db(&["restore", "one"]).ok();
    assert_eq!(world.origin("x"), "second");
    // The oldest of three goes, but not while it is what is restored.
    db(&["restore", "before-restore-1"]).ok();
    let of_restores =
        ["before-restore-1", "before-restore-2", "before-restore-3", "before-restore-4"];
    let kept = snapshots(&db(&["list", "--json"]).ok());
    assert_eq!(kept[..4], of_restores);
    of_restores.iter().for_each(|name| drop(db(&["delete", name]).ok()));
    for (args, code) in [
        (["restore", "none"], 4),
        (["delete", "none"], 4),
        (["save", "../x"], 2),
        (["save", "A"], 2),
    ] {
        db(&args).fails(code);
    }

    db(&["delete", "two-b"]).ok();
    assert_eq!(snapshots(&db(&["list", "--json"]).ok()), ["one"]);
    assert!(snapshots(&repo.agentenv(&["db", "snapshot", "list", "y", "--json"]).ok()).is_empty());
    repo.agentenv(&["db", "snapshot", "save", "one", "y"]).ok();
    repo.agentenv(&["prune"]).ok();
    assert_eq!(snapshots(&db(&["list", "--json"]).ok()), ["one"], "prune knows whose it is");
    repo.agentenv(&["remove", "x"]).ok();
    let left = world.sandbox.databases();
    assert_eq!(left, ["main", "y", "y__one"].map(|name| world.db(name)));
}

#[test]
fn snapshots_whose_record_was_lost_are_pruned() {
    let world = World::new();
    let repo = world.project();
    repo.agentenv(&["db", "snapshot", "save", "one", "x"]).ok();
    world.sandbox.lose_leases();
    // While the worktrees stand, their databases are in use, with or without a record.
    let before = world.sandbox.databases();
    repo.agentenv(&["prune"]).fails(8);
    assert_eq!(world.sandbox.databases(), before);
    for name in ["x", "y"] {
        repo.git(&["worktree", "remove", "--force", &format!("../app-{name}")]);
    }
    repo.agentenv(&["prune"]).ok();
    assert_eq!(world.sandbox.databases(), [world.db("main")]);
}

#[test]
fn environments_without_or_with_several_databases() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["add", "x"]).ok();
    let said = repo.agentenv(&["db", "psql", "x"]).fails(4);
    assert!(said.stderr.contains("SQLite file"), "{}", said.show());

    let two = sandbox.config_in_container().replace(
        "services:\n",
        &format!(
            "services:\n  second: {{ kind: postgres, variable: SECOND_DB, name: \"{}_second_{{name}}\", main: other, container: {}, port: {} }}\n",
            sandbox.id, servers().postgres, servers().postgres_port
        ),
    );
    repo.config(&two);
    repo.agentenv(&["add", "y"]).ok();
    let said = repo.agentenv(&["db", "reset", "y"]).fails(2);
    assert!(
        said.stderr.contains("`second`") && said.stderr.contains("`postgres`"),
        "{}",
        said.show()
    );
    repo.agentenv(&["db", "reset", "y", "--service", "seccond"]).fails(4);
    let save = ["db", "snapshot", "save", "one", "y", "--service"];
    repo.agentenv(&[&save[..], &["second"]].concat()).ok();
    repo.agentenv(&[&save[..], &["postgres"]].concat()).ok();
    assert_eq!(sandbox.databases().len(), 4);
    repo.agentenv(&["remove", "y"]).ok();
    assert!(sandbox.databases().is_empty());
}
