//! `git agentenv hook install|uninstall|status`: the post-checkout hook.

use super::{claude, host, hosts};
use crate::commands::hook::checkout_script as hook;
use crate::commands::hook::checkout_script::Change;
use crate::environment::context::Context;
use crate::error::{self, Exit};
use crate::sys::{fs, git};
use crate::ui::Ui;
use anyhow::Result;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// The arguments of `hook install`.
#[derive(Debug, clap::Args)]
pub struct Install {
    /// Also install into a hooks directory that other repositories share
    #[arg(long)]
    pub shared: bool,
}

/// Examples for `install`, `uninstall` and `status`.
pub const EXAMPLES: &str = "\
Examples:
  git agentenv hook install && git worktree add ../x
  git agentenv hook status --json
  git agentenv hook uninstall
  AGENTENV_WORKING=1 git worktree add ../y     # without an environment";

/// The hint where we cannot change the hook.
const BY_HAND: &str =
    "call `git-agentenv --quiet hook checkout` from it when its first argument is all zeros";

/// `hook install`, `hook uninstall`, and `--install` and `--uninstall` of a program.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Installed {
    /// It is in the file.
    pub(super) installed: bool,
    /// The hook's or the program's file.
    pub(super) file: PathBuf,
}

/// `hook status`: which hooks are installed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Status {
    /// The post-checkout hook.
    post_checkout: Place,
    /// The configuration of Claude Code.
    claude: Place,
    /// The configuration of Codex.
    codex: Place,
    /// The configuration of Conductor.
    conductor: Place,
    /// The configuration of Cursor.
    cursor: Place,
    /// The configuration of Gemini CLI.
    gemini: Place,
    /// The configuration of opencode.
    opencode: Place,
    /// The configuration of VS Code.
    vscode: Place,
    /// The configuration of worktrunk.
    worktrunk: Place,
}

/// Where a hook is.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Place {
    /// It is in the file.
    installed: bool,
    /// Where it is, or would be; null: in no file.
    file: Option<PathBuf>,
}

impl Status {
    fn text(&self) -> String {
        let rows = [
            ("post-checkout", &self.post_checkout),
            ("claude", &self.claude),
            ("codex", &self.codex),
            ("conductor", &self.conductor),
            ("cursor", &self.cursor),
            ("gemini", &self.gemini),
            ("opencode", &self.opencode),
            ("vscode", &self.vscode),
            ("worktrunk", &self.worktrunk),
        ];
        rows.iter().map(|(name, place)| format!("{name:<13}  {place}\n")).collect()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.installed { "installed" } else { "not installed" })?;
        self.file.iter().try_for_each(|file| write!(f, ": {}", file.display()))
    }
}

/// The hook's file and content.
pub(super) struct Hook {
    file: PathBuf,
    text: Option<String>,
    mode: Option<u32>,
    /// The scope of `core.hooksPath`, when that sets the directory.
    scope: Option<String>,
}

/// Adds our lines to the hook; refuses a hook that is not a shell script.
pub fn install(args: &Install, ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    let found = put_in(&context, args.shared)?;
    ui.say("installed: every new worktree becomes an environment");
    if found.scope.is_some() && git::tracks(&context.repo.main, &found.file.to_string_lossy())? {
        ui.say(
            "this hook is a tracked file: commit it to share it with everyone who has git-agentenv",
        );
    }
    answer(ui, &found, true)
}

/// Adds our lines to the hook; refuses a directory of hooks that other repositories share, unless `shared`.
pub(super) fn put_in(context: &Context, shared: bool) -> Result<Hook> {
    let found = find(context)?;
    if let Some(scope) = found.scope.as_deref().filter(|_| !shared)
        && !matches!(scope, "local" | "worktree")
    {
        let dir = found.file.parent().unwrap_or(&found.file).display();
        let message = format!("core.hooksPath ({scope}) is {dir}, which other repositories share");
        let hint = "install the hook for all of them: `git agentenv hook install --shared`";
        return Err(error::refused(message).hint(hint).into());
    }
    let change = hook::install(found.text.as_deref()).ok_or_else(|| {
        let message = format!("cannot change {}: not a shell script", found.file.display());
        error::refused(message).hint(BY_HAND)
    })?;
    if change != Change::Nothing && found.mode.is_some_and(|mode| mode & 0o111 == 0) {
        let message = format!("git ignores {}: the file is not executable", found.file.display());
        let hint = "make it executable with `chmod +x`, or delete it";
        return Err(error::refused(message).hint(hint).into());
    }
    carry_out(&found, &change)?;
    Ok(found)
}

/// Removes our lines from the hook.
pub fn uninstall(ui: &Ui) -> Result<Exit> {
    let found = find(&Context::here()?)?;
    let change = found.text.as_deref().map_or(Change::Nothing, hook::uninstall);
    carry_out(&found, &change)?;
    ui.say(match change {
        Change::Nothing => "the post-checkout hook is not installed",
        _ => "uninstalled: new worktrees are plain worktrees",
    });
    answer(ui, &found, false)
}

/// Shows which hooks are installed.
pub fn status(ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    let found = find(&context)?;
    let checkout = found.text.as_deref().is_some_and(hook::is_in);
    let claude = claude::installed(&context);
    let place = |key| {
        let file = host::installed(&context, hosts::host(key)).unwrap_or_default();
        Place { installed: file.is_some(), file }
    };
    let answer = Status {
        post_checkout: Place { installed: checkout, file: Some(found.file) },
        claude: Place { installed: claude.is_some(), file: claude },
        codex: place("codex"),
        conductor: place("conductor"),
        cursor: place("cursor"),
        gemini: place("gemini"),
        opencode: place("opencode"),
        vscode: place("vscode"),
        worktrunk: place("worktrunk"),
    };
    ui.answer(&answer, || answer.text())
}

fn find(context: &Context) -> Result<Hook> {
    let (dir, scope) = git::hooks_dir(&context.repo.main)?;
    let file = dir.join("post-checkout");
    let refused =
        |why: String| error::refused(format!("cannot change the hook: {why}")).hint(BY_HAND);
    let content = fs::read(&file).map_err(|error| refused(error.to_string()))?;
    let text = content.map(String::from_utf8).transpose();
    let text = text.map_err(|_| refused(format!("{} is not UTF-8 text", file.display())))?;
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
    let answer = Installed { installed, file: hook.file.clone() };
    ui.answer(&answer, || format!("{}\n", hook.file.display()))
}
