//! The files of a repository that say how it is run.

use super::bound;
use super::install::is_lock;
use super::references::is_script;
use super::scaffolds;
use std::collections::{BTreeMap, BTreeSet};

/// What there is to look at.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The directory's name.
    pub repo: String,
    /// The content of the files that [`is_telling`], by path.
    pub files: BTreeMap<String, String>,
    /// Those of them that git tracks: what they hold is no secret.
    pub tracked: BTreeSet<String>,
    /// Files of variables that compose files name, whatever they are called.
    pub variables: BTreeSet<String>,
    /// Compose files that scripts start, whatever they are called.
    pub stacks: BTreeSet<String>,
    /// Further files that git tracks and that name a server, by path.
    pub others: BTreeMap<String, String>,
}

/// Files by their exact names, wherever they are.
const NAMES: [&str; 43] = [
    ".flaskenv",
    "Cargo.toml",
    "Gemfile",
    "Makefile",
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
    "justfile",
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
        || name.ends_with(".csproj")
        || is_environment(name)
        || is_compose(path)
        || is_celery(name)
        || is_script(path)
        || bound::is_settings(path)
        || (path.contains("requirements") && name.ends_with(".txt"))
        || (is_code && (is_settings || in_settings || name.contains(".config.")))
}

/// Whether the file is the project's own, and not too far below the top.
fn is_near(path: &str) -> bool {
    let mut dirs = dir(path).split('/');
    path.matches('/').count() <= DEEPEST && !dirs.any(|dir| FOREIGN.contains(&dir))
}

/// Words in the name of an example.
const EXAMPLES: [&str; 4] = ["example", "sample", "template", "dist"];

/// The file that an example is copied to: `.env.example` to `.env`, `config.py.dev.example` to `config.py`. The copy is
/// each developer's own, so git ignores it.
pub fn used(path: &str) -> Option<String> {
    let name = name(path);
    if !EXAMPLES.iter().any(|word| name.contains(word)) || !is_near(path) {
        return None;
    }
    let copy = EXAMPLES.iter().fold(name.to_owned(), |name, word| without(&name, word));
    // Environment files of a stage stand beside each other.
    let staged = copy.strip_suffix(".dev").filter(|_| !is_environment(&copy));
    (copy != name).then(|| format!("{}{}", dir(path), staged.unwrap_or(&copy)))
}

/// A name without a word, and without the mark before it.
fn without(name: &str, word: &str) -> String {
    let is_word = |at: usize| {
        let after = &name[at + word.len()..];
        name[..at].ends_with(['.', '_', '-']) && !after.starts_with(char::is_alphanumeric)
    };
    match name.match_indices(word).find(|(at, _)| is_word(*at)) {
        Some((at, _)) => format!("{}{}", &name[..at - 1], &name[at + word.len()..]),
        None => name.to_owned(),
    }
}

/// Stages that developers do not run.
pub(super) const STAGES: [&str; 9] =
    ["ci", "e2e", "preview", "prod", "production", "staging", "test", "testing", "tests"];

/// Whether a word of a path says that the file is for another stage than development.
pub(super) fn is_of_other_stage(path: &str) -> bool {
    path.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| STAGES.contains(&word))
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

/// Whether a module of this name may hold an application of Celery: `celery.py`, `celery_app.py`.
pub(super) fn is_celery(path: &str) -> bool {
    let name = name(path);
    name.starts_with("celery") && name.ends_with(".py")
}

impl Seen {
    /// Whether a file holds variables, by its name or by what refers to it.
    pub(super) fn is_environment(&self, path: &str) -> bool {
        is_environment(path) || (self.variables.contains(path) && !is_of_other_stage(path))
    }

    /// A tracked file holds this text.
    pub(super) fn is_public(&self, text: &str) -> bool {
        let mut tracked = self.tracked.iter().filter_map(|path| self.files.get(path));
        tracked.any(|content| content.contains(text))
    }

    /// A tracked file has this text for a password: a short one may stand in any file, and many are plain words.
    pub(super) fn is_public_password(&self, text: &str) -> bool {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let signs = ["pass", "pwd", "auth", "://"];
        let has = |line: &str| {
            line.contains(text)
                && signs.iter().any(|sign| line.to_lowercase().contains(sign))
                && line.split(|c| !is_part(c)).any(|word| word.trim_start_matches('-') == text)
        };
        let files = self.files.iter();
        let mut tracked = files.filter(|(path, _)| self.tracked.contains(*path) && !is_lock(path));
        tracked.any(|(_, content)| content.lines().any(has))
    }

    /// A file names a variable that neither holds variables itself nor runs containers.
    pub(super) fn is_in_code(&self, name: &str) -> bool {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let mut files = self.files.iter().chain(&self.others);
        files.any(|(path, text)| {
            let is_code = text.contains(name) && !self.is_environment(path) && !is_compose(path);
            is_code && text.split(|c| !is_part(c)).any(|word| word == name)
        })
    }

    /// The paths of the files with this name, the topmost first. Those of templates count where there is nothing else.
    pub(super) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let mut paths: Vec<&str> = self.files.keys().map(String::as_str).collect();
        paths.retain(|path| self::name(path) == name);
        scaffolds::leave_out(&mut paths, self);
        paths.sort_by_key(|path| path.matches('/').count());
        paths.into_iter()
    }

    /// The content of a file; nothing when it is not there.
    pub(super) fn text(&self, path: &str) -> &str {
        self.files.get(path).or_else(|| self.others.get(path)).map_or("", String::as_str)
    }

    /// The files whose paths end so, with their content.
    pub(super) fn ending<'a>(
        &'a self,
        endings: &'a [&str],
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let files = self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        files.filter(|(path, _)| endings.iter().any(|ending| path.ends_with(ending)))
    }
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
        ] {
            assert!(is_telling(path), "{path}");
        }
        for path in [
            "README",
            ".env.production",
            ".env.test",
            ".envs/.production/.django",
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
    fn what_speaks_of_a_variable_does_not_read_it() {
        for path in ["app/models.cs", "config/application.yml", ".env.example"] {
            assert!(may_read(path), "{path}");
        }
        for path in ["README.md", ".agentenv.yaml", "a/docker-compose.yml", ".github/ci.yml"] {
            assert!(!may_read(path), "{path}");
        }
    }
}
