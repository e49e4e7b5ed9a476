//! Code that names a database itself, and files that git ignores.

use super::*;
use crate::model::detect::literals;

#[test]
fn code_that_reads_no_variable_is_named_with_the_line_that_would() {
    for (text, expected) in [
        (
            "CELERY_BROKER_URL = 'redis://localhost:6379/2'  # tasks\n",
            Some(
                "CELERY_BROKER_URL = os.environ.get(\"CELERY_BROKER_URL\", \"redis://localhost:6379/2\")",
            ),
        ),
        (
            "CACHES = {'default': {\n    'LOCATION': 'redis://redis:6379/1',\n}}\n",
            Some("'LOCATION': os.environ.get(\"CACHE_URL\", \"redis://redis:6379/1\"),"),
        ),
        (
            "CHANNEL_LAYERS = {'default': {'hosts': [\"redis://localhost:6379/3\"]}}\n",
            Some(
                "CHANNEL_LAYERS = {'default': {'hosts': [os.environ.get(\"REDIS_URL\", \"redis://localhost:6379/3\")]}}",
            ),
        ),
        (
            "DATABASE_URL = \"postgresql://shop:hunter2@localhost/shop\"\n",
            Some("DATABASE_URL = os.environ.get(\"DATABASE_URL\", \"…\")"),
        ),
        (
            "DATABASES = {'reports': {'NAME': 'shop', 'ENGINE': 'django.db.backends.postgresql'}}\n",
            Some(
                "DATABASES = {'reports': {'NAME': os.environ.get(\"REPORTS_POSTGRES_DB\", \"shop\"), 'ENGINE': 'django.db.backends.postgresql'}}",
            ),
        ),
        ("# URL = 'redis://localhost/2'\n", None),
        ("URL = os.environ.get('URL', 'redis://localhost/2')\n", None),
        ("DB = config(env=DEFAULT,\n    default='postgres://localhost/shop',\n)\n", None),
        ("for scheme in ['postgres://', 'redis://']: pass\n", None),
        ("AUDIT_URL = 'postgres://db.example.com/audit'\n", None),
        (
            "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'shop'}}\n",
            None,
        ),
        (
            "DATABASES = {'default': {'ENGINE': 'x.postgresql', 'NAME': os.environ['DB_NAME']}}\n",
            None,
        ),
        ("LIMITS = {'DATABASE': 4}\n", None),
    ] {
        let found = literals::of(&seen(&[("shop/settings.py", text)]));
        let found: Vec<String> = found.iter().map(|literal| literal.way_out()).collect();
        let import = ", with `import os` at the top";
        let written = expected.iter().map(|line| format!("write `{line}`{import}"));
        assert_eq!(found, written.collect::<Vec<_>>(), "{text}");
        let imported = literals::of(&seen(&[("shop/settings.py", &format!("import os\n{text}"))]));
        assert!(imported.iter().all(|literal| !literal.way_out().contains("import")));
        let shown = detect(&seen(&[("shop/settings.py", text)])).notes.join(" ");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn the_copy_of_an_example_is_what_the_application_reads() {
    let example = ("shop/local_example.py", "DATABASE_URL = 'postgres://localhost/shop'\n");
    let fixed = ("shop/local.py", "DATABASE_URL = os.environ['DATABASE_URL']\n");
    for (path, copy) in [
        ("shop/config_example.py", "shop/config.py"),
        ("web/.env.example", "web/.env"),
        ("docker/server.env.template", "docker/server.env"),
        ("config.sample.py", "config.py"),
        ("config/database.yml.sample", "config/database.yml"),
        ("settings/config.py.dev.example", "settings/config.py"),
        (".env.dev.example", ".env.dev"),
    ] {
        assert_eq!(used(path).as_deref(), Some(copy));
    }
    for path in ["shop/settings.py", "shop/distance.py", "tests/config_example.py"] {
        assert_eq!(used(path), None, "{path}");
    }
    assert_eq!(literals::of(&seen(&[("shop/config_example.py", example.1)])).len(), 1);
    assert!(
        literals::of(&seen(&[("shop/config_example.py", example.1), ("shop/config.py", fixed.1)]))
            .is_empty()
    );
}

#[test]
fn what_another_stage_or_the_documentation_needs_is_not_the_applications() {
    let shop = "services: { web: { build: ., ports: ['8000:8000'], env_file: .envs/.local/.web } }";
    let deployed = "services: { web: { build: ., env_file: .envs/.production/.web } }";
    let docs =
        ("docker-compose.docs.yml", "services: { docs: { build: ., ports: ['9000:9000'] } }");
    let django = [("manage.py", "import django\n"), docs];
    let files = [
        ("docker-compose.local.yml", shop),
        ("docker-compose.production.yml", deployed),
        (".envs/.production/.web", "DJANGO_SECRET_KEY=x\n"),
        docs,
    ];
    let mut all = seen(&files);
    all.tracked.remove(".envs/.production/.web");
    let project = detect(&all);
    assert_eq!(project.copy, [] as [String; 0]);
    assert_eq!(project.compose.as_deref(), Some("docker-compose.local.yml"));
    let project = detect(&seen(&django));
    assert_eq!(project.compose, None);
    assert_eq!(project.processes[0].0, "web");
}

#[test]
fn ignored_files_come_along_unless_they_lead_to_the_main_checkout() {
    let of = |text: &str| {
        let files = [(".env.example", "SECRET=\n"), (".env", text)];
        let project = detect(&seen(&files));
        (config(&files).copy, project.notes)
    };
    assert_eq!(of("SECRET=x\n"), (vec!["/.env".to_owned()], vec![]));
    for lead in [
        "DATABASE_URL=postgres://me:hunter2@localhost/shop\n",
        "DB_NAME=shop\nBROKER=amqp://localhost//\n",
        "DATABASE_URL=sqlite:////srv/shop/db.sqlite3\n",
    ] {
        let (copy, notes) = of(lead);
        let said = notes.iter().any(|note| note.contains("`copy: [\"/.env\"]`"));
        assert!(copy.is_empty() && said, "{lead}: {notes:?}");
    }
    // The environment has a value of its own for each variable that leads there.
    for set in [
        "DATABASE_URL=postgres://localhost/shop\n",
        "DB_NAME=shop\n",
        "DATABASE_URL=mysql://root@localhost/shop\n",
        "MYSQL_DATABASE=shop\nSECRET=x\n",
    ] {
        let (copy, notes) = of(set);
        let said = notes[0].starts_with(".env is copied, and leads to the main checkout's servers");
        assert!(copy == ["/.env"] && said, "{set}: {notes:?}");
    }
    for free in [
        "DATABASE_URL=sqlite:///db.sqlite3\n",
        "EMAIL_URL=smtp://localhost:1025\n",
        "INN_DATABASE_TYPE=sqlite\nINN_DATABASE_NAME=./inn.sqlite\n",
    ] {
        assert_eq!(of(free).0, ["/.env"], "{free}");
    }
    let lead = "BROKER=amqp://localhost//\n";
    let files = [("backend/.env.example", ""), (".env", lead), ("backend/.env", lead)];
    assert_eq!(config(&files).copy, [] as [String; 0], "each file is judged by what it says");
    // `add` brings the one that compose reads.
    let stack = ("compose.yml", "services: { web: { build: ., ports: ['8000:8000'] } }");
    let notes = detect(&seen(&[stack, (".env", lead)])).notes;
    assert!(!notes.iter().any(|note| note.contains("ignored by git")), "{notes:?}");
}

#[test]
fn an_ignored_file_beside_its_example_is_read_and_comes_along() {
    let of = |database: &str| {
        let files = [
            ("Gemfile", "gem 'rails'\ngem 'pg'\n"),
            ("config/database.yml.sample", ""),
            ("config/database.yml", database),
            ("config/mail.key.sample", ""),
            ("config/mail.key", "own"),
        ];
        let mut seen = seen(&files);
        seen.files.extend(std::mem::take(&mut seen.others));
        seen.tracked
            .retain(|path| !["config/database.yml", "config/mail.key"].contains(&path.as_str()));
        detect(&seen)
    };
    let project = of("development:\n  adapter: postgresql\n  database: inn_dev\n");
    assert_eq!(project.services[0].main, "inn_dev");
    assert_eq!(project.copy, ["config/mail.key"]);
    assert!(project.notes[0].starts_with("config/database.yml is ignored by git and leads to"));
    let project = of("development:\n  adapter: sqlite3\n  database: storage/dev.sqlite3\n");
    assert_eq!(project.copy, ["config/database.yml", "config/mail.key"]);
}

#[test]
fn a_password_of_an_ignored_file_stays_there() {
    let code = "URL = os.environ.get('DATABASE_URL', 'postgres://inn:hunter2@localhost/inn')\n";
    let stack = "services: { db: { image: 'postgres:16', ports: ['5432:5432'] } }";
    let files = [("shop/config_example.py", ""), ("shop/config.py", code), ("compose.yml", stack)];
    let mut seen = seen(&files);
    seen.tracked.remove("shop/config.py");
    let text = render(&detect(&seen), None, true);
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn a_prefix_of_keys_is_the_environments_own() {
    let settings = "KEY_PREFIX = os.environ.get('CACHE_KEY_PREFIX', 'shop')\nCELERY = { 'global_keyprefix': env('CELERY_GLOBAL_KEYPREFIX') }\nPREFIX = env('URL_PREFIX')\n";
    let config = config(&[MANAGE, ("shop/settings.py", settings)]);
    assert_eq!(config.env["CACHE_KEY_PREFIX"], "{name}:shop");
    assert_eq!(config.env["CELERY_GLOBAL_KEYPREFIX"], "{name}:");
    assert!(!config.env.contains_key("URL_PREFIX"));
}

#[test]
fn what_the_chosen_compose_file_names_counts_whatever_its_directory_is_called() {
    let stack = "services: { web: { build: ., ports: ['8000:8000'], env_file: env/ci/app.env } }";
    let of = |files: &[(&str, &str)]| seen(files).is_environment("env/ci/app.env");
    assert!(of(&[("compose.yml", stack)]));
    assert!(of(&[("docker-compose.ci.yml", stack)]), "the only one");
    let other = stack.replace("env/ci", "env/local");
    assert!(!of(&[("compose.yml", &other), ("docker-compose.ci.yml", stack)]));
}

#[test]
fn a_compose_file_is_the_documentations_by_its_own_name() {
    let db = "services: { db: { image: 'postgres:16', ports: ['5432:5432'] } }";
    let app = "services: { web: { build: ., ports: ['8000:8000'] } }";
    let stacks = |files: &[(&str, &str)]| {
        let seen = seen(files);
        let found = crate::model::detect::compose::stacks(&seen).into_iter().map(|one| one.file);
        found.collect::<Vec<_>>().join(" ")
    };
    let docs = "docker-compose.docs.yml";
    assert_eq!(stacks(&[("docs-server/compose.yml", db)]), "docs-server/compose.yml");
    assert_eq!(stacks(&[(docs, db), ("compose.yml", app)]), format!("compose.yml {docs}"));
    assert_eq!(stacks(&[(docs, db), ("local/compose.yml", db)]), "local/compose.yml");
    assert_eq!(stacks(&[(docs, app)]), "");
}

#[test]
fn a_worker_that_may_take_the_main_checkouts_tasks_is_held_behind_whatever_wrapper() {
    for command in [
        "exec rq worker default",
        "newrelic-admin run-program dramatiq inn.tasks",
        "watchmedo auto-restart -d . -- arq inn.Worker",
        "cd inn; rq worker",
        "sh -c 'huey_consumer.py inn.huey'",
        "uv run rq worker",
    ] {
        let procfile = format!("web: serve $PORT\nqueue: {command}\n");
        let env = (".env", "BROKER_URL=amqp://localhost:5672/inn\n");
        let code = ("inn.py", "os.environ['BROKER_URL']");
        let project = detect(&seen(&[("Procfile.dev", &procfile), env, code]));
        let names: Vec<&str> = project.processes.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["web"], "{command}");
    }
}
