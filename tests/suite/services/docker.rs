//! Containers that are not as they should be, on a real engine.

use crate::common::{Container, Sandbox, docker, wait_until, write_program};
use git_agentenv::error::{Exit, exit_of, hint_of};
use git_agentenv::model::config::{Kind, Place};
use git_agentenv::service::{Database, Gone, Made, RedisIndex, Server, inventory, postgres, redis};
use git_agentenv::sys::docker as engine;
use git_agentenv::sys::exec::Cmd;
use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// How long containers have to end by themselves.
const GRACE: Duration = Duration::from_secs(5);

pub(super) const ID: &str = "0123456789abcdef01234567";
pub(super) const REDIS: &str = "agentenv-test/redis";

#[test]
fn each_way_of_not_being_there_has_its_hint() {
    let sandbox = Sandbox::new();
    let name = format!("{}-postgres-1", sandbox.id);
    let server = server(Kind::Postgres, Place::Container(name.clone()));
    let part = Database::new(&server, "x");
    let refused = |way_out: &str| {
        let error = postgres::create(&part, ID, None).unwrap_err();
        assert_eq!(exit_of(&error), Exit::Service, "{error}");
        assert!(error.to_string().contains(&name), "{error}");
        assert!(hint_of(&error).unwrap().contains(way_out), "{error}: {:?}", hint_of(&error));
        let error = postgres::release(&part, ID, true).unwrap_err();
        assert!(hint_of(&error).unwrap().contains(way_out), "{error}");
    };
    refused("infra up");
    let _container = Container::create(REDIS, &["--name", &name]);
    refused(&format!("docker start {name}"));
    docker(&["start", &name]);
    refused("check the container"); // there is no psql in it
    docker(&["pause", &name]);
    refused(&format!("docker unpause {name}"));
}

#[test]
fn a_container_is_found_by_what_compose_wrote_on_it() {
    let sandbox = Sandbox::new();
    let project = &sandbox.id;
    let name = format!("{project}_redis_1");
    let labels = compose_labels(project, "redis", Path::new("/"));
    let _container = Container::run(REDIS, &labelled(&name, &labels));
    let compose = Place::Compose { project: project.clone(), service: "redis".to_owned() };
    let places = [Place::Container(format!("{project}-redis-1")), compose];
    let both: Vec<_> = places.iter().map(|place| server(Kind::Redis, place.clone())).collect();
    assert_eq!(inventory::distinct(both).len(), 1);
    for place in places {
        assert_eq!(engine::find(&place).unwrap(), name);
        // It publishes no port, so this goes through the client in it.
        let part = RedisIndex { server: server(Kind::Redis, place), index: 3, claimed_on: None };
        wait_until("redis is up", || redis::claim(&part, ID).is_ok());
        assert!(matches!(redis::claim(&part, ID).unwrap(), Made::Ours(Some(_))));
        assert!(matches!(redis::claim(&part, &ID.replace('0', "f")).unwrap(), Made::Occupied(_)));
        assert_eq!(redis::release(&part, ID, false).unwrap(), Gone::Dropped);
        let far = RedisIndex { index: 16, ..part };
        assert_eq!(exit_of(&redis::claim(&far, ID).unwrap_err()), Exit::Config);
    }
    // A container's own name says more than labels that are like it, however young they are.
    let plain = Container::create(REDIS, &["--name", &format!("{project}-redis-3")]);
    let third = labels.map(|label| label.replace("number=1", "number=3"));
    let other = format!("{project}-other");
    let _third = Container::create(REDIS, &labelled(&other, &third));
    assert_eq!(engine::find(&Place::Container(plain.name.clone())).unwrap(), plain.name);
    let guess = Place::Container(format!("{project}-redis-2"));
    assert!(engine::find(&guess).is_err());
}

#[test]
fn containers_are_listed_over_the_socket_as_docker_prints_them() {
    let sandbox = Sandbox::new();
    let labels = compose_labels(&sandbox.id, "redis", &sandbox.root.join("a,b=c"));
    let name = format!("{}-listed", sandbox.id);
    let ports = ["--publish=127.0.0.1::6379", "--publish=127.0.0.1::8000/udp", "--expose=9000"];
    let _up = Container::run(REDIS, &[&labelled(&name, &labels)[..], &ports].concat());
    let idle = Container::create(REDIS, &["--publish=127.0.0.1::6379"]);
    for name in [&name, &idle.name] {
        let listed = engine::containers().unwrap();
        let found = listed.into_iter().find(|one| one.name == *name).unwrap();
        let filter = format!("name=^{name}$");
        let printed = |field: &str| {
            let format = format!("--format={{{{{field}}}}}");
            docker(&["ps", "--all", "--filter", &filter, &format]).trim().to_owned()
        };
        let label = |name: &str| printed(&format!(".Label \"com.docker.compose.{name}\""));
        let ports = |text: &str| text.split(", ").map(str::to_owned).collect::<BTreeSet<_>>();
        assert_eq!(found.image, printed(".Image"));
        // `Up 1 second`, which may be two by now.
        let state = |status: &str| status.split(' ').next().unwrap().to_owned();
        assert_eq!(state(&found.status), state(&printed(".Status")));
        assert_eq!(ports(&found.ports), ports(&printed(".Ports")));
        let of_compose = [&found.project, &found.service, &found.number];
        assert_eq!(of_compose, [&label("project"), &label("service"), &label("container-number")]);
        assert_eq!(found.dir, Path::new(&label("project.working_dir")));
    }
}

#[test]
fn a_program_in_a_container_runs_over_the_socket_as_docker_runs_it() {
    let sandbox = Sandbox::new();
    let up = Container::run(REDIS, &[]);
    let idle = Container::create(REDIS, &[]);
    let run = |program: &str, first: &[&str], args: &[&str]| {
        let mut command = sandbox.command(program);
        command.args(first).args(args).env("WORD", "two words").stdin(Stdio::piped());
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect(program);
        // One that does not begin reads nothing.
        child.stdin.take().unwrap().write_all(&[b'x'; 1 << 20]).ok();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), output.stdout, output.stderr)
    };
    let over = ["--exec-in-container", "/var/run/docker.sock", "docker"];
    let all = "wc -c; echo \"$WORD\"; echo no >&2; exit 3";
    for args in [
        &["exec", "-i", "-e", "WORD", "--", &up.name, "sh", "-c", all][..],
        &["exec", "-i", "--", &up.name, "sh", "-c", "kill -9 $$"],
        &["exec", "-i", "--", &up.name, "cat"],
        &["exec", "-i", "--", &up.name, "no-such-program"],
        &["exec", "-i", "--", &idle.name, "cat"],
        &["exec", "-i", "--", "agentenv-test-no-such-container", "cat"],
    ] {
        let carried = run(env!("CARGO_BIN_EXE_git-agentenv"), &over, args);
        assert_eq!(carried, run("docker", &[], args), "{args:?}");
    }
    let unread =
        [&over[..], &["exec", "-i", "--", &up.name, "sh", "-c", "while echo y; do :; done"]];
    let pipe = ["-c", "\"$0\" \"$@\" | head -1; echo ${PIPESTATUS[0]}"];
    let first = [&pipe[..], &[env!("CARGO_BIN_EXE_git-agentenv")]].concat();
    let (_, said, complaint) = run("bash", &first, &unread.concat());
    assert_eq!((&*said, &*complaint), (&b"y\n141\n"[..], &b""[..]), "as docker ends");
    let word = ["exec", "-i", "-e", "WORD", "--", &up.name, "sh", "-c", "echo \"$WORD\""];
    let nowhere = ["--exec-in-container", "/nonexistent/docker.sock", "docker"];
    let (code, said, _) = run(env!("CARGO_BIN_EXE_git-agentenv"), &nowhere, &word);
    assert_eq!((code, &*said), (Some(0), &b"two words\n"[..]), "docker itself does it then");
}

#[test]
fn only_what_was_started_in_the_worktree_is_removed() {
    let sandbox = Sandbox::new();
    let (project, word) = (&sandbox.id, &sandbox.id);
    let tree = sandbox.root.join("app-x");
    let network = format!("{word}_default");
    let label = format!("com.docker.compose.project={project}");
    docker(&[
        "network",
        "create",
        "--label",
        &label,
        "--label",
        "com.docker.compose.network=default",
        &network,
    ]);
    let made = |name: &str, dir: &Path| {
        let labels = compose_labels(project, name, dir);
        let (name, network) = (format!("{word}-{name}"), format!("--network={network}"));
        Container::create(REDIS, &[&labelled(&name, &labels)[..], &[&network]].concat())
    };
    let (_a, _b) = (made("web", &tree), made("worker", &tree.join("backend")));
    let link = sandbox.root.join("link");
    std::os::unix::fs::symlink(&tree, &link).unwrap();
    let _linked = made("linked", &link.join("backend"));
    let other = made("other", &sandbox.root.join("app-xy"));
    docker(&["start", &format!("{word}-web")]);

    let mut gone = engine::Projects::list().unwrap().remove(project, &tree, GRACE).unwrap();
    gone.sort();
    assert_eq!(gone, ["linked", "web", "worker"].map(|name| format!("{word}-{name}")));
    assert_eq!(networks(&label), std::slice::from_ref(&network), "another container still uses it");

    engine::Projects::list().unwrap().remove(project, &tree, GRACE).unwrap();
    assert_eq!(networks(&label), [network]);
    engine::Projects::list().unwrap().remove(project, &sandbox.root.join("app-xy"), GRACE).unwrap();
    assert_eq!(networks(&label), Vec::<String>::new());
    drop(other);
}

#[test]
fn an_engine_that_is_down_or_deaf_is_an_error_in_time() {
    let sandbox = Sandbox::new();
    let socket = sandbox.root.join("docker.sock");
    let ask = || {
        let cmd = Cmd::new("docker")
            .args(["ps"])
            .asks("the deaf engine of a test")
            .env("DOCKER_HOST", format!("unix://{}", socket.display()));
        engine::run(cmd.patience(Some(Duration::from_millis(500))).asks("the engine"))
    };
    let error = engine::diagnose(&ask().unwrap(), "x");
    assert_eq!(error.to_string(), "the Docker engine is not running");

    let _deaf = UnixListener::bind(&socket).unwrap();
    let error = ask().unwrap_err();
    assert_eq!(exit_of(&error), Exit::Service);
    assert!(hint_of(&error).unwrap().contains("restart"), "{error}");
}

pub(super) fn server(kind: Kind, place: Place) -> Server {
    Server { kind, place, user: "postgres".to_owned(), port: 1, password_env: None }
}

/// The options that give a container a name and labels.
/// Compose may be called by what nobody sees: from another directory, or through the engine's own interface.
#[test]
fn what_is_started_in_a_worktree_while_it_is_removed_goes_too() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("shop");
    repo.config(&sandbox.config());
    let added = repo.agentenv(&["add", "x", "--json"]).ok().json();
    let (tree, project) = (&added["path"], &added["variables"]["COMPOSE_PROJECT_NAME"]);
    let (tree, project) = (tree.as_str().unwrap(), project.as_str().unwrap());
    let name = format!("{}-late", sandbox.id);
    let labels = compose_labels(project, "late", Path::new(tree));
    let late = [&["create"], &labelled(&name, &labels)[..], &[REDIS]].concat().join(" ");
    let (bin, path) = (sandbox.root.join("bin-late"), std::env::var("PATH").unwrap());
    std::fs::create_dir(&bin).unwrap();
    // Right after the first list of containers.
    let script = format!(
        "#!/bin/sh\nPATH='{path}'\n[ \"$1\" = ps ] || exec docker \"$@\"\ndocker \"$@\"\n[ -e {0}/done ] || docker {late} >{0}/done\n",
        bin.display()
    );
    write_program(&bin.join("docker"), &script);

    let path = format!("{}:{path}", bin.display());
    sandbox.outcome(repo.command(&["remove", "x"]).env("PATH", path)).ok();
    assert!(bin.join("done").is_file(), "it was started");
    assert_eq!(docker(&["ps", "-aq", "--filter", &format!("name=^{name}$")]), "");
}

fn labelled<'a>(name: &'a str, labels: &'a [String]) -> Vec<&'a str> {
    ["--name", name].into_iter().chain(labels.iter().map(String::as_str)).collect()
}

fn compose_labels(project: &str, service: &str, dir: &Path) -> [String; 5] {
    let label = |name: &str, value: &str| format!("--label=com.docker.compose.{name}={value}");
    [
        label("project", project),
        label("service", service),
        label("container-number", "1"),
        label("oneoff", "False"),
        label("project.working_dir", dir.to_str().unwrap()),
    ]
}

fn networks(label: &str) -> Vec<String> {
    let filter = format!("label={label}");
    let said = docker(&["network", "ls", "--format={{.Name}}", "--filter", &filter]);
    said.lines().map(str::to_owned).collect()
}
