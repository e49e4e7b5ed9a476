//! Quoting for POSIX shells.

use std::path::Path;

/// A text as one shell word, quoted only where needed.
pub fn word(text: &str) -> String {
    let plain =
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+@%:,=".contains(&byte));
    if plain && !text.is_empty() { text.to_owned() } else { quoted(text) }
}

/// A path as one shell word.
pub fn path(path: &Path) -> String {
    word(&path.to_string_lossy())
}

/// A text in single quotes, as one shell word.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word() {
        assert_eq!(word("/a/b-c.d"), "/a/b-c.d");
        assert_eq!(word("/it's here"), r"'/it'\''s here'");
        assert_eq!(word(""), "''");
    }
}
