//! What systemd starts beside the web server of a Django application where it is deployed: `up` starts the same.

use super::created::{program, words};
use super::frameworks;
use super::install::inside;
use super::paths::{dir, name};
use super::processes::{Process, is_name, process};
use super::seen::Seen;
use super::tasks::works;

/// A process for each unit of a worker, or of a command of `manage.py`.
pub(super) fn of(seen: &Seen, found: &[Process]) -> Vec<Process> {
    let Some(manage) = frameworks::django(seen) else { return Vec::new() };
    let near = dir(manage);
    let mut units: Vec<Process> = Vec::new();
    for (path, text) in seen.ending(&[".service"]).filter(|(path, _)| !is_timed(seen, path)) {
        let Some(command) = command(text) else { continue };
        let name = unit(path);
        let is_known = |one: &Process| one.name == name || is_same(&one.run, &command);
        if is_name(name) && !found.iter().chain(&units).any(is_known) {
            units.push(process(name, near, inside(seen, near) + &command));
        }
    }
    units
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

/// Commands of `manage.py` that do not go on, or that serve the pages.
const OTHERS: [&str; 5] = ["collectstatic", "migrate", "runserver", "runserver_plus", "uwsgi"];

/// What a unit starts, without the place of it on the server.
fn command(text: &str) -> Option<String> {
    let value = |key: &str| text.lines().find_map(|line| line.trim().strip_prefix(key));
    let starts = value("ExecStart=").filter(|_| value("Type=") != Some("oneshot"))?;
    let words: Vec<&str> = starts.split_whitespace().collect();
    let is_program = |name: &str| words.iter().position(|word| program(word) == name);
    let (start, rest) = match is_program("manage.py") {
        Some(at) => ("python manage.py", &words[at + 1..]),
        None => ("celery", &words[is_program("celery")? + 1..]),
    };
    // Paths, variables and what the shell reads are of that server.
    let is_plain = |word: &&str| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.,:=".contains(c);
        word.chars().all(is_part)
    };
    let is_kept = rest.first().is_some_and(|word| !OTHERS.contains(word));
    let command = format!("{start} {}", rest.join(" "));
    let goes_on = start != "celery" || works(&command);
    (is_kept && goes_on && rest.iter().all(is_plain)).then_some(command)
}

/// A command ends with one of `manage.py` that goes on and serves no pages: it may take tasks, or give some to others.
pub(super) fn goes_on(command: &str) -> bool {
    let last = command.rsplit("&&").next().unwrap_or_default();
    let words = words(last);
    let is_other = |word: &&&str| !OTHERS.contains(*word);
    words.first().is_some_and(|word| program(word) == "manage.py")
        && words.get(1).filter(is_other).is_some()
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
            ("ExecStart=python manage.py consume --dir /srv/in", None),
            ("ExecStart=celery -A inn worker --pidfile=%t/inn.pid", None),
            ("ExecStart=celery -A inn flower", None),
            ("ExecStart=/bin/sh -c 'exec python manage.py consume'", None),
            ("Type=oneshot\nExecStart=python manage.py clearsessions", None),
        ] {
            assert_eq!(command(&format!("[Service]\n{line}\n")).as_deref(), expected, "{line}");
        }
    }
}
