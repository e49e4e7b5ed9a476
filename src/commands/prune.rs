//! `git agentenv prune`: releases resources of deleted worktrees and finishes interrupted operations.

use crate::environment::prune::{self, PruneOptions, Report};
use crate::error::Exit;
use crate::ui::Ui;
use anyhow::Result;

/// The arguments of `prune`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
#[command(long_about = ABOUT)]
pub struct Args {
    /// Only show what would be released
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Delete everything in the trash as well, whatever its age
    #[arg(long)]
    pub trash: bool,
    /// Only delete what is old in the trash; `remove` does that in the background
    #[arg(long, hide = true)]
    pub only_trash: bool,
}

const ABOUT: &str = "\
Release resources of deleted worktrees and finish interrupted operations

Works on all repositories of this machine, not only on the current one.";

const EXAMPLES: &str = "\
Examples:
  git agentenv prune --dry-run
  git agentenv prune
  git worktree remove ../x && git agentenv prune";

/// Releases it, on the whole machine.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let options = PruneOptions { dry_run: args.dry_run, trash: args.trash };
    let report = if args.only_trash { prune::only_trash(ui)? } else { prune::all(ui, options)? };
    for kept in &report.kept {
        ui.warn(format!("kept {}: {}", kept.name, kept.why));
    }
    ui.answer(&report, || text(&report))?;
    Ok(if report.kept.is_empty() { Exit::Done } else { Exit::Partial })
}

fn text(report: &Report) -> String {
    if report.pruned.is_empty() && report.kept.is_empty() {
        return "nothing to prune\n".to_owned();
    }
    let verb = report.verb();
    report.pruned.iter().map(|entry| format!("{verb} {}: {}\n", entry.name, entry.what)).collect()
}
