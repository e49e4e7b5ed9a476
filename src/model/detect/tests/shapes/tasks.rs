//! Tasks that migrate the environment's database and do nothing else, and those of which that is not known.

use super::*;

const OWN: &str = "DATABASE_URL=postgres://inn:inn@localhost:5432/inn\n";

fn project((path, text): (&str, &str)) -> Project {
    detect(&seen(&[("go.mod", "module inn\n"), (".env.example", OWN), (".env", OWN), (path, text)]))
}

/// Files of task runners with a task that migrates by the environment's variable, and its hook.
const PLAIN: &[(&str, &str, &str)] = &[
    (
        "Makefile",
        "-include .env\nmigrate: ## Migrate\n\t@echo \"Migrating\"\n\tDATABASE_URL=$(DATABASE_URL) dbmate -d db --url=\"$(DATABASE_URL)\" up\n",
        "DATABASE_URL=$DATABASE_URL dbmate -d db --url=\"$DATABASE_URL\" up",
    ),
    (
        "Makefile",
        "DATABASE_URL := postgres://inn:inn@localhost:5432/inn\nmigrate:\n\tmigrate -path db -database $(DATABASE_URL) -verbose up\n",
        "migrate -path db -database $DATABASE_URL -verbose up",
    ),
    (
        "Makefile",
        "migrate:\n\t@GOOSE_DRIVER=postgres GOOSE_DBSTRING=${DATABASE_URL} goose -dir db up\n",
        "GOOSE_DRIVER=postgres GOOSE_DBSTRING=$DATABASE_URL goose -dir db up",
    ),
    (
        "justfile",
        "set dotenv-load\n# Migrates.\n[group('db')]\nmigrate:\n    @echo Migrating\n    atlas migrate apply --dir file://db --url \"$DATABASE_URL\"\n",
        "atlas migrate apply --dir file://db --url \"$DATABASE_URL\"",
    ),
    (
        "Taskfile.yml",
        "tasks:\n  migrate:\n    cmds: [sqlx migrate run --source db, { cmd: diesel migration run }]\n",
        "sqlx migrate run --source db && diesel migration run",
    ),
    // What make itself would set or do for the target is not done.
    ("Makefile", "%: export DATABASE_URL := $(MAIN)\nmigrate:\n\tdbmate up\n", "dbmate up"),
];

#[test]
fn tasks_migrate_by_the_environments_variable() {
    for (path, text, hook) in PLAIN {
        let project = project((path, text));
        assert_eq!(project.hooks, [*hook], "{path}: {text}");
        assert_eq!(project.unsure, None, "{path}: {text}");
    }
}

/// Files of task runners with a task that may migrate another database than the environment's, or do more than that.
const DOUBTFUL: &[(&str, &str)] = &[
    // Files of variables, and what gives recipes other variables than the environment's.
    ("Makefile", "migrate:\n\t. ./.env && dbmate up\n"),
    ("Makefile", "migrate:\n\t. ./.env\n\tdbmate up\n"),
    ("Makefile", "migrate:\n\tsource .env; dbmate up\n"),
    ("Makefile", "ENV := $(shell cat .env)\nmigrate:\n\tenv $(ENV) dbmate up\n"),
    ("Makefile", "override DATABASE_URL := $(MAIN)\nmigrate:\n\tdbmate up\n"),
    ("Makefile", "unexport DATABASE_URL\nmigrate:\n\tdbmate up\n"),
    ("Makefile", "migrate: DATABASE_URL := $(MAIN)\nmigrate:\n\tdbmate up\n"),
    ("justfile", "set dotenv-load\nset dotenv-override\nmigrate:\n    dbmate up\n"),
    ("justfile", "set export\nDATABASE_URL := env('MAIN')\nmigrate:\n    dbmate up\n"),
    ("justfile", "export DATABASE_URL := env('MAIN')\nmigrate:\n    dbmate up\n"),
    ("justfile", "[env('DATABASE_URL', 'x')]\nmigrate:\n    dbmate up\n"),
    ("Taskfile.yml", "dotenv: [.env]\ntasks:\n  migrate: dbmate up\n"),
    ("Makefile", "setup migrate: confirm\nmigrate:\n\tdbmate up\nconfirm:\n\tpsql -h prod\n"),
    ("Makefile", "migrate:\n\tdbmate up\n# seed\n\tpsql -c 'drop table rooms'\n"),
    ("Makefile", "migrate:\n\tdbmate up\nifndef CI\n\tpsql -h prod\nendif\n"),
    ("justfile", "[confirm]\nmigrate:\n    dbmate up\n"),
    ("Taskfile.yml", "tasks: { migrate: { cmd: dbmate up, prompt: Sure? } }\n"),
    // Other machines.
    ("Makefile", "migrate:\n\tssh deploy@prod \"cd /srv && dbmate up\"\n"),
    ("Makefile", "migrate:\n\tkubectl exec deploy/api -- dbmate up\n"),
    ("Makefile", "migrate:\n\tfly ssh console -C \"dbmate up\"\n"),
    ("Makefile", "migrate:\n\tdoppler run --config prd -- dbmate up\n"),
    // Variables that no environment sets, and databases by their names.
    ("Makefile", "migrate:\n\tDATABASE_URL=$(PROD_DSN) dbmate up\n"),
    ("Makefile", "migrate:\n\tdbmate -u $(MAIN) up\n"),
    ("Makefile", "migrate:\n\tdbmate --env MAIN_URL up\n"),
    ("Makefile", "migrate:\n\tdbmate --env-file prod.conf up\n"),
    ("Makefile", "migrate:\n\tDATABASE_URL=x dbmate up\n"),
    ("Makefile", "migrate:\n\tgoose -dir db up\n"),
    ("Makefile", "migrate:\n\tgoose postgres \"user=inn dbname=main\" up\n"),
    ("Makefile", "migrate:\n\tgoose postgres \"$(MAIN)\" up\n\techo $(DATABASE_URL)\n"),
    ("Makefile", "migrate:\n\tmigrate -path db -database $(PORT) up\n"),
    // What is not migrated alone.
    ("Makefile", "migrate:\n\tgoose -dir db create $(NAME) sql\n\techo $(DATABASE_URL)\n"),
    (
        "Makefile",
        "migrate:\n\tmigrate create -ext sql -dir db $(name)\n\tmigrate -path db -database $(DATABASE_URL) force 3\n",
    ),
    ("Makefile", "migrate:\n\tmigrate -path db -database $(DATABASE_URL) $(cmd)\n"),
    ("Makefile", "migrate:\n\tdbmate up || dbmate drop\n"),
    ("Makefile", "migrate:\n\techo `dbmate drop`\n\tdbmate up\n"),
    ("Makefile", "migrate: reset\n\tdbmate up\nreset:\n\tother\n"),
    ("justfile", "migrate name:\n    dbmate new {{name}}\n"),
    ("justfile", "migrate name:\n    dbmate up\n"),
    ("Makefile", "migrate:\n\t./prep\n\tdbmate up\n"),
];

#[test]
fn tasks_that_may_do_more_than_migrate_the_environments_database_are_comments() {
    for &(path, text) in DOUBTFUL {
        let project = project((path, text));
        assert_eq!(project.hooks, [""; 0], "{path}: {text}");
        let call = project.unsure.as_deref().unwrap_or_default();
        let comment = format!(
            "May do more than migrate the environment's database, check before use:\n    # - \"{call}\"\n"
        );
        assert!(call.ends_with(" migrate"), "{path}: {text}");
        assert!(render(&project, None, true).contains(&comment), "{path}: {text}");
    }
}
