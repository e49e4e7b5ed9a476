//! Files that others name, ports that nothing serves, and what must not be written.

use super::Shape;

const ECTO: (&str, &str) = ("mix.exs", "{:phoenix, \"1.7\"}, {:postgrex, \">= 0.0.0\"}\n");

const ECTO_DEV: (&str, &str) = (
    "config/dev.exs",
    "config :inn, Inn.Repo,\n  username: \"postgres\",\n  database: \"inn_dev\",\n  hostname: \"localhost\"\n",
);

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        name: "an environment file for development",
        files: &[
            (
                ".env.development",
                "POSTGRES_URL=postgres://postgres:postgres@localhost:5432/inn_dev\n",
            ),
            (".env.production", "POSTGRES_URL=postgres://postgres:postgres@localhost:5432/inn\n"),
            ("package.json", r#"{ "dependencies": { "next": "15", "postgres": "3" } }"#),
        ],
        services: &["postgres postgres POSTGRES_DB=inn_dev"],
        env: &["POSTGRES_URL=postgres://postgres:postgres@localhost:5432/{POSTGRES_DB}"],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "a server in a file that is included, and its variables in another one",
        files: &[
            (
                "compose.yaml",
                "include: [infra/services.yaml]\nservices: { web: { build: ., environment: { DATABASE_URL: 'postgres://inn:inn@db:5432/inn' } } }",
            ),
            (
                "infra/services.yaml",
                "services: { db: { image: 'postgres:16', ports: ['5433:5432'], env_file: [pg] } }",
            ),
            ("infra/pg", "POSTGRES_USER=inn\n"),
        ],
        services: &["postgres postgres POSTGRES_DB=inn"],
        env: &["DATABASE_URL=postgres://inn:inn@{postgres.host}:{postgres.port}/{POSTGRES_DB}"],
        hooks: &[],
        notes: &["db must run before `git agentenv add`"],
    },
    Shape {
        name: "a file that is not there",
        files: &[("compose.yaml", "include: [other/pg.yaml]\nservices: { web: { build: . } }")],
        services: &[],
        env: &[],
        hooks: &[],
        notes: &["compose.yaml: `other/pg.yaml` does not exist: what stands there is not known"],
    },
    Shape {
        name: "a server of this machine stays where it is, unless its stack is started anew",
        files: &[
            (".env.example", "S3_ENDPOINT=http://localhost:9000\nPORT=3000\n"),
            (
                "docker/compose.yml",
                "services: { minio: { image: minio, ports: ['9000:9000'] }, tool: { build: . } }",
            ),
            (
                "package.json",
                r#"{ "scripts": { "dev": "node ." }, "dependencies": { "express": "4" } }"#,
            ),
        ],
        services: &[],
        env: &["S3_ENDPOINT="],
        hooks: &[],
        notes: &["docker/compose.yml: minio (S3_ENDPOINT): all environments use the same one"],
    },
    Shape {
        name: "a server in the stack moves with every URL that names it",
        files: &[
            (".env.example", "RMQ_URL=amqp://guest:guest@localhost:5672/\n"),
            (
                "compose.yml",
                "services: { web: { build: . }, rabbit: { image: rabbitmq, ports: ['5672:5672'] } }",
            ),
        ],
        services: &[],
        env: &["RMQ_URL=amqp://guest:guest@localhost:{RABBIT_PORT}/"],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "of what git does not track, only the address is written",
        files: &[
            (
                ".env",
                "PORT=3000\nHOOK_URL=http://localhost:3000/hooks/sk_live_abc\nSITE_URL=http://localhost:3000\nAPI_URL=http://localhost:3000/api\nCACHE_KEY_PREFIX=s3cr3t\n",
            ),
            (".env.example", "API_URL=http://localhost:3000/api\n"),
        ],
        services: &[],
        env: &[
            "HOOK_URL=",
            "SITE_URL=http://localhost:{PORT}",
            "API_URL=http://localhost:{PORT}/api",
            "CACHE_KEY_PREFIX={name}:",
        ],
        hooks: &[],
        notes: &["HOOK_URL of .env names the main checkout's port: set it by hand"],
    },
    Shape {
        name: "a placeholder in an example is no value",
        files: &[(".env.example", "DATABASE_URL=postgresql://USER:PASSWORD@HOST:5432/DATABASE\n")],
        services: &[],
        env: &["DATABASE_URL="],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "infra: names no file whose servers environments do not use",
        files: &[(
            "compose.yaml",
            "services: { db: { image: 'postgres:16', environment: { POSTGRES_DB: inn }, ports: ['5432'] } }",
        )],
        services: &["postgres postgres POSTGRES_DB=inn"],
        env: &[],
        hooks: &[],
        notes: &["compose.yaml: db publishes no port", "postgres: no file names a variable"],
    },
    Shape {
        name: "hoppscotch: a password that a tracked example holds too is no secret",
        files: &[
            (".env", "DATABASE_URL=postgres://inn:testpass@localhost:5432/inn\n"),
            (".env.example", "DATABASE_URL=postgres://inn:testpass@localhost:5432/inn\n"),
            ("package.json", r#"{ "dependencies": { "prisma": "6", "pg": "8" } }"#),
            (
                "prisma/schema.prisma",
                "datasource db {\n  provider = \"postgresql\"\n  url = env(\"DATABASE_URL\")\n}\n",
            ),
        ],
        services: &["postgres postgres POSTGRES_DB=inn"],
        env: &["DATABASE_URL=postgres://inn:testpass@localhost:5432/{POSTGRES_DB}"],
        hooks: &["npx prisma migrate deploy"],
        notes: &[".env is copied, and leads to"],
    },
    Shape {
        name: "feedbin: words in the place of an address are no address",
        files: &[(
            ".env.example",
            "DATABASE_URL=postgres://username:password@host:port/database\n",
        )],
        services: &[],
        env: &["DATABASE_URL="],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "ghostfolio: a query in a tracked file is no secret",
        files: &[(
            ".env.example",
            "DATABASE_URL=postgres://inn:inn@localhost:5432/inn?connect_timeout=300\n",
        )],
        services: &["postgres postgres POSTGRES_DB=inn"],
        env: &["DATABASE_URL=postgres://inn:inn@localhost:5432/{POSTGRES_DB}?connect_timeout=300"],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "Ecto: the repository's module reads a URL, which replaces the settings for development",
        files: &[
            ECTO,
            ("priv/repo/migrations/1_a.exs", ""),
            ECTO_DEV,
            (
                "lib/inn/repo.ex",
                "defmodule Inn.Repo do\n  def init(_, config) do\n    if url = System.get_env(\"INN_DATABASE_URL\") do\n",
            ),
        ],
        services: &["postgres postgres POSTGRES_DB=inn_dev"],
        env: &[
            "INN_DATABASE_URL=postgres://{postgres.user}@{postgres.host}:{postgres.port}/{POSTGRES_DB}",
        ],
        hooks: &["mix deps.get", "mix ecto.migrate"],
        notes: &[],
    },
    Shape {
        name: "Ecto: config/runtime.exs reads a URL in production alone",
        files: &[
            ECTO,
            ("priv/repo/migrations/1_a.exs", ""),
            ECTO_DEV,
            (
                "config/runtime.exs",
                "if config_env() == :prod do\n  url = System.get_env(\"DATABASE_URL\") || raise \"x\"\n  config :inn, Inn.Repo, url: url\nend\n",
            ),
        ],
        services: &[],
        env: &["DATABASE_URL="],
        hooks: &["mix deps.get"],
        notes: &["config/dev.exs:3 names database `inn_dev` itself"],
    },
    Shape {
        name: "Ecto: config/runtime.exs reads a URL where there is one",
        files: &[
            ECTO,
            ("priv/repo/migrations/1_a.exs", ""),
            ECTO_DEV,
            (
                "config/runtime.exs",
                "if url = System.get_env(\"DATABASE_URL\") do\n  config :inn, Inn.Repo, url: url\nend\n",
            ),
        ],
        services: &["postgres postgres POSTGRES_DB=inn_dev"],
        env: &[
            "DATABASE_URL=postgres://{postgres.user}@{postgres.host}:{postgres.port}/{POSTGRES_DB}",
        ],
        hooks: &["mix deps.get", "mix ecto.migrate"],
        notes: &[],
    },
];
