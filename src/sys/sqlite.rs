//! SQLite files: copied whole, also while an application writes to them.

use crate::error;
use crate::sys::copy::Copier;
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

/// How long a copy may take.
const LIMIT: Duration = Duration::from_secs(600);

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
    let fresh = files::unfinished(to);
    let copied = match at_rest(from) {
        Some(before) => {
            Copier::default().copy(from, &fresh)?;
            if at_rest(from) == Some(before) {
                Ok(Way::File)
            } else {
                files::remove(&fresh)?;
                backup(from, &fresh).map(|()| Way::Backup)
            }
        }
        None => backup(from, &fresh).map(|()| Way::Backup),
    };
    let moved = copied.and_then(|way| files::move_to(&fresh, to).map(|()| way));
    if moved.is_err() {
        files::remove(&fresh).ok();
    }
    moved
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
    let output = command.patience(Some(LIMIT)).output()?;
    if output.success() && files::stands(to)? == Stands::File {
        return Ok(());
    }
    let said = output.stderr.lines().last().unwrap_or("no message").trim();
    Err(error::service(format!("cannot copy {}: {said}", from.display())).into())
}

/// Puts a database in the place of another, which goes with what SQLite keeps beside it.
///
/// # Errors
/// When a file cannot be deleted or renamed.
pub fn replace(path: &Path, new: Option<&Path>) -> Result<()> {
    for file in beside(path) {
        files::remove(&file)?;
    }
    match new {
        Some(new) => {
            fs::rename(new, path).with_context(|| format!("cannot replace {}", path.display()))
        }
        None => files::remove(path),
    }
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
