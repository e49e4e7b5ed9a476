//! Releases resources of deleted worktrees and finishes interrupted operations.

use crate::environment::context::{Context, current_dir};
use crate::environment::orphans;
use crate::environment::reclaim::{self, Due, Settled};
use crate::model::lease::Lease;
use crate::service::{self, Gone, Resource, inventory};
use crate::sys::repo::Repo;
use crate::sys::store::Store;
use crate::ui::Ui;
use anyhow::{Result, anyhow};
use serde::Serialize;

/// What was, or would be, released; and what was kept, and why.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// What was, or would be, released.
    pub pruned: Vec<Entry>,
    /// What could not be released.
    pub kept: Vec<Kept>,
    /// Nothing was released; this is what would be.
    pub dry_run: bool,
}

/// What was, or would be, released.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// The environment, or the service and what it holds.
    pub name: String,
    /// Why; `None`: its lease was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Due>,
    /// What it held.
    pub what: String,
}

/// What was kept, and why.
#[derive(Debug, Serialize)]
pub struct Kept {
    /// Its name.
    pub name: String,
    /// Why it was kept.
    pub why: String,
}

/// Releases what is due, on the whole machine.
pub fn all(ui: &Ui, dry_run: bool) -> Result<Report> {
    let store = Store::open()?;
    let mut report = Report { dry_run, ..Report::default() };
    if !dry_run {
        store.sweep()?;
    }
    let (leases, broken) = store.survey()?;
    for lease in &leases {
        consider(ui, &store, lease, &mut report);
    }
    if broken.is_empty() {
        lost(ui, &store, &mut report);
    }
    for broken in broken {
        report.keep(
            &broken.file.display().to_string(),
            &anyhow!("cannot read the lease: {}", broken.why),
        );
    }
    Ok(report)
}

fn consider(ui: &Ui, store: &Store, lease: &Lease, report: &mut Report) {
    match reclaim::settle(ui, store, lease, report.dry_run) {
        Ok(Settled::Settled(lease, due)) => report.pruned.push(Entry {
            name: lease.name.clone(),
            due: Some(due),
            what: held(&lease),
        }),
        Ok(Settled::NotDue) => {
            if reclaim::is_homeless(lease).unwrap_or(false) {
                let (what, command) = reclaim::homeless(lease);
                ui.warn(format!(
                    "{what}\nhint: delete the worktree, or run in the moved repository: `{command}`"
                ));
            }
        }
        Ok(Settled::Busy) => {}
        Err(error) => report.keep(&lease.name, &error),
    }
}

fn lost(ui: &Ui, store: &Store, report: &mut Report) {
    let context = current_dir()
        .and_then(|dir| Ok(Context { repo: Repo::discover(&dir)?, store: store.clone() }));
    let config = context.ok().and_then(|context| context.config().ok()?);
    let (found, silent) = match orphans::find(store, config.as_ref()) {
        Ok(answer) => answer,
        Err(error) => return report.keep("databases without a lease", &error),
    };
    for silent in silent {
        report.keep(&silent.server, &silent.why);
    }
    for orphan in found {
        let (kind, holds) = match &orphan.resource {
            Resource::Database(database) => ("postgres", database.name.clone()),
            Resource::RedisIndex(index) => ("redis", index.index.to_string()),
            Resource::File(file) => ("sqlite", file.path.display().to_string()),
        };
        let name = format!("{kind} {holds}");
        let released = if report.dry_run { Ok(()) } else { drop_orphan(&orphan) };
        match released {
            Ok(()) => {
                ui.say(format!("{} {name}: its lease was lost", report.verb()));
                report.pruned.push(Entry { name, due: None, what: holds });
            }
            Err(error) => report.keep(&name, &error),
        }
    }
}

fn drop_orphan(orphan: &orphans::Orphan) -> Result<()> {
    match service::release(&orphan.resource, &orphan.id, false)? {
        Gone::Dropped | Gone::Missing => Ok(()),
        Gone::NotOurs(whose) => Err(anyhow!("not ours ({whose})")),
        Gone::Busy(sessions) => Err(anyhow!("in use by {}", inventory::listed(&sessions))),
    }
}

impl Report {
    /// In the tense of the report: a dry run releases nothing.
    pub fn verb(&self) -> &'static str {
        if self.dry_run { "would release" } else { "released" }
    }

    fn keep(&mut self, name: &str, why: &anyhow::Error) {
        self.kept.push(Kept { name: name.to_owned(), why: format!("{why:#}") });
    }
}

fn held(lease: &Lease) -> String {
    let mut held: Vec<String> = lease.parts.iter().map(|part| part.holds.clone()).collect();
    held.push(lease.path.display().to_string());
    held.join(" ")
}
