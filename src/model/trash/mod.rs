//! The record of an environment in the trash, and the choice of what goes out of it.

mod due;

pub use due::{Why, due};

use super::lease::Lease;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The version of the records that this program writes, and the newest that it reads.
pub const VERSION: u32 = 1;

/// An environment in the trash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The version of this record.
    pub version: u32,
    /// How far it has come.
    pub phase: Phase,
    /// When it was removed, in seconds since 1970. A clock can be wrong: nothing is deleted by this alone.
    pub removed_at: u64,
    /// Larger than that of everything that was in the trash when it came there; 0 in records of older versions.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub serial: u64,
    /// How far its time has run.
    #[serde(default, skip_serializing_if = "Seen::is_none")]
    pub seen: Seen,
    /// How long it is kept, in seconds.
    pub keep: u64,
    /// How large the trash of its repository may become, in bytes.
    pub limit: u64,
    /// Where its worktree's directory is.
    pub place: PathBuf,
    /// The commit that it had checked out; `None` when there was none yet.
    pub head: Option<String>,
    /// Git's settings of its branch, when the branch was deleted with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub branch_settings: Vec<(String, String)>,
    /// The bytes that it takes, as far as they are known.
    #[serde(default)]
    pub size: u64,
    /// What it held before it was removed.
    pub lease: Lease,
}

/// How much of its time was seen to pass, up to the moment when that was noted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Seconds.
    pub passed: u64,
    /// That moment, in seconds since 1970; `None`: nothing was noted since it was removed.
    pub at: Option<u64>,
}

impl Seen {
    fn is_none(&self) -> bool {
        *self == Seen::default()
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// How far an environment in the trash has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "TrashPhase"))]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Being moved to the trash; `prune` or `remove` again finishes that.
    Keeping,
    /// Whole in the trash.
    Kept,
    /// Being restored; `prune` or `restore` again finishes that.
    Restoring,
    /// Being deleted; `prune` finishes that.
    Deleting,
    /// Never was in the trash: removed for good, and only files are left, which a process deletes. `prune` finishes that.
    Discarded,
}

impl Record {
    /// The record of an environment that was removed for good, of whose worktree files are left at `place`.
    pub fn discarded(lease: Lease, place: PathBuf, now: u64) -> Self {
        Record {
            version: VERSION,
            phase: Phase::Discarded,
            removed_at: now,
            serial: 0,
            seen: Seen::default(),
            keep: 0,
            limit: 0,
            place,
            head: None,
            branch_settings: Vec::new(),
            size: 0,
            lease: Lease { parts: Vec::new(), ..lease },
        }
    }

    /// Whether it is in the trash: on its way there or back, too.
    pub fn is_in_trash(&self) -> bool {
        self.phase != Phase::Discarded
    }

    /// The moment up to which its time was counted.
    fn counted_at(&self) -> u64 {
        self.seen.at.unwrap_or(self.removed_at)
    }

    /// A clock that jumps ahead takes at most this from its time, and so does a machine that was off: half of it is left to
    /// notice.
    fn most(&self) -> u64 {
        self.keep.div_ceil(2)
    }

    /// How long it still stays, in seconds.
    pub fn left(&self, now: u64) -> u64 {
        let since = now.saturating_sub(self.counted_at()).min(self.most());
        self.keep.saturating_sub(self.seen.passed.saturating_add(since))
    }

    /// When its time is over, in seconds since 1970, if the clock is right.
    pub fn expires_at(&self, now: u64) -> u64 {
        now.saturating_add(self.left(now))
    }

    /// What has to be noted of it at this moment, so that its time runs on: half of it has passed, or the clock went back.
    pub fn noted(&self, now: u64) -> Option<Seen> {
        let from = self.counted_at();
        let is_worth_it = now < from || now - from >= self.most();
        let counts = self.phase == Phase::Kept && self.left(now) > 0 && is_worth_it;
        counts.then(|| Seen { passed: self.keep.saturating_sub(self.left(now)), at: Some(now) })
    }

    /// Whether this is what another look saw, on its way as far as then: it was not restored and removed again meanwhile.
    pub fn is_still(&self, before: &Record) -> bool {
        (self.phase, self.removed_at, self.serial)
            == (before.phase, before.removed_at, before.serial)
    }

    /// What the order is by in which environments went to the trash, whatever the clock said.
    pub fn order(&self) -> (u64, u64) {
        (self.serial, self.removed_at)
    }

    /// The word that tells it from all others in the trash.
    pub fn short_id(&self) -> &str {
        self.lease.id.get(8..16).unwrap_or(&self.lease.id)
    }

    /// Whether the user means it by this word: its branch, name, directory, path, or id.
    pub fn answers_to(&self, word: &str) -> bool {
        let Lease { branch, name, path, id, .. } = &self.lease;
        branch.as_deref() == Some(word)
            || [name, id, self.short_id()].contains(&word)
            || path.file_name().is_some_and(|dir| dir == word)
            || path == Path::new(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(in crate::model::trash) fn record(number: u64, removed_at: u64, size: u64) -> Record {
        let lease = format!(
            "{{version: 1, id: 01234567{number:016x}, phase: ready, repository: /r/.git, main: /r,
            name: x{number}, path: /r-x{number}, branch: feature/x{number}, project: x, ports: {{}},
            parts: [], env_file: .env.worktree, vars: {{}}}}"
        );
        let lease = serde_yaml::from_str(&lease).unwrap();
        let place = PathBuf::from("/r/.git/agentenv-trash");
        let head = None;
        let (keep, limit) = (100, 10);
        let (version, phase, branch_settings) = (VERSION, Phase::Kept, Vec::new());
        Record {
            version,
            phase,
            removed_at,
            serial: 0,
            seen: Seen::default(),
            keep,
            limit,
            place,
            head,
            branch_settings,
            size,
            lease,
        }
    }

    #[test]
    fn a_record_is_known_by_each_of_its_names() {
        let record = record(1, 1, 1);
        for word in ["feature/x1", "x1", "r-x1", "/r-x1", "00000000", "012345670000000000000001"] {
            assert!(record.answers_to(word), "{word}");
        }
        assert!(!record.answers_to("x") && !record.answers_to(""));
    }
}
