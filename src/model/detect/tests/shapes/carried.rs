//! The variable that names an environment's part reaches the application, or a note says that it does not.

use super::Shape;

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        name: "Rails reads DATABASE_URL over database.yml, whatever production needs a password for",
        files: &[
            ("Gemfile", "gem \"rails\"\ngem \"pg\"\n"),
            (
                "config/database.yml",
                "development:\n  adapter: postgresql\n  database: inn_development\nproduction:\n  password: <%= ENV[\"INN_DATABASE_PASSWORD\"] %>\n",
            ),
        ],
        services: &["postgres postgres POSTGRES_DB=inn_development"],
        env: &[
            "DATABASE_URL=postgres://{postgres.user}@{postgres.host}:{postgres.port}/{POSTGRES_DB}",
        ],
        hooks: &["bundle install", "bin/rails db:prepare"],
        notes: &[],
    },
    Shape {
        name: "a queue that reads the host and the port of Redis, and no index",
        files: &[
            (".env.example", "REDIS_HOST=localhost\nREDIS_PORT=6379\n"),
            ("compose.yml", "services: { redis: { image: 'redis:7', ports: ['6379:6379'] } }"),
            ("package.json", r#"{ "dependencies": { "express": "4", "bullmq": "5" } }"#),
        ],
        services: &["redis redis REDIS_DB=0"],
        env: &["REDIS_HOST={redis.host}", "REDIS_URL=redis://{redis.host}:{redis.port}/{REDIS_DB}"],
        hooks: &[],
        notes: &["no file names a variable that leads to the environment's own redis index"],
    },
    Shape {
        name: "a variable under its usual name that nothing reads carries nothing, and no migration runs",
        files: &[
            ("package.json", r#"{ "dependencies": { "express": "4", "knex": "3", "pg": "8" } }"#),
            ("package-lock.json", "{}"),
        ],
        services: &["postgres postgres POSTGRES_DB=shop"],
        env: &[
            "DATABASE_URL=postgres://{postgres.user}@{postgres.host}:{postgres.port}/{POSTGRES_DB}",
        ],
        hooks: &["npm ci"],
        notes: &["no file names a variable that leads to the environment's own database"],
    },
    Shape {
        name: "a variable that only production reads carries nothing",
        files: &[
            ("package.json", r#"{ "dependencies": { "fastify": "4", "knex": "3", "pg": "8" } }"#),
            (
                "knexfile.js",
                "module.exports = {\n  development: { client: 'pg', connection: { host: 'localhost', database: 'inn' } },\n  production: {\n    connection: process.env.DATABASE_URL\n  } };\n",
            ),
        ],
        services: &["postgres postgres POSTGRES_DB=inn"],
        env: &["DATABASE_URL="],
        hooks: &[],
        notes: &["knexfile.js:2 names database `inn` itself"],
    },
    Shape {
        name: "settings that name the database themselves hold migrations back, whatever variables there are",
        files: &[
            (".env.example", "DB_NAME=inn\nDB_DIALECT=mysql\nDB_HOST=127.0.0.1\n"),
            (
                "package.json",
                r#"{ "dependencies": { "express": "4", "mysql2": "3" }, "devDependencies": { "sequelize-cli": "6" } }"#,
            ),
            (
                "config/config.json",
                "{ \"development\": { \"database\": \"inn\", \"host\": \"127.0.0.1\" } }",
            ),
        ],
        services: &["mysql mysql DB_NAME=inn"],
        env: &["DB_DIALECT=mysql"],
        hooks: &[],
        notes: &["config/config.json:1 names database `inn` itself"],
    },
    Shape {
        name: "a program of another language that can use several databases",
        files: &[(
            "go.mod",
            "require (\n\tgithub.com/lib/pq v1\n\tgithub.com/go-sql-driver/mysql v1\n\tgithub.com/mattn/go-sqlite3 v1\n)\n",
        )],
        services: &[],
        env: &["DATABASE_URL="],
        hooks: &[],
        notes: &["go.mod: packages for several kinds of databases"],
    },
    Shape {
        name: "a text of a test does not hide the driver",
        files: &[
            ("Cargo.toml", "sqlx = { features = [\"postgres\"] }\n"),
            ("src/pool.rs", "let url = \"postgres://localhost/inn\";\n"),
        ],
        services: &[],
        env: &["DATABASE_URL="],
        hooks: &[],
        notes: &["src/pool.rs:1 names database `inn`", "Cargo.toml names a driver for Postgres"],
    },
    Shape {
        name: "variables that settings and code of any language read, wherever they are",
        files: &[
            ("pom.xml", "<groupId>org.postgresql</groupId>\n"),
            (
                "src/main/resources/application.properties",
                "spring.datasource.url=${INN_URL:jdbc:postgresql://localhost/inn}\n",
            ),
            ("package.json", r#"{ "dependencies": { "redis": "5" } }"#),
            ("src/lib/cache.ts", "export const url = process.env.REDIS_URL;\n"),
            (
                "integration/setup.ts",
                "const url = process.env.TEST_DATABASE_URL ?? 'postgres://localhost/inn_t';\n",
            ),
        ],
        services: &["postgres postgres POSTGRES_DB=inn", "redis redis REDIS_DB=0"],
        env: &[
            "INN_URL=jdbc:postgresql://localhost/{POSTGRES_DB}",
            "REDIS_URL=redis://{redis.host}:{redis.port}/{REDIS_DB}",
            "DATABASE_URL=",
            "TEST_DATABASE_URL=",
        ],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "drivers for two databases, and nothing that says which",
        files: &[("Gemfile", "gem 'rails'\ngem 'pg'\ngem 'mysql2'\n")],
        services: &[],
        env: &["DATABASE_URL="],
        hooks: &["bundle install"],
        notes: &["Gemfile: Rails: packages for several kinds of databases"],
    },
    Shape {
        name: "postal: a server that no part is known of holds migrations back",
        files: &[super::MANAGE, (".env.example", "MAIN_DB_HOST=localhost\n")],
        services: &[],
        env: &[],
        hooks: &[],
        notes: &["MAIN_DB_HOST of .env.example leads to Postgres"],
    },
    Shape {
        name: "ghostfolio: a URL that still points at the main checkout holds migrations back",
        files: &[
            (".env", "POSTGRES_DB=inn\nDATABASE_URL=postgres://inn:hunter2@localhost:5432/inn\n"),
            ("package.json", r#"{ "dependencies": { "prisma": "6", "pg": "8" } }"#),
            (
                "prisma/schema.prisma",
                "datasource db {\n  provider = \"postgresql\"\n  url = env(\"DATABASE_URL\")\n}\n",
            ),
        ],
        services: &["postgres postgres POSTGRES_DB=inn"],
        env: &["DATABASE_URL="],
        hooks: &[],
        notes: &["DATABASE_URL of .env holds a password", ".env is ignored by git and leads to"],
    },
];
