//! Words of a line.

/// The word at the end of a text: the last characters that are part of one.
pub(super) fn last_word(text: &str, is_part: impl Fn(char) -> bool) -> &str {
    &text[text.trim_end_matches(is_part).len()..]
}
