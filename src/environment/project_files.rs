//! The files of a project that say how it is run.

use crate::environment::context::Context;
use crate::model::detect::{
    References, Seen, is_lock, is_run, is_telling, patterns, references, started, used,
};
use crate::sys::{fs, git, parallel};
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A project has a few dozen of these files.
const MOST: usize = 400;

/// Environment files that git ignores.
const IGNORED: [&str; 5] =
    [".env", ".env.local", ".env.development", ".env.development.local", ".flaskenv"];

/// Files beside which a project has these.
const MANIFESTS: [&str; 8] = [
    "Gemfile",
    "composer.json",
    "go.mod",
    "manage.py",
    "mix.exs",
    "package.json",
    "pyproject.toml",
    "requirements.txt",
];

/// How many files in a row may include each other.
const DEPTH: usize = 4;

/// Files of the languages whose programs migrate a database by themselves, or say themselves where they listen.
const PROGRAMS: [&str; 2] = ["*.go", "*.rs"];

/// What a migration of dbmate or goose holds that both applies and takes back.
const BOTH_WAYS: &str = "-- *(migrate:down|\\+goose *down)";

/// Reads the files that exist, then those that they refer to. Skips symbolic links, what a directory that is one keeps
/// outside of the checkout, binary files and files over 1 MiB, but for lock files: of these it counts that they exist.
pub fn read(context: &Context) -> Result<Seen> {
    let main = &context.repo.main;
    let tracked: BTreeSet<String> = git::files(main, "--cached")?.into_iter().collect();
    let untracked = git::files(main, "--others")?;
    let known = tracked.iter().cloned().chain(untracked).filter(|path| is_telling(path));
    // Most of what git ignores does not exist: it is counted by itself.
    let paths = ignored(&tracked).take(MOST).chain(copies(&tracked)).chain(known.take(MOST));
    let paths = paths.collect();
    let mut seen = Seen {
        repo: context.repo.name(),
        files: contents(main, paths),
        tracked,
        ..Seen::default()
    };
    seen.stacks = started(&seen);
    let mut stacks = seen.stacks.clone();
    for _ in 0..DEPTH {
        let References { variables, stacks: further, tasks } = references(&seen, &stacks);
        stacks.extend(further);
        let new = variables.union(&stacks).chain(&tasks);
        let new = new.filter(|path| !seen.files.contains_key(*path));
        let new: BTreeSet<String> = new.filter(|path| is_inside(path)).cloned().collect();
        seen.variables.extend(variables);
        let new = contents(main, new);
        if new.is_empty() {
            break;
        }
        seen.files.extend(new);
    }
    let others = others(main, &seen)?;
    seen.others = contents(main, others);
    Ok(seen)
}

/// Further files of the application, by what their lines hold.
fn others(main: &Path, seen: &Seen) -> Result<BTreeSet<String>> {
    let found = |pattern: &str, files: &[&str], most: usize| -> Result<Vec<String>> {
        let is_new = |path: &String| !seen.files.contains_key(path) && is_run(seen, path);
        Ok(git::naming(main, pattern, files)?.into_iter().filter(is_new).take(most).collect())
    };
    let mut others = found(&patterns::servers(), &[], MOST)?;
    others.extend(found(&patterns::starts(), &PROGRAMS, MOST)?);
    if seen.files.iter().any(|(path, text)| path.ends_with("Cargo.toml") && text.contains("sqlx")) {
        // One says as much as all.
        others.extend(found(&patterns::checked(), &PROGRAMS, 1)?);
        others.extend(git::naming(main, BOTH_WAYS, &["*.sql"])?.into_iter().take(1));
    }
    Ok(others.into_iter().collect())
}

/// The environment files at the top, in directories that are usual for a server, and beside each manifest.
fn ignored(tracked: &BTreeSet<String>) -> impl Iterator<Item = String> {
    let usual = ["", "backend/", "server/", "api/", "src/"].map(str::to_owned).into_iter();
    let manifests = tracked.iter().filter_map(|path| {
        let at = path.rfind('/')? + 1;
        (MANIFESTS.contains(&&path[at..]) && is_telling(path)).then(|| path[..at].to_owned())
    });
    let dirs: BTreeSet<String> = usual.chain(manifests).collect();
    dirs.into_iter().flat_map(|dir| IGNORED.map(|name| format!("{dir}{name}")))
}

/// The files beside examples of them, which are each developer's own.
fn copies(tracked: &BTreeSet<String>) -> impl Iterator<Item = String> {
    let copies = tracked.iter().filter_map(|path| used(path));
    copies.filter(|path| !tracked.contains(path)).take(MOST)
}

/// The path does not leave the checkout.
fn is_inside(path: &str) -> bool {
    !path.starts_with('/') && !path.split('/').any(|part| part == "..")
}

fn contents(main: &Path, paths: BTreeSet<String>) -> BTreeMap<String, String> {
    let paths: Vec<String> = paths.into_iter().collect();
    let main = fs::canonical(main);
    let contents = parallel::each(&paths, |path| {
        let unread = || is_lock(path).then(Vec::new);
        let file = main.join(path);
        // A directory of the path may be a link.
        let is_inside = file.parent().is_some_and(|dir| fs::canonical(dir).starts_with(&main));
        is_inside.then(|| fs::read(&file).unwrap_or_else(|_| unread())).flatten()
    });
    let found = paths.into_iter().zip(contents);
    let found = found.filter_map(|(path, content)| Some((path, content?)));
    found.map(|(path, content)| (path, String::from_utf8_lossy(&content).into_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_beside_an_example_is_read_whatever_it_is_called() {
        let tracked = ["config/database.yml.sample", "s/config.py.dev.example", "x.sample", "x"];
        let found = copies(&tracked.map(str::to_owned).into_iter().collect()).collect::<Vec<_>>();
        assert_eq!(found, ["config/database.yml", "s/config.py"]);
    }

    #[test]
    fn a_lock_file_counts_whatever_its_size() {
        let dir = tempfile::tempdir().unwrap();
        let large = "x".repeat(usize::try_from(fs::LIMIT).unwrap() + 1);
        for name in ["package-lock.json", "settings.py"] {
            fs::replace(&dir.path().join(name), large.as_bytes()).unwrap();
        }
        fs::replace(&dir.path().join("uv.lock"), b"own").unwrap();
        let paths = ["package-lock.json", "settings.py", "uv.lock", "yarn.lock"];
        let found = contents(dir.path(), paths.map(str::to_owned).into_iter().collect());
        let found: Vec<(&str, &str)> =
            found.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        assert_eq!(found, [("package-lock.json", ""), ("uv.lock", "own")]);
    }

    #[test]
    fn nothing_is_read_through_a_directory_that_leads_out_of_the_checkout() {
        let dir = tempfile::tempdir().unwrap();
        let (main, other) = (dir.path().join("main"), dir.path().join("other"));
        for inner in [&main.join("own"), &other] {
            fs::make_dir(inner).unwrap();
            fs::replace(&inner.join("a.env"), b"A=1").unwrap();
        }
        std::os::unix::fs::symlink(&other, main.join("out")).unwrap();
        std::os::unix::fs::symlink(main.join("own"), main.join("in")).unwrap();
        let paths = ["own/a.env", "in/a.env", "out/a.env"];
        let found = contents(&main, paths.map(str::to_owned).into_iter().collect());
        assert_eq!(found.keys().collect::<Vec<_>>(), ["in/a.env", "own/a.env"]);
    }
}
