//! The branches that are deleted.

use crate::model::lease::Lease;
use crate::sys::store::Store;

/// The branches that are deleted: none of them keeps the commits of another.
pub struct Going {
    pub(super) branches: Vec<String>,
    /// Those of the environments that are looked at are among them.
    pub(super) with_own: bool,
}

/// The branches that go with these environments, and with those of their repositories whose removal is on record.
pub fn branches(store: &Store, leases: &[&Lease], with_branch: bool) -> Going {
    // A store that cannot be read removes nothing.
    let (recorded, _) = store.survey().unwrap_or_default();
    let is_near = |one: &Lease| leases.iter().any(|lease| lease.repository == one.repository);
    let going = recorded.into_iter().filter(|one| one.delete_branch_at.is_some());
    let mut branches: Vec<String> = going.filter(is_near).filter_map(|one| one.branch).collect();
    if with_branch {
        branches.extend(leases.iter().filter_map(|lease| lease.branch.clone()));
    }
    Going { branches, with_own: with_branch }
}
