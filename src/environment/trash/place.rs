//! Where the directories of an environment in the trash are, and their way there and back.

use crate::error;
use crate::model::lease::Lease;
use crate::model::shell;
use crate::model::trash::Record;
use crate::sys::fs::{self, Stands};
use crate::sys::repo::MARK;
use crate::sys::{failpoint, git};
use anyhow::Result;
use std::path::{Path, PathBuf};

/// The directory in the repository for what is in the trash.
const DIR: &str = "agentenv-trash";

/// What the name of a directory that is in the trash beside its old place begins with.
const HIDDEN: &str = ".agentenv-trash-";

/// What is kept in the repository of the lease with this id.
pub(super) fn base(repository: &Path, id: &str) -> PathBuf {
    in_repository(repository).join(id)
}

fn admin(record: &Record) -> PathBuf {
    base(&record.lease.repository, &record.lease.id).join("admin")
}

/// Where the directory of a worktree goes: into the repository, else beside itself. A directory is only renamed within one
/// file system.
///
/// # Errors
/// Refused when it cannot be renamed at all.
pub(super) fn choose(path: &Path, repository: &Path, id: &str) -> Result<PathBuf> {
    if fs::same_device(path, repository) {
        return Ok(base(repository, id).join("worktree"));
    }
    let parent = path.parent().unwrap_or(path);
    if fs::same_device(path, parent) {
        return Ok(beside(path, id));
    }
    Err(immovable(path, "it is the root of a file system"))
}

/// Where the directory of a worktree is that went to the trash; where it would be, if it is nowhere.
pub(super) fn find(lease: &Lease) -> Result<PathBuf> {
    let other = beside(&lease.path, &lease.id);
    let is_beside = fs::stands(&other)? != Stands::Nothing;
    Ok(if is_beside { other } else { base(&lease.repository, &lease.id).join("worktree") })
}

/// A hidden name beside a worktree for its directory.
pub fn beside(path: &Path, id: &str) -> PathBuf {
    path.with_file_name(format!("{HIDDEN}{id}"))
}

/// Whether a directory has such a name.
pub fn is_hidden(path: &Path) -> bool {
    hidden_id(path).is_some()
}

fn hidden_id(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()?.strip_prefix(HIDDEN)
}

/// What the trash has in a repository: a directory for each lease.
pub fn in_repository(repository: &Path) -> PathBuf {
    repository.join(DIR)
}

/// The id of the lease whose directory this is; `None`: it has no name that the trash or a removal gives.
pub fn id_of<'a>(repository: &Path, path: &'a Path) -> Option<&'a str> {
    let is_inside = path.parent() == Some(&in_repository(repository));
    if is_inside { path.file_name()?.to_str() } else { hidden_id(path) }
}

/// Moves the admin directory and the worktree of a record to the trash, as far as they are not there. The admin directory
/// goes first: without its worktree, `git worktree prune` would delete it.
///
/// # Errors
/// When one cannot be renamed; both are where they were then. Refused when another worktree has their names by now.
pub(super) fn take(record: &Record, save: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let (from, to) = (own_admin(record)?, admin(record));
    if fs::stands(&to)? == Stands::Nothing {
        if !has_mark(from, record) {
            return Err(anothers(from));
        }
        fs::make_lasting_dir(to.parent().unwrap_or(&to))?;
        fs::move_to(from, &to)?;
    }
    failpoint::point("admin-kept")?;
    let moved = take_tree(record, save);
    if moved.is_err() && fs::stands(from)? == Stands::Nothing {
        fs::move_to(&to, from)?;
        clear(&record.lease.repository, &record.lease.id)?;
    }
    moved?;
    failpoint::point("worktree-kept")
}

fn take_tree(record: &Record, save: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let path = &record.lease.path;
    if fs::stands(&record.place)? != Stands::Nothing {
        return Ok(());
    }
    if fs::stands(path)? == Stands::Nothing {
        return Err(immovable(path, "it is gone"));
    }
    // Its admin directory is in the trash: what has that name now, and the worktree that names it, are another one's.
    let own = own_admin(record)?;
    let names_own = git::admin_of(path).is_ok_and(|admin| admin == fs::canonical(own));
    if fs::stands(own)? != Stands::Nothing || !names_own {
        return Err(anothers(path));
    }
    let Err(first) = fs::move_to(path, &record.place) else { return Ok(()) };
    // Two mounts can show one file system, and an overlay moves nothing of its lower layer.
    let other = beside(path, &record.lease.id);
    if other == record.place {
        return Err(immovable(path, &format!("{first:#}")));
    }
    save(&other)?;
    fs::move_to(path, &other).map_err(|second| immovable(path, &format!("{second:#}")))
}

/// Moves the worktree and then its admin directory back; gives the admin directory, which has another name when another
/// worktree took its own.
pub(super) fn put_back(record: &Record) -> Result<PathBuf> {
    let path = &record.lease.path;
    if fs::stands(&record.place)? != Stands::Nothing {
        if fs::stands(path)? != Stands::Nothing {
            return Err(occupied(record));
        }
        fs::make_lasting_dir(path.parent().unwrap_or(path))?;
        fs::move_to(&record.place, path)?;
    }
    failpoint::point("worktree-back")?;
    let (from, own) = (admin(record), own_admin(record)?);
    if fs::stands(&from)? == Stands::Nothing {
        if fs::stands(path)? == Stands::Nothing {
            return Ok(own.to_owned());
        }
        let admin = git::admin_of(path)?;
        return if has_mark(&admin, record) { Ok(admin) } else { Err(anothers(path)) };
    }
    let to = free_admin(own)?;
    if to != own {
        rename_admin(record, &from, &to)?;
    }
    fs::make_lasting_dir(to.parent().unwrap_or(&to))?;
    fs::move_to(&from, &to)?;
    clear(&record.lease.repository, &record.lease.id)?;
    failpoint::point("admin-back")?;
    Ok(to)
}

/// Another worktree is administered under the name that this one had: it gets a new one, as git itself counts.
fn rename_admin(record: &Record, from: &Path, to: &Path) -> Result<()> {
    let path = &record.lease.path;
    if !fs::entries(&from.join("modules"))?.is_empty() {
        let own = record.lease.admin.as_deref().unwrap_or(to).display();
        let message = format!(
            "cannot restore {}: its submodules need {own}, which another worktree has",
            path.display()
        );
        let hint =
            "remove that worktree, or move it to a directory of another name, and restore again";
        return Err(error::refused(message).hint(hint).into());
    }
    let pointer = path.join(".git");
    let text = fs::word(&pointer).unwrap_or_default();
    let (before, _) = text.rsplit_once('/').unwrap_or((&text, ""));
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    fs::replace_as(&pointer, format!("{before}/{name}\n").as_bytes(), 0o666)
}

fn free_admin(own: &Path) -> Result<PathBuf> {
    let name = own.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut free = own.to_owned();
    for number in 1.. {
        if fs::stands(&free)? == Stands::Nothing {
            break;
        }
        free = own.with_file_name(format!("{name}{number}"));
    }
    Ok(free)
}

/// Deletes what the trash holds of the record's directories.
pub(super) fn delete(record: &Record) -> Result<()> {
    let id = &record.lease.id;
    let base = base(&record.lease.repository, id);
    // A record is a file that can be damaged: nothing but what has our name and this id is deleted.
    if record.place == beside(&record.lease.path, id) {
        fs::remove_dir(&record.place)?;
    }
    fs::remove_dir(&base)?;
    clear(&record.lease.repository, id)
}

/// Whether the trash holds a directory of the record.
pub(super) fn is_used(record: &Record) -> Result<bool> {
    Ok(fs::stands(&record.place)? != Stands::Nothing
        || fs::stands(&admin(record))? != Stands::Nothing)
}

/// Whether its worktree is where it was or in the trash: an admin directory that carries its mark is.
pub(super) fn has_worktree(record: &Record) -> bool {
    has_mark(&admin(record), record) || own_admin(record).is_ok_and(|admin| has_mark(admin, record))
}

/// Names are given anew, to other worktrees; a mark is not.
fn has_mark(admin: &Path, record: &Record) -> bool {
    fs::word(&admin.join(MARK)).as_deref() == Some(&record.lease.id)
}

/// Removes our directories in the repository when they are empty.
pub(super) fn clear(repository: &Path, id: &str) -> Result<()> {
    fs::remove_empty_dir(&base(repository, id))?;
    fs::remove_empty_dir(&in_repository(repository))
}

fn own_admin(record: &Record) -> Result<&Path> {
    record.lease.admin.as_deref().ok_or_else(|| {
        anyhow::anyhow!("the record of `{}` names no admin directory", record.lease.name)
    })
}

fn anothers(path: &Path) -> anyhow::Error {
    let message = format!("{} belongs to another worktree", path.display());
    error::refused(message).hint("`git worktree list` shows which").into()
}

/// The refusal to restore a worktree at whose path something is.
pub(super) fn occupied(record: &Record) -> anyhow::Error {
    let Lease { name, path, .. } = &record.lease;
    let word = shell::path(path);
    let message = format!("cannot restore `{name}`: {} exists", path.display());
    error::refused(message).hint(format!("move it away: `mv {word} {word}.old`")).into()
}

fn immovable(path: &Path, why: &str) -> anyhow::Error {
    let message = format!("cannot move the worktree {} to the trash: {why}", path.display());
    let hint = format!("remove it for good: `git agentenv remove --no-keep {}`", shell::path(path));
    error::refused(message).hint(hint).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::fs::{make_dir, replace};

    const ID: &str = "0123456789abcdef01234567";

    /// A record of a worktree with this mark in its admin directory.
    fn world(root: &Path, mark: &str) -> Record {
        let (repository, path) = (root.join("r/.git"), root.join("r-x"));
        let admin = repository.join("worktrees/r-x");
        make_dir(&admin).unwrap();
        make_dir(&path).unwrap();
        replace(&admin.join(MARK), mark.as_bytes()).unwrap();
        replace(&path.join(".git"), format!("gitdir: {}\n", admin.display()).as_bytes()).unwrap();
        let lease = format!(
            "{{version: 1, id: {ID}, phase: ready, repository: {}, main: /r, name: x, path: {},
            admin: {}, branch: x, project: x, ports: {{}}, parts: [], env_file: .env, vars: {{}}}}",
            repository.display(),
            path.display(),
            admin.display()
        );
        let place = base(&repository, ID).join("worktree");
        Record::discarded(serde_yaml::from_str(&lease).unwrap(), place, 0)
    }

    #[test]
    fn only_the_worktree_with_the_mark_of_the_record_is_taken() {
        for (mark, is_taken) in [(ID, true), ("76543210fedcba9876543210", false)] {
            let root = tempfile::tempdir().unwrap();
            let record = world(&fs::canonical(root.path()), mark);
            assert_eq!(take(&record, |_| Ok(())).is_ok(), is_taken, "{mark}");
            assert_eq!(is_used(&record).unwrap(), is_taken, "{mark}");
            assert_eq!(record.lease.path.exists(), !is_taken, "{mark}");
            assert_eq!(has_worktree(&record), is_taken, "{mark}");
        }
    }

    #[test]
    fn a_worktree_that_got_the_path_while_the_record_was_half_way_stays() {
        let root = tempfile::tempdir().unwrap();
        let record = world(&fs::canonical(root.path()), ID);
        let own = record.lease.admin.clone().unwrap();
        make_dir(admin(&record).parent().unwrap()).unwrap();
        fs::move_to(&own, &admin(&record)).unwrap();
        // Killed there; then another worktree is made of the same name.
        make_dir(&own).unwrap();
        assert!(take(&record, |_| Ok(())).is_err());
        assert!(own.exists() && record.lease.path.exists() && !record.place.exists());
    }
}
