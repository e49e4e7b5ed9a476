//! The worktrees of several repositories: each repository is read once.

use crate::environment::worktree;
use crate::error;
use crate::model::lease::Lease;
use crate::sys::repo::{self, Worktree};
use anyhow::{Result, anyhow};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The worktrees of repositories as they were at one moment.
pub struct Trees(BTreeMap<PathBuf, Result<Vec<Worktree>>>);

impl Trees {
    /// Reads the worktrees of the repositories of these leases.
    pub fn of<'a>(leases: impl IntoIterator<Item = &'a Lease>) -> Self {
        let mut read = BTreeMap::new();
        for lease in leases {
            let repository = lease.repository.clone();
            read.entry(repository).or_insert_with_key(|common| repo::worktrees(common));
        }
        Trees(read)
    }

    /// The worktree of a lease, also one that `add` did not finish.
    ///
    /// # Errors
    /// When its repository could not be read.
    pub fn find(&self, lease: &Lease) -> Result<Option<&Worktree>> {
        Ok(worktree::among(lease, self.of_repository(lease)?))
    }

    /// All worktrees of a lease's repository.
    ///
    /// # Errors
    /// When it could not be read, or was not: that is no sign that its worktrees are gone.
    pub fn of_repository(&self, lease: &Lease) -> Result<&[Worktree]> {
        match self.0.get(&lease.repository) {
            Some(trees) => trees.as_deref().map_err(error::again),
            None => Err(anyhow!("the worktrees of {} were not read", lease.repository.display())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_that_was_not_read_is_not_one_without_worktrees() {
        let trees = Trees::of([]);
        assert!(trees.find(&Lease::example()).is_err());
        assert!(trees.of_repository(&Lease::example()).is_err());
    }
}
