//! The record of an environment in the trash, and the choice of what goes out of it.

use super::lease::Lease;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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

/// Why something goes out of the trash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Its time is over.
    TrashExpired,
    /// The trash of its repository is larger than it may be, and newer ones are in it.
    TrashFull,
    /// Its deletion was interrupted.
    DeletionInterrupted,
    /// The user wants the trash empty.
    TrashEmptied,
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

/// What has to go, oldest first: what is over its time, then the oldest of each repository whose trash is larger than its
/// newest record allows. The newest itself stays until its time is over.
pub fn due(records: &[Record], now: u64) -> Vec<(&Record, Why)> {
    let mut due = Vec::new();
    let mut kept: BTreeMap<&Path, Vec<&Record>> = BTreeMap::new();
    for record in records {
        match record.phase {
            Phase::Deleting | Phase::Discarded => due.push((record, Why::DeletionInterrupted)),
            Phase::Kept if record.left(now) == 0 => due.push((record, Why::TrashExpired)),
            Phase::Kept => kept.entry(&record.lease.repository).or_default().push(record),
            Phase::Keeping | Phase::Restoring => {}
        }
    }
    for mut records in kept.into_values() {
        records.sort_by_key(|record| record.order());
        let Some(newest) = records.last() else { continue };
        let limit = newest.limit;
        let mut total: u64 = records.iter().map(|record| record.size).sum();
        for record in &records[..records.len() - 1] {
            if total <= limit {
                break;
            }
            total -= record.size;
            due.push((record, Why::TrashFull));
        }
    }
    due.sort_by_key(|(record, _)| record.order());
    due
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: u64, removed_at: u64, size: u64) -> Record {
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

    /// Looks at a record at these moments, one after another, until its time is over; gives the moment, if it came.
    fn over_at(record: &Record, looks: &[u64]) -> Option<u64> {
        let mut record = record.clone();
        looks.iter().copied().find(|&now| {
            record.seen = record.noted(now).unwrap_or(record.seen);
            !due(&[record.clone()], now).is_empty()
        })
    }

    fn numbers(due: Vec<(&Record, Why)>) -> Vec<(u64, Why)> {
        due.iter().map(|(record, why)| (record.removed_at, *why)).collect()
    }

    #[test]
    fn what_is_over_its_time_goes_oldest_first() {
        let mut records = [record(1, 20, 1), record(2, 10, 1), record(3, 21, 1)];
        for record in &mut records {
            record.seen = record.noted(75).unwrap();
        }
        assert_eq!(numbers(due(&records, 109)), []);
        let both = [(10, Why::TrashExpired), (20, Why::TrashExpired)];
        assert_eq!(numbers(due(&records, 125)), [both[0], both[1], (21, Why::TrashExpired)]);
        records[2].seen.at = Some(80);
        assert_eq!(numbers(due(&records, 125)), both);
    }

    #[test]
    fn time_passes_only_as_far_as_it_was_seen_to_pass() {
        let one = record(1, 1_000, 1);
        // Looked at now and then, it stays its 100 seconds.
        let looks: Vec<u64> = (1_000..1_200).step_by(10).collect();
        assert_eq!(over_at(&one, &looks), Some(1_100));
        // A clock that jumps ahead for years, and stays there: half of the time is left from then.
        assert_eq!(over_at(&one, &[1_010, 90_000]), None);
        assert_eq!(over_at(&one, &[1_010, 90_000, 90_049, 90_050]), Some(90_050));
        assert_eq!((one.left(90_000), one.expires_at(90_000)), (50, 90_050));
        // One that was ahead when it was removed, and is put right.
        assert_eq!(over_at(&one, &[10, 60, 109, 110, 120]), Some(110));
        // One that goes back gives nothing back.
        assert_eq!(over_at(&one, &[1_050, 20, 69, 70]), Some(70));
        assert_eq!(one.noted(1_020), None, "that would be a write at each look");
    }

    #[test]
    fn the_newest_is_the_last_that_came_whatever_the_clock_said() {
        // The clock went back by an hour before the last one, which alone is larger than the trash may be.
        let mut records = [record(1, 5_000, 4), record(2, 5_001, 4), record(3, 1_401, 11)];
        for (record, serial) in records.iter_mut().zip(1..) {
            record.serial = serial;
        }
        let both = [(5_000, Why::TrashFull), (5_001, Why::TrashFull)];
        assert_eq!(numbers(due(&records, 1_402)), both);
        assert!(records[0].is_still(&records[0].clone()));
        let again = Record { serial: 4, ..records[0].clone() };
        assert!(!again.is_still(&records[0]));
    }

    #[test]
    fn over_the_limit_the_oldest_of_the_repository_go_and_the_newest_stays() {
        let mut records = vec![record(1, 1, 4), record(2, 2, 4), record(3, 3, 4)];
        assert_eq!(numbers(due(&records, 3)), [(1, Why::TrashFull)]);
        records[2].size = 11;
        assert_eq!(numbers(due(&records, 3)), [(1, Why::TrashFull), (2, Why::TrashFull)]);
        records[0].lease.repository = PathBuf::from("/other/.git");
        assert_eq!(numbers(due(&records, 3)), [(2, Why::TrashFull)]);
        // The newest knows best what may be.
        records[2].limit = 15;
        assert_eq!(numbers(due(&records, 3)), []);
    }

    #[test]
    fn what_is_on_its_way_stays_and_what_was_begun_is_finished() {
        let mut records = [record(1, 1, 99), record(2, 2, 99), record(3, 3, 99)];
        for (record, phase) in
            records.iter_mut().zip([Phase::Keeping, Phase::Restoring, Phase::Deleting])
        {
            record.phase = phase;
        }
        assert_eq!(numbers(due(&records, 9_999)), [(3, Why::DeletionInterrupted)]);
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
