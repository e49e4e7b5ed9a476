//! `git agentenv remove`: removes environments.

mod prompt;

use crate::commands::completions::candidates;
use crate::environment::context::{Context, current_dir};
use crate::environment::removal_risks::Loss;
use crate::environment::remove::{self, Keep, RemoveOptions, Removed};
use crate::environment::resolve;
use crate::error::Exit;
use crate::model::lease::Lease;
use crate::model::measure;
use crate::model::shell;
use crate::sys::fs::{self, Stands};
use crate::ui::{Ui, shell_cd};
use anyhow::Result;
use clap_complete::ArgValueCandidates;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::Path;

/// The arguments of `remove`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Environments: branches, names, directories [default: the one around the current directory]
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub envs: Vec<String>,
    /// Discard uncommitted work and commits of no other branch; end database sessions
    #[arg(short, long)]
    pub force: bool,
    /// Delete the branch as well
    #[arg(short = 'D', long)]
    pub delete_branch: bool,
    /// Show what would be removed and lost; change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not run the `pre_remove` hooks
    #[arg(long)]
    pub no_hooks: bool,
    /// Move it to the trash, from where `restore` brings it back; the default where `trash` is configured
    #[arg(long, conflicts_with = "no_keep")]
    pub keep: bool,
    /// Delete it for good although `trash` is configured
    #[arg(long)]
    pub no_keep: bool,
}

/// The help of `--help`.
pub const ABOUT: &str = "\
Remove an environment and its resources

Deletes the worktree, drops its database, flushes its Redis index, removes the containers that were started in it, \
and releases its ports. The branch stays, unless --delete-branch is given.

Refuses, with exit code 7, when something would be lost that exists nowhere else: uncommitted or untracked files, \
ignored files that no tool rebuilds, commits of a detached HEAD, and sessions on the database. It names each of them. \
--force discards them. A worktree that was locked with `git worktree lock` is never removed.

An interrupted removal is finished by the same command or by `git agentenv prune`.";

const EXAMPLES: &str = "\
Examples:
  git agentenv remove feature-x
  git agentenv remove feature-x --delete-branch
  git agentenv remove feature-x --keep && git agentenv restore feature-x
  git agentenv remove --dry-run
  git agentenv remove a b c --force";

/// Removes the environments. If one is refused, all of them stay.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    let chosen = chosen(&context, ui, args)?;
    let options = options(args);
    let _working = remove::lock(&context, ui, chosen.iter().map(|(lease, _)| lease))?;
    let check = |(lease, agreed): &(Lease, Vec<_>)| remove::check(&context, options, lease, agreed);
    let removals = chosen.iter().map(check).collect::<Result<Vec<_>>>()?;
    let here = current_dir()?;
    let mut removed = Vec::new();
    for removal in removals {
        if args.dry_run {
            removed.push(removal.removed);
            continue;
        }
        let lease = removal.lease.clone();
        let ended = remove::carry_out(&context, ui, options, removal);
        let is_gone = here.starts_with(&lease.path) && fs::stands(&lease.path)? == Stands::Nothing;
        if is_gone && !shell_cd::to(ui, &lease.main) {
            ui.say(format!("this directory is gone: cd {}", shell::path(&lease.main)));
        }
        removed.push(ended?);
    }
    removed.iter().for_each(|removed| say_kept(ui, removed));
    let answer = Answer { removed, dry_run: args.dry_run };
    ui.answer(&answer, || match args.dry_run {
        true => answer.removed.iter().map(dry).collect(),
        false => String::new(),
    })?;
    Ok(Exit::Done)
}

/// `remove`: what was, or would be, removed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Answer {
    /// The environments.
    removed: Vec<Removed>,
    /// A dry run: nothing was removed.
    dry_run: bool,
}

/// The way back, last of all that is said.
fn say_kept(ui: &Ui, removed: &Removed) {
    let Some(until) = removed.kept_until else { return };
    let name = shell::word(removed.branch.as_ref().unwrap_or(&removed.name));
    let time = measure::date(until);
    ui.say(format!("in the trash until {time} UTC; bring it back: git agentenv restore {name}"));
}

fn options(args: &Args) -> RemoveOptions {
    RemoveOptions {
        force: args.force,
        delete_branch: args.delete_branch,
        dry_run: args.dry_run,
        no_hooks: args.no_hooks,
        keep: match (args.keep, args.no_keep) {
            (true, _) => Keep::Yes,
            (_, true) => Keep::No,
            _ => Keep::AsConfigured,
        },
    }
}

/// The chosen environments, each with the losses that the user confirmed at a prompt.
fn chosen(context: &Context, ui: &Ui, args: &Args) -> Result<Vec<(Lease, Vec<Loss>)>> {
    if !args.envs.is_empty() {
        let named = |env: &String| Ok((resolve::named(context, env)?, Vec::new()));
        let mut named = args.envs.iter().map(named).collect::<Result<Vec<_>>>()?;
        // The same one by two names is removed once.
        let mut seen = BTreeSet::new();
        named.retain(|(lease, _)| seen.insert(lease.id.clone()));
        return Ok(named);
    }
    if let Some(lease) = resolve::here(context)? {
        return Ok(vec![(lease, Vec::new())]);
    }
    let chosen = prompt::environments(context, ui, args.delete_branch)?;
    if args.dry_run {
        return Ok(chosen);
    }
    let described =
        chosen.iter().map(|(lease, losses)| described("This removes", &lease.path, losses));
    let loses = chosen.iter().any(|(_, losses)| losses.iter().any(|loss| loss.needs_force));
    let question = if loses { "Remove it, and lose that?" } else { "Remove it?" };
    ui.agree(described.collect::<String>().trim_end(), question, !loses)?;
    Ok(chosen)
}

fn dry(removed: &Removed) -> String {
    described("would remove", &removed.path, &removed.losses)
}

fn described(verb: &str, path: &Path, losses: &[Loss]) -> String {
    let losses = losses.iter().map(|loss| format!("  would lose: {loss}\n"));
    format!("{verb} {}\n{}", path.display(), losses.collect::<String>())
}
