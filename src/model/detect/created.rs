//! Commands that `devcontainer.json` runs once in a new container: a new worktree may need them, too.

mod allowed;

use super::Evidence;
use super::devcontainer;
use super::install::{runner, runner_inside};
use super::seen::Seen;
use super::tasks::{self, Task};
use crate::model::shell;
pub(super) use allowed::is_harm;
use allowed::{is_allowed, is_plain};
use serde_json::Value;

/// Keys of these commands, in their order. What runs at each start is no preparation.
const KEYS: [&str; 3] = ["onCreateCommand", "updateContentCommand", "postCreateCommand"];

/// What such commands are for a worktree.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Commands {
    /// Those that do more than the commands which are known.
    pub(super) run: Vec<String>,
    /// Those that may only be right in the container.
    pub(super) inside: Vec<String>,
}

/// Those that do what `known` does not. `mains` are the main checkout's parts on servers, which no command may name.
pub(super) fn find(evidence: &Evidence<'_>, known: &[String], mains: &[&str]) -> Commands {
    let seen = evidence.seen;
    let mut found = Commands::default();
    let Some((_, settings)) = devcontainer::read(seen) else { return found };
    for text in KEYS.iter().flat_map(|key| texts(&settings[*key])) {
        let command = unwrapped(&text);
        let more = more(seen, &command, known);
        let is_one = |part: &str| is_plain(part, mains) && is_allowed(seen, part);
        let is_right = |part: &&str| match tasks::called(seen, part) {
            Some(task) => !task.is_refused(evidence) && work(&task).all(is_one),
            None => is_one(part),
        };
        match more.iter().all(is_right) {
            true if more.iter().all(|part| entered(part).is_some()) => {}
            true => found.run.push(with_runners(seen, &more)),
            false => found.inside.push(text),
        }
    }
    found
}

/// A text, a list of words, or several of these by name. The lines of a text are commands.
fn texts(value: &Value) -> Vec<String> {
    let one_space = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines = |text: &str| {
        let lines = text.lines().map(|line| one_space(line.trim().trim_end_matches("&&")));
        lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" && ")
    };
    match value {
        Value::String(text) => vec![lines(text)],
        Value::Array(list) => {
            let words = list.iter().filter_map(Value::as_str).map(shell::word);
            vec![words.collect::<Vec<_>>().join(" ")]
        }
        Value::Object(all) => all.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// `bash -c 'a && b'` is `a && b`.
fn unwrapped(text: &str) -> String {
    let is_shell = |before: &str| {
        let mut words = before.split(' ');
        words.next().is_some_and(|shell| ["sh", "bash"].contains(&program(shell)))
            && words.all(|word| word.starts_with('-'))
    };
    let inner = text.split_once(" -c ").filter(|(before, _)| is_shell(before));
    let inner = inner.map(|(_, inner)| inner.trim());
    let quoted =
        |quote: char| inner?.strip_prefix(quote)?.strip_suffix(quote).map(|text| (quote, text));
    let plain = quoted('\'').or_else(|| quoted('"'));
    plain
        .filter(|(quote, text)| !text.contains([*quote, '\\', '$']))
        .map_or(text, |(_, text)| text)
        .to_owned()
}

fn parts(command: &str) -> impl Iterator<Item = &str> {
    command.split("&&").map(str::trim)
}

/// The commands of a task, without what it only tells.
fn work(task: &Task) -> impl Iterator<Item = &str> {
    let lines = task.text.lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(parts).filter(|part| !part.starts_with("echo "))
}

/// The parts of a command that do what `known` does not. Behind `cd`, all stay unless all are known there.
fn more<'a>(seen: &Seen, command: &'a str, known: &[String]) -> Vec<&'a str> {
    let all: Vec<&str> = parts(command).filter(|part| !part.is_empty()).collect();
    let near = all.iter().find_map(|part| entered(part));
    let is_done = |part: &str| {
        let is_near =
            |hook: &&String| near.is_none_or(|dir| hook.split(' ').any(|word| word == dir));
        let mut hooks = known.iter().filter(is_near).flat_map(|hook| parts(hook));
        hooks.any(|hook| does(hook) == does(part))
    };
    let is_known = |part: &&str| match tasks::called(seen, part) {
        Some(task) => work(&task).all(is_done),
        None => is_done(part),
    };
    match near {
        None => all.into_iter().filter(|part| !is_known(part)).collect(),
        Some(_) if all.iter().all(|part| entered(part).is_some() || is_known(part)) => Vec::new(),
        Some(_) => all,
    }
}

/// The directory that `cd` enters.
fn entered(part: &str) -> Option<&str> {
    part.strip_prefix("cd ").map(|dir| dir.trim_start_matches("./").trim_end_matches('/'))
}

/// Programs that only run what follows them.
const RUNNERS: [&str; 7] =
    ["bundle exec", "uv run", "poetry run", "pipenv run", "npx", "python3", "python"];

/// Options with a directory behind them.
const DIRS: [&str; 5] = ["--prefix", "--directory", "--dir", "--cwd", "--project"];

/// The words of a command without variables, options and runners.
pub(super) fn words(command: &str) -> Vec<&str> {
    let is_value =
        |word: &&str| word.split_once('=').is_some_and(|(name, _)| !name.starts_with('-'));
    let (mut words, mut before) = (Vec::new(), "");
    for word in command.split_whitespace().skip_while(is_value) {
        if !word.starts_with('-') && !DIRS.contains(&before) {
            words.push(word);
        }
        before = word;
    }
    let of_runner = |words: &[&str]| {
        let mut runners = RUNNERS.iter().map(|runner| runner.split(' ').collect::<Vec<_>>());
        runners.find(|runner| words.starts_with(runner)).map(|runner| runner.len())
    };
    while let Some(count) = of_runner(&words) {
        words.drain(..count);
    }
    words
}

pub(super) fn program(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or_default()
}

/// What a command does, in two words, or three: that of `npm ci --prefix ui` is `npm install`.
fn does(command: &str) -> String {
    let words = words(command);
    let word = |at: usize| words.get(at).copied().unwrap_or_default();
    let first = match program(word(0)) {
        "rake" => "rails",
        first => first,
    };
    let second = match word(1) {
        // yarn installs when it is told nothing.
        "ci" | "i" | "" => "install",
        word if word.starts_with("db:") => "db",
        word => word,
    };
    let third = if ["install", "run"].contains(&second) { word(2) } else { "" };
    format!("{first} {second} {third}")
}

/// The parts as one command: tasks are called so that the environment counts more, and programs of Python run in the project's.
fn with_runners(seen: &Seen, parts: &[&str]) -> String {
    let near = parts.iter().find_map(|part| entered(part));
    let runner = match near {
        Some(dir) => runner_inside(seen, &format!("{dir}/")),
        None => runner(seen, ""),
    };
    let with_runner = |part: &&str| {
        if let Some(task) = tasks::called(seen, part) {
            return task.call;
        }
        let first = part.split(' ').next().unwrap_or_default();
        match ["python", "python3", "celery", "flask", "alembic"].contains(&first) {
            true => format!("{runner}{part}"),
            false => (*part).to_owned(),
        }
    };
    parts.iter().map(with_runner).collect::<Vec<_>>().join(" && ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAKEFILE: &str = "deps:\n\tnpm install\nsetup: deps\n\t@echo Seeding\n\tbin/seed\nclean:\n\tbin/seed clean\nstart:\n\tdocker compose up\n\tbin/seed\nall: $(DEPS)\n\tbin/seed\n";

    fn of(commands: &str, known: &[&str]) -> (Vec<String>, Vec<String>) {
        let file = (".devcontainer/devcontainer.json".to_owned(), format!("{{ {commands} }}"));
        let lock = ("uv.lock".to_owned(), String::new());
        let make = ("Makefile".to_owned(), MAKEFILE.to_owned());
        let tracked = ["bin/seed", "bin/rails", "manage.py", "setup.sh"].map(str::to_owned).into();
        let seen = Seen { files: [file, lock, make].into(), tracked, ..Seen::default() };
        let known: Vec<String> = known.iter().map(|hook| (*hook).to_owned()).collect();
        let Commands { run, inside } = find(&Evidence::of(&seen), &known, &["inn"]);
        (run, inside)
    }

    #[test]
    fn commands_that_are_known_in_another_form_are_left_out() {
        let known = [
            "npm ci --prefix ui",
            "python3 -m venv .venv && echo '*' >.venv/.gitignore && .venv/bin/pip install -r requirements.txt",
            "uv run python src/manage.py migrate",
            "bin/rails db:prepare",
            "yarn install",
        ];
        for command in [
            "npm install",
            "cd ui && npm ci",
            "python -m pip install -r requirements.txt && npm i",
            "python manage.py migrate",
            "bundle exec rake db:setup && yarn",
            "make deps",
        ] {
            let command = format!("\"postCreateCommand\": \"{command}\"");
            assert_eq!(of(&command, &known), (vec![], vec![]), "{command}");
        }
    }

    #[test]
    fn commands_have_three_forms() {
        for (commands, run) in [
            ("\"postCreateCommand\": \"/bin/bash -c 'npm ci && bin/seed'\"", &["bin/seed"][..]),
            ("\"postCreateCommand\": [\"bin/seed\", \"a\"]", &["bin/seed a"]),
            (
                "\"onCreateCommand\": { \"a\": \"yarn\", \"b\": [\"npm\", \"run\", \"build\"] }",
                &["yarn", "npm run build"],
            ),
            ("\"postStartCommand\": \"bin/seed\"", &[]),
        ] {
            assert_eq!(
                of(commands, &["npm ci"]),
                (run.iter().map(|&run| run.to_owned()).collect(), vec![])
            );
        }
    }

    #[test]
    fn what_only_prepares_the_project_is_right_here() {
        for (command, run) in [
            ("cd ui && npm ci", "cd ui && npm ci"),
            ("npm ci\\nnpm run build", "npm run build"),
            ("python manage.py populatedb", "uv run python manage.py populatedb"),
            ("cd api && alembic upgrade head", "cd api && uv run alembic upgrade head"),
            ("bin/rails db:seed && go build", "bin/rails db:seed && go build"),
            ("bash bin/seed", "bash bin/seed"),
            ("make setup", "make setup"),
        ] {
            let found = of(&format!("\"postCreateCommand\": \"{command}\""), &["npm ci"]);
            assert_eq!(found, (vec![run.to_owned()], vec![]), "{command}");
        }
    }

    #[test]
    fn what_may_only_be_right_in_the_container_stays_a_comment() {
        for command in [
            "sudo chown me . && bin/seed",
            "docker exec db bash -c 'npm run build'",
            "sudo bash -c 'npm run build'",
            "su -c 'npm run build'",
            "bash .devcontainer/seed.sh",
            "bash -c 'cd ${containerWorkspaceFolder} && bin/seed'",
            "cd /workspace && bin/seed",
            "bin/seed; bin/seed",
            "bin/seed || true",
            "bin/seed inn",
            "bin/other-seed",
            "./setup.sh",
            "make build",
            "make clean",
            "make start",
            "make all",
            "make -C web setup",
            "createdb inn_dev",
            "npm install -g yarn",
            "npm install pnpm",
            "npm run dev",
            "pip install --user seed",
            "cargo install sqlx-cli",
            "cp .env.example .env",
            "curl https://example.com/build",
            "bin/rails db:reset",
            "python manage.py flush",
        ] {
            let found = of(&format!("\"postCreateCommand\": \"{command}\""), &["npm ci"]);
            assert_eq!(found, (vec![], vec![command.to_owned()]), "{command}");
        }
    }
}
