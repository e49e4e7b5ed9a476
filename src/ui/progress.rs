//! Spinners: one live line for each running step, in the order in which they started.

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::sync::{Arc, Mutex, Once, PoisonError};
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
    what: String,
    begin: Instant,
    bar: Mutex<Option<ProgressBar>>,
}

impl Progress {
    /// Without lines.
    pub(super) fn new() -> Progress {
        Progress { bars: MultiProgress::new(), lines: Lines::default(), ticking: Once::new() }
    }

    /// Adds a line for a step that starts.
    pub(super) fn begin(&self, what: &str) -> Arc<Line> {
        let line =
            Arc::new(Line { what: what.to_owned(), begin: Instant::now(), bar: Mutex::new(None) });
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
    pub(super) fn above(&self, print: impl FnOnce()) {
        self.bars.suspend(print);
    }
}

fn tick(bars: &MultiProgress, lines: &Lines) {
    loop {
        std::thread::sleep(TICK);
        for line in locked(lines).iter().filter(|line| line.begin.elapsed() >= DELAY) {
            locked(&line.bar).get_or_insert_with(|| bars.add(bar(line))).tick();
        }
    }
}

fn bar(line: &Line) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner:.cyan} {msg} {took:.dim}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .with_key("took", |state: &ProgressState, out: &mut dyn Write| {
            write!(out, "{}", seconds(state.elapsed())).ok();
        });
    let width = usize::from(console::Term::stderr().size().1).saturating_sub(BESIDE);
    let text = console::truncate_str(&line.what, width, "…").into_owned();
    ProgressBar::new_spinner()
        .with_style(style)
        .with_message(text)
        .with_elapsed(line.begin.elapsed())
}

/// A duration in seconds, for people.
pub(super) fn seconds(took: Duration) -> String {
    format!("({:.1} s)", took.as_secs_f64())
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
