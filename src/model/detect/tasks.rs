//! Commands that the files of task runners name: targets of make and just, tasks of Task and of `pyproject.toml`.

mod always;
mod files;
mod make;
mod migrating;
mod refused;
mod rules;

use super::created::{program, words};
use super::install::runner_inside;
use super::leads::Lead;
use super::paths::{dir, runner};
use super::processes::enter;
use super::procfile::with_variable;
use super::seen::Seen;
use super::{Evidence, Port};
use crate::model::config::Config;
use crate::model::envfile;
use always::always;
pub(super) use files::named;
use make::{includes, set_by};
pub(super) use migrating::{migrating, unsure};
use rules::{Rule, alone, of_make, of_yaml, whole};
use std::collections::BTreeSet;

/// A named command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Task {
    /// The file that names it.
    pub(super) file: String,
    pub(super) name: String,
    /// What it runs, with what must run before it.
    pub(super) text: String,
    /// Its own commands, where nothing else has to do with them.
    recipe: Option<String>,
    /// What runs it, in the directory of its file.
    pub(super) call: String,
}

/// Names of what starts an application, for development first.
const STARTING: [&str; 7] = ["dev", "run", "start", "serve", "server", "watch", "api"];

/// The task that starts what lies in `near`, by the programs that start such a thing. None of which all that it does is not
/// known to be harmless.
pub(super) fn starting(
    evidence: &Evidence<'_>,
    near: &str,
    programs: &[&str],
    ports: &[Port],
) -> Option<Task> {
    let tasks = called_so(evidence.seen, near, &STARTING, ports);
    let is_it = |task: &&Task| {
        let is_port = |port: &Port| with_variable(&task.text, port) != task.text;
        let is_own = !ports.iter().any(is_port) && !task.is_refused(evidence);
        is_own && programs.iter().any(|program| runs(&task.text, program))
    };
    let named = |name: &&str| tasks.iter().find(|task| task.name == **name && is_it(task));
    STARTING.iter().find_map(|name| named(name).cloned())
}

/// Whether one command of a text begins with these words, behind variables and wrappers. make may have a variable for the
/// first one.
fn runs(text: &str, program: &str) -> bool {
    let text = refused::with_programs(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    let program: Vec<&str> = program.split(' ').collect();
    words.windows(program.len()).any(|window| window == program)
}

/// The tasks of these names, at the top or in `near`, with what the scripts do that they call.
fn called_so(seen: &Seen, near: &str, names: &[&str], ports: &[Port]) -> Vec<Task> {
    let files = seen.chosen(|path| runner(path).is_some());
    let files = files.filter(|file| dir(file) == near || dir(file).is_empty());
    let tasks = files.flat_map(|file| of_runner(seen, file, names, ports));
    let with_scripts = |task: Task| {
        let text = files::with_scripts(seen, &task.file, task.text);
        Task { text, ..task }
    };
    tasks.map(with_scripts).collect()
}

/// The task that a command calls: `make setup`.
pub(super) fn called(seen: &Seen, command: &str) -> Option<Task> {
    let (call, name) = command.split_once(' ')?;
    let file = seen.chosen(|path| runner(path) == Some(call)).find(|file| dir(file).is_empty())?;
    of_runner(seen, file, &[name], &[]).pop()
}

fn of_runner(seen: &Seen, file: &str, names: &[&str], ports: &[Port]) -> Vec<Task> {
    let Some(call) = runner(file) else { return Vec::new() };
    let texts = files::texts(seen, file);
    let text = texts.iter().map(|(_, text)| *text).collect::<Vec<_>>().join("\n");
    let is_port = |name: &str| ports.iter().any(|port| port.variable == name);
    let is_taken = |name: &str| is_port(name) || make::may_be_set(name);
    let rules: Vec<Rule> = match call {
        "task" => of_yaml(&text),
        _ => of_make(&text, &|name| call == "make" && is_port(name)),
    };
    let includes = |(path, _): &(&str, &str)| !includes(seen, file, path).is_empty();
    let counts_more = || texts.iter().any(includes) || set_by(&text, &is_taken).is_some();
    let option = if call == "make" && counts_more() { " -e" } else { "" };
    let always = always(call, &text);
    let known: BTreeSet<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    let each = names.iter().filter(|name| known.contains(**name)).map(|name| Task {
        file: file.to_owned(),
        name: (*name).to_owned(),
        text: format!("{}{always}", whole(&rules, name)),
        recipe: alone(&rules, name).filter(|_| always.is_empty()),
        call: format!("{call}{option} {name}"),
    });
    each.collect()
}

/// Leads for the Makefiles that set what environments set, or take it from a file of the main checkout's, where no process
/// calls make so that the environment counts more.
pub(super) fn leads(seen: &Seen, config: &Config, is_set: &dyn Fn(&str) -> bool) -> Vec<Lead> {
    if config.processes.values().any(|process| process.run.contains("make -e")) {
        return Vec::new();
    }
    let makefiles = seen.chosen(|path| runner(path) == Some("make"));
    let files = makefiles.flat_map(|top| {
        let texts = files::texts(seen, top).into_iter();
        texts.map(|(file, _)| (top.to_owned(), file.to_owned())).collect::<Vec<_>>()
    });
    let each = files.filter_map(|(top, file)| {
        let of_include = |(line, included): (usize, String)| {
            let vars = envfile::parse(seen.text(&included).as_bytes()).into_iter();
            let mut names = vars.map(|(name, _)| name).filter(|name| is_set(name));
            let first = names.next()?;
            let more = if names.next().is_some() { " and others" } else { "" };
            Some(format!(
                "{file}:{line} includes {included}, so make takes {first}{more} from there"
            ))
        };
        let set = || {
            let (line, name) = set_by(seen.text(&file), is_set)?;
            Some(format!("{file}:{line} sets {name}, so make takes it from there"))
        };
        let mut included = includes(seen, &top, &file).into_iter();
        let fault = included.find_map(of_include).or_else(set)?;
        let fault = format!("{fault} and not from the environment");
        Some(Lead::of(fault, "call `make -e` in environments".to_owned()))
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
            recipe: None,
        })
    });
    tasks.collect()
}

/// Programs that wait for tasks or send them, with the word that says so.
const WORKERS: [(&str, &str); 8] = [
    ("celery", "worker"),
    ("celery", "beat"),
    ("rq", "worker"),
    ("rqworker", ""),
    ("dramatiq", ""),
    ("arq", ""),
    ("huey_consumer", ""),
    ("run_huey", ""),
];

/// A command names a worker of a queue, or what fills one by the clock, behind whatever wrappers and options: what may take
/// another checkout's tasks is found rather too often.
pub(super) fn may_work(command: &str) -> bool {
    let words: BTreeSet<&str> =
        command.split(|c: char| !c.is_ascii_alphanumeric() && !"_-".contains(c)).collect();
    let is_it = |(program, word): &(&str, &str)| {
        words.contains(program) && (word.is_empty() || words.contains(word))
    };
    WORKERS.iter().any(is_it)
}

/// A command runs nothing but such a worker, so that `up` can start it as one: what is not known by its first words is left
/// out.
pub(super) fn works(command: &str) -> bool {
    let is_worker = |part: &str| {
        let words = words(part).into_iter().skip_while(|word| program(word) == "manage.py");
        let words: Vec<&str> = words.collect();
        let first = words.first().map(|word| program(word).trim_end_matches(".py"));
        let is_it = |(program, word): &(&str, &str)| {
            first == Some(*program) && (word.is_empty() || words.contains(word))
        };
        WORKERS.iter().any(is_it)
    };
    command.split("&&").any(is_worker)
}

impl Task {
    /// It is not known to be harmless by all that it runs.
    pub(super) fn is_refused(&self, evidence: &Evidence<'_>) -> bool {
        refused::is_refused(evidence, &self.text)
    }

    /// It starts the application by a server of Python's: the command with the port.
    pub(super) fn serving(&self, port: &Port) -> Option<String> {
        let mut words = self.text.split_whitespace();
        let program = words.find(|word| *word != "env" && !word.contains('='))?;
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
        enter(dir(&self.file)) + &self.call
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_are_known_by_their_programs() {
        for (command, expected) in [
            ("uv run rq worker", true),
            ("python -m dramatiq inn.tasks", true),
            ("bin/arq inn.Worker", true),
            ("huey_consumer.py inn.huey", true),
            ("python manage.py run_huey", true),
            ("cd api && uv run --directory src celery -A inn beat", true),
            ("uv run python manage.py runserver", false),
            ("pkill -f 'celery worker'", false),
        ] {
            assert_eq!(works(command), expected, "{command}");
        }
    }
}
