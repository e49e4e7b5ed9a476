//! Shapes of applications that a framework's own command starts.

use super::Case;

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
