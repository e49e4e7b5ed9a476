//! `git agentenv add`: makes an environment.

use super::context::{Context, current_dir};
use super::view::Environment;
use super::{adopt, ask, candidates, engine, follow, recover, summary, survey, target, trust};
use crate::apply::add::Outcome;
use crate::apply::{add, hooks};
use crate::error::{Exit, Failure};
use crate::model::config::Config;
use crate::model::lease::Lease;
use crate::model::plan::{self, Facts, Plan, Request, Target};
use crate::model::slot::Taken;
use crate::sys::fs::{self, Stands};
use crate::sys::lock::Lock;
use crate::sys::{fault, net};
use crate::ui::Ui;
use anyhow::Result;
use clap_complete::ArgValueCandidates;
use std::path::PathBuf;

/// The arguments of `add`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// The branches: local ones, else those of the one remote that has them, else new ones
    #[arg(value_name = "BRANCH", add = ArgValueCandidates::new(candidates::branches))]
    pub branches: Vec<String>,
    /// Start new branches from this commit
    #[arg(long, value_name = "COMMIT", add = ArgValueCandidates::new(candidates::revisions))]
    pub from: Option<String>,
    /// Put the worktree here
    #[arg(long, value_name = "DIR")]
    pub path: Option<PathBuf>,
    /// Check out a commit (of `--from`) without a branch
    #[arg(long, conflicts_with = "branches")]
    pub detach: bool,
    /// Only say what would be made
    #[arg(long)]
    pub dry_run: bool,
    /// Do not run the `post_add` hooks
    #[arg(long)]
    pub no_hooks: bool,
    /// Make it without asking, when the branch was asked for
    #[arg(short, long)]
    pub yes: bool,
    /// Then run this command in the worktree, with its variables; end as it does
    #[arg(short = 'x', long, value_name = "COMMAND")]
    pub exec: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv add feature-x
  git agentenv add hotfix --from v1.2
  git agentenv add a b c
  git agentenv add feature-x -x 'claude'
  git agentenv add feature-x --json";

/// Makes the environments.
///
/// # Errors
/// When one cannot be made; nothing of that one is left then.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    let is_asked = args.branches.is_empty() && !args.detach;
    let branches = if is_asked {
        vec![ask::branch(&context, ui, args.from.as_deref())?]
    } else {
        args.branches.clone()
    };
    if !args.dry_run {
        // Before the branch is looked for: what was interrupted can still hold it.
        branches.iter().try_for_each(|branch| recover::stale(&context, ui, branch))?;
    }
    let requests = requests(args, &context, &branches)?;
    let choice = engine::configuration(&context, ui)?;
    if !args.no_hooks && !args.dry_run {
        trust::require(&context, &choice.hooks.post_add)?;
    }
    if is_asked && !args.yes && !args.dry_run {
        agree(&context, ui, &choice, &requests)?;
    }
    let mut made = Vec::new();
    for request in requests {
        if args.dry_run {
            made.push(plan_only(&context, &choice, request)?);
            continue;
        }
        let lease = one(&context, ui, &choice, request)?;
        ui.say(summary::made(&lease));
        made.push(lease);
    }
    if let ([lease], false) = (made.as_slice(), args.dry_run) {
        follow::to(ui, &lease.path);
    }
    let ended = if args.dry_run || args.no_hooks {
        Ok(())
    } else {
        run_hooks(&context, ui, &choice, &mut made)
    };
    answer(ui, &made, args.dry_run)?;
    ended?;
    match (&args.exec, made.last()) {
        (Some(command), Some(lease)) if !args.dry_run => execute(ui, lease, command),
        _ => Ok(Exit::Done),
    }
}

/// Makes one environment; again with another redis index when that one turns out to be somebody's.
///
/// # Errors
/// When it cannot be made; nothing of it is left then.
pub fn one(context: &Context, ui: &Ui, config: &Config, request: Request) -> Result<Lease> {
    let mut occupied = survey::occupied(config);
    loop {
        let (plan, _working) = reserve(context, ui, config, request.clone(), &occupied)?;
        match add::make(ui, &context.store, &plan)? {
            Outcome::Ready(lease) => return Ok(*lease),
            Outcome::Occupied { index, by } => {
                ui.say(format!("redis index {index} is used by {by}; taking another one"));
                occupied.push((index, by));
            }
        }
    }
}

/// Chooses the slots and writes the lease, under the lock of the machine.
fn reserve(
    context: &Context,
    ui: &Ui,
    config: &Config,
    request: Request,
    occupied: &[(u32, String)],
) -> Result<(Plan, Lock)> {
    let id = context.store.new_id()?;
    let working = context.store.lock_lease(&id, || ())?;
    let waiting = || ui.say("waiting for another git-agentenv to choose its slots");
    let recorded = context.store.lock(waiting).and_then(|_lock| {
        let plan = decide(context, config, request, occupied, id.clone())?;
        fault::point("before-lease")?;
        context.store.save(&plan.lease)?;
        fault::point("lease-written")?;
        Ok(plan)
    });
    // Nothing is made yet, so nothing stays on record.
    if recorded.is_err() {
        context.store.forget(&id).ok();
    }
    Ok((recorded?, working))
}

fn decide(
    context: &Context,
    config: &Config,
    request: Request,
    occupied: &[(u32, String)],
    id: String,
) -> Result<Plan> {
    let (mut taken, leases): (Taken, Vec<Lease>) =
        survey::taken(&context.store, &context.repo, config)?;
    for (index, by) in occupied {
        // A lease says better whose it is than the keys in it.
        taken.indexes.entry(*index).or_insert_with(|| by.clone());
    }
    let facts = Facts {
        id,
        repository: &context.repo.common,
        main: &context.repo.main,
        repo_name: crate::model::name::repo_slug(&context.repo.name()),
        taken: &taken,
        port_free: &net::is_free,
        path_free: &|path| {
            matches!(fs::stands(path), Ok(Stands::Nothing))
                && leases.iter().all(|lease| lease.path != path)
        },
    };
    plan::add(config, &facts, request)
}

/// What would be made.
///
/// # Errors
/// When nothing is free, or a lease cannot be understood.
pub fn plan_only(context: &Context, config: &Config, request: Request) -> Result<Lease> {
    let id = context.store.new_id()?;
    Ok(decide(context, config, request, &survey::occupied(config), id)?.lease)
}

fn agree(context: &Context, ui: &Ui, config: &Config, requests: &[Request]) -> Result<()> {
    let plans = requests.iter().map(|request| {
        let lease = plan_only(context, config, request.clone())?;
        Ok(summary::planned(&lease, &request.target, &config.hooks.post_add))
    });
    let plans = plans.collect::<Result<Vec<_>>>()?;
    ask::agree(ui, &plans.join("\n"), "Make it?", true)
}

fn requests(args: &Args, context: &Context, branches: &[String]) -> Result<Vec<Request>> {
    let here = current_dir()?;
    let path = args.path.as_ref().map(|path| fs::canonical(&here.join(path)));
    let request = |target: Target| Request { target, path: path.clone(), adopted: false };
    if args.detach {
        let target = target::detached(&context.repo, &here, args.from.as_deref(), path.as_deref())?;
        return Ok(vec![request(target)]);
    }
    if branches.len() > 1 && (path.is_some() || args.exec.is_some()) {
        let failure =
            Failure::new(Exit::Usage, "`--path` and `--exec` are for one branch at a time");
        return Err(failure.into());
    }
    let resolve = |name: &String| target::branch(&context.repo, &here, name, args.from.as_deref());
    branches.iter().map(|name| Ok(request(resolve(name)?))).collect()
}

fn run_hooks(context: &Context, ui: &Ui, config: &Config, made: &mut [Lease]) -> Result<()> {
    made.iter_mut().try_for_each(|lease| adopt::run_hooks(context, ui, config, lease))
}

fn answer(ui: &Ui, made: &[Lease], dry_run: bool) -> Result<()> {
    let views: Vec<Environment> = made.iter().map(Environment::from).collect();
    let text = || match dry_run {
        true => made.iter().map(dry).collect(),
        // On a terminal the narration has just said it.
        false if ui.is_heard() => String::new(),
        false => made.iter().map(|lease| format!("{}\n", lease.path.display())).collect::<String>(),
    };
    match views.as_slice() {
        [one] => ui.answer(one, text),
        several => ui.answer(&serde_json::json!({ "environments": several }), text),
    }
}

fn dry(lease: &Lease) -> String {
    let vars = lease.vars.iter().map(|(name, value)| format!("  {name}={value}\n"));
    format!("would make {}\n{}", lease.path.display(), vars.collect::<String>())
}

/// Runs a command on this terminal; beside a JSON answer its own goes to stderr.
fn execute(ui: &Ui, lease: &Lease, command: &str) -> Result<Exit> {
    let command = hooks::shell(lease, command);
    let code = if ui.is_json() { command.narrate() } else { command.inherit() }?;
    Ok(Exit::Command(u8::try_from(code).unwrap_or(1)))
}
