//! Databases that a tool, a task or the program itself migrates.

use super::Shape;

const ENV: (&str, &str) = (".env.example", "DATABASE_URL=postgres://inn:inn@localhost:5432/inn\n");
const SQLX: (&str, &str) = ("Cargo.toml", "[dependencies]\nsqlx = { version = \"0.8\" }\n");
const DIESEL: (&str, &str) = ("Cargo.toml", "[dependencies.diesel]\nversion = \"2\"\n");
const GO: (&str, &str) = ("go.mod", "module inn\nrequire github.com/jackc/pgx/v5 v5.7.0\n");
const ONE: &[&str] = &["postgres postgres POSTGRES_DB=inn"];

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        name: "SQLx by its own command",
        files: &[SQLX, ENV, ("migrations/1_rooms.sql", ""), ("tests/api.rs", "sqlx::migrate!()")],
        services: ONE,
        env: &[],
        hooks: &["sqlx migrate run"],
        notes: &[],
    },
    Shape {
        name: "SQLx in the program, which compiles without a database",
        files: &[
            SQLX,
            ENV,
            ("migrations/1_rooms.sql", ""),
            ("src/main.rs", "sqlx::migrate!().run(&db)"),
        ],
        services: ONE,
        env: &[],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "SQLx in the program, whose queries are checked before it starts",
        files: &[
            SQLX,
            ENV,
            ("migrations/1_rooms.sql", ""),
            ("src/main.rs", "sqlx::migrate!().run(&db)"),
            ("src/rooms.rs", "sqlx::query_as!(Room, \"select * from rooms\")"),
        ],
        services: ONE,
        env: &[],
        hooks: &["sqlx migrate run"],
        notes: &[],
    },
    Shape {
        name: "SQLx in a crate of a workspace, and migrations beside all crates",
        files: &[
            ("Cargo.toml", "[workspace.dependencies]\nsqlx = \"0.8\"\n"),
            ENV,
            ("server/Cargo.toml", "[dependencies]\nsqlx.workspace = true\n"),
            ("server/migrations/20240101_rooms.up.sql", ""),
            ("examples/a/migrations/1_a.sql", ""),
        ],
        services: ONE,
        env: &[],
        hooks: &["cd server && sqlx migrate run"],
        notes: &[],
    },
    Shape {
        name: "SQLx with migrations below a directory of no crate",
        files: &[SQLX, ENV, ("db/migrations/1_rooms.sql", "")],
        services: ONE,
        env: &[],
        hooks: &["sqlx migrate run --source db/migrations"],
        notes: &[],
    },
    Shape {
        name: "Diesel",
        files: &[
            DIESEL,
            ENV,
            ("migrations/00_rooms/up.sql", ""),
            ("migrations/00_rooms/down.sql", ""),
        ],
        services: ONE,
        env: &[],
        hooks: &["diesel migration run"],
        notes: &[],
    },
    Shape {
        name: "Diesel in the program",
        files: &[
            DIESEL,
            ENV,
            ("migrations/00_rooms/up.sql", ""),
            ("src/main.rs", "const ALL: EmbeddedMigrations = embed_migrations!();"),
        ],
        services: ONE,
        env: &[],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "Go by a target of make, with the environment's own variable",
        files: &[
            GO,
            ENV,
            (
                "Makefile",
                "migrate-up:\n\t@goose -dir db/migrations postgres \"$(DATABASE_URL)\" up\n",
            ),
        ],
        services: ONE,
        env: &[],
        hooks: &["goose -dir db/migrations postgres \"$DATABASE_URL\" up"],
        notes: &[],
    },
    Shape {
        name: "Go by just and a program that reads its variable itself",
        files: &[GO, ENV, ("Justfile", "migrate:\n    dbmate up\n")],
        services: ONE,
        env: &[],
        hooks: &["dbmate up"],
        notes: &[],
    },
    Shape {
        name: "Go by a target whose variable no environment sets, and one that drops all: missing",
        files: &[
            GO,
            ENV,
            (
                "Makefile",
                "migrate:\n\tmigrate -path db -database $(MAIN_DB_URL) up\ndb-migrate:\n\tdbmate drop\n\tdbmate up\n",
            ),
        ],
        services: ONE,
        env: &[],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "Go in the program",
        files: &[
            GO,
            ENV,
            ("cmd/inn/main.go", "package main\n"),
            ("db/db.go", "goose.SetBaseFS(files)\ngoose.Up(db, \"migrations\")\n"),
        ],
        services: ONE,
        env: &[],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "Go with a command of its own that migrates: missing",
        files: &[
            GO,
            ENV,
            ("Makefile", "migrate:\n\tgo run ./cmd/migrate\n"),
            ("cmd/inn/main.go", "package main\n"),
            ("cmd/migrate/main.go", "m, _ := migrate.New(\"file://db\", url); m.Up()\n"),
        ],
        services: ONE,
        env: &[],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "SQLx in comments of the program",
        files: &[
            SQLX,
            ENV,
            ("migrations/1_rooms.sql", ""),
            ("src/main.rs", "fn main() { /* sqlx::migrate!() */ }\n// sqlx::migrate!().run(&db)\n"),
        ],
        services: ONE,
        env: &[],
        hooks: &["sqlx migrate run"],
        notes: &[],
    },
    Shape {
        name: "a task beside code that may migrate",
        files: &[
            GO,
            ENV,
            ("main.go", "goose.Up(db, \"db\")\n"),
            ("Makefile", "migrate:\n\tdbmate up\n"),
        ],
        services: ONE,
        env: &[],
        hooks: &["dbmate up"],
        notes: &[],
    },
    Shape {
        name: "migrations of dbmate beside SQLx",
        files: &[
            SQLX,
            ENV,
            (
                "db/migrations/20240101_rooms.sql",
                "-- migrate:up\n-- migrate:down\ndrop table rooms;\n",
            ),
            ("Makefile", "migrate:\n\tdbmate up\n"),
        ],
        services: ONE,
        env: &[],
        hooks: &["dbmate up"],
        notes: &[],
    },
    Shape {
        name: "migrations of SQLx by a task of the project's own",
        files: &[
            SQLX,
            ENV,
            ("migrations/1_rooms.sql", ""),
            ("Justfile", "migrate:\n    sqlx migrate run --ignore-missing\n"),
        ],
        services: ONE,
        env: &[],
        hooks: &["sqlx migrate run --ignore-missing"],
        notes: &[],
    },
    Shape {
        name: "migrations of goose beside SQLx, and no task: missing",
        files: &[
            SQLX,
            ENV,
            ("migrations/20240101_rooms.sql", "-- +goose Up\n-- +goose  Down\ndrop table rooms;\n"),
        ],
        services: ONE,
        env: &[],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "migrations of Supabase beside SQLx: missing",
        files: &[SQLX, ENV, ("supabase/migrations/20240101_rooms.sql", "")],
        services: ONE,
        env: &[],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "a worker in Go beside Rails, whose task nothing starts: missing",
        files: &[
            ENV,
            ("Gemfile", "gem 'rails'\ngem 'pg'\n"),
            ("worker/go.mod", "module inn\n"),
            ("Makefile", "migrate:\n\tdbmate up\n"),
        ],
        services: ONE,
        env: &[],
        hooks: &["bundle install", "bin/rails db:prepare"],
        notes: &[],
    },
];
