//! `git agentenv remove`: takes an environment away.

use super::context::{Context, current_dir};
use super::{ask, candidates, follow, losses, select, trust};
use crate::apply::{farewell, hooks, tree};
use crate::error::{Exit, Failure};
use crate::model::lease::{Lease, Phase};
use crate::model::shell;
use crate::sys::fault;
use crate::sys::fs::{self, Stands};
use crate::sys::lock::Lock;
use crate::ui::Ui;
use anyhow::Result;
use clap_complete::ArgValueCandidates;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::Path;

/// The arguments of `remove`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Environments: branches, names, directory names or paths; none: the one around the current directory
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub envs: Vec<String>,
    /// Give up what would be lost: uncommitted work, live database sessions, commits that nothing else holds
    #[arg(short, long)]
    pub force: bool,
    /// Delete the branch as well
    #[arg(short = 'D', long)]
    pub delete_branch: bool,
    /// Only say what would be removed and lost
    #[arg(long)]
    pub dry_run: bool,
    /// Do not run the `pre_remove` hooks
    #[arg(long)]
    pub no_hooks: bool,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv remove feature-x
  git agentenv remove feature-x --delete-branch
  git agentenv remove --dry-run
  git agentenv remove a b c --force";

/// What was, or would be, removed.
#[derive(Debug, Serialize)]
pub struct Removed {
    name: String,
    branch: Option<String>,
    path: std::path::PathBuf,
    losses: Vec<losses::Loss>,
    branch_deleted: bool,
}

/// An environment whose removal nothing stands against.
struct Removal {
    lease: Lease,
    removed: Removed,
    force: bool,
}

/// Removes the environments.
///
/// # Errors
/// When one is refused, and then all stay; or when one could not be given back whole.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    let chosen = chosen(&context, ui, args)?;
    let _working = lock(&context, ui, chosen.iter().map(|(lease, _)| lease))?;
    let check = |(lease, agreed): &(Lease, Vec<_>)| check(&context, args, lease, agreed);
    let removals = chosen.iter().map(check).collect::<Result<Vec<_>>>()?;
    let here = current_dir()?;
    let mut removed = Vec::new();
    for removal in removals {
        if args.dry_run {
            removed.push(removal.removed);
            continue;
        }
        let lease = removal.lease.clone();
        let ended = carry_out(&context, ui, args, removal);
        if here.starts_with(&lease.path) && fs::stands(&lease.path)? == Stands::Nothing {
            follow::to(ui, &lease.main);
            ui.say(format!("this directory is gone: cd {}", shell::path(&lease.main)));
        }
        removed.push(ended?);
    }
    let answer = serde_json::json!({ "removed": removed, "dry_run": args.dry_run });
    ui.answer(&answer, || match args.dry_run {
        true => removed.iter().map(dry).collect(),
        false => String::new(),
    })?;
    Ok(Exit::Done)
}

/// The environments that are meant, each with the losses that the user has agreed to in answer to a question.
fn chosen(context: &Context, ui: &Ui, args: &Args) -> Result<Vec<(Lease, Vec<losses::Loss>)>> {
    if !args.envs.is_empty() {
        let named = |env: &String| Ok((select::named(context, env)?, Vec::new()));
        let mut named = args.envs.iter().map(named).collect::<Result<Vec<_>>>()?;
        // The same one by two names is removed once.
        let mut seen = BTreeSet::new();
        named.retain(|(lease, _)| seen.insert(lease.id.clone()));
        return Ok(named);
    }
    if let Some(lease) = select::here(context)? {
        return Ok(vec![(lease, Vec::new())]);
    }
    let chosen = ask::environments(context, ui, args.delete_branch)?;
    if args.dry_run {
        return Ok(chosen);
    }
    let described =
        chosen.iter().map(|(lease, losses)| described("This removes", &lease.path, losses));
    let loses = chosen.iter().any(|(_, losses)| losses.iter().any(|loss| loss.needs_force));
    let question = if loses { "Remove it, and lose that for ever?" } else { "Remove it?" };
    ask::agree(ui, described.collect::<String>().trim_end(), question, !loses)?;
    Ok(chosen)
}

/// Removes one environment, if nothing stands against it.
///
/// # Errors
/// When it is refused, or could not be given back whole.
pub fn one(context: &Context, ui: &Ui, args: &Args, lease: &Lease) -> Result<Removed> {
    let _working = lock(context, ui, std::iter::once(lease))?;
    carry_out(context, ui, args, check(context, args, lease, &[])?)
}

/// Makes this the one process that works on these environments. One order for everybody: two processes that each
/// hold what the other waits for would wait for ever.
fn lock<'a>(
    context: &Context,
    ui: &Ui,
    leases: impl Iterator<Item = &'a Lease>,
) -> Result<Vec<Lock>> {
    let mut leases: Vec<&Lease> = leases.collect();
    leases.sort_by_key(|lease| &lease.id);
    let take = |lease: &Lease| {
        let waiting = || ui.say(format!("waiting for the process that works on `{}`", lease.name));
        context.store.lock_lease(&lease.id, waiting)
    };
    leases.into_iter().map(take).collect()
}

/// Every refusal, before anything is destroyed. `agreed` are losses that the user gave up in answer to a question.
fn check(
    context: &Context,
    args: &Args,
    lease: &Lease,
    agreed: &[losses::Loss],
) -> Result<Removal> {
    let Some(recorded) = context.store.lease(&lease.id)? else {
        let message = format!("no environment `{}`: it was just removed", lease.name);
        return Err(Failure::new(Exit::NotFound, message).into());
    };
    let lease = Lease { path: lease.path.clone(), branch: lease.branch.clone(), ..recorded };
    let losses = losses::of(&lease, args.delete_branch)?;
    let mut serious = losses.iter().filter(|loss| loss.needs_force).peekable();
    let given_up = serious.peek().is_some() && serious.all(|loss| agreed.contains(loss));
    let force = args.force || given_up;
    if !args.dry_run {
        if let Some(tree) = tree::of(&lease)? {
            tree::require_unlocked(&lease, &tree)?;
            tree::require_in_place(&lease, &tree)?;
        }
        losses::require_none(&lease, &losses, force)?;
    }
    let removed = Removed {
        name: lease.name.clone(),
        branch: lease.branch.clone(),
        path: lease.path.clone(),
        losses,
        branch_deleted: false,
    };
    Ok(Removal { lease, removed, force })
}

fn carry_out(context: &Context, ui: &Ui, args: &Args, removal: Removal) -> Result<Removed> {
    let Removal { mut lease, mut removed, force } = removal;
    if lease.phase == Phase::Ready && !args.no_hooks {
        pre_remove(context, ui, args, &lease)?;
    }
    if args.delete_branch {
        let tip = |branch: &String| context.repo.branch(branch);
        lease.delete_branch_at = lease.branch.as_ref().and_then(tip);
    }
    lease.phase = Phase::Removing;
    context.store.save(&lease)?;
    fault::point("removing")?;
    let force =
        farewell::Force { work: force, sessions: force, unmarked: force && lease.was_whole() };
    farewell::remove(ui, &context.store, &lease, force)?;
    let gone = |branch: &String| context.repo.branch(branch).is_none();
    removed.branch_deleted = args.delete_branch && lease.branch.as_ref().is_some_and(gone);
    ui.say(format!("removed the environment `{}`", lease.name));
    Ok(removed)
}

fn pre_remove(context: &Context, ui: &Ui, args: &Args, lease: &Lease) -> Result<()> {
    let Some(config) = context.config()? else {
        return Ok(());
    };
    if config.hooks.pre_remove.is_empty() || !lease.path.is_dir() {
        return Ok(());
    }
    let ran = trust::require(context, &config.hooks.pre_remove)
        .and_then(|()| hooks::run(ui, lease, &config.hooks.pre_remove));
    match ran {
        Err(error) if args.force => ui.warn(format!("{error:#}; removing all the same")),
        Err(error) => {
            let exit = crate::error::exit_of(&error);
            let failure = Failure::new(
                exit,
                format!("`{}` is kept: a pre_remove hook stands against it", lease.name),
            );
            return Err(error
                .context(failure.hint("mend it, or go without with `--no-hooks` or `--force`")));
        }
        Ok(()) => {}
    }
    Ok(())
}

fn dry(removed: &Removed) -> String {
    described("would remove", &removed.path, &removed.losses)
}

fn described(verb: &str, path: &Path, losses: &[losses::Loss]) -> String {
    let losses = losses.iter().map(|loss| format!("  would lose: {loss}\n"));
    format!("{verb} {}\n{}", path.display(), losses.collect::<String>())
}
