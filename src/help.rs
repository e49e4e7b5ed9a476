//! The help of the whole program: its subcommands by topic, as git lists its own.

use crate::cli::Cli;
use clap::{Command, CommandFactory, FromArgMatches};

/// The subcommands by topic.
const TOPICS: [(&str, &[&str]); 6] = [
    ("Start", &["init", "infra", "trust", "add", "adopt"]),
    ("Use", &["list", "status", "switch", "path", "env", "run", "db"]),
    ("Run the application", &["up", "down", "restart", "ps", "logs", "wait", "open"]),
    ("Change and finish", &["move", "rename", "remove", "restore", "prune"]),
    ("Find problems", &["doctor", "check"]),
    ("Agents and shells", &["hook", "mcp", "completions", "shell-init"]),
];

/// Parses the command line of this process.
///
/// # Errors
/// clap's, also for help and version.
pub fn parse() -> Result<Cli, clap::Error> {
    let mut matches = command().try_get_matches()?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command()))
}

fn command() -> Command {
    let command = Cli::command();
    let (list, header) = (by_topic(&command), *command.get_styles().get_header());
    command.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{list}{header}Options:{header:#}\n{{options}}{{after-help}}"
    ))
}

fn by_topic(command: &Command) -> String {
    let styles = command.get_styles();
    let (header, literal) = (styles.get_header(), styles.get_literal());
    let width = TOPICS.iter().flat_map(|(_, names)| *names).map(|name| name.len()).max();
    let width = width.unwrap_or_default();
    let line = |name: &&str| {
        let command = command.find_subcommand(name)?;
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        Some(format!("  {literal}{name:<width$}{literal:#}  {about}\n"))
    };
    let topic = |(title, names): &(&str, &[&str])| {
        let lines: String = names.iter().filter_map(line).collect();
        format!("{header}{title}:{header:#}\n{lines}\n")
    };
    TOPICS.iter().map(topic).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_subcommand_has_one_topic() {
        let named: Vec<&str> = TOPICS.iter().flat_map(|(_, names)| *names).copied().collect();
        let command = Cli::command();
        let all = command.get_subcommands().filter(|command| !command.is_hide_set());
        let all: BTreeSet<&str> = all.map(Command::get_name).collect();
        assert_eq!(named.iter().copied().collect::<BTreeSet<_>>(), all);
        assert_eq!(named.len(), all.len());
        let help = command_help();
        assert!(help.contains("\nFind problems:\n  doctor "), "{help}");
        assert!(help.contains("\nOptions:\n") && !help.contains('{'), "{help}");
    }

    fn command_help() -> String {
        command().render_help().to_string()
    }
}
