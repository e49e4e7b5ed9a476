//! What goes out of the trash, and why.

use super::{Phase, Record};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

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
    use super::super::tests::record;
    use super::*;
    use std::path::PathBuf;

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
}
