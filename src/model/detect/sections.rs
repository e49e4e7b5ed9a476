//! Sections of a file of settings: what is for tests and for production says nothing of the main checkout.

use super::paths::STAGES;

/// The text without these sections and without comments; the lines keep their numbers.
pub(super) fn development(text: &str) -> String {
    let mut skipped: Option<usize> = None;
    let mut kept = String::with_capacity(text.len());
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let is_inside = |from: usize| line.trim().is_empty() || indent > from;
        if !skipped.is_some_and(is_inside) {
            // The bracket that ends a section stands where its name does.
            let is_end = skipped.take().is_some() && line.trim_start().starts_with(['}', ']', ')']);
            if !is_end && is_foreign(line) {
                skipped = Some(indent);
            } else if !is_comment(line) {
                kept.push_str(line);
            }
        }
        kept.push('\n');
    }
    kept
}

/// Whether a line begins a section for something else: `production:`, `"test": {`, `[prod]`, `if config_env() == :prod do`.
fn is_foreign(line: &str) -> bool {
    let condition = line.trim_start().strip_prefix("if ").and_then(|rest| rest.strip_suffix(" do"));
    let word = condition.and_then(|words| words.split_once("== :"));
    if word.is_some_and(|(_, word)| STAGES.contains(&word)) {
        return true;
    }
    let line = line.trim_start().trim_start_matches(['{', '[', '"', '\'', ' ']);
    let end = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(line.len());
    let (name, after) = line.split_at(end);
    let after = after.trim_start_matches(['"', '\'', ' ']);
    let opens = after.starts_with([':', ']'])
        || after.strip_prefix('=').is_some_and(|value| value.trim_start().starts_with(['{', '[']));
    STAGES.contains(&name.to_lowercase().as_str()) && opens && !after.starts_with("::")
}

/// Whether a line is a comment, in whatever language.
pub(super) fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    ["#", "//", "/*", "* ", "--", ";", "<!--", "%"].iter().any(|mark| line.starts_with(mark))
        && !line.starts_with("#[")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_for_production_and_tests_are_left_out() {
        let text = "default: &default\n  a: 1\ntest:\n  b: 2\n\n  c: 3\ndevelopment:\n  # d: 4\n  e: 5\nproduction:\n  f: 6\n";
        let kept = development(text);
        assert_eq!(kept.lines().count(), text.lines().count());
        assert_eq!(
            kept.split_whitespace().collect::<Vec<_>>().join(" "),
            "default: &default a: 1 development: e: 5"
        );
        let json = "{ \"development\": { \"a\": 1 },\n  \"test\": { \"b\": 2 },\n  \"production\": {\n    \"c\": 3\n  }\n}";
        assert_eq!(
            development(json).trim_end_matches(['\n', '}']).trim_end(),
            "{ \"development\": { \"a\": 1 },"
        );
        assert_eq!(development("test_name: 1\n"), "test_name: 1\n");
        let elixir = "if config_env() == :prod do\n  a: 1\nend\nb: 2\n";
        assert_eq!(development(elixir), "\n\nend\nb: 2\n");
    }
}
