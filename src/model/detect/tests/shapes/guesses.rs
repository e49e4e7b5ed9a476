//! Names and values that look like something else than they are.

use super::Shape;

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        name: "pydantic puts a prefix before the names of one class, and a file is no database",
        files: &[(
            "inn/config.py",
            "class Settings(BaseSettings):\n    GEO_DATABASE_NAME: str = \"geo.mmdb\"\n    POSTGRES_HOST: str = \"127.0.0.1\"\n    POSTGRES_DATABASE: str = \"inn\"\n\n    model_config = SettingsConfigDict(\n        env_prefix=\"inn_\",\n    )\n\n\nclass Cache(BaseSettings):\n    REDIS_DB: int = 0\n",
        )],
        services: &["postgres postgres INN_POSTGRES_DATABASE=inn", "redis redis REDIS_DB=0"],
        env: &[
            "INN_POSTGRES_HOST={postgres.host}",
            "POSTGRES_HOST=",
            "POSTGRES_DATABASE=",
            "GEO_DATABASE_NAME=",
            "INN_GEO_DATABASE_NAME=",
        ],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "an empty password is not that of another section",
        files: &[
            (
                ".env.example",
                "DB_CONNECTION=mysql\nDB_HOST=127.0.0.1\nDB_DATABASE=inn\nDB_USERNAME=root\nDB_PASSWORD=\n",
            ),
            (
                "config/database.php",
                "'mysql' => ['password' => env('DB_PASSWORD', '')],\n'mysql-ci' => ['password' => env('DB_PASSWORD', 'mysql')],\n",
            ),
        ],
        services: &["mysql mysql DB_DATABASE=inn"],
        env: &["DB_PASSWORD=", "DB_HOST=127.0.0.1"],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "the fields of Rust's clap are variables, and a word in braces is no password",
        files: &[
            (".env.sample", "DATABASE_URL=postgresql://inn:{password}@localhost/inn_books\n"),
            (
                "src/config.rs",
                "#[derive(Parser)]\npub struct Config {\n    /// Where the books are.\n    #[clap(long, env)]\n    pub database_url: String,\n    #[arg(long, env = \"INN_CACHE\", default_value = \"redis://localhost:6379/2\")]\n    cache: String,\n}\n",
            ),
        ],
        services: &["postgres postgres POSTGRES_DB=inn_books", "redis redis REDIS_DB=2"],
        env: &[
            "DATABASE_URL=postgresql://inn@localhost/{POSTGRES_DB}",
            "INN_CACHE=redis://localhost:{redis.port}/{REDIS_DB}",
        ],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "a server that is told of no database: the settings for development name it",
        files: &[
            (
                "compose.yml",
                "services:\n  db: { image: 'postgres:16', ports: ['5432:5432'], environment: { POSTGRES_USER: postgres } }\n",
            ),
            (
                "config/dev.exs",
                "config :inn, Inn.Repo,\n  username: \"postgres\",\n  database: \"inn_dev\",\n  hostname: \"localhost\"\n",
            ),
        ],
        services: &["postgres postgres POSTGRES_DB=inn_dev"],
        env: &[],
        hooks: &[],
        notes: &["config/dev.exs:3 names database `inn_dev` itself"],
    },
    Shape {
        name: "a Redis of the stack that asks for a password stays in it: no shared one takes it",
        files: &[(
            "compose.yml",
            "services:\n  web: { build: ., ports: ['8000:8000'], environment: { CACHE_REDIS_HOST: cache, CACHE_REDIS_DB: '0' } }\n  cache: { image: 'redis:7', command: 'redis-server --requirepass ${CACHE_REDIS_PASSWORD}' }\n",
        )],
        services: &[],
        env: &["CACHE_REDIS_HOST="],
        hooks: &[],
        notes: &[
            "cache: Redis stays in the containers of each environment, with data of its own: it asks for a password",
        ],
    },
    Shape {
        name: "the beginning of a URL is none",
        files: &[(
            "src/app/config.py",
            "POSTGRES_SERVER: str = config(\"POSTGRES_SERVER\", default=\"localhost\")\nPOSTGRES_DB: str = config(\"POSTGRES_DB\", default=\"inn\")\nPOSTGRES_SYNC_PREFIX: str = config(\"POSTGRES_SYNC_PREFIX\", default=\"postgresql://\")\n",
        )],
        services: &["postgres postgres POSTGRES_DB=inn"],
        env: &["POSTGRES_SERVER={postgres.host}", "POSTGRES_SYNC_PREFIX="],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "a URL in which the reader shall write the server is none",
        files: &[
            (
                ".env.example",
                "POSTGRES_URL=\"postgres://postgres.[USERNAME]:[PASSWORD]@pooler.example.com:6543/postgres?x=y\"\n",
            ),
            ("packages/db/src/db.ts", "connect(process.env.POSTGRES_URL)\n"),
        ],
        services: &["postgres postgres POSTGRES_DB=shop"],
        env: &[
            "POSTGRES_URL=postgres://{postgres.user}@{postgres.host}:{postgres.port}/{POSTGRES_DB}",
        ],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "settings of another stage than development, and a script, are not what migrations read",
        files: &[
            ("mix.exs", "{:phoenix, \"1.7\"}, {:postgrex, \">= 0.0.0\"}\n"),
            ("priv/repo/migrations/1_a.exs", ""),
            ("config/config.exs", "import_config \"#{config_env()}.exs\"\n"),
            (
                "config/inn.exs",
                "config :inn, Inn.Repo, hostname: \"localhost\",\n  database: \"inn_x\"\n",
            ),
            (
                "bin/create.sh",
                "DATABASE_NAME=\"inn_y\"\ncreatedb --host=localhost \"$DATABASE_NAME\"\n",
            ),
            (
                "config/runtime.exs",
                "config :inn, Inn.Repo, url: System.get_env(\"DATABASE_URL\", \"ecto://localhost/inn\")\n",
            ),
        ],
        services: &["postgres postgres POSTGRES_DB=inn"],
        env: &[],
        hooks: &["mix deps.get", "mix ecto.migrate"],
        notes: &["bin/create.sh:1 names database `inn_y` itself"],
    },
    Shape {
        name: "rubygems: the example of database.yml says the main checkout's database",
        files: &[
            ("Gemfile", "gem 'rails'\ngem 'pg'\n"),
            (
                "config/database.yml.sample",
                "default: &default\n  adapter: postgresql\ndevelopment:\n  primary:\n    <<: *default\n    database: inn_development\n    host: <%= ENV.fetch(\"DB_HOST\", \"localhost\") %>\n",
            ),
        ],
        services: &["postgres postgres POSTGRES_DB=inn_development"],
        env: &[
            "DATABASE_URL=postgres://{postgres.user}@{postgres.host}:{postgres.port}/{POSTGRES_DB}",
        ],
        hooks: &["bundle install", "bin/rails db:prepare"],
        notes: &[],
    },
];
