//! Lines on the terminal that are drawn anew with each key, and gone when it is over.

use crate::error;
use anyhow::{Context, Result};
use console::{Key, Term, truncate_str};
use std::io::ErrorKind;

/// Some lines of the terminal. However it ends, they are cleared and the cursor shows again.
pub(super) struct Screen {
    term: Term,
    drawn: usize,
}

impl Screen {
    /// Begins with nothing.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub(super) fn open() -> Result<Screen> {
        let term = Term::buffered_stderr();
        term.hide_cursor().context(UNUSABLE)?;
        Ok(Screen { term, drawn: 0 })
    }

    /// Shows these lines instead of those before, each cut to the terminal's width.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub(super) fn draw(&mut self, lines: &[String]) -> Result<()> {
        let (height, width) = self.term.size();
        self.clear();
        for line in lines.iter().take(usize::from(height).saturating_sub(1)) {
            let line = truncate_str(line, usize::from(width).saturating_sub(1), "…");
            self.term.write_line(&line).context(UNUSABLE)?;
            self.drawn += 1;
        }
        self.term.flush().context(UNUSABLE)
    }

    /// The next key.
    ///
    /// # Errors
    /// When a signal asks the program to end, or the terminal is gone.
    pub(super) fn key(&self) -> Result<Key> {
        answered(self.term.read_key_raw())
    }

    fn clear(&mut self) {
        self.term.clear_last_lines(self.drawn).ok();
        self.drawn = 0;
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.clear();
        self.term.show_cursor().ok();
        self.term.flush().ok();
    }
}

const UNUSABLE: &str = "cannot use the terminal";

/// What a prompt came to. Ctrl-C and signals end it like Esc does.
///
/// # Errors
/// When it was broken off, or the terminal is gone.
pub(super) fn answered<T>(result: std::io::Result<T>) -> Result<T> {
    match result {
        Err(error) if error.kind() == ErrorKind::Interrupted => Err(cancelled()),
        answer => answer.context(UNUSABLE),
    }
}

/// The user does not want to go on.
pub(super) fn cancelled() -> anyhow::Error {
    error::interrupted("cancelled").into()
}
