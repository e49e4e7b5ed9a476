//! A step: work that takes a moment, shown while it runs and reported when it ends.

use super::Ui;
use super::color::Tone;
use super::lanes::Lane;
use super::progress::{Line, seconds};
use crate::model::measure::size;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How often a live line says how far its step is, and how long a step takes before it says so.
const EACH: Duration = Duration::from_secs(1);

/// How far a step is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// What is there.
    pub done: u64,
    /// What there will be, about; `None`: it is not known.
    pub of: Option<u64>,
}

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

    /// Does the work of the step. Where a live line shows it, and it takes longer, `look` is asked meanwhile how far it is;
    /// nobody waits for its answer when the work is done.
    pub fn during<T>(
        &self,
        look: impl FnMut() -> Option<Reached> + Send + 'static,
        work: impl FnOnce() -> T,
    ) -> T {
        let is_shown =
            self.line.is_some() || self.ui.lane.as_ref().is_some_and(|one| one.is_live());
        if !is_shown {
            return work();
        }
        let (_working, ended) = channel();
        let shown =
            Shown { what: self.what.clone(), line: self.line.clone(), lane: self.ui.lane.clone() };
        thread::spawn(move || shown.follow(look, &ended));
        work()
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

/// What is shown of a step that runs.
struct Shown {
    what: String,
    line: Option<Arc<Line>>,
    lane: Option<Arc<Lane>>,
}

impl Shown {
    fn follow(&self, mut look: impl FnMut() -> Option<Reached>, ended: &Receiver<()>) {
        let mut pause = EACH;
        while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            let begin = Instant::now();
            let reached = look();
            // What answers late has enough to do.
            if begin.elapsed() >= EACH {
                pause *= 2;
            }
            match reached {
                Some(reached) if ended.try_recv() == Err(TryRecvError::Empty) => self.show(reached),
                _ => {}
            }
        }
    }

    fn show(&self, Reached { done, of }: Reached) {
        // The source is about as large as the copy, and may be smaller.
        let of = of.filter(|of| *of > done).map(|of| format!(" of {}", size(of)));
        let reached = format!("{}: {}{}", self.what, size(done), of.unwrap_or_default());
        self.line.iter().for_each(|line| line.show(&reached));
        self.lane.iter().for_each(|lane| lane.reach(&self.what, &reached));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.ended {
            self.end(&Tone::Bad.paint_stderr("✗"), true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::progress::Progress;

    #[test]
    fn work_that_is_done_waits_for_no_look() {
        let ui = Ui {
            json: false,
            quiet: true,
            progress: Some(Arc::new(Progress::new())),
            lanes: None,
            lane: None,
        };
        let (asked, is_asked) = channel();
        let (answer, answered) = channel();
        let look = move || {
            asked.send(()).ok();
            answered.recv().ok()
        };
        let step = ui.step("copy");
        step.during(look, || is_asked.recv().unwrap());
        step.nothing();
        assert!(answer.send(Reached { done: 1, of: None }).is_ok());
    }
}
