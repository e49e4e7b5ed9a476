//! Compose files that are made of several, and services that start on demand.

use super::*;

#[test]
fn compose_files_are_read_as_compose_reads_them() {
    let db = "services: { db: { image: 'postgres:16', environment: { POSTGRES_DB: shop }, ports: ['5544:5432'] } }";
    let project = |root: &str| {
        let code = ("shop/settings.py", "NAME = os.environ['DB_NAME']");
        let files = [("compose.yml", root), ("docker/servers-compose.yml", db), code];
        let config = config(&files);
        let found = config.services.iter().map(|(key, service)| {
            format!("{key}={}:{} {}", service.main, service.port, service.place.title())
        });
        let ports = config.ports.iter().map(|(name, port)| format!("{name}={}", port.main));
        found.chain(ports).collect::<Vec<_>>().join(" ")
    };
    let own = "postgres=shop:5544 shop/db";
    // The image's own, where nothing names another.
    let usual = "postgres=postgres:5544 shop/db";
    for (root, expected) in [
        (
            "include: [docker/servers-compose.yml]\nservices: { web: { build: ., ports: ['9100:80'] } }",
            format!("{own} WEB_PORT=9100"),
        ),
        (
            "services: { web: { build: . }, db: { extends: { file: docker/servers-compose.yml, service: db } } }",
            format!("{own} PORT=3000"),
        ),
        // One of the files is not there: what stands in the others counts.
        (
            "include: [other.yml]\nservices: { web: { build: ., ports: ['9100:80'] }, db: { image: 'postgres:16', ports: ['5544:5432'] } }",
            format!("{usual} WEB_PORT=9100"),
        ),
        (
            "services: { old: { image: 'postgres:12', profiles: [old], ports: ['1:5432'] }, db: { image: 'postgres:16', ports: ['5544:5432'] } }",
            format!("{usual} PORT=3000"),
        ),
    ] {
        assert_eq!(project(root), expected, "{root}");
    }
}

#[test]
fn variables_of_a_compose_file_are_filled_from_the_file_beside_it() {
    let stack = "services:\n  db:\n    image: ${DB_IMAGE:?needed}\n    ports: ['${DB_HOST_PORT}:5432']\n    environment: { POSTGRES_DB: '${DB_NAME:-inn}', POSTGRES_PASSWORD: '${DB_SECRET}' }\n  web: { build: ., ports: ['${WEB_PORT}:80'], environment: ['KEY=${DB_SECRET}'] }\n";
    let env = "COMPOSE_PROJECT_NAME=hotel\nDB_IMAGE=postgres:16\nDB_HOST_PORT=5440\nDB_NAME=shop\nWEB_PORT=9100\nDB_SECRET=hunter2\n";
    for dir in ["", "docker/"] {
        let [file, beside] = ["compose.yml", ".env"].map(|name| format!("{dir}{name}"));
        let text = render(&detect(&seen(&[(&file, stack), (&beside, env)])), None, true);
        let config = Config::parse("t", &text).unwrap();
        let db = config.services.values().next().unwrap();
        assert_eq!((db.main.as_str(), db.port), ("shop", 5440), "{text}");
        assert_eq!(db.place.title(), "hotel/db");
        assert_eq!(config.ports["WEB_PORT"].main, 9100);
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn the_file_that_a_script_starts_counts() {
    let server = |port: u16| {
        format!("services: {{ db: {{ image: 'postgres:16', ports: ['{port}:5432'] }} }}")
    };
    let port = |script: &str| {
        let package = format!("{{ \"scripts\": {{ \"up\": \"{script}\" }} }}");
        let files = [
            ("docker-compose.yml", server(1)),
            ("docker-compose.dev.yml", server(2)),
            ("docker-compose.test.yml", server(3)),
            ("docker-compose.mail.yml", "services: { mail: { image: mailhog } }".to_owned()),
            ("package.json", package),
        ];
        let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
        config(&files).services.values().next().unwrap().port
    };
    assert_eq!(port("docker compose -f ./docker-compose.dev.yml up -d"), 2);
    for other in [
        "",
        "docker compose -f docker-compose.test.yml up",
        "docker-compose -f docker-compose.mail.yml up",
    ] {
        assert_eq!(port(other), 1, "{other}");
    }
}

#[test]
fn a_compose_file_for_tests_comes_last() {
    let server = |port: u16| {
        format!("services: {{ db: {{ image: 'postgres:16', ports: ['{port}:5432'] }} }}")
    };
    let port = |files: &[(&str, u16)]| {
        let files: Vec<_> = files.iter().map(|(name, port)| (*name, server(*port))).collect();
        let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        config(&files).services.values().next().unwrap().port
    };
    let tests = ("client-integration-tests/docker-compose.yml", 1);
    assert_eq!(port(&[tests, ("server/docker-compose.yml", 2)]), 2);
    assert_eq!(port(&[tests, ("server/deploy/docker-compose.yml", 2)]), 2);
    assert_eq!(port(&[tests]), 1);
}

#[test]
fn scripts_that_a_compose_file_stands_before_are_named() {
    let next = r#"{ "scripts": { "dev": "next dev" }, "dependencies": { "next": "15" } }"#;
    let stack = "services: { web: { build: . } }";
    let project = detect(&seen(&[("compose.yml", stack), ("package.json", next)]));
    let words = "compose.yml runs the application: `up` starts nothing of package.json";
    assert!(project.guessed.contains(&words.to_owned()), "{:?}", project.guessed);
}

#[test]
fn a_server_with_a_page_beside_it_is_reached_at_its_own_port() {
    let stack =
        "services: { cache: { image: 'redis/redis-stack', ports: ['8001:8001', '6380:6379'] } }";
    let config =
        config(&[("compose.yml", stack), (".env.example", "REDIS_URL=redis://localhost:6380/0\n")]);
    assert_eq!(config.services["redis"].port, 6380);
}

#[test]
fn a_compose_file_of_another_name_is_found_by_its_directory_or_by_what_starts_it() {
    let db = "services: { db: { image: 'postgres:16', environment: { POSTGRES_DB: inn }, ports: ['5544:5432'] } }";
    let by = |path: &'static str, others: &[(&'static str, &'static str)]| {
        let files: Vec<_> = [(path, db)].into_iter().chain(others.iter().copied()).collect();
        let project = detect(&seen(&files));
        let missing = project.missing.iter().any(|words| words.contains("no file names one"));
        let found = project.services.first().map(|one| (one.main.clone(), one.port));
        assert_eq!(missing, found.is_none(), "{path}: {:?}", project.missing);
        found
    };
    let found = Some(("inn".to_owned(), 5544));
    for dir in ["deploy/docker-compose", "compose", "ops/compose-dev"] {
        let path: &'static str = format!("{dir}/base.yaml").leak();
        assert!(is_telling(path), "{path}");
        assert_eq!(by(path, &[]), found, "{path}");
    }
    let file = "deploy/stacks/local.yaml";
    for (script, line) in [
        ("Makefile", "up:\n\tdocker compose -f deploy/stacks/local.yaml up -d\n"),
        ("justfile", "up:\n  docker-compose --file=./deploy/stacks/local.yaml up\n"),
        ("scripts/up.sh", "docker compose -p inn -f \"$ROOT/deploy/stacks/local.yaml\" up\n"),
        ("deploy/Makefile", "up:\n\tdocker compose -f stacks/local.yaml up\n"),
        (
            "package.json",
            r#"{ "scripts": { "up": "docker compose -f deploy/stacks/local.yaml up" } }"#,
        ),
    ] {
        assert!(is_telling(script), "{script}");
        assert_eq!(by(file, &[(script, line)]), found, "{script}");
    }
    for (script, line) in [
        ("Makefile", "up:\n\tkubectl apply -f deploy/stacks/local.yaml\n"),
        ("Makefile", "up:\n\tdocker compose -f other.yaml up\n"),
    ] {
        assert_eq!(by(file, &[(script, line)]), None, "{line}");
    }
    // Another tool's file in such a directory is no compose file.
    let other = seen(&[("compose/alerts.yml", "groups: []"), ("compose/base.yml", db)]);
    assert_eq!(detect(&other).services.len(), 1);
}
