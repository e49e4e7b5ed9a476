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

#[test]
fn a_password_that_tracked_files_only_happen_to_hold_is_not_written() {
    let env = "DB_HOST=localhost\nDB_NAME=inn\nDB_USER=me\nDB_PASSWORD=";
    let own = |word: &str| {
        let files = [
            (".env", &*format!("{env}{word}\n")),
            (".env.example", &*format!("{env}tell\n")),
            ("package-lock.json", "{ \"integrity\": \"sha512-xxab1yy/ab2/\" }"),
            ("package.json", "{ \"scripts\": { \"dev\": \"NODE_ENV=development node .\" } }"),
        ];
        config(&files).env.get("DB_PASSWORD").cloned()
    };
    assert_eq!(own("tell").as_deref(), Some("tell"));
    for word in ["ab1", "ab2", "development", "tel"] {
        assert_eq!(own(word), None, "{word}");
    }
    let url = |query: &str| {
        let url = format!("DATABASE_URL=postgres://localhost/inn?{query}\n");
        config(&[(".env", &url)]).env.contains_key("DATABASE_URL")
    };
    assert!(url("connect_timeout=10"));
    assert!(!url("password=1234"));
}

#[test]
fn a_line_of_a_file_that_git_does_not_track_is_not_shown() {
    let line = "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'inn', 'PASSWORD': 'hunter2'}}\n";
    let files = [
        MANAGE,
        ("shop/settings.py", "from .settings_own import *\n"),
        ("shop/settings_own.py", line),
    ];
    let mut seen = seen(&files);
    seen.tracked.remove("shop/settings_own.py");
    let project = detect(&seen);
    let text = render(&project, None, true);
    assert!(!text.contains("hunter2"), "{text}");
    let said = "shop/settings_own.py:1: reads no variable";
    assert!(
        project.notes.iter().any(|note| note.contains(said) && note.contains("POSTGRES_DB")),
        "{text}"
    );
    let config = Config::parse("t", &text).unwrap();
    for lead in to_main(&seen, &config) {
        assert!(lead.is_in(&project.notes) && !lead.told().contains("hunter2"), "{}", lead.told());
    }
}
