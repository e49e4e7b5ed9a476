//! `git agentenv shell-init`: prints a shell function that changes directory, or loads it in the shell's own file.

pub(crate) mod rc;

use crate::commands::output::Script;
use crate::error::Exit;
use crate::shell::Shell;
use crate::ui::Ui;
use anyhow::Result;

/// The arguments of `shell-init`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
    /// The function's name
    #[arg(long, value_name = "NAME", default_value = DEFAULT, value_parser = function_name)]
    pub name: String,
    /// Load the function in the shell's own file, such as ~/.bashrc
    #[arg(long)]
    pub install: bool,
    /// Remove our lines from the shell's own file
    #[arg(long, conflicts_with = "install")]
    pub uninstall: bool,
}

/// The function, unless it was given another name.
const DEFAULT: &str = "agentenv";

const EXAMPLES: &str = "\
Examples:
  eval \"$(git agentenv shell-init bash)\"      # in ~/.bashrc
  eval \"$(git agentenv shell-init zsh)\"       # in ~/.zshrc, after compinit
  git agentenv shell-init fish | source       # in ~/.config/fish/config.fish
  git agentenv shell-init bash --install      # adds that to ~/.bashrc, once
  eval \"$(git agentenv shell-init bash --name ae)\"";

/// Words with a meaning of their own in bash, zsh or fish: reserved words, and builtins that scripts rely on.
const WORDS: [&str; 74] = [
    "alias",
    "and",
    "argparse",
    "begin",
    "bg",
    "bind",
    "break",
    "builtin",
    "case",
    "cd",
    "command",
    "continue",
    "coproc",
    "declare",
    "dirs",
    "disown",
    "do",
    "done",
    "echo",
    "elif",
    "else",
    "emit",
    "end",
    "esac",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fg",
    "fi",
    "for",
    "foreach",
    "function",
    "functions",
    "getopts",
    "hash",
    "history",
    "if",
    "in",
    "jobs",
    "kill",
    "let",
    "local",
    "nocorrect",
    "not",
    "or",
    "popd",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readonly",
    "repeat",
    "return",
    "select",
    "set",
    "shift",
    "shopt",
    "source",
    "string",
    "switch",
    "test",
    "then",
    "time",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "unalias",
    "unset",
    "until",
    "while",
];

/// Prints the function, or loads it in the shell's own file.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    if args.install {
        return rc::install(args.shell, &args.name, ui);
    }
    if args.uninstall {
        return rc::uninstall(args.shell, ui);
    }
    let parts = match args.shell {
        Shell::Bash => [include_str!("function.sh"), include_str!("completion.bash")],
        Shell::Zsh => [include_str!("function.sh"), include_str!("completion.zsh")],
        Shell::Fish => [include_str!("function.fish"), include_str!("completion.fish")],
    };
    let script = parts.concat().replace("AGENTENV_FUNCTION", &args.name);
    let answer = Script { shell: args.shell, script };
    ui.answer(&answer, || answer.script.clone())
}

fn function_name(text: &str) -> Result<String, String> {
    let begins = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let is_name = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if WORDS.contains(&text) {
        return Err("the shell has this word itself".to_owned());
    }
    if begins && is_name {
        return Ok(text.to_owned());
    }
    Err("a function name consists of letters, digits, `_` and `-`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_the_shell_is_no_name() {
        for name in ["if", "then", "function", "cd", "command", "end", "test", "eval"] {
            assert!(function_name(name).is_err(), "{name}");
        }
        for name in ["agentenv", "ae", "if-x"] {
            assert_eq!(function_name(name).as_deref(), Ok(name));
        }
    }
}
