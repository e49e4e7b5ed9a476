//! `git agentenv db snapshot`: saves and restores the content of an environment's database.

use super::Target;
use crate::commands::completions::candidates;
use crate::error::Exit;
use crate::service::snapshot;
use crate::ui::Ui;
use anyhow::Result;
use clap_complete::ArgValueCandidates;
use serde::Serialize;

/// The subcommands of `db snapshot`.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Save the content of the database
    #[command(after_long_help = EXAMPLES)]
    Save(Named),
    /// Restore the database from a snapshot
    #[command(after_long_help = EXAMPLES)]
    Restore(Named),
    /// List the snapshots
    #[command(after_long_help = EXAMPLES)]
    List {
        /// Environment [default: the current one]
        #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
        env: Option<String>,
    },
    /// Delete a snapshot
    #[command(after_long_help = EXAMPLES)]
    Delete(Named),
}

/// A snapshot of an environment.
#[derive(Debug, clap::Args)]
pub struct Named {
    /// Snapshot name: lower-case letters, digits and hyphens
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Environment [default: the current one]
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub env: Option<String>,
    /// Replace an existing snapshot (`save`), or end the sessions on the database (`restore`)
    #[arg(short, long)]
    pub force: bool,
}

/// The examples in its help.
pub const EXAMPLES: &str = "\
Examples:
  git agentenv db snapshot save before-migration
  git agentenv db snapshot list
  git agentenv db snapshot restore before-migration
  git agentenv db snapshot delete before-migration
Snapshots are deleted with their environment.";

impl What {
    /// The environment that was named.
    pub fn env(&self) -> &Option<String> {
        match self {
            What::Save(named) | What::Restore(named) | What::Delete(named) => &named.env,
            What::List { env } => env,
        }
    }
}

/// `db snapshot save`, `restore` and `delete`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Snapshot {
    /// The snapshot's name.
    snapshot: String,
    /// Its database. In a list: the one that holds it, else the environment's.
    database: String,
}

/// `db snapshot list`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Snapshots {
    /// The snapshots.
    snapshots: Vec<Snapshot>,
}

/// Runs the subcommand.
pub fn run(what: &What, ui: &Ui, target: &Target) -> Result<Exit> {
    let Target { lease, database, .. } = target;
    if let What::List { .. } = what {
        return list(ui, target);
    }
    let _working = target.lock(ui)?;
    let name = match what {
        What::Save(named) => {
            let step = ui.step(format!("saving {} as {}", database.name, named.name));
            snapshot::save(database, &lease.id, &named.name, named.force)?;
            step.done();
            &named.name
        }
        What::Restore(named) => {
            let step = ui.step(format!("restoring {} from {}", database.name, named.name));
            snapshot::restore(database, &lease.id, &named.name, named.force)?;
            step.done();
            &named.name
        }
        What::Delete(named) => {
            snapshot::delete(database, &lease.id, &named.name)?;
            &named.name
        }
        What::List { .. } => return Ok(Exit::Done),
    };
    answer(ui, name, &database.name)
}

/// Says what was done with a snapshot.
pub(super) fn answer(ui: &Ui, snapshot: &str, database: &str) -> Result<Exit> {
    let answer = Snapshot { snapshot: snapshot.to_owned(), database: database.to_owned() };
    ui.answer(&answer, || format!("{snapshot}\n"))
}

fn list(ui: &Ui, target: &Target) -> Result<Exit> {
    answer_list(ui, snapshot::list(&target.database, &target.lease.id)?)
}

/// Lists snapshots, each with its own database.
pub(super) fn answer_list(ui: &Ui, found: Vec<(String, String)>) -> Result<Exit> {
    let snapshot = |(snapshot, database)| Snapshot { snapshot, database };
    let answer = Snapshots { snapshots: found.into_iter().map(snapshot).collect() };
    ui.answer(&answer, || {
        let line = |one: &Snapshot| format!("{}  {}\n", one.snapshot, one.database);
        answer.snapshots.iter().map(line).collect()
    })
}
