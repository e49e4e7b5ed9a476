//! Our lines in the file that a shell reads when it starts.

use super::DEFAULT;
use crate::error::{self, Exit, Failure};
use crate::model::managed_block::Marks;
use crate::shell::Shell;
use crate::sys::{env, fs};
use crate::ui::Ui;
use anyhow::Result;
use serde::Serialize;
use std::path::{Path, PathBuf};

const MARKS: Marks = Marks { begin: "# >>> git-agentenv >>>", end: "# <<< git-agentenv <<<" };

/// `shell-init --install` and `--uninstall`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Installed {
    /// The shell loads the function.
    installed: bool,
    /// The file that the shell reads when it starts.
    file: PathBuf,
}

/// Loads the function in every new shell. Twice is once.
pub fn install(shell: Shell, name: &str, ui: &Ui) -> Result<Exit> {
    let file = file(shell)?;
    let text = read(&file)?.unwrap_or_default();
    let block = MARKS.block(&line(shell, name));
    let new = MARKS.replaced(&text, &block).unwrap_or_else(|| {
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        format!("{text}{end}{block}")
    });
    if new != text {
        fs::write_text(&file, &new)?;
    }
    ui.say(format!("new shells have the function `{name}`; in this one: {}", line(shell, name)));
    answer(ui, true, file)
}

/// Takes our lines out of the file; deletes it if nothing else is in it.
pub fn uninstall(shell: Shell, ui: &Ui) -> Result<Exit> {
    let file = file(shell)?;
    match read(&file)?.and_then(|text| MARKS.without(&text)) {
        None => ui.say("the function is not installed"),
        Some(rest) if rest.is_empty() => fs::remove(&file)?,
        Some(rest) => fs::write_text(&file, &rest)?,
    }
    answer(ui, false, file)
}

fn answer(ui: &Ui, installed: bool, file: PathBuf) -> Result<Exit> {
    let answer = Installed { installed, file };
    ui.answer(&answer, || format!("{}\n", answer.file.display()))
}

/// Says nothing in a shell that does not find the program.
fn line(shell: Shell, name: &str) -> String {
    let option = if name == DEFAULT { String::new() } else { format!(" --name {name}") };
    let init = format!("git-agentenv shell-init {}{option}", shell.name());
    match shell {
        Shell::Fish => format!("command -q git-agentenv; and {init} | source"),
        _ => format!("if command -v git-agentenv >/dev/null; then eval \"$({init})\"; fi"),
    }
}

/// The file itself, where a link leads to it.
fn file(shell: Shell) -> Result<PathBuf> {
    let home = || env::path("HOME").ok_or_else(|| error::failed("HOME is not set"));
    let file = match shell {
        Shell::Bash => home()?.join(".bashrc"),
        Shell::Zsh => env::path("ZDOTDIR").map_or_else(home, Ok)?.join(".zshrc"),
        Shell::Fish => {
            let config = || home().map(|home| home.join(".config"));
            env::path("XDG_CONFIG_HOME").map_or_else(config, Ok)?.join("fish/config.fish")
        }
    };
    Ok(fs::canonical(&file))
}

fn read(file: &Path) -> Result<Option<String>> {
    let odd = |why: &str| -> Failure {
        error::refused(format!("cannot change {}: {why}", file.display()))
            .hint("add the line that `git agentenv shell-init --help` shows by hand")
    };
    let content = fs::read(file).map_err(|error| odd(&error.to_string()))?;
    Ok(content.map(String::from_utf8).transpose().map_err(|_| odd("not UTF-8 text"))?)
}
