//! Git's record of a worktree, written again: `git worktree prune` deletes it while the disk of the worktree is away.

use super::Neighbours;
use crate::environment::trash;
use crate::error;
use crate::model::envfile;
use crate::model::lease::{Lease, Phase};
use crate::sys::fs::{self, Stands};
use crate::sys::git;
use crate::sys::repo::{self, MARK, Worktree};
use crate::sys::store::{self, Store};
use crate::ui::Ui;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// Whether the repository of an environment has no record of its worktree any more, although that is there and names one.
pub fn is_lost(lease: &Lease) -> Result<bool> {
    let is_whole = lease.phase == Phase::Ready && fs::stands(&lease.repository)? != Stands::Nothing;
    // A record in another place that is not complete was begun by a command that was killed.
    let is_open = |named: &Path| {
        lease.admin.as_deref() == Some(named) || is_marked(lease, named) && tree_of(named).is_none()
    };
    Ok(is_whole && is_unknown(lease)? && named(lease).is_some_and(|named| is_open(&named)))
}

/// Where the worktree stands, near its old place, after it was moved without git and `git worktree prune` deleted its record.
pub fn stray(lease: &Lease, near: &Neighbours) -> Result<Option<PathBuf>> {
    let Some(own) = lease.admin.as_ref().filter(|own| !is_marked(lease, own)) else {
        return Ok(None);
    };
    if lease.phase != Phase::Ready || fs::stands(&lease.path)? != Stands::Nothing {
        return Ok(None);
    }
    // Another worktree may have its name in `.git/worktrees` by now, or have had it and be in the trash.
    let anothers = tree_of(own).map(|tree| fs::canonical(&tree));
    near.find(&lease.main, &lease.path, own, |place| {
        Some(fs::canonical(place)) != anothers && !trash::is_hidden(place)
    })
}

/// Whether what [`stray`] finds may be another worktree, which has the record by now and is not where that says either.
pub fn is_ambiguous(lease: &Lease) -> bool {
    let anothers = lease.admin.as_deref().and_then(tree_of);
    anothers.is_some_and(|tree| !matches!(fs::stands(&tree), Ok(Stands::Directory)))
}

/// Where the worktree of an environment stands that [`is_unmarked`].
pub fn unmarked(lease: &Lease) -> Option<PathBuf> {
    let tree = repo::worktree(lease.admin.as_ref()?)?;
    is_unmarked(lease, &tree).then_some(tree.path)
}

/// Whether this worktree is the environment's and only the mark is missing in git's record. Another one that was made in its
/// place since is younger than what is written of the environment, and has none of its variables.
pub fn is_unmarked(lease: &Lease, tree: &Worktree) -> bool {
    let is_standing = lease.phase == Phase::Ready
        && tree.lease.is_none()
        && lease.admin.as_ref() == Some(&tree.admin)
        && tree.is_present();
    // What cannot be read is no other's.
    is_standing
        && (has_variables(lease, tree).unwrap_or(true) || was_there(lease, tree).unwrap_or(true))
}

fn has_variables(lease: &Lease, tree: &Worktree) -> Result<bool> {
    let file = fs::read(&tree.path.join(&lease.env_file))?.unwrap_or_default();
    Ok(envfile::block(&file).is_some_and(|block| block.lease_id == lease.id))
}

/// Whether it was in its place when the lease was written.
fn was_there(lease: &Lease, tree: &Worktree) -> Result<bool> {
    let made = fs::modified(&tree.path.join(".git"))?;
    let written = store::written(&lease.id)?;
    let is_older = made.is_some_and(|made| written.is_some_and(|written| made <= written));
    Ok(is_older && fs::canonical(&tree.path) == lease.path)
}

/// Whether an admin directory carries the lease's mark.
pub fn is_marked(lease: &Lease, admin: &Path) -> bool {
    repo::mark(admin).is_some_and(|id| id == lease.id)
}

/// Whether the place of git's record of a worktree, which is there, has none, or that of another worktree.
pub fn is_unknown(lease: &Lease) -> Result<bool> {
    let Some(own) = &lease.admin else { return Ok(false) };
    let is_linked = fs::stands(&lease.path.join(".git"))? == Stands::File;
    Ok(is_linked
        && tree_of(own).is_none_or(|tree| fs::canonical(&tree) != fs::canonical(&lease.path)))
}

/// The admin directory that the worktree names.
pub fn named(lease: &Lease) -> Option<PathBuf> {
    git::admin_of(&lease.path).ok()
}

/// The worktree whose record this is; `None`: there is none, or not a whole one.
fn tree_of(admin: &Path) -> Option<PathBuf> {
    let pointer = fs::word(&admin.join("gitdir")).filter(|pointer| !pointer.is_empty())?;
    Some(fs::canonical(&admin.join(pointer)).parent()?.to_owned())
}

/// Writes the record of a worktree again, for those who hold the lock of its lease. The files stay as they are. What was staged
/// is unstaged, and HEAD is the lease's branch.
///
/// # Errors
/// `Refused` when the repository has no such branch, or may be another one.
pub fn write_again(ui: &Ui, store: &Store, lease: &Lease) -> Result<()> {
    let _lock = store.lock_repository(&lease.repository)?;
    require_same(lease)?;
    let head = head(ui, lease)?;
    let admin = place(lease)?;
    // Without the file `gitdir` no git reads it, and because of the lock none deletes it.
    let mark = lease.mark();
    let files = [("locked", &mark), (MARK, &lease.id), ("commondir", &"../..".to_owned())];
    for (file, content) in files.into_iter().chain([("HEAD", &head)]) {
        fs::replace(&admin.join(file), format!("{content}\n").as_bytes())?;
    }
    git::write_index(&admin, &lease.path)?;
    let pointer = lease.path.join(".git");
    fs::replace(&pointer, format!("gitdir: {}\n", admin.display()).as_bytes())?;
    fs::replace(&admin.join("gitdir"), format!("{}\n", pointer.display()).as_bytes())?;
    git::unlock(&admin)?;
    ui.say(format!("git has a record of {} again", lease.path.display()));
    ui.warn(format!(
        "what was staged in `{}`, and worktree settings such as sparse checkout, are lost",
        lease.name
    ));
    Ok(())
}

/// Refuses a repository that has the place of the one that made the worktree, and branches of the same names. What `add` wrote
/// into a branch's reflog is in no clone; else the repository has to be older than the worktree.
fn require_same(lease: &Lease) -> Result<()> {
    let born = lease.branch.as_ref().map(|branch| git::birth_of_branch(&lease.main, branch));
    if born.transpose()?.flatten() == Some(lease.mark()) {
        return Ok(());
    }
    let made = fs::changed(&lease.path.join(".git"))?;
    let files = fs::entries(&lease.repository)?;
    let oldest = files.iter().filter_map(|file| fs::changed(file).ok()?).min();
    let start = lease.branch_created_at.as_ref();
    if oldest.is_some_and(|oldest| made.is_some_and(|made| oldest <= made))
        && start.is_none_or(|commit| git::resolve(&lease.main, commit).is_ok())
    {
        return Ok(());
    }
    let (main, path) = (lease.main.display(), lease.path.display());
    let message = format!("{main} may not be the repository that made worktree {path}");
    let hint = format!(
        "if that was moved, run there: `{}`; else copy your work out of the worktree and delete it, then `git agentenv prune`",
        super::repairing(&lease.path)
    );
    Err(error::refused(message).hint(hint).into())
}

/// What HEAD was, as far as the lease knows.
fn head(ui: &Ui, lease: &Lease) -> Result<String> {
    let Some(branch) = &lease.branch else {
        let commit = git::resolve(&lease.main, "HEAD")?;
        ui.warn(format!(
            "HEAD of `{}` was lost with git's record: it is at {commit} now",
            lease.name
        ));
        return Ok(commit);
    };
    let reference = format!("refs/heads/{branch}");
    let Some(tip) = git::tip(&lease.main, &reference)? else {
        let message = format!("{} has no branch `{branch}`", lease.main.display());
        let hint = format!(
            "create it: `git branch {branch} <commit>`; if the repository was moved, run there: `{}`",
            super::repairing(&lease.path)
        );
        return Err(error::refused(message).hint(hint).into());
    };
    if repo::checked_out(&lease.repository)?.contains_key(branch) {
        ui.warn(format!(
            "branch `{branch}` is checked out elsewhere: HEAD of `{}` is detached",
            lease.name
        ));
        return Ok(tip);
    }
    Ok(format!("ref: {reference}"))
}

/// A directory for the record: in its place, or a new one beside it where another worktree has that by now. git makes those of
/// others at any time.
fn place(lease: &Lease) -> Result<PathBuf> {
    let own = lease.admin.clone().unwrap_or_default();
    fs::make_dir(own.parent().unwrap_or(&own))?;
    let is_ours = |admin: &Path| {
        tree_of(admin).is_none() && fs::word(&admin.join("locked")) == Some(lease.mark())
    };
    let (mut admin, mut number) = (own.clone(), 0);
    while !is_ours(&admin) && !fs::make_new_dir(&admin)? {
        number += 1;
        let mut name = own.file_name().unwrap_or_default().to_owned();
        name.push(number.to_string());
        admin.set_file_name(name);
    }
    Ok(admin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_goes_into_no_directory_of_another() {
        let dir = tempfile::tempdir().unwrap();
        let admin = dir.path().join("worktrees/x");
        let lease = Lease { admin: Some(admin.clone()), ..Lease::example() };
        assert_eq!(place(&lease).unwrap(), admin);
        // A `git worktree add` made it, and has written nothing into it yet.
        assert_eq!(place(&lease).unwrap(), admin.with_file_name("x1"));
        fs::replace(&admin.join("locked"), lease.mark().as_bytes()).unwrap();
        assert_eq!(place(&lease).unwrap(), admin);
        fs::replace(&admin.join("gitdir"), b"/elsewhere/.git").unwrap();
        assert_eq!(place(&lease).unwrap(), admin.with_file_name("x2"));
    }
}
