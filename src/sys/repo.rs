//! Reads of the repository, through gix.

use super::{env, fs, parallel};
use crate::error;
use anyhow::{Context, Result};
use gix::bstr::ByteSlice;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

/// The file in a worktree's admin directory that says which lease it belongs to.
///
/// Git ignores it, keeps it when the tree is moved, and removes it with the admin directory.
pub const MARK: &str = "agentenv";

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

/// A linked worktree, as its admin directory tells.
#[derive(Debug, Clone)]
pub struct Worktree {
    /// Its directory below `worktrees/` in the common directory.
    pub admin: PathBuf,
    /// Where it was when git last looked.
    pub path: PathBuf,
    /// The branch that is checked out; `None`: a detached HEAD.
    pub branch: Option<String>,
    /// Why it is locked, when it is.
    pub locked: Option<String>,
    /// The lease that it belongs to.
    pub lease: Option<String>,
}

impl Worktree {
    /// Its directory is there and is this worktree's.
    pub fn is_present(&self) -> bool {
        let pointer = fs::word(&self.path.join(".git"));
        pointer
            .and_then(|text| text.strip_prefix("gitdir: ").map(PathBuf::from))
            .is_some_and(|admin| fs::canonical(&self.path.join(admin)) == self.admin)
    }
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
        let lease = fs::word(&git.git_dir().join(MARK));
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
    pub fn branch_in_the_way(&self, name: &str) -> Option<String> {
        let above = name.match_indices('/').map(|(at, _)| &name[..at]);
        let above = above.filter(|above| self.branch(above).is_some()).map(str::to_owned).next();
        let below = || {
            let references = self.git.references().ok()?;
            let prefix = format!("refs/heads/{name}/");
            let first = references.prefixed(prefix.as_str()).ok()?.next()?.ok()?;
            Some(first.name().shorten().to_string())
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

/// The worktrees that are linked to the repository with this common directory.
pub fn worktrees(common: &Path) -> Result<Vec<Worktree>> {
    let admins = fs::entries(&fs::canonical(&common.join("worktrees")))?;
    Ok(parallel::each_by_cpu(&admins, |admin| worktree(admin)).into_iter().flatten().collect())
}

/// The branch that the main checkout of the repository with this common directory is on.
pub fn main_branch(common: &Path) -> Option<String> {
    head_branch(&common.join("HEAD"))
}

/// The branches that are checked out, each with the linked worktree that has it; `None`: the main checkout.
/// Git refuses to check out one of these once more, and deleting one breaks its worktree.
///
/// The HEAD of a bare repository counts as checked out: git falls back on it.
pub fn checked_out(common: &Path) -> Result<BTreeMap<String, Option<Worktree>>> {
    let linked = worktrees(common)?.into_iter();
    let linked = linked.filter_map(|tree| Some((tree.branch.clone()?, Some(tree))));
    let main = main_branch(common).map(|branch| (branch, None));
    Ok(main.into_iter().chain(linked).collect())
}

/// What one admin directory says; `None` when git would not call it a worktree either.
fn worktree(admin: &Path) -> Option<Worktree> {
    let pointer = PathBuf::from(fs::word(&admin.join("gitdir"))?);
    let pointer = if pointer.is_absolute() { pointer } else { fs::canonical(&admin.join(pointer)) };
    let path = pointer.parent()?.to_owned();
    Some(Worktree {
        branch: head_branch(&admin.join("HEAD")),
        locked: fs::word(&admin.join("locked")),
        lease: fs::word(&admin.join(MARK)),
        path,
        admin: admin.to_owned(),
    })
}

fn head_branch(head: &Path) -> Option<String> {
    let text = fs::word(head)?;
    Some(text.strip_prefix("ref: refs/heads/")?.to_owned())
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
