//! Turns clap's errors into errors of this program: exit 2, message, hint.

use crate::error::{self, Failure};
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsString;

/// What `run` misses when its command is taken for its own arguments.
const DASHES: &str = "write `--` before the command: `git agentenv run [<env>] -- <command>`";

/// What takes the place of a branch beside `--detach`.
const DETACHED: &str = "`--detach` takes a commit: `git agentenv add --detach --from <commit>`";

/// Whether the arguments contain `--json`. Arguments after `--` belong to another command.
pub fn wants_json(words: impl IntoIterator<Item = OsString>) -> bool {
    words.into_iter().skip(1).take_while(|word| word != "--").any(|word| word == "--json")
}

/// Whether the subcommand is `hook`.
pub fn is_hook(words: impl IntoIterator<Item = OsString>) -> bool {
    let mut words = words.into_iter().skip(1);
    words.find(|word| !word.as_encoded_bytes().starts_with(b"-")).is_some_and(|word| word == "hook")
}

/// clap's error with the tip that it does not have.
pub fn told(mut error: clap::Error) -> clap::Error {
    let text = error.render().to_string();
    let tip = match error.kind() {
        ErrorKind::UnknownArgument if text.contains("\nUsage: git agentenv run ") => DASHES,
        ErrorKind::ArgumentConflict if text.contains("'--detach'") => DETACHED,
        _ => return error,
    };
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
    error
}

/// clap's error, with its tip as the hint. `None` for `--help` and `--version`.
pub fn failure(error: &clap::Error) -> Option<Failure> {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return None;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let failure = error::usage("missing subcommand");
        return Some(failure.hint("run `git agentenv -h` for a list of subcommands"));
    }
    let text = error.render().to_string();
    let (message, rest) = text.split_once("\n\n").unwrap_or((&text, ""));
    let words: Vec<&str> = message.split_whitespace().collect();
    let message = words.join(" ");
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    let tip = rest.lines().find_map(|line| line.trim_start().strip_prefix("tip: "));
    let usage = rest.lines().find(|line| line.starts_with("Usage: "));
    let mut failure = error::usage(message);
    failure.hint = tip.or(usage).map(str::to_owned);
    Some(failure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::{CommandFactory, Parser};

    fn refused(words: &[&str]) -> Option<Failure> {
        failure(&told(Cli::try_parse_from([&["git-agentenv"], words].concat()).unwrap_err()))
    }

    #[test]
    fn messages_and_tips_are_claps() {
        let failure = refused(&["lst"]).unwrap();
        assert_eq!(failure.message, "unrecognized subcommand 'lst'");
        assert_eq!(failure.hint.as_deref(), Some("some similar subcommands exist: 'ls', 'list'"));
        let failure = refused(&["path"]).unwrap();
        let missing = "the following required arguments were not provided: <ENV>";
        assert_eq!(failure.message, missing);
        assert_eq!(failure.hint.as_deref(), Some("Usage: git agentenv path <ENV>"));
    }

    #[test]
    fn a_command_without_the_two_dashes_is_told_of_them() {
        for words in [&["run", "x", "echo", "hi"][..], &["run", "x", "ls", "-l"]] {
            let hint = refused(words).unwrap().hint.unwrap();
            assert!(hint.contains("git agentenv run [<env>] -- <command>"), "{hint}");
        }
    }

    #[test]
    fn the_subcommand_is_the_first_word() {
        let is = |words: &[&str]| is_hook(words.iter().map(OsString::from));
        assert!(is(&["git-agentenv", "hook"]) && is(&["git-agentenv", "-q", "hook", "nope"]));
        assert!(!is(&["git-agentenv", "add", "hook"]) && !is(&["git-agentenv"]));
    }

    #[test]
    fn help_is_no_error_and_nothing_at_all_is_one() {
        assert!(refused(&["--help"]).is_none() && refused(&["add", "--version"]).is_none());
        assert_eq!(refused(&[]).unwrap().message, "missing subcommand");
    }

    #[test]
    fn n_is_a_dry_run_wherever_there_is_one() {
        let cli = Cli::command();
        let commands = cli.get_subcommands();
        let dry: Vec<_> = commands
            .flat_map(clap::Command::get_arguments)
            .filter(|arg| arg.get_long() == Some("dry-run"))
            .map(clap::Arg::get_short)
            .collect();
        assert!(dry.len() > 3 && dry.iter().all(|short| *short == Some('n')), "{dry:?}");
    }

    #[test]
    fn json_is_asked_for_before_the_two_dashes() {
        let wants = |words: &[&str]| wants_json(words.iter().map(OsString::from));
        assert!(wants(&["git-agentenv", "path", "--json"]));
        assert!(!wants(&["git-agentenv", "run", "--", "x", "--json"]));
    }
}
