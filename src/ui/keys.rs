//! How the terminal hands over what is typed, while something is drawn on it.

use super::screen::UNUSABLE;
use anyhow::{Context, Result};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::stdin;

/// The terminal hands over each key at once and does not echo it. Dropping this restores what was set before.
pub(super) struct Keys {
    before: Termios,
}

impl Keys {
    /// Sets it.
    ///
    /// # Errors
    /// When stdin is no terminal, or the terminal is gone.
    pub(super) fn take() -> Result<Keys> {
        let keys = Keys { before: tcgetattr(stdin()).context(UNUSABLE)? };
        keys.set(|_| ())?;
        Ok(keys)
    }

    /// Sets more than that.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub(super) fn set(&self, more: impl FnOnce(&mut Termios)) -> Result<()> {
        let mut modes = self.before.clone();
        modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        more(&mut modes);
        tcsetattr(stdin(), OptionalActions::Now, &modes).context(UNUSABLE)
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        tcsetattr(stdin(), OptionalActions::Now, &self.before).ok();
    }
}
