//! Which environments are not needed any more: those that nothing has used for a time, and those whose branch is merged.

use serde::Serialize;

/// What is known of the use of an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Use {
    /// When HEAD moved, the index or a file changed last, in seconds since 1970.
    pub last_change: u64,
    /// What runs in it or is connected to it now, in words.
    pub active: Vec<String>,
}

impl Use {
    /// For how many seconds nothing has used it, if that is `limit` at least.
    pub fn idle(&self, now: u64, limit: u64) -> Option<u64> {
        // What is dated in the future was not unused for any time.
        let idle = now.saturating_sub(self.last_change);
        (self.active.is_empty() && idle >= limit.max(1)).then_some(idle)
    }
}

/// How the commits of a branch came into another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Merged {
    /// They are in it.
    Merged,
    /// Commits with the same changes are in it.
    Rebased,
    /// One commit with all of its changes is in it.
    Squashed,
}

/// How a branch stands to the one that it may be merged into.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct History {
    /// How many of its commits the other does not reach.
    pub beyond: usize,
    /// How many of these are merges.
    pub merges: usize,
    /// How many of these have no equal in the other.
    pub unequal: usize,
    /// One commit in the other has the same changes as all of these together.
    pub is_squashed: bool,
    /// It was committed to here, or the other got it by a merge.
    pub has_own: bool,
}

impl History {
    /// Whether it is merged. A branch that was only created has nothing that could be.
    pub fn merged(&self) -> Option<Merged> {
        match self {
            History { beyond: 0, has_own, .. } => has_own.then_some(Merged::Merged),
            // What a merge changed itself has no equal that could be found.
            History { merges: 0, unequal: 0, .. } => Some(Merged::Rebased),
            History { is_squashed, .. } => is_squashed.then_some(Merged::Squashed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_is_what_nothing_uses_and_nothing_changed() {
        let unused = Use { last_change: 1_000, active: Vec::new() };
        assert_eq!(unused.idle(2_000, 1_000), Some(1_000));
        assert_eq!(unused.idle(1_999, 1_000), None);
        let future = Use { last_change: 5_000, ..unused.clone() };
        assert_eq!(future.idle(2_000, 0), None);
        let active = Use { active: vec!["python (pid 7) runs in it".to_owned()], ..unused };
        assert_eq!(active.idle(2_000, 1_000), None);
    }

    #[test]
    fn a_branch_is_merged_as_itself_in_equal_commits_or_in_one() {
        let one = History { beyond: 2, ..History::default() };
        assert_eq!(one.merged(), Some(Merged::Rebased));
        let partly = History { unequal: 1, ..one };
        assert_eq!(partly.merged(), None);
        assert_eq!(History { is_squashed: true, ..partly }.merged(), Some(Merged::Squashed));
        assert_eq!(History { merges: 1, ..one }.merged(), None);
    }

    #[test]
    fn a_branch_that_was_just_created_is_not_merged() {
        assert_eq!(History::default().merged(), None);
        let own = History { has_own: true, ..History::default() };
        assert_eq!(own.merged(), Some(Merged::Merged));
    }
}
