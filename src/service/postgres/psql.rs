//! One psql session on the maintenance database, and the meaning of its failures.

use crate::error;
use crate::service::Server;
use crate::service::executor::{Site, Task};
use crate::sys::budget;
use crate::sys::exec::{Cmd, Conversation, Output, Script};
use anyhow::{Result, anyhow};
use std::time::Duration;

/// Time limit of one statement on the server where data is copied.
pub(super) const COPYING: Duration = Duration::from_secs(600);

/// Extra time for the client, as a part of the command's time: the server cancels cleanly, while a killed client leaves
/// its session running.
const MARGIN: u32 = 6;

/// Time limit of one usual statement on the server, including the wait for a lock.
fn usual() -> Duration {
    budget::total() - margin()
}

fn margin() -> Duration {
    budget::total() / MARGIN
}

/// The variable from which psql takes a password. On the host it reads `~/.pgpass`, too.
pub(super) const PASSWORD: &str = "PGPASSWORD";

/// A script to run.
pub(super) struct Session<'a> {
    server: &'a Server,
    script: Script,
    vars: Vec<String>,
    limit: Duration,
}

impl<'a> Session<'a> {
    /// A session that runs this script on this server.
    pub(super) fn new(server: &'a Server, script: impl Into<Vec<u8>>) -> Self {
        let script = Script { first: script.into(), ..Script::default() };
        Session { server, script, vars: Vec::new(), limit: usual() }
    }

    /// The rest of the script, sent when the first half has printed this line.
    pub(super) fn then(mut self, word: &str, rest: impl Into<Vec<u8>>) -> Self {
        self.script.then = Some((word.to_owned(), rest.into()));
        self
    }

    /// The lines that end the script: waiting for psql's exit would mean waiting for the engine.
    pub(super) fn last(mut self, words: &[&str]) -> Self {
        self.script.last = words.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// A variable for it.
    pub(super) fn var(mut self, name: &str, value: &str) -> Self {
        self.vars.push(format!("{name}={value}"));
        self
    }

    /// Time limit of each statement.
    pub(super) fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs it and returns the lines that it printed.
    ///
    /// # Errors
    /// [`SqlError`] when the server refuses; else why it was not reached.
    pub(super) fn run(self) -> Result<Vec<String>> {
        let is_long = self.limit > usual();
        let mut script = self.script.clone();
        if is_long {
            // The server answers: from here on it works, or waits for a lock.
            script.first.splice(..0, *b"\\echo connected\n");
        }
        let lines = self.with_task(|site, task| {
            let task = Task { script, ..task };
            meaning(site, &task, &site.run(&task)?)
        })?;
        Ok(lines.into_iter().skip(usize::from(is_long)).collect())
    }

    /// Starts it without a script, for questions.
    pub(super) fn converse(&self, found: bool) -> Result<Conversation> {
        self.with_task(|site, task| site.converse(&task, found))
    }

    /// Why a conversation with it ended.
    pub(super) fn explain(&self, output: &Output) -> anyhow::Error {
        let ended = self.with_task(|site, task| meaning(site, &task, output));
        ended.map_or_else(|error| error, |_| anyhow!("psql ended without an answer"))
    }

    fn with_task<T>(&self, run: impl FnOnce(&Site, Task<'_>) -> Result<T>) -> Result<T> {
        let site = Site::with_password(self.server, PASSWORD)?;
        let options = format!(
            "-c statement_timeout={} -c client_min_messages=warning",
            self.limit.as_millis()
        );
        let task = Task {
            args: self.args(&site),
            vars: variables(&site, &options),
            patience: self.limit + margin(),
            ..Task::new("psql")
        };
        run(&site, task)
    }

    fn args<'b>(&'b self, site: &'b Site) -> Vec<&'b str> {
        let mut args = vec!["-XqAtw", "-d", "postgres", "-U", &self.server.user];
        if site.is_host() {
            args.extend(["-h", "localhost", "-p", site.port()]);
        }
        args.extend(["-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose"]);
        args.extend(self.vars.iter().flat_map(|var| ["-v", var]));
        args
    }
}

/// The lines that a psql printed which ended.
fn meaning(site: &Site, task: &Task<'_>, output: &Output) -> Result<Vec<String>> {
    match output.code {
        0 => Ok(output.text().lines().map(str::to_owned).collect()),
        // psql's exit codes; docker uses small numbers too, so its text decides.
        3 => Err(SqlError::of(&output.stderr).into()),
        2 if !output.stderr.starts_with("Error") => Err(silent(site, output)),
        _ => Err(site.explain(task, output)),
    }
}

/// A psql for a person or a script, on this process's stdin and stdout.
pub(super) fn client(
    server: &Server,
    database: &str,
    args: &[&str],
    terminal: bool,
) -> Result<Cmd> {
    let site = Site::with_password(server, PASSWORD)?;
    let mut task = Task { args: vec!["-U", &server.user], ..Task::new("psql") };
    task.vars.extend(site.password());
    if site.is_host() {
        task.args.extend(["-h", "localhost", "-p", site.port()]);
        task.vars.push(("PGHOSTADDR", ""));
    }
    if !terminal {
        // A script needs the exit code of a failure.
        task.args.extend(["-v", "ON_ERROR_STOP=1"]);
    }
    task.args.extend(args);
    // An argument could be parsed as a connection string.
    task.vars.push(("PGDATABASE", database));
    site.terminal(&task, terminal)
}

/// The variables of a shell script that fills this database.
pub(super) fn filling<'b>(
    site: &'b Site,
    server: &'b Server,
    database: &'b str,
) -> Vec<(&'b str, &'b str)> {
    let mut vars = vec![
        ("PGDATABASE", database),
        ("PGUSER", &server.user),
        ("PGAPPNAME", "git-agentenv"),
        ("PGCONNECT_TIMEOUT", "10"),
        ("PGOPTIONS", "-c client_min_messages=warning"),
    ];
    vars.extend(site.password());
    if site.is_host() {
        vars.extend([("PGHOST", "localhost"), ("PGPORT", site.port()), ("PGHOSTADDR", "")]);
    }
    vars
}

/// What psql complained of, without the lines that only follow from it.
pub(super) fn said(stderr: &str) -> &str {
    let complaint = stderr.lines().find(|line| line.contains("ERROR:") || line.contains("error:"));
    complaint.unwrap_or(stderr).trim()
}

fn variables<'b>(site: &'b Site, options: &'b str) -> Vec<(&'b str, &'b str)> {
    let mut vars = vec![
        ("PGOPTIONS", options),
        ("PGCONNECT_TIMEOUT", "10"),
        ("PGAPPNAME", "git-agentenv"),
        ("PGCLIENTENCODING", "UTF8"),
    ];
    vars.extend(site.password());
    if site.is_host() {
        // It would override the host that we name.
        vars.push(("PGHOSTADDR", ""));
    }
    vars
}

fn silent(site: &Site, output: &Output) -> anyhow::Error {
    let said = output.stderr.trim_start_matches("psql: error: ");
    let said = said.lines().next().unwrap_or("no message");
    let wants_password = ["password authentication failed", "no password supplied"];
    let hint = match said.contains("FATAL:") && !said.contains("starting up") {
        _ if wants_password.iter().any(|text| said.contains(text)) => {
            "set PGPASSWORD, or name another variable with `password_env` in .agentenv.yaml; on the host ~/.pgpass works, too"
        }
        true => "check `user` of this service in .agentenv.yaml, and the server's log",
        false => {
            "a server that just started needs a moment; check it with `git agentenv infra status`"
        }
    };
    let message = format!("postgres at `{}` does not answer: {said}", site.title());
    let failure = error::service(message).hint(hint);
    // psql prints this only when no session started; of one that was cut it says that it was closed.
    match output.stderr.starts_with("psql: error: connection to server") {
        true => failure.never_ran(),
        false => failure.into(),
    }
}

/// Whether the server refused because something uses a database.
pub(super) fn is_in_use(error: &anyhow::Error) -> bool {
    error.downcast_ref::<SqlError>().is_some_and(|sql| sql.code == "55006")
}

/// A refusal of the server.
#[derive(Debug)]
pub(super) struct SqlError {
    /// The SQLSTATE: the same in every language, unlike the message.
    pub(super) code: String,
    /// The message.
    pub(super) message: String,
}

impl SqlError {
    /// From a line such as `psql:<stdin>:3: ERROR:  42P04: database "x" already exists`.
    fn of(stderr: &str) -> Self {
        let code_in = |line: &str| {
            line.split(": ").map(str::trim).find(|word| is_sqlstate(word)).map(str::to_owned)
        };
        let found = stderr.lines().find_map(|line| Some((line, code_in(line)?)));
        match found {
            Some((line, code)) => {
                let message = line.split_once(&format!("{code}: ")).map_or(line, |(_, rest)| rest);
                SqlError { message: format!("{message}{}", detail(stderr, line)), code }
            }
            None => SqlError { code: String::new(), message: stderr.to_owned() },
        }
    }
}

/// The line after the error, in any language, in parentheses: DETAIL names what is in the way. VERBOSITY=verbose
/// puts LOCATION, a place in the server's sources, after it.
fn detail(stderr: &str, error: &str) -> String {
    let mut after = stderr.lines().skip_while(|line| *line != error).skip(1);
    let Some((_, text)) = after.next().and_then(|line| line.split_once(":  ")) else {
        return String::new();
    };
    // `dropdb, dbcommands.c:1671` is where the error arose.
    let is_place = text.rsplit_once(':').is_some_and(|(file, line)| {
        file.ends_with(".c") && line.bytes().all(|b| b.is_ascii_digit())
    });
    if is_place { String::new() } else { format!(" ({text})") }
}

fn is_sqlstate(word: &str) -> bool {
    let upper = |b: u8| b.is_ascii_digit() || b.is_ascii_uppercase();
    word.len() == 5 && word.bytes().all(upper) && word.bytes().any(|b| b.is_ascii_digit())
}

impl std::fmt::Display for SqlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "postgres refused: {}", self.message)
    }
}

impl std::error::Error for SqlError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_found_in_any_language() {
        let error = SqlError::of(
            "psql:<stdin>:3: FEHLER:  42P04: Datenbank »x: y« existiert bereits\nORT:  createdb, dbcommands.c:1022",
        );
        assert_eq!(error.code, "42P04");
        assert_eq!(error.message, "Datenbank »x: y« existiert bereits");
        assert_eq!(SqlError::of("boom").message, "boom");
    }

    #[test]
    fn the_detail_is_kept_and_the_place_in_the_sources_is_not() {
        let error = SqlError::of(
            "psql:<stdin>:3: ERROR:  55006: database \"x\" is being accessed by other users\nDETAIL:  There is 1 prepared transaction using the database.\nLOCATION:  dropdb, dbcommands.c:1671",
        );
        assert_eq!(
            error.message,
            "database \"x\" is being accessed by other users (There is 1 prepared transaction using the database.)"
        );
    }
}
