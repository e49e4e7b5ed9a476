//! Settings that a variable replaces, named after their paths.

use super::Shape;

const SPRING: (&str, &str) =
    ("pom.xml", "<artifactId>spring-boot-starter-data-redis</artifactId>\n");

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        name: "the crate config: settings of all stages and of one, and a URL for a tool alone",
        files: &[
            ("Cargo.toml", "[dependencies]\nconfig = \"0.14\"\n"),
            (
                "src/configuration.rs",
                "config::Environment::with_prefix(\"APP\")\n    .prefix_separator(\"_\")\n    .separator(\"__\")\n",
            ),
            (
                "configuration/base.yaml",
                "application:\n  port: 8000\n  host: 0.0.0.0\ndatabase:\n  host: \"127.0.0.1\"\n  port: 5432\n  username: \"postgres\"\n  password: \"password\"\n  database_name: \"inn\"\nredis_uri: \"redis://127.0.0.1:6379\"\n",
            ),
            ("configuration/local.yaml", "database:\n  database_name: \"inn_local\"\n"),
            ("configuration/production.yaml", "database:\n  database_name: \"inn_x\"\n"),
        ],
        services: &[
            "postgres postgres APP_DATABASE__DATABASE_NAME=inn_local",
            "redis redis REDIS_DB=0",
        ],
        env: &[
            "APP_DATABASE__HOST={postgres.host}",
            "APP_DATABASE__PORT={postgres.port}",
            "APP_DATABASE__USERNAME={postgres.user}",
            "APP_REDIS_URI=redis://127.0.0.1:{redis.port}/{REDIS_DB}",
        ],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "Spring: a profile that is active, and Redis without any setting",
        files: &[
            SPRING,
            (
                "src/main/resources/application.yml",
                "server:\n  port: 9966\nlog:\n  host: localhost\n  port: 5000\nspring:\n  profiles:\n    active: inn\n  datasource:\n    username: me\n    password: me\n",
            ),
            (
                "src/main/resources/application-inn.yml",
                "spring.datasource.url: jdbc:postgresql://localhost:5432/inn\n",
            ),
            (
                "src/main/resources/application-prod.yml",
                "spring.datasource.url: jdbc:postgresql://localhost:5432/inn_x\n",
            ),
        ],
        services: &[
            "postgres postgres POSTGRES_DB=inn",
            "redis redis SPRING_DATA_REDIS_DATABASE=0",
        ],
        env: &[
            "SPRING_DATASOURCE_URL=jdbc:postgresql://localhost:5432/{POSTGRES_DB}",
            "SPRING_DATASOURCE_USERNAME={postgres.user}",
            "SPRING_DATASOURCE_PASSWORD=me",
            "SPRING_DATA_REDIS_HOST={redis.host}",
            "SPRING_DATA_REDIS_PORT={redis.port}",
        ],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "Spring: a database in memory while the application is developed",
        files: &[
            ("build.gradle", "id 'org.springframework.boot'\n"),
            (
                "src/main/resources/config/application-dev.yml",
                "spring.datasource.url: jdbc:h2:mem:inn;A=1\n",
            ),
            (
                "src/main/docker/compose.yml",
                "services: { db: { image: 'postgres:16', ports: ['5432:5432'] } }",
            ),
        ],
        services: &[],
        env: &["SPRING_DATASOURCE_URL="],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: ".NET: a connection string of development",
        files: &[
            ("src/Api/Api.csproj", "<PackageReference Include=\"Npgsql\" />\n"),
            (
                "src/Api/appsettings.json",
                "{\n  \"ConnectionStrings\": {\n    // Of all stages.\n    \"Default\": \"Host=db.example.com;Database=inn_x\"\n  }\n}\n",
            ),
            (
                "src/Api/appsettings.Development.json",
                "{ \"ConnectionStrings\": { \"Default\": \"Host=localhost;Port=5432;Database=inn;User Id=me;Password=me\" } }\n",
            ),
        ],
        services: &["postgres postgres POSTGRES_DB=inn"],
        env: &[
            "ConnectionStrings__Default=Host=localhost;Port={postgres.port};Database={POSTGRES_DB};User Id=me;Password=me",
        ],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "viper reads the names of settings at the top alone, where it replaces no dots",
        files: &[
            ("go.mod", "require github.com/jackc/pgx/v5 v5.0.0\n"),
            ("config/config.go", "viper.AutomaticEnv()\n"),
            (
                "config/config.yaml",
                "database_url: postgres://me:me@localhost:5432/inn\ncache:\n  redis_url: redis://localhost:6379/2\n",
            ),
        ],
        services: &["postgres postgres POSTGRES_DB=inn"],
        env: &["DATABASE_URL=postgres://me:me@localhost:5432/{POSTGRES_DB}"],
        hooks: &[],
        notes: &["config/config.yaml:3 names redis index 2 itself"],
    },
];
