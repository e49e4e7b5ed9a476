//! Connection strings of the configuration, beside the compose file's own.

use super::*;

const TEXT: &str = "
services:
  db: { image: 'postgres:16' }
  web: { build: ., environment: { STRING: 'Host=db;Port=5432;Database=hc' } }
";

#[test]
fn a_literal_port_beside_such_a_host_is_the_one_inside() {
    for (port, expected) in
        [(5433, "Host=db;Port=5432;Database=hc_red"), (5434, "Host=db;Port=5434;Database=hc_red")]
    {
        let config = CONFIG.replace("main: hc }", "main: hc, port: 5433 }");
        let string = format!("Host=localhost;Port={port};Database={{DB_NAME}}");
        let config = format!("{config}  STRING: '{string}'\ncompose: {{ file: compose.yml }}\n");
        let stack = configured(&config, &servers(), &[], |environment| {
            let file = load("compose.yml", &|_| Some(TEXT.to_owned()));
            of_environment(file.unwrap(), environment).unwrap()
        });
        assert_eq!(at(&stack, "web/environment")["STRING"], expected, "{string}");
    }
}

#[test]
fn a_connection_string_leads_to_the_server_as_containers_know_it() {
    let mysql = Server {
        services: vec!["mysql".to_owned()],
        kind: Kind::Mysql,
        image: Some("image".to_owned()),
        host: "agentenv-mysql-1".to_owned(),
        port: 3306,
        network: None,
    };
    let servers = [servers(), vec![mysql]].concat();
    let services = "services:\n  mysql: { kind: mysql, variable: MY_DB, name: 'hc_{name}', main: hc, port: 3307 }";
    for (string, expected) in [
        (
            "Host=localhost;Port={postgres.port};Database={DB_NAME}",
            "Host=db;Port=5432;Database=hc_red",
        ),
        ("Data Source = 127.0.0.1 ;Database={DB_NAME};", "Data Source =db;Database=hc_red;"),
        ("Host={postgres.host};Database={DB_NAME}", "Host=db;Database=hc_red"),
        ("Host=db.example.com;Database={DB_NAME}", "Host=db.example.com;Database=hc_red"),
        ("Host=localhost;Database=other", "Host=localhost;Database=other"),
        ("Server=127.0.0.1;Port={mysql.port};Database=x", "Server=mysql;Port=3306;Database=x"),
        ("mysql://root@127.0.0.1:{mysql.port}/x", "mysql://root@mysql:3306/x"),
    ] {
        let config = CONFIG.replace("services:", services);
        let config = format!("{config}  STRING: '{string}'\ncompose: {{ file: compose.yml }}\n");
        let stack = configured(&config, &servers, &[], |environment| {
            let file = load("compose.yml", &|_| Some(TEXT.to_owned()));
            of_environment(file.unwrap(), environment).unwrap()
        });
        assert_eq!(at(&stack, "web/environment")["STRING"], expected, "{string}");
    }
}
