//! Writes to the repository, through the `git` command.

use super::exec::{Cmd, Output, complaint};
use super::repo::{MARK, Worktree};
use super::{fault, fs};
use crate::error::{Exit, Failure};
use anyhow::Result;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The variable by which our own post-checkout hook knows that we are at work already.
pub const WORKING: &str = "AGENTENV_WORKING";

/// A command of git in a directory, with our own hook kept quiet. A checkout may take as long as it needs.
pub fn git(dir: &Path) -> Cmd {
    // Which refusals will pass is told by their words. LC_ALL would change how hooks read their files, too.
    Cmd::new("git").arg("-C").arg(dir).env(WORKING, "1").env("LANGUAGE", "en").patience(None)
}

/// What to check out in a new worktree.
#[derive(Debug, Clone, Copy)]
pub enum Checkout<'a> {
    /// A local branch.
    Branch(&'a str),
    /// A commit, on no branch.
    Detached(&'a str),
}

/// Creates a branch that is not there yet; its reflog's first entry carries `mark`.
///
/// # Errors
/// When there is one of this name, or git refuses.
pub fn create_branch(repo: &Path, branch: &str, commit: &str, mark: &str) -> Result<()> {
    let reference = format!("refs/heads/{branch}");
    let none = "0".repeat(commit.len());
    git(repo)
        .args(["update-ref", "--create-reflog", "-m", mark, &reference, commit, &none])
        .read()?;
    fault::point("branch-created")
}

/// Makes a branch follow a remote's branch of the same name.
///
/// # Errors
/// When git refuses.
pub fn track(repo: &Path, branch: &str, remote: &str) -> Result<()> {
    // In full: a local branch or a tag may be called `origin/x`, too.
    let upstream = format!("--set-upstream-to=refs/remotes/{remote}/{branch}");
    retry(|| git(repo).args(["branch", "--quiet", &upstream, "--", branch]))?;
    fault::point("branch-tracked")
}

/// Makes the admin part of a worktree, locked by `mark`, with nothing checked out, and marks it as the lease's.
///
/// # Errors
/// When git refuses; its message says why.
pub fn add_worktree(repo: &Path, path: &Path, what: Checkout<'_>, mark: &str) -> Result<()> {
    let add = |reason: &[&str]| {
        let base =
            git(repo).args(["worktree", "add", "--quiet", "--no-checkout", "--lock"]).args(reason);
        match what {
            Checkout::Branch(branch) => base.arg("--").arg(path).arg(branch),
            Checkout::Detached(commit) => base.arg("--detach").arg("--").arg(path).arg(commit),
        }
    };
    let with_reason = run(&|| add(&["--reason", mark]))?;
    if with_reason.code == USAGE {
        // Git before 2.34 knows no reason here; until the next step the empty tree itself says whose it is.
        require("git worktree add", run(&|| add(&[]))?)?;
        let admin = admin_of(path)?;
        fs::replace(&admin.join("locked"), format!("{mark}\n").as_bytes())?;
    } else {
        require("git worktree add", with_reason)?;
    }
    fault::point("worktree-added")
}

/// Writes into the admin directory of the worktree at `path` whose it is.
///
/// # Errors
/// When it cannot be written, or there is no worktree at `path`.
pub fn mark_worktree(path: &Path, lease: &str) -> Result<PathBuf> {
    let admin = admin_of(path)?;
    fs::replace(&admin.join(MARK), format!("{lease}\n").as_bytes())?;
    Ok(admin)
}

/// Fills a worktree that was made without a checkout.
///
/// # Errors
/// When git fails, for want of disk space or in a filter.
pub fn checkout(path: &Path) -> Result<()> {
    let workers = ["-c", "checkout.workers=0"];
    retry(|| git(path).args(workers).args(["checkout", "--quiet", "--force", "HEAD"]))?;
    fault::point("checked-out")
}

/// Takes our lock off a worktree.
///
/// # Errors
/// When the lock cannot be removed.
pub fn unlock(admin: &Path) -> Result<()> {
    fs::remove(&admin.join("locked"))
}

/// Removes a worktree. Without `force`, git refuses when work would be lost; a locked one it always refuses.
///
/// # Errors
/// When git refuses.
pub fn remove_worktree(repo: &Path, path: &Path, force: bool) -> Result<()> {
    let force: &[&str] = if force { &["--force"] } else { &[] };
    retry(|| git(repo).args(["worktree", "remove"]).args(force).arg("--").arg(path))?;
    fault::point("worktree-removed")
}

/// Deletes a local branch that stands at `commit`, and leaves it when it moved.
///
/// # Errors
/// When git refuses.
pub fn delete_branch(repo: &Path, branch: &str, commit: &str) -> Result<()> {
    let reference = format!("refs/heads/{branch}");
    let section = format!("branch.{branch}");
    // First, for as long as the branch is there this is tried again. A branch need not have settings.
    let removed = run(&|| git(repo).args(["config", "--remove-section", &section]))?;
    if removed.stderr.contains(LOCKED) {
        require("git config --remove-section", removed)?;
    }
    retry(|| git(repo).args(["update-ref", "-d", &reference, commit]))?;
    fault::point("branch-deleted")
}

/// The message of the oldest entry in a branch's reflog.
///
/// # Errors
/// When git cannot be run.
pub fn birth_of_branch(repo: &Path, branch: &str) -> Result<Option<String>> {
    let reference = format!("refs/heads/{branch}");
    let log = git(repo).args(["reflog", "show", "--format=%gs", &reference, "--"]).output()?;
    Ok(log.success().then(|| log.text().lines().last().map(str::to_owned)).flatten())
}

/// Files that differ from the last commit or are not known to git, as `git status --porcelain` writes them.
///
/// # Errors
/// When git cannot say.
pub fn status(path: &Path) -> Result<Vec<String>> {
    entries(git(path).env("GIT_OPTIONAL_LOCKS", "0").args([
        "status",
        "--porcelain",
        "-z",
        "--untracked-files=normal",
        "--ignore-submodules=none",
        "--no-renames",
    ]))
}

/// Files below `path` that git ignores, directories as one entry.
///
/// # Errors
/// When git cannot say.
pub fn ignored(path: &Path) -> Result<Vec<String>> {
    listed(path, &["--directory"])
}

/// The ignored files below one of its directories.
///
/// # Errors
/// When git cannot say.
pub fn ignored_below(path: &Path, dir: &str) -> Result<Vec<String>> {
    listed(path, &["--", dir])
}

fn listed(path: &Path, args: &[&str]) -> Result<Vec<String>> {
    let list = ["--literal-pathspecs", "ls-files", "-z", "--others", "--ignored"];
    entries(git(path).args(list).arg("--exclude-standard").args(args))
}

/// What a command lists with a zero byte behind each entry.
fn entries(list: Cmd) -> Result<Vec<String>> {
    let listed = list.read()?;
    Ok(listed.split('\0').filter(|entry| !entry.is_empty()).map(str::to_owned).collect())
}

/// Whether git ignores this file of a worktree.
///
/// # Errors
/// When git cannot say.
pub fn ignores(path: &Path, file: &str) -> Result<bool> {
    Ok(git(path).args(["check-ignore", "--quiet", "--", file]).output()?.success())
}

/// The directory of a repository's hooks, and the scope of the setting that names it: `None` where it is git's
/// usual one.
///
/// # Errors
/// When git cannot say.
pub fn hooks_dir(repo: &Path) -> Result<(PathBuf, Option<String>)> {
    let dir = repo.join(git(repo).args(["rev-parse", "--git-path", "hooks"]).read()?);
    let setting = git(repo).args(["config", "--show-scope", "--get", "core.hooksPath"]).output()?;
    let scope = setting.text().split('\t').next().map(str::to_owned);
    Ok((dir, scope.filter(|_| setting.success())))
}

/// Whether git tracks this file of a worktree.
///
/// # Errors
/// When git cannot say.
pub fn tracks(path: &Path, file: &str) -> Result<bool> {
    Ok(git(path).args(["ls-files", "--error-unmatch", "--", file]).output()?.success())
}

/// The commit that a revision names.
///
/// # Errors
/// When it names none.
pub fn resolve(dir: &Path, revision: &str) -> Result<String> {
    let spec = format!("{revision}^{{commit}}");
    let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", &spec];
    let found = git(dir).args(args).output()?;
    if found.success() {
        return Ok(found.text());
    }
    let failure = Failure::new(Exit::NotFound, format!("`{revision}` is not a commit"));
    Err(failure.hint("`git log --oneline --all` shows commits").into())
}

/// How many commits `head` has that none of the other references reach; `except` is left out of these.
///
/// # Errors
/// When git cannot say.
pub fn only_here(path: &Path, head: &str, except: Option<&str>) -> Result<usize> {
    // Below `refs/heads/`, as `--branches` is: a pattern with the whole name would exclude nothing.
    let but = except.map(|branch| format!("--exclude={branch}"));
    let count = || {
        let command = git(path).args(["rev-list", "--count", head, "--not"]).args(&but);
        command.args(["--branches", "--remotes", "--tags"])
    };
    Ok(retry(count)?.text().parse().unwrap_or(0))
}

/// The submodules that were cloned for this worktree alone and hold commits which no remote of theirs has, as far as
/// is known here: each with how many there are; `None` when git cannot count them.
///
/// # Errors
/// When git cannot say.
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
///
/// # Errors
/// When there is no worktree at `path`.
pub fn admin_of(path: &Path) -> Result<PathBuf> {
    let text = fs::word(&path.join(".git")).unwrap_or_default();
    let Some(admin) = text.strip_prefix("gitdir: ") else {
        let message = format!("{} is not a linked worktree", path.display());
        return Err(Failure::new(Exit::NotFound, message).into());
    };
    Ok(fs::canonical(&path.join(admin)))
}

/// Git's exit code for an option that it does not know.
const USAGE: i32 = 129;

/// What git says of another git's lock.
const LOCKED: &str = "could not lock";

/// How often a command is tried that ran into another git, and how long between.
const TRIES: u32 = 8;
const PAUSE: Duration = Duration::from_millis(25);

fn retry(command: impl Fn() -> Cmd) -> Result<Output> {
    let name = command().name();
    require(&name, run(&command)?)
}

/// Runs a command again when another git was in the way: its lock file, its admin directory that is half written or
/// half removed, or a branch that it deleted while this one read it.
fn run(command: &dyn Fn() -> Cmd) -> Result<Output> {
    let mut output = command().output()?;
    for attempt in 1..TRIES {
        let passing =
            ["commondir", "config.lock", LOCKED, "cannot lock ref", "File exists", "bad object"];
        if output.success() || !passing.iter().any(|text| output.stderr.contains(text)) {
            break;
        }
        std::thread::sleep(PAUSE * attempt);
        output = command().output()?;
    }
    Ok(output)
}

fn require(name: &str, output: Output) -> Result<Output> {
    if output.success() {
        return Ok(output);
    }
    Err(Failure::new(Exit::Failed, complaint(name, &output)).into())
}
