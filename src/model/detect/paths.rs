//! What the path of a file says of it.

mod copied;
mod stages;

use super::bound;
use super::proxies;
use super::references::is_script;
use copied::EXAMPLES;
pub use copied::used;
pub(super) use stages::{STAGES, is_of_other_stage, names_only_stage, names_stage};

/// Files by their exact names, wherever they are.
const NAMES: [&str; 43] = [
    ".envrc",
    ".flaskenv",
    ".gitignore",
    "Cargo.toml",
    "Gemfile",
    "Pipfile",
    "Procfile",
    "Procfile.dev",
    "alembic.ini",
    "build.gradle",
    "build.gradle.kts",
    "bun.lock",
    "bun.lockb",
    "cable.yml",
    "composer.json",
    "config.exs",
    "database.yml",
    "dev.env",
    "dev.exs",
    "devcontainer.json",
    "env.example",
    "example.env",
    "flyway.conf",
    "flyway.toml",
    "go.mod",
    "infra.yml",
    "knexfile.js",
    "local-infra.yml",
    "manage.py",
    "mix.exs",
    "ormconfig.json",
    "package-lock.json",
    "package.json",
    "pnpm-lock.yaml",
    "poetry.lock",
    "pom.xml",
    "proxy.conf.json",
    "pyproject.toml",
    "requirements.txt",
    "runtime.exs",
    "schema.prisma",
    "uv.lock",
    "yarn.lock",
];

/// Files of task runners, with the command that calls one of their tasks.
const RUNNERS: [(&str, &str); 10] = [
    ("GNUmakefile", "make"),
    ("Makefile", "make"),
    ("makefile", "make"),
    (".justfile", "just"),
    ("Justfile", "just"),
    ("justfile", "just"),
    ("Taskfile.yaml", "task"),
    ("Taskfile.yml", "task"),
    ("taskfile.yaml", "task"),
    ("taskfile.yml", "task"),
];

/// The command that calls a task of this file, if that is what it holds.
pub(super) fn runner(path: &str) -> Option<&'static str> {
    RUNNERS.iter().find(|(file, _)| *file == name(path)).map(|(_, call)| *call)
}

/// Directories whose files belong to another project, to tests or to what runs them.
pub(super) const FOREIGN: [&str; 15] = [
    ".circleci",
    ".github",
    ".gitlab",
    "cypress",
    "docs",
    "e2e",
    "examples",
    "fixtures",
    "node_modules",
    "playwright",
    "site-packages",
    "spec",
    "test",
    "tests",
    "vendor",
];

/// Directories below the top at most.
const DEEPEST: usize = 5;

/// Whether a file of this path can say how the project is run.
pub fn is_telling(path: &str) -> bool {
    if !is_near(path) {
        return false;
    }
    let name = name(path);
    let code = [".py", ".js", ".ts", ".mjs", ".mts", ".cjs", ".rb", ".go", ".rs", ".php"];
    let is_code = code.iter().any(|ending| name.ends_with(ending));
    let stem = name.split(['.', '_', '-']).next().unwrap_or_default();
    let is_settings =
        ["settings", "config", "configuration", "database", "data", "db", "env"].contains(&stem);
    let in_settings = path.contains("settings/") || path.contains("/config/");
    NAMES.contains(&name)
        || runner(path).is_some()
        || [".csproj", ".service"].iter().any(|end| name.ends_with(end))
        || is_environment(name)
        || is_compose(path)
        || is_celery(name)
        || is_script(path)
        || bound::is_settings(path)
        || proxies::is_environment(path)
        || (path.contains("requirements") && name.ends_with(".txt"))
        || (is_code && (is_settings || in_settings || name.contains(".config.")))
}

/// Whether the file is the project's own, and not too far below the top.
fn is_near(path: &str) -> bool {
    let mut dirs = dir(path).split('/');
    path.matches('/').count() <= DEEPEST && !dirs.any(|dir| FOREIGN.contains(&dir))
}

/// Whether a file of this path holds variables.
pub(super) fn is_environment(path: &str) -> bool {
    if is_of_other_stage(path) {
        return false;
    }
    let name = name(path);
    let is_example = EXAMPLES.iter().any(|word| name.contains(word));
    let is_text = [".ts", ".js", ".md", ".vault", ".keys"].iter().any(|end| name.ends_with(end));
    name == ".env"
        || name == ".flaskenv"
        || name.ends_with(".env")
        || (name.starts_with(".env.") && !is_text)
        || (name.contains("env") && is_example && !name.ends_with(".py"))
}

/// Whether a file of this path is a script that sets variables in a shell.
pub(super) fn is_envrc(path: &str) -> bool {
    name(path) == ".envrc"
}

/// Whether a file is a compose file, by its name or by its directory's.
pub(super) fn is_compose(path: &str) -> bool {
    let name = name(path);
    let yaml = [".yml", ".yaml"].iter().any(|ending| name.ends_with(ending));
    yaml && (name.starts_with("compose.") || name.contains("-compose"))
        || ["infra.yml", "local-infra.yml"].contains(&name)
        || (yaml && dir(path).split(['/', '-']).any(|word| word == "compose"))
}

/// Whether a file that names a variable may read it: it is no text about it, no compose file, and nothing that checks run.
pub fn may_read(path: &str) -> bool {
    let speaks = [".md", ".rst", ".txt", ".adoc", ".agentenv.yaml"];
    let mut dirs = dir(path).split('/');
    !speaks.iter().any(|ending| path.ends_with(ending))
        && !is_compose(path)
        && !dirs.any(|dir| dir.starts_with('.'))
}

/// Whether a module of this name may hold an application of Celery: `celery.py`, `celery_app.py`, `celeryapp.py`.
pub(super) fn is_celery(path: &str) -> bool {
    let stem = name(path).strip_prefix("celery").and_then(|rest| rest.strip_suffix(".py"));
    let is_plain = |stem: &str| stem.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
    stem.is_some_and(|stem| is_plain(stem) && !stem.contains("test"))
}

/// The name of a file, without its directory.
pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The directory of a file, with a slash at its end; empty at the top.
pub(super) fn dir(path: &str) -> &str {
    path.rfind('/').map_or("", |at| &path[..=at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_tell_by_their_names() {
        for path in [
            ".env",
            ".env.development.local",
            ".flaskenv",
            "a/.env.example",
            "src/paperless/settings.py",
            "x/settings/base.py",
            "manage.py",
            "docker/compose/docker-compose.postgres.yml",
            "backend/app/core/config.py",
            "a/package.json",
            "requirements/base.txt",
            ".devcontainer/common.env",
            "prisma/schema.prisma",
            "vite.config.ts",
            "Justfile",
            "api/taskfile.yaml",
        ] {
            assert!(is_telling(path), "{path}");
        }
        for path in [
            "README",
            ".env.production",
            ".env.test",
            ".github/workflows/docker.env",
            "playwright/docker-compose.yml",
            "tests/settings.py",
            "a/b/c/d/e/f/.env",
            "src/environment.rs",
            "x/views.py",
        ] {
            assert!(!is_telling(path), "{path}");
        }
    }

    #[test]
    fn a_directory_for_environment_files_says_their_stage_and_another_does_not() {
        for path in
            ["apps/preview/.env", "production/.env", "services/ci/.env", "test-runner/a.env"]
        {
            assert!(is_environment(path), "{path}");
        }
        for path in [".envs/.production/a.env", "env/ci/app.env", ".ci/.env", "api/.env.test"] {
            assert!(!is_environment(path), "{path}");
        }
    }

    #[test]
    fn modules_of_celery_are_known_by_their_names() {
        for path in ["inn/celery.py", "inn/celery_app.py", "celeryapp.py"] {
            assert!(is_celery(path), "{path}");
        }
        for path in ["inn/celery_test.py", "inn/test_celery.py", "celery-2.py", "celery.pyc"] {
            assert!(!is_celery(path), "{path}");
        }
    }

    #[test]
    fn what_speaks_of_a_variable_does_not_read_it() {
        for path in ["app/models.cs", "config/application.yml", ".env.example"] {
            assert!(may_read(path), "{path}");
        }
        for path in ["README.md", ".agentenv.yaml", "a/docker-compose.yml", ".github/ci.yml"] {
            assert!(!may_read(path), "{path}");
        }
    }
}
