//! `git agentenv adopt`: makes an environment of a worktree that is there.

use super::context::{Context, current_dir};
use super::view::Environment;
use super::{engine, provision, recover, trust};
use crate::apply::{files, hooks};
use crate::error::{Exit, Failure, exit_of, hint_of};
use crate::model::config::Config;
use crate::model::lease::{Lease, Part, Phase};
use crate::model::name;
use crate::model::plan::{self, Request, Start, Target};
use crate::model::shell;
use crate::service::{self, Made, State};
use crate::sys::repo::{Repo, Worktree};
use crate::sys::{fs, git, repo};
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
    if !args.no_hooks && known(&context)?.is_none_or(|lease| lease.hooks_pending) {
        trust::require(&context, &config.hooks.post_add)?;
    }
    let mut lease = worktree(&context, ui, &config)?;
    if !args.no_hooks {
        run_hooks(&context, ui, &config, &mut lease)?;
    }
    ui.answer(&Environment::from(&lease), || format!("{}\n", lease.path.display()))?;
    Ok(Exit::Done)
}

/// Runs the `post_add` hooks of an environment in which they have not all succeeded yet.
///
/// # Errors
/// When one fails; the environment is kept.
pub fn run_hooks(context: &Context, ui: &Ui, config: &Config, lease: &mut Lease) -> Result<()> {
    if !lease.hooks_pending {
        return Ok(());
    }
    hooks::run(ui, lease, &config.hooks.post_add).map_err(|error| {
        let hint = format!(
            "the environment is kept; mend it, then `git agentenv adopt {}` runs the hooks again",
            shell::path(&lease.path)
        );
        let failure = Failure::new(exit_of(&error), "a post_add hook failed").hint(hint);
        error.context(failure)
    })?;
    lease.hooks_pending = false;
    let _working = context.store.lock_lease(&lease.id, || ())?;
    // They may have taken long, and somebody may have removed the environment meanwhile.
    let Some(now) = context.store.lease(&lease.id)? else {
        return Ok(());
    };
    context.store.save(&Lease { hooks_pending: false, ..now })
}

/// For callers that nobody can ask and that must not fail for a hook: says what did not run, and why.
pub fn try_hooks(context: &Context, ui: &Ui, config: &Config, lease: &mut Lease) {
    let ran = trust::require(context, &config.hooks.post_add)
        .and_then(|()| run_hooks(context, ui, config, lease));
    if let Err(error) = ran {
        let hint = hint_of(&error).unwrap_or("`git agentenv adopt` runs them again");
        ui.warn(format!("the post_add hooks did not all run: {error:#}\nhint: {hint}"));
    }
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
    match known(context)? {
        Some(lease) => mend(context, ui, config, &lease, &tree),
        None => {
            require_unclaimed(context, &tree)?;
            tree.branch.iter().try_for_each(|branch| recover::stale(context, ui, branch))?;
            let lease = provision::one(context, ui, config, request(context, &tree)?)?;
            ui.say(format!("`{}` is an environment now", lease.name));
            Ok(lease)
        }
    }
}

/// The linked worktree that the context was found from.
///
/// # Errors
/// When it is the main checkout, or git's directories cannot be read.
pub fn tree_here(context: &Context) -> Result<Worktree> {
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

/// The environment that the worktree is already.
fn known(context: &Context) -> Result<Option<Lease>> {
    let Some(id) = tree_here(context)?.lease else {
        return Ok(None);
    };
    let Some(lease) = context.store.leases()?.into_iter().find(|lease| lease.id == id) else {
        return Ok(None);
    };
    // Of a repository that was moved; a copy of one that is there has environments of its own.
    let is_here = lease.repository == context.repo.common || recover::is_homeless(&lease)?;
    Ok(is_here.then_some(lease))
}

/// Goes on unless the worktree is an environment that another state directory has on record.
fn require_unclaimed(context: &Context, tree: &Worktree) -> Result<()> {
    match &tree.lease {
        Some(id) if !id.starts_with(context.store.id()) => {
            let path = tree.path.display();
            let message = format!("{path} is an environment of another state directory");
            let mark = shell::path(&tree.admin.join(repo::MARK));
            let hint = format!(
                "set AGENTENV_STATE_DIR to that one; if it is gone for good: `rm {mark}`, and adopt again"
            );
            Err(Failure::new(Exit::Refused, message).hint(hint).into())
        }
        _ => Ok(()),
    }
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
fn mend(
    context: &Context,
    ui: &Ui,
    config: &Config,
    lease: &Lease,
    tree: &Worktree,
) -> Result<Lease> {
    let _working =
        context.store.lock_lease(&lease.id, || ui.say("waiting for another git-agentenv"))?;
    let Some(mut lease) = context.store.lease(&lease.id)? else {
        let message = format!("no environment `{}`: it was just removed", lease.name);
        return Err(Failure::new(Exit::NotFound, message).into());
    };
    lease.repository.clone_from(&context.repo.common);
    lease.main.clone_from(&context.repo.main);
    lease.admin = lease.admin.map(|_| tree.admin.clone());
    let moved = lease.path != fs::canonical(&tree.path);
    lease.path = fs::canonical(&tree.path);
    lease.branch = tree.branch.clone();
    match plan::vars(config, &lease, &name::repo_slug(&context.repo.name())) {
        Ok(vars) => lease.vars = vars,
        // The configuration has changed since: what the environment holds is still what the lease says.
        Err(error) if moved => ui.warn(format!("the variables stay as they were: {error:#}")),
        Err(_) => {}
    }
    for part in &lease.parts {
        match service::state(part, &lease.id, &lease.path)? {
            State::Ours => {}
            // It was claimed when it was empty, so what is in it is this environment's.
            State::Unmarked(_) if lease.was_whole() => {
                service::reclaim(part, &lease.id)?;
            }
            State::Missing | State::NotOurs(_) | State::Unmarked(_) => remake(ui, &lease, part)?,
        }
    }
    if lease.phase != Phase::Ready && !tree.admin.join("index").exists() {
        git::checkout(&lease.path)?;
    }
    files::write_env(&context.store, &lease)?;
    lease.phase = Phase::Ready;
    context.store.save(&lease)?;
    if tree.locked.as_deref() == Some(lease.mark().as_str()) {
        git::unlock(&tree.admin)?;
    }
    ui.say(format!("`{}` is whole", lease.name));
    Ok(lease)
}

fn remake(ui: &Ui, lease: &Lease, part: &Part) -> Result<()> {
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
