//! What failed for one of several environments of a command.

use crate::error::{Exit, exit_of};
use crate::ui::ErrorReport;
use serde::Serialize;

/// An environment of several for which the command failed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Failed {
    /// Its name; the branch, where there is no environment.
    name: String,
    /// Why.
    error: ErrorReport,
}

impl Failed {
    /// What failed for the environment of this name.
    pub fn of(name: &str, error: &anyhow::Error) -> Self {
        Failed { name: name.to_owned(), error: ErrorReport::of(error) }
    }
}

/// The exit code of the gravest failure.
pub fn gravest<'a>(errors: impl IntoIterator<Item = &'a anyhow::Error>) -> Exit {
    let exits = errors.into_iter().map(exit_of);
    exits.max_by_key(|exit| exit.code()).unwrap_or(Exit::Done)
}
