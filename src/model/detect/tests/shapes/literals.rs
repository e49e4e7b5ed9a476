//! Places that name a part themselves, in whatever language.

use super::Shape;

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        name: "Phoenix: a literal in Elixir, and a variable for production alone",
        files: &[
            ("mix.exs", "{:postgrex, \">= 0.0.0\"}\n"),
            (
                "config/dev.exs",
                "config :inn, Inn.Repo,\n  hostname: \"localhost\",\n  database: \"inn_dev\"\n",
            ),
        ],
        services: &[],
        env: &[],
        hooks: &["mix deps.get"],
        notes: &["config/dev.exs:3 names database `inn_dev` itself"],
    },
    Shape {
        name: "Sequelize: the section for development, and no invented variable",
        files: &[
            (
                "package.json",
                r#"{ "dependencies": { "express": "4", "pg": "8" }, "devDependencies": { "sequelize-cli": "6" } }"#,
            ),
            (
                "config/config.json",
                "{ \"development\": { \"database\": \"inn_development\", \"host\": \"127.0.0.1\", \"dialect\": \"postgres\" },\n  \"test\": { \"database\": \"inn_test\", \"host\": \"127.0.0.1\" } }",
            ),
        ],
        services: &["postgres postgres POSTGRES_DB=inn_development"],
        env: &["DATABASE_URL="],
        hooks: &[],
        notes: &["config/config.json:1 names database `inn_development` itself"],
    },
    Shape {
        name: "Rails: DATABASE_URL stands over database.yml, but not over Sidekiq's own URL",
        files: &[
            ("Gemfile", "gem 'rails'\ngem 'pg'\ngem 'sidekiq'\n"),
            (
                "config/database.yml",
                "development:\n  adapter: postgresql\n  host: localhost\n  database: inn\n",
            ),
            (
                "config/cable.yml",
                "development:\n  url: redis://localhost:6379/1\nproduction:\n  url: <%= ENV.fetch(\"REDIS_URL\") { \"redis://localhost:6379/1\" } %>\n",
            ),
            (
                "config/initializers/sidekiq.rb",
                "config.redis = { url: \"redis://localhost:6379/3\" }\n",
            ),
        ],
        services: &["postgres postgres POSTGRES_DB=inn", "redis redis REDIS_DB=0"],
        env: &[
            "DATABASE_URL=postgres://{postgres.user}@{postgres.host}:{postgres.port}/{POSTGRES_DB}",
        ],
        hooks: &["bundle install", "bin/rails db:prepare"],
        notes: &[
            "config/cable.yml:2 names redis index 1 itself",
            "config/initializers/sidekiq.rb:1 names redis index 3 itself",
        ],
    },
    Shape {
        name: "Go: a file of settings",
        files: &[(
            "config/config.yaml",
            "postgres:\n  host: localhost\n  database: inn\nredis:\n  url: redis://localhost:6379/1\n",
        )],
        services: &[],
        env: &[],
        hooks: &[],
        notes: &["config/config.yaml:3 names database `inn` itself", "names redis index 1 itself"],
    },
    Shape {
        name: "a driver, and nothing that says which server",
        files: &[("go.mod", "require (\n\tgithub.com/jackc/pgx/v5 v5.0.0\n)\n")],
        services: &[],
        env: &[],
        hooks: &[],
        notes: &["go.mod names a driver for Postgres, and no variable names a part of it"],
    },
    Shape {
        name: "Rails on SQLite: production's Redis and a gem in a comment are no servers",
        files: &[
            ("Gemfile", "gem 'rails'\ngem 'sqlite3'\n# gem 'redis'\n"),
            (
                "config/cable.yml",
                "development:\n  adapter: async\nproduction:\n  url: <%= ENV.fetch(\"REDIS_URL\") { \"redis://localhost:6379/1\" } %>\n",
            ),
            (
                "config/database.yml",
                "development:\n  adapter: sqlite3\n  database: storage/x.sqlite3\n",
            ),
        ],
        services: &[],
        env: &[],
        hooks: &["bundle install", "bin/rails db:prepare"],
        notes: &[],
    },
];
