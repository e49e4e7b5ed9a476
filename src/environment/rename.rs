//! Gives an environment another name: its branch, worktree and variables. What the servers and Compose hold keeps its name,
//! so that nothing that is connected or configured there breaks.
//!
//! The lease is written last. Until then the old name finds it, and the same command finishes what was killed.

use crate::environment::compose::Project;
use crate::environment::workspace::Workspace;
use crate::environment::{files, occupancy, relocate, worktree};
use crate::error;
use crate::model::config::Kind;
use crate::model::lease::Lease;
use crate::model::plan::{self, Facts};
use crate::sys::fs::{self, Stands};
use crate::sys::git;
use crate::sys::repo::{Repo, Worktree};
use anyhow::Result;

/// Renames it; its branch only where `add` created that, or `with_branch` says so.
///
/// # Errors
/// `Refused` when it is in use or the name is taken; nothing is changed then.
pub fn environment(
    workspace: &Workspace<'_>,
    lease: &Lease,
    new: &str,
    with_branch: bool,
) -> Result<Lease> {
    let Workspace { context, ui, .. } = *workspace;
    require_name(new)?;
    let (_working, lease) = context.lock_current(ui, lease)?;
    let tree = relocate::complete(&lease)?;
    let lease = Lease { path: fs::canonical(&tree.path), branch: tree.branch.clone(), ..lease };
    relocate::require_unused(&lease, "rename")?;
    let planned = plan(workspace, &lease, new)?;
    if planned.path != lease.path {
        worktree::require_unlocked(&lease, &tree)?;
    }
    let was = rename_branch(workspace, &lease, new, with_branch)?;
    if let Err(error) = relocate(workspace, &lease, &tree, &planned) {
        if let Some(was) = was {
            git::rename_branch(&lease.main, new, &was)?;
        }
        return Err(error);
    }
    let branch = if was.is_some() { Some(new.to_owned()) } else { lease.branch.clone() };
    let moved = Lease { path: planned.path.clone(), branch, ..lease.clone() };
    let renamed = record(workspace, &moved, &planned, new)?;
    worktree::remove_empty_parents(&lease);
    tell(workspace, &lease, &renamed);
    Ok(renamed)
}

fn require_name(new: &str) -> Result<()> {
    if Repo::is_branch_name(new) {
        return Ok(());
    }
    let failure = error::usage(format!("`{new}` is not a valid branch name"));
    Err(failure.hint("see `git help check-ref-format`").into())
}

fn plan(workspace: &Workspace<'_>, lease: &Lease, new: &str) -> Result<Lease> {
    let Workspace { context, config, .. } = workspace;
    let (mut taken, others) =
        occupancy::taken_but(&context.store, &context.repo, config, &lease.id)?;
    // It keeps its own.
    taken.projects.clear();
    let is_free = |path: &std::path::Path| {
        let others = others.iter().all(|other| other.path != path);
        path == lease.path || (others && matches!(fs::stands(path), Ok(Stands::Nothing)))
    };
    let facts = Facts {
        repository: &lease.repository,
        main: &lease.main,
        port_free: &|_| true,
        path_free: &is_free,
        ..context.facts(lease.id.clone(), &taken)
    };
    plan::rename(config, &facts, lease, new)
}

/// Renames the branch as git does, with its settings and its reflog; gives the name that it had. One that has the new name
/// already was renamed by a command that was killed.
fn rename_branch(
    workspace: &Workspace<'_>,
    lease: &Lease,
    new: &str,
    always: bool,
) -> Result<Option<String>> {
    let branch = lease.branch.as_deref();
    if branch == Some(new) {
        return Ok(None);
    }
    let repo = &workspace.context.repo;
    // Also where its branch keeps its name: commands take a branch for the environment's name. Its own, git moves out of the
    // way.
    let in_the_way = repo.branch_in_the_way(new, branch);
    if let Some(other) = repo.branch(new).map(|_| new.to_owned()).or(in_the_way) {
        let failure = error::refused(format!("cannot rename to `{new}`: branch `{other}` exists"));
        return Err(failure.hint("choose another name").into());
    }
    let Some(branch) = branch else { return Ok(None) };
    let is_ours = git::birth_of_branch(&lease.main, branch)?.as_deref() == Some(&lease.mark());
    if !is_ours && !always {
        workspace.ui.say(format!(
            "keeping branch `{branch}`: `add` did not create it; `--branch` renames it, too"
        ));
        return Ok(None);
    }
    git::rename_branch(&lease.main, branch, new)?;
    Ok(Some(branch.to_owned()))
}

fn relocate(
    workspace: &Workspace<'_>,
    lease: &Lease,
    tree: &Worktree,
    planned: &Lease,
) -> Result<()> {
    if planned.path == lease.path {
        return Ok(());
    }
    if let Some(parent) = planned.path.parent() {
        fs::make_dir(parent)?;
    }
    relocate::to(workspace.context, lease, tree, planned.path.clone()).map(drop)
}

/// Writes the files and the lease, if the names that were chosen are still free.
fn record(workspace: &Workspace<'_>, moved: &Lease, planned: &Lease, new: &str) -> Result<Lease> {
    let Workspace { context, ui, .. } = *workspace;
    let renamed =
        Lease { path: moved.path.clone(), branch: moved.branch.clone(), ..planned.clone() };
    Project::of(workspace).write(ui, &renamed)?;
    let _lock = context.lock(ui)?;
    let now = plan(workspace, moved, new)?;
    if now.name != renamed.name {
        let message = format!("another environment took the name `{}` meanwhile", renamed.name);
        return Err(error::refused(message).hint("run this command again").into());
    }
    files::write_env(&context.store, &renamed)?;
    context.store.save(&renamed)?;
    Ok(renamed)
}

fn tell(workspace: &Workspace<'_>, was: &Lease, renamed: &Lease) {
    workspace.ui.say(format!("renamed `{}` to `{}`", was.name, renamed.name));
    let named = renamed.parts.iter().filter(|part| part.kind != Kind::Redis);
    let kept: Vec<String> = named.map(|part| format!("{}={}", part.variable, part.holds)).collect();
    if !kept.is_empty() {
        workspace.ui.say(format!("kept as they are: {}", kept.join(", ")));
    }
}
