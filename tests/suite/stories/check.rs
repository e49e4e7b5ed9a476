//! `check` and `run`: a shell that has another environment's variables.

use crate::common::{Outcome, Sandbox, servers};
use std::path::Path;

/// Runs the program with an environment's variables, as a shell has them after `eval`.
fn with_vars(sandbox: &Sandbox, of: &Path, dir: &Path, args: &str) -> Outcome {
    let script = format!("eval \"$(git -C '{}' agentenv env -f shell)\" && {args}", of.display());
    sandbox.outcome(sandbox.command("sh").args(["-c", &script]).current_dir(dir))
}

#[test]
fn variables_of_another_environment_are_found_and_refused() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["add", "x", "y"]).ok();
    let (x, y) = (sandbox.root.join("app-x"), sandbox.root.join("app-y"));

    sandbox.agentenv_in(&x, &["check"]).ok();
    with_vars(&sandbox, &x, &x, "git agentenv check").ok();
    let said = with_vars(&sandbox, &x, &y, "git agentenv check --json").fails(7).json();
    assert_eq!((said["environment"].as_str(), said["ok"].as_bool()), (Some("y"), Some(false)));
    let port =
        said["strays"].as_array().unwrap().iter().find(|stray| stray["variable"] == "DJANGO_PORT");
    assert_eq!(port.unwrap()["belongs_to"], "x");

    let said = with_vars(&sandbox, &x, &y, "git agentenv run -- touch ran").fails(125);
    assert!(
        said.stderr.contains("belongs to `x`") && said.stderr.contains("hint: "),
        "{}",
        said.show()
    );
    assert!(said.stderr.contains("agentenv env y --format shell"), "{}", said.show());
    assert!(!y.join("ran").exists());
    with_vars(&sandbox, &x, &y, "git agentenv run --force -- sh -c 'echo $DJANGO_PORT >ran'").ok();
    let own = sandbox.agentenv_in(&y, &["env", "--json"]).ok().json();
    let ran = std::fs::read_to_string(y.join("ran")).unwrap();
    assert_eq!(Some(ran.trim()), own["variables"]["DJANGO_PORT"].as_str());
}

#[test]
fn a_database_or_index_that_is_missing_renamed_or_anothers_is_found() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config());
    let added = repo.agentenv(&["add", "x", "--json"]).ok().json();
    let index = added["variables"]["REDIS_DB"].as_str().unwrap().parse().unwrap();
    let x = sandbox.root.join("app-x");
    let check = |code: i32| {
        let said = sandbox.agentenv_in(&x, &["check", "--servers", "--json"]).fails(code).json();
        let problem = |part: &serde_json::Value| part["problem"].as_str().unwrap().to_owned();
        said["parts"].as_array().unwrap().iter().map(problem).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(check(0), "");
    let (database, away) = (format!("{}_x", sandbox.id), format!("{}_away", sandbox.id));
    servers().psql(&format!("ALTER DATABASE {database} RENAME TO {away}"));
    servers().redis(index, &["FLUSHDB"]);
    assert_eq!(check(7), format!("was renamed to `{away}`, is missing"));
    let said = sandbox.agentenv_in(&x, &["check", "--servers"]).fails(7);
    assert!(said.stdout.contains(&format!("postgres {database} was renamed")), "{}", said.show());
    assert!(said.stderr.contains("git agentenv doctor"), "{}", said.show());
    // Without the option it asks no server.
    sandbox.agentenv_in(&x, &["check"]).ok();

    let back = format!("ALTER DATABASE \"{away}\" RENAME TO \"{database}\"");
    let doctor = repo.agentenv(&["doctor"]).fails(1);
    assert!(doctor.stdout.contains(&back), "{}", doctor.show());
    let said = sandbox.agentenv_in(&x, &["adopt"]).fails(7);
    assert!(said.stderr.contains(&back), "{}", said.show());
    repo.agentenv(&["prune"]).ok();
    assert_eq!(sandbox.databases(), [away.as_str()]);
    servers().psql(&back);
    sandbox.agentenv_in(&x, &["adopt"]).ok();
    assert_eq!(check(0), "");
    servers().psql(&format!("DROP DATABASE {database}"));
    servers().psql(&format!("CREATE DATABASE {database}"));
    assert_eq!(check(7), "belongs to another now (it has no comment)");
}

#[test]
fn in_the_main_checkout_an_environments_variables_are_strays() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["check"]).ok();
    repo.agentenv(&["add", "x"]).ok();
    let x = sandbox.root.join("app-x");
    let said = with_vars(&sandbox, &x, &repo.path, "git agentenv check").fails(7);
    assert!(said.stdout.contains("DJANGO_PORT") && said.stdout.contains("`x`"), "{}", said.show());
    assert!(said.stderr.contains("open a new shell"), "{}", said.show());
    // From there a command can still be run in the environment whose variables these are.
    with_vars(&sandbox, &x, &repo.path, "git agentenv run x -- touch ran").ok();
    assert!(x.join("ran").exists());
}

#[test]
fn the_main_checkouts_values_are_strays_in_an_environment() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["add", "x"]).ok();
    let x = sandbox.root.join("app-x");
    let main = sandbox.ports().start().to_string();
    let said = |args: &[&str]| {
        let mut command = sandbox.command("git");
        sandbox
            .outcome(command.arg("agentenv").args(args).env("DJANGO_PORT", &main).current_dir(&x))
    };
    let checked = said(&["check", "--json"]).fails(7);
    assert_eq!(
        checked.json()["strays"][0]["belongs_to"],
        "the main checkout",
        "{}",
        checked.show()
    );
    let ran = said(&["run", "--", "sh", "-c", "echo $DJANGO_PORT"]).ok();
    assert_eq!(checked.json()["strays"][0]["expected"], ran.stdout.trim(), "it gets its own");
}

/// A command that connects to a database and an index, and stays there for a while.
fn application(database: &str, index: &str) -> String {
    let servers = servers();
    let (postgres, redis) = (servers.postgres_port, servers.redis);
    format!(
        "PGAPPNAME=shop psql -h 127.0.0.1 -p {postgres} -U postgres -d {database} -c 'SELECT pg_sleep(3)' & \
         docker exec {redis} redis-cli -n {index} BLPOP nothing 3; wait"
    )
}

#[test]
fn an_application_is_proved_to_use_its_environments_parts_only() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    let (main, index) = (format!("{}_main", sandbox.id), *sandbox.indexes().end());
    let range = format!("{}-{index}", sandbox.indexes().start());
    let own = format!("{}-{}", sandbox.indexes().start(), index - 1);
    let config = sandbox.config().replace("main: 0", &format!("main: {index}"));
    repo.config(&config.replace(&range, &own));
    repo.agentenv(&["add", "x"]).ok();
    servers().psql(&format!("CREATE DATABASE {main}"));
    let check = |database: &str, index: &str| {
        let application = application(database, index);
        let args = ["check", "--app", "--json", "--", "sh", "-c", &application];
        sandbox.agentenv_in(sandbox.root.join("app-x"), &args)
    };
    let own = check("$POSTGRES_DB", "$REDIS_DB").ok();
    let said = own.json();
    assert_eq!((&said["ok"], &said["environment"]), (&true.into(), &"x".into()), "{said:#}");

    let said = check(&main, "$REDIS_DB").fails(7).json();
    let postgres = &said["services"][0];
    assert_eq!((&postgres["connections"], &postgres["main_connections"]), (&0.into(), &1.into()));
    assert!(postgres["main_sessions"][0].as_str().unwrap().starts_with("shop (pid "), "{said:#}");
    assert_eq!(said["services"][1]["main_connections"], 0, "{said:#}");

    let said = check("$POSTGRES_DB", &index.to_string()).fails(7).json();
    assert_eq!(said["services"][1]["main_connections"], 1, "{said:#}");

    // A connection that is over before anything was asked is counted by the server.
    let port = servers().postgres_port;
    let short = format!("psql -h 127.0.0.1 -p {port} -U postgres -d {main} -c 'SELECT 1'");
    let args = ["check", "--app", "--", "sh", "-c", &short];
    let said = sandbox.agentenv_in(sandbox.root.join("app-x"), &args).fails(7);
    assert!(said.stdout.contains("1 new to the main checkout's database"), "{}", said.show());
    assert!(said.stderr.contains("(1 row)"), "{}", said.show());
}

#[test]
fn an_application_that_does_not_end_is_ended() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config());
    repo.agentenv(&["add", "x"]).ok();
    let sleep = format!("sleep 600{}", std::process::id());
    let idle = format!("echo idle; {sleep} & wait");
    let args = ["check", "--app", "--within", "1", "--", "sh", "-c", &idle];
    let said = sandbox.agentenv_in(sandbox.root.join("app-x"), &args).fails(7);
    assert!(said.stdout.contains("no connection to database"), "{}", said.show());
    assert!(said.stderr.contains("had 1 s (`--within`), printed:\n  idle"), "{}", said.show());
    let left =
        std::process::Command::new("pgrep").args(["-f", &format!("^{sleep}$")]).output().unwrap();
    assert!(left.stdout.is_empty(), "{}", String::from_utf8_lossy(&left.stdout));
    let args = ["check", "--app", "--", "true"];
    let said = sandbox.agentenv_in(sandbox.root.join("app-x"), &args).fails(7);
    assert!(said.stderr.contains("(`--within`), printed nothing\n"), "{}", said.show());
    sandbox.agentenv_in(sandbox.root.join("app-x"), &["check", "--app"]).fails(2);
    repo.agentenv(&["check", "--app", "--", "true"]).fails(4);
}
