//! `git agentenv completions`: prints a completion script, and answers the requests of that script.

pub mod candidates;

use crate::cli::Cli;
use crate::commands::output::Script;
use crate::error::Exit;
use crate::shell::Shell;
use crate::sys::env;
use crate::ui::{Color, Ui};
use anyhow::Result;
use clap::CommandFactory;
use clap_complete::{CompletionCandidate, engine};
use std::ffi::OsString;

/// The variable that a completion script sets to request candidates.
pub const VARIABLE: &str = "GIT_AGENTENV_COMPLETE";

/// The arguments of `completions`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv completions bash > ~/.local/share/bash-completion/completions/git-agentenv
  git agentenv completions zsh > ~/.zfunc/_git-agentenv
  git agentenv completions fish > ~/.config/fish/conf.d/git-agentenv.fish";

/// Prints the script.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let script = completion(args.shell);
    let answer = Script { shell: args.shell, script: script.to_owned() };
    ui.answer(&answer, || script.to_owned())
}

/// Answers a completion script's request, if this is one. Errors are dropped: the user is typing.
///
/// Arguments after `--`: the program's name, the words, last the word at the cursor. Each candidate
/// is a line: the word, a tab, its description.
pub fn answer() -> bool {
    if env::var(VARIABLE).is_none() {
        return false;
    }
    let words: Vec<_> = std::env::args_os().skip_while(|word| word != "--").skip(1).collect();
    let lines: String = candidates(words).iter().map(line).collect();
    Ui::new(false, true, Color::Never).raw(&lines).ok();
    true
}

/// Offers options only after a dash, or when nothing else fits.
fn candidates(words: Vec<OsString>) -> Vec<CompletionCandidate> {
    let Some(at) = words.last().map(|word| word.to_string_lossy().into_owned()) else {
        return Vec::new();
    };
    let dir = std::env::current_dir().ok();
    let index = words.len() - 1;
    let mut found =
        engine::complete(&mut Cli::command(), words, index, dir.as_deref()).unwrap_or_default();
    let is_flag =
        |candidate: &CompletionCandidate| candidate.get_value().to_string_lossy().starts_with('-');
    if !at.starts_with('-') && !found.iter().all(is_flag) {
        found.retain(|candidate| !is_flag(candidate));
    }
    found
}

fn line(candidate: &CompletionCandidate) -> String {
    let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
    let help = help.lines().next().unwrap_or_default();
    format!("{}\t{help}\n", candidate.get_value().to_string_lossy())
}

fn completion(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => include_str!("../../../completions/git-agentenv.bash"),
        Shell::Zsh => include_str!("../../../completions/_git-agentenv"),
        Shell::Fish => include_str!("../../../completions/git-agentenv.fish"),
    }
}
