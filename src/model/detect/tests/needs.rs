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
    assert_eq!(needs(KEY, &[(".env", "INN_KEY=own\n")]).0, [""; 0]);
}

#[test]
fn what_only_containers_get_gives_nothing_on_this_machine() {
    let stack =
        "services:\n  web:\n    build: .\n    ports: ['8000:8000']\n    env_file: [in.env]\n";
    let files = [("compose.yml", stack), ("in.env", "INN_KEY=own\n")];
    assert_eq!(needs(KEY, &files).0, [MADE]);
    let files = [("compose.yml", &*stack.replace("in.env", ".env")), (".env", "INN_KEY=own\n")];
    assert_eq!(needs(KEY, &files).0, [""; 0]);
}

#[test]
fn debugging_is_on_where_pages_need_static_files() {
    let schemes = "env = environ.Env(INN_DEBUG=(bool, False))\nDEBUG = env('INN_DEBUG')\n";
    for settings in [
        schemes,
        "DEBUG = os.environ.get('INN_DEBUG', 'False') != 'False'\n",
        "DEBUG = get_bool_from_env('INN_DEBUG', 'NO')\n",
        "DEBUG = env.bool('INN_DEBUG', default=False)\n",
        "DEBUG = os.getenv('INN_DEBUG') == 'True'\n",
    ] {
        assert_eq!(needs(settings, &[]).0, ["INN_DEBUG=True"], "{settings}");
    }
    for settings in [
        &schemes.replace("False", "True"),
        "DEBUG = os.environ.get('INN_DEBUG', 'True') == 'True'\n",
        "DEBUG = env.bool('INN_DEBUG', default=True)\n",
        "DEBUG = os.getenv('INN_DEBUG') != '0'\n",
        "DEBUG = os.getenv('INN_STAGE') == 'dev'\n",
        "DEBUG = True\n",
    ] {
        assert_eq!(needs(settings, &[]).0, [""; 0], "{settings}");
    }
    let off = needs(schemes, &[(".env", "INN_DEBUG=False\n")]);
    assert_eq!(off.0, [""; 0], "the developer's own");
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
