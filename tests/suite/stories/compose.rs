//! The application layer as the article has it: one compose stack for each worktree, on the shared network.

use crate::common::{Repo, Sandbox, docker, servers, wait_until};
use crate::stories::article::venv;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

#[test]
fn two_stacks_share_nothing() {
    let sandbox = Sandbox::new();
    let network = Network::new(&format!("{}_local", sandbox.id));
    let repo = sandbox.repo(&format!("{}-shop", sandbox.id));
    repo.commit("docker-compose.yml", &application(&network.0));
    repo.config(&(sandbox.config_in_container() + "env:\n  GN_PROJECT_NAME: \"{project}\"\n"));
    let stacks = ["red", "blue"].map(|name| Stack::up(&sandbox, &repo, name));

    for stack in &stacks {
        wait_until("the application answers", || stack.ask().is_some());
        let environment = stack.ask().unwrap();
        let database = format!("POSTGRES_DB={}", stack.variable("POSTGRES_DB"));
        assert!(environment.contains(&database), "{environment}");
        for server in ["postgres 5432", "redis 6379"] {
            let probe = format!("nc -w 2 {server} </dev/null");
            stack.compose(&["exec", "-T", "django", "sh", "-c", &probe]);
        }
    }
    let containers =
        |stack: &Stack| listed(&format!("com.docker.compose.project={}", stack.project()));
    assert!(stacks.iter().all(|stack| containers(stack).len() == 1));
    assert_ne!(containers(&stacks[0]), containers(&stacks[1]));

    repo.agentenv(&["remove", "red"]).ok();
    assert_eq!(containers(&stacks[0]), Vec::<String>::new());
    assert!(stacks[1].ask().is_some(), "the other one still runs");
    repo.agentenv(&["remove", "blue"]).ok();
    assert_eq!(containers(&stacks[1]), Vec::<String>::new());
    assert_eq!(
        docker(&["network", "ls", "-q", "--filter", &format!("name=^{}$", network.0)]).len(),
        12
    );
}

fn application(network: &str) -> String {
    format!(
        r#"name: ${{GN_PROJECT_NAME:-gn-master}}
services:
  django:
    image: agentenv-test/app
    environment:
      - POSTGRES_DB=${{POSTGRES_DB:-app_db}}
      - REDIS_URL=redis://redis:6379/${{REDIS_DB:-0}}
    ports:
      - "${{DJANGO_PORT:-8011}}:8000"
networks:
  default:
    name: {network}
    external: true
"#
    )
}

struct Stack<'a> {
    sandbox: &'a Sandbox,
    repo: &'a Repo<'a>,
    view: Value,
}

impl<'a> Stack<'a> {
    fn up(sandbox: &'a Sandbox, repo: &'a Repo<'a>, name: &str) -> Self {
        let view = repo.agentenv(&["add", name, "--json"]).ok().json();
        let stack = Stack { sandbox, repo, view };
        stack.compose(&["up", "-d"]);
        stack
    }

    fn compose(&self, args: &[&str]) {
        let mut command = self.sandbox.command("git");
        command.args(["agentenv", "run", self.view["name"].as_str().unwrap(), "--"]);
        command.args(["docker", "compose"]).args(args).current_dir(&self.repo.path);
        command.env("DOCKER_CONFIG", with_plugin(self.sandbox));
        self.sandbox.outcome(&mut command).ok();
    }

    fn variable(&self, name: &str) -> &str {
        self.view["variables"][name].as_str().unwrap()
    }

    fn project(&self) -> &str {
        self.variable("COMPOSE_PROJECT_NAME")
    }

    fn ask(&self) -> Option<String> {
        let mut stream =
            TcpStream::connect(format!("127.0.0.1:{}", self.variable("DJANGO_PORT"))).ok()?;
        write!(stream, "GET /cgi-bin/env HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.contains(" 200 ").then_some(answer)
    }
}

/// Compose 2 as Docker's plugin, from the Python package that carries it.
pub fn with_plugin(sandbox: &Sandbox) -> std::path::PathBuf {
    let config = sandbox.root.join("docker");
    std::fs::create_dir_all(config.join("cli-plugins")).unwrap();
    let plugin: &Path = &config.join("cli-plugins/docker-compose");
    if !plugin.exists() {
        symlink(venv().join("bin/docker-compose"), plugin).unwrap();
    }
    config
}

/// A network on which the shared servers are reached by name, as on `app_local`.
struct Network(String);

impl Network {
    fn new(name: &str) -> Self {
        let servers = servers();
        docker(&["network", "create", name]);
        docker(&["network", "connect", "--alias", "postgres", name, servers.postgres]);
        docker(&["network", "connect", "--alias", "redis", name, servers.redis]);
        Network(name.to_owned())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let servers = servers();
        for container in [&servers.postgres, &servers.redis] {
            Command::new("docker")
                .args(["network", "disconnect", "-f", &self.0, container])
                .output()
                .ok();
        }
        Command::new("docker").args(["network", "rm", &self.0]).output().ok();
    }
}

pub fn listed(label: &str) -> Vec<String> {
    let names =
        docker(&["ps", "-a", "--format", "{{.Names}}", "--filter", &format!("label={label}")]);
    names.lines().map(str::to_owned).collect()
}
