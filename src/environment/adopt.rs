//! Turns an existing worktree into an environment, and repairs an environment.

use crate::environment::compose::Project;
use crate::environment::context::Context;
use crate::environment::workspace::Workspace;
use crate::environment::worktree::{Neighbours, record};
use crate::environment::{
    apply, create, files, hooks, overflow, part_problem, reclaim, recover, remove, resolve,
};
use crate::error;
use crate::model::config::Kind;
use crate::model::lease::{Lease, Part, Phase};
use crate::model::plan::{self, Data, Request, Start, Target};
use crate::model::shell;
use crate::service::removal::Servers;
use crate::service::{self, Made, State};
use crate::sys::repo::{self, Worktree};
use crate::sys::store::Store;
use crate::sys::{fs, git};
use crate::ui::Ui;
use anyhow::Result;
use std::path::Path;

/// The repository of the worktree around a directory. Where git's record of the worktree of an environment was deleted, that is
/// written again first: nothing leads to the repository without it. A refusal, such as of a configuration that was not approved,
/// can come after that: only git's repository names the configuration, and its record destroys nothing.
pub fn context(ui: &Ui, dir: &Path) -> Result<Context> {
    let (store, dir) = (Store::open()?, fs::canonical(dir));
    let root = dir.ancestors().find(|dir| dir.join(".git").exists());
    let (leases, _) = store.survey()?;
    if let Some(lease) = leases.iter().find(|lease| Some(lease.path.as_path()) == root)
        && record::is_lost(lease)?
    {
        let (_working, lease) = store.lock_current(lease, || {
            ui.say(format!("waiting for another process that works on `{}`", lease.name));
        })?;
        if record::is_lost(&lease)? {
            record::write_again(ui, &store, &lease)?;
        }
    }
    Context::at(&dir)
}

/// What [`worktree`] works with, for the worktree that the context was found from.
///
/// # Errors
/// `Refused` where that is not a linked worktree.
pub fn workspace<'a>(context: &'a Context, ui: &'a Ui) -> Result<Workspace<'a>> {
    match known(context)? {
        Some(_) => Workspace::of_existing(context, ui),
        None => Workspace::open(context, ui),
    }
}

/// Turns the worktree around the current directory into an environment, or repairs the one that it is.
pub fn worktree(workspace: &Workspace<'_>) -> Result<Lease> {
    let Workspace { context, ui, .. } = *workspace;
    let tree = tree_here(context)?;
    match known(context)? {
        Some(lease) => repair(workspace, &lease, &tree),
        None => {
            require_unclaimed(context, &tree)?;
            if let Some(id) = &tree.lease {
                // What the lease that was lost had approved is not known.
                hooks::require_trusted_services(context, &workspace.config)?;
                let lease = recover::lease(workspace, &tree, id, &request(context, &tree)?)?;
                return repair(workspace, &lease, &tree);
            }
            tree.branch.iter().try_for_each(|branch| reclaim::stale(context, ui, branch))?;
            let lease = create::one(workspace, request(context, &tree)?)?;
            ui.say(format!("`{}` is now an environment", lease.name));
            Ok(lease)
        }
    }
}

/// The linked worktree that the context was found from.
pub fn tree_here(context: &Context) -> Result<Worktree> {
    let here = context.repo.here.as_deref();
    let trees = repo::worktrees(&context.repo.common)?;
    let found = trees.into_iter().find(|tree| Some(fs::canonical(&tree.path).as_path()) == here);
    found.ok_or_else(|| {
        let place = here.unwrap_or(&context.repo.common).display();
        error::refused(format!("{place} is not a linked worktree"))
            .hint("the main checkout keeps the base values; create an environment: `git agentenv add <branch>`")
            .into()
    })
}

/// The environment that the worktree already is.
pub fn known(context: &Context) -> Result<Option<Lease>> {
    let Some(lease) = resolve::of(&context.store, &tree_here(context)?)? else { return Ok(None) };
    // Its repository was moved. A copy of a repository that still exists has environments of its own.
    let is_here = lease.repository == context.repo.common
        || reclaim::homeless(&lease, &Neighbours::default())?.is_some();
    Ok(is_here.then_some(lease))
}

/// Refuses a worktree that carries the mark of another state directory.
fn require_unclaimed(context: &Context, tree: &Worktree) -> Result<()> {
    match &tree.lease {
        Some(id) if !id.starts_with(context.store.id()) => {
            let path = tree.path.display();
            let message = format!("{path} belongs to another state directory");
            let mark = shell::path(&tree.admin.join(repo::MARK));
            let hint = format!(
                "set AGENTENV_STATE_DIR to that directory; if it was deleted: `rm {mark}`, then adopt again"
            );
            Err(error::refused(message).hint(hint).into())
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
    Ok(Request { target, path: Some(path), adopted: true, data: Data::default() })
}

/// Restores what an environment lacks. What belongs to another now is named and left alone.
fn repair(workspace: &Workspace<'_>, lease: &Lease, tree: &Worktree) -> Result<Lease> {
    let Workspace { context, ui, .. } = workspace;
    let (_working, mut lease) = context.lock_current(ui, lease)?;
    lease.repository.clone_from(&context.repo.common);
    lease.main.clone_from(&context.repo.main);
    lease.admin = lease.admin.map(|_| tree.admin.clone());
    let moved = lease.path != fs::canonical(&tree.path);
    lease.path = fs::canonical(&tree.path);
    lease.branch = tree.branch.clone();
    if tree.lease.is_none() {
        git::mark_worktree(&lease.path, &lease.id)?;
        fs::sync_dirs([tree.admin.as_path()])?;
        ui.say(format!("git's record of {} is marked again", lease.path.display()));
    }
    let mut lease = opened(context, lease)?;
    set_variables(workspace, &mut lease);
    let mut parts = Vec::new();
    for part in &lease.parts {
        let resource = lease.resource(part)?;
        if let Some(server) = resource.server() {
            overflow::start(ui, &context.store, server)?;
        }
        let made = match service::state(&resource, &lease.id)? {
            State::Ours => service::reclaim(&resource, &lease.id)?,
            // It was empty when this environment claimed it on this server, so the keys in it are this environment's.
            State::Unmarked(_) if lease.was_whole() => service::reclaim(&resource, &lease.id)?,
            // Its own application flushed it and is still connected.
            State::Missing if part.kind == Kind::Redis && lease.was_whole() => {
                service::reclaim(&resource, &lease.id)?
            }
            State::Missing => {
                if let Some(now) = part_problem::renamed(&lease, part)? {
                    return Err(renamed(part, &now));
                }
                restore(ui, &lease, part)?
            }
            State::NotOurs(_) | State::Unmarked(_) => restore(ui, &lease, part)?,
        };
        let server_id = match made {
            Made::Ours(server_id) => server_id,
            Made::Occupied(by) => return Err(occupied(part, &by)),
        };
        parts.push(Part { server_id, ..part.clone() });
    }
    lease.parts = parts;
    if lease.phase != Phase::Ready && !tree.admin.join("index").exists() {
        git::checkout(&lease.main, &lease.path)?;
    }
    files::write_env(&context.store, &lease)?;
    Project::of(workspace).write(ui, &lease)?;
    let lease = lease.into_ready(tree.admin.clone());
    context.store.save(&lease)?;
    if tree.locked.as_deref() == Some(lease.mark().as_str()) {
        git::unlock(&tree.admin)?;
    }
    ui.say(match moved {
        true => format!("moved `{}` to {}", lease.name, lease.path.display()),
        false => format!("`{}` repaired", lease.name),
    });
    Ok(lease)
}

/// Gives an environment the variables of the configuration, and warns of what it lacks for them: a changed configuration gives
/// no environment new ports or parts. What it holds is still what the lease says.
fn set_variables(workspace: &Workspace<'_>, lease: &mut Lease) {
    let Workspace { context, ui, config } = workspace;
    let set = plan::set_variables(config, lease, &context.slug());
    // Without a file, it is what runs on this machine that changes.
    if !context.config().is_ok_and(|file| file.is_some()) {
        return;
    }
    let ports = config.ports.keys().filter(|name| !lease.ports.contains_key(*name));
    let has_part = |name: &str| lease.parts.iter().any(|part| part.service == name);
    let services = config.services.iter().filter(|(name, _)| !has_part(name));
    let lacking: Vec<&str> =
        ports.chain(services.map(|(_, service)| &service.variable)).map(String::as_str).collect();
    let what = match set {
        Ok(()) if lacking.is_empty() => return,
        Ok(()) => format!("`{}` has no {}", lease.name, lacking.join(", ")),
        Err(error) => format!("keeping the old variables of `{}`: {error:#}", lease.name),
    };
    let hint = "the configuration has changed; to give the environment all that it names, remove it and add it again";
    ui.warn(format!("{what}\nhint: {hint}"));
}

/// The lease of an environment that is open: what a killed removal closed is opened first. What was begun behind that is only
/// ever finished.
fn opened(context: &Context, lease: Lease) -> Result<Lease> {
    match lease.phase {
        Phase::Creating | Phase::Ready => Ok(lease),
        Phase::Closing => remove::reopen(&context.store, &Servers::of(&[&lease]), lease),
        Phase::Removing | Phase::Keeping | Phase::Restoring => {
            let what = if lease.phase == Phase::Restoring { "`restore`" } else { "its removal" };
            let message = format!("cannot repair `{}`: {what} was interrupted", lease.name);
            Err(error::refused(message).hint("finish it: `git agentenv prune`").into())
        }
    }
}

fn restore(ui: &Ui, lease: &Lease, part: &Part) -> Result<Made> {
    let step = ui.step(part.to_string());
    let create = || service::create(&lease.resource(part)?, &lease.id, part.from.as_ref());
    apply::provide((ui, step), lease, part, create)
}

fn renamed(part: &Part, now: &str) -> anyhow::Error {
    let message = format!("{part} was renamed to `{now}`");
    let hint = format!("rename it back in psql: `{}`", part_problem::rename_back(now, part));
    error::refused(message).hint(hint).into()
}

fn occupied(part: &Part, by: &str) -> anyhow::Error {
    let message = format!("{part} is used by {by}");
    let hint = "remove the environment and add it again: it gets another slot";
    error::refused(message).hint(hint).into()
}
