//! Examples, and the files that developers copy them to.

use super::{dir, is_environment, is_near, name};

/// Words in the name of an example.
pub(super) const EXAMPLES: [&str; 4] = ["example", "sample", "template", "dist"];

/// The file that an example is copied to: `.env.example` to `.env`, `config.py.dev.example` to `config.py`. The copy is
/// each developer's own, so git ignores it.
pub fn used(path: &str) -> Option<String> {
    let name = name(path);
    if !EXAMPLES.iter().any(|word| name.contains(word)) || !is_near(path) {
        return None;
    }
    let copy = EXAMPLES.iter().fold(name.to_owned(), |name, word| without(&name, word));
    // Environment files of a stage stand beside each other.
    let staged = copy.strip_suffix(".dev").filter(|_| !is_environment(&copy));
    (copy != name).then(|| format!("{}{}", dir(path), staged.unwrap_or(&copy)))
}

/// A name without a word, and without the mark before it.
fn without(name: &str, word: &str) -> String {
    let is_word = |at: usize| {
        let after = &name[at + word.len()..];
        name[..at].ends_with(['.', '_', '-']) && !after.starts_with(char::is_alphanumeric)
    };
    match name.match_indices(word).find(|(at, _)| is_word(*at)) {
        Some((at, _)) => format!("{}{}", &name[..at - 1], &name[at + word.len()..]),
        None => name.to_owned(),
    }
}
