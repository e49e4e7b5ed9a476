//! `git agentenv hook install|uninstall|status`: the post-checkout hook.

use super::claude;
use crate::commands::hook::checkout_script as hook;
use crate::commands::hook::checkout_script::Change;
use crate::environment::context::Context;
use crate::error::{self, Exit};
use crate::sys::{fs, git};
use crate::ui::Ui;
use anyhow::Result;
use serde_json::json;
use std::path::PathBuf;

/// The arguments of `hook install`.
#[derive(Debug, clap::Args)]
pub struct Install {
    /// Also into a directory of hooks that all of the user's repositories share
    #[arg(long)]
    pub shared: bool,
}

/// Examples for the three.
pub const EXAMPLES: &str = "\
Examples:
  git agentenv hook install && git worktree add ../x
  git agentenv hook status --json
  git agentenv hook uninstall
  AGENTENV_WORKING=1 git worktree add ../y     # this one without an environment";

/// What helps where we may not write into the hook.
const BY_HAND: &str =
    "let it run `git-agentenv --quiet hook checkout` when its first argument is all zeros";

/// The file of the hook, and what is in it.
struct Hook {
    file: PathBuf,
    text: Option<String>,
    mode: Option<u32>,
    /// The scope of `core.hooksPath`, when that names the directory.
    scope: Option<String>,
}

/// Puts our lines into the hook.
///
/// # Errors
/// When the hook that is there is not one that these lines can be added to.
pub fn install(args: &Install, ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    let found = find(&context)?;
    if let Some(scope) = found.scope.as_deref().filter(|_| !args.shared)
        && !matches!(scope, "local" | "worktree")
    {
        let dir = found.file.parent().unwrap_or(&found.file).display();
        let message = format!("core.hooksPath ({scope}) is {dir}, which other repositories share");
        let hint = "`git agentenv hook install --shared` installs it there, for all of them";
        return Err(error::refused(message).hint(hint).into());
    }
    let change = hook::install(found.text.as_deref()).ok_or_else(|| {
        let message = format!("{} is no shell script, and is left alone", found.file.display());
        error::refused(message).hint(BY_HAND)
    })?;
    if change != Change::Nothing && found.mode.is_some_and(|mode| mode & 0o111 == 0) {
        let message = format!("{} cannot be executed, so git ignores it", found.file.display());
        let hint = "remove it, or `chmod +x` it, if it is meant to run";
        return Err(error::refused(message).hint(hint).into());
    }
    carry_out(&found, &change)?;
    ui.say("every new worktree becomes an environment by itself");
    if found.scope.is_some() && git::tracks(&context.repo.main, &found.file.to_string_lossy())? {
        ui.say("this hook is a tracked file: commit it, and it works for everybody who has git-agentenv");
    }
    answer(ui, &found, true)
}

/// Takes our lines out of the hook.
///
/// # Errors
/// When its file cannot be read or written.
pub fn uninstall(ui: &Ui) -> Result<Exit> {
    let found = find(&Context::here()?)?;
    let change = found.text.as_deref().map_or(Change::Nothing, hook::uninstall);
    carry_out(&found, &change)?;
    ui.say(match change {
        Change::Nothing => "the hook was not installed",
        _ => "new worktrees are plain worktrees again",
    });
    answer(ui, &found, false)
}

/// Says which hooks are installed.
///
/// # Errors
/// When a file cannot be read.
pub fn status(ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    let found = find(&context)?;
    let checkout = found.text.as_deref().is_some_and(hook::is_in);
    let claude = claude::installed(&context)?;
    let word = |installed: bool| if installed { "installed" } else { "not installed" };
    let settings = claude.as_ref().map(|file| file.display().to_string());
    ui.answer(
        &json!({
            "post_checkout": { "installed": checkout, "file": found.file },
            "claude": { "installed": claude.is_some(), "file": claude },
        }),
        || {
            format!(
                "post-checkout  {}: {}\nclaude         {}{}\n",
                word(checkout),
                found.file.display(),
                word(claude.is_some()),
                settings.map_or(String::new(), |file| format!(": {file}")),
            )
        },
    )?;
    Ok(Exit::Done)
}

fn find(context: &Context) -> Result<Hook> {
    let (dir, scope) = git::hooks_dir(&context.repo.main)?;
    let file = dir.join("post-checkout");
    let refused = |why: String| error::refused(format!("{why}, and is left alone")).hint(BY_HAND);
    let content = fs::read(&file).map_err(|error| refused(error.to_string()))?;
    let text = content.map(String::from_utf8).transpose();
    let text = text.map_err(|_| refused(format!("{} is no text", file.display())))?;
    Ok(Hook { mode: fs::mode(&file), file, text, scope })
}

fn carry_out(hook: &Hook, change: &Change) -> Result<()> {
    match change {
        Change::Nothing => Ok(()),
        Change::Remove => fs::remove(&hook.file),
        Change::Write(text) => {
            fs::make_dir(hook.file.parent().unwrap_or(&hook.file))?;
            fs::replace_as(&hook.file, text.as_bytes(), hook.mode.unwrap_or(0o755))
        }
    }
}

fn answer(ui: &Ui, hook: &Hook, installed: bool) -> Result<Exit> {
    let answer = json!({ "installed": installed, "file": hook.file });
    ui.answer(&answer, || format!("{}\n", hook.file.display()))?;
    Ok(Exit::Done)
}
