//! `up`, `down`, `ps`, `logs` and `wait` with the application's own containers.

use crate::common::{Outcome, Repo, Sandbox, docker, servers, wait_until};
use crate::stories::compose::{listed, with_plugin};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A server, a command that ends, and a volume. `PORT` stands for the main checkout's port.
const APPLICATION: &str = "services:
  web:
    image: agentenv-test/app
    command: sh -c 'trap exit TERM; echo at work >&2; httpd -f -p 8000 -h /srv & wait'
    ports: ['PORT:8000']
    volumes: ['data:/data']
  task: { image: agentenv-test/app, command: 'true' }
  debug: { image: agentenv-test/app, profiles: [debug] }
volumes: { data: }
";

/// It names the port at which a container is published: what listens there is the engine.
const WORKER: &str = "worker: 'exec sleep 600 # $DJANGO_PORT'";

/// Compose waits for a health that never comes.
const BLOCKED: &str = "services:
  base:
    image: agentenv-test/app
    healthcheck: { test: [CMD, 'false'], interval: 1s, retries: 600 }
  web:
    image: agentenv-test/app
    depends_on: { base: { condition: service_healthy } }
";

/// Writes into the worktree when it is told to end.
const LATE: &str = "services:
  web:
    image: agentenv-test/app
    command: sh -c 'trap \"echo work >/tree/late; exit\" TERM; echo ready; sleep 600 & wait'
    volumes: ['.:/tree']
";

/// An environment `x` with a stack.
struct World<'a> {
    repo: Repo<'a>,
    sandbox: &'a Sandbox,
    /// Where Docker finds compose 2; without it, there is only version 1.
    plugin: Option<PathBuf>,
    project: String,
}

impl<'a> World<'a> {
    fn new(sandbox: &'a Sandbox, compose: u8, file: &str, processes: &str) -> Self {
        servers(); // the images
        let repo = sandbox.repo(&format!("{}-shop", sandbox.id));
        repo.commit("compose.yml", &file.replace("PORT", &sandbox.ports().start().to_string()));
        let stack = format!("compose: {{ file: compose.yml }}\nprocesses: {{ {processes} }}\n");
        repo.config(&(sandbox.config_without_servers() + &stack));
        let plugin = (compose == 2).then(|| with_plugin(sandbox));
        let mut world = World { repo, sandbox, plugin, project: String::new() };
        let added = world.run(&["add", "x", "--json"]).ok().json();
        world.project = added["variables"]["COMPOSE_PROJECT_NAME"].as_str().unwrap().to_owned();
        world
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.sandbox.command("git-agentenv");
        command.args(args).current_dir(&self.repo.path);
        if let Some(plugin) = &self.plugin {
            command.env("DOCKER_CONFIG", plugin);
        }
        command
    }

    #[track_caller]
    fn run(&self, args: &[&str]) -> Outcome {
        self.sandbox.outcome(&mut self.command(args))
    }

    fn tree(&self) -> PathBuf {
        self.sandbox.root.join(format!("{}-shop-x", self.sandbox.id))
    }

    fn containers(&self) -> Vec<String> {
        listed(&format!("com.docker.compose.project={}", self.project))
    }

    fn left(&self, what: &str) -> String {
        let filter = format!("label=com.docker.compose.project={}", self.project);
        docker(&[what, "ls", "-q", "--filter", &filter])
    }

    /// What `ps x` says of a process or container.
    fn ps(&self, name: &str) -> Value {
        let said = self.run(&["ps", "x", "--json"]).ok().json();
        let all = said["environments"][0]["processes"].as_array().unwrap();
        all.iter().find(|one| one["name"] == name).cloned().unwrap_or_default()
    }
}

/// A test that failed leaves nothing either.
impl Drop for World<'_> {
    fn drop(&mut self) {
        self.sandbox.outcome(&mut self.command(&["remove", "x", "--force"]));
    }
}

#[test]
fn a_stack_is_started_watched_and_stopped_with_compose_1() {
    started_watched_and_stopped(1);
}

#[test]
fn a_stack_is_started_watched_and_stopped_with_compose_2() {
    started_watched_and_stopped(2);
}

fn started_watched_and_stopped(compose: u8) {
    let sandbox = Sandbox::new();
    let world = World::new(&sandbox, compose, APPLICATION, WORKER);
    world.run(&["trust", "--yes"]).ok();
    assert_eq!(world.ps("web")["state"], "stopped");
    assert_eq!(world.ps("debug"), Value::Null, "a profile that is not used");

    let up = world.run(&["up", "x", "--wait", "--json"]).ok().json();
    let all = up["environments"][0]["processes"].as_array().unwrap();
    let names: Vec<&Value> = all.iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["worker", "task", "web"]);
    let web = &all[2];
    let port = fs::read_to_string(world.tree().join(".env.worktree")).unwrap();
    let port = port.lines().find_map(|line| line.strip_prefix("DJANGO_PORT=")).unwrap();
    assert_eq!(web["ports"], json!([port.parse::<u16>().unwrap()]));
    assert_eq!(
        (&web["state"], &web["pid"], &web["log"]),
        (&json!("running"), &json!(null), &json!(null))
    );
    assert!(web["uptime"].is_u64(), "{web}");
    assert_eq!((&all[0]["state"], &all[0]["container"]), (&json!("running"), &json!(null)));
    assert_eq!((&all[1]["state"], &all[1]["exit"]), (&json!("exited"), &json!(0)));

    let container = web["container"].as_str().unwrap();
    let again = world.run(&["up", "x", "--json"]).ok().json();
    assert_eq!(again["environments"][0]["processes"][2]["container"], *container);
    assert_eq!(world.run(&["logs", "web", "-e", "x"]).ok().stdout, "at work\n");
    assert!(world.run(&["logs", "-e", "x"]).ok().stdout.contains("web    | at work\n"));
    assert!(world.run(&["status", "x"]).ok().stdout.contains("running"));
    let listed = world.run(&["list", "--full", "--json"]).ok().json();
    assert_eq!(listed["environments"][0]["containers"], 1, "the one that runs: {listed}");
    let renamed = world.run(&["rename", "x", "y"]).fails(7);
    assert!(renamed.stderr.contains("its containers are up"), "{}", renamed.show());

    let mut follow = world.command(&["logs", "web", "--follow", "--env", "x"]);
    let follow = world.sandbox.start(&mut follow);
    docker(&["kill", container]);
    assert_eq!(follow.outcome().ok().stdout, "at work\n", "it ends with the container");
    let web = world.ps("web");
    assert_eq!((&web["state"], &web["exit"]), (&json!("killed"), &json!(137)));
    // From another directory nothing would find them.
    let renamed = world.run(&["rename", "x", "y"]).fails(7);
    let stopped = format!("its container `{container}` is stopped");
    assert!(renamed.stderr.contains(&stopped), "{}", renamed.show());
    let said = world.run(&["wait", "x"]).fails(6);
    assert!(said.stderr.contains("container `web` ended with 137:\nat work"), "{}", said.show());
    world.run(&["restart", "x"]).ok();
    assert_eq!(world.ps("web")["state"], "running");

    // Where the engine does not answer, what ended is not on record as dead, and it goes on with the next.
    let mut down = world.command(&["down", "x", "y", "--json"]);
    world.run(&["add", "y"]).ok();
    let down = down.env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    let down = world.sandbox.outcome(down).fails(6).json();
    assert_eq!(
        (&down["failed"][0]["name"], &down["failed"][1]["name"]),
        (&json!("x"), &json!("y"))
    );
    assert_eq!(world.ps("worker")["state"], "stopped");
    world.run(&["remove", "y"]).ok();
    world.run(&["up", "x"]).ok();

    let down = world.run(&["down", "x", "--timeout", "1", "--json"]).ok().json();
    let stopped = &down["stopped"][0];
    assert_eq!((&stopped["processes"], &stopped["containers"]), (&json!(1), &json!(2)));
    assert_eq!((world.containers(), world.left("network")), (Vec::new(), String::new()));
    assert!(!world.left("volume").is_empty(), "its data stays");
    assert_eq!(world.run(&["down", "x"]).ok().stdout, "nothing runs in x\n");

    world.run(&["up", "x"]).ok();
    world.run(&["remove", "x"]).ok();
    assert_eq!(world.containers(), Vec::<String>::new());
    assert_eq!(world.left("network") + &world.left("volume"), "");
}

#[test]
fn a_stack_starts_only_as_it_was_approved() {
    let sandbox = Sandbox::new();
    let world = World::new(&sandbox, 1, APPLICATION, "");
    let said = world.run(&["up", "x"]).fails(7);
    assert!(
        said.stderr.contains("compose.yml") && said.stderr.contains("trust"),
        "{}",
        said.show()
    );
    let trusted = world.run(&["trust", "--yes", "--json"]).ok().json();
    assert!(trusted["compose"][0].as_str().unwrap().starts_with("compose compose.yml (sha256 "));

    // What the branch's `.env` puts into the file counts, wherever it comes from.
    fs::write(world.sandbox.root.join("values"), "COMMAND=sleep\nKEY=1\n").unwrap();
    std::os::unix::fs::symlink("../values", world.tree().join(".env")).unwrap();
    let file = world.tree().join("compose.yml");
    let named = fs::read_to_string(&file).unwrap().replace("'true'", "'${COMMAND:-true}'");
    fs::write(&file, &named).unwrap();
    let trust = || {
        let mut trust = world.command(&["trust", "--yes"]);
        world.sandbox.outcome(trust.current_dir(world.tree())).ok();
    };
    trust();
    fs::write(world.sandbox.root.join("values"), "COMMAND=evil\nKEY=1\n").unwrap();
    let said = world.run(&["up", "x"]).fails(7);
    assert!(said.stderr.contains("compose compose.yml with its .env (sha256 "), "{}", said.show());
    fs::remove_file(world.tree().join(".env")).unwrap();

    // The branch's own file is another one.
    let built = fs::read_to_string(&file).unwrap() + "x-a: 1\n";
    fs::write(&file, built.replace("debug: { image: agentenv-test/app", "debug: { build: ."))
        .unwrap();
    let said = world.run(&["up", "x"]).fails(7);
    assert!(said.stderr.contains("builds debug"), "{}", said.show());
    assert_eq!(world.containers(), Vec::<String>::new());
    trust();
    // What was approved elsewhere stays approved while it is as it was.
    world.run(&["trust", "--yes"]).ok();
    // What was written into the environment's own file is not what starts.
    let own = world.tree().join("compose.agentenv.yaml");
    let text = fs::read_to_string(&own).unwrap();
    fs::write(&own, text.replace("at work", "something else")).unwrap();
    world.run(&["up", "x"]).ok();
    let log = || world.run(&["logs", "web", "-e", "x"]).ok().stdout;
    wait_until("the server has spoken", || log() == "at work\n");

    world.run(&["trust", "--revoke"]).ok();
    world.run(&["restart", "x"]).fails(7);
    assert_eq!(world.ps("web")["state"], "running", "nothing is stopped that cannot start again");
}

#[test]
fn a_container_that_ends_is_seen_by_up() {
    let sandbox = Sandbox::new();
    let file =
        "services: { web: { image: agentenv-test/app, command: sh -c 'echo no luck; exit 3' } }\n";
    let world = World::new(&sandbox, 1, file, "");
    world.run(&["trust", "--yes"]).ok();
    let said = world.run(&["up", "x", "--wait"]).fails(6);
    assert!(said.stderr.contains("container `web` ended with 3:\nno luck"), "{}", said.show());
}

#[test]
fn a_killed_up_leaves_nothing_that_remove_does_not_find() {
    let sandbox = Sandbox::new();
    let world = World::new(&sandbox, 1, BLOCKED, "");
    killed_in_the_middle(&world);
    world.run(&["remove", "x"]).ok();
    assert_nothing_is_left(&world);
}

#[test]
fn what_a_container_writes_while_it_ends_is_not_lost() {
    let sandbox = Sandbox::new();
    let world = World::new(&sandbox, 2, LATE, "");
    world.run(&["trust", "--yes"]).ok();
    world.run(&["up", "x"]).ok();
    let container = world.containers().remove(0);
    wait_until("it is ready", || docker(&["logs", &container]).contains("ready"));
    let said = world.run(&["remove", "x"]).fails(7);
    assert!(said.stderr.contains("uncommitted: ?? late"), "{}", said.show());
    assert_eq!(fs::read_to_string(world.tree().join("late")).unwrap(), "work\n");
}

/// Docker would start it again, and make the directory it mounts, where the worktree was.
#[test]
fn the_containers_have_ended_before_the_worktree_is_closed() {
    let sandbox = Sandbox::new();
    let world = World::new(&sandbox, 2, LATE, "");
    world.run(&["trust", "--yes"]).ok();
    world.run(&["up", "x"]).ok();
    let mut remove = world.command(&["remove", "x", "--force"]);
    sandbox.outcome(remove.env("AGENTENV_FAULT", "worktree-closed:kill")).fails(128 + 9);
    assert_eq!(world.containers(), Vec::<String>::new());
}

#[test]
fn a_killed_up_leaves_nothing_that_prune_does_not_find() {
    let sandbox = Sandbox::new();
    let world = World::new(&sandbox, 2, BLOCKED, "");
    killed_in_the_middle(&world);
    fs::remove_dir_all(world.tree()).unwrap();
    world.run(&["prune", "--yes"]).ok();
    assert_nothing_is_left(&world);
}

#[test]
fn a_killed_up_is_ended_by_down() {
    let sandbox = Sandbox::new();
    let world = World::new(&sandbox, 1, BLOCKED, "");
    killed_in_the_middle(&world);
    // Compose may have ended by then: what it prints has no reader any more.
    world.run(&["down", "x", "--timeout", "5"]).ok();
    assert_nothing_is_left(&world);
}

fn killed_in_the_middle(world: &World<'_>) {
    world.run(&["trust", "--yes"]).ok();
    let mut up = world.command(&["up", "x"]);
    let mut up = up.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("the first container is there", || !world.containers().is_empty());
    up.kill().unwrap();
    up.wait().unwrap();
}

fn assert_nothing_is_left(world: &World<'_>) {
    assert_eq!(world.containers(), Vec::<String>::new());
    assert_eq!(world.left("network"), "");
    let compose = Command::new("pgrep").args(["-f", &world.project]).output().unwrap();
    assert_eq!(String::from_utf8(compose.stdout).unwrap(), "", "no compose still runs");
}
