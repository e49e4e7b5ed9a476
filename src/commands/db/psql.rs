//! `git agentenv db psql`: opens psql on an environment's database.

use super::Target;
use crate::commands::completions::candidates;
use crate::error::Exit;
use crate::service::postgres;
use crate::ui;
use anyhow::Result;
use clap_complete::ArgValueCandidates;

/// The arguments of `db psql`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Environment [default: the current one]
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub env: Option<String>,
    /// Run this command and exit
    #[arg(short, long, value_name = "SQL")]
    pub command: Vec<String>,
    /// More arguments for psql
    #[arg(last = true, value_name = "ARGS")]
    pub args: Vec<String>,
}

/// The examples in its help.
pub const EXAMPLES: &str = "\
Examples:
  git agentenv db psql
  git agentenv db psql feature-x -c 'SELECT count(*) FROM users'
  git agentenv db psql <seed.sql
  git agentenv db psql -- -At -c 'SELECT 1'";

/// Runs psql on this terminal, and exits as it does.
pub fn run(args: &Args, target: &Target) -> Result<Exit> {
    let commands = args.command.iter().flat_map(|sql| ["-c", sql]);
    let all: Vec<&str> = commands.chain(args.args.iter().map(String::as_str)).collect();
    let terminal = args.command.is_empty() && ui::is_terminal();
    postgres::client(&target.database, &all, terminal)?.take_over().map(Exit::Command)
}
