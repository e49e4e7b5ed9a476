//! `git agentenv hook claude`: Claude Code's settings.

use crate::commands::hook::checkout::Installed;
use crate::commands::hook::edit::json;
use crate::commands::hook::{checkout, claude_protocol, file};
use crate::environment::context::{Context, current_dir};
use crate::error::{self, Exit, Failure};
use crate::sys::{env, fs};
use crate::ui::Ui;
use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The arguments of `hook claude`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Add the hooks to the settings, and git's post-checkout hook to the repository
    #[arg(long)]
    pub install: bool,
    /// Print the settings without writing them; this is the default
    #[arg(long, conflicts_with = "install")]
    pub print: bool,
    /// Create Claude Code's worktrees instead of turning its own into environments: with WorktreeCreate in the settings
    /// and without a post-checkout hook
    #[arg(long, conflicts_with = "uninstall")]
    pub create: bool,
    /// Remove the hooks from the settings
    #[arg(long, conflicts_with_all = ["install", "print"])]
    pub uninstall: bool,
    /// Change this settings file [default: .claude/settings.local.json of the main checkout]
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv hook claude
  git agentenv hook claude --install && claude --worktree feature-x
  git agentenv hook claude --install --create
  git agentenv hook claude --install --settings ~/.claude/settings.json
  git agentenv hook claude --uninstall";

/// The user's own settings in this repository, and the project's shared ones.
const FILES: [&str; 2] = [".claude/settings.local.json", ".claude/settings.json"];

/// `hook claude`: settings for Claude Code.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Settings {
    /// What belongs in its settings file.
    settings: Value,
}

/// Prints the settings, or changes the settings file.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    if !args.install && !args.uninstall {
        let settings = claude_protocol::snippet(args.create)?;
        let answer = Settings { settings };
        return ui.answer(&answer, || format!("{:#}\n", answer.settings));
    }
    let file = match &args.settings {
        Some(file) => current_dir()?.join(file),
        None => Context::here()?.repo.main.join(FILES[0]),
    };
    // The file itself, where a link leads to it.
    let file = fs::canonical(&file);
    let existing = read(&file)?;
    let before = existing.as_deref().unwrap_or_default();
    let after = match args.install {
        true => claude_protocol::insert(before, args.create),
        false => claude_protocol::remove(before),
    };
    let after = after.map_err(|error| odd(&file, &error.to_string()))?;
    if args.install && !args.create {
        checkout::put_in(&Context::here()?, false)?;
    }
    if before != after {
        let own_dir = file.parent().is_some_and(|dir| dir.ends_with(".claude"));
        let written = match args.install {
            true => file::write(&file, &after, existing.as_deref()),
            false => file::leave(&file, &after, file::is_nothing(&after), own_dir.into()),
        };
        written.context("cannot change the settings of Claude Code")?;
    }
    ui.say(match (args.install, args.create) {
        (true, false) => {
            "installed: Claude Code creates worktrees as ever, and git's post-checkout hook turns them into environments; \
             restart running sessions\nin a repository whose hooks you cannot change: `git agentenv hook claude \
             --install --create`"
        }
        (true, true) => {
            "installed: git-agentenv creates Claude Code's worktrees, in .claude/worktrees; restart running sessions"
        }
        (false, _) => {
            "uninstalled from Claude Code; remove git's hook with `git agentenv hook uninstall`"
        }
    });
    let answer = Installed { installed: args.install, file };
    ui.answer(&answer, || format!("{}\n", answer.file.display()))
}

/// The project's settings file that contains our hooks. One that cannot be read contains none.
pub fn installed(context: &Context) -> Option<PathBuf> {
    let mut files = FILES.map(|file| context.repo.main.join(file)).into_iter();
    files.find(|file| settled(file).is_some_and(|settings| claude_protocol::is_in(&settings)))
}

/// Whether new worktrees start at HEAD and not at the remote's default branch, by the first settings that say so.
pub fn starts_at_head(context: &Context) -> bool {
    let home = env::path("CLAUDE_CONFIG_DIR")
        .or_else(|| env::path("HOME").map(|home| home.join(".claude")));
    let files = FILES.map(|file| context.repo.main.join(file)).into_iter();
    let files = files.chain(home.map(|home| home.join("settings.json")));
    let settings: Vec<Value> = files.filter_map(|file| json::value(&settled(&file)?)).collect();
    settings.iter().find_map(claude_protocol::base_ref) == Some("head")
}

/// The settings in a file or where its link leads, if it is there and can be read.
fn settled(file: &Path) -> Option<String> {
    read(&fs::canonical(file)).ok().flatten()
}

fn read(file: &Path) -> Result<Option<String>> {
    let text = fs::read(file)?.map(String::from_utf8).transpose();
    text.map_err(|_| odd(file, "not UTF-8 text").into())
}

fn odd(file: &Path, why: &str) -> Failure {
    error::refused(format!("cannot parse {}: {why}", file.display()))
        .hint("fix the file, or copy the settings from `git agentenv hook claude`")
}
