mod code;
mod commands;
mod compose;
mod created;
mod hostile;
mod ignored;
mod kept;
mod leads;
mod needs;
mod ports;
mod processes;
mod projects;
mod secrets;
mod shapes;
mod signs;
mod templates;
mod text;

use crate::model::config::Config;
use crate::model::detect::*;
use proptest::prelude::*;

fn seen(files: &[(&str, &str)]) -> Seen {
    let files = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let files: std::collections::BTreeMap<String, String> = files.collect();
    // A private `.env` stands at the top.
    let tracked = files.keys().filter(|path| path.as_str() != ".env").cloned().collect();
    let mut seen = Seen { repo: "Shop".to_owned(), files, tracked, ..Seen::default() };
    seen.stacks = started(&seen);
    let first = references(&seen, &BTreeSet::new());
    let named = references(&seen, &first.stacks);
    let is_read = |path: &String| {
        let of_stacks = [&named.variables, &named.stacks, &named.tasks, &seen.stacks];
        is_telling(path) || of_stacks.iter().any(|paths| paths.contains(path))
    };
    seen.others = seen.files.extract_if(.., |path, _| !is_read(path)).collect();
    seen.variables = named.variables;
    seen
}

fn config(files: &[(&str, &str)]) -> Config {
    let text = render(&detect(&seen(files)), None, true);
    Config::parse("t", &text).unwrap_or_else(|error| panic!("{error:#}\n{text}"))
}

const MANAGE: (&str, &str) =
    ("manage.py", "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')");

#[test]
fn nothing_known_gives_a_port_and_nothing_else() {
    let config = config(&[]);
    assert_eq!(config.ports["PORT"].main, 3000);
    assert!(
        config.services.is_empty() && config.env.is_empty() && config.hooks.post_add.is_empty()
    );
}

#[test]
fn the_articles_project_is_recognised() {
    let config = config(&[
        MANAGE,
        ("package.json", r#"{ "devDependencies": { "vite": "5" } }"#),
        (
            ".env",
            "DJANGO_PORT=8011\nPOSTGRES_DB=app_db\nREDIS_DB=0\nREDIS_URL=redis://localhost:6379/0\nPOSTGRES_PORT=5432\n",
        ),
        (
            "docker-compose.yml",
            "name: ${GN_PROJECT_NAME:-gn}\nservices:\n  django:\n    build: .\n    ports: [\"${DJANGO_PORT:-8011}:8000\"]\n",
        ),
        (
            "local-infra.yml",
            "name: app-infra\nservices:\n  postgres:\n    image: postgres:16\n    container_name: app-postgres\n    ports: [\"5433:5432\"]\n  redis:\n    image: redis:7\n    ports: [\"6380:6379\"]\n",
        ),
    ]);
    assert_eq!(config.ports.keys().collect::<Vec<_>>(), ["DJANGO_PORT", "VITE_PORT"]);
    assert_eq!(config.ports["DJANGO_PORT"].range, Some((8012, 8030)));
    assert_eq!(config.ports["VITE_PORT"].follows.as_deref(), Some("DJANGO_PORT"));
    let postgres = &config.services["postgres"];
    assert_eq!(
        (postgres.name.as_str(), postgres.main.as_str(), postgres.port),
        ("app_{name}", "app_db", 5433)
    );
    assert_eq!(postgres.place, Place::Container("app-postgres".to_owned()));
    let project = Place::Compose { project: "app-infra".to_owned(), service: "redis".to_owned() };
    assert_eq!((&config.services["redis"].place, config.services["redis"].port), (&project, 6380));
    assert_eq!(config.env["GN_PROJECT_NAME"], "{project}");
    // The file says another port than the server's.
    assert_eq!(config.env["REDIS_URL"], "redis://{redis.host}:{redis.port}/{REDIS_DB}");
    assert_eq!(config.infra.file.as_deref(), Some("local-infra.yml"));
    assert_eq!(config.hooks.post_add, ["python manage.py migrate"]);
}

#[test]
fn frameworks_bring_their_ports_and_servers() {
    let rails = config(&[("Gemfile", "gem \"rails\", \"~> 7\"\ngem 'pg'\ngem \"sidekiq\"\n")]);
    assert_eq!(rails.ports["PORT"].main, 3000);
    assert_eq!(rails.services.keys().collect::<Vec<_>>(), ["postgres", "redis"]);
    assert_eq!(rails.services["postgres"].main, "shop");
    assert_eq!(
        rails.env["DATABASE_URL"],
        "postgres://{postgres.user}@{postgres.host}:{postgres.port}/{POSTGRES_DB}"
    );

    let next = config(&[
        ("package.json", r#"{ "dependencies": { "next": "15", "ioredis": "5" } }"#),
        ("pnpm-lock.yaml", ""),
    ]);
    assert_eq!(next.ports["PORT"].main, 3000);
    assert_eq!(next.services.keys().collect::<Vec<_>>(), ["redis"]);
    assert_eq!(next.hooks.post_add, ["pnpm install --frozen-lockfile"]);

    let plain = config(&[MANAGE, ("requirements.txt", "Django\n")]);
    assert_eq!(plain.ports["DJANGO_PORT"].main, 8000);
    assert!(plain.services.is_empty());
}

#[test]
fn urls_keep_their_shape_and_no_secret_is_copied() {
    let of = |url: &str| config(&[(".env", &format!("DATABASE_URL={url}\n"))]);
    let open = of("postgresql+psycopg://shop:shop@127.0.0.1:5433/shop_dev");
    assert_eq!(
        open.env["DATABASE_URL"],
        "postgresql+psycopg://shop:shop@127.0.0.1:5433/{POSTGRES_DB}"
    );
    let postgres = &open.services["postgres"];
    assert_eq!(
        (postgres.name.as_str(), postgres.user.as_str(), postgres.port),
        ("shop_{name}", "shop", 5433)
    );

    let query = of("postgres://me@localhost/shop?schema=public");
    assert_eq!(query.env["DATABASE_URL"], "postgres://me@localhost/{POSTGRES_DB}?schema=public");

    for secret in [
        "postgres://me:hunter2@h/db",
        "postgres://me@h/db?password=hunter2",
        "postgres://me@h/db#hunter2",
    ] {
        let project = detect(&seen(&[(".env", &format!("DATABASE_URL={secret}\n"))]));
        let text = render(&project, None, true);
        assert!(!text.contains("hunter2"), "{text}");
        assert!(
            project.notes.iter().any(|note| note.contains("DATABASE_URL")),
            "{:?}",
            project.notes
        );
    }
}

#[test]
fn the_shared_server_knows_no_role_of_the_project() {
    let user = |files: &[(&str, &str)]| config(files).services["postgres"].user.clone();
    let settings = "NAME = os.getenv('DB_NAME', 'shop')\nUSER = os.getenv('DB_USER', 'shop')\n";
    let code = ("shop/settings.py", settings);
    assert_eq!(user(&[code]), "postgres");
    let hidden =
        "services:\n  db: { image: 'postgres:16', environment: { POSTGRES_USER: shop } }\n";
    assert_eq!(user(&[code, ("compose.yml", hidden)]), "postgres");
    let open = "services:\n  db: { image: 'postgres:16', environment: { POSTGRES_USER: shop }, ports: ['5432:5432'] }\n";
    assert_eq!(user(&[code, ("compose.yml", open)]), "shop");
    assert_eq!(user(&[code, (".env", "DB_HOST=localhost\nDB_USER=me\n")]), "me");
}

#[test]
fn a_database_that_no_file_names_is_a_guess() {
    let guessed = |text: &str| {
        let project = detect(&seen(&[MANAGE, ("shop/settings.py", text)]));
        project.guessed.iter().any(|guess| guess.contains("no file names the main checkout's"))
    };
    assert!(guessed("NAME = os.environ['DB_NAME']\n"));
    assert!(!guessed("NAME = os.getenv('DB_NAME', 'inn')\n"));
    assert!(!guessed("NAME = os.getenv('DB_NAME', 'shop')\n"), "the file says so");
    assert!(guessed(
        "NAME = os.environ['DB_NAME']\nHOST = os.getenv('SITE_URL', 'http://shop:1')\n"
    ));
    let stack = "services: { db: { image: 'postgres:16', ports: ['5432:5432'] } }";
    let project = detect(&seen(&[("compose.yml", stack)]));
    assert_eq!(project.services[0].main, "postgres", "the image's own");
    assert!(project.guessed[0].contains("`main: postgres`"), "{:?}", project.guessed);
}

#[test]
fn hooks_are_active_only_when_asked_for() {
    let project = detect(&seen(&[MANAGE, ("uv.lock", "")]));
    let config = Config::parse("t", &render(&project, Some(".worktrees/{name}"), false)).unwrap();
    assert!(config.hooks.post_add.is_empty());
    assert_eq!(config.worktree, ".worktrees/{name}");
    let config = Config::parse("t", &render(&project, None, true)).unwrap();
    assert_eq!(config.hooks.post_add, ["uv sync", "uv run python manage.py migrate"]);
}

proptest! {
    #[test]
    fn whatever_the_files_say_the_result_is_a_configuration(
        env in proptest::collection::vec((
            "([A-Z]{1,6}_)?(PORT|URL|DB)|POSTGRES_DB|GIT_PORT|PATH|REDIS_DB|DB_USER",
            "[0-9]{1,6}|(postgres|redis|mysql)://[a-z:@/0-9?{}\"\\\\ ]{0,20}|.{0,12}",
        ), 0..8),
        compose in ".{0,40}|services:\n  \"[^\"\\\\]{0,6}\":\n    image: (redis|postgres|x)\n    container_name: \"[^\"\\\\]{0,6}\"\n    ports: [\"\\$\\{[A-Z0-9_]{0,4}:-[0-9]{0,6}\\}:1\"]\n",
        package in ".{0,20}|\\{\"dependencies\":\\{\"(vite|next|pg)\":1\\}\\}",
    ) {
        let env: String = env.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        let files = [(".env", env.as_str()), ("compose.yml", &compose), ("package.json", &package)];
        for hooks in [true, false] {
            let text = render(&detect(&seen(&files)), None, hooks);
            prop_assert!(Config::parse("t", &text).is_ok(), "{:#}\n{text}", Config::parse("t", &text).unwrap_err());
        }
    }
}

#[test]
fn what_the_environment_file_says_is_told() {
    let project = detect(&seen(&[(".env", "WEB_PORT=4000\nPOSTGRES_DB=shop\nSECRET=x\n")]));
    assert_eq!(project.found, [".env: WEB_PORT, POSTGRES_DB"]);
    assert!(detect(&seen(&[(".env", "SECRET=x\n")])).found.is_empty());
}

#[test]
fn rails_says_which_database_is_the_main_checkouts() {
    let file = "default: &default\n  adapter: postgresql\n  pool: <%= 5 %>\n\ndevelopment:\n  <<: *default\n  database: blog_development\n\ntest:\n  database: blog_test\n";
    let gems = ("Gemfile", "gem \"rails\"\ngem \"pg\"\n");
    let config = config(&[gems, ("config/database.yml", file)]);
    let postgres = &config.services["postgres"];
    assert_eq!(
        (postgres.main.as_str(), postgres.name.as_str()),
        ("blog_development", "blog_{name}")
    );
}

#[test]
fn what_we_write_fits_a_terminal() {
    let text = render(&detect(&seen(&[MANAGE, ("yarn.lock", "")])), None, false);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn an_application_that_allows_only_localhost_is_reached_there() {
    let of = |hosts: &str| {
        let settings = format!("ALLOWED_HOSTS = {hosts}\n");
        config(&[MANAGE, ("shop/settings.py", &settings)]).url
    };
    let expected = Some("http://localhost:{DJANGO_PORT}".to_owned());
    assert_eq!(of("['localhost', '127.0.0.1']"), expected);
    for open in ["[]", "['*']", "['localhost', '.localhost']", "os.environ['HOSTS'].split()"] {
        assert_eq!(of(open), None, "{open}");
    }
}

#[test]
fn a_url_may_refer_to_other_variables_of_its_file() {
    let text = "PASS=changethis\nDATABASE_URL=postgres://app:${PASS}@localhost:5432/shop\nREDIS_URL=redis://${HOST}/0\n";
    let config = config(&[("backend/.env", text)]);
    let url = "postgres://app:changethis@localhost:5432/{POSTGRES_DB}";
    assert_eq!(config.env["DATABASE_URL"], url);
}

#[test]
fn an_engine_is_named_by_any_file_that_reads_its_variable() {
    let config = config(&[
        MANAGE,
        ("shop/settings/__init__.py", "if os.getenv('SHOP_DBENGINE') == 'mariadb': pass"),
        (
            "shop/settings/custom.py",
            "choice('SHOP_DBENGINE', {'sqlite', 'postgresql'})\nos.getenv('SHOP_DBNAME', 'shop')",
        ),
        ("requirements.txt", "psycopg"),
    ]);
    assert_eq!(config.env["SHOP_DBENGINE"], "postgresql");
}
