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

/// The command that moves a file away which cannot be read: what it was about stays where it is.
pub fn away(file: &Path) -> String {
    let file = file.to_string_lossy();
    format!("mv {} {}", word(&file), word(&format!("{file}.broken")))
}

/// A text in single quotes, as one shell word.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The simple commands of a script: what stands between its operators, also in substitutions, without comments.
///
/// It knows where a command may begin, and nothing else of the language: a redirection is a part of its command.
pub fn commands(script: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut around = Vec::new();
    let mut before = '\n';
    let mut chars = script.chars().peekable();
    while let Some(char) = chars.next() {
        if char == '#' && around.iter().all(|open| *open == '(') && begins_word(before) {
            while chars.next_if(|char| *char != '\n').is_some() {}
        } else if is_operator(&mut around, before, char, chars.peek().copied()) {
            found.push(String::new());
        } else if let Some(command) = found.last_mut() {
            command.push(char);
            if char == '\\' && around.last() != Some(&'\'') {
                command.extend(chars.next());
            }
        }
        before = char;
    }
    let found = found.iter().map(|command| command.trim().to_owned());
    found.filter(|command| !command.is_empty()).collect()
}

fn begins_word(before: char) -> bool {
    before.is_whitespace() || ";|&()".contains(before)
}

/// Whether another command begins behind this character. `around`: the quotes and substitutions that it is in, the innermost
/// last.
fn is_operator(around: &mut Vec<char>, before: char, char: char, after: Option<char>) -> bool {
    let inner = around.last().copied();
    let closes = match char {
        ')' => inner == Some('('),
        '\'' | '"' | '`' => inner == Some(char),
        _ => false,
    };
    let opens = match inner {
        Some('\'') => false,
        Some('"') => char == '`' || (char == '(' && before == '$'),
        _ => "'\"`(".contains(char),
    };
    if closes {
        around.pop();
    } else if opens {
        around.push(char);
    }
    match char {
        '`' | '(' | ')' => closes || opens,
        _ if matches!(inner, Some('\'' | '"')) => false,
        ';' | '|' | '\n' => true,
        // `2>&1` and `&>file` are redirections.
        '&' => !matches!(before, '<' | '>') && after != Some('>'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_split_into_its_simple_commands() {
        for (script, expected) in [
            ("a b", vec!["a b"]),
            ("a; b && c || d | e\nf & g", vec!["a", "b", "c", "d", "e", "f", "g"]),
            ("a 'b; c' \"d | e\" f\\;g 2>&1 &>h", vec!["a 'b; c' \"d | e\" f\\;g 2>&1 &>h"]),
            ("a \"$(b c)\" `d`", vec!["a \"$", "b c", "\"", "d"]),
            ("a '$(b)'", vec!["a '$(b)'"]),
            ("(a; b) <(c)", vec!["a", "b", "<", "c"]),
            ("# a; b\nc # d\ne#f", vec!["c", "e#f"]),
            ("#!/bin/sh\na", vec!["a"]),
            ("a 'b", vec!["a 'b"]),
            ("", vec![]),
        ] {
            assert_eq!(commands(script), expected, "{script}");
        }
    }

    #[test]
    fn a_path_is_one_word() {
        assert_eq!(word("/a/b-c.d"), "/a/b-c.d");
        assert_eq!(word("/it's here"), r"'/it'\''s here'");
        assert_eq!(word(""), "''");
    }
}
