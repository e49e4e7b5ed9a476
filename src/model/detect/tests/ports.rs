//! Ports and their ranges.

mod fixed;

use super::*;

#[test]
fn neighbouring_ports_do_not_meet() {
    let config = config(&[(".env", "API_PORT=8000\nWEB_PORT=8001\nADMIN_PORT=9000\n")]);
    let (api, web) =
        (config.ports["API_PORT"].range.unwrap(), config.ports["WEB_PORT"].range.unwrap());
    assert!(api.1 < web.0 && api.0 > 8001, "{api:?} {web:?}");
    assert_eq!(config.ports["ADMIN_PORT"].follows.as_deref(), Some("API_PORT"));
}

#[test]
fn a_port_that_only_containers_may_publish_has_a_range_above() {
    let stack =
        "services:\n  web: { build: ., ports: ['9000:9000', '${APP_PORT:-80}:80', '443:443'] }\n";
    let ports = config(&[("compose.yml", stack), (".env", "FTP_PORT=21\n")]).ports;
    let found = ["APP_PORT", "WEB_PORT", "WEB_443_PORT"].map(|name| ports[name].range);
    assert_eq!(found, [Some((8081, 8099)), None, Some((8644, 8662))]);
    assert_eq!(ports.len(), 3);
}

#[test]
fn fixed_ports_of_the_applications_containers_get_variables() {
    let compose = |services: &str| format!("services:\n{services}");
    for (what, files, ports) in [
        (
            "another port than the framework's own",
            vec![MANAGE, ("compose.yml", "  web: { build: ., ports: ['9100:8000'] }\n")],
            "DJANGO_PORT=9100",
        ),
        (
            "no framework that is known",
            vec![(
                "compose.yml",
                "  my-app: { image: x, volumes: ['.:/app'], ports: ['9100:80', '127.0.0.1:9200:81/tcp'] }\n",
            )],
            "MY_APP_PORT=9100 MY_APP_9200_PORT=9200",
        ),
        (
            "a side service before what is built here",
            vec![(
                "compose.yml",
                "  mail: { image: x, ports: ['8025:8025'] }\n  app: { build: ., ports: [{ target: 80, published: 9100 }] }\n",
            )],
            "APP_PORT=9100 MAIL_PORT=8025",
        ),
        (
            "the application in a container, Vite beside it",
            vec![
                MANAGE,
                ("package.json", "{ \"devDependencies\": { \"vite\": \"7\" } }"),
                (
                    "compose.yml",
                    "  vite: { build: ., ports: ['5174:5173'] }\n  web: { build: ., ports: ['8000:8000'] }\n",
                ),
            ],
            "DJANGO_PORT=8000 VITE_PORT=5174",
        ),
        (
            "a variable inside and outside",
            vec![(
                "compose.yml",
                "  app: { build: ., ports: ['${P:-9100}:${P:-9100}', '9200:${P}'] }\n",
            )],
            "P=9100 APP_PORT=9200",
        ),
        (
            "a variable of the environment file has it",
            vec![
                (".env", "API_PORT=9100\n"),
                ("compose.yml", "  app: { build: ., ports: ['9100:80'] }\n"),
            ],
            "API_PORT=9100",
        ),
        (
            "containers from elsewhere come after the framework, whatever decides their ports",
            vec![
                (
                    "package.json",
                    r#"{ "scripts": { "dev": "next dev" }, "dependencies": { "next": "15" } }"#,
                ),
                (
                    "compose.yml",
                    "  model: { image: x, profiles: [ai], ports: ['${MODEL_PORT:-8000}:8000'] }\n",
                ),
            ],
            "PORT=3000",
        ),
        (
            "a proxy in front of what is built here is how it is reached",
            vec![(
                "compose.yml",
                "  app: { build: . }\n  proxy: { image: nginx, ports: ['9100:80'] }\n",
            )],
            "PROXY_PORT=9100",
        ),
        (
            "what runs beside what is built here comes last",
            vec![(
                "compose.yml",
                "  mail: { image: x, ports: ['${MAIL_PORT:-8025}:8025'] }\n  app: { build: ., ports: ['9100:80'] }\n",
            )],
            "APP_PORT=9100 MAIL_PORT=8025",
        ),
        (
            "a container for an editor says which port the application listens on",
            vec![
                ("go.mod", "module inn\n"),
                (
                    ".devcontainer/devcontainer.json",
                    "{ // x\n  \"forwardPorts\": [\"db:5432\", 5432, 8080] }",
                ),
            ],
            "PORT=8080",
        ),
        (
            "Spring Boot",
            vec![("pom.xml", "<artifactId>spring-boot-starter-web</artifactId>")],
            "SERVER_PORT=8080",
        ),
        ("Phoenix", vec![("mix.exs", "{:phoenix, \"~> 1.7\"}")], "PORT=4000"),
        (
            "Phoenix with a variable of its own, but in production",
            vec![
                ("mix.exs", "{:phoenix, \"~> 1.7\"}"),
                (
                    "config/runtime.exs",
                    "if config_env() == :prod do\n  http: [port: 1]\nend\n  http: [ip: {0, 0}, port: System.get_env(\"INN_PORT\", \"4100\")],\n",
                ),
            ],
            "INN_PORT=4100",
        ),
        (
            "scripts and a Procfile with ports of their own",
            vec![
                (
                    "package.json",
                    r#"{ "scripts": { "dev": "PORT=${SITE_PORT:-3001} next dev" }, "dependencies": { "next": "15" } }"#,
                ),
                ("Procfile.dev", "web: PORT=5000 yarn dev\nstream: PORT=4000 yarn start\n"),
            ],
            "PORT=5000 STREAM_PORT=4000",
        ),
        (
            "Laravel",
            vec![("composer.json", "{ \"require\": { \"laravel/framework\": \"11\" } }")],
            "SERVER_PORT=8000",
        ),
        (
            "tools from elsewhere are no application",
            vec![
                MANAGE,
                (
                    "compose.yml",
                    "  mongo: { image: x, volumes: ['./dump:/dump'], ports: ['9100:80'] }\n",
                ),
            ],
            "DJANGO_PORT=8000",
        ),
        (
            "a server of a compose file that no environment starts",
            vec![
                (
                    "infra/compose.yml",
                    "services:\n  files: { image: minio/minio, ports: ['${FILES_PORT:-9000}:9000'] }\n",
                ),
                (".env.example", "PHOTOS_PORT=9000\nWEB_PORT=4000\n"),
            ],
            "WEB_PORT=4000",
        ),
        (
            "a mail catcher that is built beside the application, and ports that only an example says",
            vec![
                (
                    "compose.yml",
                    "  mails: { build: mails, ports: ['${MAIL_PORT}:1080'] }\n  app: { build: ., ports: ['${APP_PORT}:3000'] }\n",
                ),
                (".env.example", "APP_PORT=4000\nMAIL_PORT=1080\n"),
            ],
            "APP_PORT=4000 MAIL_PORT=1080",
        ),
        (
            "shared servers, ranges and free ports are no fixed ports of the application",
            vec![(
                "compose.yml",
                "  db: { image: 'postgres:16', ports: ['5433:5432'] }\n  app: { build: ., ports: ['80', '7000-7001:7000-7001'] }\n",
            )],
            "PORT=3000",
        ),
    ] {
        let files: Vec<(&str, String)> = files
            .into_iter()
            .map(|(name, text)| {
                (name, if name == "compose.yml" { compose(text) } else { text.to_owned() })
            })
            .collect();
        let files: Vec<(&str, &str)> =
            files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let found = config(&files).ports;
        let found: Vec<_> =
            found.iter().map(|(name, port)| format!("{name}={}", port.main)).collect();
        assert_eq!(found.join(" "), ports, "{what}");
    }
}

#[test]
fn ports_of_servers_that_are_used_and_ports_inside_containers_are_not_the_applications() {
    let ports = |files: &[(&str, &str)]| {
        let found = config(files).ports;
        let found = found.iter().map(|(name, port)| format!("{name}={}", port.main));
        found.collect::<Vec<_>>().join(" ")
    };
    for (env, expected) in [
        ("PUSHER_HOST=localhost\nPUSHER_PORT=6001\n", "PORT=3000"),
        ("PUSHER_HOST=\nPUSHER_PORT=6001\nWEB_PORT=4000\n", "WEB_PORT=4000"),
        ("HOST=localhost\nPORT=4000\n", "PORT=4000"),
        ("SHOP_HOST=0.0.0.0\nSHOP_PORT=4000\n", "SHOP_PORT=4000"),
        ("SHOP_API_HOST=localhost\nSHOP_API_PORT=4000\n", "SHOP_API_PORT=4000"),
        ("SHOP_PORT=4000\n", "SHOP_PORT=4000"),
        ("BUCKET_HOSTNAME=127.0.0.1\nBUCKET_PORT=4000\n", "PORT=3000"),
    ] {
        assert_eq!(ports(&[(".env", env)]), expected, "{env}");
    }
    let env = (".env", "DJANGO_HOST=localhost\nDJANGO_PORT=4000\n");
    assert_eq!(ports(&[MANAGE, env]), "DJANGO_PORT=4000");
    let vite = ("package.json", "{ \"devDependencies\": { \"vite\": \"7\" } }");
    assert_eq!(ports(&[vite, (".env", "WEBHOOK_TIMEOUT=5000\n")]), "VITE_PORT=5173");
    let stack = "services:\n  app: { image: inn, environment: { PORT: 8080 } }\n";
    assert_eq!(ports(&[("compose.yml", stack)]), "PORT=3000");
}
