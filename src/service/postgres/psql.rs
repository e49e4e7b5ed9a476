//! One psql session on the maintenance database, and why it was not reached.

use super::connection::set;
use super::pulse;
use super::sql_error::SqlError;
use crate::error;
use crate::service::Server;
use crate::service::executor::{Site, Task};
use crate::sys::budget;
use crate::sys::copy::LONGEST;
use crate::sys::exec::{Cmd, Conversation, Output, Script};
use anyhow::{Result, anyhow};
use std::time::Duration;

/// Time limit of one statement on the server where data is copied.
pub(super) const COPYING: Duration = LONGEST;

/// Time limit of one that waits for a lock or drops what was copied. No data is as large as that.
pub(super) const WAITING: Duration = Duration::from_secs(600);

/// Time limit of a glance.
const GLANCE: Duration = Duration::from_secs(2);

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

/// What psql says first when no session started.
const NO_SESSION: &str = "psql: error: connection to server";

/// A script to run.
pub(super) struct Session<'a> {
    server: &'a Server,
    script: Script,
    /// Lines before it that set its variables: an argument of a program has a limit, and a mark may be longer.
    vars: String,
    limit: Duration,
    optional: bool,
}

impl<'a> Session<'a> {
    /// A session that runs this script on this server.
    pub(super) fn new(server: &'a Server, script: impl Into<Vec<u8>>) -> Self {
        let script = Script { first: script.into(), ..Script::default() };
        Session { server, script, vars: String::new(), limit: usual(), optional: false }
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
        self.vars.push_str(&set(name, value));
        self
    }

    /// Time limit of each statement: [`WAITING`] at most, before the first half has printed its line.
    pub(super) fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// It is only a glance, which the command can do without: see [`Task::optional`].
    pub(super) fn glance(mut self) -> Self {
        (self.limit, self.optional) = (GLANCE, true);
        self
    }

    /// Runs it and returns the lines that it printed.
    ///
    /// # Errors
    /// [`SqlError`] when the server refuses; else why it was not reached.
    pub(super) fn run(self) -> Result<Vec<String>> {
        let is_long = self.is_long();
        let mut script = self.script.clone();
        // The server answers: from here on it works, or waits for a lock.
        let connected = if is_long { "\\echo connected\n" } else { "" };
        script.first.splice(..0, format!("{connected}{}", self.vars).into_bytes());
        if let Some((_, rest)) = script.then.as_mut().filter(|_| self.limit > WAITING) {
            rest.splice(
                ..0,
                format!("SET statement_timeout = {};\n", self.limit.as_millis()).into_bytes(),
            );
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
            self.first_limit().as_millis()
        );
        let is_long = self.is_long();
        let name = if is_long { pulse::name()? } else { pulse::NAME.to_owned() };
        let task = Task {
            args: self.args(&site),
            vars: variables(&site, &options, &name),
            patience: self.limit + margin(),
            pulse: is_long.then(|| pulse::of(self.server, &name)),
            optional: self.optional,
            ..Task::new("psql")
        };
        run(&site, task)
    }

    fn is_long(&self) -> bool {
        self.limit > usual()
    }

    fn first_limit(&self) -> Duration {
        if self.script.then.is_some() { self.limit.min(WAITING) } else { self.limit }
    }

    fn args<'b>(&self, site: &'b Site) -> Vec<&'b str>
    where
        'a: 'b,
    {
        let mut args = vec!["-XqAtw", "-d", "postgres", "-U", &self.server.user];
        if site.is_host() {
            args.extend(["-h", "localhost", "-p", site.port()]);
        }
        args.extend(["-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose"]);
        args
    }
}

/// The lines that a psql printed which ended.
fn meaning(site: &Site, task: &Task<'_>, output: &Output) -> Result<Vec<String>> {
    match output.code {
        0 => Ok(output.text().lines().map(str::to_owned).collect()),
        // psql's exit codes; docker uses small numbers too, so its text decides.
        3 => Err(SqlError::of(&output.stderr).into()),
        2 if let Some(refusal) = refusal(&output.stderr) => Err(refusal.into()),
        2 if !output.stderr.starts_with("Error") => Err(silent(site, output)),
        _ => Err(site.explain(task, output)),
    }
}

/// Why a server that answers has ended the session, unless it or its administrator is stopping: class 57P. The last thing
/// that it said; warnings come before that.
fn refusal(stderr: &str) -> Option<SqlError> {
    let lines: Vec<&str> = stderr.lines().collect();
    let last = lines.iter().rposition(|line| !SqlError::of(line).code.is_empty())?;
    let said = SqlError::of(&lines[last..].join("\n"));
    (!said.code.starts_with("57P") && !stderr.starts_with(NO_SESSION)).then_some(said)
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

fn variables<'b>(site: &'b Site, options: &'b str, name: &'b str) -> Vec<(&'b str, &'b str)> {
    let mut vars = vec![
        ("PGOPTIONS", options),
        ("PGCONNECT_TIMEOUT", "10"),
        ("PGAPPNAME", name),
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
    match output.stderr.starts_with(NO_SESSION) {
        true => failure.never_ran(),
        false => failure.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::refusal;

    #[test]
    fn a_session_that_the_server_ends_for_a_reason_was_refused() {
        let said = |text: &str| refusal(&format!("psql:<stdin>:3: {text}")).is_some();
        assert!(said("FATAL:  58P01: could not open file \"base/1/2\": No such file or directory"));
        assert!(!said("FATAL:  57P01: terminating connection due to administrator command"));
        assert!(!said("server closed the connection unexpectedly"));
        assert!(refusal(
            "psql: error: connection to server on socket \"/s\" failed: FATAL:  role \"X1234\" does not exist"
        )
        .is_none());
        assert!(!said(
            "WARNING:  01000: a collation is outdated\npsql:<stdin>:4: FATAL:  57P01: terminating connection"
        ));
    }
}
