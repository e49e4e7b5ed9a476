//! SQLite: a database file inside the worktree, created by the application or as a copy.

use super::detail::{Detail, Part};
use super::{File, Session, State};
use crate::error;
use crate::model::snapshot::{Automatic, require_name};
use crate::model::source::Source;
use crate::sys::fs::{self, Stands};
use crate::sys::listeners::Listener;
use crate::sys::sqlite as files;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// Creates the directory of the file and, with a source, the file as a copy of it. A file that exists is kept. The
/// worktree has to exist.
///
/// # Errors
/// When a symbolic link in the branch leads out of the worktree, `NotFound` without the source.
pub fn create(file: &File, from: Option<&Source>) -> Result<()> {
    let path = file.full();
    let parent = path.parent().unwrap_or(&file.worktree);
    if !fs::canonical(parent).starts_with(fs::canonical(&file.worktree)) {
        return Err(file.outside());
    }
    fs::make_dir(parent)?;
    match from {
        Some(Source::File(source)) if fs::stands(&path)? == Stands::Nothing => {
            require(source)?;
            files::copy(&fs::canonical(source), &path).map(drop)
        }
        _ => Ok(()),
    }
}

/// Whether the file exists.
pub fn state(file: &File) -> State {
    if file.full().exists() { State::Ours } else { State::Missing }
}

/// Its size; `None`: it does not exist.
pub fn detail(file: &File) -> Option<Detail> {
    let path = file.full();
    path.exists().then(|| Detail { bytes: files::size(&path), ..Detail::default() })
}

/// The processes of this user that have it open.
pub fn sessions(file: &File) -> Vec<Session> {
    let session = |process: Listener| Session {
        pid: Some(process.pid.into()),
        application: process.program,
        client: "local".to_owned(),
        state: "open".to_owned(),
    };
    files::users(&file.full()).into_iter().map(session).collect()
}

/// Overwrites a file with a copy of `source`, or with nothing; `before` names the command. What was in it is kept as a
/// snapshot, whose name is returned, and the oldest of more than three is deleted, unless it is the source.
///
/// # Errors
/// `Refused` when a process has the file open, without `force`; `NotFound` without the source.
pub fn overwrite(
    file: &File,
    source: Option<&Path>,
    snapshots: &Snapshots,
    force: bool,
    before: Option<&str>,
) -> Result<Option<String>> {
    let path = file.full();
    if let Some(source) = source {
        require(source)?;
        if fs::canonical(source) == fs::canonical(&path) {
            return Err(error::usage(format!("cannot copy {} to itself", source.display())).into());
        }
    }
    require_unused(&path, force)?;
    files::put_back(&path)?;
    let fresh = source.map(|source| files::copy_beside(&fs::canonical(source), &path));
    let fresh = fresh.transpose()?.map(|(fresh, _)| fresh);
    let replaced = keep_and_replace(file, (source, fresh.as_deref()), snapshots, force, before);
    if let (Err(_), Some(fresh)) = (&replaced, &fresh) {
        fs::remove(fresh).ok();
    }
    replaced
}

/// Replaces a file by `fresh`, a copy of `source`. The snapshot that makes older ones outdated is one of a file that was
/// replaced: commands that fail delete none, and none deletes its source.
fn keep_and_replace(
    file: &File,
    (source, fresh): (Option<&Path>, Option<&Path>),
    snapshots: &Snapshots,
    force: bool,
    before: Option<&str>,
) -> Result<Option<String>> {
    let path = file.full();
    let kept = match before {
        Some(command) if path.exists() => Some(snapshots.keep(file, command)?),
        _ => None,
    };
    // A copy takes time.
    let replaced = require_unused(&path, force).and_then(|()| files::replace(&path, fresh));
    let is_source = |old: &&String| source == snapshots.path(old).ok().as_deref();
    let obsolete: Vec<&String> = match (&replaced, &kept) {
        (Ok(()), Some(kept)) => kept.outdated.iter().filter(|old| !is_source(old)).collect(),
        (Err(_), Some(kept)) if path.exists() => vec![&kept.snapshot],
        _ => Vec::new(),
    };
    // One that cannot be deleted stays until the next time.
    obsolete.into_iter().for_each(|name| drop(snapshots.delete(name)));
    replaced.map(|()| kept.map(|kept| kept.snapshot))
}

fn require(source: &Path) -> Result<()> {
    match fs::canonical(source).is_file() {
        true => Ok(()),
        false => {
            Err(error::not_found(format!("no SQLite file {} to copy", source.display())).into())
        }
    }
}

fn require_unused(path: &Path, force: bool) -> Result<()> {
    let users: Vec<String> = files::users(path).iter().map(ToString::to_string).collect();
    if users.is_empty() || force {
        return Ok(());
    }
    let message = format!("cannot replace {}: it is open in {}", path.display(), users.join(", "));
    let hint = "stop these processes; with `--force` they keep writing to the old file";
    Err(error::refused(message).hint(hint).into())
}

/// The snapshots of one file.
pub struct Snapshots(PathBuf);

impl Snapshots {
    /// Those of a service, in the admin directory of its worktree.
    pub fn of(admin: &Path, service: &str) -> Self {
        Snapshots(admin.join("agentenv-snapshots").join(service))
    }

    /// All of them: the name and the file of each.
    pub fn list(&self) -> Result<Vec<(String, PathBuf)>> {
        if fs::stands(&self.0)? != Stands::Directory {
            return Ok(Vec::new());
        }
        let name = |path: PathBuf| {
            let name = path.file_name()?.to_str()?.strip_suffix(".sqlite3")?.to_owned();
            require_name(&name).is_ok().then_some((name, path))
        };
        let mut found: Vec<_> = fs::entries(&self.0)?.into_iter().filter_map(name).collect();
        found.sort();
        Ok(found)
    }

    /// All of them, with their sizes.
    pub fn sizes(&self) -> Result<Vec<(String, Part)>> {
        let part = |path: PathBuf| Part {
            bytes: files::size(&path),
            database: path.display().to_string(),
        };
        Ok(self.list()?.into_iter().map(|(name, path)| (name, part(path))).collect())
    }

    /// The file of a snapshot.
    ///
    /// # Errors
    /// `NotFound` when there is none of this name.
    pub fn path(&self, name: &str) -> Result<PathBuf> {
        let found = self.list()?.into_iter().find(|(known, _)| known == name);
        let missing = || {
            error::not_found(format!("no snapshot `{name}`"))
                .hint("`git agentenv db snapshot list` lists them")
        };
        Ok(found.ok_or_else(missing)?.1)
    }

    /// Where a snapshot of this name is, or will be.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.sqlite3"))
    }

    /// Saves a copy of a file under this name.
    ///
    /// # Errors
    /// `Refused` when there is one, without `replace`.
    pub fn save(&self, file: &File, name: &str, replace: bool) -> Result<()> {
        require_name(name)?;
        require(&file.full())?;
        fs::make_dir(&self.0)?;
        let path = self.file(name);
        if !replace && fs::stands(&path)? != Stands::Nothing {
            let failure = error::refused(format!("snapshot `{name}` already exists"));
            return Err(failure.hint("`--force` replaces it").into());
        }
        files::copy_over(&fs::canonical(&file.full()), &path)
    }

    /// Deletes a snapshot.
    pub fn delete(&self, name: &str) -> Result<()> {
        fs::remove(&self.path(name)?)
    }

    /// Saves the next automatic snapshot of a command; those that are outdated then are still there.
    fn keep(&self, file: &File, command: &str) -> Result<Automatic> {
        let known: Vec<String> = self.list()?.into_iter().map(|(name, _)| name).collect();
        let next = Automatic::next(command, &known);
        self.save(file, &next.snapshot, false)?;
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_stays_inside() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree");
        std::fs::create_dir(&tree).unwrap();
        let file = |path: &str| File::new(&tree, path).unwrap();
        create(&file("data/db.sqlite3"), None).unwrap();
        assert!(tree.join("data").is_dir());
        std::os::unix::fs::symlink(dir.path(), tree.join("out")).unwrap();
        assert!(create(&file("out/x.db"), None).is_err());
        assert!(create(&file("out/made/x.db"), None).is_err());
        assert!(!dir.path().join("made").exists());
    }

    /// A worktree with a file, and its snapshots.
    fn kept(dir: &Path) -> (File, Snapshots) {
        let file = File::new(dir, "db.sqlite3").unwrap();
        fs::replace(&file.full(), b"SQLite").unwrap();
        let past = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
        std::fs::File::options().write(true).open(file.full()).unwrap().set_modified(past).unwrap();
        (file, Snapshots::of(&dir.join("admin"), "sqlite"))
    }

    /// It is no database, and looks as if it was in use: it cannot be copied.
    fn break_file(path: &Path) {
        fs::replace(path, b"nothing that SQLite reads").unwrap();
        let mut beside = path.as_os_str().to_owned();
        beside.push("-wal");
        fs::replace(Path::new(&beside), b"").unwrap();
    }

    #[test]
    fn a_snapshot_that_cannot_be_replaced_stays() {
        let dir = tempfile::tempdir().unwrap();
        let (file, snapshots) = kept(dir.path());
        snapshots.save(&file, "mine", false).unwrap();
        break_file(&file.full());
        snapshots.save(&file, "mine", true).unwrap_err();
        let (_, saved) = snapshots.list().unwrap().pop().unwrap();
        assert_eq!(fs::read(&saved).unwrap().unwrap(), b"SQLite");
        assert_eq!(fs::entries(saved.parent().unwrap()).unwrap(), [saved]);
    }

    #[test]
    fn a_command_that_fails_leaves_the_snapshots_as_they_were() {
        let dir = tempfile::tempdir().unwrap();
        let (file, snapshots) = kept(dir.path());
        for number in 1..=3 {
            snapshots.save(&file, &format!("before-copy-{number}"), false).unwrap();
        }
        let before = snapshots.list().unwrap();
        let source = dir.path().join("source");
        break_file(&source);
        for _ in 0..3 {
            overwrite(&file, Some(&source), &snapshots, false, Some("copy")).unwrap_err();
        }
        assert_eq!(snapshots.list().unwrap(), before);
        assert_eq!(fs::read(&file.full()).unwrap().unwrap(), b"SQLite");
        let kept = overwrite(&file, None, &snapshots, false, Some("copy")).unwrap();
        let names: Vec<_> = snapshots.list().unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["before-copy-2", "before-copy-3", "before-copy-4"]);
        assert_eq!(kept.as_deref(), Some("before-copy-4"));
    }
}
