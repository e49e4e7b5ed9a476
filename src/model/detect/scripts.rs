//! What the scripts of a `package.json` run in the end.

use super::paths::dir;
use super::seen::Seen;
use serde_json::Value;
use std::cell::Cell;

/// A program that a script runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End<'a> {
    /// The `package.json` in whose directory it runs.
    pub(super) file: &'a str,
    /// The program's name, and what it gets.
    pub(super) words: Vec<String>,
    /// It gets the options that stand behind the script's name too.
    pub(super) is_open: bool,
}

/// How many scripts in a row may call each other.
const DEPTH: usize = 6;

/// How many scripts are followed in all: a few may call each other very often.
const MOST: usize = 1000;

/// Programs that run the scripts of a package, the first one that is named.
const RUNNERS: [&str; 4] = ["npm", "pnpm", "yarn", "bun"];

/// Programs that run all scripts or commands that are named.
const MANY: [&str; 7] = ["turbo", "nx", "lerna", "concurrently", "npm-run-all", "run-p", "run-s"];

/// Programs that run what follows their own options.
const WRAPPERS: [&str; 7] = ["cross-env", "dotenv", "dotenvx", "env", "exec", "npx", "bunx"];

/// Options and words that name the package to run scripts of.
const CHOICES: [&str; 6] = ["--filter", "-F", "--workspace", "-w", "workspace", "--scope"];

/// The programs at the end of a script.
pub(super) fn ends<'a>(seen: &'a Seen, file: &'a str, script: &str) -> Vec<End<'a>> {
    Packages { seen, left: Cell::new(MOST) }.script(file, script, &[], DEPTH)
}

/// The commands of a package, by name.
pub(super) fn scripts(seen: &Seen, file: &str) -> Vec<(String, String)> {
    let package: Value = serde_json::from_str(seen.text(file)).unwrap_or_default();
    let scripts = package["scripts"].as_object().into_iter().flatten();
    let texts = scripts.filter_map(|(name, text)| Some((name.clone(), text.as_str()?.to_owned())));
    texts.collect()
}

struct Packages<'a> {
    seen: &'a Seen,
    /// How many scripts may still be followed.
    left: Cell<usize>,
}

impl<'a> Packages<'a> {
    /// The programs of a script that gets these words too.
    fn script(&self, file: &'a str, name: &str, more: &[String], depth: usize) -> Vec<End<'a>> {
        let (Some(depth), Some(left)) = (depth.checked_sub(1), self.left.get().checked_sub(1))
        else {
            return Vec::new();
        };
        self.left.set(left);
        let scripts = scripts(self.seen, file);
        let text = scripts.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str());
        self.text(file, text.unwrap_or_default(), more, depth)
    }

    fn text(&self, file: &'a str, text: &str, more: &[String], depth: usize) -> Vec<End<'a>> {
        let mut commands = commands(text);
        if let Some(last) = commands.last_mut() {
            last.extend(more.iter().cloned());
        }
        let count = commands.len();
        let each = commands.into_iter().enumerate();
        let found = each.flat_map(|(at, words)| {
            let ends = self.command(file, &words, depth).into_iter();
            ends.map(move |end| End { is_open: end.is_open && at + 1 == count, ..end })
        });
        found.collect()
    }

    fn command(&self, file: &'a str, words: &[String], depth: usize) -> Vec<End<'a>> {
        let is_value = |word: &&String| word.split_once('=').is_some_and(|(name, _)| is_word(name));
        let words = &words[words.iter().take_while(is_value).count()..];
        let Some((program, rest)) = words.split_first() else { return Vec::new() };
        let program = program.rsplit('/').next().unwrap_or_default();
        if WRAPPERS.contains(&program) {
            return self.command(file, wrapped(rest), depth);
        }
        if MANY.contains(&program) {
            return self.many(file, program, rest, depth);
        }
        if RUNNERS.contains(&program) {
            return self.run(file, program, rest, depth);
        }
        let words = [&[program.to_owned()], rest].concat();
        vec![End { file, words, is_open: true }]
    }

    /// `pnpm --filter site dev -- --open`: the script, else a program of the package.
    fn run(&self, file: &'a str, program: &str, words: &[String], depth: usize) -> Vec<End<'a>> {
        let (chosen, words) = self.chosen(words);
        let options = words.iter().take_while(|word| word.starts_with('-') || *word == "run");
        let words = &words[options.count()..];
        let Some((name, rest)) = words.split_first() else { return Vec::new() };
        let files = if chosen.is_empty() { vec![file] } else { chosen };
        let mut named = files.into_iter().filter(|file| has(self.seen, file, name)).peekable();
        if named.peek().is_none() {
            let words = if name == "exec" { rest } else { words };
            return if program == "npm" { Vec::new() } else { self.command(file, words, depth) };
        }
        // npm takes all options that stand before `--` for its own.
        let is_open = program != "npm" || rest.iter().any(|word| word == "--");
        let rest = rest.strip_prefix(&["--".to_owned()]).unwrap_or(rest);
        let found = named.flat_map(|file| self.script(file, name, rest, depth));
        found.map(|end| End { is_open: end.is_open && is_open, ..end }).collect()
    }

    /// `turbo run dev --filter=site`, `concurrently "tsc -w" "npm:dev"`, `run-p dev:*`.
    fn many(&self, file: &'a str, program: &str, words: &[String], depth: usize) -> Vec<End<'a>> {
        let (chosen, words) = self.chosen(words);
        // Below the top, they choose the package that they are called in.
        let is_all = ["turbo", "nx", "lerna"].contains(&program) && dir(file).is_empty();
        let others = || self.seen.named("package.json").filter(|other| *other != file).collect();
        let files: Vec<&'a str> = match chosen.is_empty() {
            false => chosen,
            true if is_all => others(),
            true => vec![file],
        };
        let read = |file| (file, scripts(self.seen, file));
        let files: Vec<_> = files.into_iter().map(read).collect();
        let mut found = Vec::new();
        for word in words.iter().filter(|word| !word.starts_with('-')) {
            if word.contains(' ') {
                found.extend(self.text(file, word, &[], depth.saturating_sub(1)));
            }
            let name = word.strip_prefix("npm:").unwrap_or(word);
            for (file, scripts) in &files {
                let named = scripts.iter().filter(|(script, _)| is_like(name, script));
                found.extend(named.flat_map(|(script, _)| self.script(file, script, &[], depth)));
            }
        }
        found.into_iter().map(|end| End { is_open: false, ..end }).collect()
    }

    /// The packages that options choose, and the words without these options.
    fn chosen(&self, words: &[String]) -> (Vec<&'a str>, Vec<String>) {
        let (mut chosen, mut kept) = (Vec::new(), Vec::new());
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let (option, value) = word.split_once('=').unwrap_or((word, ""));
            if !CHOICES.contains(&option) {
                kept.push(word.clone());
                continue;
            }
            let value =
                if value.is_empty() { words.next().map_or("", String::as_str) } else { value };
            let value = value.trim_start_matches("./").trim_matches('.');
            let is_it = |file: &&str| {
                let package: Value = serde_json::from_str(self.seen.text(file)).unwrap_or_default();
                package["name"] == *value || dir(file).trim_end_matches('/') == value
            };
            chosen.extend(self.seen.named("package.json").filter(is_it));
        }
        (chosen, kept)
    }
}

fn has(seen: &Seen, file: &str, script: &str) -> bool {
    scripts(seen, file).iter().any(|(name, _)| name == script)
}

/// Whether a script is meant by a name that may end in `*`.
fn is_like(name: &str, script: &str) -> bool {
    name.strip_suffix('*').map_or(name == script, |start| script.starts_with(start))
}

/// What a wrapper runs: what stands behind `--`, else behind its options and variables.
fn wrapped(words: &[String]) -> &[String] {
    match words.iter().position(|word| word == "--") {
        Some(at) => &words[at + 1..],
        None => {
            let is_own = |word: &&String| word.starts_with('-') || *word == "run";
            &words[words.iter().take_while(is_own).count()..]
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The commands of a line for the shell, each in words without their quotes.
fn commands(text: &str) -> Vec<Vec<String>> {
    let (mut found, mut words, mut word, mut quote) = (Vec::new(), Vec::new(), String::new(), None);
    for c in text.chars().chain([';']) {
        let is_end = quote.is_none() && (c.is_whitespace() || "&|;".contains(c));
        match quote {
            Some(open) if open == c => quote = None,
            None if ['"', '\''].contains(&c) => quote = Some(c),
            _ if !is_end => word.push(c),
            _ => {}
        }
        if is_end && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if is_end && !c.is_whitespace() {
            found.push(std::mem::take(&mut words));
        }
    }
    found.retain(|words| !words.is_empty());
    found
}
