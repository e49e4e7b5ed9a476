//! How a worktree stands: what is changed in it, and where its commits are beside another branch's.

use crate::sys::git;
use anyhow::Result;
use serde::Serialize;
use std::path::Path;

/// How a worktree stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "GitStatus"))]
pub struct Status {
    /// How many files are changed or not known to git.
    pub changed: usize,
    /// How many commits it has that the other has not.
    pub ahead: usize,
    /// How many commits the other has that it has not.
    pub behind: usize,
    /// The other: its upstream, else the main checkout's branch; null without either.
    pub beside: Option<String>,
    /// These files, relative to the worktree; a directory without any file that git knows is one entry.
    #[serde(skip)]
    pub files: Vec<String>,
}

/// Asks git. `main` is what it is compared to when it has no upstream.
pub fn of(path: &Path, main: Option<&str>) -> Result<Status> {
    let args = ["status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal"];
    let said = git::git(path).env("GIT_OPTIONAL_LOCKS", "0").args(args).read()?;
    let mut status = parse(&said);
    if let (None, Some(main)) = (&status.beside, main) {
        let range = format!("HEAD...refs/heads/{main}");
        let counted =
            git::git(path).args(["rev-list", "--left-right", "--count", &range]).read()?;
        if let Some((ahead, behind)) = counted.split_once('\t') {
            status.ahead = ahead.parse().unwrap_or(0);
            status.behind = behind.parse().unwrap_or(0);
            status.beside = Some(main.to_owned());
        }
    }
    Ok(status)
}

/// The second part of a renamed file's entry stands alone, and is not counted.
fn parse(said: &str) -> Status {
    let mut status = Status { changed: 0, ahead: 0, behind: 0, beside: None, files: Vec::new() };
    let mut entries = said.split('\0').filter(|entry| !entry.is_empty());
    let mut upstream = None;
    while let Some(entry) = entries.next() {
        if let Some(name) = entry.strip_prefix("# branch.upstream ") {
            upstream = Some(name.to_owned());
        } else if let Some(counts) = entry.strip_prefix("# branch.ab +") {
            let (ahead, behind) = counts.split_once(" -").unwrap_or_default();
            status.ahead = ahead.parse().unwrap_or(0);
            status.behind = behind.parse().unwrap_or(0);
            // Without this line the upstream is configured, and gone.
            status.beside = upstream.take();
        } else if !entry.starts_with('#') {
            status.changed += 1;
            status.files.extend(file(entry).map(str::to_owned));
            if entry.starts_with("2 ") {
                entries.next();
            }
        }
    }
    status
}

/// The file of an entry: what stands behind its other fields (git-status(1), "Porcelain Format Version 2").
fn file(entry: &str) -> Option<&str> {
    let before = match entry.as_bytes().first()? {
        b'1' => 8,
        b'2' => 9,
        b'u' => 10,
        _ => 1,
    };
    entry.splitn(before + 1, ' ').nth(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_counted_and_renamed_ones_once() {
        let said = "# branch.oid 12\0# branch.head x\0# branch.upstream origin/x\0# branch.ab +3 -1\0\
                    2 R. N... 1 1 1 a b R100 new\0old\0\
                    1 .M N... 1 1 1 a b src/a b\0? new file\0";
        let files = ["new", "src/a b", "new file"].map(str::to_owned).to_vec();
        let beside = Some("origin/x".to_owned());
        let status = Status { changed: 3, ahead: 3, behind: 1, beside, files };
        assert_eq!(parse(said), status);
        assert_eq!(parse("# branch.upstream origin/gone\0").beside, None);
    }
}
