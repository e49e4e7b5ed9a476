//! Reads that gix does not do here, through the `git` command. They change nothing.

use crate::error::{self, Exit, exit_of};
use crate::sys::exec::Cmd;
use crate::sys::fs;
use crate::sys::git::{git, overlooked, retry};
use crate::sys::parallel;
use crate::sys::repo::{self, Worktree};
use anyhow::Result;
use std::path::{Path, PathBuf};

/// The message of the oldest entry in a branch's reflog.
pub fn birth_of_branch(repo: &Path, branch: &str) -> Result<Option<String>> {
    let reference = format!("refs/heads/{branch}");
    let log = git(repo).args(["reflog", "show", "--format=%gs", &reference, "--"]).output()?;
    Ok(log.success().then(|| log.text().lines().last().map(str::to_owned)).flatten())
}

/// Git in a worktree, wherever its directory is now. Told both by name, git writes nothing of where it found it; a monitor
/// of its files knows it by its usual place.
pub(super) fn git_in(tree: &Worktree) -> Cmd {
    let [dir, files] = ["--git-dir", "--work-tree"];
    git(&tree.path)
        .arg(dir)
        .arg(&tree.admin)
        .arg(files)
        .arg(&tree.path)
        .args(["-c", "core.fsmonitor=false"])
}

/// The files of a worktree that no commit holds as they are.
#[derive(Debug, Default)]
pub struct Unheld {
    /// Those that differ from the last commit or are not known to git, as `git status --porcelain` writes them.
    pub work: Vec<String>,
    /// Those that git ignores: what a pattern matches, a directory as one entry, whether it can be read or not.
    pub ignored: Vec<String>,
    /// Those that differ from the index, and of which git was told to overlook that.
    pub overlooked: Vec<String>,
}

/// What git says of a directory that it leaves out of its answer.
const UNREADABLE: &str = "could not open directory '";

/// Asks git for both at once: it walks through all directories but the ignored ones.
pub fn status(tree: &Worktree) -> Result<Unheld> {
    let status = || {
        git_in(tree).env("GIT_OPTIONAL_LOCKS", "0").args([
            "status",
            "--porcelain",
            "-z",
            "--untracked-files=normal",
            "--ignored=matching",
            "--ignore-submodules=none",
            "--no-renames",
        ])
    };
    let (overlooked, said) = parallel::both(|| overlooked::changed(tree), || retry(status));
    let (overlooked, said) = (overlooked?, said?);
    let hidden =
        said.stderr.lines().filter_map(|line| line.split_once(UNREADABLE)?.1.split_once('\''));
    let mut unheld = Unheld { overlooked, ..Unheld::default() };
    unheld.work.extend(hidden.map(|(dir, _)| format!("?? {dir}")));
    for entry in each_entry(&said.text()) {
        match entry.strip_prefix("!! ") {
            Some(file) => unheld.ignored.push(file.to_owned()),
            None => unheld.work.push(entry),
        }
    }
    Ok(unheld)
}

/// The ignored files below one of its directories.
pub fn ignored_below(tree: &Worktree, dir: &str) -> Result<Vec<String>> {
    let list = ["--literal-pathspecs", "ls-files", "-z", "--others", "--ignored"];
    entries(git_in(tree).args(list).args(["--exclude-standard", "--", dir]))
}

/// What a command lists with a zero byte behind each entry.
pub(super) fn entries(list: Cmd) -> Result<Vec<String>> {
    Ok(each_entry(&list.read()?))
}

pub(super) fn each_entry(listed: &str) -> Vec<String> {
    listed.split('\0').filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
}

/// Whether git ignores this file of a worktree.
pub fn ignores(path: &Path, file: &str) -> Result<bool> {
    Ok(git(path).args(["check-ignore", "--quiet", "--", file]).output()?.success())
}

/// The directory of a repository's hooks, and the scope of the setting that names it: `None` where it is git's
/// usual one.
pub fn hooks_dir(repo: &Path) -> Result<(PathBuf, Option<String>)> {
    let dir = repo.join(git(repo).args(["rev-parse", "--git-path", "hooks"]).read()?);
    let setting = git(repo).args(["config", "--show-scope", "--get", "core.hooksPath"]).output()?;
    let scope = setting.text().split('\t').next().map(str::to_owned);
    Ok((dir, scope.filter(|_| setting.success())))
}

/// The value of `core.hooksPath` as the main checkout sees it, when it is relative.
pub(super) fn relative_hooks_path(main: &Path) -> Result<Option<PathBuf>> {
    let setting = git(main).args(["config", "--type=path", "--get", "core.hooksPath"]).output()?;
    let dir = Some(PathBuf::from(setting.text())).filter(|_| setting.success());
    Ok(dir.filter(|dir| dir.is_relative() && !dir.as_os_str().is_empty()))
}

/// Whether git tracks this file of a worktree.
pub fn tracks(path: &Path, file: &str) -> Result<bool> {
    Ok(git(path).args(["ls-files", "--error-unmatch", "--", file]).output()?.success())
}

/// The commit that a revision names.
pub fn resolve(dir: &Path, revision: &str) -> Result<String> {
    let spec = format!("{revision}^{{commit}}");
    let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", &spec];
    let found = git(dir).args(args).output()?;
    if found.success() {
        return Ok(found.text());
    }
    let failure = error::not_found(format!("`{revision}` is not a commit"));
    Err(failure.hint("list commits: `git log --oneline --all`").into())
}

/// The commit that a reference names; `None`: it does not exist.
pub fn tip(dir: &Path, reference: &str) -> Result<Option<String>> {
    if let Some(commit) = repo::tip(dir, reference) {
        return Ok(Some(commit));
    }
    match resolve(dir, reference) {
        Err(error) if exit_of(&error) == Exit::NotFound => Ok(None),
        tip => tip.map(Some),
    }
}

/// The files of a commit, each with the id of its content.
pub fn files_of(dir: &Path, commit: &str) -> Result<Vec<(String, String)>> {
    let listed = entries(git(dir).args(["ls-tree", "-r", "-z", "--end-of-options", commit]))?;
    let file = |line: &String| {
        let (about, path) = line.split_once('\t')?;
        Some((path.to_owned(), about.rsplit(' ').next()?.to_owned()))
    };
    Ok(listed.iter().filter_map(file).collect())
}

/// How many commits the HEAD of a worktree has that none of the other references reach; the branches `except` are left out
/// of these. Its directory may be gone.
pub fn only_here(tree: &Worktree, except: &[String]) -> Result<usize> {
    // Asked without a process: most branches that go were merged, or never left the commit they began at.
    match repo::is_held(&tree.admin, None, except) {
        true => Ok(0),
        false => only(|| git(&tree.admin).arg("--git-dir").arg(&tree.admin), "HEAD", except),
    }
}

/// As [`only_here`], of a commit in the repository with this main checkout and common directory.
pub fn only_below(main: &Path, common: &Path, commit: &str, except: &[String]) -> Result<usize> {
    match repo::is_held(common, Some(commit), except) {
        true => Ok(0),
        false => only(|| git(main), commit, except),
    }
}

fn only(git: impl Fn() -> Cmd, tip: &str, except: &[String]) -> Result<usize> {
    // Below `refs/heads/`, as `--branches` is: a pattern with the whole name would exclude nothing.
    let but: Vec<String> = except.iter().map(|branch| format!("--exclude={branch}")).collect();
    let count = || {
        let command = git().args(["rev-list", "--count", tip, "--not"]).args(&but);
        command.args(["--branches", "--remotes", "--tags"])
    };
    Ok(retry(count)?.text().parse().unwrap_or(0))
}

/// The submodules that were cloned for this worktree alone and hold commits which no remote of theirs has, as far as
/// is known here: each with how many there are; `None` when git cannot count them.
pub fn only_in_submodules(tree: &Worktree) -> Result<Vec<(String, Option<usize>)>> {
    if fs::entries(&tree.admin.join("modules"))?.is_empty() {
        return Ok(Vec::new());
    }
    // Without a number where git fails: a submodule that is broken is no reason to say nothing of the others.
    let count = r#"echo "$(git rev-list --count --all --not --remotes --tags) $displaypath""#;
    let listed =
        git(&tree.path).args(["submodule", "--quiet", "foreach", "--recursive", count]).read()?;
    let counted = listed.lines().filter_map(|line| line.split_once(' '));
    let counted = counted.map(|(count, path)| (path.to_owned(), count.parse().ok()));
    Ok(counted.filter(|(_, count)| *count != Some(0)).collect())
}

/// The admin directory that a worktree's `.git` file names.
pub fn admin_of(path: &Path) -> Result<PathBuf> {
    let text = fs::word(&path.join(".git")).unwrap_or_default();
    let Some(admin) = text.strip_prefix("gitdir: ") else {
        let message = format!("{} is not a linked worktree", path.display());
        return Err(error::not_found(message).into());
    };
    Ok(fs::canonical(&path.join(admin)))
}
