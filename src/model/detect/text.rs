//! Words of a line, and beginnings of a text.

/// The word at the end of a text: the last characters that are part of one.
pub(super) fn last_word(text: &str, is_part: impl Fn(char) -> bool) -> &str {
    &text[text.trim_end_matches(is_part).len()..]
}

/// The beginning of a text: at most this many bytes.
pub(super) fn head(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}
