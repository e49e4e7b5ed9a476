//! Spinners: one live line for each running step, in the order in which they started.

use crate::sys::parallel::locked;
use console::{Alignment, Term, measure_text_width};
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, Instant};

/// A step that ends sooner shows no line.
const DELAY: Duration = Duration::from_millis(100);

/// How often the spinners move.
const TICK: Duration = Duration::from_millis(80);

/// Columns that a line needs beside its text, for the spinner and the time.
const BESIDE: usize = 14;

/// The live lines of a terminal.
pub(super) struct Progress {
    bars: MultiProgress,
    lines: Lines,
    ticking: Once,
}

type Lines = Arc<Mutex<Vec<Arc<Line>>>>;

/// One live line; invisible until [`DELAY`] has passed.
pub(super) struct Line {
    /// What it is about, in a column of its own.
    name: Option<String>,
    what: Mutex<String>,
    begin: Instant,
    bar: Mutex<Option<ProgressBar>>,
}

impl Progress {
    /// Without lines.
    pub(super) fn new() -> Progress {
        Progress { bars: MultiProgress::new(), lines: Lines::default(), ticking: Once::new() }
    }

    /// Adds a line.
    pub(super) fn begin(&self, name: Option<&str>, what: &str) -> Arc<Line> {
        let line = Arc::new(Line {
            name: name.map(str::to_owned),
            what: Mutex::new(what.to_owned()),
            begin: Instant::now(),
            bar: Mutex::new(None),
        });
        locked(&self.lines).push(line.clone());
        self.ticking.call_once(|| {
            let (bars, lines) = (self.bars.clone(), self.lines.clone());
            std::thread::spawn(move || tick(&bars, &lines));
        });
        line
    }

    /// Removes the line of a step that ended.
    pub(super) fn end(&self, line: &Arc<Line>) {
        let mut lines = locked(&self.lines);
        lines.retain(|other| !Arc::ptr_eq(other, line));
        if let Some(bar) = locked(&line.bar).take() {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
    }

    /// Prints above the live lines.
    pub(super) fn above<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bars.suspend(print)
    }
}

impl Line {
    /// Changes its text.
    pub(super) fn show(&self, what: &str) {
        what.clone_into(&mut locked(&self.what));
    }

    /// What it shows in a terminal of this width, with names in a column as wide as the longest.
    fn text(&self, names: usize, width: usize) -> String {
        let room = width.saturating_sub(BESIDE);
        let what = locked(&self.what);
        let text = match &self.name {
            None => what.clone(),
            Some(name) => {
                let name = console::truncate_str(name, room / 2, "…");
                let name = console::pad_str(&name, names.min(room / 2), Alignment::Left, None);
                format!("{name}  {what}")
            }
        };
        console::truncate_str(&text, room, "…").into_owned()
    }
}

fn tick(bars: &MultiProgress, lines: &Lines) {
    loop {
        std::thread::sleep(TICK);
        let lines = locked(lines);
        let names = lines.iter().filter_map(|line| line.name.as_deref()).map(measure_text_width);
        let (names, width) = (names.max().unwrap_or(0), usize::from(Term::stderr().size().1));
        for line in lines.iter().filter(|line| line.begin.elapsed() >= DELAY) {
            let mut shown = locked(&line.bar);
            let bar = shown.get_or_insert_with(|| bars.add(bar(line.begin)));
            bar.set_message(line.text(names, width));
            bar.tick();
        }
    }
}

fn bar(begin: Instant) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner:.cyan} {msg} {took:.dim}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .with_key("took", |state: &ProgressState, out: &mut dyn Write| {
            write!(out, "{}", seconds(state.elapsed())).ok();
        });
    ProgressBar::new_spinner().with_style(style).with_elapsed(begin.elapsed())
}

/// A duration in seconds, for people.
pub(super) fn seconds(took: Duration) -> String {
    format!("({:.1} s)", took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_fits_the_terminal_and_its_name_has_a_column() {
        let line = Progress::new().begin(Some("feature-x"), "");
        line.show("worktree, postgres app_feature_x");
        assert_eq!(line.text(12, 80), "feature-x     worktree, postgres app_feature_x");
        assert_eq!(line.text(12, 40), "feature-x     worktree, p…");
        assert_eq!(line.text(40, 24), "feat…  wo…");
    }
}
