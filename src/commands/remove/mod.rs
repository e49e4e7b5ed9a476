//! `git agentenv remove`: removes environments.

mod prompt;

pub(super) use prompt::agree;

use crate::commands::completions::candidates;
use crate::commands::output::failed::{Failed, gravest, say};
use crate::environment::context::{Context, current_dir};
use crate::environment::removal_risks::{self, Loss};
use crate::environment::remove::{self, Keep, RemoveOptions, Removed, Run};
use crate::environment::resolve;
use crate::error::{Exit, exit_of};
use crate::model::lease::Lease;
use crate::model::measure;
use crate::model::shell;
use crate::sys::fs::{self, Stands};
use crate::ui::{Ui, shell_cd};
use anyhow::Result;
use clap_complete::ArgValueCandidates;
use serde::Serialize;
use std::collections::BTreeSet;

/// The arguments of `remove`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Environments: branches, names, directories [default: the current one]
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub envs: Vec<String>,
    /// Discard uncommitted work and commits of no other branch; end database sessions
    #[arg(short, long)]
    pub force: bool,
    /// Delete the branch as well
    #[arg(short = 'D', long)]
    pub delete_branch: bool,
    /// Show what would be removed and lost; change nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub yes: bool,
    /// Do not run the `pre_remove` hooks
    #[arg(long)]
    pub no_hooks: bool,
    /// Move the environment to the trash; `restore` brings it back [default with the key `trash`]
    #[arg(long, conflicts_with = "no_keep")]
    pub keep: bool,
    /// Delete the environment for good although `trash` is configured
    #[arg(long)]
    pub no_keep: bool,
}

/// The help of `--help`.
pub const ABOUT: &str = "\
Remove an environment and its resources

Deletes the worktree, drops its database, flushes its Redis index, removes the containers that were started in it, \
and releases its ports. The branch stays, unless --delete-branch is given.

Refuses, with exit code 7, when something would be lost that exists nowhere else: uncommitted or untracked files, \
ignored files that no tool rebuilds (what is the same in the main checkout is no loss), commits of a detached HEAD, and \
sessions on the database. It names each of them. \
It looks twice: the second time when the worktree has another name and the database takes no more connections, and what \
appeared in between is put back and refused, too. --force discards what is named.

What `up` started is stopped. Other processes that run in the worktree or listen on its ports are named and keep running; --force \
ends those in the worktree, but never this command's own shell and what is above it. A worktree that was locked with `git worktree lock` is never removed.

On a terminal it asks once, with the sizes, when a database holds rows and nothing goes to the trash; --yes skips that. \
It says what it took: databases, Redis indexes, files, and whether the branch stays.

Several environments are removed side by side. If the first look refuses one, all of them stay; what fails later stops \
no other one, and the exit code is that of the gravest failure. The files of a large worktree are deleted in the background.

An interrupted removal is finished, or rolled back, by the same command or by `git agentenv prune`.";

const EXAMPLES: &str = "\
Examples:
  git agentenv remove feature-x
  git agentenv remove feature-x --delete-branch
  git agentenv remove feature-x --keep && git agentenv restore feature-x
  git agentenv remove --dry-run
  git agentenv remove a b c --force";

/// Removes the environments. If one is refused by the first look, all of them stay; what stops one later stops no other.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    let chosen = match chosen(&context, ui, args) {
        // One wrong name of several: say of the others that they stay.
        Err(error) if args.envs.len() > 1 && !ui.is_json() => {
            ui.error(&error);
            ui.say("nothing was removed");
            return Ok(exit_of(&error));
        }
        chosen => chosen?,
    };
    let ui = &ui.for_several(chosen.len());
    let _working = remove::lock(&context, ui, chosen.iter().map(|(lease, _)| lease))?;
    let leases: Vec<&Lease> = chosen.iter().map(|(lease, _)| lease).collect();
    let run = Run::begin(&context, ui, options(args), &leases);
    let here = current_dir()?;
    let checked = run.check(&chosen);
    let is_refused = checked.iter().any(Result::is_err);
    let ended = match is_refused || args.dry_run {
        true => checked.into_iter().map(|one| one.map(|removal| removal.removed)).collect(),
        false => {
            let removals = checked.into_iter().flatten().collect();
            run.carry_out(removals)
        }
    };
    for lease in leases {
        let is_gone = here.starts_with(&lease.path) && fs::stands(&lease.path)? == Stands::Nothing;
        if is_gone && !shell_cd::to(ui, &lease.main) {
            ui.say(format!("this directory is gone: cd {}", shell::path(&lease.main)));
        }
    }
    let names = chosen.iter().map(|(lease, _)| lease.name.as_str());
    answer(args, ui, is_refused, names.zip(ended).collect())
}

/// Names what became of each environment. The exit code is the gravest.
fn answer(
    args: &Args,
    ui: &Ui,
    is_refused: bool,
    ended: Vec<(&str, Result<Removed>)>,
) -> Result<Exit> {
    let is_one = ended.len() == 1;
    let (mut removed, mut failed) = (Vec::new(), Vec::new());
    for (name, ended) in ended {
        match ended {
            // With another one that is refused, this one stays, too.
            Ok(_) if is_refused => {}
            Ok(one) => removed.push(one),
            Err(error) if is_one => return Err(error),
            Err(error) => failed.push((name, error)),
        }
    }
    removed.iter().for_each(|removed| say_kept(ui, removed));
    let exit = gravest(failed.iter().map(|(_, error)| error));
    if !ui.is_json() {
        let failed = failed.iter().map(|(name, error)| (*name, error));
        say(ui, &failed.collect::<Vec<_>>());
        if is_refused {
            ui.say("nothing was removed");
        }
    }
    let failed = failed.iter().map(|(name, error)| Failed::of(name, error)).collect();
    let answer = Answer { removed, failed, dry_run: args.dry_run };
    ui.answer(&answer, || match args.dry_run {
        true => answer.removed.iter().map(|one| dry(one, args.delete_branch)).collect(),
        false => String::new(),
    })?;
    Ok(exit)
}

/// `remove`: what was, or would be, removed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Answer {
    /// The environments.
    removed: Vec<Removed>,
    /// Those of several that could not be removed; left out when there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<Failed>,
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
    let (leases, is_picked) = match (args.envs.is_empty(), resolve::here(context)?) {
        (false, _) => (named(context, &args.envs)?, false),
        (true, Some(lease)) => (vec![lease], false),
        (true, None) => (prompt::environments(context, ui, args.delete_branch)?, true),
    };
    let agreed = match args.dry_run || args.yes || !ui.can_ask() {
        true => Vec::new(),
        false => agree(context, ui, options(args), &leases, is_picked)?,
    };
    Ok(leases.into_iter().zip(agreed.into_iter().chain(std::iter::repeat(Vec::new()))).collect())
}

fn named(context: &Context, envs: &[String]) -> Result<Vec<Lease>> {
    let named = envs.iter().map(|env| resolve::unmistakable(context, env));
    let mut named = named.collect::<Result<Vec<_>>>()?;
    // The same one by two names is removed once.
    let mut seen = BTreeSet::new();
    named.retain(|lease| seen.insert(lease.id.clone()));
    Ok(named)
}

fn dry(removed: &Removed, with_branch: bool) -> String {
    let services = removed.services.iter().map(ToString::to_string);
    let branch = removal_risks::branch(removed.branch.as_deref(), with_branch);
    let losses = removed.losses.iter().map(Loss::outlook);
    let refusal = removed.refusal.iter().map(|refusal| {
        let hint = refusal.hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint})"));
        format!("would be refused: {}{hint}", refusal.message)
    });
    removal_risks::described(
        "would remove",
        &removed.path,
        services.chain(branch).chain(losses).chain(refusal),
    )
}
