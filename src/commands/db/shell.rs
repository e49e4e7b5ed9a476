//! `git agentenv db shell`: opens the client of an environment's database.

use crate::commands::completions::candidates;
use crate::environment::context::Context;
use crate::environment::resolve;
use crate::error::{self, Exit};
use crate::service::{Resource, mysql, postgres};
use crate::sys::exec::Cmd;
use crate::ui;
use anyhow::Result;
use clap_complete::ArgValueCandidates;

/// The arguments of `db shell`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Environment [default: the current one]
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub env: Option<String>,
    /// More arguments for the client
    #[arg(last = true, value_name = "ARGS")]
    pub args: Vec<String>,
}

/// The examples in its help.
pub const EXAMPLES: &str = "\
Examples:
  git agentenv db shell
  git agentenv db shell feature-x <seed.sql
  git agentenv db shell feature-x -- -json 'SELECT 1'     # of sqlite3
  git agentenv db shell feature-x -- --help";

/// Runs the client on this terminal, and exits as it does.
pub fn run(args: &Args, service: Option<&str>) -> Result<Exit> {
    let context = Context::here()?;
    let lease = resolve::named_or_here(&context, args.env.as_deref())?;
    let resource = lease.resource(super::part(&lease, service, &super::KINDS)?)?;
    let words: Vec<&str> = args.args.iter().map(String::as_str).collect();
    let client = match &resource {
        Resource::MysqlDatabase(database) => mysql::client(database, &words, ui::is_terminal())?,
        // What follows the file is options and statements; what comes before it would be the file.
        Resource::File(file) => Cmd::new("sqlite3").arg(file.full()).args(&words).patience(None),
        Resource::Database(database) => postgres::client(database, &words, ui::is_terminal())?,
        Resource::RedisIndex(_) | Resource::Custom(_) => {
            return Err(error::usage(format!("{resource} is not a database")).into());
        }
    };
    client.take_over().map(Exit::Command)
}
