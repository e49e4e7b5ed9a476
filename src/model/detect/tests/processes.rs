//! Shapes of projects × what `up` starts.

use super::*;

/// A shape, its files, and the processes in their order: `name: command`.
type Case = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

const DJANGO: (&str, &str) = ("manage.py", "DJANGO_SETTINGS_MODULE = 'shop.settings'");
const VITE: &str = r#"{ "scripts": { "dev": "vite" }, "devDependencies": { "vite": "7" } }"#;

const CASES: [Case; 12] = [
    ("nothing known", &[], &[]),
    (
        "a Procfile: $PORT is the first port, literal ports are variables, release runs once",
        &[
            DJANGO,
            (
                "Procfile",
                "release: python manage.py migrate\nweb: gunicorn -b :$PORT shop\nadmin: serve --port 8000 --limit 18000\n# x\n../x: y\n",
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
