//! The one place that starts processes.

use super::dialogue::{self, Halves};
use super::{env, fault, interrupt};
use crate::error::{Exit, Failure};
use anyhow::{Context, Result};
use std::collections::HashMap;
use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a command may take when nothing else was said.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How often the wait for a command looks whether the user interrupted: something that the command started may
/// live on and hold its pipes.
const SLICE: Duration = Duration::from_millis(100);

/// A command line to run, with what it reads and how long it may take.
#[derive(Debug, Clone)]
pub struct Cmd {
    program: OsString,
    args: Vec<OsString>,
    dir: Option<PathBuf>,
    env: HashMap<OsString, OsString>,
    stdin: Option<Vec<u8>>,
    halves: Option<Halves>,
    patience: Option<Duration>,
    called: Option<String>,
}

/// What a command that ended left behind.
#[derive(Debug, Clone)]
pub struct Output {
    /// The exit code; 128 + n when signal n ended it.
    pub code: i32,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// What it complained of, trimmed.
    pub stderr: String,
}

impl Output {
    /// It ended with 0.
    pub fn success(&self) -> bool {
        self.code == 0
    }

    /// What it printed, as text, without the last line's end.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end_matches(['\n', '\r']).to_owned()
    }
}

/// A command that was started.
pub struct Running {
    handle: Arc<duct::Handle>,
    name: String,
    patience: Option<Duration>,
    talk: Option<JoinHandle<Vec<u8>>>,
    _registered: interrupt::Registered,
}

impl Cmd {
    /// A command that runs here, with nothing to read, for at most [`PATIENCE`].
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Cmd {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            dir: None,
            env: env::for_children(),
            stdin: None,
            halves: None,
            patience: Some(PATIENCE),
            called: None,
        }
    }

    /// One more argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// More arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// The directory to run in.
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.dir = Some(dir.as_ref().to_owned());
        self
    }

    /// A variable for it.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.insert(name.as_ref().to_owned(), value.as_ref().to_owned());
        self
    }

    /// What it reads.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// What it reads, the rest of it only when it has said a word.
    pub fn halves(mut self, halves: Halves) -> Self {
        self.stdin = None;
        self.halves = Some(halves);
        self
    }

    /// How long it may take; `None`: as long as it wants.
    pub fn patience(mut self, patience: Option<Duration>) -> Self {
        self.patience = patience;
        self
    }

    /// What messages call it instead of its whole command line.
    pub fn called(mut self, name: impl Into<String>) -> Self {
        self.called = Some(name.into());
        self
    }

    /// What messages call it: its program and arguments, unless it was given a name.
    pub fn name(&self) -> String {
        if let Some(name) = &self.called {
            return name.clone();
        }
        let words = std::iter::once(&self.program).chain(&self.args);
        words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    /// Runs it to its end and keeps what it printed, whatever its exit code is.
    ///
    /// # Errors
    /// When the program is missing, cannot be started, takes too long, or the user interrupted.
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
        Err(Failure::new(Exit::Failed, complaint(&name, &output)).into())
    }

    /// Starts it, to be waited for.
    ///
    /// # Errors
    /// When the program is missing or cannot be started.
    pub fn start(self) -> Result<Running> {
        let Some(halves) = self.halves.clone() else {
            return self.running(self.expression().stdout_capture().stderr_capture());
        };
        let dialogue = dialogue::begin(halves)?;
        let expression = self.expression().stdin_file(dialogue.stdin);
        let running = self.running(expression.stdout_file(dialogue.stdout).stderr_capture())?;
        Ok(Running { talk: Some(dialogue.talk), ..running })
    }

    /// Becomes it: terminal, signals and exit code are its own from here on, and nothing is left to be killed.
    ///
    /// # Errors
    /// When the program is missing or cannot be started.
    #[expect(clippy::disallowed_methods, reason = "this file starts processes")]
    pub fn replace(self) -> Result<Infallible> {
        let mut command = std::process::Command::new(&self.program);
        command.args(&self.args).env_clear().envs(&self.env);
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        Err(self.not_started(command.exec()))
    }

    /// Runs it on this process's terminal with its answer on stderr, so that stdout stays ours.
    ///
    /// # Errors
    /// When the program is missing or cannot be started, or the user interrupted.
    pub fn narrate(self) -> Result<i32> {
        let running = self.running(self.expression().stdout_to_stderr())?;
        Ok(running.wait()?.code)
    }

    fn running(&self, expression: duct::Expression) -> Result<Running> {
        let handle = Arc::new(self.spawn(&expression)?);
        let registered = interrupt::register(&handle)?;
        let patience = self.patience.map(fault::patience);
        Ok(Running { handle, name: self.name(), patience, talk: None, _registered: registered })
    }

    fn expression(&self) -> duct::Expression {
        let mut expression = duct::cmd(&self.program, &self.args).full_env(&self.env).unchecked();
        if let Some(dir) = &self.dir {
            expression = expression.dir(dir);
        }
        match &self.stdin {
            Some(bytes) => expression.stdin_bytes(bytes.clone()),
            None => expression,
        }
    }

    fn spawn(&self, expression: &duct::Expression) -> Result<duct::Handle> {
        expression.start().map_err(|error| self.not_started(error))
    }

    fn not_started(&self, error: std::io::Error) -> anyhow::Error {
        let program = self.program.to_string_lossy();
        match error.kind() {
            ErrorKind::NotFound if self.dir.as_ref().is_some_and(|dir| !dir.is_dir()) => {
                let dir = self.dir.as_deref().unwrap_or(Path::new("")).display();
                Failure::new(Exit::Failed, format!("directory not found: {dir}")).into()
            }
            ErrorKind::NotFound => {
                Failure::new(Exit::Service, format!("`{program}` is not installed"))
                    .hint(format!("install `{program}`, or put it on PATH"))
                    .never_ran()
            }
            _ => anyhow::Error::new(error).context(format!("cannot start `{program}`")),
        }
    }
}

impl Running {
    /// Waits for its end.
    ///
    /// # Errors
    /// When it takes too long (it is killed then) or the user interrupted.
    pub fn wait(self) -> Result<Output> {
        let deadline = self.patience.map(|patience| Instant::now() + patience);
        let ended = loop {
            let slice = Instant::now() + SLICE;
            let until = deadline.map_or(slice, |deadline| deadline.min(slice));
            let ended = self.handle.wait_deadline(until);
            if let Err(interrupted) = interrupt::check() {
                interrupt::end(&self.handle);
                return Err(interrupted);
            }
            let ended = ended.with_context(|| format!("cannot wait for `{}`", self.name))?;
            if ended.is_some() || deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                break ended;
            }
        };
        let Some(output) = ended else {
            interrupt::end(&self.handle);
            let seconds = self.patience.unwrap_or_default().as_secs();
            let message = format!("`{}` did not answer within {seconds} s", self.name);
            return Err(Failure::new(Exit::Service, message).into());
        };
        let said = self.talk.map(|talk| talk.join().unwrap_or_default());
        Ok(Output {
            code: code(output.status),
            stdout: said.unwrap_or_else(|| output.stdout.clone()),
            stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }
}

/// What a failed command said, in one line for an error message.
pub fn complaint(name: &str, output: &Output) -> String {
    let said = if output.stderr.is_empty() { output.text() } else { output.stderr.clone() };
    match said.trim() {
        "" => format!("`{name}` ended with {}", output.code),
        said => format!("`{name}` failed: {said}"),
    }
}

/// The full path of a program, when it is on PATH.
pub fn find(program: &str) -> Option<PathBuf> {
    which::which(program).ok()
}

fn code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::exit_of;

    #[test]
    fn output_has_all_three() {
        let output = Cmd::new("sh").args(["-c", "cat; echo no >&2; exit 3"]).stdin("yes\n");
        let output = output.output().unwrap();
        assert_eq!((output.code, output.text().as_str(), &*output.stderr), (3, "yes", "no"));
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Cmd::new("no-such-program").output().unwrap_err();
        assert_eq!(error.to_string(), "`no-such-program` is not installed");
        assert_eq!(exit_of(&error), Exit::Service);
    }

    #[test]
    fn a_hanging_program_is_ended_even_when_its_child_keeps_the_pipe() {
        let begin = Instant::now();
        let patience = Some(Duration::from_millis(100));
        let error = Cmd::new("sh").args(["-c", "sleep 60 & wait"]).patience(patience).output();
        assert_eq!(exit_of(&error.unwrap_err()), Exit::Service);
        assert!(begin.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn children_do_not_see_the_calling_git() {
        let shown = Cmd::new("env").read().unwrap();
        assert!(!shown.contains("GIT_DIR="));
    }
}
