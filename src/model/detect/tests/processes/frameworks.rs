//! Shapes of applications that a framework's own command starts.

use super::*;

pub(super) const CASES: &[Case] = &[
    (
        "FastAPI, whose application one module makes",
        &[
            (
                "backend/pyproject.toml",
                "[project] # the API\ndependencies = ['fastapi', 'uvicorn']\n",
            ),
            ("backend/inn/__init__.py", ""),
            ("backend/inn/main.py", "app: FastAPI = FastAPI(title='inn')\n"),
        ],
        &[
            "web: cd backend && PATH=\"$PWD/../backend/.venv/bin:$PATH\" uvicorn inn.main:app --port $PORT",
        ],
    ),
    (
        "two applications of FastAPI, of which none is the one to start",
        &[
            ("requirements.txt", "fastapi\nuvicorn\n"),
            ("a.py", "app = FastAPI()\n"),
            ("b.py", "app = FastAPI()\n"),
        ],
        &[],
    ),
    (
        "Flask",
        &[("requirements.txt", "flask\n"), ("wsgi.py", "application = Flask(__name__)\n")],
        &["web: PATH=\"$PWD/.venv/bin:$PATH\" flask --app wsgi:application run --port $PORT"],
    ),
    (
        "Django in a directory with a space",
        &[
            ("requirements.txt", ""),
            ("the shop/manage.py", "DJANGO_SETTINGS_MODULE = 'shop.settings'"),
        ],
        &[
            "web: cd 'the shop' && PATH=\"$PWD/../.venv/bin:$PATH\" python manage.py runserver $DJANGO_PORT",
        ],
    ),
    (
        "ASP.NET Core, and a server of Node.js beside it",
        &[
            ("Api.csproj", "<Project Sdk=\"Microsoft.NET.Sdk.Web\">"),
            (
                "package.json",
                r#"{ "scripts": { "start:dev": "nest start" }, "dependencies": { "@nestjs/core": "11" } }"#,
            ),
        ],
        &[
            "web: dotnet run --project Api.csproj -- --urls http://localhost:$PORT",
            "frontend: PORT=$FRONTEND_PORT npm run start:dev",
        ],
    ),
    (
        "ASP.NET Core beside a library",
        &[
            ("src/Api/Api.csproj", "<Project Sdk=\"Microsoft.NET.Sdk.Web\">"),
            ("src/Core/Core.csproj", "<Project Sdk=\"Microsoft.NET.Sdk\">"),
        ],
        &["web: dotnet run --project src/Api/Api.csproj -- --urls http://localhost:$PORT"],
    ),
];

const UNITS: [(&str, &str); 6] = [
    ("inn-backup", "manage.py flush --noinput"),
    ("inn-http", "manage.py run_gunicorn\nRestart=always"),
    ("inn-queue", "manage.py rqworker --settings=inn.settings_production high"),
    ("inn-mail", "manage.py send_mail"),
    ("inn-rq", "manage.py rqworker high"),
    ("inn-consumer", "manage.py consume_rooms\nRestart=always"),
];

#[test]
fn of_units_only_workers_are_started() {
    let units = UNITS.map(|(name, command)| {
        let text = format!("[Service]\nExecStart=/opt/inn/bin/python /opt/inn/{command}\n");
        (format!("deploy/{name}.service"), text)
    });
    let units = units.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    let files: Vec<(&str, &str)> = units.chain([DJANGO, ("uv.lock", "")]).collect();
    let project = detect(&seen(&files));
    let started: Vec<&str> = project.processes.iter().map(|(_, run)| run.as_str()).collect();
    assert_eq!(
        started,
        [
            "uv run python manage.py runserver $DJANGO_PORT",
            "uv run python manage.py consume_rooms",
            "uv run python manage.py rqworker high",
        ]
    );
    let said = project.missing.iter().filter(|what| what.contains(".service"));
    let expected = ["backup", "mail", "queue"].map(|name| {
        format!("whether deploy/inn-{name}.service is a worker: if it is, add it to `processes:`")
    });
    assert_eq!(said.cloned().collect::<Vec<_>>(), expected);
}

#[test]
fn without_a_broker_what_may_work_is_held_back() {
    let settings =
        ("inn/settings.py", "CACHES = {'default': {'LOCATION': 'redis://localhost:6379/1'}}\n");
    let procfile =
        "css: npm run css\nrooms: python manage.py consume_rooms\nrq: python manage.py qcluster\n";
    let files = [DJANGO, ("requirements.txt", "Django\nredis\n"), settings];
    let project = detect(&seen(&[&files[..], &[("Procfile.dev", procfile)]].concat()));
    let names: Vec<&str> = project.processes.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["css"], "{:?}", project.notes);
}
