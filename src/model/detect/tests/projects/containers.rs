//! Projects whose servers or applications run in containers.

use super::{Case, VENV};

pub(super) const CASES: [Case; 3] = [
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
        project: "paperless-ngx: manage.py in src, compose files for every database, directories that must be there",
        files: &[
            ("src/manage.py", "setdefault('DJANGO_SETTINGS_MODULE', 'archive.settings')"),
            (
                ".gitignore",
                "*.log\n/static/\n/.devcontainer/media/\n/media/\n/consume/\n/export/\n",
            ),
            (
                "scripts/archive-consumer.service",
                "[Service]\nExecStart=python3 manage.py consume\n",
            ),
            (
                "scripts/archive-scheduler.service",
                "[Service]\nExecStart=celery --app archive beat --loglevel INFO\n",
            ),
            ("docker/compose/docker-compose.env", "ARCHIVE_KEY=change-me\n"),
            (
                "pyproject.toml",
                "dependencies = ['django', 'psycopg', 'celery[redis]', 'channels-redis']",
            ),
            ("uv.lock", ""),
            (
                "src/archive/settings.py",
                "STATIC_ROOT = BASE_DIR.parent / \"static\"\nMEDIA_ROOT = path('ARCHIVE_MEDIA_ROOT', BASE_DIR.parent / \"media\")\nIN_DIR = path(\n    'ARCHIVE_IN_DIR',\n    BASE_DIR.parent / 'consume',\n)\nSECRET_KEY = os.getenv('ARCHIVE_KEY')\nREDIS = os.getenv('ARCHIVE_REDIS', 'redis://localhost:6379')\nif os.getenv('ARCHIVE_DBHOST'):\n    DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'HOST': os.getenv('ARCHIVE_DBHOST'), 'NAME': os.getenv('ARCHIVE_DBNAME', 'archive'), 'USER': os.getenv('ARCHIVE_DBUSER', 'archive')}}\n",
            ),
            (
                "docker/compose/docker-compose.postgres.yml",
                "services:\n  broker:\n    image: redis:8\n  db:\n    image: postgres:17\n    environment: { POSTGRES_DB: archive, POSTGRES_USER: archive }\n  webserver:\n    image: archive\n    env_file: docker-compose.env\n    ports: ['8000:8000']\n    environment: { ARCHIVE_REDIS: 'redis://broker:6379', ARCHIVE_DBHOST: db }\n",
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
            // Containers alone get the file that names it.
            "ARCHIVE_KEY=only-for-development-of-{project}-and-for-no-other-use",
        ],
        url: "",
        hooks: &["uv sync", "mkdir -p consume media", "cd src && uv run python manage.py migrate"],
        starts: &[
            "web: cd src && uv run python manage.py runserver $DJANGO_PORT",
            "consumer: cd src && uv run python manage.py consume",
            "scheduler: cd src && uv run celery --app archive beat --loglevel INFO",
        ],
        notes: &["broker publishes no port", "db publishes no port"],
    },
];
