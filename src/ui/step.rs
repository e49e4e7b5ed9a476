//! A step: work that takes a moment, shown while it runs and reported when it ends.

use super::Ui;
use super::color::Tone;
use super::progress::{Line, seconds};
use std::sync::Arc;
use std::time::Instant;

/// A running step. Dropped without [`Step::done`] or [`Step::nothing`], it is reported as failed.
pub struct Step {
    ui: Ui,
    what: String,
    begin: Instant,
    line: Option<Arc<Line>>,
    ended: bool,
}

impl Step {
    pub(super) fn begin(ui: &Ui, what: String) -> Step {
        let line = match &ui.lane {
            Some(lane) => {
                lane.begin(&what);
                None
            }
            None => ui.progress.as_ref().map(|progress| progress.begin(None, &what)),
        };
        Step { ui: ui.clone(), what, begin: Instant::now(), line, ended: false }
    }

    /// Reports success.
    pub fn done(mut self) {
        // A live line shows it, and what was made is said in the end.
        let is_shown = self.ui.lane.as_ref().is_some_and(|lane| lane.is_live());
        self.end(&Tone::Good.paint_stderr("✓"), !is_shown);
    }

    /// Ends the step without a word: there was nothing to do.
    pub fn nothing(mut self) {
        self.clear("-");
    }

    fn end(&mut self, sign: &str, is_said: bool) {
        self.clear(sign);
        if !is_said {
            return;
        }
        let took = Tone::Quiet.paint_stderr(&seconds(self.begin.elapsed()));
        self.ui.say(format!("{sign} {} {took}", self.what));
    }

    fn clear(&mut self, sign: &str) {
        self.ended = true;
        self.ui.lane.iter().for_each(|lane| lane.end(&self.what, sign));
        if let (Some(progress), Some(line)) = (&self.ui.progress, self.line.take()) {
            progress.end(&line);
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.ended {
            self.end(&Tone::Bad.paint_stderr("✗"), true);
        }
    }
}
