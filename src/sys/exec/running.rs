//! A command that was started: the wait for it, and what it left behind.

use super::dialogue::Answer;
use super::pulse::{Felt, Pulse};
use crate::error;
use crate::sys::budget::{self, Question};
use crate::sys::interrupt::{self, Ending};
use anyhow::{Context, Result};
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How often the wait for a command looks whether the user interrupted: something that the command started may
/// live on and hold its pipes.
const SLICE: Duration = Duration::from_millis(100);

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

/// How long a command may take.
pub(super) struct Limit {
    patience: Option<Duration>,
    pulse: Option<Pulse>,
    question: Option<Question>,
}

impl Limit {
    /// `question`: it asks a server.
    pub(super) fn new(
        patience: Option<Duration>,
        pulse: Option<Pulse>,
        question: Option<Question>,
    ) -> Self {
        Limit { patience, pulse, question }
    }

    /// How long the whole may take.
    fn whole(&self) -> Option<Duration> {
        match &self.question {
            Some(question) if self.patience.is_some_and(|patience| patience <= budget::total()) => {
                Some(question.limit())
            }
            _ => self.patience,
        }
    }

    /// How long it may take until the first line of an answer.
    fn silence(&self) -> Option<Duration> {
        self.question.as_ref().map(Question::limit).or(self.patience)
    }
}

/// A command that was started.
pub struct Running {
    handle: Arc<duct::Handle>,
    name: String,
    begun: Instant,
    limit: Limit,
    answer: Option<Receiver<Answer>>,
    ending: Ending,
    _registered: interrupt::Registered,
}

impl Running {
    /// A command that was started just now and may take this long, and where its answer comes in if it is talked to.
    ///
    /// # Errors
    /// When the user interrupted; it is ended then.
    pub(super) fn new(
        handle: duct::Handle,
        name: String,
        answer: Option<Receiver<Answer>>,
        limit: Limit,
        ending: Ending,
    ) -> Result<Self> {
        let handle = Arc::new(handle);
        let registered = interrupt::register(&handle, ending)?;
        let begun = Instant::now();
        Ok(Running { handle, name, begun, limit, answer, ending, _registered: registered })
    }

    /// Waits for its end, or for the last word of one that is talked to.
    ///
    /// # Errors
    /// When it takes too long (it is killed then) or the user interrupted.
    pub fn wait(self) -> Result<Output> {
        let said = match &self.answer {
            None => None,
            Some(answer) => match self.said(answer)? {
                Answer::Whole(stdout) => {
                    return Ok(Output { code: 0, stdout, stderr: String::new() });
                }
                Answer::Cut(said) => Some(said),
                Answer::Begun => None,
            },
        };
        let (status, stdout, stderr) = self.rest(|at| {
            let ended = self.handle.wait_deadline(at);
            let ended = ended.with_context(|| format!("cannot wait for `{}`", self.name))?;
            Ok(ended.map(|end| (end.status, end.stdout.clone(), end.stderr.clone())))
        })?;
        Ok(Output {
            code: code(status),
            stdout: said.unwrap_or(stdout),
            stderr: String::from_utf8_lossy(&stderr).trim().to_owned(),
        })
    }

    /// As [`Running::wait`], of one of our own commands. Once its caller has cancelled it, it is ended as Ctrl-C ends it: it
    /// rolls back first.
    pub fn wait_unless(self, cancelled: impl Fn() -> bool) -> Result<Output> {
        while matches!(self.handle.wait_timeout(SLICE), Ok(None)) && interrupt::check().is_ok() {
            if cancelled() {
                interrupt::cancel(&self.handle);
                break;
            }
        }
        self.wait()
    }

    /// All that it answers. Once it has begun to, it may take longer.
    fn said(&self, answer: &Receiver<Answer>) -> Result<Answer> {
        match self.until(self.limit.silence(), |at| hear(answer, at))? {
            Answer::Begun => self.rest(|at| hear(answer, at)),
            other => Ok(other),
        }
    }

    /// Asks as [`Running::until`] for as long as the whole may take, and its pulse does not stand still.
    fn rest<T>(&self, ask: impl Fn(Instant) -> Result<Option<T>>) -> Result<T> {
        let felt = self.limit.pulse.as_ref().map(Pulse::feel);
        self.until(self.limit.whole(), |at| {
            let answer = ask(at)?;
            let still = felt.as_ref().filter(|_| answer.is_none()).and_then(Felt::stands_still);
            let Some(still) = still else { return Ok(answer) };
            interrupt::end(&self.handle, Ending::AtOnce);
            Err(match &self.limit.question {
                Some(question) if still.is_answered => question.idle(still.silence),
                _ => self.too_long(still.silence),
            })
        })
    }

    /// Asks again and again, each time for a while, until there is an answer. Without one the command is ended.
    fn until<T>(
        &self,
        limit: Option<Duration>,
        ask: impl Fn(Instant) -> Result<Option<T>>,
    ) -> Result<T> {
        let deadline = limit.and_then(|limit| self.begun.checked_add(limit));
        let too_long = || self.too_long(limit.unwrap_or_default());
        until(&self.handle, self.ending, deadline, ask, too_long)
    }

    fn too_long(&self, limit: Duration) -> anyhow::Error {
        let Some(question) = &self.limit.question else {
            let message = format!("`{}` did not answer within {} s", self.name, limit.as_secs());
            return error::service(message).into();
        };
        question.unanswered(limit)
    }
}

/// Asks again and again, each time for a while, until there is an answer. Without one the command is ended.
pub(super) fn until<T>(
    handle: &duct::Handle,
    ending: Ending,
    deadline: Option<Instant>,
    ask: impl Fn(Instant) -> Result<Option<T>>,
    too_long: impl FnOnce() -> anyhow::Error,
) -> Result<T> {
    loop {
        let slice = Instant::now() + SLICE;
        let answer = ask(deadline.map_or(slice, |deadline| deadline.min(slice)));
        if let Err(interrupted) = interrupt::check() {
            interrupt::end(handle, ending);
            return Err(interrupted);
        }
        if let Some(answer) = answer? {
            return Ok(answer);
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            interrupt::end(handle, Ending::AtOnce);
            return Err(too_long());
        }
    }
}

fn hear(answer: &Receiver<Answer>, until: Instant) -> Result<Option<Answer>> {
    match answer.recv_timeout(until.saturating_duration_since(Instant::now())) {
        Ok(answer) => Ok(Some(answer)),
        Err(RecvTimeoutError::Timeout) => Ok(None),
        Err(RecvTimeoutError::Disconnected) => Ok(Some(Answer::Cut(Vec::new()))),
    }
}

/// The exit code; 128 + n when signal n ended it.
pub(super) fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use crate::sys::exec::Cmd;

    #[test]
    fn one_command_reads_what_another_prints() {
        let fed = |feed: &str| {
            let feed = Cmd::new("sh").args(["-c", feed]);
            Cmd::new("sh").args(["-c", "cat; echo end"]).fed_by(feed).output().unwrap()
        };
        assert_eq!((fed("echo yes").code, &*fed("echo yes").text()), (0, "yes\nend"));
        assert_eq!(
            (fed("echo half; exit 4").code, &*fed("echo half; exit 4").text()),
            (4, "half\nend")
        );
    }
}
