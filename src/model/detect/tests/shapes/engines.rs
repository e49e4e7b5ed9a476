//! The kind of database before the names: `DB_NAME` is a database of the server that the project uses.

use super::Shape;

const COMES: &str = ".env is copied, and leads to the main checkout's servers";

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        name: "Laravel with MySQL on this machine, and Redis only named",
        files: &[
            (
                ".env",
                "DB_CONNECTION=mysql\nDB_HOST=127.0.0.1\nDB_PORT=3306\nDB_DATABASE=inn\nDB_USERNAME=root\nDB_PASSWORD=\n",
            ),
            ("composer.json", "{ \"require\": { \"laravel/framework\": \"12\" } }"),
        ],
        services: &["mysql mysql DB_DATABASE=inn"],
        env: &["DB_CONNECTION=mysql", "DB_HOST=127.0.0.1", "DB_PORT={mysql.port}", "DATABASE_URL="],
        hooks: &["composer install"],
        notes: &[COMES],
    },
    Shape {
        name: "Laravel with Postgres: the engine's variable is set, since .env stays behind",
        files: &[(
            ".env",
            "DB_CONNECTION=pgsql\nDB_HOST=127.0.0.1\nDB_DATABASE=inn\nDB_USERNAME=inn\n",
        )],
        services: &["postgres postgres DB_DATABASE=inn"],
        env: &["DB_CONNECTION=pgsql", "DB_USERNAME={postgres.user}"],
        hooks: &[],
        notes: &[COMES],
    },
    Shape {
        name: "Laravel keeps its cache in Redis: the indexes of its settings, which nothing uses otherwise",
        files: &[
            (
                ".env.example",
                "DB_CONNECTION=sqlite\nCACHE_STORE=redis\nREDIS_HOST=127.0.0.1\nREDIS_PORT=6379\n",
            ),
            ("composer.json", "{}"),
            (
                "config/database.php",
                "'default' => env('DB_CONNECTION', 'sqlite'),\n'database' => env('DB_DATABASE', 'laravel'),\n'database' => env('REDIS_DB', '0'),\n'database' => env('REDIS_CACHE_DB', '1'),\n",
            ),
        ],
        services: &["redis redis REDIS_DB=0", "redis_cache redis REDIS_CACHE_DB=1"],
        env: &["DB_DATABASE=", "REDIS_HOST={redis.host}"],
        hooks: &["composer install"],
        notes: &[],
    },
    Shape {
        name: "Laravel that could use Redis",
        files: &[
            (".env.example", "DB_CONNECTION=sqlite\nCACHE_STORE=database\nREDIS_HOST=127.0.0.1\n"),
            ("composer.json", "{}"),
            ("config/database.php", "'database' => env('REDIS_DB', '0'),\n"),
        ],
        services: &[],
        env: &["REDIS_HOST="],
        hooks: &["composer install"],
        notes: &[],
    },
    Shape {
        name: "the host of a server, and nothing that names a part of it",
        files: &[(".env.example", "REDIS_HOST=localhost\nDB_HOST=localhost\n")],
        services: &[],
        env: &[],
        hooks: &[],
        notes: &[
            "REDIS_HOST of .env.example leads to Redis",
            "DB_HOST of .env.example leads to Postgres",
        ],
    },
    Shape {
        name: "Rails with mysql2 in a container: the application's user has no rights on new databases",
        files: &[
            ("Gemfile", "gem \"rails\"\ngem \"mysql2\"\n# gem \"redis\"\n"),
            (
                "config/database.yml",
                "default: &default\n  adapter: mysql2\n  username: <%= ENV.fetch(\"DB_USER\") { \"inn\" } %>\ndevelopment:\n  <<: *default\n  database: <%= ENV.fetch(\"DB_NAME\") { \"inn_development\" } %>\n",
            ),
            (
                "infra.yml",
                "services: { db: { image: 'mysql:8', ports: ['3307:3306'], environment: { MYSQL_DATABASE: inn } } }",
            ),
        ],
        services: &["mysql mysql DB_NAME=inn_development"],
        env: &["DATABASE_URL="],
        hooks: &["bundle install", "bin/rails db:prepare"],
        notes: &["`inn` has no rights on new databases: as root, once: GRANT ALL ON `inn\\_%`.*"],
    },
    Shape {
        name: "a URL of MySQL is never replaced, whatever packages there are",
        files: &[
            (".env.example", "DATABASE_URL=mysql://root:root@localhost:3306/inn\n"),
            ("package.json", r#"{ "dependencies": { "next": "15", "pg": "8" } }"#),
        ],
        services: &["mysql mysql MYSQL_DATABASE=inn"],
        env: &["DATABASE_URL=mysql://root:root@localhost:3306/{MYSQL_DATABASE}"],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "Django on an SQLite file, with a driver for Postgres",
        files: &[
            super::MANAGE,
            ("requirements.txt", "Django\npsycopg2\n"),
            (
                "shop/settings.py",
                "DATABASES = {'default': dj_database_url.config(default='sqlite:///db.sqlite3')}\n",
            ),
        ],
        services: &[],
        env: &["DATABASE_URL="],
        hooks: &[super::projects::VENV, "PATH=\"$PWD/.venv/bin:$PATH\" python manage.py migrate"],
        notes: &[],
    },
    Shape {
        name: "Django with MySQL: the engine of the settings decides",
        files: &[
            super::MANAGE,
            (
                "shop/settings.py",
                "DATABASES = {'default': {'ENGINE': 'django.db.backends.mysql', 'NAME': os.environ.get('DB_NAME', 'inn'), 'HOST': os.environ.get('DB_HOST', '127.0.0.1')}}\n",
            ),
        ],
        services: &["mysql mysql DB_NAME=inn"],
        env: &["DB_HOST=127.0.0.1"],
        hooks: &["python manage.py migrate"],
        notes: &[],
    },
    Shape {
        name: "MySQL in the stack of the application stays in it",
        files: &[(
            "compose.yml",
            "services:\n  web: { build: ., ports: ['8080:80'], environment: { DB_HOST: db, DB_NAME: inn } }\n  db: { image: 'mariadb:11', ports: ['3306:3306'] }\n",
        )],
        services: &[],
        env: &["DB_HOST=", "DB_NAME="],
        hooks: &[],
        notes: &["compose.yml: db: MySQL stays in the containers of each environment"],
    },
    Shape {
        name: "a Spring application in containers has a URL of JDBC",
        files: &[(
            "compose.yml",
            "services:\n  web: { build: ., environment: { SPRING_DATASOURCE_URL: 'jdbc:postgresql://db:5432/inn' } }\n  db: { image: 'postgres:16', ports: ['5432:5432'], environment: { POSTGRES_USER: inn } }\n",
        )],
        services: &["postgres postgres POSTGRES_DB=inn"],
        env: &[
            "SPRING_DATASOURCE_URL=jdbc:postgresql://{postgres.host}:{postgres.port}/{POSTGRES_DB}",
        ],
        hooks: &[],
        notes: &["db must run before `git agentenv add`"],
    },
    Shape {
        name: "Rails with SQLite by an example of its settings",
        files: &[
            ("Gemfile", "gem 'rails'\ngem 'sqlite3'\n"),
            (
                "config/database.yml.sample",
                "development:\n  adapter: sqlite3\n  database: db/inn.sqlite3\n",
            ),
        ],
        services: &[],
        env: &[],
        hooks: &["bundle install", "bin/rails db:prepare"],
        notes: &[],
    },
    Shape {
        name: "Spring Boot with a database in its memory beside drivers for others",
        files: &[
            (
                "build.gradle",
                "id 'org.springframework.boot'\nruntimeOnly 'com.h2database:h2'\nruntimeOnly 'com.mysql:mysql-connector-j'\nruntimeOnly 'org.postgresql:postgresql'\n",
            ),
            (
                "compose.yml",
                "services:\n  mysql:\n    image: mysql:9\n    ports: ['3306:3306']\n  postgres:\n    image: postgres:18\n    ports: ['5432:5432']\n",
            ),
        ],
        services: &[],
        env: &[],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "Spring Boot with H2, and settings that name a server by variables of their own",
        files: &[
            (
                "build.gradle",
                "id 'org.springframework.boot'\nruntimeOnly 'com.h2database:h2'\nruntimeOnly 'org.postgresql:postgresql'\n",
            ),
            (
                "src/main/resources/application.yml",
                "spring:\n  datasource:\n    url: jdbc:postgresql://${DB_HOST:localhost}:5432/${DB_NAME:inn}\n",
            ),
        ],
        services: &["postgres postgres DB_NAME=inn"],
        env: &["DB_HOST={postgres.host}"],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "Spring Boot with H2, and code that names a server",
        files: &[
            (
                "pom.xml",
                "<groupId>org.springframework.boot</groupId><dependency><groupId>org.postgresql</groupId></dependency><dependency><groupId>com.h2database</groupId><scope>runtime</scope></dependency>",
            ),
            (
                "src/main/java/Inn.java",
                "connect(\"jdbc:postgresql://\" + System.getenv(\"DB_HOST\") + \"/\" + System.getenv(\"DB_NAME\"));\n",
            ),
            (
                "compose.yml",
                "services: { db: { image: 'postgres:16', ports: ['5432:5432'], environment: { POSTGRES_DB: inn } } }",
            ),
        ],
        services: &["postgres postgres DB_NAME=inn"],
        env: &["DB_HOST={postgres.host}"],
        hooks: &[],
        notes: &[],
    },
    Shape {
        name: "Spring Boot with H2, and a variable that names a server",
        files: &[
            (
                "build.gradle",
                "id 'org.springframework.boot'\nruntimeOnly 'com.h2database:h2'\nruntimeOnly 'org.postgresql:postgresql'\n",
            ),
            (".env.example", "DB_HOST=localhost\nDB_NAME=inn\n"),
        ],
        services: &["postgres postgres DB_NAME=inn"],
        env: &["DB_HOST={postgres.host}"],
        hooks: &[],
        notes: &[],
    },
];
