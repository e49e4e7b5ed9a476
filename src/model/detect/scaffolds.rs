//! Manifests of code templates: what a generator writes for others is none of the project's own applications.

use super::paths::{dir, name};
use super::seen::Seen;

/// Directories for such files.
const NAMES: [&str; 9] = [
    "__fixtures__",
    "__mocks__",
    "__tests__",
    "boilerplate",
    "generator",
    "generators",
    "scaffold",
    "template",
    "templates",
];

/// Files that an application or a package has.
const MANIFESTS: [&str; 12] = [
    "Cargo.toml",
    "Gemfile",
    "build.gradle",
    "build.gradle.kts",
    "composer.json",
    "go.mod",
    "manage.py",
    "mix.exs",
    "package.json",
    "pom.xml",
    "pyproject.toml",
    "requirements.txt",
];

/// Whether a file stands in a directory for such files.
fn is_template(path: &str) -> bool {
    // Yeoman finds generators by the beginning of their names.
    let is_one = |dir: &str| NAMES.contains(&dir) || dir.starts_with("generator-");
    dir(path).split('/').any(is_one)
}

/// Leaves them out where there is a manifest elsewhere.
pub(super) fn leave_out(paths: &mut Vec<&str>, seen: &Seen) {
    let is_manifest = |path: &str| MANIFESTS.contains(&name(path));
    let mut others = seen.files.keys().filter(|path| is_manifest(path) && !is_template(path));
    if paths.iter().any(|path| is_template(path)) && others.next().is_some() {
        paths.retain(|path| !is_template(path));
    }
}
