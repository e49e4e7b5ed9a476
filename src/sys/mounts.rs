//! Mount points: whether what is missing was deleted, or its disk is unmounted. A directory of the store says where things were
//! when they were last seen.

use super::fs;
use super::state_dir::{self, Access};
use super::store::short_hash;
use anyhow::Result;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// A disk that is not where it was.
#[derive(Debug, PartialEq, Eq)]
pub struct Away {
    /// Where it was mounted.
    pub point: PathBuf,
    /// The records that say so. Without them, what was on it counts as deleted.
    pub records: Vec<PathBuf>,
}

/// The mount point of the file system that a path is on, or would be on.
pub fn point_of(path: &Path) -> PathBuf {
    point(path, &fs::device)
}

fn point(path: &Path, device: &dyn Fn(&Path) -> Option<u64>) -> PathBuf {
    let mut above = path.ancestors().skip_while(|dir| device(dir).is_none());
    let Some(first) = above.next() else { return PathBuf::from("/") };
    above.take_while(|dir| device(dir) == device(first)).last().unwrap_or(first).to_owned()
}

fn is_mounted(dir: &Path) -> bool {
    dir.parent().is_none_or(|above| {
        let own = fs::device(dir);
        own.is_some() && own != fs::device(above)
    })
}

/// Records the disk that this is on.
pub fn note(store: &Path, access: Access, path: &Path) -> Result<()> {
    note_as(store, access, path, &point_of(path))
}

/// Records the disk that something is on that is not found by its path: this is its name.
pub fn note_as(store: &Path, access: Access, name: &Path, point: &Path) -> Result<()> {
    let file = record(store, name);
    if seen(&file)?.as_deref() == Some(point) {
        return Ok(());
    }
    access.make_dir(&store.join(DIR))?;
    access.replace(&file, point.as_os_str().as_bytes())
}

/// Forgets what was recorded for this path or name.
pub fn forget(store: &Path, name: &Path) -> Result<()> {
    fs::remove(&record(store, name))
}

/// Whether the disk of this path was recorded for the path itself.
pub fn is_noted(path: &Path) -> Result<bool> {
    Ok(noted(path)?.is_some())
}

/// The disk that was recorded for this path or name itself.
pub fn noted(name: &Path) -> Result<Option<PathBuf>> {
    seen(&record(&state_dir::path()?, name))
}

/// The disk of a missing path, if that is away: the one that was recorded for this path, else any that it could have been on.
pub fn away(path: &Path) -> Result<Option<Away>> {
    away_in(&state_dir::path()?, path)
}

fn away_in(store: &Path, path: &Path) -> Result<Option<Away>> {
    let mut known = Vec::new();
    for file in fs::entries(&store.join(DIR))? {
        let point = seen(&file)?.filter(|_| !fs::is_unfinished(&file));
        known.extend(point.map(|point| (point, file)));
    }
    let own = record(store, path);
    let own = known.iter().find(|(_, file)| *file == own).map(|(point, _)| point.clone());
    let could = known.iter().map(|(point, _)| point).filter(|point| path.starts_with(point));
    let away = own.iter().chain(could.filter(|_| own.is_none())).find(|point| !is_mounted(point));
    Ok(away.cloned().map(|point| {
        let says_so = known.iter().filter(|(other, _)| *other == point);
        Away { records: says_so.map(|(_, file)| file.clone()).collect(), point }
    }))
}

/// The directory of the records in the store: each holds a mount point, and is named for what was seen there.
const DIR: &str = "mounts";

fn record(store: &Path, path: &Path) -> PathBuf {
    store.join(DIR).join(short_hash(path))
}

fn seen(record: &Path) -> Result<Option<PathBuf>> {
    Ok(fs::read(record)?.map(|point| PathBuf::from(OsString::from_vec(point))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_point_is_the_highest_directory_of_the_same_device() {
        let device = |path: &Path| match path.to_str()? {
            "/" | "/mnt" | "/home" => Some(1),
            "/mnt/d" | "/mnt/d/app" => Some(2),
            _ => None,
        };
        let point = |path: &str| point(Path::new(path), &device).display().to_string();
        assert_eq!(point("/mnt/d/app"), "/mnt/d");
        assert_eq!(point("/mnt/d/app/not/yet"), "/mnt/d");
        assert_eq!(point("/mnt/other"), "/");
        assert_eq!(point("/home/x"), "/");
    }

    #[test]
    fn only_what_was_on_a_disk_that_is_away_may_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let (store, disk) = (root.join("state"), root.join("disk"));
        let away = |path: &Path| away_in(&store, path).unwrap().map(|away| away.point);
        let (app, tree) = (disk.join("app/.git"), disk.join("x"));
        assert_eq!(away(&app), None, "nothing was seen");
        // There is no disk: as if it had been unmounted since.
        let been = |path: &Path| {
            note(&store, Access::User, path).unwrap();
            fs::replace(&record(&store, path), disk.as_os_str().as_bytes()).unwrap();
        };
        been(&disk);
        assert_eq!((away(&app), away(&tree)), (Some(disk.clone()), Some(disk.clone())));
        assert_eq!(away(&root.join("elsewhere")), None);
        assert_eq!(away(&root.join("disk-2/x")), None);
        // The repository itself was seen where something is mounted.
        note(&store, Access::User, &app).unwrap();
        assert_eq!((away(&app), away(&tree)), (None, Some(disk.clone())));
        been(&app);
        let found = away_in(&store, &app).unwrap().unwrap();
        assert_eq!(found.records.len(), 2);
        found.records.iter().for_each(|record| fs::remove(record).unwrap());
        assert_eq!((away(&app), away(&tree)), (None, None), "given up");
    }
}
