//! An error as JSON answers show it.

use crate::error::{Exit, exit_of, hint_of};
use serde::Serialize;

/// Every command: why it failed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ErrorAnswer {
    /// The failure.
    error: ErrorReport,
}

/// A failure.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ErrorReport {
    /// The word for the exit code.
    #[cfg_attr(test, schemars(extend("enum" = crate::error::words())))]
    code: &'static str,
    /// The exit code, which is that of the process.
    exit: u8,
    /// What failed, and on what.
    pub message: String,
    /// Why, the nearest cause first.
    causes: Vec<String>,
    /// What the user can do about it; null: nothing is known.
    pub hint: Option<String>,
}

impl ErrorAnswer {
    /// Of a program that exits with another code than the error's own.
    pub(super) fn ending(error: &anyhow::Error, exit: Exit) -> Self {
        ErrorAnswer { error: ErrorReport { exit: exit.code(), ..ErrorReport::of(error) } }
    }
}

impl ErrorReport {
    /// What JSON answers say of an error.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        ErrorReport {
            code: exit_of(error).word(),
            exit: exit_of(error).code(),
            message: error.to_string(),
            causes: error.chain().skip(1).map(ToString::to_string).collect(),
            hint: hint_of(error).map(str::to_owned),
        }
    }
}
