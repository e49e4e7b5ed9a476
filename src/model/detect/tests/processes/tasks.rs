//! Shapes of applications that a task of the project's own starts, or a language's command.

use super::{Case, DJANGO};

const GO: (&str, &str) = ("go.mod", "module inn\n");
const ENV: (&str, &str) =
    (".env.example", "HTTP_PORT=8080\nPG_URL=postgres://inn:inn@localhost:5432/inn\n");
const RUN: (&str, &str) =
    ("Makefile", "build: lint\n\tgo build\nrun: ## Start\n\t@go run ./cmd/api\n");

pub(super) const CASES: &[Case] = &[
    ("Go, by a target of make", &[GO, ENV, RUN], &["web: make run"]),
    (
        "Go below the top, by make at the top and its variable for the program",
        &[("server/go.mod", ""), ("Makefile", "GO := go\ndev:\n\tcd server && $(GO) run .\n")],
        &["web: make dev"],
    ),
    (
        "a Makefile whose file of variables would count more than the environment",
        &[GO, ENV, ("Makefile", "-include .env.example\nexport\nrun: deps\n\tgo run ./cmd/api\n")],
        &["web: make -e run"],
    ),
    (
        "targets that start containers, name the main checkout's port or its database",
        &[
            GO,
            ENV,
            (
                "Makefile",
                "up:\n\tdocker compose up -d\ndev: up\n\tgo run .\nrun:\n\tgo run . -addr :8080\nstart:\n\tPG_URL=postgres://localhost/inn go run .\n",
            ),
            ("main.go", "package main\n"),
        ],
        &["web: go run ."],
    ),
    (
        "targets of which all that they do is not known",
        &[
            GO,
            (
                "Makefile",
                "DC ?= docker compose\nserve:\n\t$(DC) up\n\tgo run .\ndev: db\n\tgo run .\ndb: \\\n  drop\ndrop:\n\tdropdb x\nrun:\n\t$(MAKE) db\n\tgo run .\nstart: $(NEEDS)\n\tgo run .\nserver:\n\tgo run . -url nats://x\n",
            ),
            ("main.go", "package main\n"),
        ],
        &["web: go run ."],
    ),
    (
        "a target that names the main checkout's database",
        &[GO, ENV, ("Makefile", "run:\n\tgo run . -db inn\n"), ("main.go", "package main\n")],
        &["web: go run ."],
    ),
    (
        "a Makefile that sets the port and the database",
        &[
            GO,
            ENV,
            (
                "Makefile",
                "HTTP_PORT := 8080\nexport PG_URL = $(BASE)/inn\nrun:\n\tgo run . -port $(HTTP_PORT)\n",
            ),
        ],
        &["web: make -e run"],
    ),
    (
        "Go with no ports but those of mail catchers",
        &[GO, (".env", "MAILPIT_PORT=8026\nCATCHER_PORT=1025\n"), ("main.go", "package main\n")],
        &[],
    ),
    (
        "tasks that call others, of which one starts containers",
        &[
            GO,
            (
                "Taskfile.yml",
                "tasks:\n  up: podman start db\n  dev:\n    deps: [{ task: up }]\n    cmds: [air]\n  run:\n    cmds: [{ task: up }, air]\n",
            ),
            ("main.go", "package main\n"),
        ],
        &["web: go run ."],
    ),
    (
        "Go, by its one command",
        &[("api/go.mod", ""), ("api/cmd/the inn/main.go", "")],
        &["web: cd api && go run './cmd/the inn'"],
    ),
    ("Go with two commands", &[GO, ("cmd/a/main.go", ""), ("cmd/b/main.go", "")], &[]),
    ("Go with settings for air", &[GO, (".air.toml", ""), ("main.go", "")], &["web: air"]),
    (
        "Go, by Task",
        &[
            GO,
            (
                "Taskfile.yml",
                "tasks:\n  build: go build\n  dev:\n    deps: [build]\n    cmds: [{ cmd: air }]\n",
            ),
        ],
        &["web: task dev"],
    ),
    (
        "Rust, by just",
        &[
            ("Cargo.toml", "[package]\nname = 'inn'\n"),
            ("justfile", "port := '1'\nserve *args:\n    cargo run -- {{args}}\n"),
        ],
        &["web: just serve"],
    ),
    (
        "Rust, by itself",
        &[("Cargo.toml", "[package]\nname = 'inn'\n"), ("src/main.rs", "")],
        &["web: cargo run"],
    ),
    (
        "Rust, by the one program of a workspace",
        &[
            ("Cargo.toml", "[workspace]\n"),
            ("crates/core/src/lib.rs", ""),
            ("crates/web/Cargo.toml", "[package]\nname = 'inn-web'\n"),
            ("crates/web/src/main.rs", ""),
        ],
        &["web: cargo run --package inn-web"],
    ),
    (
        "Rust with several programs",
        &[("Cargo.toml", ""), ("src/main.rs", ""), ("src/bin/x.rs", "")],
        &[],
    ),
    (
        "Django with workers among the tasks of poe",
        &[
            DJANGO,
            ("uv.lock", ""),
            (
                "pyproject.toml",
                "[tool.poe.tasks]\nstart.cmd = 'uvicorn inn.asgi:app --reload'\nworker.help = 'Tasks'\nworker.cmd = '''celery --app inn.work:app\n  worker -E'''\nscheduler.cmd = 'celery --app inn.work:app beat'\ntest = 'pytest'\n",
            ),
        ],
        &[
            "web: uv run python manage.py runserver $DJANGO_PORT",
            "worker: uv run celery --app inn.work:app worker -E",
            "scheduler: uv run celery --app inn.work:app beat",
        ],
    ),
    (
        "FastAPI, by a task, where no module alone makes the application",
        &[
            ("api/uv.lock", ""),
            (
                "api/pyproject.toml",
                "[project]\ndependencies = ['fastapi', 'uvicorn']\n[tool.taskipy.tasks]\ndev = 'uvicorn inn.main:create --factory'\n",
            ),
        ],
        &["web: cd api && uv run uvicorn inn.main:create --factory --port $PORT"],
    ),
    (
        "FastAPI, by a task that sets variables, and Next beside it",
        &[
            ("uv.lock", ""),
            (
                "pyproject.toml",
                "[project]\ndependencies = ['fastapi', 'uvicorn']\n[tool.taskipy.tasks]\napi = { cmd = 'env INSECURE=1 uvicorn inn.main:create --factory --port 8000', help = 'serve' }\n",
            ),
            (
                "web/package.json",
                r#"{ "scripts": { "dev": "next dev" }, "dependencies": { "next": "15" } }"#,
            ),
        ],
        &[
            "web: uv run env INSECURE=1 uvicorn inn.main:create --factory --port $PORT",
            "web-2: cd web && PORT=$WEB_PORT npm run dev",
        ],
    ),
    (
        "Go, by a target in a file that the Makefile includes",
        &[
            GO,
            ("Makefile", "include build/*.mk\ninclude build/run.mk\n"),
            ("build/run.mk", "dev: tidy\n\tgo run .\n"),
        ],
        &["web: make dev"],
    ),
    (
        "Go, by a script that a target calls",
        &[
            GO,
            ("Makefile", "dev:\n\t@./hack/dev\n"),
            ("hack/dev", "#!/usr/bin/env bash\nset -e\n# Starts.\nexec go run .\n"),
        ],
        &["web: make dev"],
    ),
    (
        "a script that creates the database before it starts the program",
        &[
            GO,
            ("Makefile", "dev:\n\tbash scripts/db.sh\n\tgo run .\n"),
            ("scripts/db.sh", "createdb inn\n"),
            ("main.go", "package main\n"),
        ],
        &["web: go run ."],
    ),
    (
        "scripts of the shell whose first line has options, of another language and with a file of variables",
        &[
            GO,
            (
                "Makefile",
                "dev:\n\t./dev/a\n\tgo run .\nrun:\n\t./dev/b\n\tgo run .\nstart:\n\t./dev/c.sh\n\tgo run .\nserve:\n\t. ./.env; go run .\nserver:\n\t./dev/d\n\tgo run .\n",
            ),
            ("dev/a", "#!/bin/bash -e\ndropdb inn\n"),
            ("dev/b", "#!/usr/bin/env -S bash -eu\npsql -c 'drop database inn'\n"),
            ("dev/c.sh", "#!/usr/bin/env python3\nimport os\n"),
            ("dev/d", "go version\n"),
            ("main.go", "package main\n"),
        ],
        &["web: go run ."],
    ),
    (
        "a justfile that lets a file of variables count more than the environment",
        &[
            GO,
            ("justfile", "set dotenv-load\nset dotenv-override\ndev:\n    go run .\n"),
            ("main.go", "package main\n"),
        ],
        &["web: go run ."],
    ),
    (
        "a script that calls another one",
        &[
            GO,
            ("Makefile", "dev:\n\tscripts/a.sh && go run .\n"),
            ("scripts/a.sh", "./scripts/b.sh\n"),
            ("scripts/b.sh", "dropdb inn\n"),
            ("scripts/scripts/b.sh", "dropdb inn\n"),
            ("main.go", "package main\n"),
        ],
        &["web: go run ."],
    ),
    (
        "Rust, by just under another name",
        &[("Cargo.toml", "[package]\nname = 'inn'\n"), ("Justfile", "dev:\n    cargo run\n")],
        &["web: just dev"],
    ),
    (
        "Rust whose port no variable decides",
        &[
            ("Cargo.toml", "[package]\nname = 'inn'\n"),
            ("src/main.rs", "axum::Server::bind(&\"0.0.0.0:8080\".parse()?)\n"),
        ],
        &[],
    ),
];
