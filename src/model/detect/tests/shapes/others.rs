//! Servers of kinds that environments have no part of.

use super::*;

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        name: "servers of other kinds, with a variable and without",
        files: &[
            (
                ".env.example",
                "AMQP_URL=amqp://guest:guest@localhost:5672\nCELERY_BROKER_URL=amqp://guest:guest@localhost:5672//\nMONGO_URL=mongodb://me:secret@localhost:27017/inn\nSEARCH_URL=http://localhost:9200\nMEILI_HOST=http://localhost:7700\nCACHE_SERVERS=localhost:11211\nLISTEN=localhost:8080\nMAIL_URL=smtp://localhost:1025\nAUDIT_URL=nats://nats.example.com:4222\nCALLBACK=inn://done\n",
            ),
            (
                "docker-compose.yml",
                "services:\n  rabbit: { image: 'rabbitmq:3', ports: ['5672:5672'] }\n  search: { image: 'elasticsearch:8', ports: ['9200:9200'] }\n  cache: { image: memcached, ports: ['11211:11211'] }\n  files: { image: minio/minio, volumes: ['files:/data'] }\n  fill: { image: minio/mc, volumes: ['files:/data'], restart: 'no' }\n  model: { image: vllm, ports: ['8000:8000'], profiles: [ai] }\n  own: { image: busybox, volumes: ['blobs:/data'] }\n  blobs: { image: rustfs, volumes: ['blobs:/data'], ports: ['9000:9000'], depends_on: { own: { condition: service_completed_successfully } } }\n  db: { image: 'postgres:16' }\n  inn: { image: inn, ports: ['80:80'], depends_on: [db] }\n",
            ),
        ],
        services: &["postgres postgres POSTGRES_DB=postgres"],
        env: &[],
        hooks: &[],
        notes: &[
            "docker-compose.yml: rabbit (AMQP_URL, CELERY_BROKER_URL): all environments use the same one: ",
            "docker-compose.yml: search (SEARCH_URL): all",
            "docker-compose.yml: cache (CACHE_SERVERS): all",
            "docker-compose.yml: files: all",
            "docker-compose.yml: blobs: all",
            "docker-compose.yml: db publishes no port",
            "postgres: no file names a variable",
            "MONGO_URL of .env.example: all environments use the same server at mongodb://localhost:27017: ",
            "MEILI_HOST of .env.example: all environments use the same server at http://localhost:7700",
        ],
    },
    Shape {
        name: "nest: pages of another repository, and settings for a database of another kind beside those for this one",
        files: &[
            (
                "package.json",
                "{ \"dependencies\": { \"@nestjs/core\": \"11\", \"typeorm\": \"0.3\", \"pg\": \"8\" } }",
            ),
            (
                "env-example-document",
                "APP_PORT=3001\nFRONTEND_DOMAIN=http://localhost:3000\nDATABASE_TYPE=mongodb\nDATABASE_PORT=27017\nDATABASE_NAME=inn\nDATABASE_URL=mongodb://mongo:27017\n",
            ),
            (
                "env-example-relational",
                "APP_PORT=3001\nFRONTEND_DOMAIN=http://localhost:3000\nDATABASE_TYPE=postgres\nDATABASE_HOST=db\nDATABASE_PORT=5432\nDATABASE_NAME=inn\nDATABASE_URL=\n",
            ),
            (
                "docker-compose.yaml",
                "services:\n  db: { image: 'postgres:17', ports: ['${DATABASE_PORT}:5432'], environment: { POSTGRES_DB: '${DATABASE_NAME}' } }\n",
            ),
        ],
        services: &["postgres postgres DATABASE_NAME=inn"],
        env: &[
            "DATABASE_TYPE=postgres",
            "DATABASE_HOST={postgres.host}",
            "DATABASE_PORT={postgres.port}",
            "FRONTEND_DOMAIN=",
        ],
        hooks: &["npx typeorm migration:run"],
        notes: &[],
    },
    Shape {
        name: "go-clean-template: a Makefile that takes the database from a file of the main checkout's",
        files: &[
            ("go.mod", "module inn\n"),
            (
                "Makefile",
                "ifneq ($(wildcard .env),)\ninclude .env\nelse\ninclude .env.example\nendif\nexport\ntest:\n\tgo test ./...\n",
            ),
            (
                ".env.example",
                "LOG=1\nHTTP_PORT=8080\nPG_URL=postgres://inn:inn@localhost:5432/inn\n",
            ),
        ],
        services: &["postgres postgres POSTGRES_DB=inn"],
        env: &["PG_URL=postgres://inn:inn@localhost:5432/{POSTGRES_DB}"],
        hooks: &[],
        notes: &["Makefile:4 includes .env.example, so make takes HTTP_PORT and others from there"],
    },
    Shape {
        name: "a Makefile that sets the variable, which a process is not called against",
        files: &[
            ("Makefile", "LOG := 1\nexport PG_URL := $(BASE)/inn\nreset:\n\tbin/reset\n"),
            (".env.example", "PG_URL=postgres://inn:inn@localhost:5432/inn\n"),
        ],
        services: &["postgres postgres POSTGRES_DB=inn"],
        env: &["PG_URL=postgres://inn:inn@localhost:5432/{POSTGRES_DB}"],
        hooks: &[],
        notes: &[
            "Makefile:2 sets PG_URL, so make takes it from there and not from the environment",
        ],
    },
    Shape {
        name: "taiga: settings that name a broker themselves",
        files: &[
            ("manage.py", "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings.common')"),
            (
                "settings/common.py",
                "CELERY_BROKER_URL = 'amqp://guest:guest@localhost:5672//'\nEVENTS = env('EVENTS_URL', default='amqp://guest:guest@localhost:5672/events')\n",
            ),
        ],
        services: &[],
        env: &[],
        hooks: &["python manage.py migrate"],
        notes: &[
            "settings/common.py:1 names a server at amqp://localhost:5672 itself, so all environments share it",
            "EVENTS_URL of settings/common.py: all environments use the same server at amqp://localhost:5672",
        ],
    },
    Shape {
        name: "bakerydemo: code adds the index to the variable, and the other branch has a name for SQLite",
        files: &[
            ("manage.py", "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'inn.settings.base')"),
            (
                "inn/settings/base.py",
                "if \"DATABASE_URL\" in os.environ:\n    DATABASES = {\"default\": dj_database_url.config()}\nelse:\n    DATABASES = {\"default\": {\"ENGINE\": \"django.db.backends.sqlite3\", \"NAME\": os.environ.get(\"DATABASE_NAME\", \"inndb\")}}\nREDIS_URL = os.environ.get(\"REDIS_URL\")\nCACHES = {\n    \"default\": {\"LOCATION\": REDIS_URL + \"/0\"},\n    \"pages\": {\"LOCATION\": f\"{REDIS_URL}/1\"},\n}\n",
            ),
            (
                ".env",
                "DATABASE_URL=postgres://postgres@localhost/inn\nREDIS_URL=redis://localhost:6379\n",
            ),
        ],
        services: &[
            "postgres postgres POSTGRES_DB=inn",
            "redis redis REDIS_DB=0",
            "redis_2 redis REDIS_DB_2=1",
        ],
        env: &[
            "DATABASE_URL=postgres://postgres@localhost/{POSTGRES_DB}",
            "REDIS_URL=",
            "DATABASE_NAME=",
        ],
        hooks: &["python manage.py migrate"],
        notes: &[
            ".env is ignored by git",
            "inn/settings/base.py:7 adds `/0` to REDIS_URL",
            "inn/settings/base.py:8 adds `/1` to REDIS_URL",
        ],
    },
    Shape {
        name: "feedbin: code that defaults to one; the application's own addresses and image are none",
        files: &[
            (
                ".env.example",
                "APP_URL=http://localhost:4000\nSTORE_CORS=http://localhost:4001,https://inn.example\nADMIN_URL=http://localhost:4002\nWEB_URL=http://localhost:4004\nKEYCLOAK_CLIENT_URL=http://localhost:4005\n",
            ),
            (
                "config/initializers/search.rb",
                "url = ENV.fetch(\"ELASTICSEARCH_URL\", \"http://localhost:9200\")\nui = ENV.fetch(\"ADMIN_UI_URL\", \"http://localhost:4003\")\nREDIS = ENV[\"REDIS_URL\"]\n",
            ),
            (
                "docker/compose.yml",
                "services:\n  job: { image: 'inn/shop-job:latest', ports: ['9000:9000'] }\n  web: { image: 'ghcr.io/shop/shop', volumes: ['data:/data'] }\n  hub: { image: 'ghcr.io/shop/hub', volumes: ['hub:/data'] }\n",
            ),
        ],
        services: &[],
        env: &[],
        hooks: &[],
        notes: &[
            "docker/compose.yml: hub: all environments use the same one",
            "ADMIN_URL of .env.example: all environments use the same server at http://localhost:4002",
            "KEYCLOAK_CLIENT_URL of .env.example: all environments use the same server at http://localhost:4005",
            "ELASTICSEARCH_URL of config/initializers/search.rb: all environments use the same server at http://localhost:9200",
        ],
    },
    Shape {
        name: "servers for development that send requests on",
        files: &[
            ("web/package.json", r#"{ "devDependencies": { "vite": "7" } }"#),
            (
                "web/vite.config.mts",
                "let to = \"http://localhost:8081\";\nif (process.env.DEV_PROXY) to = process.env.DEV_PROXY;\nexport default {\n  server: { port: 3001, proxy: { \"/api\": to, \"/x\": \"http://localhost:8081\" },\n    origin: \"http://localhost:3001\" } }\n",
            ),
            (
                "ui/package.json",
                "{\n  \"proxy\": \"http://localhost:4000\",\n  \"homepage\": \"http://localhost:1\"\n}",
            ),
            (
                "pages/src/environments/environment.ts",
                "export const environment = {\n  api: 'http://localhost:8000/api/',\n  own: 'http://localhost:4200',\n}\n",
            ),
            (
                "pages/package.json",
                r#"{ "scripts": { "start": "ng serve" }, "dependencies": { "@angular/core": "17" } }"#,
            ),
            ("pages/src/environments/environment.prod.ts", "api: 'http://localhost:8001/api/'\n"),
            ("ui/proxy.conf.json", "{ \"/api\": { \"target\": \"http://0.0.0.0:3333\" } }"),
            (
                "site/nuxt.config.js",
                "proxy: {\n  a: process.env.API_URL || \"http://localhost:9000\",\n  b: process.env.WEB_URL || \"http://localhost:9100\" }\n",
            ),
            (".env.example", "API_PORT=9000\n"),
        ],
        services: &[],
        env: &["API_URL=http://localhost:{API_PORT}"],
        hooks: &[],
        notes: &[
            "web/vite.config.mts:1 sends requests to http://localhost:8081 in every environment: set DEV_PROXY",
            "ui/package.json:2 sends requests to http://localhost:4000 in every environment: read it from",
            "pages/src/environments/environment.ts:2 sends requests to http://localhost:8000 in every environment: write a path",
            "ui/proxy.conf.json:1 sends requests to http://0.0.0.0:3333 in every",
            "site/nuxt.config.js:3 sends requests to http://localhost:9100 in every environment: set WEB_URL",
        ],
    },
    Shape {
        name: "in JavaScript and Ruby",
        files: &[
            (
                ".env.example",
                "REDIS_URL=redis://localhost:6379\nQUEUE_REDIS_URL=redis://localhost:6379/4\n",
            ),
            (
                "src/queue.ts",
                "new Redis(`${process.env.REDIS_URL}/3`)\nnew Redis(process.env.QUEUE_REDIS_URL)\n",
            ),
        ],
        services: &[
            "redis redis REDIS_DB=0",
            "queue redis QUEUE_DB=4",
            "redis_2 redis REDIS_DB_2=3",
        ],
        env: &["REDIS_URL=", "QUEUE_REDIS_URL=redis://localhost:{queue.port}/{QUEUE_DB}"],
        hooks: &[],
        notes: &["src/queue.ts:1 adds `/3` to REDIS_URL"],
    },
];

#[test]
fn a_worker_takes_no_tasks_of_the_main_checkout() {
    let of = |broker: &str| {
        let settings = format!("CELERY_BROKER_URL = {broker}\n");
        let project = detect(&seen(&[
            MANAGE,
            ("docker/celery.py", "from .settings import Settings"),
            ("shop/celery.py", "app = Celery('shop')"),
            ("shop/settings.py", &settings),
            ("requirements.txt", "redis"),
        ]));
        let workers = project.processes.iter().filter(|(name, _)| name == "worker");
        assert!(workers.into_iter().all(|(_, run)| run.contains("-A shop ")));
        let held = project.notes.iter().filter(|note| note.contains("main checkout's tasks"));
        (project.processes.len(), held.count())
    };
    assert_eq!(of("env('CELERY_BROKER_URL', default='redis://localhost:6379/1')"), (2, 0));
    assert_eq!(of("env('CELERY_BROKER_URL', default='amqp://localhost:5672//')"), (1, 1));
    assert_eq!(of("'amqp://localhost:5672//'"), (1, 1));
    assert_eq!(of("env('REDIS_URL') + '/1'"), (1, 1));
    assert_eq!(of("'redis://localhost:6379/1'"), (1, 1));
    assert_eq!(of("f'redis://:pw@cache:6379/1'"), (1, 1));
    assert_eq!(of("Settings.broker()"), (1, 1), "nothing leads to the index");
    let cache = "env('BROKER_URL', default='redis://h/1')\nCACHE_URL = 'redis://h/2'";
    assert_eq!(of(cache), (2, 0), "the broker is another one");
}
