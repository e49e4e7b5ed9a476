//! Changes that git was told to overlook: `git update-index --skip-worktree` and `--assume-unchanged`. `git status` is silent
//! about them.

use super::git;
use super::query::{each_entry, git_in, resolve};
use crate::sys::fs::{self, Stands};
use crate::sys::repo::Worktree;
use anyhow::Result;
use std::path::Path;

/// Bits of an entry's flags, as gitformat-index(5) has them.
const ASSUME_VALID: u16 = 0x8000;
const EXTENDED: u16 = 0x4000;
/// Of the second flags, which an extended entry has.
const SKIP_WORKTREE: u16 = 0x4000;

/// How long an object id is: of SHA-1, of SHA-256.
const IDS: [usize; 2] = [20, 32];

/// The files that git was told to overlook and that differ from what its index has of them. No process is started unless
/// something is overlooked.
pub(super) fn changed(tree: &Worktree) -> Result<Vec<String>> {
    let Some(index) = fs::read_own(&tree.admin.join("index"))? else { return Ok(Vec::new()) };
    // An index that is split, or unknown, is for git to read.
    if IDS.into_iter().find_map(|id| has_overlooked(&index, id)) == Some(false) {
        return Ok(Vec::new());
    }
    let listed = git_in(tree).args(["ls-files", "-v", "--stage", "-z"]).read()?;
    let (mut changed, mut files) = (Vec::new(), Vec::new());
    for entry in each_entry(&listed) {
        let Some(entry) = Entry::overlooked(&entry) else { continue };
        match entry.stands(tree)? {
            Standing::Same => {}
            Standing::Changed => changed.push(entry.path),
            Standing::Unknown => files.push(entry),
        }
    }
    // As the filters of the repository write it, else as it is: one of these is what was checked out.
    for filters in [&["--stdin-paths"] as &[&str], &["--stdin-paths", "--no-filters"]] {
        files = differing(tree, filters, files)?;
    }
    changed.extend(files.into_iter().map(|entry| entry.path));
    changed.sort();
    Ok(changed)
}

/// What an index has of a file.
struct Entry {
    mode: String,
    id: String,
    path: String,
}

/// How a file compares to the index.
enum Standing {
    Same,
    Changed,
    /// Its content has to be read.
    Unknown,
}

impl Entry {
    /// It, if git was told to overlook it: `S 100644 <id> 0<tab><path>`, with a lower case letter for `--assume-unchanged`.
    fn overlooked(line: &str) -> Option<Entry> {
        let (about, path) = line.split_once('\t')?;
        let mut words = about.split(' ');
        let tag = words.next()?;
        let is_overlooked = tag == "S" || tag.starts_with(|tag: char| tag.is_ascii_lowercase());
        let entry = |mode: &str, id: &str| Entry {
            mode: mode.to_owned(),
            id: id.to_owned(),
            path: path.to_owned(),
        };
        is_overlooked.then_some(entry(words.next()?, words.next()?))
    }

    fn stands(&self, tree: &Worktree) -> Result<Standing> {
        let path = tree.path.join(&self.path);
        // Git takes one path from each line, in quotes or not; one in another encoding was not understood.
        let is_plain =
            !self.path.contains(['\n', char::REPLACEMENT_CHARACTER]) && !self.path.starts_with('"');
        Ok(match (fs::stands(&path)?, self.mode.as_str()) {
            (Stands::Nothing, _) if is_plain => Standing::Same,
            (Stands::Directory, "160000") if is_as_recorded(&path, &self.id)? => Standing::Same,
            (Stands::File, "100644" | "100755") if is_plain => Standing::Unknown,
            (Stands::Link, "120000") if self.leads_to(tree, &path)? => Standing::Same,
            _ => Standing::Changed,
        })
    }

    /// Whether a link is the one of the index.
    fn leads_to(&self, tree: &Worktree, path: &Path) -> Result<bool> {
        use std::os::unix::ffi::OsStringExt;
        let target = path.read_link()?.into_os_string().into_vec();
        let id = git_in(tree).args(["hash-object", "--stdin"]).stdin(target).read()?;
        Ok(id.trim() == self.id)
    }
}

/// Whether a submodule has this commit and nothing else, or was never filled.
fn is_as_recorded(path: &Path, id: &str) -> Result<bool> {
    if fs::entries(path)?.is_empty() {
        return Ok(true);
    }
    if fs::stands(&path.join(".git"))? == Stands::Nothing || resolve(path, "HEAD")? != id {
        return Ok(false);
    }
    let status = ["status", "--porcelain", "--ignore-submodules=none"];
    Ok(git(path).env("GIT_OPTIONAL_LOCKS", "0").args(status).read()?.is_empty())
}

/// Those of these files whose content has another id than the index has.
fn differing(tree: &Worktree, how: &[&str], files: Vec<Entry>) -> Result<Vec<Entry>> {
    if files.is_empty() {
        return Ok(files);
    }
    let paths: String = files.iter().map(|entry| entry.path.clone() + "\n").collect();
    let ids = git_in(tree).arg("hash-object").args(how).stdin(paths).read()?;
    let mut ids = ids.lines();
    Ok(files.into_iter().filter(|entry| ids.next() != Some(entry.id.as_str())).collect())
}

/// Whether an index with ids of this length has an entry that git overlooks; `None`: it is not such an index, or only a part
/// of one.
fn has_overlooked(index: &[u8], id: usize) -> Option<bool> {
    let word = |at: usize| Some(u32::from_be_bytes(index.get(at..at + 4)?.try_into().ok()?));
    let flags = |at: usize| Some(u16::from_be_bytes(index.get(at..at + 2)?.try_into().ok()?));
    let (version, mut at, mut found) = (word(4)?, 12, false);
    if !index.starts_with(b"DIRC") || !(2..=4).contains(&version) {
        return None;
    }
    for _ in 0..word(8)? {
        let begin = at;
        at += 40 + id;
        let first = flags(at)?;
        at += 2;
        found |= first & ASSUME_VALID != 0;
        if first & EXTENDED != 0 {
            found |= flags(at)? & SKIP_WORKTREE != 0;
            at += 2;
        }
        if version == 4 {
            // How much of the path before it is kept.
            at += index.get(at..)?.iter().position(|byte| byte & 0x80 == 0)? + 1;
        }
        at += index.get(at..)?.iter().position(|byte| *byte == 0)?;
        at = if version == 4 { at + 1 } else { begin + (at - begin) / 8 * 8 + 8 };
    }
    // Only what ends as it has to was read as it is meant.
    let end = index.len().checked_sub(id)?;
    while at < end {
        if index.get(at..at + 4)? == b"link" {
            return None;
        }
        at += 8 + usize::try_from(word(at + 4)?).ok()?;
    }
    (at == end).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An index with these entries, each with its flags and its second flags, and with an extension.
    fn index(
        version: u32,
        id: usize,
        entries: &[(&str, u16, Option<u16>)],
        extra: &str,
    ) -> Vec<u8> {
        let mut index = b"DIRC".to_vec();
        index.extend(version.to_be_bytes());
        index.extend(u32::try_from(entries.len()).unwrap().to_be_bytes());
        for (path, flags, more) in entries {
            let begin = index.len();
            index.extend(vec![1; 40 + id]);
            index.extend(flags.to_be_bytes());
            index.extend(more.iter().flat_map(|more| more.to_be_bytes()));
            index.extend(if version == 4 { &[0x80, 1][..] } else { &[] });
            index.extend(path.bytes());
            let padding = if version == 4 { 1 } else { 8 - (index.len() - begin) % 8 };
            index.extend(vec![0; padding]);
        }
        index.extend(extra.bytes());
        index.extend(4_u32.to_be_bytes());
        index.extend([9; 4]);
        index.extend(vec![7; id]);
        index
    }

    #[test]
    fn the_flags_of_each_version_are_read() {
        for (version, id) in [(2, 20), (3, 20), (4, 20), (2, 32), (4, 32)] {
            let read = |entries: &[_]| has_overlooked(&index(version, id, entries, "TREE"), id);
            let plain = [("a", 1, None), ("a/longer/path", 13, None), ("seventh", 7, None)];
            assert_eq!(read(&plain), Some(false), "{version} {id}");
            assert_eq!(read(&[plain[0], ("b", ASSUME_VALID | 1, None)]), Some(true));
            if version > 2 {
                // To be added later, and skipped.
                assert_eq!(read(&[("b", EXTENDED | 1, Some(0x2000)), plain[1]]), Some(false));
                assert_eq!(read(&[("b", EXTENDED | 1, Some(SKIP_WORKTREE))]), Some(true));
            }
        }
    }

    #[test]
    fn what_is_no_whole_index_is_not_judged() {
        let entries = [("a", 1, None), ("b", 1, None)];
        let whole = index(2, 20, &entries, "TREE");
        assert_eq!(has_overlooked(&whole, 20), Some(false));
        assert_eq!(has_overlooked(&whole, 32), None, "the other kind of id");
        assert_eq!(has_overlooked(&index(2, 20, &entries, "link"), 20), None, "a split index");
        assert_eq!(has_overlooked(&index(5, 20, &entries, "TREE"), 20), None, "a later version");
        // What is cut off right behind its entries is an index, too.
        for end in 0..whole.len() - "TREE".len() - 8 {
            assert_eq!(has_overlooked(&whole[..end], 20), None, "{end}");
        }
    }

    #[test]
    fn only_what_is_overlooked_is_an_entry() {
        let path = |line| Entry::overlooked(line).map(|entry| entry.path);
        assert_eq!(path("H 100644 78 0\ta"), None);
        assert_eq!(path("S 100644 78 0\ta b").as_deref(), Some("a b"));
        assert_eq!(path("h 100644 78 0\ta").as_deref(), Some("a"));
        assert_eq!(path("s 100644 78 0\ta").as_deref(), Some("a"));
    }
}
