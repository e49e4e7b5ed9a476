//! Finds the environment that the user means.

use crate::environment::context::{Context, current_dir};
use crate::environment::trash;
use crate::environment::worktree::{self, record};
use crate::error::{self, Exit, exit_of};
use crate::model::lease::{Lease, Phase};
use crate::model::{shell, suggest};
use crate::sys::fs;
use crate::sys::repo::{self, Repo, Worktree};
use crate::sys::store::{Broken, Store};
use anyhow::Result;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The environment of this branch, name, directory name or path in the repository. A lease that cannot be read stands in
/// the way of its own environment only.
pub fn named(context: &Context, wanted: &str) -> Result<Lease> {
    let (leases, broken) = readable(context)?;
    let found = called(context, &leases, wanted).map(|(lease, _)| lease.clone());
    let Some(first) = broken.first() else { return found };
    let trees = repo::worktrees(&context.repo.common)?.into_iter();
    let path = path_of(wanted);
    let meant = trees.filter(|tree| is_called(tree, wanted, &path));
    let meant: Vec<String> = meant.filter_map(|tree| tree.lease).collect();
    let is_sure = |lease: &Lease| {
        lease.branch.as_deref() == Some(wanted) || lease.name == wanted || lease.path == path
    };
    // Of the same word, a branch comes before a name, and which of them this one has is not known.
    match broken.iter().find(|one| meant.iter().any(|id| id == one.id())) {
        Some(own) => Err(own.failure(Exit::Failed).into()),
        // Its own name is not known, and may be that of another one's directory.
        None => found.ok().filter(is_sure).ok_or_else(|| first.failure(Exit::Failed).into()),
    }
}

/// As [`named`], for what cannot be undone.
///
/// # Errors
/// `Refused` where another environment is called so, too, or a branch for which this one was not made: that one's environment
/// is gone already.
pub fn unmistakable(context: &Context, wanted: &str) -> Result<Lease> {
    let leases = current(context)?;
    let (lease, others) =
        called(context, &leases, wanted).map_err(|error| not_there(context, wanted, error))?;
    let Some(other) = others.iter().find(|other| other.id != lease.id) else {
        require_branch(context, lease, wanted)?;
        return Ok(lease.clone());
    };
    let message = format!("`{wanted}` may mean `{}` or `{}`", lease.name, other.name);
    let (one, other) = (shell::path(&lease.path), shell::path(&other.path));
    Err(error::refused(message).hint(format!("name its path: {one} or {other}")).into())
}

/// Says what there is of an environment that is not there. To one that deletes, no other one is named that is called alike.
fn not_there(context: &Context, wanted: &str, error: anyhow::Error) -> anyhow::Error {
    if exit_of(&error) != Exit::NotFound {
        return error;
    }
    let word = shell::word(wanted);
    let kept = trash::of_repository(context).unwrap_or_default();
    if kept
        .iter()
        .any(|one| one.lease.branch.as_deref() == Some(wanted) || one.lease.name == wanted)
    {
        let message = format!("no environment `{wanted}`: it is in the trash");
        let hint = format!(
            "restore it: `git agentenv restore {word}`; delete it: `git agentenv prune --trash`"
        );
        return error::not_found(message).hint(hint).into();
    }
    let is_free = |trees: BTreeMap<String, Option<Worktree>>| !trees.contains_key(wanted);
    if context.repo.branch(wanted).is_some()
        && repo::checked_out(&context.repo.common).is_ok_and(is_free)
    {
        let message = format!("branch `{wanted}` has no environment");
        return error::not_found(message)
            .hint(format!("delete the branch: `git branch -d {word}`"))
            .into();
    }
    error
}

/// Refuses a word that is a branch and leads to the environment of another one, which has the name: `remove x` leaves the branch
/// `x`, and must not mean another environment when it is said twice. One that was made without a branch, and has none, has only
/// its name to be called by.
fn require_branch(context: &Context, lease: &Lease, wanted: &str) -> Result<()> {
    let is_own = |lease: &Lease| lease.branch.as_deref() == Some(wanted);
    if is_own(lease) || context.repo.branch(wanted).is_none() {
        return Ok(());
    }
    // In its worktree, another commit may be checked out by now.
    let made = context.store.lease(&lease.id)?;
    if made.as_ref().is_some_and(is_own) {
        return Ok(());
    }
    let made_for = made.and_then(|made| made.branch);
    let Some(branch) = lease.branch.as_ref().or(made_for.as_ref()) else { return Ok(()) };
    let message =
        format!("branch `{wanted}` has no environment, and that of branch `{branch}` has its name");
    let path = shell::path(&lease.path);
    Err(error::refused(message).hint(format!("if you mean that one, name its path: {path}")).into())
}

/// The environment that is called so, that of this branch first, and all that are.
fn called<'a>(
    context: &Context,
    leases: &'a [Lease],
    wanted: &str,
) -> Result<(&'a Lease, Vec<&'a Lease>)> {
    let path = path_of(wanted);
    let tests: [&dyn Fn(&Lease) -> bool; 4] = [
        &|lease| lease.branch.as_deref() == Some(wanted),
        &|lease| lease.name == wanted,
        &|lease| lease.path.file_name().is_some_and(|name| name == wanted),
        &|lease| lease.path == path,
    ];
    let found = tests.iter().flat_map(|test| leases.iter().filter(move |lease| test(lease)));
    let found: Vec<&Lease> = found.collect();
    if let Some(first) = found.first() {
        return Ok((first, found));
    }
    let known = leases.iter().flat_map(|lease| lease.branch.iter().chain([&lease.name]));
    let hint =
        match (plain(context, wanted, &path)?, suggest::closest(wanted, known.map(String::as_str)))
        {
            (Some(plain), _) => {
                format!("make it one: `git agentenv adopt {}`", shell::path(&plain))
            }
            (None, Some(near)) => format!("did you mean `{near}`?"),
            (None, None) => "list the environments: `git agentenv list`".to_owned(),
        };
    Err(error::not_found(format!("no environment `{wanted}`")).hint(hint).into())
}

fn path_of(wanted: &str) -> PathBuf {
    current_dir().map(|dir| fs::canonical(&dir.join(wanted))).unwrap_or_default()
}

/// Whether a worktree is called as its environment would be.
fn is_called(tree: &Worktree, wanted: &str, path: &Path) -> bool {
    tree.branch.as_deref() == Some(wanted)
        || tree.path.file_name().is_some_and(|name| name == wanted)
        || fs::canonical(&tree.path) == path
}

/// The worktree that is called as an environment would be, and is none.
fn plain(context: &Context, wanted: &str, path: &Path) -> Result<Option<PathBuf>> {
    let trees = repo::worktrees(&context.repo.common)?.into_iter();
    let mut found = trees
        .filter(|tree| tree.lease.is_none() && tree.is_present() && is_called(tree, wanted, path));
    Ok(found.next().map(|tree| tree.path))
}

/// The environment of this name, or that around the current directory.
pub fn named_or_here(context: &Context, wanted: Option<&str>) -> Result<Lease> {
    match wanted {
        Some(wanted) => named(context, wanted),
        None => here(context)?.ok_or_else(|| {
            let hint = if context.repo.here.as_ref() == Some(&context.repo.main) {
                "name an environment; list them: `git agentenv list`"
            } else {
                "name an environment, or turn this worktree into one: `git agentenv adopt`"
            };
            error::not_found("the current directory is not in an environment").hint(hint).into()
        }),
    }
}

/// The error of a command about all environments where there is none.
pub fn none() -> anyhow::Error {
    let failure = error::not_found("there are no environments");
    failure.hint("create one: `git agentenv add <branch>`").into()
}

/// The environment around the current directory.
pub fn here(context: &Context) -> Result<Option<Lease>> {
    let Repo { here: Some(root), common, main, .. } = &context.repo else { return Ok(None) };
    if root == main {
        return Ok(None);
    }
    let trees = repo::worktrees(common)?;
    let lease = match &context.repo.lease {
        Some(id) => context.store.lease(id)?,
        None => match trees.iter().find(|tree| fs::canonical(&tree.path) == *root) {
            Some(tree) => of(&context.store, tree)?,
            None => None,
        },
    };
    let Some(mut lease) = lease.filter(|one| one.repository == *common) else { return Ok(None) };
    place(&mut lease, &trees);
    // After a plain `mv` git remembers the old path; the worktree is where this process stands.
    Ok(Some(Lease { path: root.clone(), ..lease }))
}

/// The lease of a worktree, also of one that has lost its mark.
pub fn of(store: &Store, tree: &Worktree) -> Result<Option<Lease>> {
    match &tree.lease {
        Some(id) => store.lease(id),
        None => Ok(store.survey()?.0.into_iter().find(|lease| record::is_unmarked(lease, tree))),
    }
}

/// The leases of this repository, with the branch and the path that their worktrees have now.
pub fn current(context: &Context) -> Result<Vec<Lease>> {
    let (leases, broken) = readable(context)?;
    broken.first().map_or(Ok(leases), |first| Err(first.failure(Exit::Failed).into()))
}

/// As [`current`], of those that can be read, and those that cannot.
pub fn readable(context: &Context) -> Result<(Vec<Lease>, Vec<Broken>)> {
    let trees = repo::worktrees(&context.repo.common)?;
    let (mut leases, broken) = context.survey()?;
    for lease in &mut leases {
        let before = lease.path.clone();
        place(lease, &trees);
        if lease.path != before {
            // Only git knows where it moved it to, and forgets that when the disk is away.
            context.store.note_disks(lease).ok();
        }
    }
    Ok((leases, broken))
}

/// As [`current`], of leases of any repositories. Where the worktrees cannot be read, the lease's word stands.
pub fn place_all(leases: &mut [Lease]) {
    let mut read: BTreeMap<PathBuf, Vec<Worktree>> = BTreeMap::new();
    for lease in leases {
        let trees = read
            .entry(lease.repository.clone())
            .or_insert_with_key(|common| repo::worktrees(common).unwrap_or_default());
        place(lease, trees);
    }
}

/// Refuses an environment whose worktree is not in its place.
///
/// # Errors
/// `Refused` when it was moved without git's help, or a command that moves it has not ended; `NotFound` when it was deleted.
pub fn require_present(lease: &Lease) -> Result<()> {
    if lease.path.is_dir() {
        return Ok(());
    }
    require_complete(lease)?;
    if let Some(tree) = worktree::of(lease)? {
        worktree::require_in_place(lease, &tree)?;
    }
    let message = format!("worktree {} no longer exists", lease.path.display());
    Err(error::not_found(message).hint("release its resources: `git agentenv prune`").into())
}

/// Refuses an environment that a command has not made, removed or restored whole.
pub fn require_complete(lease: &Lease) -> Result<()> {
    if lease.phase == Phase::Ready { Ok(()) } else { Err(incomplete(lease)) }
}

/// The refusal of an environment that is not complete.
pub fn incomplete(lease: &Lease) -> anyhow::Error {
    let failure = error::refused(format!("`{}` is not a complete environment", lease.name));
    failure.hint("finish or release it: `git agentenv prune`").into()
}

/// Gives a lease the branch and the path that its worktree, one of these, has now.
pub fn place(lease: &mut Lease, trees: &[Worktree]) {
    let Some(tree) = worktree::standing(lease, trees) else { return };
    // What the lease has is canonical already.
    if tree.path != lease.path {
        lease.path = fs::canonical(&tree.path);
    }
    lease.branch.clone_from(&tree.branch);
}
