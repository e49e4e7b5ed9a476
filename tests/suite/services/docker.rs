//! Containers that are not as they should be, on a real engine.

use crate::common::{Sandbox, wait_until};
use git_agentenv::error::{Exit, exit_of, hint_of};
use git_agentenv::model::config::{Kind, Place};
use git_agentenv::service::{Database, Gone, Made, RedisIndex, Server, inventory, postgres, redis};
use git_agentenv::sys::docker;
use git_agentenv::sys::exec::Cmd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// How long containers have to end by themselves.
const GRACE: Duration = Duration::from_secs(5);

const ID: &str = "0123456789abcdef01234567";
const NO_EVAL: &[&str] = &["--user", "default", "on", "nopass", "~*", "+@all", "-eval"];
pub(super) const IMAGE: &str = "agentenv-test/redis";

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
    let _container = Container::create(&name, &[IMAGE]);
    refused(&format!("docker start {name}"));
    run(&["start", &name]);
    refused("check the container"); // there is no psql in it
    run(&["pause", &name]);
    refused(&format!("docker unpause {name}"));
}

#[test]
fn a_container_is_found_by_what_compose_wrote_on_it() {
    let sandbox = Sandbox::new();
    let project = &sandbox.id;
    let name = format!("{project}_redis_1");
    let labels = compose_labels(project, "redis", Path::new("/"));
    let _container = Container::run(&name, &[&labels[..], &[IMAGE.to_owned()]].concat());
    let compose = Place::Compose { project: project.clone(), service: "redis".to_owned() };
    let places = [Place::Container(format!("{project}-redis-1")), compose];
    let both = places.iter().map(|place| server(Kind::Redis, place.clone())).collect();
    assert_eq!(inventory::distinct(both).len(), 1);
    for place in places {
        assert_eq!(docker::find(&place).unwrap(), name);
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
    let plain = Container::create(&format!("{project}-redis-3"), &[IMAGE]);
    let third = labels.iter().map(|label| label.replace("number=1", "number=3"));
    let third: Vec<String> = third.chain([IMAGE.to_owned()]).collect();
    let _third = Container::create(&format!("{project}-other"), &third);
    assert_eq!(docker::find(&Place::Container(plain.name.clone())).unwrap(), plain.name);
    let guess = Place::Container(format!("{project}-redis-2"));
    assert!(docker::find(&guess).is_err());
}

#[test]
fn redis_that_refuses_or_hangs_says_why() {
    let sandbox = Sandbox::new();
    let ways: [(&[&str], &str); 3] = [
        (&["--requirepass", "secret"], "REDISCLI_AUTH"),
        (&["--cluster-enabled", "yes"], "Cluster"),
        (NO_EVAL, "needs EVAL"),
    ];
    for (args, word) in ways {
        // Over the published port, and through the client in the container.
        for publish in [&["-p", "127.0.0.1::6379"][..], &[]] {
            let name = format!("{}-odd", sandbox.id);
            let _container =
                Container::run(&name, &[publish, &[IMAGE, "redis-server"], args].concat());
            let server = server(Kind::Redis, Place::Container(name.clone()));
            let part = RedisIndex { server, index: 1, claimed_on: None };
            let claim = || redis::claim(&part, ID).unwrap_err();
            wait_until(word, || hint_of(&claim()).is_some_and(|hint| hint.contains(word)));
            if word == ways[0].1 {
                run(&["pause", &name]);
                assert_eq!(hint_of(&claim()), Some(&*format!("docker unpause {name}")));
            }
        }
    }
}

#[test]
fn only_what_was_started_in_the_worktree_is_removed() {
    let sandbox = Sandbox::new();
    let (project, word) = (&sandbox.id, &sandbox.id);
    let tree = sandbox.root.join("app-x");
    let network = format!("{word}_default");
    let label = format!("com.docker.compose.project={project}");
    run(&[
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
        let args = [&labels[..], &[format!("--network={network}"), IMAGE.to_owned()]].concat();
        Container::create(&format!("{word}-{name}"), &args)
    };
    let (_a, _b) = (made("web", &tree), made("worker", &tree.join("backend")));
    let link = sandbox.root.join("link");
    std::os::unix::fs::symlink(&tree, &link).unwrap();
    let _linked = made("linked", &link.join("backend"));
    let other = made("other", &sandbox.root.join("app-xy"));
    run(&["start", &format!("{word}-web")]);

    let mut gone = docker::Projects::list().unwrap().remove(project, &tree, GRACE).unwrap();
    gone.sort();
    assert_eq!(gone, ["linked", "web", "worker"].map(|name| format!("{word}-{name}")));
    assert_eq!(networks(&label), std::slice::from_ref(&network), "another container still uses it");

    docker::Projects::list().unwrap().remove(project, &tree, GRACE).unwrap();
    assert_eq!(networks(&label), [network]);
    docker::Projects::list().unwrap().remove(project, &sandbox.root.join("app-xy"), GRACE).unwrap();
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
        docker::run(cmd.patience(Some(Duration::from_millis(500))).asks("the engine"))
    };
    let error = docker::diagnose(&ask().unwrap(), "x");
    assert_eq!(error.to_string(), "the Docker engine is not running");

    let _deaf = UnixListener::bind(&socket).unwrap();
    let error = ask().unwrap_err();
    assert_eq!(exit_of(&error), Exit::Service);
    assert!(hint_of(&error).unwrap().contains("restart"), "{error}");
}

fn server(kind: Kind, place: Place) -> Server {
    Server { kind, place, user: "postgres".to_owned(), port: 1, password_env: None }
}

fn compose_labels(project: &str, service: &str, dir: &Path) -> Vec<String> {
    let label = |name: &str, value: &str| format!("--label=com.docker.compose.{name}={value}");
    vec![
        label("project", project),
        label("service", service),
        label("container-number", "1"),
        label("oneoff", "False"),
        label("project.working_dir", dir.to_str().unwrap()),
    ]
}

fn networks(label: &str) -> Vec<String> {
    let filter = format!("label={label}");
    let said = run(&["network", "ls", "--format={{.Name}}", "--filter", &filter]);
    said.lines().map(str::to_owned).collect()
}

/// A container that goes with the test.
pub(super) struct Container {
    pub(super) name: String,
}

impl Container {
    pub(super) fn create<S: AsRef<str>>(name: &str, args: &[S]) -> Self {
        Container::make(&["create", "--label=agentenv-test", "--name", name], name, args)
    }

    pub(super) fn run<S: AsRef<str>>(name: &str, args: &[S]) -> Self {
        Container::make(&["run", "-d", "--label=agentenv-test", "--name", name], name, args)
    }

    fn make<S: AsRef<str>>(how: &[&str], name: &str, args: &[S]) -> Self {
        let args: Vec<&str> = how.iter().copied().chain(args.iter().map(AsRef::as_ref)).collect();
        run(&args);
        Container { name: name.to_owned() }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rm", "-f", "-v", &self.name]).output();
    }
}

#[track_caller]
pub(super) fn run(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).output().unwrap();
    assert!(output.status.success(), "docker {args:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}
