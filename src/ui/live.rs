//! The whole terminal, redrawn again and again, until a key ends it.

use super::is_dumb;
use super::keys::Keys;
use super::screen::UNUSABLE;
use crate::error;
use anyhow::{Context, Result};
use console::{Term, truncate_str};
use rustix::termios::{LocalModes, SpecialCodeIndex};
use std::io::{ErrorKind, IsTerminal, Read, Write};
use std::time::{Duration, Instant};

/// The alternate screen without a cursor, and back (xterm, "The Alternate Screen Buffer").
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// How often the terminal is asked for its size.
const LOOK: Duration = Duration::from_millis(200);

/// The terminal while it is drawn on. Dropping it restores what was there.
pub struct Live {
    term: Term,
    keys: Keys,
}

/// A key that was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key(u8);

impl Key {
    /// Whether it is q or Ctrl-C.
    pub fn ends_it(self) -> bool {
        const CTRL_C: u8 = 3;
        matches!(self.0, b'q' | b'Q' | CTRL_C)
    }
}

impl Live {
    /// Takes the terminal.
    ///
    /// # Errors
    /// `Usage` when stdin or stdout is no terminal.
    pub fn open() -> Result<Live> {
        let term = Term::stdout();
        if is_dumb() || !std::io::stdin().is_terminal() || !term.features().is_attended() {
            let failure = error::usage("cannot watch: stdin or stdout is not a terminal");
            return Err(failure.hint("for one answer: `git agentenv list --full`").into());
        }
        let live = Live { term, keys: Keys::take()? };
        // The user may press Ctrl-C as soon as the first picture is there.
        live.take_keys(Duration::ZERO)?;
        live.print(ENTER)?;
        Ok(live)
    }

    /// Its width in columns and its height in lines.
    pub fn size(&self) -> (usize, usize) {
        let (height, width) = self.term.size();
        (usize::from(width), usize::from(height))
    }

    /// Replaces what is drawn by these lines, as far as they fit.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&self, lines: &[String]) -> Result<()> {
        let (width, height) = self.size();
        // Cleared before it is written: behind the last column, a line would lose its last letter.
        let line = |line: &String| format!("\x1b[2K{}", truncate_str(line, width, "…"));
        let drawn: Vec<String> = lines.iter().take(height).map(line).collect();
        let rest = if drawn.len() < height { "\r\n\x1b[J" } else { "" };
        self.print(&format!("\x1b[H{}{rest}", drawn.join("\r\n")))
    }

    /// The next key; `None`: none came for so long, or the terminal has another size than what is drawn.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn key(&self, patience: Duration) -> Result<Option<Key>> {
        let (begin, size) = (Instant::now(), self.size());
        loop {
            let left = patience.saturating_sub(begin.elapsed());
            self.take_keys(left.min(LOOK))?;
            let key = Self::read()?;
            if key.is_some() || left <= LOOK || self.size() != size {
                return Ok(key);
            }
        }
    }

    fn read() -> Result<Option<Key>> {
        let mut key = [0; 1];
        match std::io::stdin().lock().read(&mut key) {
            Ok(read) => Ok((read > 0).then_some(Key(key[0]))),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(None),
            Err(error) => Err(error).context(UNUSABLE),
        }
    }

    /// Lets a read end with the next key, or after so long.
    fn take_keys(&self, patience: Duration) -> Result<()> {
        let tenths = patience.as_millis() / 100;
        self.keys.set(|modes| {
            // Ctrl-C comes as a key, too: a signal would not end the read.
            modes.local_modes.remove(LocalModes::ISIG);
            modes.special_codes[SpecialCodeIndex::VMIN] = 0;
            modes.special_codes[SpecialCodeIndex::VTIME] = u8::try_from(tenths).unwrap_or(u8::MAX);
        })
    }

    fn print(&self, text: &str) -> Result<()> {
        let mut out = &self.term;
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).context(UNUSABLE)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.print(LEAVE).ok();
    }
}
