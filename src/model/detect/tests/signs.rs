//! What says which servers, variables and hooks a project has, and what only looks like it.

use super::*;

#[test]
fn a_queue_alone_is_no_sign_of_redis() {
    let kinds = |requirements: &str| {
        let files = [("manage.py", "DJANGO_SETTINGS_MODULE"), ("requirements.txt", requirements)];
        let services = config(&files).services;
        services.into_values().map(|one| one.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds("Django\ncelery\nchannels\npsycopg\n"), [Kind::Postgres]);
    assert_eq!(kinds("Django\ncelery[redis]\npsycopg\n"), [Kind::Postgres, Kind::Redis]);
}

#[test]
fn a_variable_for_the_engine_decides_between_packages_for_several() {
    let settings = "ENGINE = os.getenv('INN_DBENGINE')\nNAME = os.getenv('INN_DBNAME', 'inn')\nHOST = os.getenv('INN_DBHOST')\n";
    let files = [
        ("manage.py", "DJANGO_SETTINGS_MODULE"),
        ("pyproject.toml", "dependencies = ['django', 'psycopg', 'mysqlclient']"),
        ("inn/settings/custom.py", settings),
    ];
    let project = detect(&seen(&files));
    assert_eq!(project.notes, [""; 0]);
    assert!(project.hooks.iter().any(|hook| hook.contains("migrate")), "{:?}", project.hooks);
    let open = settings.lines().skip(1).collect::<Vec<_>>().join("\n");
    let project = detect(&seen(&[files[0], files[1], ("inn/settings/custom.py", &open)]));
    assert!(project.notes[0].contains("packages for several kinds of databases"));
}

#[test]
fn the_address_of_a_server_beside_the_application_is_its_own() {
    let package = r#"{ "scripts": { "dev": "next dev" }, "dependencies": { "next": "15" } }"#;
    let stack = "services:\n  store: { image: store, ports: ['9000:9000'], environment: { STORE_ADDRESS: ':9000' } }\n";
    let config = config(&[("package.json", package), ("compose.yml", stack)]);
    assert_eq!(config.ports.keys().collect::<Vec<_>>(), ["PORT"]);
    assert!(!config.env.contains_key("STORE_ADDRESS"));
}

#[test]
fn what_a_script_names_holds_no_migration_back() {
    let files = |script| {
        config(&[
            ("requirements.txt", "fastapi\nsqlalchemy\npsycopg\n"),
            ("alembic.ini", "script_location = migrations\n"),
            (".env.example", "INN_POSTGRES_DATABASE=inn\n"),
            (script, "#!/bin/sh\ndb_name=\"inn_dev_$1\"\n"),
        ])
    };
    for script in ["dev/create-worktree", "dev/create.sh"] {
        let hooks = files(script).hooks.post_add;
        assert!(hooks.iter().any(|hook| hook.contains("alembic")), "{script}: {hooks:?}");
    }
}

#[test]
fn a_container_for_an_editor_has_variables() {
    let editor = "{ // VS Code\n  \"remoteEnv\": { \"QUEUE_URL\": \"redis://localhost:6379/2\", \"PATH\": \"${containerEnv:PATH}\", },\n}";
    let config = config(&[("go.mod", "module inn\n"), (".devcontainer/devcontainer.json", editor)]);
    assert_eq!(config.services["redis"].main, "2");
    assert_eq!(config.env["QUEUE_URL"], "redis://localhost:{redis.port}/{REDIS_DB}");
}
