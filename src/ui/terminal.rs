//! What the terminal is, as far as others need to know.

use crate::sys::env;
use console::Term;
use std::io::IsTerminal;

/// Whether the terminal cannot move its cursor.
pub(super) fn is_dumb() -> bool {
    env::var("TERM").is_some_and(|term| term == "dumb")
}

/// The width of stdout in columns; `None` when it is no terminal.
pub fn width() -> Option<usize> {
    let term = Term::stdout();
    term.features().is_attended().then(|| usize::from(term.size().1))
}

/// The height of stderr in lines.
pub fn height() -> usize {
    usize::from(Term::stderr().size().0)
}

/// Whether stdin and stdout are terminals.
pub fn is_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Shows the cursor, which a cancelled prompt may have hidden.
pub fn show_cursor() {
    if std::io::stderr().is_terminal() {
        Term::stderr().show_cursor().ok();
    }
}
