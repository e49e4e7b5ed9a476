//! Addresses of the application and of servers beside it, and parts beside a URL.

use super::Shape;

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        name: "simplebank: addresses that the application listens on, and one of a server that it uses",
        files: &[(
            "app.env",
            "HTTP_SERVER_ADDRESS=0.0.0.0:8080\nGRPC_ADDR=:9090\nREDIS_ADDRESS=localhost:6379\nPROXY_ADDR=10.0.0.1:8080\n",
        )],
        services: &["redis redis REDIS_DB=0"],
        env: &[
            "HTTP_SERVER_ADDRESS=0.0.0.0:{HTTP_SERVER_PORT}",
            "GRPC_ADDR=:{GRPC_PORT}",
            "REDIS_ADDRESS={redis.host}:{redis.port}",
            "PROXY_ADDR=",
        ],
        hooks: &[],
        notes: &["redis: no file names a variable that leads to the environment's own redis index"],
    },
    Shape {
        name: "addresses of servers without a scheme, by name and by port, and the parts beside them",
        files: &[
            (
                ".env.example",
                "DB_ADDR=localhost:5432\nDB_NAME=inn\nREDIS_HOST_PORT=cache:6379\nREDIS_DB=2\nSESSIONS_AT=:6379\nMAIL_ADDR=localhost:1025\nBROKER_URL=rabbit:5672\n",
            ),
            ("main.go", "os.Getenv(\"DB_ADDR\")\n"),
        ],
        services: &["postgres postgres DB_NAME=inn", "redis redis REDIS_DB=2"],
        env: &[
            "DB_ADDR={postgres.host}:{postgres.port}",
            "REDIS_HOST_PORT={redis.host}:{redis.port}",
            "SESSIONS_AT={redis.host}:{redis.port}",
            "BROKER_URL=",
        ],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "addresses of several servers in one variable, and one that settings name themselves",
        files: &[
            ("app.env", "REDIS_ADDR=a:6379,b:6379\nREDIS_DB=1\n"),
            ("config/cache.yaml", "cache:\n  addr: localhost:6379\n  db: 3\n"),
        ],
        services: &["redis redis REDIS_DB=1"],
        env: &["REDIS_ADDR="],
        hooks: &[],
        notes: &[
            "REDIS_ADDR of app.env still points at the main checkout: set it by hand, for its value is no host and port",
            "config/cache.yaml:2 names redis index 3 itself",
        ],
    },
    Shape {
        name: "addresses without a port, of other kinds of databases, and elsewhere",
        files: &[(
            "app.env",
            "DB_NAME=inn\nREDIS_DB=1\nREDIS_ADDR=localhost\nCACHE_DB_ADDR=localhost:8086\nDB_ADDR=localhost:5432\nSESSIONS_AT=redis.example.com:6379\nQUEUE_REDIS_ADDR=\n",
        )],
        services: &["postgres postgres DB_NAME=inn", "redis redis REDIS_DB=1"],
        env: &[
            "REDIS_ADDR=",
            "CACHE_DB_ADDR=",
            "DB_ADDR={postgres.host}:{postgres.port}",
            "SESSIONS_AT=",
            "QUEUE_REDIS_ADDR=",
        ],
        hooks: &[],
        notes: &[
            "REDIS_ADDR of app.env still points at the main checkout: set it by hand, for its value is no host and port",
        ],
    },
    Shape {
        name: "an address that is a host alone, of a server that nothing else names",
        files: &[("app.env", "REDIS_ADDR=localhost\n")],
        services: &[],
        env: &["REDIS_ADDR="],
        hooks: &[],
        notes: &["REDIS_ADDR of app.env leads to Redis, and no variable names a part of it"],
    },
    Shape {
        name: "an address that an environment file cannot hold",
        files: &[("app.env", "HTTP_ADDR=[::]:8080\n")],
        services: &[],
        env: &["HTTP_ADDR="],
        hooks: &[],
        notes: &[
            "HTTP_ADDR of app.env names the main checkout's port: set it by hand, for its value holds what an environment file cannot",
        ],
    },
    Shape {
        name: "addresses whose variables for ports are taken, and one that gets no port",
        files: &[(
            "app.env",
            "HTTP_ADDR=:8080\nHTTP_PORT=3000\nHTTP_LISTEN=:8081\nGRPC_ADDR=:9090\nGRPC_BIND=:9091\nTOP_ADDR=:61000\n",
        )],
        services: &[],
        env: &[
            "HTTP_ADDR=:{HTTP_ADDR_PORT}",
            "HTTP_LISTEN=:{HTTP_LISTEN_PORT}",
            "GRPC_ADDR=:{GRPC_PORT}",
            "GRPC_BIND=:{GRPC_BIND_PORT}",
            "TOP_ADDR=",
        ],
        hooks: &[],
        notes: &[
            "TOP_ADDR of app.env names the main checkout's port: set it by hand, for it gets no port of its own",
        ],
    },
    Shape {
        name: "outline: the application's own address under any name, and a URL that stands for its parts",
        files: &[
            (
                ".env.development",
                "PORT=3000\nURL=https://local.inn.dev:3000\nAPP_URL=http://inn.localhost:3000/app\nPEER_URL=http://peer:3000\nHELP_URL=https://help.inn.dev\nAPI_URL=http://localhost:8080/v1\nDATABASE_URL=postgres://user:user@127.0.0.1:5432/inn\n",
            ),
            (
                "server/env.ts",
                "public DATABASE_URL = environment.DATABASE_URL\npublic DATABASE_HOST = environment.DATABASE_HOST\npublic DATABASE_NAME = environment.DATABASE_NAME\npublic DATABASE_USER = environment.DATABASE_USER\n",
            ),
        ],
        services: &["postgres postgres POSTGRES_DB=inn"],
        env: &[
            "URL=https://local.inn.dev:{PORT}",
            "APP_URL=http://inn.localhost:{PORT}/app",
            "PEER_URL=",
            "HELP_URL=",
            "DATABASE_URL=postgres://user:user@127.0.0.1:5432/{POSTGRES_DB}",
            "DATABASE_HOST=",
            "DATABASE_NAME=",
            "DATABASE_USER=",
        ],
        hooks: &[],
        notes: &[
            "API_URL of .env.development: all environments use the same server at http://localhost:8080",
        ],
    },
    Shape {
        name: "medusa: a URL that code reads, beside a name that only an example mentions",
        files: &[
            (".env.example", "DATABASE_URL=\nDB_NAME=inn\n"),
            ("medusa-config.ts", "databaseUrl: process.env.DATABASE_URL,\n"),
        ],
        services: &["postgres postgres DB_NAME=inn"],
        env: &["DATABASE_URL=postgres://{postgres.user}@{postgres.host}:{postgres.port}/{DB_NAME}"],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "a URL that the main checkout leaves empty, beside parts that code reads",
        files: &[
            (".env.example", "DB_NAME=inn\n"),
            ("shop/settings.py", "A = os.environ.get('DATABASE_URL')\nB = os.environ['DB_NAME']\n"),
        ],
        services: &["postgres postgres DB_NAME=inn"],
        env: &["DATABASE_URL="],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "parts in a file that reads no URL are the application's own",
        files: &[
            (".env.example", "DATABASE_URL=postgres://user:user@localhost:5432/inn\n"),
            ("shop/settings.py", "NAME = os.environ.get('DB_NAME', 'inn')\n"),
        ],
        services: &["postgres postgres DB_NAME=inn"],
        env: &["DATABASE_URL=postgres://user:user@localhost:5432/{DB_NAME}"],
        hooks: &[],
        notes: &[],
    },
];
