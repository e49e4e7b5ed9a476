//! Projects whose own tasks start them, in several languages.

use super::Case;

pub(super) const CASES: [Case; 4] = [
    Case {
        project: "saleor: tasks of poe, a container for an editor with its own addresses, two indexes",
        files: &[
            ("manage.py", "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')"),
            ("uv.lock", ""),
            (
                "pyproject.toml",
                "[project]\ndependencies = ['django', 'celery[redis]', 'psycopg']\n[tool.poe.tasks]\nstart.cmd = 'uvicorn shop.asgi:application --reload'\nworker.cmd = 'celery --app shop.celeryconf:app worker -E'\nscheduler.cmd = 'celery --app shop.celeryconf:app beat'\n",
            ),
            (
                "shop/settings.py",
                "DATABASES = {'default': dj_database_url.config(default='postgres://shop:shop@localhost:5432/shop')}\nCACHE_URL = os.environ.get('CACHE_URL')\nCELERY_BROKER_URL = os.environ.get('CELERY_BROKER_URL')\n",
            ),
            (
                ".env.example",
                "CACHE_URL=redis://localhost:6379/0\nCELERY_BROKER_URL=redis://localhost:6379/1\n",
            ),
            (
                ".devcontainer/devcontainer.json",
                "{ \"service\": \"shop\", \"postCreateCommand\": \"python manage.py migrate && python manage.py populatedb\" }",
            ),
            (
                ".devcontainer/docker-compose.yml",
                "services:\n  shop: { build: .., env_file: [backend.env] }\n  db: { image: 'postgres:15', ports: ['5432:5432'], environment: [POSTGRES_USER=shop, POSTGRES_PASSWORD=shop] }\n  cache: { image: 'valkey/valkey:8.1', ports: ['6379:6379'] }\n",
            ),
            (
                ".devcontainer/backend.env",
                "DATABASE_URL=postgres://shop:shop@db/shop\nCACHE_URL=redis://cache:6379/0\n",
            ),
        ],
        ports: "DJANGO_PORT=8000",
        services: &[
            "postgres postgres POSTGRES_DB=shop",
            "redis redis REDIS_DB=0",
            "celery_broker redis CELERY_BROKER_DB=1",
        ],
        env: &[
            "DATABASE_URL=postgres://shop:shop@{postgres.host}:{postgres.port}/{POSTGRES_DB}",
            "CACHE_URL=redis://{redis.host}:{redis.port}/{REDIS_DB}",
            "CELERY_BROKER_URL=redis://localhost:{celery_broker.port}/{CELERY_BROKER_DB}",
        ],
        url: "",
        hooks: &[
            "uv sync",
            "uv run python manage.py migrate",
            "uv run python manage.py populatedb",
        ],
        starts: &[
            "web: uv run python manage.py runserver $DJANGO_PORT",
            "worker: uv run celery --app shop.celeryconf:app worker -E",
            "scheduler: uv run celery --app shop.celeryconf:app beat",
        ],
        notes: &["db and cache must run before `git agentenv add`"],
    },
    Case {
        project: "miniflux: Go with a target of make, servers in the container of an editor",
        files: &[
            ("go.mod", "module inn\nrequire github.com/lib/pq v1\n"),
            ("main.go", "package main\n"),
            (
                "Makefile",
                "DB_URL := postgres://localhost/inn_test\nrun:\n\t@ RUN_MIGRATIONS=1 go run main.go\n",
            ),
            (
                "internal/config/options.go",
                "rawValue: \"postgres://postgres:postgres@localhost/inn\", os.Getenv(\"DATABASE_URL\")\nos.Getenv(\"PORT\")\n",
            ),
            (
                ".devcontainer/docker-compose.yml",
                "services:\n  app: { image: go, command: sleep infinity, volumes: ['..:/workspace'] }\n  db: { image: 'postgres:17', ports: ['5432:5432'], environment: { POSTGRES_DB: inn, POSTGRES_USER: postgres, POSTGRES_PASSWORD: postgres } }\n",
            ),
            (".devcontainer/devcontainer.json", "{ \"forwardPorts\": [8080] }"),
        ],
        ports: "PORT=8080",
        services: &["postgres postgres POSTGRES_DB=inn"],
        env: &[
            "DATABASE_URL=postgres://{postgres.user}:postgres@{postgres.host}:{postgres.port}/{POSTGRES_DB}",
        ],
        url: "",
        hooks: &[],
        starts: &["web: make -e run"],
        notes: &["db must run before `git agentenv add`"],
    },
    Case {
        project: "realworld-axum: a crate with one program, an example of variables",
        files: &[
            ("Cargo.toml", "[package]\nname = 'inn'\n[dependencies]\nsqlx = '0.8'\n"),
            ("src/main.rs", "fn main() {}\n"),
            (
                ".env.sample",
                "PORT=8080\nDATABASE_URL=postgresql://postgres:{password}@localhost/inn\n",
            ),
        ],
        ports: "PORT=8080",
        services: &["postgres postgres POSTGRES_DB=inn"],
        env: &["DATABASE_URL=postgresql://postgres@localhost/{POSTGRES_DB}"],
        url: "",
        hooks: &[],
        starts: &["web: cargo run"],
        notes: &[],
    },
    Case {
        project: "an Angular application beside Django",
        files: &[
            ("src/manage.py", "DJANGO_SETTINGS_MODULE"),
            (
                "ui/package.json",
                r#"{ "scripts": { "start": "ng serve" }, "dependencies": { "@angular/core": "20" } }"#,
            ),
            ("ui/pnpm-lock.yaml", ""),
        ],
        ports: "DJANGO_PORT=8000 NG_PORT=4200",
        services: &[],
        env: &[],
        url: "",
        hooks: &["pnpm install --frozen-lockfile --dir ui", "cd src && python manage.py migrate"],
        starts: &[
            "web: cd src && python manage.py runserver $DJANGO_PORT",
            "ui: cd ui && pnpm run start --port $NG_PORT",
        ],
        notes: &[],
    },
];
