//! Directories that Django's settings name and that git ignores: a new worktree lacks them, and an application may not start
//! without.

use super::literals::{strings, used_settings};
use super::paths::{dir, name};
use super::seen::Seen;
use crate::model::shell;
use std::collections::BTreeSet;

/// A command that makes them.
pub(super) fn command(seen: &Seen) -> Option<String> {
    let named: BTreeSet<&str> =
        used_settings(seen).flat_map(|(_, text)| in_settings(text)).collect();
    let files = seen.ending(&[".gitignore"]);
    let ignored = files.flat_map(|(file, text)| text.lines().filter_map(|line| at(file, line)));
    let is_there = |path: &str| {
        let inside = format!("{path}/");
        seen.tracked.range(inside.clone()..).next().is_some_and(|next| next.starts_with(&inside))
    };
    let lacking = ignored.filter(|path| named.contains(name(path)) && !is_there(path));
    let words: BTreeSet<String> = lacking.map(|path| shell::word(&path)).collect();
    let words: Vec<String> = words.into_iter().collect();
    (!words.is_empty()).then(|| format!("mkdir -p {}", words.join(" ")))
}

/// Where a line of a `.gitignore` says itself which path it is about.
fn at(file: &str, line: &str) -> Option<String> {
    let line = line.trim_end();
    let path = line.trim_end_matches('/').trim_start_matches('/');
    let is_fixed = line.starts_with('/') || path.contains('/');
    // A name with a dot is a file's, or hidden.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/_-".contains(c);
    (is_fixed && !path.is_empty() && path.chars().all(is_plain))
        .then(|| format!("{}{path}", dir(file)))
}

/// The texts of settings that are called after a directory: `MEDIA_ROOT = BASE_DIR / "media"`, in one line or several.
fn in_settings(text: &str) -> Vec<&str> {
    let mut is_one = false;
    let lines = text.lines().filter(|line| {
        if line.starts_with(|c: char| !c.is_whitespace() && !")]}".contains(c)) {
            let setting = line.split(['=', ':']).next().unwrap_or_default().trim_end();
            // A command of Django makes that of static files.
            is_one = (setting.ends_with("_DIR") || setting.ends_with("_ROOT"))
                && !setting.starts_with("STATIC");
        }
        is_one
    });
    lines.flat_map(strings).map(|(_, text)| text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_without_an_ending_is_a_directorys() {
        for (line, expected) in [
            ("/media/", Some("api/media")),
            ("var/logs", Some("api/var/logs")),
            ("/debug.log", None),
            ("/.cache/", None),
            ("media", None),
            ("/*.d", None),
        ] {
            assert_eq!(at("api/.gitignore", line).as_deref(), expected, "{line}");
        }
    }
}
