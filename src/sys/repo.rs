//! Reads of the repository, through gix.

mod worktrees;

pub use worktrees::{MARK, Worktree, checked_out, main_branch, mark, worktree, worktrees};

use super::{env, fs};
use crate::error;
use anyhow::{Context, Result};
use gix::bstr::ByteSlice;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// A repository, seen from one directory.
pub struct Repo {
    git: gix::Repository,
    /// The common git directory, canonical.
    pub common: PathBuf,
    /// The main checkout; of a bare repository, its directory.
    pub main: PathBuf,
    /// It has no main checkout.
    pub bare: bool,
    /// The root of the worktree around the directory it was found from.
    pub here: Option<PathBuf>,
    /// The lease that this worktree belongs to, wherever it was moved.
    pub lease: Option<String>,
}

/// A branch and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteBranch {
    /// The remote's name.
    pub remote: String,
    /// Its commit.
    pub commit: String,
}

impl Repo {
    /// The repository around a directory, else the one that git's own variables name.
    pub fn discover(dir: &Path) -> Result<Repo> {
        let found = gix::discover(dir).or_else(|error| {
            if env::path("GIT_DIR").is_none() {
                return Err(error);
            }
            gix::discover_with_environment_overrides(dir)
        });
        let git = found.map_err(|error| {
            let message = format!("not in a git repository: {}", dir.display());
            let failure = error::not_found(message)
                .hint("change to a repository, or name one: `git -C <dir> agentenv …`");
            // Else it only says the same once more.
            match error.to_string().starts_with("Could not find a git repository") {
                true => failure.into(),
                false => anyhow::Error::new(error).context(failure),
            }
        })?;
        require_files(&git)?;
        let common = fs::canonical(git.common_dir());
        let here = git.workdir().map(fs::canonical);
        let (main, bare) = main_of(&git, &common)?;
        let lease = mark(git.git_dir());
        Ok(Repo { git, common, main, bare, here, lease })
    }

    /// The directory's name that stands for the repository in templates.
    pub fn name(&self) -> String {
        let named = if self.bare
            && self.main.file_name().is_some_and(|name| name == ".git" || name == ".bare")
        {
            self.main.parent().unwrap_or(&self.main)
        } else {
            &self.main
        };
        let name = named.file_name().unwrap_or_default().to_string_lossy();
        name.strip_suffix(".git").filter(|_| self.bare).unwrap_or(&name).to_owned()
    }

    /// The worktrees that are linked to it.
    pub fn worktrees(&self) -> Result<Vec<Worktree>> {
        worktrees(&self.common)
    }

    /// The commit of a local branch.
    pub fn branch(&self, name: &str) -> Option<String> {
        self.commit_of(&format!("refs/heads/{name}"))
    }

    /// The branch that keeps git from creating one of this name: `feature` beside `feature/x`.
    pub fn branch_in_the_way(&self, name: &str, but: Option<&str>) -> Option<String> {
        let counts = |other: &String| Some(other.as_str()) != but;
        let above = name.match_indices('/').map(|(at, _)| name[..at].to_owned());
        let above = above.filter(counts).find(|above| self.branch(above).is_some());
        let below = || {
            let references = self.git.references().ok()?;
            let prefix = format!("refs/heads/{name}/");
            let all = references.prefixed(prefix.as_str()).ok()?.flatten();
            all.map(|one| one.name().shorten().to_string()).find(counts)
        };
        above.or_else(below)
    }

    /// The commit that a full reference name leads to.
    pub fn commit_of(&self, reference: &str) -> Option<String> {
        let mut found = self.git.try_find_reference(reference).ok()??;
        found.peel_to_id().ok().map(|id| id.to_string())
    }

    /// The commit that is checked out where the repository was found.
    pub fn head(&self) -> Result<String> {
        let head = self.git.head_id().map_err(|error| {
            anyhow::Error::new(error).context(
                error::not_found("the repository has no commit yet")
                    .hint("create a first commit: a worktree starts from a commit"),
            )
        })?;
        Ok(head.to_string())
    }

    /// The remotes that have a branch of this name.
    pub fn remotes_with(&self, branch: &str) -> Vec<RemoteBranch> {
        let found = self.remotes().filter_map(|remote| {
            let commit = self.commit_of(&format!("refs/remotes/{remote}/{branch}"))?;
            Some(RemoteBranch { remote, commit })
        });
        found.collect()
    }

    /// The branch that is checked out where the repository was found.
    pub fn head_branch(&self) -> Option<String> {
        Some(self.git.head_name().ok()??.shorten().to_string())
    }

    /// The remote and the branch of `origin/x`, if there is one.
    pub fn remote_branch(&self, name: &str) -> Option<(String, String)> {
        self.commit_of(&format!("refs/remotes/{name}"))?;
        self.remotes().find_map(|remote| {
            let branch = name.strip_prefix(&remote)?.strip_prefix('/')?.to_owned();
            Some((remote, branch))
        })
    }

    fn remotes(&self) -> impl Iterator<Item = String> {
        let names = self.git.remote_names().into_iter();
        names.filter_map(|name| Some(name.to_str().ok()?.to_owned()))
    }

    /// Local branches, then those that only a remote has, without its name.
    pub fn branches(&self) -> Result<Vec<String>> {
        let platform = self.git.references().context("cannot read the references")?;
        let short = |reference: gix::Reference<'_>| reference.name().shorten().to_string();
        let local = platform.local_branches()?.filter_map(Result::ok).map(short);
        let remotes: Vec<String> = self.remotes().map(|remote| remote + "/").collect();
        let remote = platform.remote_branches()?.filter_map(Result::ok).map(short);
        let remote = remote.filter_map(|name| {
            // A remote's name can hold a slash, and begin another's.
            let branches = remotes.iter().filter_map(|remote| name.strip_prefix(remote.as_str()));
            branches.min_by_key(|branch| branch.len()).map(str::to_owned)
        });
        let mut known = HashSet::new();
        let all = local.chain(remote.filter(|branch| branch != "HEAD"));
        Ok(all.filter(|branch| known.insert(branch.clone())).collect())
    }

    /// Local branches, then those of remotes and tags, all without `refs/…/`.
    pub fn revisions(&self) -> Result<Vec<String>> {
        let platform = self.git.references().context("cannot read the references")?;
        let all = platform.local_branches()?.chain(platform.remote_branches()?);
        let named = all.chain(platform.tags()?).filter_map(Result::ok);
        Ok(named.map(|reference| reference.name().shorten().to_string()).collect())
    }

    /// The branch that the main checkout is on.
    pub fn main_branch(&self) -> Option<String> {
        main_branch(&self.common)
    }

    /// A file as the last commit has it; for a repository without a main checkout.
    pub fn committed(&self, path: &str) -> Option<Vec<u8>> {
        let tree = self.git.head_commit().ok()?.tree().ok()?;
        let entry = tree.lookup_entry_by_path(path).ok()??;
        Some(entry.object().ok()?.data.clone())
    }

    /// A value of git's configuration.
    pub fn setting(&self, key: &str) -> Option<String> {
        self.git.config_snapshot().string(key).map(|value| value.to_string())
    }

    /// Whether git would take this as a branch's name.
    pub fn is_branch_name(name: &str) -> bool {
        let full = format!("refs/heads/{name}");
        !name.is_empty()
            && !name.starts_with('-')
            && name != "HEAD"
            && name != "@"
            && gix::validate::reference::name(full.as_bytes().as_bstr()).is_ok()
    }
}

/// The commit of a reference of the repository at this place; `None`: ask git.
pub fn tip(dir: &Path, reference: &str) -> Option<String> {
    let git = gix::open(dir).ok()?;
    let mut found = git.try_find_reference(reference).ok()??;
    found.peel_to_id().ok().map(|id| id.to_string())
}

/// Whether a branch, remote branch or tag stands at a commit, or at the HEAD of this git directory; the branches `except`
/// do not count. `false`: one may hold it all the same.
pub fn is_held(dir: &Path, commit: Option<&str>, except: &[String]) -> bool {
    let but: Vec<String> = except.iter().map(|branch| format!("refs/heads/{branch}")).collect();
    let is_held = || {
        let git = gix::open(dir).ok()?;
        let tip = match commit {
            Some(commit) => gix::ObjectId::from_hex(commit.as_bytes()).ok()?,
            None => git.head_id().ok()?.detach(),
        };
        let all = git.references().ok()?;
        let local = all.local_branches().ok()?.chain(all.remote_branches().ok()?);
        let mut all = local.chain(all.tags().ok()?).filter_map(Result::ok);
        Some(all.any(|reference| {
            reference.try_id().is_some_and(|id| id == tip)
                && !but.iter().any(|but| reference.name().as_bstr() == but)
        }))
    };
    is_held().unwrap_or(false)
}

/// gix reads references in files only: in a reftable it sees no branch and no commit.
fn require_files(git: &gix::Repository) -> Result<()> {
    let format = git.config_snapshot().string("extensions.refStorage");
    match format.filter(|format| format.as_slice() != b"files") {
        None => Ok(()),
        Some(format) => {
            let message = format!("cannot read references in the format `{format}`");
            let hint = "convert the repository: `git refs migrate --ref-format=files`";
            Err(error::failed(message).hint(hint).into())
        }
    }
}

/// The main checkout, and whether there is none.
fn main_of(git: &gix::Repository, common: &Path) -> Result<(PathBuf, bool)> {
    if git.is_bare() && git.workdir().is_none() {
        return Ok((common.to_owned(), true));
    }
    let main = git.main_repo().context("cannot open the repository's main checkout")?;
    match main.workdir() {
        Some(dir) if !main.is_bare() => Ok((fs::canonical(dir), false)),
        _ => Ok((common.to_owned(), true)),
    }
}
