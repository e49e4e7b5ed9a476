//! `git agentenv add`: creates environments.

pub(crate) mod make;
mod prompt;

use crate::commands::completions::candidates;
use crate::commands::output::summary;
use crate::environment::context::{Context, current_dir};
use crate::environment::workspace::Workspace;
use crate::environment::{checkout, create, data, hooks, reclaim};
use crate::error::{self, Exit};
use crate::model::lease::Lease;
use crate::model::plan::{Data, Request, Start, Target};
use crate::model::suggest;
use crate::sys::fs;
use crate::ui::Ui;
use anyhow::Result;
use clap_complete::ArgValueCandidates;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The arguments of `add`.
#[derive(Debug, Default, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Branches: local, else from the one remote that has it, else new
    #[arg(value_name = "BRANCH", add = ArgValueCandidates::new(candidates::branches))]
    pub branches: Vec<String>,
    /// Start new branches from this commit
    #[arg(long, value_name = "COMMIT", add = ArgValueCandidates::new(candidates::revisions))]
    pub from: Option<String>,
    /// Copy the database from `main`, an environment or a snapshot, or leave it `empty`
    #[arg(long, value_name = "SOURCE", add = ArgValueCandidates::new(candidates::data))]
    pub data: Option<String>,
    /// Copy the main checkout's database although its template has a mask
    #[arg(long, requires = "data")]
    pub unmasked: bool,
    /// Create the worktree in this directory
    #[arg(long, value_name = "DIR")]
    pub path: Option<PathBuf>,
    /// Check out the commit of `--from` without a branch
    #[arg(long, conflicts_with = "branches")]
    pub detach: bool,
    /// Show what would be created; change nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Do not run the `post_add` hooks
    #[arg(long)]
    pub no_hooks: bool,
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub yes: bool,
    /// Then run this command in the worktree, with its variables; exit as it does
    #[arg(short = 'x', long, value_name = "COMMAND")]
    pub exec: Option<String>,
}

/// The help of `--help`.
pub const ABOUT: &str = "\
Create an environment for a branch: worktree, ports, database, Redis index

Creates the worktree beside the main checkout, reserves free ports, creates a database and claims a Redis index on \
the shared servers, writes .env.worktree, and runs the `post_add` hooks of .agentenv.yaml. No two environments on \
this machine share a port, a database or an index.

If something fails, everything that was created is deleted again, the branch included. An interrupted `add` is rolled \
back by the same command or by `git agentenv prune`. Until `git agentenv trust` approved the hooks, `add` refuses \
(exit 7); --no-hooks creates the environment without them. If a hook fails, the environment stays; `git agentenv adopt` in \
it runs the hooks again.

Several environments are created side by side, with slots chosen together; then their hooks run side by side. If one of \
the branches cannot be checked out, nothing is created; what fails later stops no other one, and the exit code is that \
of the gravest failure.";

const EXAMPLES: &str = "\
Examples:
  git agentenv add feature-x
  git agentenv add hotfix --from v1.2
  git agentenv add a b c
  git agentenv add feature-x --data main
  git agentenv add feature-x -x 'claude'
  git agentenv add feature-x --json";

/// Creates the environments.
///
/// # Errors
/// When one cannot be created; nothing of it is left.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    let is_asked = args.branches.is_empty() && !args.detach;
    let branches = match is_asked {
        true => vec![prompt::branch(&context, ui, args.from.as_deref())?],
        false => once(&args.branches),
    };
    if !args.dry_run {
        // Before the branches are resolved: an interrupted operation can still hold one.
        branches.iter().try_for_each(|branch| reclaim::stale(&context, ui, branch))?;
    }
    let ui = &ui.for_several(branches.len());
    let mut requests = requests(args, &context, &branches)?;
    let workspace = Workspace::open(&context, ui)?;
    if let Some(wanted) = &args.data {
        let data = data::named(&workspace, wanted, args.unmasked)?;
        requests.iter_mut().for_each(|request| request.data = data.clone());
    }
    if args.dry_run {
        requests.iter().for_each(|request| tell_new(&context, ui, &request.target));
        return dry_run(&workspace, requests);
    }
    if !args.no_hooks {
        hooks::require_trusted(&context, &workspace.config.hooks.post_add)?;
    }
    if is_asked && !args.yes {
        agree(&workspace, &requests)?;
    } else {
        requests.iter().for_each(|request| tell_new(&context, ui, &request.target));
    }
    make::make(args, &workspace, requests)
}

/// Says what a new branch starts from, and which branch may have been meant.
fn tell_new(context: &Context, ui: &Ui, target: &Target) {
    let Target::Branch { name, start: Start::New { commit, from } } = target else { return };
    let known = context.repo.branches().unwrap_or_default();
    let meant = suggest::typing_error(name, known.iter().map(String::as_str));
    let meant = meant.map_or(String::new(), |meant| format!("; did you mean `{meant}`?"));
    let from = summary::place(commit, from.as_deref());
    ui.say(format!("new branch `{name}`, from {from}{meant}"));
}

/// A branch that is named twice is created once.
fn once(branches: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    branches.iter().filter(|branch| seen.insert(*branch)).cloned().collect()
}

fn dry_run(workspace: &Workspace<'_>, requests: Vec<Request>) -> Result<Exit> {
    let planned = create::plan_only(workspace, requests)?;
    let text = |lease: &Lease| {
        let vars = lease.vars.iter().map(|(name, value)| format!("  {name}={value}\n"));
        format!("would create {}\n{}", lease.path.display(), vars.collect::<String>())
    };
    make::present(workspace.ui, &planned, text)
}

fn agree(workspace: &Workspace<'_>, requests: &[Request]) -> Result<()> {
    let leases = create::plan_only(workspace, requests.iter().cloned())?;
    let hooks = &workspace.config.hooks.post_add;
    let plan =
        |(lease, request): (&Lease, &Request)| summary::planned(lease, &request.target, hooks);
    let plans: Vec<String> = leases.iter().zip(requests).map(plan).collect();
    workspace.ui.agree(&plans.join("\n"), "Create it?", true)
}

fn requests(args: &Args, context: &Context, branches: &[String]) -> Result<Vec<Request>> {
    let here = current_dir()?;
    let path = args.path.as_ref().map(|path| fs::canonical(&here.join(path)));
    let request = |target: Target| Request {
        target,
        path: path.clone(),
        adopted: false,
        data: Data::default(),
    };
    if args.detach {
        let target =
            checkout::detached(&context.repo, &here, args.from.as_deref(), path.as_deref())?;
        return Ok(vec![request(target)]);
    }
    if branches.len() > 1 && (path.is_some() || args.exec.is_some()) {
        let failure = error::usage("`--path` and `--exec` take one branch at a time");
        return Err(failure.into());
    }
    checkout::require_apart(branches)?;
    let resolve =
        |name: &String| checkout::branch(&context.repo, &here, name, args.from.as_deref());
    branches.iter().map(|name| Ok(request(resolve(name)?))).collect()
}
