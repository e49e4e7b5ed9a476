//! Failures that carry an exit code and a hint.
//!
//! Errors travel as [`anyhow::Error`]; the outermost [`Failure`] in the chain decides the exit code.

use std::fmt;

/// The exit codes. The numbers are part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: failed, and rolled back.
    Failed,
    /// 2: invalid command line.
    Usage,
    /// 3: invalid configuration.
    Config,
    /// 4: not in a repository, or no such environment.
    NotFound,
    /// 5: no free slot.
    NoSlot,
    /// 6: a service or tool is missing or does not answer.
    Service,
    /// 7: refused, to protect data.
    Refused,
    /// 8: partially done; the hint names the command that finishes the rest.
    Partial,
    /// 130: interrupted.
    Interrupted,
    /// The exit code of the command that `run` started, or 125 when it never started.
    Command(u8),
}

impl Exit {
    /// Every code but [`Exit::Command`], smallest first.
    pub const ALL: [Exit; 10] = [
        Exit::Done,
        Exit::Failed,
        Exit::Usage,
        Exit::Config,
        Exit::NotFound,
        Exit::NoSlot,
        Exit::Service,
        Exit::Refused,
        Exit::Partial,
        Exit::Interrupted,
    ];

    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        self.described().0
    }

    /// The code's name in JSON errors.
    pub fn word(self) -> &'static str {
        self.described().1
    }

    /// The meaning, for README and the manual.
    pub fn meaning(self) -> &'static str {
        self.described().2
    }

    fn described(self) -> (u8, &'static str, &'static str) {
        match self {
            Exit::Done => (0, "done", "Done."),
            Exit::Failed => (1, "failed", "Failed; changes were rolled back."),
            Exit::Usage => (2, "usage", "Invalid command line."),
            Exit::Config => (3, "config", "Invalid configuration."),
            Exit::NotFound => (4, "not_found", "Not in a repository, or no such environment."),
            Exit::NoSlot => (5, "no_slot", "No free port or Redis index."),
            Exit::Service => (6, "service", "A server or tool is missing or does not answer."),
            Exit::Refused => (7, "refused", "Refused, to protect data."),
            Exit::Partial => {
                (8, "partial", "Partially done; the hint names the command that finishes the rest.")
            }
            Exit::Interrupted => (130, "interrupted", "Interrupted."),
            Exit::Command(code) => (code, "command", "The exit code of the command that was run."),
        }
    }
}

/// The words of all codes that a JSON error may have.
#[cfg(test)]
pub(crate) fn words() -> Vec<&'static str> {
    Exit::ALL.into_iter().chain([Exit::Command(0)]).map(Exit::word).skip(1).collect()
}

/// An error with an exit code and, where there is one, the way out.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What failed, with the object's name.
    pub message: String,
    /// The way out: an imperative with the exact command.
    pub hint: Option<String>,
    /// The command that failed certainly never started.
    never_ran: bool,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Failure { exit, message: message.into(), hint: None, never_ran: false }
    }

    /// An error in one line with its exit code, without its hint.
    pub fn of(error: &anyhow::Error) -> Self {
        Failure::new(exit_of(error), format!("{error:#}"))
    }

    /// Adds the way out.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Marks the failure as that of a command that certainly never started.
    pub fn never_ran(mut self) -> anyhow::Error {
        self.never_ran = true;
        self.into()
    }
}

/// Exit 1: failed, and rolled back.
pub fn failed(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Failed, message)
}

/// Exit 2: an invalid command line.
pub fn usage(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Usage, message)
}

/// Exit 3: an invalid configuration.
pub fn config(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Config, message)
}

/// Exit 4: no repository, or no such environment.
pub fn not_found(message: impl Into<String>) -> Failure {
    Failure::new(Exit::NotFound, message)
}

/// Exit 5: no free port or Redis index.
pub fn no_slot(message: impl Into<String>) -> Failure {
    Failure::new(Exit::NoSlot, message)
}

/// Exit 6: a server or tool is missing or does not answer.
pub fn service(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Service, message)
}

/// Exit 7: refused, to protect data.
pub fn refused(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Refused, message)
}

/// Exit 8: partially done; the hint names the command that finishes the rest.
pub fn partial(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Partial, message)
}

/// Exit 130: interrupted.
pub fn interrupted(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Interrupted, message)
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Whether the command that failed certainly never started, so that there is nothing to roll back.
pub fn never_ran(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Failure>().is_some_and(|failure| failure.never_ran)
}

/// The same failure, without the claim that the command never started.
pub fn may_have_run(error: anyhow::Error) -> anyhow::Error {
    let hint = hint_of(&error).map(str::to_owned);
    Failure { hint, ..Failure::new(exit_of(&error), error.to_string()) }.into()
}

/// Exit 8, or 130 when one of them is an interruption: what was done in part, and why the rest is left.
pub fn left(done: &str, left: &[anyhow::Error]) -> Failure {
    let named: Vec<String> = left.iter().map(|error| format!("{error:#}")).collect();
    let message = format!("{done}: {}", named.join("; "));
    match left.iter().any(|error| exit_of(error) == Exit::Interrupted) {
        true => interrupted(message),
        false => partial(message),
    }
}

/// The exit code of an error: that of the outermost [`Failure`] in it, else "failed".
pub fn exit_of(error: &anyhow::Error) -> Exit {
    error.downcast_ref::<Failure>().map_or(Exit::Failed, |failure| failure.exit)
}

/// The same error once more: for each of several things that failed together.
pub fn again(error: &anyhow::Error) -> anyhow::Error {
    Failure { hint: hint_of(error).map(str::to_owned), ..Failure::of(error) }.into()
}

/// The hint of the outermost [`Failure`] in an error.
pub fn hint_of(error: &anyhow::Error) -> Option<&str> {
    error.downcast_ref::<Failure>()?.hint.as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn a_failure_is_found_below_context() {
        let error = anyhow::Error::new(Failure::new(Exit::NoSlot, "full").hint("remove one"));
        let error = Err::<(), _>(error).context("cannot add `x`").unwrap_err();
        assert_eq!(exit_of(&error).code(), 5);
        assert_eq!(hint_of(&error), Some("remove one"));
        assert_eq!(format!("{error:#}"), "cannot add `x`: full");
    }
}
