//! The files of a project that say how it is run.

use crate::environment::context::Context;
use crate::model::detect::{Seen, is_telling, used};
use crate::sys::{fs, git, parallel};
use anyhow::Result;
use std::collections::BTreeSet;

/// A project has a few dozen of these files.
const MOST: usize = 400;

/// The environment files that a project has at its top and beside it, ignored by git as they are.
const IGNORED: [&str; 5] = [".env", "backend/.env", "server/.env", "api/.env", "src/.env"];

/// Reads the files that exist. Skips symbolic links, binary files and files over 1 MiB.
pub fn read(context: &Context) -> Result<Seen> {
    let main = &context.repo.main;
    let tracked: BTreeSet<String> = git::files(main, "--cached")?.into_iter().collect();
    let untracked = git::files(main, "--others")?;
    let known = tracked.iter().cloned().chain(untracked).filter(|path| is_telling(path));
    let ignored = IGNORED.iter().map(|path| (*path).to_owned());
    let copies = tracked.iter().filter(|path| is_telling(path)).filter_map(|path| used(path));
    let paths: BTreeSet<String> = ignored.chain(copies).chain(known).take(MOST).collect();
    let paths: Vec<String> = paths.into_iter().collect();
    let contents = parallel::each(&paths, |path| fs::read(&main.join(path)).ok().flatten());
    let found = paths.into_iter().zip(contents);
    let found = found.filter_map(|(path, content)| Some((path, content?)));
    let files = found.map(|(path, content)| (path, String::from_utf8_lossy(&content).into_owned()));
    Ok(Seen { repo: context.repo.name(), files: files.collect(), tracked })
}
