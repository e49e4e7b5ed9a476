//! `git agentenv hook claude`: Claude Code's settings.

use crate::commands::hook::claude_protocol;
use crate::environment::context::{Context, current_dir};
use crate::error::{self, Exit, Failure};
use crate::sys::fs;
use crate::ui::Ui;
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The arguments of `hook claude`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Put the hooks into the settings
    #[arg(long)]
    pub install: bool,
    /// Take the hooks out of the settings
    #[arg(long, conflicts_with = "install")]
    pub uninstall: bool,
    /// The settings' file [default: .claude/settings.local.json of the main checkout]
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv hook claude
  git agentenv hook claude --install && claude --worktree feature-x
  git agentenv hook claude --install --settings ~/.claude/settings.json
  git agentenv hook claude --uninstall";

/// The settings of this user in this repository, and those that the project shares.
const FILES: [&str; 2] = [".claude/settings.local.json", ".claude/settings.json"];

/// Prints the settings, or changes the settings' file.
///
/// # Errors
/// When the file is no settings file of Claude Code's, or cannot be written.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    if !args.install && !args.uninstall {
        let settings = claude_protocol::snippet();
        ui.answer(&json!({ "settings": settings }), || format!("{settings:#}\n"))?;
        return Ok(Exit::Done);
    }
    let file = match &args.settings {
        Some(file) => current_dir()?.join(file),
        None => Context::here()?.repo.main.join(FILES[0]),
    };
    let existing = read(&file)?;
    let mut settings = existing.clone().unwrap_or_else(|| json!({}));
    let change = if args.install { claude_protocol::insert } else { claude_protocol::remove };
    change(&mut settings).map_err(|error| odd(&file, &error.to_string()))?;
    if existing.as_ref() != Some(&settings) {
        write(&file, &settings, existing.is_some())?;
    }
    ui.say(if args.install {
        "Claude Code's worktrees become environments; sessions that run now keep their settings"
    } else {
        "Claude Code makes plain worktrees again"
    });
    let answer = json!({ "installed": args.install, "file": file });
    ui.answer(&answer, || format!("{}\n", file.display()))?;
    Ok(Exit::Done)
}

/// The project's settings file that holds our hooks.
///
/// # Errors
/// When one cannot be read.
pub fn installed(context: &Context) -> Result<Option<PathBuf>> {
    for file in FILES.map(|file| context.repo.main.join(file)) {
        if read(&file)?.is_some_and(|settings| claude_protocol::is_in(&settings)) {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

fn read(file: &Path) -> Result<Option<Value>> {
    let Some(content) = fs::read(file)? else {
        return Ok(None);
    };
    if content.trim_ascii().is_empty() {
        return Ok(Some(json!({})));
    }
    let settings = serde_json::from_slice(&content);
    settings.map(Some).map_err(|error| odd(file, &error.to_string()).into())
}

fn write(file: &Path, settings: &Value, existed: bool) -> Result<()> {
    if *settings == json!({}) {
        return if existed { remove(file) } else { Ok(()) };
    }
    fs::make_dir(file.parent().unwrap_or(file))?;
    let text = format!("{settings:#}\n");
    fs::replace_as(file, text.as_bytes(), fs::mode(file).unwrap_or(0o644))
        .context("cannot change Claude Code's settings")
}

/// With its directory, when nothing else is in that: as if we had never been there.
fn remove(file: &Path) -> Result<()> {
    fs::remove(file).context("cannot change Claude Code's settings")?;
    let Some(dir) = file.parent().filter(|dir| dir.ends_with(".claude")) else { return Ok(()) };
    if fs::entries(dir)?.is_empty() { fs::remove_dir(dir) } else { Ok(()) }
}

fn odd(file: &Path, why: &str) -> Failure {
    error::refused(format!("cannot understand {}: {why}", file.display()))
        .hint("mend it, or add by hand what `git agentenv hook claude` prints")
}
