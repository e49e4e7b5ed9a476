//! The one place that starts processes.

mod conversation;
mod detached;
mod dialogue;
mod lines;
mod pulse;
mod running;
mod session;
mod start;
mod successor;

pub use self::conversation::{Conversation, Said};
pub use self::dialogue::Script;
pub use self::lines::Lines;
pub use self::pulse::{LOOKS, Pulse};
pub use self::running::{Output, Running};
pub(in crate::sys) use self::successor::become_command;
use super::env;
use crate::sys::interrupt::Ending;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a command may take when nothing else was said.
const PATIENCE: Duration = Duration::from_secs(30);

/// A command line to run, with what it reads and how long it may take.
#[derive(Debug, Clone)]
pub struct Cmd {
    program: OsString,
    args: Vec<OsString>,
    dir: Option<PathBuf>,
    env: HashMap<OsString, OsString>,
    stdin: Option<Vec<u8>>,
    script: Option<Script>,
    feed: Option<Box<Cmd>>,
    patience: Option<Duration>,
    pulse: Option<Pulse>,
    server: Option<String>,
    called: Option<String>,
    ending: Ending,
}

impl Cmd {
    /// A command that runs here, with nothing to read, for at most `PATIENCE`.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Cmd {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            dir: None,
            env: env::for_children(),
            stdin: None,
            script: None,
            feed: None,
            patience: Some(PATIENCE),
            pulse: None,
            server: None,
            called: None,
            ending: Ending::AtOnce,
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

    /// A shell script whose first argument is a file to read, or what reads the `content` that a file had.
    pub fn reading(script: &str, file: &Path, content: Option<&[u8]>) -> Self {
        let shell = Cmd::new("sh").args(["-c", script, "sh"]);
        match content {
            Some(content) => shell.arg("/dev/stdin").stdin(content),
            None => shell.arg(file),
        }
    }

    /// It reads from a terminal or has nothing to read: what comes through a pipe is for this process.
    pub fn reads_terminal(self) -> Self {
        if std::io::stdin().is_terminal() { self } else { self.stdin("") }
    }

    /// What it is told, and the words to listen for.
    pub fn talk(mut self, script: Script) -> Self {
        self.stdin = None;
        self.script = Some(script);
        self
    }

    /// The command whose output it reads. One that fails makes it fail.
    pub fn fed_by(mut self, feed: Cmd) -> Self {
        (self.stdin, self.script, self.feed) = (None, None, Some(Box::new(feed)));
        self
    }

    /// How long it may take; `None`: as long as it wants.
    pub fn patience(mut self, patience: Option<Duration>) -> Self {
        self.patience = patience;
        self
    }

    /// What tells that the server works for it. Without a beat it is ended long before its patience is.
    pub fn pulse(mut self, pulse: Pulse) -> Self {
        self.pulse = Some(pulse);
        self
    }

    /// The server that it asks, whose silence counts towards the time of the whole command ([`super::budget`]). A patience
    /// beyond that time is for work: of one that is talked to, it counts from the first line of the answer.
    pub fn asks(mut self, server: impl Into<String>) -> Self {
        self.server = Some(server.into());
        self
    }

    /// An interruption gives it time to end by itself: see [`Ending::Whole`].
    pub fn whole(mut self) -> Self {
        self.ending = Ending::Whole;
        self
    }

    /// The name for messages, instead of the whole command line.
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
}

/// Becomes the command that this program was started for, if it was. Returns only why that failed.
pub fn succeed() -> Option<anyhow::Error> {
    successor::succeed().or_else(session::lead)
}

/// What a failed command said, in one line for an error message.
pub fn complaint(name: &str, output: &Output) -> String {
    let said = if output.stderr.is_empty() { output.text() } else { output.stderr.clone() };
    match said.trim() {
        "" => format!("`{name}` exited with {}", output.code),
        said => format!("`{name}` failed: {said}"),
    }
}

/// The full path of a program, when it is on PATH.
pub fn find(program: impl AsRef<OsStr>) -> Option<PathBuf> {
    which::which(program).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Exit, exit_of};
    use std::time::{Duration, Instant};

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
    fn the_last_word_is_the_answer_without_waiting_for_the_end() {
        let script = Script {
            first: b"hello\n".to_vec(),
            then: Some(("hello".to_owned(), b"made\nmore\n".to_vec())),
            last: vec!["made".to_owned()],
        };
        let begin = Instant::now();
        let said = Cmd::new("sh")
            .args(["-c", "read a; echo $a; read b; echo $b; exec sleep 25"])
            .talk(script.clone());
        assert_eq!(said.output().unwrap().text(), "hello\nmade");
        assert!(begin.elapsed() < Duration::from_secs(20));
        let cut = Cmd::new("sh").args(["-c", "read a; echo $a; echo no >&2; exit 3"]).talk(script);
        let cut = cut.output().unwrap();
        assert_eq!((cut.code, cut.text().as_str(), &*cut.stderr), (3, "hello", "no"));
    }

    #[test]
    fn children_do_not_see_the_calling_git() {
        let shown = Cmd::new("env").read().unwrap();
        assert!(!shown.contains("GIT_DIR="));
    }
}
