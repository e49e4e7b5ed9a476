//! `git agentenv db snapshot`: keeps what is in an environment's database, and goes back to it.

use super::Target;
use crate::commands::completions::candidates;
use crate::error::Exit;
use crate::service::postgres::snapshot;
use crate::ui::Ui;
use anyhow::Result;
use clap_complete::ArgValueCandidates;
use serde_json::json;

/// The arguments of `db snapshot`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub what: What,
}

/// What to do with snapshots.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Keep what is in the database now
    #[command(after_long_help = EXAMPLES)]
    Save(Named),
    /// Make the database what it was then
    #[command(after_long_help = EXAMPLES)]
    Restore(Named),
    /// List them
    #[command(after_long_help = EXAMPLES)]
    List {
        /// The environment; none: the one around the current directory
        #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
        env: Option<String>,
    },
    /// Drop one
    #[command(after_long_help = EXAMPLES)]
    Delete(Named),
}

/// A snapshot of an environment's.
#[derive(Debug, clap::Args)]
pub struct Named {
    /// The snapshot: lower-case letters, digits and hyphens
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The environment; none: the one around the current directory
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub env: Option<String>,
    /// `save`: replace one of this name; `restore`: end the sessions on the database
    #[arg(short, long)]
    pub force: bool,
}

/// Examples for it.
pub const EXAMPLES: &str = "\
Examples:
  git agentenv db snapshot save before-migration
  git agentenv db snapshot list
  git agentenv db snapshot restore before-migration
  git agentenv db snapshot delete before-migration
Snapshots go with their environment.";

impl Args {
    /// The environment that was named.
    pub fn env(&self) -> &Option<String> {
        match &self.what {
            What::Save(named) | What::Restore(named) | What::Delete(named) => &named.env,
            What::List { env } => env,
        }
    }
}

/// Does it.
///
/// # Errors
/// When there is no such snapshot, the database is in use, or the server refuses.
pub fn run(args: &Args, ui: &Ui, target: &Target) -> Result<Exit> {
    let Target { lease, part, .. } = target;
    if let What::List { .. } = args.what {
        return list(ui, target);
    }
    let _working = target.lock(ui)?;
    let name = match &args.what {
        What::Save(named) => {
            let step = ui.step(format!("saving {} as {}", part.holds, named.name));
            snapshot::save(part, &lease.id, &named.name, named.force)?;
            step.done();
            &named.name
        }
        What::Restore(named) => {
            let step = ui.step(format!("restoring {} from {}", part.holds, named.name));
            snapshot::restore(part, &lease.id, &named.name, named.force)?;
            step.done();
            &named.name
        }
        What::Delete(named) => {
            snapshot::delete(part, &lease.id, &named.name)?;
            &named.name
        }
        What::List { .. } => return Ok(Exit::Done),
    };
    ui.answer(&json!({ "snapshot": name, "database": part.holds }), || format!("{name}\n"))?;
    Ok(Exit::Done)
}

fn list(ui: &Ui, target: &Target) -> Result<Exit> {
    let found = snapshot::list(&target.part, &target.lease.id)?;
    let listed: Vec<_> = found
        .iter()
        .map(|(name, database)| json!({ "snapshot": name, "database": database }))
        .collect();
    ui.answer(&json!({ "snapshots": listed }), || {
        found.iter().map(|(name, database)| format!("{name}  {database}\n")).collect()
    })?;
    Ok(Exit::Done)
}
