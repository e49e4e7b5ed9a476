//! Names of snapshots.

use crate::error;
use anyhow::Result;
use std::collections::BTreeMap;

/// The longest name of a snapshot, in bytes.
const LONGEST: usize = 30;

/// What the names of automatic ones begin with; the command and a number follow.
const PREFIX: &str = "before-";

/// How many automatic snapshots of each command are kept.
const AUTOMATIC: usize = 3;

/// The next automatic snapshot of a command, and those that it makes one too many.
#[derive(Debug, PartialEq, Eq)]
pub struct Automatic {
    /// Its name.
    pub snapshot: String,
    /// Those to delete.
    pub outdated: Vec<String>,
}

impl Automatic {
    /// The next one, where these are known.
    pub fn next(command: &str, known: &[String]) -> Self {
        let number = |name: &String| Some(automatic(name).filter(|(of, _)| *of == command)?.1);
        let mut numbers: Vec<u32> = known.iter().filter_map(number).collect();
        numbers.sort_unstable();
        let next = numbers.last().map_or(1, |last| last.saturating_add(1));
        let outdated = numbers.len().saturating_sub(AUTOMATIC - 1);
        let named = |number: &u32| format!("{PREFIX}{command}-{number}");
        Automatic {
            snapshot: named(&next),
            outdated: numbers[..outdated].iter().map(named).collect(),
        }
    }
}

/// The newest automatic snapshot of each command among these.
pub fn latest<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, &'a str> {
    let parse = |name: &'a str| automatic(name).map(|(command, number)| (command, number, name));
    let mut found: Vec<_> = names.filter_map(parse).collect();
    found.sort_unstable();
    found.into_iter().map(|(command, _, name)| (command, name)).collect()
}

/// The command that an automatic snapshot was made before, and its number.
fn automatic(name: &str) -> Option<(&str, u32)> {
    let (command, number) = name.strip_prefix(PREFIX)?.rsplit_once('-')?;
    Some((command, number.parse().ok()?))
}

/// Checks the name of a snapshot.
///
/// # Errors
/// `Usage` for one that is invalid.
pub fn require_name(snapshot: &str) -> Result<()> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let fine = (1..=LONGEST).contains(&snapshot.len())
        && snapshot.bytes().all(plain)
        && !snapshot.starts_with('-');
    if fine {
        return Ok(());
    }
    let message = format!("invalid snapshot name `{}`", snapshot.escape_debug());
    let hint = format!("use at most {LONGEST} lower-case letters, digits and hyphens");
    Err(error::usage(message).hint(hint).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_three_automatic_snapshots_are_kept() {
        let next = |known: &[&str]| {
            let known: Vec<String> = known.iter().map(|&name| name.to_owned()).collect();
            let next = Automatic::next("reset", &known);
            (next.snapshot, next.outdated)
        };
        assert_eq!(next(&[]), ("before-reset-1".to_owned(), Vec::new()));
        let own = ["before-reset-x", "before-copy-7", "before-reset-2"];
        assert_eq!(next(&own), ("before-reset-3".to_owned(), Vec::new()));
        let many = ["before-reset-10", "before-reset-9", "before-reset-8"];
        assert_eq!(next(&many), ("before-reset-11".to_owned(), vec!["before-reset-8".to_owned()]));
    }

    #[test]
    fn the_newest_of_each_command_has_the_highest_number() {
        let names = ["before-copy-9", "before-copy-10", "mine", "before-reset-2", "before-x"];
        let latest: Vec<_> = latest(names.into_iter()).into_iter().collect();
        assert_eq!(latest, [("copy", "before-copy-10"), ("reset", "before-reset-2")]);
    }
}
