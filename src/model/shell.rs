//! Words of command lines that people and scripts copy.

use std::path::Path;

/// A text as one word of a POSIX shell, in quotes only where it needs them.
pub fn word(text: &str) -> String {
    let plain =
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+@%:,=".contains(&byte));
    if plain && !text.is_empty() { text.to_owned() } else { quoted(text) }
}

/// A path as one word.
pub fn path(path: &Path) -> String {
    word(&path.to_string_lossy())
}

/// A text in quotes, as one word of a POSIX shell.
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
