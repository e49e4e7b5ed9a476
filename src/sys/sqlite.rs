//! SQLite files: copied whole, also while an application writes to them.

use crate::error;
use crate::sys::copy::{Copier, LONGEST};
use crate::sys::exec::{self, Cmd};
use crate::sys::fs::{self as files, Stands};
use crate::sys::listeners::{self, Listener};
use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What SQLite keeps beside a database that is in use: <https://sqlite.org/tempfiles.html>.
const BESIDE: [&str; 3] = ["-journal", "-wal", "-shm"];

/// A file that was changed later than this may be changing: the clock of a file system has ticks.
const REST: Duration = Duration::from_secs(2);

/// The online backup of SQLite: it copies one state of the database, although other processes write to it meanwhile.
const BACKUP: &str = "
import sqlite3, sys, urllib.parse
source = sqlite3.connect('file:' + urllib.parse.quote(sys.argv[1]) + '?mode=rw', uri=True, timeout=30)
target = sqlite3.connect(sys.argv[2])
source.backup(target)
target.close()
";

/// How a file was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// As a file, because nothing wrote to it; by reflink where the file system can.
    File,
    /// By the online backup of SQLite.
    Backup,
}

/// Copies a database to a path where nothing is.
///
/// # Errors
/// `Service` when it is in use and there is no program that can copy it then.
pub fn copy(from: &Path, to: &Path) -> Result<Way> {
    let (fresh, way) = copy_beside(from, to)?;
    let moved = files::move_to(&fresh, to);
    if moved.is_err() {
        files::remove(&fresh).ok();
    }
    moved.map(|()| way)
}

/// As [`copy`], in the place of a copy that nothing uses.
pub fn copy_over(from: &Path, to: &Path) -> Result<()> {
    let (fresh, _) = copy_beside(from, to)?;
    let moved = rename(&fresh, to);
    if moved.is_err() {
        files::remove(&fresh).ok();
    }
    moved
}

/// Copies a database to a new file beside a path, where it waits for [`replace`]. Removes what killed processes left there.
///
/// # Errors
/// As [`copy`].
pub fn copy_beside(from: &Path, to: &Path) -> Result<(PathBuf, Way)> {
    files::sweep_of_with(to, &BESIDE)?;
    let fresh = files::unfinished(to);
    let copied = copy_new(from, &fresh);
    if copied.is_err() {
        let parts = std::iter::once(fresh.clone()).chain(beside(&fresh));
        parts.for_each(|part| drop(files::remove(&part)));
    }
    copied.map(|way| (fresh, way))
}

fn copy_new(from: &Path, to: &Path) -> Result<Way> {
    if let Some(before) = at_rest(from) {
        Copier::default().copy(from, to)?;
        if at_rest(from) == Some(before) {
            return Ok(Way::File);
        }
        files::remove(to)?;
    }
    backup(from, to).map(|()| Way::Backup)
}

/// What tells whether a file was changed; `None`: it is in use, or was changed just now.
fn at_rest(path: &Path) -> Option<(u64, u64, SystemTime)> {
    let meta = fs::metadata(path).ok()?;
    let modified = meta.modified().ok()?;
    let rests = SystemTime::now().duration_since(modified).is_ok_and(|age| age > REST);
    let is_used = beside(path).iter().any(|file| file.exists());
    (rests && !is_used).then(|| (meta.ino(), meta.len(), modified))
}

fn backup(from: &Path, to: &Path) -> Result<()> {
    let program =
        ["python3", "python", "sqlite3"].into_iter().find(|name| exec::find(name).is_some());
    let Some(program) = program else {
        let message = format!("cannot copy {}: it is in use", from.display());
        let hint =
            "install sqlite3 or python3, whose online backup copies it; or stop the application";
        return Err(error::service(message).hint(hint).into());
    };
    let command = match program {
        "sqlite3" => {
            let name = to.to_string_lossy().replace('\'', "''");
            let orders = [".timeout 30000".to_owned(), format!(".backup '{name}'")];
            Cmd::new(program).args(["-batch", "-bail", "-init", "/dev/null"]).arg(from).args(orders)
        }
        _ => Cmd::new(program).args(["-I", "-c", BACKUP]).arg(from).arg(to),
    };
    // Both would make a file that everyone may read, whatever the permissions of this one.
    files::make_empty(to, files::mode(from).unwrap_or(0) | 0o600)?;
    let output = command.patience(Some(LONGEST)).output()?;
    if output.success() && (size(to) > 0 || size(from) == 0) {
        return Ok(());
    }
    let said = output.stderr.lines().last().unwrap_or("no message").trim();
    Err(error::service(format!("cannot copy {}: {said}", from.display())).into())
}

/// Puts a database in the place of another, which goes with what SQLite keeps beside it. At no moment is there one with
/// what belongs to the other, or with only a part of its own.
///
/// # Errors
/// When a file cannot be deleted or renamed; then the old one is in its place.
pub fn replace(path: &Path, new: Option<&Path>) -> Result<()> {
    put_back(path)?;
    let placed = put_aside(path).and_then(|()| new.map_or(Ok(()), |new| rename(new, path)));
    if placed.is_err() {
        put_back(path).ok();
        return placed;
    }
    delete_aside(path)
}

/// Puts a database back whose [`replace`] was killed before the new one was in its place.
///
/// # Errors
/// When a file cannot be deleted or renamed.
pub fn put_back(path: &Path) -> Result<()> {
    let aside = aside(path);
    if files::stands(&aside)? == Stands::Nothing || files::stands(path)? != Stands::Nothing {
        return delete_aside(path);
    }
    for (old, place) in beside(&aside).iter().zip(&beside(path)) {
        rename_if_there(old, place)?;
    }
    rename(&aside, path)
}

/// Moves a database aside with what is beside it: the database first, so that nobody opens it without the rest.
fn put_aside(path: &Path) -> Result<()> {
    let aside = aside(path);
    rename_if_there(path, &aside)?;
    beside(path).iter().zip(&beside(&aside)).try_for_each(|(old, new)| rename_if_there(old, new))
}

/// Deletes it first, too: nobody puts back what is left without it.
fn delete_aside(path: &Path) -> Result<()> {
    let aside = aside(path);
    files::remove(&aside)?;
    beside(&aside).iter().try_for_each(|file| files::remove(file))
}

/// Where a database waits while another takes its place.
fn aside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.replaced"))
}

fn rename_if_there(from: &Path, to: &Path) -> Result<()> {
    if files::stands(from)? == Stands::Nothing { Ok(()) } else { rename(from, to) }
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).with_context(|| format!("cannot replace {}", to.display()))
}

/// The processes of this user that have a database open.
pub fn users(path: &Path) -> Vec<Listener> {
    let path = files::canonical(path);
    let all: Vec<PathBuf> = std::iter::once(path.clone()).chain(beside(&path)).collect();
    listeners::with_open(&all)
}

/// The size of a database, with what SQLite keeps beside it.
pub fn size(path: &Path) -> u64 {
    let all = std::iter::once(path.to_owned()).chain(beside(path));
    all.filter_map(|file| Some(fs::metadata(file).ok()?.len())).sum()
}

fn beside(path: &Path) -> [PathBuf; 3] {
    BESIDE.map(|end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory with a database and its write-ahead log.
    struct World(tempfile::TempDir);

    impl World {
        fn new() -> Self {
            let world = World(tempfile::tempdir().unwrap());
            world.write("db", "old");
            world.write("db-wal", "log");
            world
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn write(&self, name: &str, content: &str) {
            files::replace(&self.path(name), content.as_bytes()).unwrap();
        }

        /// Each file as its name and its content.
        fn all(&self) -> Vec<String> {
            let named = |path: PathBuf| {
                let content = fs::read_to_string(&path).unwrap();
                format!("{} {content}", path.file_name().unwrap().to_str().unwrap())
            };
            files::entries(self.0.path()).unwrap().into_iter().map(named).collect()
        }
    }

    #[test]
    fn a_database_is_replaced_whole_or_not_at_all() {
        let world = World::new();
        let (db, before) = (world.path("db"), world.all());
        replace(&db, Some(&world.path("none"))).unwrap_err();
        assert_eq!(world.all(), before);
        world.write("new", "new");
        replace(&db, Some(&world.path("new"))).unwrap();
        assert_eq!(world.all(), ["db new"]);
        replace(&db, None).unwrap();
        assert!(world.all().is_empty());
        world.write("new", "new");
        replace(&db, Some(&world.path("new"))).unwrap();
        assert_eq!(world.all(), ["db new"]);
    }

    #[test]
    fn a_database_whose_replacement_was_killed_is_put_back() {
        let world = World::new();
        let (db, before) = (world.path("db"), world.all());
        // Killed after the first step, after the last, and while it was put back.
        rename(&db, &aside(&db)).unwrap();
        put_back(&db).unwrap();
        assert_eq!(world.all(), before);
        put_aside(&db).unwrap();
        put_back(&db).unwrap();
        assert_eq!(world.all(), before);
        put_aside(&db).unwrap();
        rename(&beside(&aside(&db))[1], &beside(&db)[1]).unwrap();
        put_back(&db).unwrap();
        assert_eq!(world.all(), before);
        // Killed when the new one was in its place.
        put_aside(&db).unwrap();
        world.write("db", "new");
        put_back(&db).unwrap();
        assert_eq!(world.all(), ["db new"]);
    }
}
