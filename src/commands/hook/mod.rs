//! `git agentenv hook`: turns worktrees that other tools create into environments.

pub mod checkout;
pub mod checkout_script;
pub mod claude;
pub mod claude_protocol;
pub mod claude_session;
pub mod event;

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
}

const EXAMPLES: &str = "\
Examples:
  git agentenv hook install
  git agentenv hook status
  git agentenv hook claude --install";

/// Runs the subcommand.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    match &args.what {
        What::Install(args) => checkout::install(args, ui),
        What::Uninstall => checkout::uninstall(ui),
        What::Status => checkout::status(ui),
        What::Claude(args) => claude::run(args, ui),
        What::Checkout => event::checkout(ui),
        What::ClaudeCreate => event::create(ui),
        What::ClaudeRemove => event::remove(ui),
        What::ClaudeSession => claude_session::variables(ui),
        What::ClaudeCheck => claude_session::check(ui),
    }
}
