//! Which files of a checkout match: ignored files by patterns of our own, committed files by their words.

use crate::sys::git::git;
use crate::sys::git::query::{each_entry, entries};
use anyhow::Result;
use std::collections::BTreeSet;
use std::path::Path;

/// Patterns in gitignore syntax: those of a file, then a list.
#[derive(Debug, Clone, Copy)]
pub struct Patterns<'a> {
    /// A file in the checkout, such as `.worktreeinclude`.
    pub file: Option<&'a str>,
    /// Further patterns.
    pub list: &'a [String],
}

/// Untracked files below `path` that match, as `git ls-files --others --ignored -X FILE` lists them.
pub fn matching(path: &Path, patterns: Patterns<'_>) -> Result<Vec<String>> {
    listed(path, patterns, &[])
}

/// The same, but a directory that matches as a whole is one entry that ends in `/`.
pub fn matching_whole(path: &Path, patterns: Patterns<'_>) -> Result<Vec<String>> {
    let entries = listed(path, patterns, &["--directory"])?;
    // A directory that only holds matching files is listed beside them, and does not match itself.
    let is_holder = |entry: &String| {
        entry.ends_with('/')
            && entries.iter().any(|other| other != entry && other.starts_with(entry.as_str()))
    };
    Ok(entries.iter().filter(|entry| !is_holder(entry)).cloned().collect())
}

/// Those of these paths that git ignores in the checkout at `path`, in their order.
pub fn ignored_among(path: &Path, files: &[String]) -> Result<Vec<String>> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    // Exit code 1 means that none is ignored (git-check-ignore(1)).
    let said =
        git(path).args(["check-ignore", "-z", "--stdin"]).stdin(files.join("\0")).output()?;
    Ok(each_entry(&said.text()))
}

fn listed(path: &Path, patterns: Patterns<'_>, more: &[&str]) -> Result<Vec<String>> {
    let file = patterns.file.map(|file| format!("--exclude-from={file}"));
    let list = patterns.list.iter().map(|pattern| format!("--exclude={pattern}"));
    let command = git(path).args(["ls-files", "-z", "--others", "--ignored"]);
    entries(command.args(more).args(file).args(list))
}

/// Those of these lower-case words that the committed files of these names hold, in upper or lower case.
pub fn words(path: &Path, words: &[&str], files: &[&str]) -> Result<BTreeSet<String>> {
    let words = words.iter().flat_map(|word| ["-e", word]);
    let grep = ["grep", "-I", "-h", "-o", "-i", "--fixed-strings"];
    let found = git(path).args(grep).args(words).args(["HEAD", "--"]).args(files).output()?;
    Ok(found.text().lines().map(str::to_lowercase).collect())
}

/// The tracked text files of a checkout with a line that matches an extended regular expression, in upper or lower case; of
/// those that one of `files` matches, if there are any.
pub fn naming(path: &Path, pattern: &str, files: &[&str]) -> Result<Vec<String>> {
    let grep = |syntax| {
        let grep = ["grep", "-I", "-l", "-z", "-i", syntax, "-e", pattern, "--"];
        git(path).args(grep).args(files).output()
    };
    // The syntax of Perl is several times as fast, and a git may be built without it. Exit code 1 means that there is no
    // such file (git-grep(1)).
    let fast = grep("--perl-regexp")?;
    let found = if fast.code <= 1 { fast } else { grep("--extended-regexp")? };
    Ok(each_entry(&found.text()))
}

/// The files of a checkout: `--cached` for those that git tracks, `--others` for those that it neither tracks nor ignores.
pub fn files(path: &Path, which: &str) -> Result<Vec<String>> {
    entries(git(path).args(["ls-files", "-z", "--exclude-standard", which]))
}
