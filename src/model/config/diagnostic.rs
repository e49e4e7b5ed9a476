//! Errors in a configuration, with their location.

use crate::error::{self, Failure, hint_of};
use crate::model::config::span;

/// The result of reading one part of a configuration.
pub(super) type Checked<T> = Result<T, Diagnostic>;

/// One error. Its line is looked up only when it is shown.
#[derive(Debug)]
pub(super) struct Diagnostic {
    line: Option<usize>,
    path: Vec<String>,
    other: Vec<String>,
    message: String,
    hint: Option<String>,
}

impl Diagnostic {
    /// An error at this path of keys; a list item is `[0]`.
    pub(super) fn at<S: AsRef<str>>(path: &[S], message: impl Into<String>) -> Self {
        Diagnostic {
            line: None,
            path: path.iter().map(|key| key.as_ref().to_owned()).collect(),
            other: Vec::new(),
            message: message.into(),
            hint: None,
        }
    }

    /// An error on this line.
    pub(super) fn on(line: usize, message: impl Into<String>) -> Self {
        Diagnostic { line: Some(line), ..Diagnostic::at::<&str>(&[], message) }
    }

    /// An error from another part of the model about the value at this path.
    pub(super) fn because<S: AsRef<str>>(path: &[S], error: &anyhow::Error) -> Self {
        let hint = hint_of(error).map(str::to_owned);
        Diagnostic { hint, ..Diagnostic::at(path, error.to_string()) }
    }

    /// Adds a hint.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The path to show when the first one is a default and not in the file.
    pub(super) fn or_at<S: AsRef<str>>(mut self, other: &[S]) -> Self {
        self.other = other.iter().map(|key| key.as_ref().to_owned()).collect();
        self
    }

    /// The error that the user sees.
    pub(super) fn failure(self, file_name: &str, text: &str) -> Failure {
        let line = self.line.or_else(|| self.find(text)).unwrap_or(1);
        let path = shown(&self.path);
        let message = if path.is_empty() {
            format!("{file_name}:{line}: {}", self.message)
        } else {
            format!("{file_name}:{line}: {path}: {}", self.message)
        };
        let mut failure = error::config(message);
        failure.hint = self.hint;
        failure
    }

    /// The line of the path, or of its longest part that is in the file.
    fn find(&self, text: &str) -> Option<usize> {
        let whole = [&self.path, &self.other];
        let exact = whole.iter().find_map(|path| span::of_key(text, path));
        let shorter = (1..self.path.len()).rev();
        exact.or_else(|| {
            shorter.map(|length| &self.path[..length]).find_map(|path| span::of_key(text, path))
        })
    }
}

fn shown(path: &[String]) -> String {
    let mut shown = String::new();
    for key in path {
        if !shown.is_empty() && !key.starts_with('[') {
            shown.push('.');
        }
        shown.push_str(key);
    }
    shown
}
