//! Writes to the repository, through the `git` command.

mod include;
mod keep;
mod merged;
mod overlooked;
mod query;
pub mod status;

pub use include::{Patterns, files, ignored_among, matching, matching_whole, naming, words};
pub use keep::{branch_settings, held, hold, let_go, recreate_branch};
pub use merged::{default_branch, history};
pub use query::{
    Unheld, admin_of, birth_of_branch, files_of, hooks_dir, ignored_below, ignores, only_below,
    only_here, only_in_submodules, resolve, status, tip, tracks,
};

use super::exec::{Cmd, Output, complaint};
use super::fs;
use super::repo::MARK;
use crate::error;
use crate::sys::failpoint;
use anyhow::Result;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The variable by which our own post-checkout hook knows that we are at work already.
pub const WORKING: &str = "AGENTENV_WORKING";

/// A command of git in a directory, with our own hook kept quiet. A checkout may take as long as it needs.
pub fn git(dir: &Path) -> Cmd {
    // Which refusals will pass is told by their words. LC_ALL would change how hooks read their files, too.
    Cmd::new("git").arg("-C").arg(dir).env(WORKING, "1").env("LANGUAGE", "en").patience(None)
}

/// A command of git that writes references or settings: in a moment, and under a lock file that others run into.
fn brief(dir: &Path) -> Cmd {
    git(dir).whole()
}

/// The same in a repository's common directory, which git then names as it is.
fn in_common(common: &Path) -> Cmd {
    brief(common).arg("--git-dir").arg(common)
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
pub fn create_branch(repo: &Path, branch: &str, commit: &str, mark: &str) -> Result<()> {
    new_branch(repo, branch, commit, mark).read()?;
    failpoint::point("branch-created")
}

fn new_branch(repo: &Path, branch: &str, commit: &str, mark: &str) -> Cmd {
    let reference = format!("refs/heads/{branch}");
    let none = "0".repeat(commit.len());
    brief(repo).args(["update-ref", "--create-reflog", "-m", mark, &reference, commit, &none])
}

/// Makes a branch follow a remote's branch of the same name.
pub fn track(repo: &Path, branch: &str, remote: &str) -> Result<()> {
    // In full: a local branch or a tag may be called `origin/x`, too.
    let upstream = format!("--set-upstream-to=refs/remotes/{remote}/{branch}");
    retry(|| brief(repo).args(["branch", "--quiet", &upstream, "--", branch]))?;
    failpoint::point("branch-tracked")
}

/// Makes the admin part of a worktree, locked by `mark`, with nothing checked out, and marks it as the lease's.
pub fn add_worktree(repo: &Path, path: &Path, what: Checkout<'_>, mark: &str) -> Result<()> {
    let add = |reason: &[&str]| {
        let base = brief(repo)
            .args(["worktree", "add", "--quiet", "--no-checkout", "--lock"])
            .args(reason);
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
    failpoint::point("worktree-added")
}

/// Writes into the admin directory of the worktree at `path` whose it is; it is on the disk after a sync of that directory.
pub fn mark_worktree(path: &Path, lease: &str) -> Result<PathBuf> {
    let admin = admin_of(path)?;
    fs::sweep_of(&admin.join(MARK))?;
    fs::put(&admin.join(MARK), format!("{lease}\n").as_bytes())?;
    Ok(admin)
}

/// Fills a worktree that was made without a checkout.
///
/// A relative `core.hooksPath` means the main checkout's directory: in the new worktree it would name hooks of a
/// branch that the user has not read yet.
pub fn checkout(main: &Path, path: &Path) -> Result<()> {
    let workers = ["-c", "checkout.workers=0"];
    let hooks = query::relative_hooks_path(main)?.map(|dir| {
        let mut setting = OsString::from("core.hooksPath=");
        setting.push(main.join(dir));
        [OsString::from("-c"), setting]
    });
    let hooks = hooks.iter().flatten();
    let checkout = ["checkout", "--quiet", "--force", "HEAD"];
    retry(|| git(path).args(workers).args(hooks.clone()).args(checkout))?;
    failpoint::point("checked-out")
}

/// Tells git where a worktree is that was moved without its help.
pub fn repair_worktree(repo: &Path, place: &Path) -> Result<()> {
    retry(|| brief(repo).args(["worktree", "repair"]).arg(place)).map(drop)
}

/// Moves a worktree to a path where nothing is.
pub fn move_worktree(repo: &Path, from: &Path, to: &Path) -> Result<()> {
    retry(|| git(repo).args(["worktree", "move", "--"]).arg(from).arg(to))?;
    failpoint::point("worktree-moved")
}

/// Writes the index of a worktree anew, with what its HEAD has. The files stay as they are.
pub fn write_index(admin: &Path, tree: &Path) -> Result<()> {
    let [dir, files] = ["--git-dir", "--work-tree"];
    let git = || git(tree).arg(dir).arg(admin).arg(files).arg(tree);
    git().args(["read-tree", "HEAD"]).read()?;
    // Says by its exit code that files are changed.
    git().args(["update-index", "-q", "--refresh"]).output().map(drop)
}

/// Renames a branch, with its settings and its reflog, also where it is checked out.
pub fn rename_branch(repo: &Path, from: &str, to: &str) -> Result<()> {
    retry(|| brief(repo).args(["branch", "--move", "--", from, to]))?;
    failpoint::point("branch-renamed")
}

/// Takes our lock off a worktree.
pub fn unlock(admin: &Path) -> Result<()> {
    fs::remove(&admin.join("locked"))
}

/// Removes a worktree. Without `force`, git refuses when work would be lost; a locked one it always refuses.
pub fn remove_worktree(repo: &Path, path: &Path, force: bool) -> Result<()> {
    let force: &[&str] = if force { &["--force"] } else { &[] };
    retry(|| git(repo).args(["worktree", "remove"]).args(force).arg("--").arg(path))?;
    failpoint::point("worktree-removed")
}

/// Deletes a local branch of the repository with this common directory that stands at `commit`, and leaves it when it moved.
pub fn delete_branch(common: &Path, branch: &str, commit: &str) -> Result<()> {
    let reference = format!("refs/heads/{branch}");
    let section = format!("branch.{branch}");
    // First, for as long as the branch is there this is tried again.
    if may_have_settings(common, branch)? {
        let removed = run(&|| in_common(common).args(["config", "--remove-section", &section]))?;
        if removed.stderr.contains(LOCKED) {
            require("git config --remove-section", removed)?;
        }
    }
    retry(|| in_common(common).args(["update-ref", "-d", &reference, commit]))?;
    failpoint::point("branch-deleted")
}

/// Whether the repository's settings name a branch. Most have none: git would only take the lock, for which the gits of other
/// removals wait.
fn may_have_settings(common: &Path, branch: &str) -> Result<bool> {
    let settings = fs::read_own(&common.join("config"))?.unwrap_or_default();
    let settings = String::from_utf8_lossy(&settings).to_lowercase();
    // These stand there with a backslash.
    Ok(branch.contains(['"', '\\']) || settings.contains(&branch.to_lowercase()))
}

/// Git's exit code for an option that it does not know.
const USAGE: i32 = 129;

/// What git says of another git's lock.
const LOCKED: &str = "could not lock";

/// What git says when another git is in the way: with its lock file, with an admin directory that is half written or half
/// removed (`Invalid path` when its last file goes while git resolves it), or with a branch that it deleted.
const PASSING: &[&str] = &[
    "commondir",
    "config.lock",
    LOCKED,
    "cannot lock ref",
    "File exists",
    "bad object",
    "Invalid path",
];

/// How often a command is tried that ran into another git, and how long between.
const TRIES: u32 = 8;
const PAUSE: Duration = Duration::from_millis(25);

fn retry(command: impl Fn() -> Cmd) -> Result<Output> {
    let name = command().name();
    require(&name, run(&command)?)
}

/// Runs a command again when another git was in the way.
fn run(command: &dyn Fn() -> Cmd) -> Result<Output> {
    let mut output = command().output()?;
    for attempt in 1..TRIES {
        if output.success() || !PASSING.iter().any(|text| output.stderr.contains(text)) {
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
    Err(error::failed(complaint(name, &output)).into())
}
