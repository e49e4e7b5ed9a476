//! Something that has begun and may take a moment.

use super::Ui;
use super::color::Tone;
use super::progress::{Line, seconds};
use std::sync::Arc;
use std::time::Instant;

/// Something that has begun; it failed unless somebody says that it is done.
pub struct Step<'a> {
    ui: &'a Ui,
    what: String,
    begin: Instant,
    line: Option<Arc<Line>>,
    ended: bool,
}

impl<'a> Step<'a> {
    pub(super) fn begin(ui: &'a Ui, what: String) -> Step<'a> {
        let line = ui.progress.as_ref().map(|progress| progress.begin(&what));
        Step { ui, what, begin: Instant::now(), line, ended: false }
    }

    /// It is done.
    pub fn done(mut self) {
        self.end(&Tone::Good.paint_stderr("✓"));
    }

    /// There was nothing to do: it is not mentioned.
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

impl Drop for Step<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.end(&Tone::Bad.paint_stderr("✗"));
        }
    }
}
