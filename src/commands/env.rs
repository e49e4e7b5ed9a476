//! `git agentenv env`: prints the variables of an environment.

use crate::commands::completions::candidates;
use crate::environment::context::Context;
use crate::environment::resolve;
use crate::error::Exit;
use crate::model::envfile;
use crate::ui::Ui;
use anyhow::Result;
use clap_complete::ArgValueCandidates;
use indexmap::IndexMap;
use serde::Serialize;

/// The arguments of `env`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Environment [default: the current one]
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub env: Option<String>,
    /// The output format
    #[arg(short, long, default_value = "dotenv")]
    pub format: Format,
}

/// An output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// NAME=value lines, as in the environment file
    Dotenv,
    /// `export` lines for sh, bash and zsh
    Shell,
    /// `set` lines for fish
    Fish,
    /// A JSON object
    Json,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv env feature-x
  eval \"$(git agentenv env --format shell)\"
  git agentenv env feature-x --format fish | source";

/// `env`: the variables of an environment.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Answer<'a> {
    /// The environment's name.
    name: &'a str,
    /// All its variables.
    variables: &'a IndexMap<String, String>,
}

/// Prints the variables.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    let lease = resolve::named_or_here(&context, args.env.as_deref())?;
    if ui.is_json() {
        return ui.answer(&Answer { name: &lease.name, variables: &lease.vars }, String::new);
    }
    ui.raw(&match args.format {
        Format::Dotenv => envfile::dotenv(&lease.vars),
        Format::Shell => envfile::shell(&lease.vars),
        Format::Fish => envfile::fish(&lease.vars),
        Format::Json => format!("{:#}\n", serde_json::json!(lease.vars)),
    })?;
    Ok(Exit::Done)
}
