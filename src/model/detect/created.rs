//! Commands that `devcontainer.json` runs once in a new container: a new worktree may need them, too.

use super::devcontainer;
use super::seen::Seen;
use crate::model::shell;
use serde_json::Value;

/// Keys of these commands, in their order. What runs at each start is no preparation.
const KEYS: [&str; 3] = ["onCreateCommand", "updateContentCommand", "postCreateCommand"];

/// Signs of what is right in a container alone: it changes the machine, or names the container's directories.
const INSIDE: [&str; 13] = [
    "sudo ",
    "apt-get ",
    "apt ",
    "apk ",
    "dnf ",
    "chown ",
    "docker",
    "--global",
    "git config",
    "/workspace",
    "/home/",
    "/usr/",
    "${",
];

/// What such commands are for a worktree.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Commands {
    /// Those that do more than the commands which are known.
    pub(super) run: Vec<String>,
    /// Those that may only be right in the container, with the file that names them.
    pub(super) inside: Vec<String>,
}

/// Those that do what `known` does not.
pub(super) fn find(seen: &Seen, known: &[String]) -> Commands {
    let mut found = Commands::default();
    let Some((_, settings)) = devcontainer::read(seen) else { return found };
    let known: Vec<String> = known.iter().flat_map(|hook| parts(hook)).map(does).collect();
    let all = KEYS.iter().flat_map(|key| texts(&settings[*key]));
    for command in all.map(|text| unwrapped(&text)) {
        let more: Vec<&str> = parts(&command)
            .filter(|part| !part.is_empty() && !known.contains(&does(part)))
            .collect();
        let is_inside = |part: &&str| INSIDE.iter().any(|sign| part.contains(sign)) || is_own(part);
        if more.iter().any(is_inside) {
            found.inside.push(command);
        } else if !more.is_empty() {
            found.run.push(more.join(" && "));
        }
    }
    found
}

/// A script that lies beside the file is written for the container.
fn is_own(command: &str) -> bool {
    command.split_whitespace().any(|word| word.contains(".devcontainer/"))
}

/// A text, a list of words, or several of these by name.
fn texts(value: &Value) -> Vec<String> {
    let words = |list: &Vec<Value>| {
        let words = list.iter().filter_map(Value::as_str).map(shell::word);
        words.collect::<Vec<_>>().join(" ")
    };
    match value {
        Value::String(text) => vec![text.split_whitespace().collect::<Vec<_>>().join(" ")],
        Value::Array(list) => vec![words(list)],
        Value::Object(all) => all.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// `bash -c 'a && b'` is `a && b`.
fn unwrapped(text: &str) -> String {
    let inner = text.split_once(" -c ").filter(|(shell, _)| shell.ends_with("sh"));
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

/// Programs that only run what follows them.
const RUNNERS: [&str; 9] = [
    "bundle exec",
    "uv run",
    "poetry run",
    "pipenv run",
    "npx",
    "python3 -m",
    "python -m",
    "python3",
    "python",
];

/// What a command does, in two words: that of `npm ci --prefix ui` is `npm install`.
fn does(command: &str) -> String {
    let is_value =
        |word: &&str| word.split_once('=').is_some_and(|(name, _)| !name.starts_with('-'));
    let words: Vec<&str> = command.split_whitespace().skip_while(is_value).collect();
    let mut text = words.join(" ");
    while let Some(rest) =
        RUNNERS.iter().find_map(|runner| text.strip_prefix(runner)?.strip_prefix(' '))
    {
        text = rest.to_owned();
    }
    let program = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    let mut words = text.split_whitespace().filter(|word| !word.starts_with('-'));
    let first = words.next().map(program).unwrap_or_default();
    let first = if first == "rake" { "rails".to_owned() } else { first };
    let second = match words.next().unwrap_or_default() {
        // yarn installs when it is told nothing.
        "ci" | "i" | "" => "install",
        word if word.starts_with("db:") => "db",
        word => word,
    };
    format!("{first} {second}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(commands: &str, known: &[&str]) -> (Vec<String>, Vec<String>) {
        let file = (".devcontainer/devcontainer.json".to_owned(), format!("{{ {commands} }}"));
        let seen = Seen { files: [file].into(), ..Seen::default() };
        let known: Vec<String> = known.iter().map(|hook| (*hook).to_owned()).collect();
        let Commands { run, inside } = find(&seen, &known);
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
            "python -m pip install -r requirements.txt && npm i",
            "python manage.py migrate",
            "bundle exec rake db:setup && yarn",
        ] {
            let command = format!("\"postCreateCommand\": \"{command}\"");
            assert_eq!(of(&command, &known), (vec![], vec![]), "{command}");
        }
    }

    #[test]
    fn commands_have_three_forms_and_some_are_the_containers_own() {
        for (commands, run, inside) in [
            (
                "\"postCreateCommand\": \"/bin/bash -c 'npm ci && bin/seed'\"",
                &["bin/seed"][..],
                &[][..],
            ),
            ("\"postCreateCommand\": [\"bin/seed\", \"a b\"]", &["bin/seed 'a b'"], &[]),
            (
                "\"onCreateCommand\": { \"a\": \"make deps\", \"b\": [\"just\", \"seed\"] }",
                &["make deps", "just seed"],
                &[],
            ),
            ("\"postStartCommand\": \"bin/fake\"", &[], &[]),
            (
                "\"postCreateCommand\": \"sudo chown me . && bin/seed\"",
                &[],
                &["sudo chown me . && bin/seed"],
            ),
            (
                "\"postCreateCommand\": \"bash .devcontainer/create.sh\"",
                &[],
                &["bash .devcontainer/create.sh"],
            ),
            (
                "\"postCreateCommand\": \"bash -c 'cd ${containerWorkspaceFolder} && make'\"",
                &[],
                &["bash -c 'cd ${containerWorkspaceFolder} && make'"],
            ),
        ] {
            let found = of(commands, &["npm ci"]);
            assert_eq!(found.0, run, "{commands}");
            assert_eq!(found.1, inside, "{commands}");
        }
    }
}
