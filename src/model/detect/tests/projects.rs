//! Projects × what is found: repositories in the shape of seven public ones, written for this table.

use super::*;

/// A project's files, and what its configuration must say.
struct Case {
    project: &'static str,
    files: &'static [(&'static str, &'static str)],
    /// `PORT_VARIABLE=main`.
    ports: &'static str,
    /// `key kind VARIABLE=main`.
    services: &'static [&'static str],
    /// `NAME=template`.
    env: &'static [&'static str],
    /// Empty: a host name of each environment's own.
    url: &'static str,
    hooks: &'static [&'static str],
    /// `name: command`, or `compose: file`.
    starts: &'static [&'static str],
    /// Words of the notes.
    notes: &'static [&'static str],
}

const VENV: &str = "python3 -m venv .venv && echo '*' >.venv/.gitignore && .venv/bin/pip install -r requirements.txt";

const CASES: [Case; 7] = [
    Case {
        project: "healthchecks: variables of its own names, and an engine that is SQLite by default",
        files: &[
            ("manage.py", "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'checks.settings')"),
            ("requirements.txt", "Django==5\npsycopg==3\n"),
            (
                "checks/settings.py",
                "ALLOWED_HOSTS = os.getenv('ALLOWED_HOSTS', '*').split(',')\nif os.getenv('DB') == 'postgres':\n    DATABASES = {'default': {\n        'ENGINE': 'django.db.backends.postgresql',\n        'HOST': os.getenv('DB_HOST', ''),\n        'PORT': os.getenv('DB_PORT', ''),\n        'NAME': os.getenv('DB_NAME', 'checks'),\n        'USER': os.getenv('DB_USER', 'postgres'),\n        'PASSWORD': os.getenv('DB_PASSWORD', '')}}\nSITE_ROOT = os.getenv('SITE_ROOT', 'http://localhost:8000').removesuffix('/')\n",
            ),
            (
                "docker/.env.example",
                "DB=postgres\nDB_NAME=checks\nPING_ENDPOINT=http://localhost:8000/ping/\n",
            ),
            (
                "docker/docker-compose.yml",
                "services:\n  db:\n    image: postgres:16\n    environment: [POSTGRES_DB=checks]\n  web:\n    build: .\n    ports: ['8000:8000']\n",
            ),
        ],
        ports: "DJANGO_PORT=8000",
        services: &["postgres postgres DB_NAME=checks"],
        env: &[
            "DB=postgres",
            "DB_HOST={postgres.host}",
            "DB_PORT={postgres.port}",
            "DB_USER={postgres.user}",
            "SITE_ROOT=http://localhost:{DJANGO_PORT}",
            "PING_ENDPOINT=http://localhost:{DJANGO_PORT}/ping/",
        ],
        url: "http://localhost:{DJANGO_PORT}",
        hooks: &[VENV, "PATH=\"$PWD/.venv/bin:$PATH\" python manage.py migrate"],
        starts: &["web: PATH=\"$PWD/.venv/bin:$PATH\" python manage.py runserver $DJANGO_PORT"],
        notes: &["docker-compose.yml: db publishes no port"],
    },
    Case {
        project: "netbox: manage.py below the top, and a configuration that is Python without variables",
        files: &[
            ("netbox/manage.py", "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'nb.settings')"),
            ("requirements.txt", "Django\npsycopg[c]\nredis\n"),
            (
                "netbox/nb/settings.py",
                "# postgresql only\nconf = load('nb.configuration')\nDATABASES = getattr(conf, 'DATABASES')\nMENU = {'NAME': 'nb'}\n",
            ),
            (
                "netbox/nb/configuration_example.py",
                "DATABASES = {\n    'default': {\n        'ENGINE': 'django.db.backends.postgresql',  # engine\n        'NAME': 'nb',         # name\n        'USER': '',\n    }\n}\nREDIS = {\n    'tasks': {\n        'PORT': 6379,\n        'DATABASE': 0,\n    },\n    'caching': {\n        'DATABASE': 1,\n    }\n}\n",
            ),
            ("netbox/nb/configuration_testing.py", "REDIS = {'tasks': {'DATABASE': 7}}\n"),
        ],
        ports: "DJANGO_PORT=8000",
        services: &[
            "postgres postgres POSTGRES_DB=nb",
            "redis redis TASKS_REDIS_DB=0",
            "caching_redis redis CACHING_REDIS_DB=1",
        ],
        env: &["POSTGRES_USER={postgres.user}", "DATABASE_URL=", "REDIS_URL="],
        url: "",
        hooks: &[VENV, "PATH=\"$PWD/.venv/bin:$PATH\" python netbox/manage.py migrate"],
        starts: &[
            "web: PATH=\"$PWD/.venv/bin:$PATH\" python netbox/manage.py runserver $DJANGO_PORT",
        ],
        notes: &[
            "netbox/nb/configuration_example.py:4 and its copy netbox/nb/configuration.py: `'NAME': 'nb',` reads no",
            "_example.py:5 and its copy netbox/nb/configuration.py: `'USER': '',` reads no variable",
            "write `'DATABASE': int(os.environ.get(\"TASKS_REDIS_DB\", \"0\")),`",
            "_example.py:14 and its copy netbox/nb/configuration.py: `'DATABASE': 1,` reads no variable",
        ],
    },
    Case {
        project: "wger: prefixed names, a cache and a broker in two indexes, and settings that are not used",
        files: &[
            (
                "manage.py",
                "environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings.main')  # django",
            ),
            ("pyproject.toml", "dependencies = ['django', 'psycopg', 'celery[redis]']"),
            (
                "settings/main.py",
                "if environ.get('SYNC_DATABASE_URI'): pass\nDATABASES = {'default': {'ENGINE': env.str('DJANGO_DB_ENGINE'), 'NAME': env.str('DJANGO_DB_DATABASE', 'gym'), 'HOST': env.str('DJANGO_DB_HOST')}}\nLOCATION = env.str('DJANGO_CACHE_LOCATION', 'redis://localhost:6379/1')\nCELERY_BROKER_URL = env.str('CELERY_BROKER', 'redis://localhost:6379/2')\nCELERY_RESULT_BACKEND = env.str('CELERY_BACKEND', 'redis://localhost:6379/2')\nSITE_URL = env.str('SITE_URL', 'http://localhost:8000')\n",
            ),
            (
                "settings/local_dev.py",
                "PG = {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'gym'}\n",
            ),
        ],
        ports: "DJANGO_PORT=8000",
        services: &[
            "postgres postgres DJANGO_DB_DATABASE=gym",
            "redis redis REDIS_DB=1",
            "celery_broker redis CELERY_BROKER_DB=2",
        ],
        env: &[
            "DJANGO_DB_ENGINE=django.db.backends.postgresql",
            "DJANGO_DB_HOST={postgres.host}",
            "DJANGO_CACHE_LOCATION=redis://localhost:6379/{REDIS_DB}",
            "CELERY_BROKER=redis://localhost:6379/{CELERY_BROKER_DB}",
            "CELERY_BACKEND=redis://localhost:6379/{CELERY_BROKER_DB}",
            "SITE_URL=http://localhost:{DJANGO_PORT}",
            "SYNC_DATABASE_URI=",
        ],
        url: "http://localhost:{DJANGO_PORT}",
        hooks: &["python manage.py migrate"],
        starts: &["web: python manage.py runserver $DJANGO_PORT"],
        notes: &[],
    },
    Case {
        project: "saleor: one URL in code, two in an environment file of the dev container",
        files: &[
            ("manage.py", "django"),
            ("pyproject.toml", "dependencies = ['Django', 'psycopg', 'celery']"),
            ("uv.lock", ""),
            (
                "store/settings.py",
                "DATABASES = {'default': dj_database_url.config(default='postgres://store:store@localhost:5432/store')}\nCELERY_BROKER_URL = os.environ.get('CELERY_BROKER_URL') or ''\nREPORTS = os.environ.get('REPORTS_BROKER_URL')\n",
            ),
            (
                ".devcontainer/common.env",
                "CACHE_URL=redis://cache:6379/0\nCELERY_BROKER_URL=redis://cache:6379/1\n",
            ),
            (
                ".devcontainer/docker-compose.yml",
                "services:\n  app:\n    build: .\n    env_file: common.env\n  db:\n    image: library/postgres:15-alpine\n    ports: ['5432:5432']\n    environment: { POSTGRES_USER: store, POSTGRES_PASSWORD: store }\n  cache:\n    image: valkey/valkey:8\n    ports: ['6379:6379']\n",
            ),
        ],
        ports: "DJANGO_PORT=8000",
        services: &[
            "postgres postgres POSTGRES_DB=store",
            "redis redis REDIS_DB=0",
            "celery_broker redis CELERY_BROKER_DB=1",
        ],
        env: &[
            "DATABASE_URL=postgres://store:store@localhost:5432/{POSTGRES_DB}",
            "CACHE_URL=redis://{redis.host}:{redis.port}/{REDIS_DB}",
            "CELERY_BROKER_URL=redis://{celery_broker.host}:{celery_broker.port}/{CELERY_BROKER_DB}",
            "REPORTS_BROKER_URL=",
        ],
        url: "",
        hooks: &["uv sync", "uv run python manage.py migrate"],
        starts: &["web: uv run python manage.py runserver $DJANGO_PORT"],
        notes: &[
            "db and cache must run before `git agentenv add`: `docker compose -f .devcontainer/docker-compose.yml \
             -p shop_devcontainer up -d db cache`",
        ],
    },
    Case {
        project: "pontoon: a server that only containers can reach",
        files: &[
            ("manage.py", "django"),
            ("package.json", "{}"),
            ("requirements.txt", "Django\npsycopg2\n"),
            ("docker/config/server.env.template", "SITE_URL=#SITE_URL#\n"),
            ("app/settings/base.py", "DATABASES = {'default': dj_database_url.config()}\n"),
            (
                "docker-compose.yml",
                "services:\n  server:\n    build: .\n    ports: ['8000:8000']\n    env_file: [docker/config/server.env]\n    environment:\n      - DATABASE_URL=postgres://words:asdf@postgresql/words\n  postgresql:\n    image: postgres:12\n",
            ),
        ],
        ports: "DJANGO_PORT=8000",
        services: &["postgres postgres POSTGRES_DB=words"],
        env: &[
            "DATABASE_URL=postgres://{postgres.user}@{postgres.host}:{postgres.port}/{POSTGRES_DB}",
        ],
        url: "",
        hooks: &[VENV, "PATH=\"$PWD/.venv/bin:$PATH\" python manage.py migrate"],
        starts: &["compose: docker-compose.yml"],
        notes: &[
            "docker-compose.yml: postgresql publishes no port",
            "docker/config/server.env is missing, which containers read",
        ],
    },
    Case {
        project: "full-stack-fastapi-template: pydantic settings, a tracked .env, an override file, Vite",
        files: &[
            (
                ".env",
                "DOMAIN=localhost\nPOSTGRES_SERVER=localhost\nPOSTGRES_PORT=5432\nPOSTGRES_DB=app\nPOSTGRES_USER=postgres\nPOSTGRES_PASSWORD=changethis\n",
            ),
            (
                "backend/pyproject.toml",
                "dependencies = ['fastapi', 'sqlmodel', 'psycopg[binary]', 'alembic']",
            ),
            ("backend/uv.lock", ""),
            ("backend/alembic.ini", "[alembic]\nscript_location = app/alembic\n"),
            (
                "backend/app/core/config.py",
                "class Settings(BaseSettings):\n    POSTGRES_SERVER: str\n    POSTGRES_PORT: int = 5432\n    POSTGRES_USER: str\n    POSTGRES_DB: str = ''\n    FRONTEND_HOST: str = 'http://localhost:5173'\nfor scheme in ('postgres://', 'postgresql://'):\n    pass\n",
            ),
            ("frontend/.env", "VITE_API_URL=http://localhost:8000\n"),
            ("frontend/package.json", "{ \"devDependencies\": { \"vite\": \"7\" } }"),
            ("frontend/package-lock.json", ""),
            (
                "docker-compose.yml",
                "services:\n  db:\n    image: postgres:17\n  backend:\n    build: backend\n",
            ),
            (
                "docker-compose.override.yml",
                "services:\n  db:\n    ports: ['5432:5432']\n  backend:\n    ports: ['8000:8000']\n",
            ),
        ],
        ports: "PORT=8000 VITE_PORT=5173",
        services: &["postgres postgres POSTGRES_DB=app"],
        env: &[
            "POSTGRES_SERVER={postgres.host}",
            "POSTGRES_PORT={postgres.port}",
            "POSTGRES_USER={postgres.user}",
            "FRONTEND_HOST=http://localhost:{VITE_PORT}",
            "VITE_API_URL=http://localhost:{PORT}",
        ],
        url: "http://localhost:{PORT}",
        hooks: &[
            "uv sync --directory backend",
            "npm ci --prefix frontend",
            "cd backend && uv run alembic upgrade head",
        ],
        starts: &["compose: docker-compose.yml"],
        notes: &["db must run before `git agentenv add`: `docker compose up -d db`"],
    },
    Case {
        project: "paperless-ngx: manage.py in src, compose files for every database",
        files: &[
            ("src/manage.py", "DJANGO_SETTINGS_MODULE"),
            (
                "pyproject.toml",
                "dependencies = ['django', 'psycopg', 'celery[redis]', 'channels-redis']",
            ),
            ("uv.lock", ""),
            (
                "src/archive/settings.py",
                "REDIS = os.getenv('ARCHIVE_REDIS', 'redis://localhost:6379')\nif os.getenv('ARCHIVE_DBHOST'):\n    DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'HOST': os.getenv('ARCHIVE_DBHOST'), 'NAME': os.getenv('ARCHIVE_DBNAME', 'archive'), 'USER': os.getenv('ARCHIVE_DBUSER', 'archive')}}\n",
            ),
            (
                "docker/compose/docker-compose.postgres.yml",
                "services:\n  broker:\n    image: redis:8\n  db:\n    image: postgres:17\n    environment: { POSTGRES_DB: archive, POSTGRES_USER: archive }\n  webserver:\n    image: archive\n    ports: ['8000:8000']\n    environment: { ARCHIVE_REDIS: 'redis://broker:6379', ARCHIVE_DBHOST: db }\n",
            ),
            (
                "docker/compose/docker-compose.sqlite.yml",
                "services:\n  broker:\n    image: redis:8\n",
            ),
        ],
        ports: "DJANGO_PORT=8000",
        services: &["postgres postgres ARCHIVE_DBNAME=archive", "redis redis REDIS_DB=0"],
        env: &[
            "ARCHIVE_REDIS=redis://{redis.host}:{redis.port}/{REDIS_DB}",
            "ARCHIVE_DBHOST={postgres.host}",
            "ARCHIVE_DBUSER={postgres.user}",
        ],
        url: "",
        hooks: &["uv sync", "uv run python src/manage.py migrate"],
        starts: &["web: uv run python src/manage.py runserver $DJANGO_PORT"],
        notes: &["broker publishes no port", "db publishes no port"],
    },
];

#[test]
fn projects_are_understood_without_an_edit() {
    for case in CASES {
        // Nothing of these is private.
        let files = seen(case.files);
        let tracked = files.files.keys().cloned().collect();
        let project = detect(&Seen { tracked, ..files });
        let text = render(&project, None, true);
        let config = Config::parse("t", &text).unwrap_or_else(|error| panic!("{error:#}\n{text}"));
        let name = case.project;
        let ports = config.ports.iter().map(|(name, port)| format!("{name}={}", port.main));
        assert_eq!(ports.collect::<Vec<_>>().join(" "), case.ports, "{name}\n{text}");
        let services = config.services.iter().map(|(key, service)| {
            let kind = if service.kind == Kind::Redis { "redis" } else { "postgres" };
            format!("{key} {kind} {}={}", service.variable, service.main)
        });
        assert_eq!(services.collect::<Vec<_>>(), case.services, "{name}\n{text}");
        for entry in case.env {
            let (variable, template) = entry.split_once('=').unwrap();
            let found = config.env.get(variable).map(String::as_str);
            let expected = Some(template).filter(|template| !template.is_empty());
            assert_eq!(found, expected, "{name}: {variable}\n{text}");
        }
        assert_eq!(config.url.unwrap_or_default(), case.url, "{name}\n{text}");
        let starts = config.processes.iter().map(|(name, one)| format!("{name}: {}", one.run));
        let compose = config.compose.map(|compose| format!("compose: {}", compose.file));
        assert_eq!(starts.chain(compose).collect::<Vec<_>>(), case.starts, "{name}\n{text}");
        assert_eq!(config.hooks.post_add, case.hooks, "{name}\n{text}");
        for words in case.notes {
            let said = project.notes.iter().any(|note| note.contains(words));
            assert!(said, "{name}: {words}\n{:?}", project.notes);
        }
        assert_eq!(project.notes.len(), case.notes.len(), "{name}\n{:?}", project.notes);
    }
}
