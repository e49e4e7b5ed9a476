//! One live line for each of several environments that a command works on side by side.

use super::progress::{Line, Progress};
use crate::sys::parallel::locked;
use std::sync::{Arc, Mutex};

/// The environments of a command, and their lines if there is a terminal. Dropped, it removes the lines.
pub(super) struct Lanes {
    progress: Option<Arc<Progress>>,
    begun: Mutex<Vec<Arc<Lane>>>,
}

/// One environment: its name, and the steps that run for it.
pub(super) struct Lane {
    name: String,
    line: Option<Arc<Line>>,
    steps: Mutex<Vec<Running>>,
}

/// A step that runs: what it is, and what is shown of it.
struct Running {
    what: String,
    shown: String,
}

impl Lanes {
    /// Without environments.
    pub(super) fn new(progress: Option<Arc<Progress>>) -> Lanes {
        Lanes { progress, begun: Mutex::new(Vec::new()) }
    }

    /// That of the environment of this name.
    pub(super) fn of(&self, name: &str) -> Arc<Lane> {
        let mut begun = locked(&self.begun);
        if let Some(lane) = begun.iter().find(|lane| lane.name == name) {
            return lane.clone();
        }
        let line = self.progress.as_ref().map(|progress| progress.begin(Some(name), ""));
        let lane = Arc::new(Lane { line, ..Lane::dark(name.to_owned()) });
        begun.push(lane.clone());
        lane
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        let Some(progress) = &self.progress else { return };
        let lines =
            locked(&self.begun).iter().filter_map(|lane| lane.line.clone()).collect::<Vec<_>>();
        lines.iter().for_each(|line| progress.end(line));
    }
}

impl Lane {
    /// One without a live line.
    pub(super) fn dark(name: String) -> Lane {
        Lane { name, line: None, steps: Mutex::default() }
    }

    /// The environment's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it has a live line.
    pub(super) fn is_live(&self) -> bool {
        self.line.is_some()
    }

    /// Shows a step that starts.
    pub(super) fn begin(&self, what: &str) {
        let mut steps = locked(&self.steps);
        steps.push(Running { what: what.to_owned(), shown: what.to_owned() });
        self.show(&joined(&steps));
    }

    /// Shows how far a step is, if it still runs.
    pub(super) fn reach(&self, what: &str, reached: &str) {
        let mut steps = locked(&self.steps);
        if let Some(step) = steps.iter_mut().find(|step| step.what == what) {
            reached.clone_into(&mut step.shown);
            self.show(&joined(&steps));
        }
    }

    /// Shows the steps that still run; after the last one, what became of it.
    pub(super) fn end(&self, what: &str, sign: &str) {
        let mut steps = locked(&self.steps);
        if let Some(at) = steps.iter().position(|step| step.what == what) {
            steps.remove(at);
        }
        match steps.is_empty() {
            true => self.show(&format!("{sign} {what}")),
            false => self.show(&joined(&steps)),
        }
    }

    fn show(&self, text: &str) {
        self.line.iter().for_each(|line| line.show(text));
    }
}

fn joined(steps: &[Running]) -> String {
    steps.iter().map(|step| step.shown.as_str()).collect::<Vec<_>>().join(", ")
}
