//! `git agentenv adopt`: makes an environment of a worktree that is there.

use super::context::{Context, current_dir};
use super::view::Environment;
use super::{add, engine, recover, trust};
use crate::apply::{files, hooks};
use crate::error::{Exit, Failure, exit_of};
use crate::model::config::Config;
use crate::model::lease::Lease;
use crate::model::plan::{Request, Start, Target};
use crate::service::{self, Made, State};
use crate::sys::repo::{Repo, Worktree};
use crate::sys::{fs, repo};
use crate::ui::Ui;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// The arguments of `adopt`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// The worktree; none: the one around the current directory
    #[arg(value_name = "DIR")]
    pub path: Option<PathBuf>,
    /// Do not run the `post_add` hooks
    #[arg(long)]
    pub no_hooks: bool,
}

const EXAMPLES: &str = "\
Examples:
  git worktree add ../x && git agentenv adopt ../x
  git agentenv adopt";

/// Makes an environment of a worktree; in one that is an environment already, puts back what is missing.
///
/// # Errors
/// When the directory is no linked worktree, or a part cannot be made.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let dir = args.path.clone().map_or_else(current_dir, |path| Ok(current_dir()?.join(path)))?;
    let context = at(&dir)?;
    let config = engine::configuration(&context, ui)?;
    if !args.no_hooks {
        trust::require(&context, &config.hooks.post_add)?;
    }
    let mut lease = worktree(&context, ui, &config)?;
    if lease.hooks_pending && !args.no_hooks {
        hooks::run(ui, &lease, &config.hooks.post_add).map_err(|error| {
            let failure = Failure::new(exit_of(&error), "a post_add hook failed");
            error.context(
                failure.hint("the environment is kept; mend it, then `git agentenv adopt` again"),
            )
        })?;
        lease.hooks_pending = false;
        context.store.save(&lease)?;
    }
    ui.answer(&Environment::from(&lease), || format!("{}\n", lease.path.display()))?;
    Ok(Exit::Done)
}

/// The repository and the leases, seen from this directory.
///
/// # Errors
/// When it is in no repository.
pub fn at(dir: &Path) -> Result<Context> {
    let store = crate::sys::store::Store::open()?;
    Ok(Context { repo: Repo::discover(&fs::canonical(dir))?, store })
}

/// Makes an environment of the worktree that the context was found from, or makes it whole.
///
/// # Errors
/// When it is the main checkout, or a part cannot be made.
pub fn worktree(context: &Context, ui: &Ui, config: &Config) -> Result<Lease> {
    let tree = tree_here(context)?;
    let known =
        context.leases()?.into_iter().find(|lease| tree.lease.as_deref() == Some(&lease.id));
    match known {
        Some(lease) => mend(context, ui, &lease, &tree),
        None => {
            tree.branch.iter().try_for_each(|branch| recover::stale(context, ui, branch))?;
            let lease = add::one(context, ui, config, request(context, &tree)?)?;
            ui.say(format!("`{}` is an environment now", lease.name));
            Ok(lease)
        }
    }
}

fn tree_here(context: &Context) -> Result<Worktree> {
    let here = context.repo.here.as_deref();
    let trees = repo::worktrees(&context.repo.common)?;
    let found = trees.into_iter().find(|tree| Some(fs::canonical(&tree.path).as_path()) == here);
    found.ok_or_else(|| {
        let place = here.unwrap_or(&context.repo.common).display();
        Failure::new(Exit::Refused, format!("{place} is no linked worktree"))
            .hint("the main checkout keeps the base values; `git agentenv add <branch>` makes an environment")
            .into()
    })
}

fn request(context: &Context, tree: &Worktree) -> Result<Request> {
    let path = fs::canonical(&tree.path);
    let target = match &tree.branch {
        Some(name) => Target::Branch { name: name.clone(), start: Start::Existing },
        None => Target::Detached {
            commit: context.repo.head()?,
            named: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        },
    };
    Ok(Request { target, path: Some(path), adopted: true })
}

/// Puts back what is missing of an environment. What is somebody else's now is named and left.
fn mend(context: &Context, ui: &Ui, lease: &Lease, tree: &Worktree) -> Result<Lease> {
    let _working =
        context.store.lock_lease(&lease.id, || ui.say("waiting for another git-agentenv"))?;
    let mut lease = lease.clone();
    lease.path = fs::canonical(&tree.path);
    lease.branch = tree.branch.clone();
    for part in &lease.parts {
        match service::state(part, &lease.id, &lease.path)? {
            State::Ours => {}
            State::Missing | State::NotOurs(_) => remake(ui, &lease, part)?,
        }
    }
    files::write_env(&context.store, &lease)?;
    lease.phase = crate::model::lease::Phase::Ready;
    context.store.save(&lease)?;
    if tree.locked.as_deref() == Some(lease.mark().as_str()) {
        crate::sys::git::unlock(&tree.admin)?;
    }
    ui.say(format!("`{}` is whole", lease.name));
    Ok(lease)
}

fn remake(ui: &Ui, lease: &Lease, part: &crate::model::lease::Part) -> Result<()> {
    let step = ui.step(format!("{} {}", part.service, part.holds));
    match service::make(part, &lease.id, &lease.path)? {
        Made::Ours => step.done(),
        Made::Occupied(by) => {
            let message = format!("{} {} is used by {by}", part.service, part.holds);
            let hint = "remove the environment and add it again: it gets another one";
            return Err(Failure::new(Exit::Refused, message).hint(hint).into());
        }
    }
    Ok(())
}
