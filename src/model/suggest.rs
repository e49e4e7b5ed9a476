//! "Did you mean": the known word closest to a mistyped one.

/// Longer words are not compared: the cost grows with the square of the length.
const LONGEST: usize = 100;

/// The closest of `known` to `word`, when it is close enough to be worth a "did you mean".
pub fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .filter(|candidate| longest(&word, candidate) <= LONGEST)
        .map(|candidate| (strsim::osa_distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= allowed(&word, candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The known word of which `word` is most likely a typing error: at most two letters differ, and not only digits, as in
/// `agent-1` and `agent-2`.
pub fn typing_error<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    let near = closest(word, known.into_iter().filter(|known| letters(known) != letters(word)))?;
    (strsim::osa_distance(word, near) <= 2 && word.chars().count() > 4).then_some(near)
}

/// A hint that offers the closest word, or lists the known words.
pub fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(meant) = closest(word, known.clone()) {
        return format!("did you mean `{meant}`?");
    }
    let known: Vec<String> = known.into_iter().map(|word| format!("`{word}`")).collect();
    format!("known: {}", known.join(", "))
}

fn longest(word: &str, candidate: &str) -> usize {
    word.chars().count().max(candidate.chars().count())
}

/// A third of the letters may differ, but never all of them.
fn allowed(word: &str, candidate: &str) -> usize {
    let longest = longest(word, candidate);
    (longest / 3).max(1).min(longest.saturating_sub(1))
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
    fn a_new_name_is_no_typing_error_of_its_sisters() {
        assert_eq!(typing_error("featur/logi", ["feature/login"]), Some("feature/login"));
        for (word, known) in [("agent-2", "agent-1"), ("fix-a", "main"), ("x", "y"), ("abc", "abd")]
        {
            assert_eq!(typing_error(word, [known]), None, "{word}");
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
}
