//! `git agentenv prune`: releases resources of deleted worktrees and finishes interrupted operations.

use crate::commands::remove;
use crate::environment::context::Context;
use crate::environment::prune::{self, Criteria, PruneOptions, Reason, Report, Unneeded};
use crate::environment::reclaim::Due;
use crate::environment::remove::RemoveOptions;
use crate::error::Exit;
use crate::model::lease::Lease;
use crate::model::measure;
use crate::model::unused::Merged;
use crate::ui::Ui;
use anyhow::Result;

/// The arguments of `prune`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Only show what would be released
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Also remove environments of this repository that nothing has used for this long, such as 7d
    #[arg(long, value_name = "TIME", value_parser = measure::parse_seconds)]
    pub idle: Option<u64>,
    /// Also remove environments of this repository whose branch is merged into the default branch
    #[arg(long)]
    pub merged: bool,
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub yes: bool,
    /// Delete everything in the trash as well, whatever its age
    #[arg(long)]
    pub trash: bool,
    /// Only delete what is old in the trash; `remove` does that in the background
    #[arg(long, hide = true)]
    pub only_trash: bool,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv prune --dry-run
  git worktree remove ../x && git agentenv prune
  git agentenv prune --idle 7d --dry-run
  git agentenv prune --merged";

/// Releases what is due on the whole machine, then removes what is not needed in this repository.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let criteria = Criteria { idle: args.idle, merged: args.merged };
    let wanted = args.idle.is_some() || args.merged;
    let context = wanted.then(Context::here).transpose()?;
    let options = PruneOptions { dry_run: args.dry_run, trash: args.trash };
    let mut report = match args.only_trash {
        true => prune::only_trash(ui)?,
        false => prune::all(ui, options)?,
    };
    if let Some(context) = &context {
        unneeded(args, ui, context, criteria, &mut report)?;
    }
    for skipped in &report.skipped {
        ui.say(format!("skipped {}: {}", skipped.name, skipped.why));
    }
    for kept in &report.kept {
        let hint = kept.hint.as_ref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        ui.warn(format!("kept {}: {}{hint}", kept.name, kept.why));
    }
    ui.answer(&report, || text(&report))?;
    Ok(if report.kept.is_empty() { Exit::Done } else { Exit::Partial })
}

fn unneeded(
    args: &Args,
    ui: &Ui,
    context: &Context,
    criteria: Criteria,
    report: &mut Report,
) -> Result<()> {
    let step = ui.step("looking for environments that are not needed");
    let found = prune::find(context, ui, criteria, report)?;
    step.nothing();
    if args.dry_run {
        report.removed.extend(found.into_iter().map(|(_, unneeded)| unneeded));
        return Ok(());
    }
    let leases: Vec<Lease> = found.into_iter().map(|(lease, _)| lease).collect();
    if !args.yes && ui.can_ask() {
        remove::agree(context, ui, RemoveOptions::default(), &leases, false)?;
    }
    prune::remove(context, ui, criteria, &leases, report)
}

fn text(report: &Report) -> String {
    let done = [&report.pruned, &report.repaired].iter().any(|entries| !entries.is_empty());
    if !done && report.kept.is_empty() && report.removed.is_empty() {
        return "nothing to prune\n".to_owned();
    }
    let released = report.pruned.iter().map(|entry| match &entry.due {
        // What no lease holds is called by what it is.
        None if entry.name.ends_with(&entry.what) => format!("{} {}\n", report.verb(), entry.name),
        due => format!("{}: {}\n", settled(report, due.as_ref(), &entry.name), entry.what),
    });
    let verb = if report.dry_run { "would repair" } else { "repaired" };
    let repaired =
        report.repaired.iter().map(|entry| format!("{verb} {}: {}\n", entry.name, entry.what));
    let verb = if report.dry_run { "would remove" } else { "removed" };
    let removed =
        report.removed.iter().map(|one| format!("{verb} {}: {}\n", one.removed.name, reasons(one)));
    released.chain(repaired).chain(removed).collect()
}

/// What became of an entry: not all that is due is released.
fn settled(report: &Report, due: Option<&Reason>, name: &str) -> String {
    let (done, would, place) = match due {
        Some(Reason::Lease(Due::CloseInterrupted)) => ("reopened", "would reopen", ""),
        Some(Reason::Lease(Due::RestoreInterrupted)) => ("restored", "would restore", ""),
        Some(Reason::Lease(Due::KeepInterrupted)) => ("moved", "would move", " to the trash"),
        _ => (report.verb(), report.verb(), ""),
    };
    format!("{} {name}{place}", if report.dry_run { would } else { done })
}

/// Why an environment is not needed, and what goes with it.
fn reasons(one: &Unneeded) -> String {
    let reason = &one.reason;
    let idle = reason.idle.map(|idle| format!("unused for {}", measure::duration(idle)));
    let how = match reason.merged {
        Some(Merged::Merged) => "merged",
        Some(Merged::Rebased) => "rebased and merged",
        Some(Merged::Squashed) => "squashed and merged",
        None => "",
    };
    let merged = reason.into.as_ref().map(|into| format!("{how} into {into}"));
    let taken = one.removed.services.iter().map(ToString::to_string);
    let words: Vec<String> = idle.into_iter().chain(merged).chain(taken).collect();
    words.join(", ")
}
