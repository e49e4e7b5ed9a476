//! Shapes of projects × what `up` starts.

mod frameworks;
mod packages;
mod tasks;

use super::*;

/// A shape, its files, and the processes in their order: `name: command`.
type Case = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

pub(super) const DJANGO: (&str, &str) = ("manage.py", "DJANGO_SETTINGS_MODULE = 'shop.settings'");
const VITE: &str = r#"{ "scripts": { "dev": "vite" }, "devDependencies": { "vite": "7" } }"#;
pub(super) const NEXT: &str =
    r#"{ "scripts": { "dev": "next dev" }, "dependencies": { "next": "15" } }"#;

const CASES: &[Case] = &[
    ("nothing known", &[], &[]),
    (
        "Laravel's own server, and Vite beside it",
        &[
            ("composer.json", "{ \"require\": { \"laravel/framework\": \"12\" } }"),
            ("artisan", "#!/usr/bin/env php\n"),
            ("package.json", VITE),
        ],
        &[
            "web: php artisan serve --port=$SERVER_PORT",
            "frontend: npm run dev -- --port $VITE_PORT",
        ],
    ),
    (
        "Symfony's pages by PHP's own server",
        &[
            ("composer.json", "{ \"require\": { \"symfony/framework-bundle\": \"7\" } }"),
            ("public/index.php", ""),
        ],
        &["web: php -S 127.0.0.1:$SERVER_PORT -t public"],
    ),
    (
        "Rails without a Procfile",
        &[("Gemfile", "gem 'rails'\n"), ("bin/rails", "")],
        &["web: bin/rails server -p $PORT"],
    ),
    (
        "Phoenix whose settings read the port",
        &[
            ("mix.exs", "{:phoenix, \"1.8\"}"),
            (
                "config/runtime.exs",
                "http: [port: String.to_integer(System.get_env(\"PORT\", \"4000\"))]\n",
            ),
        ],
        &["web: mix phx.server"],
    ),
    (
        "Spring Boot in a module with settings, by the wrapper at the top",
        &[
            ("mvnw", ""),
            ("pom.xml", "<parent>spring-boot-starter-parent</parent>"),
            ("server/pom.xml", "spring-boot-maven-plugin"),
            ("server/src/main/resources/config/application.yml", "server: { port: 8090 }\n"),
            ("client/package.json", r#"{ "scripts": { "start": "inn" } }"#),
        ],
        &["web: ./mvnw -f server spring-boot:run"],
    ),
    (
        "a directory whose name is no word of a shell, and the wrapper at the top",
        &[
            ("gradlew", ""),
            ("my $(app)/build.gradle", "org.springframework.boot"),
            ("my $(app)/src/main/resources/application.yml", ""),
        ],
        &["web: ./gradlew -p 'my $(app)' bootRun"],
    ),
    (
        "a directory whose name is no word of a shell, and Rails",
        &[("my;app/Gemfile", "gem 'rails'\n"), ("my;app/bin/rails", "")],
        &["web: cd 'my;app' && bin/rails server -p $PORT"],
    ),
    (
        "several applications of Spring Boot",
        &[
            ("a/build.gradle", "org.springframework.boot"),
            ("a/src/main/resources/application.yml", ""),
            ("b/build.gradle", "org.springframework.boot"),
            ("b/src/main/resources/application.yml", ""),
        ],
        &[],
    ),
    (
        "a script that only tells what to do instead",
        &[(
            "package.json",
            r#"{ "scripts": { "dev": "node -e \"console.warn('use x dev')\"" }, "devDependencies": { "eslint": "9" } }"#,
        )],
        &[],
    ),
    (
        "a Procfile: $PORT is the first port, literal ports are variables, release runs once",
        &[
            DJANGO,
            (
                "Procfile",
                "release: python manage.py migrate\nweb: gunicorn -b :$PORT shop\nadmin: serve --port 8000 --limit 18000\nweb: other\n# x\n../x: y\n",
            ),
        ],
        &["web: gunicorn -b :$DJANGO_PORT shop", "admin: serve --port $DJANGO_PORT --limit 18000"],
    ),
    (
        "a Procfile for development, and a server that reads PORT",
        &[
            (".env", "WEB_PORT=4000\n"),
            ("Procfile", "web: puma\n"),
            ("Procfile.dev", "web: node server.js\ncss: npm run css\n"),
        ],
        &["web: PORT=$WEB_PORT node server.js", "css: npm run css"],
    ),
    (
        "a Procfile that gives a second program a port, and has none from its runner",
        &[
            ("Gemfile", "gem 'rails'\n"),
            ("Procfile.dev", "web: unset PORT; bin/puma\nstream: PORT=4000 yarn start\n"),
        ],
        &["web: PORT=$PORT bin/puma", "stream: PORT=$STREAM_PORT yarn start"],
    ),
    (
        "a script that takes its port from a variable of another name, beside code that does",
        &[
            (
                "backend/package.json",
                r#"{ "scripts": { "dev": "nest start" }, "dependencies": { "@nestjs/core": "11" } }"#,
            ),
            (
                "backend/src/env.ts",
                "const PORT = +process.env.LISTEN_PORT || 3000\nconst KAFKA = process.env.KAFKA_HOST\nconst at = process.env.KAFKA_PORT || 9092\n",
            ),
            (
                "site/package.json",
                r#"{ "scripts": { "dev": "cross-env PORT=${SITE_PORT:-3001} next dev" }, "dependencies": { "next": "15" } }"#,
            ),
        ],
        &["web: cd backend && npm run dev", "site: cd site && npm run dev"],
    ),
    ("Django", &[DJANGO], &["web: python manage.py runserver $DJANGO_PORT"]),
    (
        "Django in a directory, with uv and Celery",
        &[
            ("src/manage.py", "django"),
            ("src/shop/celery.py", "app = Celery('shop')"),
            ("src/uv.lock", ""),
        ],
        &[
            "web: cd src && uv run python manage.py runserver $DJANGO_PORT",
            "worker: cd src && uv run celery -A shop worker",
        ],
    ),
    (
        "Django with an application of Celery beside its settings",
        &[
            DJANGO,
            ("config/celery_configuration.py", "app = Celery('shop')"),
            ("celery.py", "app = Celery('shop')"),
        ],
        &[
            "web: python manage.py runserver $DJANGO_PORT",
            "worker: celery -A config.celery_configuration worker",
        ],
    ),
    (
        "Django with Celery, and Vite beside it",
        &[
            DJANGO,
            ("shop/celery.py", "app = Celery('shop')"),
            ("frontend/package.json", VITE),
            ("frontend/pnpm-lock.yaml", ""),
        ],
        &[
            "web: python manage.py runserver $DJANGO_PORT",
            "worker: celery -A shop worker",
            "frontend: cd frontend && pnpm run dev --port $VITE_PORT",
        ],
    ),
    (
        "Django, and a script that would take its port",
        &[DJANGO, ("ui/package.json", r#"{ "scripts": { "start": "ng serve" } }"#)],
        &["web: python manage.py runserver $DJANGO_PORT"],
    ),
    (
        "servers that have one variable by themselves get one each, and a library's example none",
        &[
            DJANGO,
            ("site/package.json", NEXT),
            ("apps/admin/package.json", NEXT),
            ("packages/book/package.json", NEXT),
            ("ui/package.json", VITE),
            ("apps/shop/package.json", VITE),
        ],
        &[
            "web: python manage.py runserver $DJANGO_PORT",
            "site: cd site && PORT=$PORT npm run dev",
            "admin: cd apps/admin && PORT=$ADMIN_PORT npm run dev",
            "ui: cd ui && npm run dev -- --port $VITE_PORT",
            "shop: cd apps/shop && npm run dev -- --port $SHOP_PORT",
        ],
    ),
    (
        "a Procfile of a deployment, and scripts that do not run what was built",
        &[
            ("Procfile", "web: ./target/release/server\n"),
            (
                "package.json",
                r#"{ "scripts": { "start": "node dist/main", "start:dev": "nest start --watch" }, "dependencies": { "@nestjs/core": "11" } }"#,
            ),
        ],
        &["web: PORT=$PORT npm run start:dev"],
    ),
    (
        "a Procfile that runs a file of the repository",
        &[
            ("Procfile", "web: KEY=$(mix a.b c) ./bin/serve\nx: FAST=1 ./bin/x\n"),
            ("bin/serve", ""),
        ],
        &["web: PORT=$PORT KEY=$(mix a.b c) ./bin/serve", "x: FAST=1 ./bin/x"],
    ),
    (
        "a compose file whose application starts on demand",
        &[
            ("compose.yml", "services: { web: { build: ., profiles: [all] } }"),
            ("package.json", NEXT),
        ],
        &["web: PORT=$PORT npm run dev"],
    ),
    (
        "a package without such a script",
        &[("package.json", r#"{ "scripts": { "test": "x" } }"#)],
        &[],
    ),
    (
        "a compose file that runs the application",
        &[DJANGO, ("compose.yml", "services: { web: { build: ., profiles: ['${NONE:-}'] } }")],
        &[],
    ),
];

#[test]
fn shapes_are_started_with_the_variables_of_the_environment() {
    for (shape, files, expected) in
        [CASES, packages::CASES, frameworks::CASES, tasks::CASES].into_iter().flatten().copied()
    {
        let found = config(files).processes;
        let found: Vec<String> =
            found.iter().map(|(name, process)| format!("{name}: {}", process.run)).collect();
        assert_eq!(found, expected, "{shape}");
    }
}

#[test]
fn an_application_that_nothing_is_known_to_start_is_named() {
    let missing = |files: &[(&str, &str)]| {
        let missing = detect(&seen(files)).missing.into_iter();
        missing.filter(|what| what.starts_with("what starts ")).collect::<Vec<_>>().join("; ")
    };
    let vite = ("package.json", VITE);
    for (files, manifest) in [
        (&[("mix.exs", "")][..], "mix.exs"),
        (&[("api/go.mod", "")], "api/go.mod"),
        (&[("composer.json", "{}"), vite], "composer.json"),
        (&[vite], ""),
        (&[DJANGO, ("Cargo.toml", "")], ""),
        (&[("go.mod", ""), ("Procfile", "web: go run .\n")], ""),
        (&[("go.mod", ""), ("main.go", "")], ""),
        (&[("api/go.mod", ""), ("api/main.go", ""), ("web/package.json", NEXT)], "api/go.mod"),
        (&[("pom.xml", ""), ("build.gradle", "")], "build.gradle"),
        (
            &[
                ("go.mod", ""),
                vite,
                ("desktop/package.json", r#"{ "scripts": { "start": "electron ." } }"#),
            ],
            "go.mod",
        ),
        (&[("pom.xml", ""), ("compose.yml", "services: { web: { build: . } }")], ""),
    ] {
        let expected = match manifest {
            "" => String::new(),
            manifest => format!(
                "what starts {manifest}: add it to `processes:`, and what migrates a database to `hooks:`"
            ),
        };
        assert_eq!(missing(files), expected);
    }
}

#[test]
fn a_script_that_lacks_a_port_is_named() {
    let ui = ("ui/package.json", r#"{ "scripts": { "start": "ng serve" } }"#);
    let project = detect(&seen(&[DJANGO, ui]));
    let words = "a port for `start` of ui/package.json: add one to `ports:`";
    assert!(project.missing.iter().any(|what| what.starts_with(words)), "{:?}", project.missing);
}
