//! Commands that the files of task runners name: targets of make and just, tasks of Task and of `pyproject.toml`.

use super::Port;
use super::install::runner_inside;
use super::leads::Lead;
use super::procfile::with_variable;
use super::seen::{Seen, dir};
use super::url::Url;
use crate::model::envfile;
use crate::model::shell;
use serde_yaml::Value;
use std::collections::BTreeSet;

/// A named command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Task {
    /// The file that names it.
    pub(super) file: String,
    pub(super) name: String,
    /// What it runs, with what must run before it.
    pub(super) text: String,
    /// What runs it, in the directory of its file.
    pub(super) call: String,
}

/// Files of runners and the command that calls one of their tasks.
const RUNNERS: [(&str, &str); 3] =
    [("Makefile", "make"), ("justfile", "just"), ("Taskfile.yml", "task")];

/// Names of what starts an application, for development first.
const STARTING: [&str; 6] = ["dev", "run", "start", "serve", "server", "watch"];

/// How many tasks in a row may need each other.
const DEPTH: usize = 4;

/// The task that starts what lies in `near`, by the programs that start such a thing. None that starts containers, or that
/// names a port or a server of the main checkout's.
pub(super) fn starting(seen: &Seen, near: &str, programs: &[&str], ports: &[Port]) -> Option<Task> {
    let mut tasks: Vec<Task> = Vec::new();
    for (name, call) in RUNNERS {
        let files = seen.named(name).filter(|file| dir(file) == near || dir(file).is_empty());
        tasks.extend(files.flat_map(|file| of_runner(seen, file, call)));
    }
    let is_it = |task: &&Task| {
        let is_own = !task.text.contains("docker") && !names_main(&task.text, ports);
        is_own && programs.iter().any(|program| runs(&task.text, program))
    };
    let named = |name: &&str| tasks.iter().find(|task| task.name == **name && is_it(task));
    STARTING.iter().find_map(|name| named(name).cloned())
}

/// Whether one command of a text begins with these words, behind variables and wrappers. make may have a variable for the
/// first one.
fn runs(text: &str, program: &str) -> bool {
    let text = text.replace("$(GO)", "go").replace("$(CARGO)", "cargo");
    let words: Vec<&str> = text.split_whitespace().collect();
    let program: Vec<&str> = program.split(' ').collect();
    words.windows(program.len()).any(|window| window == program)
}

fn names_main(text: &str, ports: &[Port]) -> bool {
    let is_port = |port: &Port| with_variable(text, port) != text;
    let is_url =
        |word: &str| word.split_once('=').is_some_and(|(_, value)| Url::parse(value).is_some());
    ports.iter().any(is_port) || text.split_whitespace().any(is_url)
}

fn of_runner(seen: &Seen, file: &str, call: &str) -> Vec<Task> {
    let text = seen.text(file);
    let rules = if call == "task" { of_yaml(text) } else { rules(text) };
    let names = || rules.iter().map(|rule| rule.0.as_str());
    let each = names().filter(|name| STARTING.contains(name)).map(|name| Task {
        file: file.to_owned(),
        name: name.to_owned(),
        text: whole(&rules, name, DEPTH),
        call: format!(
            "{call}{} {name}",
            if call == "make" && !includes(seen, file).is_empty() { " -e" } else { "" }
        ),
    });
    each.collect()
}

/// A task's name, what it needs, and what it runs.
type Rule = (String, Vec<String>, String);

/// What a task runs, behind what it needs.
fn whole(rules: &[Rule], name: &str, depth: usize) -> String {
    let Some(depth) = depth.checked_sub(1) else { return String::new() };
    let Some((_, needs, text)) = rules.iter().find(|rule| rule.0 == name) else {
        return String::new();
    };
    needs.iter().map(|need| whole(rules, need, depth)).chain([text.clone()]).collect()
}

/// The rules of make and of just: a line at the margin with a colon, and indented lines under it.
fn rules(text: &str) -> Vec<Rule> {
    let mut found: Vec<Rule> = Vec::new();
    let mut is_inside = false;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if line.starts_with(['\t', ' ']) {
            if let Some((.., text)) = found.last_mut().filter(|_| is_inside) {
                let command = line.trim_start().trim_start_matches(['@', '-']);
                text.push_str(command);
                text.push('\n');
            }
            continue;
        }
        let head = line.split_once(':').filter(|(_, rest)| !rest.starts_with('='));
        is_inside =
            head.is_some_and(|(name, _)| !name.contains('=')) && !line.starts_with(['#', '.']);
        if let Some((name, needs)) = head.filter(|_| is_inside) {
            let needs = needs.split('#').next().unwrap_or_default().split_whitespace();
            let name = name.split_whitespace().next().unwrap_or_default().to_owned();
            found.push((name, needs.map(str::to_owned).collect(), String::new()));
        }
    }
    found
}

/// The tasks of a `Taskfile.yml`.
fn of_yaml(text: &str) -> Vec<Rule> {
    let root: Value = serde_yaml::from_str(text).unwrap_or_default();
    let texts = |value: Option<&Value>| -> Vec<String> {
        let of_one =
            |one: &Value| one.as_str().or_else(|| one.get("cmd")?.as_str()).map(str::to_owned);
        match value {
            Some(Value::Sequence(list)) => list.iter().filter_map(of_one).collect(),
            Some(one) => of_one(one).into_iter().collect(),
            None => Vec::new(),
        }
    };
    let tasks = root.get("tasks").and_then(Value::as_mapping).into_iter().flatten();
    let each = tasks.map(|(name, task)| {
        let commands = [task.get("cmds"), task.get("cmd")].map(&texts).concat();
        let commands = if commands.is_empty() { texts(Some(task)) } else { commands };
        let lines = commands.iter().map(|line| format!("{line}\n")).collect();
        (name.as_str().unwrap_or_default().to_owned(), texts(task.get("deps")), lines)
    });
    each.collect()
}

/// The lines of a Makefile that include files of variables, from 1, and these files: what they set counts more than the
/// environment does, unless make is called with `-e`.
fn includes(seen: &Seen, file: &str) -> Vec<(usize, String)> {
    let lines = seen.text(file).lines().enumerate();
    let named = lines.filter_map(|(at, line)| {
        let line = line.trim_start().trim_start_matches(['-', 's']);
        Some((at + 1, line.strip_prefix("include ")?.trim().trim_start_matches("./")))
    });
    let paths = named.map(|(line, path)| (line, format!("{}{path}", dir(file))));
    paths.filter(|(_, path)| seen.is_environment(path)).collect()
}

/// Leads for the Makefiles that take what environments set from a file of the main checkout's.
pub(super) fn leads(seen: &Seen, is_set: &dyn Fn(&str) -> bool) -> Vec<Lead> {
    let each = seen.named("Makefile").filter_map(|file| {
        includes(seen, file).into_iter().find_map(|(line, included)| {
            let vars = envfile::parse(seen.text(&included).as_bytes()).into_iter();
            let mut names = vars.map(|(name, _)| name).filter(|name| is_set(name));
            let first = names.next()?;
            let more = if names.next().is_some() { " and others" } else { "" };
            let fault = format!(
                "{file}:{line} includes {included}, so make takes {first}{more} from there and not from the environment"
            );
            Some(Lead::of(fault, "call `make -e` in environments".to_owned()))
        })
    });
    each.collect()
}

/// Tables of tasks in `pyproject.toml`.
const TABLES: [[&str; 3]; 3] =
    [["tool", "poe", "tasks"], ["tool", "taskipy", "tasks"], ["tool", "pdm", "scripts"]];

/// Tasks of Python projects, as commands for `sh` with the project's own programs.
pub(super) fn of_python(seen: &Seen) -> Vec<Task> {
    let files: Vec<&str> = seen.named("pyproject.toml").collect();
    let tasks = files.into_iter().flat_map(|file| {
        let root: Option<toml_edit::DocumentMut> = seen.text(file).parse().ok();
        let of_table = move |path: [&str; 3]| {
            let mut item = root.as_ref().map(|root| root.as_item());
            for key in path {
                item = item.and_then(|item| item.get(key));
            }
            let table = item.and_then(|item| item.as_table_like());
            let tasks = table.into_iter().flat_map(|table| table.iter());
            let texts = tasks.filter_map(|(name, task)| {
                let command = task.as_str().or_else(|| task.get("cmd")?.as_str())?;
                Some((name.to_owned(), command.split_whitespace().collect::<Vec<_>>().join(" ")))
            });
            texts.collect::<Vec<_>>()
        };
        TABLES.into_iter().flat_map(of_table).map(move |(name, text)| Task {
            file: file.to_owned(),
            call: format!("{}{text}", runner_inside(seen, dir(file))),
            name,
            text,
        })
    });
    tasks.collect()
}

/// Programs that wait for tasks or send them, with the word that says so.
const WORKERS: [(&str, &str); 6] = [
    ("celery", "worker"),
    ("celery", "beat"),
    ("rq", "worker"),
    ("dramatiq", ""),
    ("arq", ""),
    ("huey_consumer", ""),
];

impl Task {
    /// It runs a worker of a queue, or what fills one by the clock.
    pub(super) fn is_worker(&self) -> bool {
        let words: BTreeSet<&str> = self.text.split_whitespace().collect();
        let is_it = |(program, word): &(&str, &str)| {
            self.text.starts_with(program) && (word.is_empty() || words.contains(word))
        };
        WORKERS.iter().any(is_it)
    }

    /// It starts the application by a server of Python's: the command with the port.
    pub(super) fn serving(&self, port: &Port) -> Option<String> {
        let program = self.text.split_whitespace().next()?;
        let is_it = STARTING.contains(&self.name.as_str())
            && ["uvicorn", "fastapi", "flask", "hypercorn", "granian"].contains(&program);
        let call = with_variable(&self.call, port);
        let option = if self.text.contains("--port") || call != self.call {
            String::new()
        } else {
            format!(" --port ${}", port.variable)
        };
        is_it.then(|| call + &option)
    }

    /// The command from the top of the repository on.
    pub(super) fn run(&self) -> String {
        match dir(&self.file).trim_end_matches('/') {
            "" => self.call.clone(),
            dir => format!("cd {} && {}", shell::word(dir), self.call),
        }
    }
}
