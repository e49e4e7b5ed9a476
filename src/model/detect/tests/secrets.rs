//! Who connects to a server, and with which password.

use super::*;

#[test]
fn a_url_has_the_password_that_a_tracked_file_gives_the_server() {
    let url = |text: &str, more: &[(&str, &str)]| {
        let stack = format!(
            "services: {{ db: {{ image: 'postgres:16', ports: ['5432:5432'], environment: {{ POSTGRES_USER: inn, POSTGRES_PASSWORD: {text} }} }} }}"
        );
        let code = ("src/settings.rs", "std::env::var(\"INN_DATABASE_URL\")\n");
        let config = config(&[&[("compose.yml", stack.as_str()), code], more].concat());
        config.env["INN_DATABASE_URL"].clone()
    };
    let with = |login: &str| {
        format!("postgres://{login}@{{postgres.host}}:{{postgres.port}}/{{POSTGRES_DB}}")
    };
    assert_eq!(url("tell", &[]), with("{postgres.user}:tell"));
    assert_eq!(url("'${WORD:-tell}'", &[]), with("{postgres.user}:tell"));
    // The main checkout has another one, which only its user knows.
    assert_eq!(url("'${WORD:-tell}'", &[(".env", "WORD=hunter2\n")]), with("{postgres.user}"));
    assert_eq!(url("'a/b'", &[]), with("{postgres.user}"));
}

#[test]
fn a_redis_that_asks_for_a_password_names_its_variable() {
    for (command, name) in [
        ("'--requirepass ${REDIS_AUTH:-tell}'", Some("REDIS_AUTH")),
        ("[redis-server, --requirepass, tell]", Some("REDIS_PASSWORD")),
        ("'--save 60 1'", None),
    ] {
        let stack = format!(
            "services: {{ cache: {{ image: 'redis:7', ports: ['6379:6379'], command: {command} }} }}"
        );
        let env = "REDIS_URL=redis://localhost:6379/0\nREDIS_PASSWORD=tell\nREDIS_HOST=localhost\n";
        let files = [("compose.yml", stack.as_str()), (".env.example", env)];
        let config = config(&files);
        assert_eq!(config.services["redis"].password_env.as_deref(), name, "{command}");
        let given = config.env.get("REDIS_PASSWORD").map(String::as_str);
        assert_eq!(given, name.map(|_| "tell"), "{command}");
        let said = format!("redis: its server asks for a password: set {}", name.unwrap_or("-"));
        let notes = detect(&seen(&files)).notes;
        assert_eq!(notes.iter().any(|note| note.starts_with(&said)), name.is_some(), "{notes:?}");
    }
}

#[test]
fn a_user_belongs_to_the_database_that_it_stands_beside() {
    let user = |env: &str| config(&[(".env.example", env)]).services["postgres"].user.clone();
    let other = "DB_HOST=localhost\nOLD_DB_USER=reader\n";
    assert_eq!(user(&format!("DB_NAME=inn\nDB_USER=me\n{other}")), "me");
    assert_eq!(user(&format!("DB_NAME=inn\n{other}")), "postgres");
    assert_eq!(user(&format!("SHOP_DB_NAME=inn\nSHOP_DB_USER=me\n{other}DB_USER=root\n")), "me");
    assert_eq!(
        user(&format!("DATABASE_URL=postgres://me@localhost/inn\nDB_USER=x\n{other}")),
        "me"
    );
}
