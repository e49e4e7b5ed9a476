//! What files name and the main checkout does not use.

use super::{MANAGE, Shape};

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        name: "mealie: SQLite is given, whatever stands beside it for another server",
        files: &[
            (
                "docker/docker-compose.yml",
                "services: { web: { image: inn, environment: { DB_ENGINE: sqlite, POSTGRES_DB: inn, POSTGRES_SERVER: db } } }",
            ),
            (
                "docker/docker-compose.dev.yml",
                "services: { db: { image: 'postgres:16', ports: ['5432:5432'] } }",
            ),
        ],
        services: &[],
        env: &["POSTGRES_DB=", "POSTGRES_SERVER="],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "oscar: SQLite by default, and a URL that is None without a variable",
        files: &[
            MANAGE,
            (
                "shop/settings.py",
                "DATABASES = {'default': {\n  'ENGINE': os.environ.get('DATABASE_ENGINE', 'django.db.backends.sqlite3'),\n  'NAME': os.environ.get('DATABASE_NAME', at('inn.sqlite')),\n  'HOST': os.environ.get('DATABASE_HOST', None)}}\nPICTURES_REDIS_URL = env('PICTURES_REDIS_URL', default=None)\nCACHES = {'default': env.cache(default='locmemcache://')}\n",
            ),
            (
                "shop/settings_postgres.py",
                "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql'}}\n",
            ),
            ("requirements.txt", "Django\npsycopg2\nredis\n"),
        ],
        services: &[],
        env: &["DATABASE_ENGINE=", "DATABASE_HOST=", "PICTURES_REDIS_URL="],
        hooks: &[super::projects::VENV, "PATH=\"$PWD/.venv/bin:$PATH\" python manage.py migrate"],
        notes: &[],
    },
    Shape {
        name: "kutt: a schema whose engine is a file",
        files: &[(
            "server/env.js",
            "cleanEnv(process.env, {\n  DB_CLIENT: str({ default: \"better-sqlite3\" }),\n  DB_NAME: str({ default: \"inn\" }),\n})\n",
        )],
        services: &[],
        env: &["DB_CLIENT=", "DB_NAME="],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "flagsmith: parts of a second database that are empty by default, beside the first one's",
        files: &[
            MANAGE,
            (
                "shop/settings.py",
                "NAME = os.environ['DB_NAME']\nHOST = os.environ.get('DB_HOST', '')\nA = env('TASKS_DATABASE_NAME', default='')\nB = env('TASKS_DATABASE_HOST', default='')\n",
            ),
            (".env.example", "DB_NAME=inn\n"),
        ],
        services: &["postgres postgres DB_NAME=inn"],
        env: &["DB_HOST={postgres.host}", "TASKS_DATABASE_NAME=", "TASKS_DATABASE_HOST="],
        hooks: &["python manage.py migrate"],
        notes: &[],
    },
    Shape {
        name: "firefly: an example of PHP that names indexes and keeps nothing there",
        files: &[
            (
                ".env.example",
                "DB_CONNECTION=mysql\nDB_DATABASE=inn\nCACHE_DRIVER=file\nREDIS_HOST=127.0.0.1\nREDIS_DB=0\nREDIS_CACHE_DB=1\n",
            ),
            ("composer.json", "{}"),
        ],
        services: &["mysql mysql DB_DATABASE=inn"],
        env: &["REDIS_HOST=", "REDIS_DB="],
        hooks: &["composer install"],
        notes: &[],
    },
    Shape {
        name: "umami: code that asks whether there is a Redis",
        files: &[
            ("package.json", r#"{ "dependencies": { "next": "15", "redis": "5" } }"#),
            ("src/db.ts", "if (process.env.REDIS_URL) {\n  open(process.env.REDIS_URL)\n}\n"),
        ],
        services: &[],
        env: &["REDIS_URL="],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "petclinic: settings of profiles that are not active",
        files: &[
            ("src/main/resources/application.properties", "database=h2\n"),
            (
                "src/main/resources/application-postgres.properties",
                "spring.datasource.url=${POSTGRES_URL:jdbc:postgresql://localhost/inn}\n",
            ),
            (
                "docker-compose.yml",
                "services: { b: { image: 'mysql:9', ports: ['3306:3306'] }, a: { image: 'postgres:18', ports: ['5432:5432'] } }",
            ),
        ],
        services: &[],
        env: &["POSTGRES_URL=", "DATABASE_URL="],
        hooks: &[],
        notes: &["docker-compose.yml: servers for several kinds of databases"],
    },
    Shape {
        name: "maybe: what containers of an image are told, beside the code's own default",
        files: &[
            ("Gemfile", "gem 'rails'\ngem 'pg'\n"),
            (
                "config/database.yml",
                "development:\n  adapter: postgresql\n  database: <%= ENV.fetch(\"DB_NAME\") { \"inn_development\" } %>\n",
            ),
            (
                "compose.example.yml",
                "services: { web: { image: inn, environment: { DB_NAME: inn_production } } }",
            ),
        ],
        services: &["postgres postgres DB_NAME=inn_development"],
        env: &[],
        hooks: &["bundle install", "bin/rails db:prepare"],
        notes: &[],
    },
];
