//! Settings of Elixir that a variable replaces while the application is developed.

use super::reads;
use super::roles::{self, Role};
use super::sections::is_comment;
use super::seen::Seen;
use crate::model::config::Kind;

/// Settings that are read before the others.
const SETTINGS: [&str; 2] = ["config/dev.exs", "config/config.exs"];

/// Whether the URL of a variable replaces what these settings say of a database: `config/runtime.exs` or the repository's own
/// module reads it, in development too.
pub(super) fn is_replaced(seen: &Seen, file: &str) -> bool {
    let Some(near) = SETTINGS.iter().find_map(|name| file.strip_suffix(name)) else { return false };
    let files = seen.files.iter().chain(&seen.others);
    let is_later = |path: &str| {
        path == format!("{near}config/runtime.exs")
            || (path.starts_with(near) && path.ends_with("/repo.ex"))
    };
    // A URL that is written here is one of Postgres.
    let manifests = seen.named("mix.exs").filter(|path| path.starts_with(near));
    let all: String = manifests.map(|path| seen.text(path)).collect();
    if !all.contains(":postgrex") || all.contains(":myxql") {
        return false;
    }
    let mut later = files.filter(|(path, _)| is_later(path));
    later.any(|(_, text)| text.contains("Repo") && reads_url(&developed(text)))
}

fn reads_url(text: &str) -> bool {
    let is_url = |name: &str| {
        let role = roles::of(name, Kind::Postgres);
        matches!(role, Some((kind, Role::Url)) if kind != Kind::Redis)
    };
    reads::of(text).iter().any(|read| is_url(&read.name))
}

/// The text without comments and without what only other stages than development run.
fn developed(text: &str) -> String {
    let mut kept = String::new();
    // How far the condition is indented that is open, and whether development runs what stands there.
    let mut open: Option<(usize, bool)> = None;
    for line in text.lines().filter(|line| !line.trim().is_empty() && !is_comment(line)) {
        let (indent, words) = (line.len() - line.trim_start().len(), line.trim());
        match open {
            Some((from, is_run)) if indent == from && words == "else" => {
                open = Some((from, !is_run));
            }
            Some((from, _)) if indent <= from => open = None,
            _ => {}
        }
        let is_condition = ["config_env()", "Mix.env"].iter().any(|word| words.contains(word));
        if open.is_none() && is_condition && words.ends_with(" do") {
            open = Some((indent, is_developments(words)));
        } else if open.is_none_or(|(_, is_run)| is_run) {
            kept.extend([line, "\n"]);
        }
    }
    kept
}

/// Whether a condition on the stage is true in development. Of `case`, nobody knows.
fn is_developments(condition: &str) -> bool {
    let stage = |mark: &str| condition.split_once(mark).map(|(_, stage)| stage);
    let is_dev = |stage: &str| stage.starts_with("dev");
    let is_in = || stage(" in [").is_some_and(|list| list.contains(":dev"));
    let is_true = stage("!= :").map(|stage| !is_dev(stage)).or(stage("== :").map(is_dev));
    match condition.split_once(' ') {
        Some(("if", _)) => is_true.unwrap_or_else(is_in),
        Some(("unless", _)) => is_true.is_some_and(|is_true| !is_true),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_counts_where_development_reads_it() {
        let read = "url = System.get_env(\"DATABASE_URL\")";
        for (condition, expected) in [
            ("if config_env() == :dev do", true),
            ("if config_env() != :test do", true),
            ("if config_env() in [:dev, :test] do", true),
            ("unless config_env() == :prod do", true),
            ("if config_env() == :prod do", false),
            ("if config_env() in [:prod, :staging] do", false),
            ("if Mix.env() != :dev do", false),
            ("case config_env() do", false),
        ] {
            let text = format!("{condition}\n  {read}\nend\n");
            assert_eq!(reads_url(&developed(&text)), expected, "{condition}");
            let text = format!("{condition}\n  x = 1\nelse\n  {read}\nend\n");
            assert_eq!(reads_url(&developed(&text)), !expected, "{text}");
        }
        assert!(reads_url(&developed(&format!("if config_env() == :prod do\n  1\nend\n{read}\n"))));
        assert!(!reads_url(&developed("# System.get_env(\"DATABASE_URL\")\n")));
        assert!(!reads_url(&developed("System.get_env(\"REDIS_URL\")\n")));
    }

    #[test]
    fn settings_of_another_kind_of_database_stay() {
        for (driver, expected) in [(":postgrex", true), (":myxql", false)] {
            let read = "Repo, url: System.get_env(\"DATABASE_URL\")";
            let files = [("mix.exs", driver), ("config/runtime.exs", read)];
            let files = files.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
            let seen = Seen { files, ..Seen::default() };
            assert_eq!(is_replaced(&seen, "config/dev.exs"), expected, "{driver}");
            assert!(!is_replaced(&seen, "config/test.exs"));
        }
    }
}
