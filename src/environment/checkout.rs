//! What `add` checks out: a branch as `git switch` would find it, or a commit.

use crate::error;
use crate::model::plan::{Start, Target};
use crate::model::shell;
use crate::sys::git;
use crate::sys::repo::{self, RemoteBranch, Repo, Worktree};
use anyhow::Result;
use std::collections::BTreeMap;
use std::path::Path;

/// The branch of this name: local, else the one remote that has it, else new from a commit.
pub fn branch(repo: &Repo, here: &Path, name: &str, from: Option<&str>) -> Result<Target> {
    if !Repo::is_branch_name(name) {
        let failure = error::usage(format!("`{name}` is not a valid branch name"));
        return Err(failure.hint("see `git help check-ref-format`").into());
    }
    let start = if repo.branch(name).is_some() {
        require_free(repo, name)?;
        if from.is_some() {
            let failure = error::usage(format!("branch `{name}` already exists"));
            return Err(failure.hint("omit `--from`, or choose another name").into());
        }
        Start::Existing
    } else {
        new(repo, here, name, from)?
    };
    Ok(Target::Branch { name: name.to_owned(), start })
}

/// Refuses names of which git cannot create both: it keeps a branch in a file, and `x/y` in a directory `x`.
pub fn require_apart(names: &[String]) -> Result<()> {
    let mut pairs = names.iter().flat_map(|above| names.iter().map(move |name| (above, name)));
    let is_below = |(above, name): &(&String, &String)| name.starts_with(&format!("{above}/"));
    let Some((above, name)) = pairs.find(is_below) else { return Ok(()) };
    let message = format!("cannot create branch `{name}` beside branch `{above}`");
    let hint = format!("choose another name for one of them, such as `{above}-2`");
    Err(error::usage(message).hint(hint).into())
}

/// A commit without a branch: a detached HEAD. `NotFound` when the revision names no commit.
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
    if let Some(other) = repo.branch_in_the_way(name, None) {
        let message = format!("cannot create branch `{name}`: branch `{other}` exists");
        let hint =
            format!("choose another name, or rename that one: `git branch -m {other} <new>`");
        return Err(error::refused(message).hint(hint).into());
    }
    if let Some(revision) = from {
        let commit = git::resolve(here, revision)?;
        return Ok(Start::New { commit, from: Some(revision.to_owned()) });
    }
    match repo.remotes_with(name).as_slice() {
        [] => {
            require_no_remote(repo, name)?;
            Ok(Start::New { commit: repo.head()?, from: repo.head_branch() })
        }
        [RemoteBranch { remote, commit }] => {
            Ok(Start::Remote { remote: remote.clone(), commit: commit.clone() })
        }
        several => several_remotes(repo, name, several),
    }
}

/// Refuses `origin/x` where the remote `origin` has a branch `x`: that is the branch that is meant.
fn require_no_remote(repo: &Repo, name: &str) -> Result<()> {
    let Some((remote, branch)) = repo.remote_branch(name) else { return Ok(()) };
    let failure = error::usage(format!("`{name}` is branch `{branch}` of the remote `{remote}`"));
    let hint = match repo.branch(&branch) {
        None => format!("check it out as a local branch: `git agentenv add {branch}`"),
        Some(_) => format!("start a new branch from it: `git agentenv add <branch> --from {name}`"),
    };
    Err(failure.hint(hint).into())
}

/// As git does it: `checkout.defaultRemote` decides, else it is an error.
fn several_remotes(repo: &Repo, name: &str, found: &[RemoteBranch]) -> Result<Start> {
    let preferred = repo.setting("checkout.defaultRemote");
    if let Some(branch) = found.iter().find(|branch| Some(&branch.remote) == preferred.as_ref()) {
        return Ok(Start::Remote { remote: branch.remote.clone(), commit: branch.commit.clone() });
    }
    let remotes: Vec<&str> = found.iter().map(|branch| branch.remote.as_str()).collect();
    let message = format!("several remotes have a branch `{name}`: {}", remotes.join(", "));
    let hint = format!("choose one with `--from {}/{name}`", remotes[0]);
    Err(error::usage(message).hint(hint).into())
}

/// Refuses a branch that is checked out in a worktree or the main checkout.
pub fn require_free(repo: &Repo, name: &str) -> Result<()> {
    let Some(holder) = taken(repo)?.remove(name) else {
        return Ok(());
    };
    let path = holder.as_ref().map_or(&repo.main, |tree| &tree.path).display();
    let message = format!("branch `{name}` is already checked out at {path}");
    Err(error::refused(message).hint(hint(name, holder.as_ref())).into())
}

/// The branches that `add` cannot check out, each with its linked worktree; `None`: the main checkout.
pub fn taken(repo: &Repo) -> Result<BTreeMap<String, Option<Worktree>>> {
    let mut taken = repo::checked_out(&repo.common)?;
    taken.retain(|_, holder| holder.is_some() || !repo.bare);
    Ok(taken)
}

fn hint(name: &str, holder: Option<&Worktree>) -> String {
    match holder {
        None => format!("start a new branch from it: `git agentenv add <branch> --from {name}`"),
        Some(tree) if tree.lease.is_some() => {
            format!("use its environment: `git agentenv run {name} -- <command>`")
        }
        Some(tree) => {
            let path = shell::path(&tree.path);
            format!("turn that worktree into an environment: `git agentenv adopt {path}`")
        }
    }
}
