//! Django projects that run on this machine.

use super::{Case, VENV};

pub(super) const CASES: [Case; 4] = [
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
            // What another file reads does not reach the settings.
            ("scripts/check_configuration.py", "NAME = os.getenv('POSTGRES_DB', 'nb')\n"),
            ("netbox/assets/package.json", r#"{ "scripts": { "bundle": "node bundle.cjs" } }"#),
            ("netbox/assets/yarn.lock", ""),
            ("netbox/assets/dist/nb.js", ""),
            ("contrib/nb.service", "[Service]\nExecStart=/opt/nb/venv/bin/gunicorn nb.wsgi\n"),
            (
                "contrib/nb-rq.service",
                "[Service]\nType=simple\nExecStart=/opt/nb/venv/bin/python3 /opt/nb/netbox/manage.py rqworker high low\n",
            ),
        ],
        ports: "DJANGO_PORT=8000",
        services: &[
            "postgres postgres POSTGRES_DB=nb",
            "redis redis TASKS_REDIS_DB=0",
            "caching_redis redis CACHING_REDIS_DB=1",
        ],
        env: &["POSTGRES_USER={postgres.user}", "DATABASE_URL=", "REDIS_URL="],
        url: "",
        hooks: &[VENV],
        starts: &[
            "web: cd netbox && PATH=\"$PWD/../.venv/bin:$PATH\" python manage.py runserver $DJANGO_PORT",
        ],
        notes: &[
            "netbox/nb/configuration_example.py:4 and its copy netbox/nb/configuration.py: `'NAME': 'nb',` reads no",
            "_example.py:5 and its copy netbox/nb/configuration.py: `'USER': '',` reads no variable",
            "write `'DATABASE': int(os.environ.get(\"TASKS_REDIS_DB\", \"0\")),`",
            "_example.py:14 and its copy netbox/nb/configuration.py: `'DATABASE': 1,` reads no variable",
            "netbox/nb/configuration.py is missing, which the settings read: copy netbox/nb/configuration_example.py",
            "rq is not among `processes:`, for it may take the main checkout's tasks (Redis)",
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
            "DJANGO_CACHE_LOCATION=redis://localhost:{redis.port}/{REDIS_DB}",
            "CELERY_BROKER=redis://localhost:{celery_broker.port}/{CELERY_BROKER_DB}",
            "CELERY_BACKEND=redis://localhost:{celery_broker.port}/{CELERY_BROKER_DB}",
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
];
