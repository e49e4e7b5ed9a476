//! Shapes of projects × what `up` starts.

use super::*;

/// A shape, its files, and the processes in their order: `name: command`.
type Case = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

const DJANGO: (&str, &str) = ("manage.py", "DJANGO_SETTINGS_MODULE = 'shop.settings'");
const VITE: &str = r#"{ "scripts": { "dev": "vite" }, "devDependencies": { "vite": "7" } }"#;
const NEXT: &str = r#"{ "scripts": { "dev": "next dev" }, "dependencies": { "next": "15" } }"#;

const CASES: &[Case] = &[
    ("nothing known", &[], &[]),
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
            "web: uv run --project src python src/manage.py runserver $DJANGO_PORT",
            "worker: cd src && uv run celery -A shop worker",
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
    ("Vite alone", &[("package.json", VITE)], &["web: npm run dev -- --port $VITE_PORT"]),
    (
        "Next.js",
        &[
            (
                "package.json",
                r#"{ "scripts": { "start": "next start", "dev": "next dev" }, "dependencies": { "next": "15" } }"#,
            ),
            ("yarn.lock", ""),
        ],
        &["web: PORT=$PORT yarn run dev"],
    ),
    (
        "a server without a known framework",
        &[("package.json", r#"{ "scripts": { "start": "node ." } }"#), (".env", "API_PORT=4000\n")],
        &["web: PORT=$API_PORT npm run start"],
    ),
    (
        "packages without a server, and scripts that run the others",
        &[
            ("package.json", r#"{ "scripts": { "dev": "turbo dev" } }"#),
            (
                "apps/mobile/package.json",
                r#"{ "scripts": { "start": "expo start" }, "dependencies": { "expo": "54" } }"#,
            ),
            (
                "apps/site/package.json",
                r#"{ "scripts": { "dev": "wrapped site next dev" }, "dependencies": { "next": "15" } }"#,
            ),
            ("packages/db/package.json", r#"{ "scripts": { "dev": "prisma migrate dev" } }"#),
            ("apps/jobs/package.json", r#"{ "scripts": { "dev": "tsx watch jobs.ts" } }"#),
        ],
        &["web: cd apps/site && PORT=$PORT npm run dev", "jobs: cd apps/jobs && npm run dev"],
    ),
    (
        "Laravel's Vite",
        &[("composer.json", "{}"), ("package.json", VITE)],
        &["web: npm run dev -- --port $VITE_PORT"],
    ),
    (
        "a script that builds and a package that is started by another one",
        &[
            (
                "package.json",
                r#"{ "scripts": { "dev": "npm run texts && turbo run dev --filter=@inn/site" }, "devDependencies": { "vite": "7" } }"#,
            ),
            (
                "apps/site/package.json",
                r#"{ "name": "@inn/site", "scripts": { "dev": "npm run with:env -- react-router dev", "with:env": "dotenv -e ../../.env --" }, "devDependencies": { "vite": "7" } }"#,
            ),
            (
                "apps/site/vite.config.ts",
                "export default { server: {\n  port: parseInt(process.env.SITE_PORT || '4100', 10) } }",
            ),
            (
                "apps/api/package.json",
                r#"{ "name": "api", "scripts": { "dev": "next dev -p 3003" }, "dependencies": { "next": "15" } }"#,
            ),
            (
                "packages/db/package.json",
                r#"{ "scripts": { "dev": "vite build --watch" }, "devDependencies": { "vite": "7" } }"#,
            ),
        ],
        &["web: npm run dev"],
    ),
    (
        "ports that scripts and settings name",
        &[
            (
                "apps/site/package.json",
                r#"{ "scripts": { "dev": "next dev -p 3100 --turbo" }, "dependencies": { "next": "15" } }"#,
            ),
            (
                "apps/admin/package.json",
                r#"{ "scripts": { "dev": "tsc && vite --host" }, "dependencies": { "vite": "7" } }"#,
            ),
            ("apps/admin/vite.config.ts", "export default { server: { port: 3200 } }"),
            ("pnpm-lock.yaml", ""),
        ],
        &[
            "web: cd apps/site && pnpm run dev -p $PORT",
            "admin: cd apps/admin && pnpm run dev --port $VITE_PORT",
        ],
    ),
    (
        "scripts at the top that start the packages, in a workspace of yarn",
        &[
            (
                "package.json",
                r#"{ "scripts": { "web:build": "yarn workspace web build", "web:dev": "dotenv -- yarn workspace @inn/web dev", "jobs:dev": "dotenv -- yarn workspace @inn/jobs dev", "all": "concurrently \"yarn web:dev\" \"yarn jobs:dev\"" } }"#,
            ),
            ("yarn.lock", ""),
            (
                "apps/web/package.json",
                r#"{ "name": "@inn/web", "scripts": { "dev": "next dev" }, "dependencies": { "next": "15" } }"#,
            ),
            (
                "apps/jobs/package.json",
                r#"{ "name": "@inn/jobs", "scripts": { "dev": "tsx watch index.ts" } }"#,
            ),
        ],
        &["web: PORT=$PORT yarn run web:dev", "jobs: yarn run jobs:dev"],
    ),
    (
        "a window of its own is no server, and the server in another language is named",
        &[
            (
                "desktop/package.json",
                r#"{ "scripts": { "start": "electron ." }, "dependencies": { "express": "5" } }"#,
            ),
            ("frontend/package.json", VITE),
            ("go.mod", "module inn"),
        ],
        &["web: cd frontend && npm run dev -- --port $VITE_PORT"],
    ),
    (
        "a server of the project's own, which a script starts beside others, and not as in production",
        &[
            ("Procfile", "web: yarn start --services=web\n"),
            (
                "package.json",
                r#"{ "scripts": { "start": "node b.js", "dev": "yarn concurrently -n a \"node --inspect b.js\"", "x": "vite" }, "dependencies": { "koa": "3", "vite": "7" } }"#,
            ),
            ("yarn.lock", ""),
        ],
        &["web: PORT=$PORT yarn run dev"],
    ),
    (
        "a watcher beside the server",
        &[(
            "package.json",
            r#"{ "scripts": { "dev": "concurrently -n a,b \"tsc -w\" \"vite --open\"" }, "devDependencies": { "vite": "7" } }"#,
        )],
        &["web: npm run dev"],
    ),
    (
        "a package without such a script",
        &[("package.json", r#"{ "scripts": { "test": "x" } }"#)],
        &[],
    ),
    (
        "a compose file that runs the application",
        &[DJANGO, ("compose.yml", "services: { web: { build: . } }")],
        &[],
    ),
];

#[test]
fn shapes_are_started_with_the_variables_of_the_environment() {
    for (shape, files, expected) in CASES.iter().copied() {
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

#[test]
fn a_migration_that_needs_settings_is_the_packages_own_script() {
    let migrations = |scripts: &str| {
        let needs = r#""dependencies": { "pg": "8", "typeorm": "0.3" }"#;
        let package = format!("{{ \"scripts\": {{ {scripts} }}, {needs} }}");
        let env = ("api/.env", "DATABASE_NAME=inn\n");
        let files = [("api/package.json", package.as_str()), ("api/yarn.lock", ""), env];
        config(&files).hooks.post_add[1..].join("; ")
    };
    let own = r#""migration:run": "npm run typeorm -- -d source.ts migration:run""#;
    assert_eq!(migrations(own), "cd api && yarn run migration:run");
    assert_eq!(migrations(""), "cd api && npx typeorm migration:run");
}

#[test]
fn scripts_that_call_each_other_very_often_are_not_followed_for_ever() {
    let many = |name: &str| [name; 60].join(" ");
    let scripts: Vec<String> = ["dev", "a", "b", "c", "d"]
        .windows(2)
        .map(|pair| format!("\"{}\": \"run-p {}\"", pair[0], many(pair[1])))
        .collect();
    let package = format!("{{ \"scripts\": {{ {} }} }}", scripts.join(", "));
    assert_eq!(detect(&seen(&[("package.json", &package)])).ports.len(), 1);
}
