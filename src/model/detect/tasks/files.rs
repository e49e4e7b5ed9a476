//! Files that a task runner's file includes, and the scripts that its tasks call.

use crate::model::compose::join;
use crate::model::detect::created::program;
use crate::model::detect::paths::{dir, runner};
use crate::model::detect::seen::Seen;
use std::collections::BTreeSet;

/// How many files in a row may include each other.
const DEEPEST: usize = 4;

/// All of them that git tracks.
pub(in crate::model::detect) fn named(seen: &Seen) -> BTreeSet<String> {
    let runners = seen.files.keys().filter(|path| runner(path).is_some());
    let each = runners.flat_map(|file| {
        let texts = texts(seen, file);
        let included = texts.iter().flat_map(|(path, text)| included(seen, file, path, text));
        let called = texts.iter().flat_map(|(_, text)| {
            text.lines().flat_map(|line| scripts(seen, file, line)).collect::<Vec<_>>()
        });
        included.chain(called).collect::<Vec<_>>()
    });
    each.collect()
}

/// The text of a runner's file, and of the files that it includes, with their paths.
pub(super) fn texts<'a>(seen: &'a Seen, file: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut found = vec![(file, seen.text(file))];
    for _ in 0..DEEPEST {
        let all = found.iter().flat_map(|(path, text)| included(seen, file, path, text));
        let new: Vec<String> = all.filter(|path| !has(&found, path)).collect();
        let new = new.iter().filter_map(|path| seen.files.get_key_value(path));
        let new: Vec<(&str, &str)> =
            new.map(|(path, text)| (path.as_str(), text.as_str())).collect();
        if new.is_empty() {
            break;
        }
        found.extend(new);
    }
    found
}

fn has(found: &[(&str, &str)], path: &str) -> bool {
    found.iter().any(|(known, _)| *known == path)
}

/// `include build/app.mk`, `import 'app.just'`: from the runner's own directory on, as make has it, or from the file that
/// says so.
fn included(seen: &Seen, runner: &str, file: &str, text: &str) -> BTreeSet<String> {
    let words = ["include", "-include", "sinclude", "import", "import?"];
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let named = lines.flat_map(|line| {
        let mut all = line.split_whitespace();
        let is_it = all.next().is_some_and(|word| words.contains(&word));
        all.filter(move |_| is_it).map(|word| word.trim_matches(['\'', '"']))
    });
    let paths = named.flat_map(|path| [dir(runner), dir(file)].map(|from| join(from, path)));
    paths.filter(|path| seen.tracked.contains(path) && !seen.is_environment(path)).collect()
}

/// The tracked scripts among the words of a line.
pub(super) fn scripts(seen: &Seen, runner: &str, line: &str) -> Vec<String> {
    let words = line.split(|c: char| c.is_whitespace() || "@;&|()'\"".contains(c));
    let paths = words.filter(|word| word.contains('/') || word.ends_with(".sh"));
    let paths = paths.map(|word| join(dir(runner), word));
    let is_script = |path: &String| {
        let name = path.rsplit('/').next().unwrap_or_default();
        seen.tracked.contains(path) && (name.ends_with(".sh") || !name.contains('.'))
    };
    paths.filter(is_script).collect()
}

/// What a task runs, with what the scripts of the shell do that it calls. What is not known of them may be anything.
pub(super) fn with_scripts(seen: &Seen, runner: &str, mut text: String) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let called: BTreeSet<String> =
        lines.iter().flat_map(|line| scripts(seen, runner, line)).collect();
    let more: String = called.iter().map(|path| of_script(seen, path)).collect();
    text.push_str(&more);
    text
}

/// The commands of a script of the shell. One of another language may do anything.
fn of_script(seen: &Seen, path: &str) -> String {
    let text = seen.files.get(path).filter(|text| match interpreter(text) {
        Some(program) => ["ash", "bash", "dash", "ksh", "sh", "zsh"].contains(&program),
        None => path.ends_with(".sh"),
    });
    let Some(text) = text else { return "$(unknown)\n".to_owned() };
    let is_code =
        |line: &&str| !(line.is_empty() || line.starts_with('#') || line.starts_with("set "));
    let text = text.replace("\\\n", " ");
    let own = text.lines().map(str::trim).filter(is_code).map(|line| {
        match scripts(seen, path, line).is_empty() {
            true => format!("{}\n", line.strip_prefix("exec ").unwrap_or(line)),
            false => "$(unknown)\n".to_owned(),
        }
    });
    own.collect()
}

/// The program that the first line of a script names: `#!/usr/bin/env -S bash -e`.
fn interpreter(text: &str) -> Option<&str> {
    let words = text.lines().next()?.strip_prefix("#!")?.split_whitespace();
    words.map(program).find(|word| *word != "env" && !word.starts_with('-'))
}
