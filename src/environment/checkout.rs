//! What `add` checks out: a branch as `git switch` would find it, or a commit.

use crate::error;
use crate::model::plan::{Start, Target};
use crate::model::shell;
use crate::sys::git;
use crate::sys::repo::{self, RemoteBranch, Repo, Worktree};
use anyhow::Result;
use std::path::Path;

/// The branch of this name: local, else the one remote that has it, else new from a commit.
///
/// # Errors
/// When it cannot be a branch's name, is checked out elsewhere, or several remotes have it.
pub fn branch(repo: &Repo, here: &Path, name: &str, from: Option<&str>) -> Result<Target> {
    if !Repo::is_branch_name(name) {
        let failure = error::usage(format!("`{name}` cannot be a branch's name"));
        return Err(failure.hint("see `git help check-ref-format`").into());
    }
    let start = if repo.branch(name).is_some() {
        require_free(repo, name)?;
        if from.is_some() {
            let failure = error::usage(format!("the branch `{name}` exists already"));
            return Err(failure.hint("leave out `--from`, or choose another name").into());
        }
        Start::Existing
    } else {
        new(repo, here, name, from)?
    };
    Ok(Target::Branch { name: name.to_owned(), start })
}

/// A commit without a branch.
///
/// # Errors
/// When the revision names no commit.
pub fn detached(
    repo: &Repo,
    here: &Path,
    revision: Option<&str>,
    path: Option<&Path>,
) -> Result<Target> {
    let commit = match revision {
        Some(revision) => git::resolve(here, revision)?,
        None => repo.head()?,
    };
    let named = match path.and_then(Path::file_name) {
        Some(name) => name.to_string_lossy().into_owned(),
        None => format!("detached-{}", &commit[..8]),
    };
    Ok(Target::Detached { commit, named })
}

fn new(repo: &Repo, here: &Path, name: &str, from: Option<&str>) -> Result<Start> {
    if let Some(revision) = from {
        return Ok(Start::New { commit: git::resolve(here, revision)? });
    }
    match repo.remotes_with(name).as_slice() {
        [] => Ok(Start::New { commit: repo.head()? }),
        [RemoteBranch { remote, commit }] => {
            Ok(Start::Remote { remote: remote.clone(), commit: commit.clone() })
        }
        several => several_remotes(repo, name, several),
    }
}

/// As git does it: `checkout.defaultRemote` decides, else it is an error.
fn several_remotes(repo: &Repo, name: &str, found: &[RemoteBranch]) -> Result<Start> {
    let preferred = repo.setting("checkout.defaultRemote");
    if let Some(branch) = found.iter().find(|branch| Some(&branch.remote) == preferred.as_ref()) {
        return Ok(Start::Remote { remote: branch.remote.clone(), commit: branch.commit.clone() });
    }
    let remotes: Vec<&str> = found.iter().map(|branch| branch.remote.as_str()).collect();
    let message = format!("several remotes have a branch `{name}`: {}", remotes.join(", "));
    let hint = format!("say which with `--from {}/{name}`", remotes[0]);
    Err(error::usage(message).hint(hint).into())
}

/// Goes on unless the branch is checked out in a worktree or the main checkout.
///
/// # Errors
/// Refused, with the place.
pub fn require_free(repo: &Repo, name: &str) -> Result<()> {
    let elsewhere = repo::worktrees(&repo.common)?
        .into_iter()
        .find(|tree| tree.branch.as_deref() == Some(name))
        .map(|tree| (hint(name, &tree), tree.path));
    let main = || {
        let hint = format!("`git agentenv add <branch> --from {name}` starts a new one from it");
        let is_main = !repo.bare && repo.main_branch().as_deref() == Some(name);
        is_main.then(|| (hint, repo.main.clone()))
    };
    let Some((hint, path)) = elsewhere.or_else(main) else {
        return Ok(());
    };
    let message = format!("the branch `{name}` is checked out at {}", path.display());
    Err(error::refused(message).hint(hint).into())
}

fn hint(name: &str, tree: &Worktree) -> String {
    if tree.lease.is_some() {
        return format!(
            "that is its environment: `git agentenv run {name} -- <command>` works in it"
        );
    }
    let path = shell::path(&tree.path);
    format!("`git agentenv adopt {path}` makes an environment of it")
}
