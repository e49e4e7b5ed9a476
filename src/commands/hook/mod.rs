//! `git agentenv hook`: turns worktrees that other tools create into environments.

pub mod checkout;
pub mod checkout_script;
pub mod claude;
pub mod claude_protocol;
pub mod claude_session;
pub mod edit;
pub mod event;
mod file;
pub mod host;
pub mod hosts;
pub mod lifecycle;

use crate::error::Exit;
use crate::ui::Ui;
use anyhow::Result;

/// The arguments of `hook`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// The subcommand
    #[command(subcommand)]
    pub what: What,
}

/// The subcommands of `hook`.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Install a post-checkout hook that turns every new worktree into an environment
    #[command(after_long_help = checkout::EXAMPLES)]
    Install(checkout::Install),
    /// Remove our lines from the post-checkout hook
    #[command(after_long_help = checkout::EXAMPLES)]
    Uninstall,
    /// Show which hooks are installed, and where
    #[command(after_long_help = checkout::EXAMPLES)]
    Status,
    /// Print or install the settings that turn Claude Code's worktrees into environments
    Claude(claude::Args),
    /// Print or install the setup and cleanup scripts of Codex's local environments
    Codex(host::Args),
    /// Print or install the setup and archive scripts of Conductor's workspaces
    Conductor(host::Args),
    /// Print or install the setup command of Cursor's worktrees
    Cursor(host::Args),
    /// Print or install a session hook for Gemini CLI in worktrees
    Gemini(host::Args),
    /// Print or install an opencode plugin that sets the variables of an environment
    Opencode(host::Args),
    /// Print or install the setting that copies ignored files into VS Code's worktrees
    Vscode(host::Args),
    /// Print or install the hooks of worktrunk's worktrees
    Worktrunk(host::Args),
    /// Handle a post-checkout hook (run by git)
    #[command(hide = true)]
    Checkout,
    /// Handle the event WorktreeCreate (run by Claude Code)
    #[command(hide = true)]
    ClaudeCreate,
    /// Handle the event WorktreeRemove (run by Claude Code)
    #[command(hide = true)]
    ClaudeRemove,
    /// Handle the events SessionStart and CwdChanged (run by Claude Code)
    #[command(hide = true)]
    ClaudeSession,
    /// Handle the event PreToolUse (run by Claude Code)
    #[command(hide = true)]
    ClaudeCheck,
    /// Turn the worktree into an environment (run by agents)
    #[command(hide = true)]
    Setup,
    /// Stop what runs in the environment (run by agents)
    #[command(hide = true)]
    Cleanup,
    /// Handle the event SessionStart (run by Gemini CLI)
    #[command(hide = true)]
    SessionStart,
}

/// The help of `--help`.
pub const ABOUT: &str = "\
Turn worktrees made by git or coding agents into environments

`hook install` adds a block to the repository's post-checkout hook: each plain `git worktree add` then creates an \
environment. Other hooks stay. `hook uninstall` removes the block; existing environments stay.

`hook claude` sets up Claude Code's worktrees and sessions. `hook codex`, `conductor`, `cursor`, `gemini`, \
`opencode`, `vscode` and `worktrunk` print what belongs into the configuration of that program. `--install` adds it \
to the file, `--uninstall` removes it again; other lines stay.

Claude Code's settings give the shells of a session the variables of the environment that it is in (SessionStart, \
CwdChanged), refuse a Bash command that would run with another environment's (PreToolUse), and release what a \
worktree held when Claude Code removes it (WorktreeRemove; if that event does not come, `git agentenv prune` does). \
With `--create`, git-agentenv creates the worktrees (WorktreeCreate): in `.claude/worktrees`, from the remote's \
default branch or as `worktree.baseRef` says, with the files of `.worktreeinclude`.";

const EXAMPLES: &str = "\
Examples:
  git agentenv hook install
  git agentenv hook status
  git agentenv hook claude --install
  git agentenv hook codex --print";

/// Runs the subcommand.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    match &args.what {
        What::Install(args) => checkout::install(args, ui),
        What::Uninstall => checkout::uninstall(ui),
        What::Status => checkout::status(ui),
        What::Claude(args) => claude::run(args, ui),
        What::Codex(args) => host::run("codex", args, ui),
        What::Conductor(args) => host::run("conductor", args, ui),
        What::Cursor(args) => host::run("cursor", args, ui),
        What::Gemini(args) => host::run("gemini", args, ui),
        What::Opencode(args) => host::run("opencode", args, ui),
        What::Vscode(args) => host::run("vscode", args, ui),
        What::Worktrunk(args) => host::run("worktrunk", args, ui),
        What::Checkout => event::checkout(ui),
        What::ClaudeCreate => event::create(ui),
        What::ClaudeRemove => event::remove(ui),
        What::ClaudeSession => claude_session::variables(ui),
        What::ClaudeCheck => claude_session::check(ui),
        What::Setup => lifecycle::setup(ui),
        What::Cleanup => lifecycle::cleanup(ui),
        What::SessionStart => lifecycle::session_start(ui),
    }
}
