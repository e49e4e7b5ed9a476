//! Servers whose images say nothing, and addresses in other forms than a URL.

use super::Shape;

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        name: "lemmy: Postgres in an image of another name",
        files: &[(
            "compose.yml",
            "services:\n  web: { build: ., environment: { DATABASE_URL: 'postgres://inn:inn@store:5432/inn' } }\n  store: { image: 'upgrade/server:18', command: 'postgres -c x=y', ports: ['5433:5432'], environment: { POSTGRES_USER: inn, POSTGRES_PASSWORD: inn } }\n  pgadmin: { image: 'dpage/pgadmin4', ports: ['5050:80'], environment: { POSTGRES_PASSWORD: inn } }\n",
        )],
        services: &["postgres postgres POSTGRES_DB=inn"],
        env: &["DATABASE_URL=postgres://inn:inn@{postgres.host}:{postgres.port}/{POSTGRES_DB}"],
        hooks: &[],
        notes: &["store must run before `git agentenv add`"],
    },
    Shape {
        name: "papercups: Ecto's URL, and an image that gives its database the usual name",
        files: &[(
            "docker-compose.yml",
            "services:\n  web: { image: inn, environment: { DATABASE_URL: 'ecto://postgres:postgres@db/postgres' }, depends_on: [db], ports: ['4000:4000'] }\n  db: { image: 'postgres:alpine', ports: ['5432:5432'], environment: { POSTGRES_PASSWORD: postgres } }\n",
        )],
        services: &["postgres postgres POSTGRES_DB=postgres"],
        env: &[
            "DATABASE_URL=ecto://postgres:postgres@{postgres.host}:{postgres.port}/{POSTGRES_DB}",
        ],
        hooks: &[],
        notes: &["db must run before `git agentenv add`"],
    },
    Shape {
        name: "miniflux: libpq's words become the URL that they stand for",
        files: &[(
            ".env.example",
            "DATABASE_URL=\"user=me password=me host=localhost dbname=inn sslmode=disable\"\n",
        )],
        services: &["postgres postgres POSTGRES_DB=inn"],
        env: &["DATABASE_URL=postgres://me:me@localhost/{POSTGRES_DB}?sslmode=disable"],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "libpq's words without a host",
        files: &[("database.go", "db := open(\"user=me dbname=inn sslmode=disable\")\n")],
        services: &[],
        env: &[],
        hooks: &[],
        notes: &["database.go:1 names database `inn` itself"],
    },
    Shape {
        name: "eShop: connection strings, and as many notes as there are databases",
        files: &[
            ("a/a.json", "\"A\": \"Host=localhost;Database=ADB;Username=me\"\n"),
            ("b/b.json", "\"B\": \"Host=localhost;Database=BDB;Username=me\"\n"),
            ("c/c.json", "\"A\": \"Host=localhost;Database=ADB;Username=me\"\n"),
            ("d/d.json", "\"A\": \"Host=localhost;Database=ADB;Username=me\"\n"),
            ("e/e.json", "\"A\": \"Host=localhost;Database=ADB;Username=me\"\n"),
            ("f/f.json", "\"A\": \"Host=localhost;Database=FDB;Username=me\"\n"),
            ("g/g.json", "\"A\": \"Host=localhost;Database=GDB;Username=me\"\n"),
            ("h/h.json", "\"A\": \"Host=localhost;Database=HDB;Username=me\"\n"),
            ("i/i.json", "\"A\": \"Host=localhost;Database=IDB;Username=me\"\n"),
            ("j/j.json", "\"A\": \"Host=localhost;Database=JDB;Username=me\"\n"),
            ("k/k.json", "\"A\": \"Host=localhost;Database=KDB;Username=me\"\n"),
            ("l/l.json", "\"A\": \"Host=localhost;Database=LDB;Username=me\"\n"),
        ],
        services: &[],
        env: &[],
        hooks: &[],
        notes: &[
            "a/a.json:1, c/c.json:1 and 2 more places name database `ADB` themselves, so all environments share it",
            "b/b.json:1 names database `BDB` itself, so all environments share it",
            "`FDB`",
            "`GDB`",
            "`HDB`",
            "`IDB`",
            "`JDB`",
            "`KDB`",
            "`LDB`",
        ],
    },
    Shape {
        name: "connection strings keep their words, but for those of the server of `infra up`",
        files: &[(
            ".env.example",
            "A_URL=\"Host=localhost;Database=inn;Username=me;Pooling=true\"\nB_URL=\"Server=127.0.0.1;Port=3307;Database=cellar;User Id=root;Uid=root;Pwd=root\"\n",
        )],
        services: &["postgres postgres POSTGRES_DB=inn", "mysql mysql MYSQL_DATABASE=cellar"],
        env: &[
            "A_URL=Host=localhost;Database={POSTGRES_DB};Username=me;Pooling=true;Port={postgres.port}",
            "B_URL=Server=127.0.0.1;Port={mysql.port};Database={MYSQL_DATABASE};User Id=root;Uid=root;Pwd=root",
        ],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "a URL with several words behind it",
        files: &[(
            ".env.dist",
            "DATABASE_URL=mysql://me:me@127.0.0.1:3306/inn?charset=utf8mb4&serverVersion=8.0\n",
        )],
        services: &["mysql mysql MYSQL_DATABASE=inn"],
        env: &[
            "DATABASE_URL=mysql://me:me@127.0.0.1:3306/{MYSQL_DATABASE}?charset=utf8mb4&serverVersion=8.0",
        ],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "what containers get stands behind what the application on this machine reads",
        files: &[
            (".env", "DATABASE_URL=postgresql://inn@localhost:5432/inn\n"),
            (".env.docker", "DATABASE_URL=postgresql://inn@db:5432/inn_docker\n"),
        ],
        services: &["postgres postgres POSTGRES_DB=inn"],
        env: &["DATABASE_URL=postgresql://inn@localhost:5432/{POSTGRES_DB}"],
        hooks: &[],
        notes: &[".env is copied, and leads to the main checkout's servers"],
    },
];
