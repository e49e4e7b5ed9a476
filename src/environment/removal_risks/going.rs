//! The branches that are deleted.

use crate::model::lease::Lease;
use crate::sys::store::Store;
use std::path::PathBuf;
use std::sync::OnceLock;

/// The branches that are deleted: none of them keeps the commits of another.
pub struct Going<'a> {
    store: &'a Store,
    repositories: Vec<PathBuf>,
    own: Vec<String>,
    all: OnceLock<Vec<String>>,
    /// Those of the environments that are looked at are among them.
    pub(super) with_own: bool,
}

/// The branches that go with these environments, and with those of their repositories whose removal is on record.
pub fn branches<'a>(store: &'a Store, leases: &[&Lease], with_branch: bool) -> Going<'a> {
    let repositories = leases.iter().map(|lease| lease.repository.clone()).collect();
    let own = leases.iter().filter(|_| with_branch).filter_map(|lease| lease.branch.clone());
    Going { store, repositories, own: own.collect(), all: OnceLock::new(), with_own: with_branch }
}

impl Going<'_> {
    /// All of them. The leases are read for it when it is first asked: of most worktrees, no commit is in question.
    pub(super) fn branches(&self) -> &[String] {
        self.all.get_or_init(|| {
            // A store that cannot be read removes nothing.
            let (recorded, _) = self.store.survey().unwrap_or_default();
            let is_near = |one: &Lease| self.repositories.contains(&one.repository);
            let going = recorded.into_iter().filter(|one| one.delete_branch_at.is_some());
            let recorded = going.filter(is_near).filter_map(|one| one.branch);
            recorded.chain(self.own.iter().cloned()).collect()
        })
    }
}
