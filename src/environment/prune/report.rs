//! What `prune` answers.

use crate::environment::processes::Stranger;
use crate::environment::prune::Unneeded;
use crate::environment::reclaim::Due;
use crate::error::hint_of;
use crate::model::lease::Lease;
use crate::model::measure;
use crate::model::trash::Why;
use crate::ui::Ui;
use anyhow::Result;
use serde::Serialize;

/// `prune`: what was, or would be, released; and what was kept, and why.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Report {
    /// What was, or would be, released.
    pub pruned: Vec<Entry>,
    /// What an interrupted command left unusable in an environment that stays, and was, or would be, repaired.
    pub repaired: Vec<Entry>,
    /// What could not be released.
    pub kept: Vec<Kept>,
    /// Environments that are not needed any more and were, or would be, removed.
    pub removed: Vec<Unneeded>,
    /// Environments that are not needed any more and stay, with the reason.
    pub skipped: Vec<Kept>,
    /// Nothing was released; this is what would be.
    pub dry_run: bool,
}

/// What was, or would be, released.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Pruned"))]
pub struct Entry {
    /// The environment, or the service and what it holds.
    pub name: String,
    /// Why; missing when its lease was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Reason>,
    /// What it held.
    pub what: String,
    /// What still runs where its worktree was, or listens on its ports; left out when nothing does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub running: Vec<Stranger>,
}

impl Entry {
    /// What no lease holds.
    pub(super) fn of(name: String, what: String) -> Self {
        Entry { name, due: None, what, running: Vec::new() }
    }
}

/// Why something was, or would be, released.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Reason {
    /// A lease is due.
    Lease(Due),
    /// The trash has kept it long enough.
    Trash(Why),
}

/// What was kept, and why.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Kept {
    /// Its name.
    pub name: String,
    /// Why it was kept.
    pub why: String,
    /// The way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Kept {
    pub(super) fn of(name: &str, why: &anyhow::Error) -> Self {
        let hint = hint_of(why).map(str::to_owned);
        Kept { name: name.to_owned(), why: format!("{why:#}"), hint }
    }
}

impl Report {
    /// In the tense of the report: a dry run releases nothing.
    pub fn verb(&self) -> &'static str {
        if self.dry_run { "would release" } else { "released" }
    }

    pub(super) fn keep(&mut self, name: &str, why: &anyhow::Error) {
        self.kept.push(Kept::of(name, why));
    }

    /// Counts a template or a spare; `false`: another process was quicker.
    pub(super) fn dropped(
        &mut self,
        ui: &Ui,
        name: String,
        dropped: Result<bool>,
        bytes: u64,
        why: &str,
    ) {
        match dropped {
            Ok(true) => {
                ui.say(format!("{} {name}: {why}", self.verb()));
                self.pruned.push(Entry::of(name, measure::size(bytes)));
            }
            Ok(false) => {}
            Err(error) => self.keep(&name, &error),
        }
    }

    pub(super) fn skip(&mut self, lease: &Lease, why: &anyhow::Error) {
        self.skipped.push(Kept::of(&lease.name, why));
    }
}
