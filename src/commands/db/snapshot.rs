//! `git agentenv db snapshot`: saves and restores the content of an environment's database.

use super::Target;
use crate::commands::completions::candidates;
use crate::error::Exit;
use crate::model::lease::Lease;
use crate::model::source::Source;
use crate::service::growth;
use crate::service::snapshot::{self, Overwrite};
use crate::ui::Ui;
use anyhow::Result;
use clap_complete::ArgValueCandidates;
use serde::Serialize;

/// The subcommands of `db snapshot`.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Save the content of the database
    #[command(after_long_help = EXAMPLES)]
    Save(Save),
    /// Restore the database from a snapshot; keep the present content as another snapshot
    #[command(after_long_help = EXAMPLES)]
    Restore(Restore),
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
}

/// The arguments of `db snapshot save`.
#[derive(Debug, clap::Args)]
pub struct Save {
    /// The snapshot.
    #[command(flatten)]
    pub named: Named,
    /// Replace an existing snapshot
    #[arg(short, long)]
    pub force: bool,
}

/// The arguments of `db snapshot restore`.
#[derive(Debug, clap::Args)]
pub struct Restore {
    /// Snapshot name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Environment [default: the current one]
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub env: Option<String>,
    /// End the sessions on the database
    #[arg(short, long)]
    pub force: bool,
    /// What happens before the present content goes.
    #[command(flatten)]
    pub before: super::Before,
}

impl Restore {
    /// Asks on a terminal before the database is overwritten.
    pub(super) fn agree(&self, ui: &Ui, database: &str) -> Result<()> {
        let what = format!("restores `{database}` from snapshot `{}`", self.name);
        super::agree(ui, self.before.yes, self.before.no_snapshot, &what, "Restore it?")
    }

    /// The word in the names of snapshots of what it overwrites; `None`: it keeps none.
    pub(super) fn before(&self) -> Option<&'static str> {
        (!self.before.no_snapshot).then_some("restore")
    }
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
            What::Save(Save { named, .. }) | What::Delete(named) => &named.env,
            What::Restore(restore) => &restore.env,
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
    /// The snapshot that holds what `restore` overwrote. Missing: nothing was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<String>,
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
    if let What::Restore(restore) = what {
        restore.agree(ui, &database.name)?;
    }
    let _working = target.lock(ui)?;
    let mut kept = None;
    let name = match what {
        What::Save(Save { named, force }) => {
            let step = ui.step(format!("saving {} as {}", database.name, named.name));
            let (copy, from) = snapshot::copy_of(database, &named.name);
            let growth = growth::of_database(&copy, &lease.id, Some(&from));
            let save = || snapshot::save(database, &lease.id, &named.name, *force);
            step.during(growth, save)?;
            step.done();
            &named.name
        }
        What::Restore(named) => {
            let step = ui.step(format!("restoring {} from {}", database.name, named.name));
            let (force, before) = (named.force, named.before());
            let how = Overwrite { force, before, ..Overwrite::default() };
            let (saved, _) = snapshot::copy_of(database, &named.name);
            let from = Source::Database(saved.name);
            let growth = growth::of_database(database, &lease.id, Some(&from));
            let restore = || snapshot::restore(database, &lease.id, &named.name, &how);
            kept = step.during(growth, restore)?;
            step.done();
            &named.name
        }
        What::Delete(named) => {
            snapshot::delete(database, &lease.id, &named.name)?;
            &named.name
        }
        What::List { .. } => return Ok(Exit::Done),
    };
    answer(ui, (lease, &target.service), (name, &database.name), kept)
}

/// Says what was done with a snapshot.
pub(super) fn answer(
    ui: &Ui,
    of: (&Lease, &str),
    (snapshot, database): (&str, &str),
    kept: Option<String>,
) -> Result<Exit> {
    super::say_way_back(ui, of, kept.as_deref());
    let answer = Snapshot { snapshot: snapshot.to_owned(), database: database.to_owned(), kept };
    ui.answer(&answer, || format!("{snapshot}\n"))
}

fn list(ui: &Ui, target: &Target) -> Result<Exit> {
    answer_list(ui, snapshot::list(&target.database, &target.lease.id)?)
}

/// Lists snapshots, each with its own database.
pub(super) fn answer_list(ui: &Ui, found: Vec<(String, String)>) -> Result<Exit> {
    let snapshot = |(snapshot, database)| Snapshot { snapshot, database, kept: None };
    let answer = Snapshots { snapshots: found.into_iter().map(snapshot).collect() };
    ui.answer(&answer, || {
        let line = |one: &Snapshot| format!("{}  {}\n", one.snapshot, one.database);
        answer.snapshots.iter().map(line).collect()
    })
}
