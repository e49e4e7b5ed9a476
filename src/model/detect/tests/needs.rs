//! Variables that Django's settings need before they do anything.

use super::*;

/// The variables of the environments of a project with these settings and files, `NAME=template`, and what is missing.
fn needs(settings: &str, more: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let manage = ("manage.py", "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'inn.settings')");
    let own = ("inn/settings.py", settings);
    let project = detect(&seen(&[&[manage, own], more].concat()));
    let env = project.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let missing = project.missing.into_iter().filter(|what| what.starts_with("a value"));
    (env, missing.collect())
}

const KEY: &str = "SECRET_KEY = os.environ['INN_KEY']\n";
const MADE: &str = "INN_KEY=only-for-development-of-{project}-and-for-no-other-use";

#[test]
fn a_signing_key_that_no_file_gives_is_made_for_each_environment() {
    for settings in [
        KEY,
        "SECRET_KEY = os.getenv('INN_KEY')\n",
        "SECRET_KEY: str = env(\n    'INN_KEY')\n",
        "SECRET_KEY = env.str(\"INN_KEY\")  # own\n",
    ] {
        assert_eq!(needs(settings, &[]), (vec![MADE.to_owned()], vec![]), "{settings}");
    }
    for settings in [
        "SECRET_KEY = os.getenv('INN_KEY', 'x')\n",
        "SECRET_KEY = os.getenv('INN_KEY') or made()\n",
        "if USED:\n    SECRET_KEY = os.environ['INN_KEY']\n",
    ] {
        assert_eq!(needs(settings, &[]).0, [""; 0], "{settings}");
    }
    // The application refuses what an example says, or everybody knows it.
    assert_eq!(needs(KEY, &[(".env.example", "INN_KEY=change-me\n")]).0, [MADE]);
    for (file, text) in [(".env", "INN_KEY=own\n"), (".envrc", "export INN_KEY=own\n")] {
        assert_eq!(needs(KEY, &[(file, text)]).0, [""; 0], "{file}");
    }
}

#[test]
fn what_containers_get_is_replaced_by_nothing_and_reaches_nothing_else() {
    let stack =
        "services:\n  web:\n    build: .\n    ports: ['8000:8000']\n    env_file: [in.env]\n";
    for (file, more) in [("compose.yml", &[("in.env", "INN_KEY=own\n")][..]), ("compose.yml", &[])]
    {
        let files = [&[(file, stack)], more].concat();
        assert_eq!(needs(KEY, &files), (vec![], vec![]), "{file} {more:?}");
    }
    let given = stack.replace("env_file: [in.env]", "environment: { INN_KEY: own }");
    assert_eq!(needs(KEY, &[("compose.yml", &given)]).0, [""; 0]);
    // Where the application runs beside them.
    for (stack, more) in [
        (stack, ("deploy/in.env", "INN_KEY=own\n")),
        (&given, ("deploy/x", "")),
        (stack, ("x", "")),
    ] {
        assert_eq!(needs(KEY, &[("deploy/compose.yml", stack), more]).0, [MADE], "{more:?}");
    }
    let read = stack.replace("in.env", ".env");
    let own = ("deploy/.env", "INN_KEY=own\n");
    assert_eq!(needs(KEY, &[("deploy/compose.yml", &read), own]).0, [""; 0]);
}

#[test]
fn debugging_is_on_where_pages_need_static_files() {
    let schemes = "env = environ.Env(INN_DEBUG=(bool, False))\nDEBUG = env('INN_DEBUG')\n";
    for settings in [
        schemes,
        "DEBUG = os.environ.get('INN_DEBUG', 'False') != 'False'\n",
        "DEBUG = os.environ.get('INN_DEBUG', '0') != '0'\n",
        "DEBUG = os.environ.get('INN_DEBUG', False)\n",
        "DEBUG = env.bool('INN_DEBUG', default=False)  # off\n",
        "DEBUG = env('INN_DEBUG', default=False)\n",
        "DEBUG = config('INN_DEBUG', default=False, cast=bool)\n",
        "DEBUG: bool = os.getenv('INN_DEBUG') == 'True'\n",
    ] {
        assert_eq!(needs(settings, &[]).0, ["INN_DEBUG=True"], "{settings}");
    }
    for (settings, value) in [
        ("DEBUG = bool(int(os.environ.get('INN_DEBUG', 0)))\n", "1"),
        ("DEBUG = int(os.environ.get('INN_DEBUG', '0'))\n", "1"),
        ("DEBUG = os.environ.get('INN_DEBUG', '0') == '1'\n", "1"),
        ("DEBUG = os.environ.get('INN_DEBUG', 'no').lower() == 'true'\n", "true"),
        ("DEBUG = os.environ['NO_DEBUG'] == '0'\n", "0"),
    ] {
        let name = if settings.contains("NO_DEBUG") { "NO_DEBUG" } else { "INN_DEBUG" };
        assert_eq!(needs(settings, &[]).0, [format!("{name}={value}")], "{settings}");
    }
    for settings in [
        &schemes.replace("False", "True"),
        "DEBUG = os.environ.get('INN_DEBUG', 'True') == 'True'\n",
        "DEBUG = env.bool('INN_DEBUG', default=True)\n",
        "DEBUG = os.getenv('INN_DEBUG') != '0'\n",
        "DEBUG = not os.environ.get('DISABLE_DEBUG')\n",
        "DEBUG = os.environ.get('DISABLE_DEBUG') != '1'\n",
        "DEBUG = os.environ.get('INN_DEBUG', 'x').lower() == 'True'\n",
        "DEBUG = os.environ.get('INN_DEBUG') in ('yes', 'on')\n",
        "DEBUG = os.environ.get('INN_DEBUG') == '1' and LOCAL\n",
        "DEBUG = own_bool('INN_DEBUG', 'no')\n",
        "DEBUG = config('INN_DEBUG', default=False)\n",
        "DEBUG = config('INN_DEBUG', cast=int, default=0)\n",
        "DEBUG = os.getenv('INN_STAGE') == 'dev'\n",
        "DEBUG = True\n",
    ] {
        assert_eq!(needs(settings, &[]).0, [""; 0], "{settings}");
    }
    let off = needs(schemes, &[(".env", "INN_DEBUG=False\n")]);
    assert_eq!(off.0, [""; 0], "the developer's own");
}

#[test]
fn settings_that_may_be_another_stages_need_nothing() {
    let settings = "SECRET_KEY = os.environ['INN_KEY']\nSTAGE = os.environ['INN_STAGE']\n";
    let of = |module: &str, file: &str| {
        let manage = format!("os.environ.setdefault('DJANGO_SETTINGS_MODULE', {module})");
        let project = detect(&seen(&[("manage.py", &manage), (file, settings)]));
        (project.env, project.missing.iter().filter(|what| what.starts_with("a value")).count())
    };
    assert_eq!(of("'inn.settings.local'", "inn/settings/local.py").1, 1);
    for (module, file) in [
        ("config.module", "inn/settings/production.py"),
        ("config.module", "inn/settings.py"),
        ("'inn.settings.production'", "inn/settings/production.py"),
    ] {
        assert_eq!(of(module, file), (vec![], 0), "{module} {file}");
    }
}

#[test]
fn no_example_gives_a_secret_or_what_is_another_stages() {
    for (name, file, value) in [
        ("INN_STAGE", ".env.example", "production"),
        ("INN_PAY", ".env.example", "sk_live_xxx"),
        ("INN_PAY_TOKEN", ".env.example", "abc"),
        ("INN_PAY", ".env.example", "a8f5f167f44f4964e6c998dee827110c"),
        ("INN_MAIL", ".env.example", "smtp://me:own@mail"),
        ("INN_SITE", "deploy/production/.env.example", "inn"),
        ("INN_SITE", ".env.prod.example", "inn"),
    ] {
        let settings = format!("OWN = os.environ['{name}']\n");
        let (env, missing) = needs(&settings, &[(file, &format!("{name}={value}\n"))]);
        assert_eq!((env, missing.len()), (vec![], 1), "{name}={value} in {file}");
    }
}

#[test]
fn what_has_no_default_is_taken_from_an_example_or_missing() {
    let asked = "HEADER = (\n    os.environ['INN_HEADER']\n    if 'INN_HEADER' in os.environ\n    else None\n)\n";
    assert_eq!(needs(asked, &[]), (vec![], vec![]));
    let settings = "PATHS = os.environ['INN_PATHS']\nSITE = os.environ.get('INN_SITE')\n";
    let why = "inn/settings.py:1 reads it without a default, and no file gives one";
    let missing = format!("a value of INN_PATHS (under `env:`): {why}");
    assert_eq!(needs(settings, &[]), (vec![], vec![missing.clone()]));
    let example = |value| format!("INN_PATHS={value}\n");
    let given = needs(settings, &[(".env.example", &example("a:b"))]);
    assert_eq!(given, (vec!["INN_PATHS=a:b".to_owned()], vec![]));
    assert_eq!(needs(settings, &[(".env.example", &example("{yours}"))]), (vec![], vec![missing]));
}

#[test]
fn settings_that_only_containers_can_read_are_migrated_there() {
    let files = |settings| {
        [
            ("manage.py", "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'inn.settings')"),
            ("requirements.txt", "Django\npsycopg\n"),
            ("inn/settings.py", settings),
            ("docker/inn.env", "SECRET_KEY=x\nDATABASE_URL=postgres://inn:inn@db/inn\n"),
            (
                "docker-compose.yml",
                "services:\n  web:\n    build: .\n    ports: ['8000:8000']\n    env_file: [docker/inn.env]\n  db:\n    image: postgres:16\n",
            ),
        ]
    };
    let demanded = "SECRET_KEY = os.environ['SECRET_KEY']\nDATABASES = {'default': dj_database_url.config()}\n";
    let project = detect(&seen(&files(demanded)));
    assert!(!project.hooks.iter().any(|hook| hook.contains("migrate")), "{:?}", project.hooks);
    assert_eq!(
        project.missing,
        [
            "SECRET_KEY on this machine: inn/settings.py:1 reads it without a default, and only containers of \
             docker-compose.yml get it: migrate there, such as by `git agentenv run -- docker compose run --rm web \
             python manage.py migrate`"
        ]
    );
    // A compose file of another name has the main checkout's project.
    let mut local = files(demanded);
    local[4].0 = "local.yml";
    let local = Seen {
        stacks: ["local.yml".to_owned()].into(),
        variables: ["docker/inn.env".to_owned()].into(),
        ..seen(&local)
    };
    let missing = detect(&local).missing;
    assert!(
        missing[0].contains("`git agentenv run -- docker compose run --rm web "),
        "{missing:?}"
    );
    for settings in [
        "environ.Env.read_env()\nSECRET_KEY = os.environ['SECRET_KEY']\n",
        "SECRET_KEY = os.environ.get('SECRET_KEY', 'x')\n",
    ] {
        let project = detect(&seen(&files(settings)));
        assert!(project.missing.is_empty(), "{:?}", project.missing);
    }
    let of_manage = |more: &[(&'static str, &'static str)], manage| {
        let mut all = files(demanded).to_vec();
        all[0].1 = manage;
        detect(&seen(&[&all, more].concat()))
    };
    let manage = "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'inn.settings')";
    for project in [
        of_manage(&[], "load_dotenv()  # from dotenv, before django"),
        of_manage(&[(".envrc", "export SECRET_KEY=y\n")], manage),
    ] {
        assert!(project.missing.is_empty(), "{:?}", project.missing);
        assert!(project.hooks.iter().any(|hook| hook.contains("manage.py migrate")));
    }
    let more = [
        ("web/package.json", r#"{ "dependencies": { "prisma": "5", "pg": "8" } }"#),
        (
            ".devcontainer/devcontainer.json",
            r#"{ "postCreateCommand": "python manage.py migrate" }"#,
        ),
    ];
    let hooks = of_manage(&more, manage).hooks;
    let migrations = hooks.iter().filter(|hook| hook.contains("migrate"));
    assert_eq!(migrations.collect::<Vec<_>>(), ["cd web && npx prisma migrate deploy"]);
}

#[test]
fn a_role_that_the_shared_server_lacks_is_named() {
    let of = |files: &[(&str, &str)]| without_role(&detect(&seen(files)));
    let env = (".env", "DATABASE_URL=postgres://inn@localhost/inn\n");
    let said = of(&[env]);
    assert!(said[0].starts_with("postgres: connects as `inn`, and the server of"), "{said:?}");
    let own = "services:\n  db: { image: 'postgres:16', ports: ['5432:5432'] }\n";
    assert_eq!(of(&[env, ("compose.yml", own)]), [""; 0]);
    assert_eq!(of(&[(".env", "DATABASE_URL=postgres://postgres@localhost/inn\n")]), [""; 0]);
}
