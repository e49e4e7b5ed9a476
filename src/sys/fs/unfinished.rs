//! Files that a write began and did not rename to their name yet.

use super::{entries, remove};
use anyhow::Result;
use rustix::process::Pid;
use std::path::Path;

/// Whether a file is one that [`super::replace`] has not renamed yet: its writer runs, or was killed.
pub fn is_unfinished(path: &Path) -> bool {
    writer(path).is_some()
}

/// Removes the unfinished files of [`super::replace`] in a directory whose writers have ended.
pub fn sweep(dir: &Path) -> Result<()> {
    sweep_if(dir, writer)
}

/// As [`sweep`], of the unfinished files of one file only: for directories that are not ours alone.
pub fn sweep_of(path: &Path) -> Result<()> {
    sweep_of_with(path, &[])
}

/// As [`sweep_of`], with the files whose names have one of these ends more. An unfinished file can have one of its own.
pub fn sweep_of_with(path: &Path, ends: &[&str]) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    sweep_if(path.parent().unwrap_or(Path::new(".")), |file| {
        let file = file.file_name()?.to_str()?;
        let file = ends.iter().find_map(|end| file.strip_suffix(end)).unwrap_or(file);
        let mut becomes = std::iter::successors(split(file), |(file, _)| split(file));
        becomes.any(|(file, _)| file == name).then_some(split(file)?.1)
    })
}

fn sweep_if(dir: &Path, writer: impl Fn(&Path) -> Option<Pid>) -> Result<()> {
    for file in entries(dir)? {
        let Some(pid) = writer(&file) else { continue };
        if rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH) {
            remove(&file)?;
        }
    }
    Ok(())
}

/// The process that writes an unfinished file.
fn writer(path: &Path) -> Option<Pid> {
    Some(split(path.file_name()?.to_str()?)?.1)
}

/// The name that an unfinished file is to get, and the process that writes it.
fn split(name: &str) -> Option<(&str, Pid)> {
    let name = name.strip_prefix('.')?.strip_suffix(".new")?;
    let (rest, count) = name.rsplit_once('.')?;
    let (name, pid) = rest.rsplit_once('.')?;
    count.parse::<u64>().ok()?;
    Some((name, Pid::from_raw(pid.parse().ok()?)?))
}
