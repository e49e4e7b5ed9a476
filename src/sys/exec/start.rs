//! The start of a command line.

use super::dialogue::{self, Answer};
use super::running::{Limit, Output, Running};
use super::{Cmd, complaint, find};
use crate::error;
use crate::sys::{budget, interrupt};
use anyhow::Result;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::time::Duration;

impl Cmd {
    /// Runs it and returns what it printed, whatever its exit code is.
    pub fn output(self) -> Result<Output> {
        self.start()?.wait()
    }

    /// Runs it and gives what it printed.
    ///
    /// # Errors
    /// As [`Cmd::output`], and when it ends with anything but 0.
    pub fn read(self) -> Result<String> {
        let name = self.name();
        let output = self.output()?;
        if output.success() {
            return Ok(output.text());
        }
        Err(error::failed(complaint(&name, &output)).into())
    }

    /// Starts it, to be waited for.
    pub fn start(self) -> Result<Running> {
        let limit = self.limit()?;
        let Some(script) = self.script.clone() else {
            // This process's own stdin is for this process: in `mcp`, it is the client's requests.
            let expression = self.expression().stdin_null();
            return self.running(expression.stdout_capture().stderr_capture(), None, limit);
        };
        let dialogue = dialogue::begin(script)?;
        let expression = self.expression().stdin_file(dialogue.stdin);
        let expression = expression.stdout_file(dialogue.stdout).stderr_capture();
        self.running(expression, Some(dialogue.answer), limit)
    }

    /// Runs it on this process's terminal with its answer on stderr, so that stdout stays ours.
    pub fn narrate(self) -> Result<i32> {
        let running = self.running(self.expression().stdout_to_stderr(), None, self.limit()?)?;
        Ok(running.wait()?.code)
    }

    fn running(
        &self,
        expression: duct::Expression,
        answer: Option<Receiver<Answer>>,
        limit: Limit,
    ) -> Result<Running> {
        // One that is ended as soon as it has begun can leave a lock file.
        interrupt::check()?;
        let handle = expression.start().map_err(|error| self.not_started(error))?;
        Running::new(handle, self.name(), answer, limit, self.ending)
    }

    fn limit(&self) -> Result<Limit> {
        let longest = self.patience.unwrap_or(Duration::MAX);
        let question = self.server.as_ref().map(|server| budget::ask(server, longest));
        Ok(Limit::new(self.patience, self.pulse.clone(), question.transpose()?))
    }

    pub(super) fn expression(&self) -> duct::Expression {
        // Without a full path the standard library forks instead of calling posix_spawn, which costs milliseconds.
        let program = find(&self.program).map_or_else(|| self.program.clone(), PathBuf::into);
        let mut expression = duct::cmd(program, &self.args).full_env(&self.env).unchecked();
        if let Some(dir) = &self.dir {
            expression = expression.dir(dir);
        }
        match (&self.stdin, &self.feed) {
            (Some(bytes), _) => expression.stdin_bytes(bytes.clone()),
            (None, Some(feed)) => feed.expression().stdin_null().pipe(expression),
            (None, None) => expression,
        }
    }

    pub(super) fn not_started(&self, error: std::io::Error) -> anyhow::Error {
        let program = self.program.to_string_lossy();
        match error.kind() {
            ErrorKind::NotFound if self.dir.as_ref().is_some_and(|dir| !dir.is_dir()) => {
                let dir = self.dir.as_deref().unwrap_or(Path::new("")).display();
                error::failed(format!("directory not found: {dir}")).into()
            }
            ErrorKind::NotFound => error::service(format!("`{program}` is not installed"))
                .hint(format!("install `{program}`, or add its directory to PATH"))
                .never_ran(),
            _ => anyhow::Error::new(error).context(format!("cannot start `{program}`")),
        }
    }
}
