//! Shapes of projects × what `up` starts.

use super::*;

/// A shape, its files, and the processes in their order: `name: command`.
type Case = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

const DJANGO: (&str, &str) = ("manage.py", "DJANGO_SETTINGS_MODULE = 'shop.settings'");
const VITE: &str = r#"{ "scripts": { "dev": "vite" }, "devDependencies": { "vite": "7" } }"#;

const CASES: [Case; 14] = [
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
            ("shop/celery.py", ""),
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
                r#"{ "scripts": { "dev": "next dev" }, "dependencies": { "next": "15" } }"#,
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
    for (shape, files, expected) in CASES {
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
        (&[("pom.xml", ""), ("compose.yml", "services: { web: { build: . } }")], ""),
    ] {
        let expected = match manifest {
            "" => String::new(),
            manifest => format!(
                "what starts {manifest}: add it to `processes:`, and what installs its packages to `hooks:`"
            ),
        };
        assert_eq!(missing(files), expected);
    }
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
