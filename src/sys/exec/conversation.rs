//! A command that is asked several times over its stdin and stdout. It starts before the first question: what it takes to
//! start passes meanwhile.

use super::running::{self, Output};
use super::{Cmd, PATIENCE};
use crate::sys::budget;
use crate::sys::interrupt::{self, Ending};
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Write, pipe};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// A command that was started and reads questions. Dropped, it reads the end of its input.
pub struct Conversation {
    handle: Arc<duct::Handle>,
    name: String,
    to: PipeWriter,
    lines: Receiver<String>,
    server: String,
    patience: Duration,
    _registered: interrupt::Registered,
}

/// What a command said to a question.
pub enum Said {
    /// The lines before its last word.
    Answer(Vec<String>),
    /// It ended instead: how, and with the lines that it printed to this question.
    Ended(Output),
}

impl Cmd {
    /// Starts it for questions. Its patience is the longest silence between two lines of an answer.
    ///
    /// # Errors
    /// When the program is missing or cannot be started, the server was silent before, or the user interrupted.
    pub fn converse(self) -> Result<Conversation> {
        self.server.iter().try_for_each(|server| budget::require_answers(server))?;
        let (stdin, to) = pipe().context("cannot make a pipe")?;
        let (from, stdout) = pipe().context("cannot make a pipe")?;
        let (tell, lines) = channel();
        let expression = self.expression().stdin_file(stdin).stdout_file(stdout).stderr_capture();
        let handle = Arc::new(expression.start().map_err(|error| self.not_started(error))?);
        let registered = interrupt::register(&handle, Ending::AtOnce)?;
        std::thread::spawn(move || listen(from, &tell));
        let (name, patience) = (self.name(), self.patience.unwrap_or(PATIENCE));
        let server = self.server.unwrap_or_else(|| name.clone());
        Ok(Conversation { handle, name, to, lines, server, patience, _registered: registered })
    }
}

fn listen(from: PipeReader, tell: &Sender<String>) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while matches!(from.read_until(b'\n', &mut line), Ok(count) if count > 0) {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        if tell.send(text).is_err() {
            return;
        }
        line.clear();
    }
}

impl Conversation {
    /// Asks, and listens to the line that is the last word.
    ///
    /// # Errors
    /// When it is silent for too long (it is killed then) or the user interrupted.
    pub fn ask(&mut self, question: &[u8], last: &str) -> Result<Said> {
        interrupt::check()?;
        // A pipe that breaks is told by how the command ends.
        self.to.write_all(question).and_then(|()| self.to.flush()).ok();
        let mut said = Vec::new();
        loop {
            match self.until(|at| match self.lines.recv_timeout(at - Instant::now().min(at)) {
                Ok(line) => Ok(Some(Some(line))),
                Err(RecvTimeoutError::Timeout) => Ok(None),
                Err(RecvTimeoutError::Disconnected) => Ok(Some(None)),
            })? {
                Some(line) if line == last => return Ok(Said::Answer(said)),
                Some(line) => said.push(line),
                None => return self.ended(&said),
            }
        }
    }

    fn ended(&self, said: &[String]) -> Result<Said> {
        let (status, stderr) = self.until(|at| {
            let ended = self.handle.wait_deadline(at);
            let ended = ended.with_context(|| format!("cannot wait for `{}`", self.name))?;
            Ok(ended.map(|end| (end.status, end.stderr.clone())))
        })?;
        Ok(Said::Ended(Output {
            code: running::code(status),
            stdout: said.join("\n").into_bytes(),
            stderr: String::from_utf8_lossy(&stderr).trim().to_owned(),
        }))
    }

    fn until<T>(&self, ask: impl Fn(Instant) -> Result<Option<T>>) -> Result<T> {
        let question = budget::ask(&self.server, self.patience)?;
        let deadline = Instant::now() + question.limit();
        let silent = || question.unanswered(question.limit());
        running::until(&self.handle, Ending::AtOnce, Some(deadline), ask, silent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Exit, exit_of};

    fn shell(script: &str) -> Conversation {
        Cmd::new("sh").args(["-c", script]).converse().unwrap()
    }

    #[test]
    fn each_question_gets_its_own_answer() {
        let mut echo =
            shell("while read word; do echo \"<$word>\"; echo end; done; echo bye >&2; exit 3");
        for word in ["one", "two"] {
            let Said::Answer(lines) = echo.ask(format!("{word}\n").as_bytes(), "end").unwrap()
            else {
                panic!("it ended");
            };
            assert_eq!(lines, [format!("<{word}>")]);
        }
    }

    #[test]
    fn one_that_ends_says_how() {
        let mut short = shell("read word; echo half; echo no >&2; exit 3");
        let Said::Ended(output) = short.ask(b"word\n", "end").unwrap() else {
            panic!("it answered")
        };
        assert_eq!((output.code, output.text().as_str(), &*output.stderr), (3, "half", "no"));
    }

    #[test]
    fn one_that_is_silent_is_ended() {
        let command = Cmd::new("sh").args(["-c", "exec sleep 60"]);
        let mut silent = command.patience(Some(Duration::from_millis(100))).converse().unwrap();
        let error = silent.ask(b"", "end").err().unwrap();
        assert_eq!(exit_of(&error), Exit::Service);
    }
}
