//! Copies of a hostile database: alike in everything that the server's catalogues hold, on every way.

use crate::common::hold;
use crate::common::{Repo, Sandbox, servers, wait_until};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// A project whose main checkout's database has one of everything that a copy can lose.
struct World {
    sandbox: Sandbox,
}

impl World {
    fn new() -> Self {
        let sandbox = Sandbox::wide(2);
        servers()
            .psql(&include_str!("../common/hostile_database.sql").replace("{id}", &sandbox.id));
        World { sandbox }
    }

    /// The project, with this as `from`.
    fn project(&self, name: &str, from: &str) -> Repo<'_> {
        let repo = self.sandbox.repo(name);
        let kind = format!("kind: postgres, from: {from}");
        repo.config(&self.sandbox.config_in_container().replace("kind: postgres", &kind));
        repo.agentenv(&["prune"]).ok();
        repo
    }

    fn db(&self, name: &str) -> String {
        format!("{}_{name}", self.sandbox.id)
    }

    /// Everything that a dump of the main checkout's database holds, also in a file of this name and format.
    fn dumped(&self, name: &str, format: &str) -> PathBuf {
        let inside = format!("/tmp/{}_{name}", self.sandbox.id);
        let file = self.sandbox.root.join(name);
        servers().beside_postgres(&[
            "pg_dump",
            "-Upostgres",
            "-f",
            &inside,
            format,
            "-d",
            &self.db("main"),
        ]);
        let from = format!("{}:{inside}", servers().postgres);
        let copied = Command::new("docker").args(["cp", &from]).arg(&file).output().unwrap();
        servers().beside_postgres(&["rm", "-r", &inside]);
        assert!(copied.status.success() || file.exists(), "{copied:?}");
        file
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let id = &self.sandbox.id;
        servers().psql(&format!(
            "SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database WHERE starts_with(datname, '{id}') \\gexec
             SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE starts_with(rolname, '{id}') \\gexec"
        ));
    }
}

/// What a dump says of a database, without the words that differ from dump to dump.
fn content(database: &str) -> String {
    without_marks(&servers().beside_postgres(&["pg_dump", "-Upostgres", "-d", database]))
}

/// A dump without the words that differ from dump to dump.
pub(super) fn without_marks(dump: &str) -> String {
    let lines = dump
        .lines()
        .filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
    lines.collect::<Vec<_>>().join("\n")
}

/// What no dump of a database says: its properties, privileges and settings.
pub(super) const PROPERTIES: &str =
    "SELECT pg_get_userbyid(datdba), to_jsonb(d) - ARRAY['oid', 'datname', 'datfrozenxid', 'datminmxid', 'datacl'],
     (SELECT array_agg(acl ORDER BY acl::text) FROM unnest(datacl) acl)
     FROM pg_database d WHERE datname = '{database}';
     SELECT pg_get_userbyid(setrole), setconfig FROM pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase
     WHERE datname = '{database}' ORDER BY 1";

fn properties(database: &str) -> String {
    servers().psql(&PROPERTIES.replace("{database}", database))
}

#[track_caller]
fn alike(one: &str, other: &str) {
    assert_eq!(properties(one), properties(other));
    assert_eq!(content(one), content(other));
}

#[test]
fn add_copies_an_idle_source_and_one_in_use_faithfully() {
    let world = World::new();
    let repo = world.project("app", "main");
    let main = world.db("main");
    let said = repo.agentenv(&["add", "idle", "--json"]).ok();
    assert_eq!(said.json()["services"]["postgres"]["from"], *main);
    alike(&main, &world.db("idle"));

    let user = hold::on(&main, "user", "BEGIN; INSERT INTO person (name) VALUES ('uncommitted');");
    repo.agentenv(&["add", "busy"]).ok();
    let users = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{main}' AND application_name = 'user'"
    );
    assert_eq!(servers().psql(&users), "1", "no session was ended");
    alike(&main, &world.db("busy"));
    drop(user);

    repo.agentenv(&["db", "psql", "idle", "-c", "DELETE FROM person"]).ok();
    repo.agentenv(&["db", "snapshot", "save", "s", "busy"]).ok();
    repo.agentenv(&["db", "copy", "idle"]).ok();
    alike(&main, &world.db("idle"));
    repo.agentenv(&["db", "reset", "busy"]).ok();
    repo.agentenv(&["db", "snapshot", "restore", "s", "busy"]).ok();
    alike(&main, &world.db("busy"));
    repo.agentenv(&["remove", "idle", "busy"]).ok();
    assert_eq!(world.sandbox.databases(), [main]);
}

#[test]
fn every_format_of_a_dump_is_restored() {
    let world = World::new();
    let content_of_main = content(&world.db("main"));
    let plain = world.dumped("plain.sql", "-Fp");
    let zipped = Command::new("gzip").arg("-k").arg(&plain).status().unwrap();
    assert!(zipped.success());
    world.dumped("custom", "-Fc");
    world.dumped("directory", "-Fd");
    for dump in ["plain.sql", "plain.sql.gz", "custom", "directory"] {
        let repo = world.project(&format!("for-{dump}"), &format!("{{ dump: ../{dump} }}"));
        repo.agentenv(&["add", "x"]).ok();
        assert_eq!(content(&world.db("x")), content_of_main, "{dump}");
        repo.agentenv(&["remove", "x"]).ok();
    }
}

#[test]
fn a_dump_that_cannot_be_carried_is_named_and_nothing_is_left() {
    let world = World::new();
    let custom = world.dumped("custom", "-Fc");
    let bytes = fs::read(&custom).unwrap();
    fs::write(&custom, &bytes[..bytes.len() - 900]).unwrap();
    let plain = world.dumped("plain.sql", "-Fp");
    let text = fs::read_to_string(&plain).unwrap();
    let in_a_table = text.find("COPY public.person").unwrap() + 120;
    let gzip = world.sandbox.root.join("cut.sql.gz");
    Command::new("gzip").arg("-k").arg(&plain).status().unwrap();
    let packed = fs::read(plain.with_extension("sql.gz")).unwrap();
    fs::write(&gzip, &packed[..packed.len() - 20]).unwrap();
    let with = |name: &str, text: &str| fs::write(world.sandbox.root.join(name), text).unwrap();
    with("role.sql", "CREATE TABLE t ();\nALTER TABLE t OWNER TO nobody_at_all;\n");
    with("extension.sql", "CREATE EXTENSION no_such_extension;\n");
    with(
        "connects.sql",
        &format!(
            "CREATE TABLE t ();\n\\connect {}\nDROP TABLE public.child CASCADE;\n",
            world.db("main")
        ),
    );
    with(
        "sneaks.sql",
        &format!("SELECT 1; \\connect {}\nDROP TABLE public.child;\n", world.db("main")),
    );
    let touched = format!("/tmp/{}_touched", world.sandbox.id);
    with("shell.sql", &format!("CREATE TABLE t ();\n\\! touch {touched}\n"));
    with("cut.sql", &text[..in_a_table]);
    let before = properties(&world.db("main")) + &content(&world.db("main"));
    for (dump, named) in [
        ("role.sql", "role \"nobody_at_all\" does not exist"),
        ("extension.sql", "extension \"no_such_extension\" is not available"),
        ("connects.sql", "connects to a database of its own"),
        ("sneaks.sql", "backslash commands are restricted"),
        ("shell.sql", "backslash commands are restricted"),
        ("cut.sql.gz", "cut.sql.gz: error: it cannot be read to its end"),
        ("custom", "cannot restore"),
        ("none", "no dump "),
    ] {
        let repo = world.project(&format!("for-{dump}"), &format!("{{ dump: ../{dump} }}"));
        let before_add = repo.traces();
        let said = repo.agentenv(&["add", "x"]);
        assert!(said.code != 0 && said.stderr.contains(named), "{dump}: {}", said.show());
        repo.leaves_nothing_but(&before_add, dump);
    }
    assert_eq!(properties(&world.db("main")) + &content(&world.db("main")), before);
    let said = servers().beside_postgres(&["sh", "-c", &format!("test -e {touched} || echo none")]);
    assert_eq!(said.trim(), "none");
}

#[test]
fn a_role_that_the_user_may_not_use_is_named_before_anything_is_made() {
    let world = World::new();
    let id = &world.sandbox.id;
    servers().psql(&format!(
        "CREATE ROLE {id}_poor LOGIN CREATEDB; GRANT CONNECT ON DATABASE {id}_main TO {id}_poor"
    ));
    let repo = world.project("app", &format!("main, user: {id}_poor"));
    let before = repo.traces();
    let said = repo.agentenv(&["add", "x"]).fails(7);
    let roles = format!("is not a member of \"{id} owner\", {id}_reader");
    assert!(said.stderr.contains(&roles) && said.stderr.contains("GRANT"), "{}", said.show());
    repo.leaves_nothing_but(&before, "refused");
}

#[test]
fn data_names_a_source_for_one_environment() {
    let world = World::new();
    let repo = world.project("app", "main");
    let is_empty = |name: &str| {
        servers().psql_on(&world.db(name), "SELECT to_regclass('public.person') IS NULL") == "t"
    };
    repo.agentenv(&["add", "empty", "--data", "empty"]).ok();
    assert!(is_empty("empty"));
    repo.agentenv(&["add", "full"]).ok();
    repo.agentenv(&["db", "psql", "full", "-c", "CREATE TABLE public.full ()"]).ok();
    repo.agentenv(&["add", "other", "--data", "full"]).ok();
    alike(&world.db("full"), &world.db("other"));
    repo.agentenv(&["db", "snapshot", "save", "kept", "full"]).ok();
    repo.agentenv(&["db", "reset", "full"]).ok();
    for (name, data) in [("by-name", "kept"), ("of-full", "full:kept")] {
        repo.agentenv(&["add", name, "--data", data]).ok();
        alike(&world.db("other"), &world.db(&name.replace('-', "_")));
    }
    repo.agentenv(&["db", "snapshot", "save", "kept", "other"]).ok();
    let said = repo.agentenv(&["add", "x", "--data", "kept"]).fails(2);
    assert!(said.stderr.contains("`full:kept`, `other:kept`"), "{}", said.show());
    let said = repo.agentenv(&["add", "x", "--data", "nothing"]).fails(4);
    assert!(said.stderr.contains("no environment and no snapshot `nothing`"), "{}", said.show());
}

/// What a dump leaves out of what is in a database.
fn versions(database: &str) -> String {
    let sql = "SELECT extname, extversion, nspname FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace ORDER BY 1;
        SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1";
    servers().psql_on(database, sql)
}

#[test]
fn a_source_in_use_gives_what_the_idle_one_gives() {
    let world = World::new();
    let main = world.db("bare");
    servers().psql(&format!("CREATE DATABASE {main}"));
    servers().psql(&format!("ALTER DATABASE {main} SET app.tenant TO 'seven'"));
    servers().psql(&format!("ALTER DATABASE {main} SET default_transaction_read_only TO on"));
    for name in ["lock_timeout", "idle_in_transaction_session_timeout"] {
        servers().psql(&format!("ALTER DATABASE {main} SET {name} TO '1ms'"));
    }
    servers().psql_on(
        &main,
        "SET default_transaction_read_only TO off; SET lock_timeout TO 0;
         DROP SCHEMA public; DROP EXTENSION plpgsql; CREATE SCHEMA \"e xt\";
         CREATE EXTENSION citext SCHEMA \"e xt\" VERSION '1.4'; CREATE EXTENSION \"uuid-ossp\" SCHEMA \"e xt\";
         CREATE TABLE \"e xt\".t AS SELECT 'CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA \"e xt\";' AS text;
         CREATE MATERIALIZED VIEW \"e xt\".tenant AS SELECT current_setting('app.tenant') AS tenant",
    );
    let repo = world.project("app", &main);
    repo.agentenv(&["add", "idle"]).ok();
    alike(&main, &world.db("idle"));
    assert_eq!(versions(&main), versions(&world.db("idle")));
    let in_use = "SET idle_in_transaction_session_timeout TO 0; BEGIN; SELECT 1;";
    let _user = hold::on(&main, "user", in_use);
    let _other = hold::on(&world.db("idle"), "other", in_use);
    repo.agentenv(&["add", "busy"]).ok();
    let jobs: [&[&str]; 3] = [&[], &["--jobs", "2"], &["--schema-only"]];
    for how in jobs {
        alike(&main, &world.db("busy"));
        assert_eq!(versions(&main), versions(&world.db("busy")), "{how:?}");
        repo.agentenv(&[&["db", "copy", "busy", "--from", "idle", "--no-snapshot"], how].concat())
            .ok();
    }
    assert_eq!(versions(&main), versions(&world.db("busy")), "schema only");
}

#[test]
fn a_setting_that_the_user_may_not_give_is_named_before_anything_is_made() {
    let world = World::new();
    let (id, main) = (&world.sandbox.id, world.db("poor"));
    servers().psql(&format!(
        "CREATE ROLE {id}_poor LOGIN CREATEDB; CREATE DATABASE {main} OWNER {id}_poor;
         ALTER DATABASE {main} SET work_mem TO '7MB'; ALTER DATABASE {main} SET role TO {id}_poor"
    ));
    let repo = world.project("app", &format!("{main}, user: {id}_poor"));
    repo.agentenv(&["add", "x"]).ok();
    alike(&main, &world.db("x"));
    let held = hold::on(&main, "user", "BEGIN; SELECT 1;");
    repo.agentenv(&["add", "w"]).ok();
    drop(held);
    servers().psql(&format!(
        "ALTER DATABASE {main} SET session_preload_libraries TO ''; ALTER DATABASE {main} SET app.tenant TO 'seven';
         ALTER DATABASE {main} SET log_min_duration_statement TO '1s';
         ALTER ROLE {id}_reader IN DATABASE {main} SET work_mem TO '8MB';
         ALTER ROLE {id}_poor IN DATABASE {main} SET work_mem TO '9MB'"
    ));
    let before = repo.traces();
    let said = repo.agentenv(&["add", "y"]).fails(7);
    let settings = format!(
        "user `{id}_poor` may not give its settings: app.tenant, log_min_duration_statement, session_preload_libraries, work_mem of role {id}_reader"
    );
    assert!(said.stderr.contains(&settings), "{}", said.show());
    repo.leaves_nothing_but(&before, "refused");
}

/// The processes in the container that copy this database by a dump.
fn dumping(source: &str) -> Vec<String> {
    let script = "grep -l \"AGENTENV_SOURCE=$1\" /proc/[0-9]*/environ 2>/dev/null || true";
    let files = servers().beside_postgres(&["sh", "-c", script, "sh", source]);
    let pids = files.lines().filter_map(|file| file.split('/').nth(2));
    pids.map(str::to_owned).collect()
}

/// Whether there is the directory of the dump that this process began.
fn has_directory(pid: &str) -> bool {
    let script = "[ ! -d /tmp/agentenv_dump_$1 ] || echo yes";
    servers().beside_postgres(&["sh", "-c", script, "sh", pid]) == "yes"
}

/// Whether a program dumps this database in the container.
fn is_dumped(source: &str) -> bool {
    let script = "for pid in $*; do grep ^pg_dump /proc/$pid/cmdline && echo; done 2>/dev/null; :";
    let pids = dumping(source);
    let args = ["sh", "-c", script, "sh"].into_iter().chain(pids.iter().map(String::as_str));
    !servers().beside_postgres(&args.collect::<Vec<_>>()).is_empty()
}

#[test]
fn a_dump_by_several_processes_leaves_no_directory_whatever_is_killed() {
    let world = World::new();
    let main = world.db("main");
    let repo = world.project("app", "main");
    repo.agentenv(&["add", "x"]).ok();
    let before = repo.traces();
    let copy = ["db", "copy", "x", "--jobs", "2", "--no-snapshot"];
    for killed in ["the program", "the shell", "what dumps", "all"] {
        let held = hold::on(&main, "user", "BEGIN; LOCK public.person;");
        let running = repo.start(&copy);
        let mut shell = None;
        wait_until("a dump has its directory", || {
            shell = dumping(&main).into_iter().find(|pid| has_directory(pid));
            shell.is_some() && is_dumped(&main)
        });
        let shell = shell.unwrap();
        let in_container = |script: &str| {
            let pids = dumping(&main);
            let script = format!("main=$1; shift; for pid in $*; do {script}; done 2>/dev/null; :");
            let args = ["sh", "-c", &script, "sh", &shell];
            let pids = pids.iter().map(String::as_str);
            servers().beside_postgres(&args.into_iter().chain(pids).collect::<Vec<_>>());
        };
        match killed {
            "the program" => running.signal("KILL"),
            "the shell" => in_container("[ $pid != $main ] || kill -9 $pid"),
            "what dumps" => in_container("grep -q ^pg_dump /proc/$pid/cmdline && kill -9 $pid"),
            _ => in_container("kill -9 $pid"),
        }
        drop(held);
        assert_ne!(running.outcome().code, 0, "{killed}");
        if killed == "all" {
            assert!(has_directory(&shell), "the container stopped");
            repo.agentenv(&copy).ok();
        }
        wait_until("the directory is gone", || !has_directory(&shell));
        wait_until("nothing is at work", || dumping(&main).is_empty());
        repo.agentenv(&["prune"]).ok();
        repo.leaves_nothing_but(&before, killed);
    }
    alike(&main, &world.db("x"));
}

#[test]
fn without_space_for_a_directory_one_process_copies() {
    let world = World::new();
    let repo = world.sandbox.repo("app");
    repo.config(&world.sandbox.config().replace("kind: postgres", "kind: postgres, from: main"));
    repo.agentenv(&["add", "x"]).ok();
    for place in ["/nonexistent", "/proc"] {
        repo.agentenv(&["db", "reset", "x", "--no-snapshot", "--yes"]).ok();
        let mut copy = repo.command(&["db", "copy", "x", "--jobs", "2", "--no-snapshot", "--yes"]);
        world.sandbox.outcome(copy.env("TMPDIR", place)).ok();
        alike(&world.db("main"), &world.db("x"));
    }
}
