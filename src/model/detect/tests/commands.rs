//! Commands that prepare a new worktree.

use super::processes::{DJANGO, NEXT};
use super::*;

#[test]
fn a_migration_that_needs_settings_is_the_packages_own_script() {
    let migrations = |scripts: &str| {
        let needs = r#""dependencies": { "pg": "8", "typeorm": "0.3" }"#;
        let package = format!("{{ \"scripts\": {{ {scripts} }}, {needs} }}");
        let env = ("api/.env", "DATABASE_NAME=inn\n");
        let files = [("api/package.json", package.as_str()), ("api/yarn.lock", ""), env];
        config(&files).hooks.post_add[1..].join("; ")
    };
    let own = r#""migration:run": "npm run typeorm -- -d source.ts migration:run""#;
    assert_eq!(migrations(own), "cd api && yarn run migration:run");
    assert_eq!(migrations(""), "cd api && npx typeorm migration:run");
}

#[test]
fn tools_that_migrate_are_run_where_there_are_migrations() {
    let env = (".env.example", "DATABASE_URL=postgres://me@localhost/inn\n");
    let prisma = r#"{ "scripts": { "db:migrate:deploy": "node apply.js" }, "dependencies": { "prisma": "6", "pg": "8" } }"#;
    let top = r#"{ "scripts": { "db:migrate:deploy": "turbo run db:migrate:deploy" } }"#;
    let phoenix = ("mix.exs", "{:phoenix, \"1.7\"}, {:ecto_sql}, {:postgrex}");
    let laravel = ("api/composer.json", r#"{ "require": { "laravel/framework": "11" } }"#);
    let medusa = r#"{ "dependencies": { "@medusajs/medusa": "2", "@medusajs/cli": "2" } }"#;
    for (files, command) in [
        (&[phoenix, ("priv/repo/migrations/1_a.exs", "")][..], "mix ecto.migrate"),
        (&[laravel, ("api/database/migrations/a.php", "")], "cd api && php artisan migrate"),
        (&[phoenix, laravel], ""),
        (&[("package.json", medusa)], "npx medusa db:migrate"),
        (
            &[("package.json", top), ("packages/db/package.json", prisma)],
            "npm run db:migrate:deploy",
        ),
    ] {
        let files = [files, &[env]].concat();
        let project = detect(&seen(&files));
        let commands = project.hooks.iter().filter(|hook| hook.contains("migrate"));
        assert_eq!(commands.cloned().collect::<Vec<_>>().join("; "), command);
        let is_missing = project.missing.iter().any(|what| what.contains("what migrates"));
        assert_eq!(is_missing, command.is_empty(), "{command}: {:?}", project.missing);
    }
    let started = [env, ("Cargo.toml", ""), ("Procfile.dev", "web: cargo run\n")];
    assert_eq!(
        detect(&seen(&started)).missing,
        ["a port: PORT is a guess", "what migrates a database: add it to `hooks:`"]
    );
}

#[test]
fn what_migrates_when_it_starts_lacks_no_command() {
    let missing = |package: &str| {
        let manifest = format!("spring-boot-starter\norg.postgresql\n{package}\n");
        let settings = "spring.datasource.url=jdbc:postgresql://localhost:5432/inn\n";
        let settings = ("src/main/resources/application.properties", settings);
        detect(&seen(&[("pom.xml", &manifest), settings])).missing
    };
    assert_eq!(missing("liquibase-core"), [""; 0]);
    assert_eq!(missing(""), ["what migrates a database: add it to `hooks:`"]);
}

#[test]
fn only_spring_boot_migrates_when_it_starts_and_only_its_own_application() {
    let missing = |files: &[(&str, &str)]| {
        let env = (".env", "PORT=4000\nDB_NAME=inn\nDB_HOST=localhost\n");
        detect(&seen(&[files, &[env]].concat())).missing.join("; ")
    };
    let hook = ", and what migrates a database to `hooks:`";
    let starts = |file: &str| format!("what starts {file}: add it to `processes:`");
    let own = starts("pom.xml");
    assert_eq!(missing(&[("pom.xml", "flyway-core")]), format!("{own}{hook}"));
    assert_eq!(missing(&[("pom.xml", "flyway-core spring-boot")]), own);
    let module = ("api/pom.xml", "flyway-core spring-boot");
    assert_eq!(missing(&[("pom.xml", "<modules>"), module]), own);
    let go = starts("web/go.mod");
    assert_eq!(
        missing(&[("web/go.mod", ""), module]),
        format!("{go}{hook}; {}", starts("api/pom.xml"))
    );
}

#[test]
fn flask_migrates_by_the_program_that_finds_the_application() {
    let own = ("manage.py", "manager()\n");
    for (files, command) in [
        (&[own][..], "python manage.py db upgrade"),
        (&[own, ("wsgi.py", "")], "flask db upgrade"),
        (&[own, (".flaskenv", "FLASK_APP=inn\n")], "flask db upgrade"),
        (&[], "flask db upgrade"),
    ] {
        let needs = [("Pipfile", "flask = 3\n"), ("migrations/alembic.ini", "[alembic]\n")];
        let hooks = detect(&seen(&[&needs[..], files].concat())).hooks;
        assert_eq!(hooks.last().unwrap(), &format!("pipenv run {command}"), "{files:?}");
    }
}

#[test]
fn migrations_that_reach_no_database_of_the_stack_are_held() {
    let laravel = ("composer.json", r#"{ "require": { "laravel/framework": "11" } }"#);
    let migration = ("database/migrations/a.php", "");
    let stack = "services: { web: { build: . }, db: { image: 'mysql:8' } }";
    let project = detect(&seen(&[laravel, migration, ("compose.yml", stack)]));
    assert_eq!(
        (project.hooks, project.held),
        (vec!["composer install".to_owned()], vec!["php artisan migrate".to_owned()])
    );
}

#[test]
fn packages_are_installed_of_what_is_run() {
    let hooks = |files: &[(&str, &str)]| config(files).hooks.post_add;
    let oscar = ("pyproject.toml", "[build-system]\n[project]\nname = 'inn'\n");
    let venv = "python3 -m venv .venv && echo '*' >.venv/.gitignore && .venv/bin/pip install";
    assert_eq!(
        hooks(&[DJANGO, oscar]),
        [
            format!("{venv} -e ./"),
            "PATH=\"$PWD/.venv/bin:$PATH\" python manage.py migrate".to_owned()
        ]
    );
    assert_eq!(hooks(&[("pyproject.toml", "[tool.ruff]\n")]), [""; 0]);
    let locks =
        ["ui/package-lock.json", "import/a/package-lock.json", "apps/site/package-lock.json"];
    let locks = locks.map(|lock| (lock, ""));
    let files = [&locks[..], &[("apps/site/package.json", NEXT)]].concat();
    assert_eq!(hooks(&files), ["npm ci --prefix ui", "npm ci --prefix apps/site"]);
    assert_eq!(hooks(&locks[1..2]), ["npm ci --prefix import/a"], "there is no other");
    let built = |file| hooks(&[("web/package-lock.json", ""), (file, "")]);
    assert_eq!(built("web/dist/.gitkeep"), ["npm ci --prefix web"], "what embeds it needs a file");
    assert_eq!(built("web/dist/assets/inn.js"), [""; 0]);
}

#[test]
fn scripts_that_call_each_other_very_often_are_not_followed_for_ever() {
    let many = |name: &str| [name; 60].join(" ");
    let scripts: Vec<String> = ["dev", "a", "b", "c", "d"]
        .windows(2)
        .map(|pair| format!("\"{}\": \"run-p {}\"", pair[0], many(pair[1])))
        .collect();
    let package = format!("{{ \"scripts\": {{ {} }} }}", scripts.join(", "));
    assert_eq!(detect(&seen(&[("package.json", &package)])).ports.len(), 1);
}

#[test]
fn the_extra_with_the_driver_is_installed() {
    let extras = "[project]\ndependencies = ['django', 'redis']\n[project.optional-dependencies]\nmariadb = ['mysqlclient']\npg = ['psycopg[c]==3']\n";
    let anyway = extras.replace("'redis'", "'redis', 'psycopg2'");
    let env = (".env.example", "POSTGRES_DB=inn\n");
    let install = |text: &str, lock: &[(&str, &str)]| {
        let files = [&[MANAGE, env, ("pyproject.toml", text)], lock].concat();
        config(&files).hooks.post_add[0].clone()
    };
    assert_eq!(install(extras, &[("uv.lock", "")]), "uv sync --extra pg");
    assert_eq!(install(&anyway, &[("uv.lock", "")]), "uv sync");
    assert_eq!(install(extras, &[("poetry.lock", "")]), "poetry install --extras pg");
    let stages = extras.replace(
        "pg =",
        "all = ['psycopg']\nproduction = ['psycopg', 'gunicorn']\nserver = ['gunicorn', 'psycopg']\npg =",
    );
    assert_eq!(install(&stages, &[("uv.lock", "")]), "uv sync --extra pg");
    let one = extras.replace("pg =", "prod =");
    assert_eq!(install(&one, &[("uv.lock", "")]), "uv sync");
    assert!(install(extras, &[]).ends_with("install -e './[pg]'"), "{}", install(extras, &[]));
}

#[test]
fn requirements_for_development_are_installed_where_the_others_are_a_servers() {
    let install = |files: &[(&str, &str)]| {
        let files = [&[MANAGE, (".env.example", "POSTGRES_DB=inn\n")], files].concat();
        let hooks = config(&files).hooks.post_add;
        assert_eq!(hooks[1], "PATH=\"$PWD/.venv/bin:$PATH\" python manage.py migrate");
        hooks[0].clone()
    };
    let by_pip = |file: &str| {
        format!(
            "python3 -m venv .venv && echo '*' >.venv/.gitignore && .venv/bin/pip install -r {file}"
        )
    };
    let passes = ("requirements.txt", "# for the server\n-r requirements/prod.txt\n");
    let server = ("requirements/prod.txt", "Django==5\npsycopg2==2\n");
    let dev = ("requirements/dev.txt", "django==5\npsycopg2-binary==2\n");
    let both = ("requirements.txt", "-r requirements/base.txt\n-r requirements/dev.txt\n");
    let base = ("requirements/base.txt", "django\npsycopg\n");
    let local = ("requirements/local.txt", "-r base.txt\nruff\n");
    for (files, file) in [
        (&[passes, server, dev][..], "requirements/dev.txt"),
        (&[base, local], "requirements/local.txt"),
        (&[passes, server, ("requirements/dev.txt", "ruff\n")], "requirements.txt"),
        (&[("requirements.txt", "Django\npsycopg\n"), dev], "requirements.txt"),
        (&[both, base, ("requirements/dev.txt", "-r base.txt\nruff\n")], "requirements.txt"),
        (&[passes, server, ("billing/requirements/dev.txt", "django\n")], "requirements.txt"),
        (&[passes, server, ("requirements/dev.txt", "django-stubs\n")], "requirements.txt"),
        (
            &[passes, ("requirements/prod.txt", "-r base.txt\n"), base, local],
            "requirements/local.txt",
        ),
    ] {
        assert_eq!(install(files), by_pip(file));
    }
    let package = ("pyproject.toml", "[project]\nname = 'inn'\n");
    assert!(
        install(&[package, base, local]).ends_with("-e ./"),
        "what declares a package is first"
    );
    let by_uv = "# This file was autogenerated by uv via the following command:\ndjango==5 \\\n";
    assert_eq!(
        install(&[passes, server, ("requirements/dev.txt", by_uv)]),
        "uv venv --allow-existing .venv && uv pip install --python .venv -r requirements/dev.txt"
    );
}
