//! Commands written for a container that are right in a worktree, too: those that only prepare the project.

use super::{entered, program, words};
use crate::model::detect::seen::Seen;

/// Words of commands that delete.
const HARM: [&str; 8] = ["clean", "clear", "down", "drop", "flush", "fresh", "reset", "rollback"];

/// A word of a text is one of these.
pub(in crate::model::detect) fn is_harm(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| HARM.contains(&word))
}

/// A command has plain words alone: no variable, no place outside of the repository, none of the main checkout's parts.
pub(super) fn is_plain(part: &str, mains: &[&str]) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || " ._-:=,@/".contains(c);
    let is_own = |word: &str| {
        let value = word.rsplit('=').next().unwrap_or_default();
        !value.starts_with('/')
            && !["..", "://", ".devcontainer", ".env"].iter().any(|sign| word.contains(sign))
            && !["-g", "--global", "--user"].contains(&word)
            && !mains.contains(&value)
            && !is_harm(word)
    };
    part.chars().all(is_part) && part.split(' ').all(is_own)
}

/// Programs that prepare the project which they are called in.
const PROGRAMS: [&str; 17] = [
    "alembic", "artisan", "bun", "bundle", "cargo", "composer", "flask", "go", "mix", "npm",
    "pipenv", "pnpm", "poetry", "prisma", "rails", "uv", "yarn",
];

/// Words for what prepares a project.
const WORK: [&str; 10] = [
    "build", "deps.get", "fixture", "generate", "loaddata", "migrat", "populate", "seed", "sync",
    "upgrade",
];

/// It installs, builds, migrates or fills, by a program that is known or by a script of the repository.
pub(super) fn is_allowed(seen: &Seen, part: &str) -> bool {
    let is_work = |word: &str| WORK.iter().any(|work| word.contains(work));
    let words = words(part);
    let words = words.strip_prefix(&["php"]).unwrap_or(&words);
    let words = words.strip_prefix(&["bash"]).or(words.strip_prefix(&["sh"])).unwrap_or(words);
    let Some((first, rest)) = words.split_first().filter(|_| entered(part).is_none()) else {
        return entered(part).is_some();
    };
    let path = first.trim_start_matches("./");
    let is_script = path.contains('.') || path.contains('/');
    if is_script && seen.tracked.contains(path) && program(path) != "manage.py" {
        return is_work(program(path))
            || (is_known(program(path)) && rest.first().is_some_and(|word| is_work(word)));
    }
    match rest {
        _ if program(path) == "manage.py" => rest.first().is_some_and(|word| is_work(word)),
        _ if is_script || !is_known(path) => false,
        [] => path == "yarn",
        ["install" | "ci" | "i"] => !["cargo", "go", "flask", "mix"].contains(&path),
        ["run" | "db", word, ..] => is_work(word) && path != "cargo",
        ["install" | "i" | "ci" | "run" | "db", ..] => false,
        [word, ..] => is_work(word),
    }
}

fn is_known(program: &str) -> bool {
    PROGRAMS.contains(&program) || program == "rake"
}
