//! Two servers of one kind, and one name for two things.

use super::Shape;

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        name: "two Redis servers with the same index are two services",
        files: &[
            (
                ".env.example",
                "CACHE_REDIS_URL=redis://localhost:6379/0\nQUEUE_REDIS_URL=redis://localhost:6380/0\n",
            ),
            (
                "infra.yml",
                "services: { cache: { image: 'redis:7', ports: ['6379:6379'] }, queue: { image: 'redis:7', ports: ['6380:6379'] } }",
            ),
        ],
        services: &["redis redis REDIS_DB=0", "queue redis QUEUE_DB=0"],
        env: &[
            "CACHE_REDIS_URL=redis://localhost:{redis.port}/{REDIS_DB}",
            "QUEUE_REDIS_URL=redis://localhost:{queue.port}/{QUEUE_DB}",
        ],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "two Postgres servers, by name in containers and by port on this machine",
        files: &[
            (
                ".env.example",
                "DATABASE_URL=postgres://postgres@localhost:5432/inn\nANALYTICS_URL=postgres://postgres@numbers:5432/numbers\nANALYTICS_DB_HOST=numbers\n",
            ),
            (
                "infra.yml",
                "services: { db: { image: 'postgres:16', ports: ['5432:5432'] }, numbers: { image: 'postgis/postgis', ports: ['5433:5432'] } }",
            ),
        ],
        services: &["postgres postgres POSTGRES_DB=inn", "analytics postgres ANALYTICS_DB=numbers"],
        env: &[
            "DATABASE_URL=postgres://postgres@localhost:5432/{POSTGRES_DB}",
            "ANALYTICS_URL=postgres://postgres@{analytics.host}:{analytics.port}/{ANALYTICS_DB}",
        ],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "one name in two applications",
        files: &[
            (
                "apps/a/.env.example",
                "DATABASE_URL=postgres://postgres@localhost:5432/rooms\nPORT=3001\n",
            ),
            (
                "apps/b/.env.example",
                "DATABASE_URL=postgres://postgres@localhost:5432/bills\nPORT=3002\n",
            ),
        ],
        services: &["postgres postgres POSTGRES_DB=rooms"],
        env: &["DATABASE_URL=postgres://postgres@localhost:5432/{POSTGRES_DB}"],
        hooks: &[],
        notes: &[
            "DATABASE_URL is `rooms` at port 5432 in apps/a/.env.example, and `bills` at port 5432 in apps/b/.env.example",
            "PORT is `3001` in apps/a/.env.example, and `3002` in apps/b/.env.example",
        ],
    },
    Shape {
        name: "the same database in two applications is one",
        files: &[
            ("apps/a/.env.example", "DATABASE_URL=postgres://postgres@localhost/rooms\n"),
            ("apps/b/.env.example", "DATABASE_URL=postgresql://postgres@127.0.0.1:5432/rooms\n"),
        ],
        services: &["postgres postgres POSTGRES_DB=rooms"],
        env: &[],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "each database of a server is one, by the name that it has",
        files: &[
            (".env.example", "DB_NAME=shop\nAUDIT_DB_NAME=audit\nOLD_DB_NAME=shop\n"),
            (
                "shop/settings.py",
                "A = os.environ['OWN_DB_NAME']\nB = os.environ.get('TELEMETRY_POSTGRES_DB', 'telemetry')\nC = os.environ.get('DATABASE_NAME', 'inn')\n",
            ),
        ],
        services: &[
            "postgres postgres DB_NAME=shop",
            "audit postgres AUDIT_DB_NAME=audit",
            "telemetry postgres TELEMETRY_POSTGRES_DB=telemetry",
        ],
        // Without a value of its own, a name stands for the first one; so does another form of a name that a file gives.
        env: &[
            "OLD_DB_NAME={DB_NAME}",
            "OWN_DB_NAME={DB_NAME}",
            "DATABASE_NAME={DB_NAME}",
            "AUDIT_DB_NAME=",
            "TELEMETRY_POSTGRES_DB=",
        ],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "the same database from this machine and from a container is one",
        files: &[
            ("apps/a/.env.example", "DATABASE_URL=postgres://postgres@localhost:5432/rooms\n"),
            (
                "compose.yml",
                "services: { web: { build: ., environment: { DATABASE_URL: 'postgres://postgres@db/rooms' } }, db: { image: 'postgres:16', ports: ['5432:5432'] } }",
            ),
        ],
        services: &["postgres postgres POSTGRES_DB=rooms"],
        env: &[],
        hooks: &[],
        notes: &["db must run before `git agentenv add`"],
    },
    Shape {
        name: "of two examples, a special one counts last",
        files: &[
            (".env.dev-azure.example", "DATABASE_URL=postgres://postgres@localhost/azure\n"),
            (".env.dev.example", "DATABASE_URL=postgres://postgres@localhost/rooms\n"),
        ],
        services: &["postgres postgres POSTGRES_DB=rooms"],
        env: &[],
        hooks: &[],
        notes: &[],
    },
];
