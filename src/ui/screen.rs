//! Lines on the terminal that are redrawn after each key and cleared at the end.

use super::keys::Keys;
use crate::error;
use crate::sys::interrupt;
use anyhow::{Context, Result};
use console::{Key, Term, truncate_str};
use std::io::ErrorKind;

/// The lines that a prompt has drawn. Dropping it clears them and shows the cursor.
pub(super) struct Screen {
    term: Term,
    drawn: usize,
    _keys: Keys,
}

impl Screen {
    /// Hides the cursor and keys that are typed before they are read; nothing is drawn yet.
    pub(super) fn open() -> Result<Screen> {
        let (term, keys) = (Term::buffered_stderr(), Keys::take()?);
        term.hide_cursor().context(UNUSABLE)?;
        Ok(Screen { term, drawn: 0, _keys: keys })
    }

    /// How many lines can be drawn: the cursor stands below the last one.
    pub(super) fn height(&self) -> usize {
        usize::from(self.term.size().0).saturating_sub(1)
    }

    /// Replaces the drawn lines, each cut to the terminal's width.
    pub(super) fn draw(&mut self, lines: &[String]) -> Result<()> {
        let (_, width) = self.term.size();
        self.clear();
        for line in lines.iter().take(self.height()) {
            let line = truncate_str(line, usize::from(width).saturating_sub(1), "…");
            self.term.write_line(&line).context(UNUSABLE)?;
            self.drawn += 1;
        }
        self.term.flush().context(UNUSABLE)
    }

    /// Reads a key. Fails when a signal interrupts the read, or has come before.
    pub(super) fn key(&self, question: &str) -> Result<Key> {
        if interrupt::has_come() {
            return Err(cancelled(question));
        }
        answered(self.term.read_key_raw(), question)
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

pub(super) const UNUSABLE: &str = "cannot use the terminal";

/// The answer to a question. Ctrl-C and signals cancel it as Esc does.
pub(super) fn answered<T>(result: std::io::Result<T>, question: &str) -> Result<T> {
    match result {
        Err(error) if error.kind() == ErrorKind::Interrupted => Err(cancelled(question)),
        answer => answer.context(UNUSABLE),
    }
}

/// The error of a prompt that the user cancelled.
pub(super) fn cancelled(question: &str) -> anyhow::Error {
    let question = question.trim_end_matches(':');
    error::interrupted(format!("cancelled at `{question}`; nothing was changed")).into()
}
