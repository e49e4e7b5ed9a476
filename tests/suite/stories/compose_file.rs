//! Projects' own compose files, as they are: fixtures in the shape of public ones, two stacks up at once.

use crate::common::{Container, Outcome, POSTGRES_READY, Repo, Sandbox, docker, wait_until};
use crate::stories::compose::{listed, with_plugin};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

/// As in healthchecks: a file in a directory of its own, one ignored `env_file`, a wait for the name `db`.
const HEALTHCHECKS: Project = Project {
    file: "docker/docker-compose.yml",
    files: &[
        (
            "docker/docker-compose.yml",
            "version: \"3\"
volumes:
    db-data:
services:
  db:
    image: postgres:12
    volumes:
      - db-data:/var/lib/postgresql/data
    environment:
      - POSTGRES_DB=$DB_NAME
      - POSTGRES_PASSWORD=$DB_PASSWORD
  web:
    image: agentenv-test/app
    env_file:
        - .env
    ports:
        - \"8000:8000\"
    depends_on:
        - db
    command: sh -c 'until nc -w 1 db 5432 </dev/null; do sleep 1; done; httpd -f -p 8000 -h /srv'
",
        ),
        (".gitignore", "docker/.env\n"),
    ],
    ignored: &[(
        "docker/.env",
        "DB=postgres\nDB_HOST=db\nDB_NAME=hc\nDB_USER=postgres\nDB_PASSWORD=p\n",
    )],
    web: "web",
    others: &[],
    hosts: &["db 5432"],
};

/// As in netbox-docker: anchors, two caches, health checks, `env_file`s that git tracks, ports in an override file.
const NETBOX: Project = Project {
    file: "docker-compose.yml",
    files: &[
        (
            "docker-compose.yml",
            "services:
  netbox: &netbox
    image: agentenv-test/app
    depends_on:
      - postgres
      - redis
      - redis-cache
    env_file: env/netbox.env
    user: 'root:root'
    healthcheck:
      test: [CMD, 'true']
      interval: 1s
    volumes:
      - ./configuration:/etc/netbox/config:ro
      - netbox-media-files:/opt/netbox/netbox/media:rw
  netbox-worker:
    <<: *netbox
    depends_on:
      netbox:
        condition: service_healthy
  postgres:
    image: docker.io/postgres:16-alpine
    env_file: env/postgres.env
    volumes:
      - netbox-postgres-data:/var/lib/postgresql/data
  redis: &redis
    image: docker.io/valkey/valkey:8-alpine
    env_file: env/redis.env
    volumes:
      - netbox-redis-data:/data
  redis-cache:
    <<: *redis
    volumes:
      - netbox-redis-cache-data:/data
volumes:
  netbox-media-files:
    driver: local
  netbox-postgres-data:
    driver: local
  netbox-redis-data:
    driver: local
  netbox-redis-cache-data:
    driver: local
",
        ),
        (
            "docker-compose.override.yml",
            "services:\n  netbox:\n    container_name: netbox\n    ports:\n      - '127.0.0.1:8000:8000/tcp'\n",
        ),
        ("env/netbox.env", "DB_HOST=postgres\nDB_NAME=netbox\nDB_USER=netbox\nREDIS_DATABASE=0\n"),
        ("env/postgres.env", "POSTGRES_DB=netbox\n"),
        ("env/redis.env", "X=1\n"),
        ("configuration/x.py", "\n"),
    ],
    ignored: &[],
    web: "netbox",
    others: &["netbox-worker"],
    hosts: &["postgres 5432", "redis 6379", "redis-cache 6379"],
};

/// As in saleor-platform: a network of the project's own, fixed ports of everything, side services.
const SALEOR: Project = Project {
    file: "docker-compose.yml",
    files: &[
        (
            "docker-compose.yml",
            "services:
  api:
    image: agentenv-test/app
    ports:
      - 8000:8000
    restart: unless-stopped
    networks:
      - saleor-backend-tier
    stdin_open: true
    depends_on:
      - db
      - cache
      - mailpit
    env_file:
      - common.env
    environment:
      - ALLOWED_HOSTS=localhost,api
      - DATABASE_URL=postgres://saleor:saleor@db/saleor
  worker:
    image: agentenv-test/app
    networks:
      saleor-backend-tier:
        ipv4_address: 10.213.77.9
    env_file: common.env
    depends_on:
      - cache
      - mailpit
  db:
    image: library/postgres:15-alpine
    ports:
      - 5432:5432
    networks:
      - saleor-backend-tier
    volumes:
      - saleor-db:/var/lib/postgresql/data
    environment:
      - POSTGRES_USER=saleor
      - POSTGRES_PASSWORD=saleor
  cache:
    image: valkey/valkey:8.1-alpine
    ports:
      - 6379:6379
    networks:
      - saleor-backend-tier
  mailpit:
    image: agentenv-test/app
    container_name: saleor_mail
    ports:
      - 1025:1025
      - 8025:8025
    networks:
      - saleor-backend-tier
volumes:
  saleor-db:
    driver: local
networks:
  saleor-backend-tier:
    name: saleor
    driver: bridge
    ipam:
      config:
        - subnet: 10.213.77.0/24
",
        ),
        ("common.env", "CACHE_URL=redis://cache:6379/0\n"),
    ],
    ignored: &[],
    web: "api",
    others: &["worker", "mailpit"],
    hosts: &["db 5432", "cache 6379", "saleor_mail 8000"],
};

const VERSION_1: &[&str] = &["docker-compose"];
const VERSION_2: &[&str] = &["docker", "compose"];

#[test]
fn healthchecks_runs_twice() {
    run_twice(&HEALTHCHECKS, VERSION_2);
}

#[test]
fn netbox_runs_twice_with_compose_1() {
    run_twice(&NETBOX, VERSION_1);
}

#[test]
fn netbox_runs_twice_with_compose_2() {
    run_twice(&NETBOX, VERSION_2);
}

#[test]
fn saleor_runs_twice() {
    run_twice(&SALEOR, VERSION_2);
}

struct Project {
    file: &'static str,
    files: &'static [(&'static str, &'static str)],
    ignored: &'static [(&'static str, &'static str)],
    /// The service that publishes a port.
    web: &'static str,
    others: &'static [&'static str],
    /// Names and ports that the web service reaches.
    hosts: &'static [&'static str],
}

fn run_twice(project: &Project, compose: &[&str]) {
    let sandbox = Sandbox::new();
    let servers = Servers::start(&sandbox);
    let repo = project.repo(&sandbox, &servers);
    let stacks = ["red", "blue"].map(|name| Stack::up(&repo, name, compose));
    // The other one reads it, too.
    stacks[0].compose(VERSION_1, &["config", "--quiet"]).ok();

    let mut names = Vec::new();
    for stack in &stacks {
        let web = stack.container(project.web);
        wait_until("the application answers", || stack.ask().is_some());
        let environment = stack.ask().unwrap();
        let database = format!("DB_NAME={}\n", stack.variable("DB_NAME"));
        assert!(environment.contains(&database), "{environment}");
        assert!(!environment.contains("/saleor\n"), "{environment}");
        for host in project.hosts {
            docker(&["exec", &web, "sh", "-c", &format!("nc -w 2 {host} </dev/null")]);
        }
        // The name leads to the shared server, and not to another.
        let list = ["psql", "-h", "postgres-of-test", "-U", "postgres", "-Atc"];
        let sql = "SELECT datname FROM pg_database";
        let host = project.hosts[0].split(' ').next().unwrap();
        let list: Vec<&str> =
            list.iter().map(|word| if *word == "postgres-of-test" { host } else { word }).collect();
        let forwarder = stack.container("agentenv-postgres");
        let found = docker(&[&["exec", &forwarder][..], &list, &[sql]].concat());
        assert!(found.lines().any(|line| line == stack.variable("DB_NAME")), "{found}");
        // No container of the other stack has the same name for this one.
        // It ends with 1, because there is no IPv6 address.
        let lookup = format!("nslookup {}", project.web);
        let found = Command::new("docker").args(["exec", &web, "sh", "-c", &lookup]).output();
        let found = String::from_utf8(found.unwrap().stdout).unwrap();
        assert_eq!(found.matches("Name:").count(), 1, "{found}");
        names.extend(stack.containers());
    }
    // The application's, and a forwarder for each server.
    assert_eq!(names.len(), 2 * (1 + project.others.len() + 2), "{names:?}");
    let ports = names.iter().map(|name| docker(&["port", name]));
    let ports: BTreeSet<String> =
        ports.flat_map(|text| text.lines().map(published).collect::<Vec<_>>()).collect();
    let wanted = stacks.iter().map(|stack| stack.variable("WEB_PORT").to_owned()).collect();
    assert_eq!(ports, wanted);

    // What came along and was changed is a loss; what is as it came is none.
    for (file, text) in project.ignored {
        let copy = Path::new(stacks[0].view["path"].as_str().unwrap()).join(file);
        fs::write(&copy, "mine").unwrap();
        repo.agentenv(&["remove", "red"]).fails(7);
        fs::write(&copy, text).unwrap();
    }
    repo.agentenv(&["remove", "red"]).ok();
    assert_eq!(stacks[0].containers(), Vec::<String>::new());
    assert!(stacks[1].ask().is_some(), "the other one still runs");
    repo.agentenv(&["remove", "blue"]).ok();
    assert_eq!(stacks[1].containers(), Vec::<String>::new());
    for what in ["network", "volume"] {
        let filter = format!("name={}-shop", sandbox.id);
        assert_eq!(docker(&[what, "ls", "-q", "--filter", &filter]), "", "{what}");
    }
}

/// A test that failed leaves nothing either.
impl Drop for Stack<'_> {
    fn drop(&mut self) {
        let filter =
            format!("label=com.docker.compose.project={}", self.variable("COMPOSE_PROJECT_NAME"));
        for (list, remove) in [
            (&["ps", "-aq"][..], &["rm", "-fv"][..]),
            (&["network", "ls", "-q"], &["network", "rm"]),
            (&["volume", "ls", "-q"], &["volume", "rm"]),
        ] {
            let found = docker(&[list, &["--filter", &filter]].concat());
            let found: Vec<&str> = found.lines().collect();
            if !found.is_empty() {
                Command::new("docker").args(remove).args(found).output().ok();
            }
        }
    }
}

/// `8000/tcp -> 127.0.0.1:8012`.
fn published(line: &str) -> String {
    line.rsplit(':').next().unwrap().to_owned()
}

impl Project {
    fn repo<'a>(&self, sandbox: &'a Sandbox, servers: &Servers) -> Repo<'a> {
        let repo = sandbox.repo(&format!("{}-shop", sandbox.id));
        for (file, text) in self.files {
            repo.commit(file, text);
        }
        for (file, text) in self.ignored {
            fs::write(repo.path.join(file), text).unwrap();
        }
        repo.config(&servers.config(sandbox, self.file));
        repo
    }
}

/// Servers of this test alone: others of the machine come and go on the networks of theirs.
struct Servers {
    // Removed before their network.
    containers: [Container; 2],
    _network: Network,
}

struct Network(String);

impl Servers {
    fn start(sandbox: &Sandbox) -> Self {
        let network = Network(format!("{}_local", sandbox.id));
        docker(&["network", "create", &network.0]);
        let containers = ["postgres", "redis"].map(|kind| {
            let name = format!("{}-{kind}", sandbox.id);
            let options = ["--name", &name, "--network", &network.0];
            let data =
                ["--env=POSTGRES_HOST_AUTH_METHOD=trust", "--tmpfs=/var/lib/postgresql/data"];
            Container::run(&format!("agentenv-test/{kind}"), &[&options[..], &data].concat())
        });
        let [postgres, redis] = containers;
        Servers { containers: [postgres.ready(&POSTGRES_READY), redis], _network: network }
    }

    fn config(&self, sandbox: &Sandbox, file: &str) -> String {
        let ports = sandbox.ports();
        let [postgres, redis] = self.containers.each_ref().map(|container| &container.name);
        format!(
            "ports: {{ WEB_PORT: {{ main: 8000, range: {}-{} }} }}
services:
  postgres: {{ kind: postgres, variable: DB_NAME, name: 'hc_{{name}}', main: hc, container: {postgres} }}
  redis: {{ kind: redis, variable: REDIS_DB, main: 0, container: {redis} }}
env: {{}}
compose: {{ file: {file} }}
",
            ports.start(),
            ports.end()
        )
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        Command::new("docker").args(["network", "rm", &self.0]).output().ok();
    }
}

struct Stack<'a> {
    repo: &'a Repo<'a>,
    view: Value,
}

impl<'a> Stack<'a> {
    fn up(repo: &'a Repo<'a>, name: &str, compose: &[&str]) -> Self {
        let view = repo.agentenv(&["add", name, "--json"]).ok().json();
        let stack = Stack { repo, view };
        stack.compose(compose, &["up", "-d"]).ok();
        stack
    }

    /// Compose as a user calls it, in a directory below the worktree's top.
    fn compose(&self, compose: &[&str], args: &[&str]) -> Outcome {
        let sandbox = self.repo.sandbox;
        let below = Path::new(self.view["path"].as_str().unwrap()).join("below");
        fs::create_dir_all(&below).unwrap();
        let mut command = sandbox.command(compose[0]);
        command.args(&compose[1..]).args(args).current_dir(below);
        let variables = self.view["variables"].as_object().unwrap();
        command.envs(variables.iter().map(|(name, value)| (name, value.as_str().unwrap())));
        sandbox.outcome(command.env("DOCKER_CONFIG", with_plugin(sandbox)))
    }

    fn variable(&self, name: &str) -> &str {
        self.view["variables"][name].as_str().unwrap()
    }

    fn containers(&self) -> Vec<String> {
        listed(&format!("com.docker.compose.project={}", self.variable("COMPOSE_PROJECT_NAME")))
    }

    fn container(&self, service: &str) -> String {
        let project = self.variable("COMPOSE_PROJECT_NAME");
        let names = [format!("{project}-{service}-1"), format!("{project}_{service}_1")];
        let found = self.containers().into_iter().find(|name| names.contains(name));
        found.unwrap_or_else(|| panic!("no container of {service}"))
    }

    fn ask(&self) -> Option<String> {
        let mut stream =
            TcpStream::connect(format!("127.0.0.1:{}", self.variable("WEB_PORT"))).ok()?;
        write!(stream, "GET /cgi-bin/env HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.contains(" 200 ").then_some(answer)
    }
}
