//! Names derived from branches, valid as Postgres identifiers, Compose projects and host names.
//!
//! All three accept `[a-z0-9]([a-z0-9-]*[a-z0-9])?`: host names allow no underscore, Compose no dot.
//! In SQL a hyphen would need quotes everywhere: see [`database`].

use super::hash::sha256;

/// The longest name: that of a label in a host name.
pub const LONGEST: usize = 63;

/// Postgres's longest identifier, in bytes; it cuts longer ones without an error, in DROP too.
pub const IDENTIFIER: usize = 63;

/// The longest database: Django makes `test_<name>_gw99` beside it, which must not be cut either.
pub const DATABASE: usize = IDENTIFIER - "test_".len() - "_gw99".len();

/// Hexadecimal digits of a hash suffix. 48 bits: a hundred thousand branches have no two alike.
const DIGITS: usize = 12;

/// Hexadecimal digits of a hash suffix that people read. Two branches of one beginning can share it.
const FEW: usize = 6;

/// The names to try for a branch: the plain one, which another branch may have (`feature/x` and `feature-x`), one with
/// a short hash, and one with a long hash, which no other branch has. Where cleaning drops or cuts something, there is
/// no plain one.
pub fn candidates(branch: &str) -> [String; 3] {
    let cleaned = clean(branch);
    let stem = if cleaned.text.is_empty() { "env" } else { &cleaned.text };
    let short = hashed(stem, branch, '-', LONGEST, FEW);
    let distinct = with_hash(stem, branch, '-', LONGEST);
    // A name that ends like a long hash could be the last candidate of another branch.
    let plain = !cleaned.dropped && (1..=LONGEST).contains(&cleaned.text.len());
    if plain && !ends_in_hash(&cleaned.text) {
        [cleaned.text, short, distinct]
    } else {
        [short.clone(), short, distinct]
    }
}

/// A name with underscores, for databases. Names contain no underscore, so distinct names stay distinct.
pub fn database(name: &str) -> String {
    name.replace('-', "_")
}

/// The value of `{repo}`: the main checkout's directory name, cleaned.
pub fn repo_slug(dir_name: &str) -> String {
    let cleaned = clean(dir_name);
    match cleaned.text.len() {
        0 => with_hash("repo", dir_name, '-', LONGEST),
        1..=LONGEST => cleaned.text,
        _ => with_hash(&cleaned.text, dir_name, '-', LONGEST),
    }
}

/// `text`, cut where needed, then a hash of `salt`: at most `longest` bytes.
pub fn with_hash(text: &str, salt: &str, separator: char, longest: usize) -> String {
    hashed(text, salt, separator, longest, DIGITS)
}

fn hashed(text: &str, salt: &str, separator: char, longest: usize, digits: usize) -> String {
    let hash = hash(salt, digits);
    let room = longest.saturating_sub(hash.len() + separator.len_utf8());
    let stem = beginning(text, room).trim_end_matches(['-', '_']);
    format!("{stem}{separator}{hash}")
}

/// `text` when it is at most `longest` bytes, else its beginning and a hash of the whole.
pub fn fit(text: &str, separator: char, longest: usize) -> String {
    if text.len() <= longest {
        return text.to_owned();
    }
    with_hash(text, text, separator, longest)
}

struct Cleaned {
    text: String,
    /// Characters other than separators were dropped, so different branches may yield this text.
    dropped: bool,
}

/// Lower case, one hyphen for any run of separators, none at the edges.
fn clean(text: &str) -> Cleaned {
    let mut cleaned = String::new();
    let mut dropped = false;
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            cleaned.push(c.to_ascii_lowercase());
            continue;
        }
        dropped |= !matches!(c, '-' | '_' | '/' | '.');
        if !cleaned.is_empty() && !cleaned.ends_with('-') {
            cleaned.push('-');
        }
    }
    cleaned.truncate(cleaned.trim_end_matches('-').len());
    Cleaned { text: cleaned, dropped }
}

fn ends_in_hash(name: &str) -> bool {
    name.rsplit_once('-')
        .is_some_and(|(_, end)| end.len() == DIGITS && end.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn hash(text: &str, digits: usize) -> String {
    sha256(text)[..digits].to_owned()
}

/// At most the first `room` bytes, whole characters only.
fn beginning(text: &str, room: usize) -> &str {
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let end = ends.take_while(|end| *end <= room).last();
    &text[..end.unwrap_or(0)]
}

/// An environment's name, where it is not the one that its branch gives it.
pub fn beside<'a>(branch: &str, name: &'a str) -> Option<&'a str> {
    let is_its_own = branch == name || candidates(branch).iter().any(|own| own == name);
    (!is_its_own).then_some(name)
}

#[cfg(test)]
mod tests;
