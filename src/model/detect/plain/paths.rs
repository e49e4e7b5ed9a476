//! Files that a developer's application may read.

use crate::model::detect::bound;
use crate::model::detect::paths::{self, FOREIGN, dir, is_compose, name, names_only_stage};
use crate::model::detect::seen::Seen;

/// What else is not how a developer runs the application; in a directory `docker` is what containers read.
const OTHERS: [&str; 18] = [
    "__tests__",
    "ansible",
    "benches",
    "charts",
    "contrib",
    "ci",
    "deploy",
    "deployment",
    "deployments",
    "doc",
    "docker",
    "helm",
    "k8s",
    "kubernetes",
    "migrations",
    "specs",
    "terraform",
    "testdata",
];

/// Words in the names of directories that hold tests.
const TESTS: [&str; 4] = ["test", "tests", "unittest", "unittests"];

/// Whether a file holds settings in Python, which are read elsewhere.
pub(super) fn is_settings(seen: &Seen, path: &str) -> bool {
    path.ends_with(".py") && seen.files.contains_key(path)
}

/// `config/inn.exs`: settings of one of Elixir's stages, unless those of development import it by its name.
fn is_stage(seen: &Seen, path: &str) -> bool {
    let Some(near) = dir(path).strip_suffix("config/").filter(|_| path.ends_with(".exs")) else {
        return false;
    };
    let read = ["config", "dev", "runtime"].map(|name| format!("{near}config/{name}.exs"));
    let is_imported = || {
        let import = format!("import_config \"{}\"", name(path));
        read.iter().any(|file| seen.text(file).contains(&import))
    };
    seen.tracked.contains(&format!("{near}mix.exs"))
        && !read.iter().any(|file| file == path)
        && !is_imported()
}

/// Whether a developer's application may read the file. Environment files and compose files are read elsewhere.
pub fn is_run(seen: &Seen, path: &str) -> bool {
    let lower = path.to_lowercase();
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_owned).collect()
    };
    let name = name(&lower);
    let other = ["spec", "lock", "readme", "docker", "dockerfile", "changelog", "vagrantfile"];
    let text = [
        ".md", ".mdx", ".rst", ".txt", ".html", ".svg", ".po", ".adoc", ".ipynb", ".sql", ".sh.j2",
        ".lock", ".1", ".service",
    ];
    !seen.is_environment(path)
        && !is_compose(path)
        && !bound::is_idle(seen, path)
        && !is_stage(seen, path)
        && !lower.starts_with('.')
        && !lower.split('/').any(|dir| FOREIGN.contains(&dir) || OTHERS.contains(&dir))
        && !words(dir(&lower)).iter().any(|word| TESTS.contains(&word.as_str()))
        && !names_only_stage(name)
        && !words(name).iter().any(|word| other.contains(&word.as_str()))
        && !paths::name(path).contains("Test")
        && !text.iter().any(|end| lower.ends_with(end))
        // What the migrations of Alembic use is told with them.
        && !["alembic.ini", "package-lock.json", "pnpm-lock.yaml"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tests_and_containers_read_is_not_run() {
        for path in ["src/contest/a.rs", "lib/latest/a.ex", "config/dev.exs"] {
            assert!(is_run(&Seen::default(), path), "{path}");
        }
        for path in [
            "crates/tests-database/a.rs",
            "docker/inn.hjson",
            "unittests/scans/a.json",
            "handbook/a.mdx",
        ] {
            assert!(!is_run(&Seen::default(), path), "{path}");
        }
    }
}
