//! `git agentenv prune`: gives back what nobody can use any more.

use super::context::{Context, current_dir};
use super::recover::{self, Due};
use super::{losses, orphans};
use crate::apply::farewell::{self, Force};
use crate::error::Exit;
use crate::model::lease::{Lease, Phase};
use crate::service::{self, Gone};
use crate::sys::repo::Repo;
use crate::sys::store::Store;
use crate::ui::Ui;
use anyhow::{Result, anyhow};
use serde::Serialize;

/// The arguments of `prune`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Only say what would be given back
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv prune --dry-run
  git agentenv prune";

/// What was, or would be, given back; and what was not, and why.
#[derive(Debug, Default, Serialize)]
struct Report {
    pruned: Vec<Entry>,
    kept: Vec<Kept>,
    dry_run: bool,
}

#[derive(Debug, Serialize)]
struct Entry {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<Due>,
    what: String,
}

#[derive(Debug, Serialize)]
struct Kept {
    name: String,
    why: String,
}

/// Gives it back, on the whole machine.
///
/// # Errors
/// When the leases cannot be read.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let store = Store::open()?;
    let mut report = Report { dry_run: args.dry_run, ..Report::default() };
    if !args.dry_run {
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
    for kept in &report.kept {
        ui.warn(format!("{} is kept: {}", kept.name, kept.why));
    }
    ui.answer(&report, || text(&report))?;
    Ok(if report.kept.is_empty() { Exit::Done } else { Exit::Partial })
}

fn consider(ui: &Ui, store: &Store, lease: &Lease, report: &mut Report) {
    match settle(ui, store, lease, report.dry_run) {
        Ok(Some((lease, due))) => report.pruned.push(Entry {
            name: lease.name.clone(),
            due: Some(due),
            what: held(&lease),
        }),
        Ok(None) => {
            if recover::is_homeless(lease).unwrap_or(false) {
                let (what, command) = recover::homeless(lease);
                ui.warn(format!(
                    "{what}\nhint: delete the worktree, or where the repository is now: `{command}`"
                ));
            }
        }
        Err(error) => report.keep(&lease.name, &error),
    }
}

/// Gives back what one lease holds if it is due; `None` when it is not, or another process works on it.
///
/// # Errors
/// When it could not be given back; it stays on record.
pub fn settle(
    ui: &Ui,
    store: &Store,
    lease: &Lease,
    dry_run: bool,
) -> Result<Option<(Lease, Due)>> {
    let Some(_working) = store.try_lock_lease(&lease.id)? else {
        return Ok(None);
    };
    let Some(lease) = store.lease(&lease.id)? else {
        return Ok(None);
    };
    let Some(due) = recover::due(&lease)? else {
        return Ok(None);
    };
    if !dry_run {
        give_back(ui, store, &lease, due)?;
    }
    Ok(Some((lease, due)))
}

/// Without the user's word: what has live sessions or holds work stays.
fn give_back(ui: &Ui, store: &Store, lease: &Lease, due: Due) -> Result<()> {
    if due == Due::AddInterrupted {
        return farewell::undo(ui, store, lease);
    }
    losses::require_none(lease, &losses::of(lease, false)?, false)?;
    let lease = Lease { phase: Phase::Removing, ..lease.clone() };
    store.save(&lease)?;
    farewell::remove(ui, store, &lease, Force::default())
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
        let name = format!("{} {}", orphan.part.service, orphan.part.holds);
        let given_back = if report.dry_run { Ok(()) } else { drop_orphan(&orphan) };
        match given_back {
            Ok(()) => {
                ui.say(format!("gave back {name}, whose record was lost"));
                report.pruned.push(Entry { name, due: None, what: orphan.part.holds.clone() });
            }
            Err(error) => report.keep(&name, &error),
        }
    }
}

fn drop_orphan(orphan: &orphans::Orphan) -> Result<()> {
    let nowhere = std::path::Path::new("/nonexistent");
    match service::give_back(&orphan.part, &orphan.id, false, nowhere)? {
        Gone::Dropped | Gone::Missing => Ok(()),
        Gone::NotOurs(whose) => Err(anyhow!("it is not ours ({whose})")),
        Gone::Busy(sessions) => {
            let names: Vec<String> = sessions.iter().map(ToString::to_string).collect();
            Err(anyhow!("it is in use by {}", names.join(", ")))
        }
    }
}

impl Report {
    fn keep(&mut self, name: &str, why: &anyhow::Error) {
        self.kept.push(Kept { name: name.to_owned(), why: format!("{why:#}") });
    }
}

fn held(lease: &Lease) -> String {
    let mut held: Vec<String> = lease.parts.iter().map(|part| part.holds.clone()).collect();
    held.push(lease.path.display().to_string());
    held.join(" ")
}

fn text(report: &Report) -> String {
    if report.pruned.is_empty() && report.kept.is_empty() {
        return "nothing to prune\n".to_owned();
    }
    let verb = if report.dry_run { "would give back" } else { "gave back" };
    report.pruned.iter().map(|entry| format!("{verb} {}: {}\n", entry.name, entry.what)).collect()
}
