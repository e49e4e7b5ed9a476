//! What only a worktree in the trash holds stays in the repository: references of our own, and the branch again.

use super::{brief, git, new_branch, query, require, retry};
use crate::sys::{failpoint, fs};
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The files of an admin directory that name commits besides HEAD.
const NAMING: [&str; 8] = [
    "ORIG_HEAD",
    "MERGE_HEAD",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
    "REBASE_HEAD",
    "AUTO_MERGE",
    "rebase-merge/orig-head",
    "rebase-apply/orig-head",
];

/// The most commits that are held because a worktree's reflog names them: the newest.
const MOST: usize = 500;

/// Holds what the worktree at `tree` refers to: HEAD, what a merge or rebase is about, its own references and reflog, and
/// what is staged. Gives the commit of HEAD; `None` when there is none yet.
pub fn hold(main: &Path, tree: &Path, admin: &Path, id: &str) -> Result<Option<String>> {
    let head = query::resolve(tree, "HEAD").ok();
    let staged = staged(tree, head.as_deref())?;
    let mut wanted = named(admin)?;
    wanted.extend(head.clone());
    wanted.extend(staged.iter().map(|(_, blob)| blob.clone()));
    let types = types(main, &wanted)?;
    let is = |object: &String, kind: &str| types.get(object).is_some_and(|own| own == kind);
    // What is not there, as of a file that is only intended to be added, is no part of any worktree.
    let staged: Vec<_> = staged.into_iter().filter(|(_, blob)| is(blob, "blob")).collect();
    let parents: Vec<_> = wanted.into_iter().filter(|object| is(object, "commit")).collect();
    let references = prefix(id);
    let mut updates = String::new();
    if let Some(head) = &head {
        updates.push_str(&format!("update {references}HEAD {head}\n"));
    }
    let only_head = parents.iter().all(|parent| Some(parent) == head.as_ref());
    if !staged.is_empty() || !only_head {
        let commit = bundle(main, &staged, &parents)?;
        updates.push_str(&format!("update {references}rest {commit}\n"));
    }
    require("git update-ref", git(main).args(["update-ref", "--stdin"]).stdin(updates).output()?)?;
    failpoint::point("trash-held")?;
    Ok(head)
}

/// The commit of HEAD that [`hold`] holds; `None`: it holds none.
pub fn held(main: &Path, id: &str) -> Result<Option<String>> {
    query::tip(main, &format!("{}HEAD", prefix(id)))
}

/// Lets go of what [`hold`] held.
pub fn let_go(main: &Path, id: &str) -> Result<()> {
    let references = prefix(id);
    let listed =
        git(main).args(["for-each-ref", "--format=delete %(refname)", &references]).read()?;
    if listed.is_empty() {
        return Ok(());
    }
    retry(|| brief(main).args(["update-ref", "--stdin"]).stdin(format!("{listed}\n")))?;
    Ok(())
}

/// Git's settings of a branch: its upstream, its description.
pub fn branch_settings(main: &Path, branch: &str) -> Result<Vec<(String, String)>> {
    let section = format!("branch.{branch}.");
    let listed = git(main).args(["config", "--local", "--null", "--list"]).read()?;
    let entries = listed.split('\0').filter_map(|entry| entry.split_once('\n'));
    let own = entries.filter(|(key, _)| {
        key.strip_prefix(section.as_str()).is_some_and(|name| !name.contains('.'))
    });
    Ok(own.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
}

/// Creates a branch again at a commit, with its settings.
///
/// # Errors
/// When there is one of this name at another commit, or git refuses.
pub fn recreate_branch(
    main: &Path,
    branch: &str,
    commit: &str,
    settings: &[(String, String)],
    mark: &str,
) -> Result<()> {
    let reference = format!("refs/heads/{branch}");
    if query::resolve(main, &reference).ok().as_deref() != Some(commit) {
        retry(|| new_branch(main, branch, commit, mark))?;
        for (key, value) in settings {
            retry(|| brief(main).args(["config", "--add", key, value]))?;
        }
    }
    failpoint::point("branch-back")
}

fn prefix(id: &str) -> String {
    format!("refs/agentenv/trash/{id}/")
}

/// The blobs that are staged and that HEAD does not have, each with its mode.
fn staged(tree: &Path, head: Option<&str>) -> Result<BTreeSet<(String, String)>> {
    let base = match head {
        Some(head) => head.to_owned(),
        None => git(tree).args(["mktree"]).stdin("").read()?,
    };
    let mut found = BTreeSet::new();
    let differs =
        git(tree).args(["diff-index", "--cached", "--raw", "--no-abbrev", "--no-renames"]);
    for line in differs.args([base.as_str(), "--"]).read()?.lines() {
        // `:<old mode> <new mode> <old object> <new object> <letter>`
        let mut words = line.split_whitespace();
        if let (Some(mode), Some(object)) = (words.nth(1), words.nth(1)) {
            found.insert((mode.to_owned(), object.to_owned()));
        }
    }
    for line in git(tree).args(["ls-files", "--unmerged"]).read()?.lines() {
        let mut words = line.split_whitespace();
        if let (Some(mode), Some(object)) = (words.next(), words.next()) {
            found.insert((mode.to_owned(), object.to_owned()));
        }
    }
    // A deleted file has no object, and a submodule's is in another repository.
    found.retain(|(mode, object)| mode.starts_with('1') && mode != "160000" && !is_null(object));
    Ok(found)
}

/// The commits that files of the admin directory name.
fn named(admin: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for file in NAMING {
        found.extend(fs::word(&admin.join(file)).iter().flat_map(|text| objects(text)));
    }
    references(&admin.join("refs"), &mut found)?;
    let log = fs::read_own(&admin.join("logs/HEAD"))?.unwrap_or_default();
    let text = String::from_utf8_lossy(&log);
    let newest = text.lines().rev().take(MOST);
    found.extend(newest.filter_map(|line| line.split(' ').nth(1)).flat_map(objects));
    Ok(found)
}

/// The worktree's own references: of a bisection, and `refs/worktree/`.
fn references(dir: &Path, found: &mut BTreeSet<String>) -> Result<()> {
    for entry in fs::entries(dir)? {
        match fs::stands(&entry)? {
            fs::Stands::Directory => references(&entry, found)?,
            _ => found.extend(fs::word(&entry).iter().flat_map(|text| objects(text))),
        }
    }
    Ok(())
}

fn objects(text: &str) -> Vec<String> {
    let is_object = |word: &&str| word.len() >= 40 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let words = text.split_whitespace().filter(is_object);
    words.filter(|word| !is_null(word)).map(str::to_owned).collect()
}

fn is_null(object: &str) -> bool {
    object.bytes().all(|byte| byte == b'0')
}

/// The types of those of the objects that are there.
fn types(main: &Path, objects: &BTreeSet<String>) -> Result<BTreeMap<String, String>> {
    if objects.is_empty() {
        return Ok(BTreeMap::new());
    }
    let asked: String = objects.iter().map(|object| format!("{object}\n")).collect();
    let said = git(main).args(["cat-file", "--batch-check"]).stdin(asked).read()?;
    // `<object> <type> <size>`, or `<object> missing`
    let entry = |line: &str| {
        let mut words = line.split(' ');
        Some((words.next()?.to_owned(), words.next()?.to_owned()))
    };
    Ok(said.lines().filter_map(entry).collect())
}

/// A commit from which all of this is reached.
fn bundle(main: &Path, staged: &[(String, String)], parents: &[String]) -> Result<String> {
    let entries = staged.iter().enumerate();
    let lines: String =
        entries.map(|(at, (mode, object))| format!("{mode} blob {object}\t{at}\n")).collect();
    let tree = git(main).arg("mktree").stdin(lines).read()?;
    let commit = git(main)
        .env("GIT_AUTHOR_NAME", "git-agentenv")
        .env("GIT_AUTHOR_EMAIL", "git-agentenv@localhost")
        .env("GIT_COMMITTER_NAME", "git-agentenv")
        .env("GIT_COMMITTER_EMAIL", "git-agentenv@localhost")
        .args(["commit-tree", "--no-gpg-sign", "-m", "what a worktree in the trash holds"]);
    let commit = parents.iter().fold(commit, |cmd, parent| cmd.args(["-p", parent]));
    commit.arg(tree).read()
}
