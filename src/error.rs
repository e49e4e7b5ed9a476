//! Failures that carry an exit code and a hint.
//!
//! Everything travels as [`anyhow::Error`]; a [`Failure`] anywhere in its chain says how the program ends.

use std::fmt;

/// How the program ends. The numbers are part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: failed, and rolled back.
    Failed,
    /// 2: the command line cannot be understood.
    Usage,
    /// 3: the configuration is invalid.
    Config,
    /// 4: not in a repository, or no such environment.
    NotFound,
    /// 5: no free slot.
    NoSlot,
    /// 6: a service or tool is missing or does not answer.
    Service,
    /// 7: refused, to protect data.
    Refused,
    /// 8: done in part; the rest is recorded for `prune`.
    Partial,
    /// 130: interrupted.
    Interrupted,
    /// As the command that `run` ran, or 125 when it never ran.
    Command(u8),
}

impl Exit {
    /// All that a command can end with by itself.
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
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Config => 3,
            Exit::NotFound => 4,
            Exit::NoSlot => 5,
            Exit::Service => 6,
            Exit::Refused => 7,
            Exit::Partial => 8,
            Exit::Interrupted => 130,
            Exit::Command(code) => code,
        }
    }

    /// The word that stands for it in JSON answers.
    pub fn word(self) -> &'static str {
        match self {
            Exit::Done => "done",
            Exit::Failed => "failed",
            Exit::Usage => "usage",
            Exit::Config => "config",
            Exit::NotFound => "not_found",
            Exit::NoSlot => "no_slot",
            Exit::Service => "service",
            Exit::Refused => "refused",
            Exit::Partial => "partial",
            Exit::Interrupted => "interrupted",
            Exit::Command(_) => "command",
        }
    }

    /// What it means, for the manual.
    pub fn meaning(self) -> &'static str {
        match self {
            Exit::Done => "Done.",
            Exit::Failed => "Failed; what had been made is taken back.",
            Exit::Usage => "The command line cannot be understood.",
            Exit::Config => "The configuration is invalid.",
            Exit::NotFound => "Not in a repository, or no such environment.",
            Exit::NoSlot => "No free port or Redis index is left.",
            Exit::Service => "A server or a tool is missing or does not answer.",
            Exit::Refused => "Refused, to protect data.",
            Exit::Partial => "Done in part; the rest is on record for git agentenv prune.",
            Exit::Interrupted => "Interrupted.",
            Exit::Command(_) => "As the command that was run.",
        }
    }
}

/// An error with an exit code and, where there is one, the way out.
#[derive(Debug)]
pub struct Failure {
    /// How the program ends because of it.
    pub exit: Exit,
    /// What failed, and on what.
    pub message: String,
    /// What the user can do about it.
    pub hint: Option<String>,
    /// It is about a command that certainly never began.
    never_ran: bool,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Failure { exit, message: message.into(), hint: None, never_ran: false }
    }

    /// The same failure with the way out.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same failure, of a command that certainly never began.
    pub fn never_ran(mut self) -> anyhow::Error {
        self.never_ran = true;
        self.into()
    }
}

/// A failure after which everything was rolled back.
pub fn failed(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Failed, message)
}

/// A command line that cannot be understood.
pub fn usage(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Usage, message)
}

/// An invalid configuration.
pub fn config(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Config, message)
}

/// No repository, or no such environment.
pub fn not_found(message: impl Into<String>) -> Failure {
    Failure::new(Exit::NotFound, message)
}

/// No free port or Redis index.
pub fn no_slot(message: impl Into<String>) -> Failure {
    Failure::new(Exit::NoSlot, message)
}

/// A server or a tool that is missing or does not answer.
pub fn service(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Service, message)
}

/// A refusal, to protect data.
pub fn refused(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Refused, message)
}

/// A partial result; the rest is recorded for `prune`.
pub fn partial(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Partial, message)
}

/// An interruption by the user.
pub fn interrupted(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Interrupted, message)
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Whether the command that failed certainly never began: there is nothing to undo then.
pub fn never_ran(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Failure>().is_some_and(|failure| failure.never_ran)
}

/// The same failure, of a command that may have begun all the same.
pub fn may_have_run(error: anyhow::Error) -> anyhow::Error {
    let hint = hint_of(&error).map(str::to_owned);
    Failure { hint, ..Failure::new(exit_of(&error), error.to_string()) }.into()
}

/// The exit code of an error: that of the outermost [`Failure`] in it, else "failed".
pub fn exit_of(error: &anyhow::Error) -> Exit {
    error.downcast_ref::<Failure>().map_or(Exit::Failed, |failure| failure.exit)
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
