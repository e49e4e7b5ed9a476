mod carried;
mod mounts;
mod strings;

use super::*;
use crate::model::config::Config;
use indexmap::IndexMap;

const CONFIG: &str = "
ports: { WEB_PORT: { main: 8000, range: 8001-8020 } }
services:
  postgres: { kind: postgres, variable: DB_NAME, name: 'hc_{name}', main: hc }
  cache: { kind: redis, variable: CACHE_DB, main: 0 }
  broker: { kind: redis, variable: BROKER_DB, main: 1 }
env:
  DATABASE_URL: 'postgres://{postgres.user}@{postgres.host}:{postgres.port}/{DB_NAME}'
  CELERY_BROKER: 'redis://localhost:6379/{BROKER_DB}'
  SITE: 'http://localhost:{WEB_PORT}'
";

fn servers() -> Vec<Server> {
    let server = |services: &[&str], kind, host: &str, port| Server {
        services: services.iter().map(|name| (*name).to_owned()).collect(),
        kind,
        image: Some("image".to_owned()),
        host: host.to_owned(),
        port,
        network: Some("app_local".to_owned()),
    };
    vec![
        server(&["postgres"], Kind::Postgres, "agentenv-postgres-1", 5432),
        server(&["cache", "broker"], Kind::Redis, "agentenv-redis-1", 6379),
    ]
}

fn made(text: &str, section: &str, servers: &[Server], env_files: &[(&str, &str)]) -> Stack {
    within(section, servers, env_files, |environment| {
        let file = load("compose.yml", &|path| (path == "compose.yml").then(|| text.to_owned()));
        of_environment(file.unwrap(), environment).unwrap()
    })
}

fn within<T>(
    section: &str,
    servers: &[Server],
    env_files: &[(&str, &str)],
    ask: impl FnOnce(&Environment<'_>) -> T,
) -> T {
    configured(&format!("{CONFIG}\n{section}"), servers, env_files, ask)
}

fn configured<T>(
    config: &str,
    servers: &[Server],
    env_files: &[(&str, &str)],
    ask: impl FnOnce(&Environment<'_>) -> T,
) -> T {
    let config = Config::parse("f", config).unwrap();
    let parts = [("DB_NAME", "hc_red"), ("CACHE_DB", "3"), ("BROKER_DB", "4")];
    let parts: IndexMap<String, String> =
        parts.iter().map(|(name, part)| ((*name).to_owned(), (*part).to_owned())).collect();
    let ports = IndexMap::from([("WEB_PORT".to_owned(), 8007)]);
    let env_file = |path: &str| {
        let found = env_files.iter().find(|(name, _)| *name == path);
        found.map(|(_, text)| (*text).to_owned())
    };
    ask(&Environment {
        id: "0123",
        config: &config,
        values: Values {
            repo: "hc",
            name: "red",
            project: "hc-red",
            path: "/w/hc-red",
            main: "/w/hc",
            ports: &ports,
            parts: &parts,
            hosts: None,
        },
        servers,
        env_file: &env_file,
    })
}

/// A value of the file, by keys between slashes; `null` when there is none.
fn at<'a>(stack: &'a Stack, path: &str) -> &'a Value {
    let file = stack.file.get("services").unwrap();
    path.split('/').fold(file, |value, key| value.get(key).unwrap_or(&Value::Null))
}

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

#[track_caller]
fn becomes(text: &str, path: &str, expected: &str) {
    let stack = made(text, "compose: { file: compose.yml }", &servers(), &[]);
    assert_eq!(*at(&stack, path), yaml(expected), "{:#?}", stack.file);
}

#[test]
fn servers_of_the_file_give_way_to_forwarders() {
    let text = "
services:
  db: { image: 'postgres:16', container_name: hc_db, ports: ['5432:5432'], networks: { back: { aliases: [sql] } } }
  redis: { image: 'redis:7' }
  web: { build: ., depends_on: [db, redis, mail], links: ['db:database'], networks: [back, default] }
  worker: { image: x, depends_on: { db: { condition: service_healthy } }, volumes_from: [db], network_mode: 'service:db' }
  mail: { image: mailpit }
networks: { back: }
";
    let stack = made(text, "compose: { file: compose.yml }", &servers(), &[]);
    assert_eq!(*at(&stack, "db"), Value::Null);
    assert_eq!(*at(&stack, "redis"), Value::Null);
    assert_eq!(*at(&stack, "web/depends_on"), yaml("[mail]"));
    assert_eq!(*at(&stack, "web/links"), Value::Null);
    for key in ["depends_on", "volumes_from", "network_mode"] {
        assert_eq!(*at(&stack, &format!("worker/{key}")), Value::Null, "{key}");
    }
    let names = "{ aliases: [db, hc_db, sql, database] }";
    assert_eq!(
        *at(&stack, "agentenv-postgres/networks"),
        yaml(&format!("{{ back: {names}, default: {names}, agentenv-postgres: null }}"))
    );
    assert_eq!(
        *at(&stack, "agentenv-postgres/command"),
        yaml("['5432', agentenv-postgres-1, '5432']")
    );
    assert_eq!(*at(&stack, "agentenv-postgres/ports"), Value::Null);
    let networks = stack.file.get("networks").unwrap();
    assert_eq!(networks["agentenv-cache"], yaml("{ external: true, name: app_local }"));
    assert_eq!(stack.notes, Vec::<String>::new());
}

#[test]
fn variables_lead_to_the_environments_parts() {
    let text = "
services:
  db: { image: 'postgres:16' }
  redis: { image: 'redis:7' }
  web:
    image: hc
    environment:
      DB_HOST: db
      DB_USER: hc
      DB_PASSWORD: secret
      URL: 'postgresql+psycopg://${U:-a}:${P:-b}@db:5432/hc?sslmode=disable'
      CACHE_URL: 'redis://redis/0'
      BROKER: 'redis://redis:6379/1'
      MAIL: 'smtp://mail:25/x'
      CELERY_BROKER: 'redis://redis:6379/1'
  mail: { image: mailpit, environment: [A=b] }
";
    becomes(
        text,
        "web/environment",
        "
DB_HOST: db
DB_USER: postgres
DB_PASSWORD: secret
URL: 'postgresql+psycopg://postgres:${P:-b}@db:5432/hc_red?sslmode=disable'
CACHE_URL: 'redis://redis/3'
BROKER: 'redis://redis:6379/4'
MAIL: 'smtp://mail:25/x'
CELERY_BROKER: 'redis://redis:6379/4'
DB_NAME: hc_red
CACHE_DB: '3'
BROKER_DB: '4'
DATABASE_URL: 'postgres://postgres@db:5432/hc_red'
SITE: 'http://localhost:8007'
",
    );
    becomes(text, "mail/environment", "[A=b]");
}

#[test]
fn a_stack_on_the_servers_network_needs_no_forwarder() {
    for network in ["name: app_local, external: true", "external: { name: '${NET:-app_local}' }"] {
        let text = format!(
            "services: {{ web: {{ image: x, environment: {{ DB_NAME: hc }} }} }}\nnetworks: {{ default: {{ {network} }} }}"
        );
        let stack = made(&text, "compose: { file: compose.yml }", &servers(), &[]);
        let names: Vec<_> = services(&stack.file).map(|(name, _)| name).collect();
        assert_eq!(names, ["web"]);
        assert_eq!(
            at(&stack, "web/environment")["DATABASE_URL"],
            "postgres://postgres@agentenv-postgres-1:5432/hc_red"
        );
    }
}

#[test]
fn a_server_of_this_machine_is_reached_through_the_gateway() {
    let host = Server {
        services: vec!["postgres".to_owned()],
        kind: Kind::Postgres,
        image: None,
        host: String::new(),
        port: 5433,
        network: None,
    };
    let text = "services: { web: { build: . } }";
    let stack = made(text, "compose: { file: compose.yml }", &[host], &[]);
    let forwarder = at(&stack, "agentenv-postgres");
    assert_eq!(forwarder["command"], yaml("['5432', host.docker.internal, '5433']"));
    assert_eq!(forwarder["extra_hosts"], yaml("['host.docker.internal:host-gateway']"));
    assert_eq!(forwarder["networks"], yaml("{ default: { aliases: [postgres] } }"));
    assert!(at(&stack, "web/environment").get("CELERY_BROKER").is_none());
}

#[test]
fn a_container_gets_no_name_and_no_address_that_another_has() {
    let text = "
services:
  api:
    build: .
    image: hc/api:dev
    container_name: hc_api
    hostname: api
    mac_address: 02:42:ac:11:65:43
    networks: { front: { ipv4_address: 10.5.0.4 } }
  worker: { image: 'hc/api:dev', container_name: hc_worker }
  sidecar: { image: x, container_name: s, network_mode: 'service:api', volumes: ['seen:/seen'] }
  beat: { image: y, network_mode: host, ports: ['1:1'], environment: { DB_NAME: hc } }
networks: { front: { name: hc_front, ipam: { config: [{ subnet: 10.5.0.0/16 }] } }, out: { external: true, name: o } }
volumes: { data: { name: hc_data }, seen: { external: true } }
name: hc
version: '3'
x-a: 1
";
    becomes(text, "api/networks", "{ front: { aliases: [hc_api] } }");
    becomes(text, "api/container_name", "null");
    becomes(text, "api/image", "hc-red-api");
    becomes(text, "worker/image", "hc-red-api");
    becomes(text, "worker/networks", "{ default: { aliases: [hc_worker] } }");
    becomes(text, "sidecar", "{ image: x, network_mode: 'service:api', volumes: ['seen:/seen'] }");
    becomes(text, "beat/ports", "null");
    let stack = made(text, "compose: { file: compose.yml }", &servers(), &[]);
    let url = &at(&stack, "beat/environment")["DATABASE_URL"];
    assert_eq!(url, "postgres://postgres@localhost:5432/hc_red");
    let keys: Vec<_> = stack.file.keys().filter_map(Value::as_str).collect();
    assert_eq!(keys, ["services", "networks", "volumes"]);
    let marked = yaml("{ labels: { agentenv.lease: '0123' } }");
    assert_eq!(stack.file["networks"]["front"], marked);
    assert_eq!(stack.file["networks"]["default"], marked);
    assert_eq!(stack.file["networks"]["out"], yaml("{ external: true, name: o }"));
    assert_eq!(stack.file["volumes"]["data"], marked);
    assert_eq!(stack.file["volumes"]["seen"], yaml("{ external: true }"));
    assert_eq!(
        stack.notes,
        [
            "service `beat` uses this machine's network: its ports are the same in every environment",
            "volume `seen` is external: all environments share it",
        ]
    );
}

#[test]
fn profiles_paths_and_unknown_keys_stay() {
    let text = "
services:
  web:
    build: { context: .., dockerfile: docker/Dockerfile }
    profiles: [dev]
    volumes: ['./src:/src', 'data:/data']
    healthcheck: { test: [CMD, 'true'] }
    restart: 'no'
    environment: { SITE: 'http://localhost:8007' }
volumes: { data: }
secrets: { s: { file: ./s } }
";
    let stack = made(text, "compose: { file: compose.yml }", &[], &[]);
    let expected: Mapping = serde_yaml::from_str(text).unwrap();
    assert_eq!(stack.file["services"], expected["services"]);
    assert_eq!(stack.file["secrets"], expected["secrets"]);
    // Version 1 of compose reads YAML 1.1, where a bare `no` is false.
    assert!(stack.text().contains("restart: \"no\"\n"), "{}", stack.text());
}

#[test]
fn the_file_lies_beside_the_projects_own() {
    assert_eq!(beside("docker/compose/a.yml"), "docker/compose/compose.agentenv.yaml");
    assert_eq!(beside("a.yml"), "compose.agentenv.yaml");
}

#[test]
fn the_address_that_containers_use_among_themselves_stays() {
    let of = |site: &str| {
        format!("services: {{ web: {{ build: ., environment: {{ SITE: '{site}' }} }} }}")
    };
    for (site, expected) in [
        ("http://web:80", "http://web:80"),
        ("http://localhost:8000", "http://localhost:8007"),
        ("${SITE}", "http://localhost:8007"),
    ] {
        becomes(&of(site), "web/environment/SITE", &format!("\"{expected}\""));
    }
}
