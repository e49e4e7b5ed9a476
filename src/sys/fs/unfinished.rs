//! Files that a write began and did not rename to their name yet.

use super::{entries, remove};
use anyhow::Result;
use std::path::Path;

/// Whether a file is one that [`super::replace`] has not renamed yet: its writer runs, or was killed.
pub fn is_unfinished(path: &Path) -> bool {
    writer(path).is_some()
}

/// Removes the unfinished files of [`super::replace`] in a directory whose writers have ended.
pub fn sweep(dir: &Path) -> Result<()> {
    sweep_if(dir, |_| true)
}

/// As [`sweep`], of the unfinished files of one file only: for directories that are not ours alone.
pub fn sweep_of(path: &Path) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let begin = format!(".{name}.");
    sweep_if(path.parent().unwrap_or(Path::new(".")), |file| {
        file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&begin))
    })
}

fn sweep_if(dir: &Path, is_ours: impl Fn(&Path) -> bool) -> Result<()> {
    for file in entries(dir)?.into_iter().filter(|file| is_ours(file)) {
        let Some(pid) = writer(&file) else { continue };
        if rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH) {
            remove(&file)?;
        }
    }
    Ok(())
}

/// The process that writes an unfinished file.
fn writer(path: &Path) -> Option<rustix::process::Pid> {
    let name = path.file_name()?.to_str()?.strip_prefix('.')?.strip_suffix(".new")?;
    let (rest, count) = name.rsplit_once('.')?;
    let (_, pid) = rest.rsplit_once('.')?;
    count.parse::<u64>().ok()?;
    rustix::process::Pid::from_raw(pid.parse().ok()?)
}
