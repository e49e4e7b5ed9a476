//! Reads environment files that others wrote, in any dialect.

use super::is_name;

/// Bytes read at most.
const MOST_BYTES: usize = 1 << 20;

/// Variables read at most.
const MOST_VARS: usize = 10_000;

/// The variables of a file, in order, as far as they can be told: for display, never for execution.
///
/// Understands `export`, blanks around `=`, quotes and comments; expands nothing; skips lines it cannot read.
pub fn parse(bytes: &[u8]) -> Vec<(String, String)> {
    let bytes = &bytes[..bytes.len().min(MOST_BYTES)];
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let lines = bytes.split(|b| *b == b'\n');
    lines.filter_map(|line| variable(&String::from_utf8_lossy(line))).take(MOST_VARS).collect()
}

/// Whether a line seems to assign this variable, in any dialect, anywhere in the line.
pub(super) fn assigns(line: &[u8], name: &str) -> bool {
    let line = String::from_utf8_lossy(line);
    let line = line.trim();
    if line.starts_with('#') {
        return false;
    }
    line.match_indices(name).any(|(at, _)| {
        // `$NAME` and `${NAME:-x}` read it.
        let before = line[..at].chars().next_back();
        let reads = |c: char| c.is_ascii_alphanumeric() || "_${".contains(c);
        let after = line[at + name.len()..].trim_start_matches([' ', '\t', '"', '\'']);
        !before.is_some_and(reads) && after.starts_with(['=', ':', '+'])
    })
}

fn variable(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    let line = match line.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start(),
        _ => line,
    };
    let (name, value) = line.split_once('=')?;
    let name = name.trim_end();
    is_name(name).then(|| (name.to_owned(), plain(value.trim_start())))
}

/// The value without quotes and trailing comment.
fn plain(value: &str) -> String {
    match value.chars().next() {
        Some('\'') => value[1..].split('\'').next().unwrap_or("").to_owned(),
        Some('"') => quoted(&value[1..]),
        Some('#') => String::new(),
        _ => {
            let comment = [" #", "\t#"].iter().filter_map(|mark| value.find(mark));
            let end = comment.min().unwrap_or(value.len());
            value[..end].trim_end().to_owned()
        }
    }
}

fn quoted(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                Some('n') => plain.push('\n'),
                Some(c) => plain.push(c),
                None => plain.push('\\'),
            },
            c => plain.push(c),
        }
    }
    plain
}
