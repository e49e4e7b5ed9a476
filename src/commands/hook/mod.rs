//! `git agentenv hook`: worktrees that something else makes become environments by themselves.

pub mod checkout;
pub mod checkout_script;
pub mod claude;
pub mod claude_protocol;
pub mod event;

use crate::error::Exit;
use crate::ui::Ui;
use anyhow::Result;

/// The arguments of `hook`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub what: What,
}

/// What to do with hooks.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Make an environment of every worktree that plain `git worktree add` makes, through a post-checkout hook
    #[command(after_long_help = checkout::EXAMPLES)]
    Install(checkout::Install),
    /// Take that out of the post-checkout hook again
    #[command(after_long_help = checkout::EXAMPLES)]
    Uninstall,
    /// Say which hooks are installed, and where
    #[command(after_long_help = checkout::EXAMPLES)]
    Status,
    /// Make an environment of every worktree that Claude Code makes: print its settings, or install them
    Claude(claude::Args),
    /// Run by the post-checkout hook
    #[command(hide = true)]
    Checkout,
    /// Run by Claude Code for its event WorktreeCreate
    #[command(hide = true)]
    ClaudeCreate,
    /// Run by Claude Code for its event WorktreeRemove
    #[command(hide = true)]
    ClaudeRemove,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv hook install
  git agentenv hook status
  git agentenv hook claude --install";

/// Does it.
///
/// # Errors
/// When a file is not ours to change, or an event cannot be answered.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    match &args.what {
        What::Install(args) => checkout::install(args, ui),
        What::Uninstall => checkout::uninstall(ui),
        What::Status => checkout::status(ui),
        What::Claude(args) => claude::run(args, ui),
        What::Checkout => event::checkout(ui),
        What::ClaudeCreate => event::create(ui),
        What::ClaudeRemove => event::remove(ui),
    }
}
