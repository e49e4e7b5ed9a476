//! What systemd starts beside the web server of a Django application where it is deployed: `up` starts the same.

use super::created::{is_harm, program, words};
use super::frameworks;
use super::install::inside;
use super::packages::Left;
use super::paths::{dir, name};
use super::processes::{Process, is_name, process};
use super::seen::Seen;
use super::tasks::works;

/// A process for each unit of a worker, and the units of which that is not known.
pub(super) fn of(seen: &Seen, found: &[Process]) -> (Vec<Process>, Vec<Left>) {
    let (mut units, mut left): (Vec<Process>, Vec<Left>) = Default::default();
    let Some(manage) = frameworks::django(seen) else { return (units, left) };
    let near = dir(manage);
    for (path, text) in seen.ending(&[".service"]).filter(|(path, _)| !is_timed(seen, path)) {
        let Some(command) = command(text) else { continue };
        let name = unit(path);
        let is_known = |one: &Process| one.name == name || is_same(&one.run, &command);
        if found.iter().chain(&units).any(is_known) {
            continue;
        }
        if is_work(&command) && is_name(name) {
            units.push(process(name, near, inside(seen, near) + &command));
        } else {
            left.push(Left::Words(format!(
                "whether {path} is a worker: if it is, add it to `processes:`"
            )));
        }
    }
    (units, left)
}

/// `inn-scheduler.service` is the scheduler.
fn unit(path: &str) -> &str {
    let stem = name(path).trim_end_matches(".service");
    stem.rsplit('-').next().unwrap_or(stem)
}

/// A timer starts it now and then.
fn is_timed(seen: &Seen, path: &str) -> bool {
    seen.tracked.contains(&format!("{}.timer", path.trim_end_matches(".service")))
}

/// Parts of words for what serves the pages.
const SERVERS: [&str; 5] = ["daphne", "gunicorn", "runserver", "uvicorn", "uwsgi"];

/// What a unit starts of Django or Celery, without the place of it on the server, unless it ends by itself or serves the pages.
fn command(text: &str) -> Option<String> {
    let value = |key: &str| text.lines().find_map(|line| line.trim().strip_prefix(key));
    let starts = value("ExecStart=").filter(|_| value("Type=") != Some("oneshot"))?;
    let words: Vec<&str> = starts.split_whitespace().collect();
    let is_program = |name: &str| words.iter().position(|word| program(word) == name);
    let (start, rest) = match is_program("manage.py") {
        Some(at) => ("python manage.py", &words[at + 1..]),
        None => ("celery", &words[is_program("celery")? + 1..]),
    };
    let is_server = |word: &&str| SERVERS.iter().any(|name| word.contains(name));
    (!rest.iter().any(is_server)).then(|| format!("{start} {}", rest.join(" ")))
}

/// The command is a worker, and right on this machine: paths, variables, settings and what the shell reads are of the server.
fn is_work(command: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || " -_.,:=".contains(c);
    command.chars().all(is_part)
        && !command.contains("--settings")
        && !is_harm(command)
        && (works(command) || consumes(command))
}

/// A command ends with one of `manage.py` that may take tasks, or give some to others: it does not serve the pages.
pub(super) fn goes_on(command: &str) -> bool {
    let is_server = |own: &str| SERVERS.iter().any(|name| own.contains(name));
    own_of_django(command).is_some_and(|own| !is_server(own))
}

/// A command ends with one of `manage.py` that takes tasks by its name.
fn consumes(command: &str) -> bool {
    own_of_django(command).is_some_and(|own| own.contains("consum"))
}

/// What a command ends with of `manage.py`.
fn own_of_django(command: &str) -> Option<&str> {
    let words = words(command.rsplit("&&").next()?);
    words.first().filter(|word| program(word) == "manage.py").and(words.get(1).copied())
}

/// Both are the worker of Celery, or what sends it tasks by the clock.
fn is_same(known: &str, command: &str) -> bool {
    let does = |text: &str, word: &str| {
        let mut words = text.split_whitespace();
        words.any(|one| one == "celery") && words.any(|one| one == word)
    };
    ["worker", "beat"].iter().any(|word| does(known, word) && does(command, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_workers_are_told_from_those_of_servers_and_of_tasks() {
        for (line, expected) in [
            ("ExecStart=python3 manage.py consume", Some("python manage.py consume")),
            (
                "ExecStart=/opt/inn/venv/bin/python3 /opt/inn/src/manage.py rqworker high low",
                Some("python manage.py rqworker high low"),
            ),
            (
                "ExecStart=celery --app inn beat --loglevel INFO",
                Some("celery --app inn beat --loglevel INFO"),
            ),
            ("ExecStart=/opt/inn/venv/bin/gunicorn --pid /var/tmp/inn.pid inn.wsgi", None),
            ("ExecStart=python manage.py runserver 0:8000", None),
            ("ExecStart=python manage.py --settings=inn.production runserver", None),
            ("ExecStart=python manage.py run_gunicorn", None),
            ("ExecStart=/bin/sh -c 'exec daphne inn.asgi'", None),
            ("Type=oneshot\nExecStart=python manage.py clearsessions", None),
        ] {
            assert_eq!(command(&format!("[Service]\n{line}\n")).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn only_workers_are_started_and_only_as_they_can_run_here() {
        for (command, expected) in [
            ("python manage.py consume", true),
            ("python manage.py rqworker high low", true),
            ("celery --app inn beat --loglevel INFO", true),
            ("python manage.py consume --dir /srv/in", false),
            ("python manage.py rqworker --settings=inn.production high", false),
            ("celery -A inn worker --pidfile=%t/inn.pid", false),
            ("celery -A inn flower", false),
            ("python manage.py consume'", false),
            ("python manage.py flush --noinput", false),
            ("python manage.py consume --reset", false),
            ("python manage.py send_mail", false),
        ] {
            assert_eq!(is_work(command), expected, "{command}");
        }
    }

    #[test]
    fn consumers_are_known_by_their_names() {
        for (command, expected) in [
            ("cd src && uv run python manage.py consume_rooms", true),
            ("PATH=\"$PWD/.venv/bin:$PATH\" python manage.py document_consumer", true),
            ("python manage.py tailwind start", false),
            ("consume manage.py", false),
        ] {
            assert_eq!(consumes(command), expected, "{command}");
        }
    }
}
