//! "Did you mean": the known word closest to a mistyped one.

/// Longer words are not compared: the cost grows with the square of the length.
const LONGEST: usize = 100;

/// The closest of `known` to `word`, when it is close enough to be worth a "did you mean".
pub fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = folded(word);
    let near = |candidate: &&str| distance(&word, &folded(candidate));
    known
        .into_iter()
        .filter(|candidate| word.len().max(candidate.chars().count()) <= LONGEST)
        .map(|candidate| (near(&candidate), candidate))
        .filter(|(distance, candidate)| *distance <= allowed(&word, candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A hint that offers the closest word, or lists the known words.
pub fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(meant) = closest(word, known.clone()) {
        return format!("did you mean `{meant}`?");
    }
    let known: Vec<String> = known.into_iter().map(|word| format!("`{word}`")).collect();
    format!("known: {}", known.join(", "))
}

fn folded(word: &str) -> Vec<char> {
    word.chars().flat_map(char::to_lowercase).collect()
}

/// A third of the letters may differ, but never all of them.
fn allowed(word: &[char], candidate: &str) -> usize {
    let longest = word.len().max(candidate.chars().count());
    (longest / 3).max(1).min(longest.saturating_sub(1))
}

/// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replace = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replace.min(last[j] + 1).min(row[j - 1] + 1);
            let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if swapped {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 5] = ["worktree", "env_file", "project", "ports", "services"];

    #[test]
    fn typing_errors_are_recognised() {
        for (typed, meant) in [
            ("worktre", "worktree"),
            ("port", "ports"),
            ("prots", "ports"),
            ("Services", "services"),
            ("env-file", "env_file"),
        ] {
            assert_eq!(closest(typed, KNOWN), Some(meant), "{typed}");
        }
    }

    #[test]
    fn nothing_is_offered_for_another_word() {
        for typed in ["volumes", "", "x", "日本"] {
            assert_eq!(closest(typed, KNOWN), None, "{typed}");
        }
        assert_eq!(closest(&"ports".repeat(10_000), KNOWN), None);
        assert_eq!(closest("b", ["a"]), None);
    }

    #[test]
    fn a_suggestion_lists_what_there_is() {
        assert_eq!(suggestion("prts", ["ports"]), "did you mean `ports`?");
        assert_eq!(suggestion("volumes", ["a", "b"]), "known: `a`, `b`");
    }

    #[test]
    fn the_distance_counts_edits() {
        let distance = |a: &str, b: &str| distance(&folded(a), &folded(b));
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("", "abc"), 3);
    }
}
