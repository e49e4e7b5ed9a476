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
        let line = ui.progress.as_ref().map(|progress| progress.begin(&what));
        Step { ui: ui.clone(), what, begin: Instant::now(), line, ended: false }
    }

    /// Reports success.
    pub fn done(mut self) {
        self.end(&Tone::Good.paint_stderr("✓"));
    }

    /// Ends the step without a word: there was nothing to do.
    pub fn nothing(mut self) {
        self.clear();
    }

    fn end(&mut self, sign: &str) {
        self.clear();
        let took = Tone::Quiet.paint_stderr(&seconds(self.begin.elapsed()));
        self.ui.say(format!("{sign} {} {took}", self.what));
    }

    fn clear(&mut self) {
        self.ended = true;
        if let (Some(progress), Some(line)) = (&self.ui.progress, self.line.take()) {
            progress.end(&line);
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.ended {
            self.end(&Tone::Bad.paint_stderr("✗"));
        }
    }
}
