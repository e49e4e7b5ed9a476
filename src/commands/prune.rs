//! `git agentenv prune`: gives back what nobody can use any more.

use super::context::{Context, current_dir};
use super::orphans;
use super::recover::{self, Due, Settled};
use crate::error::Exit;
use crate::model::lease::Lease;
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
    match recover::settle(ui, store, lease, report.dry_run) {
        Ok(Settled::Settled(lease, due)) => report.pruned.push(Entry {
            name: lease.name.clone(),
            due: Some(due),
            what: held(&lease),
        }),
        Ok(Settled::NotDue) => {
            if recover::is_homeless(lease).unwrap_or(false) {
                let (what, command) = recover::homeless(lease);
                ui.warn(format!(
                    "{what}\nhint: delete the worktree, or where the repository is now: `{command}`"
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
