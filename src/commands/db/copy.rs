//! `git agentenv db copy`: replaces the content of an environment's database by a copy of another.

use super::Target;
use crate::commands::completions::candidates;
use crate::environment::data;
use crate::environment::data::snapshots::{self, Origin};
use crate::error::{self, Exit};
use crate::model::config::Kind;
use crate::model::lease::Part;
use crate::model::source::Source;
use crate::service::copy::{Dump, Means};
use crate::service::growth;
use crate::service::snapshot::{self, Overwrite};
use crate::ui::Ui;
use anyhow::{Result, anyhow};
use clap_complete::ArgValueCandidates;
use serde::Serialize;

/// The arguments of `db copy`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Environment to copy to [default: the current one]
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub env: Option<String>,
    /// Copy from `main` (the main checkout), an environment, or a snapshot: its name, or `<env>:<snapshot>`
    #[arg(long, value_name = "SOURCE", default_value = MAIN, add = ArgValueCandidates::new(candidates::sources))]
    pub from: String,
    /// Copy no rows
    #[arg(long)]
    pub schema_only: bool,
    /// Copy no rows of these tables: a pattern as pg_dump has them, `*` and `?`
    #[arg(long, value_name = "PATTERN")]
    pub exclude_table_data: Vec<String>,
    /// Dump and restore with as many processes (Postgres)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub jobs: Option<u16>,
    /// Copy the main checkout's database although its template has a mask
    #[arg(long)]
    pub unmasked: bool,
    /// End the sessions on the target database, never those on the source
    #[arg(short, long)]
    pub force: bool,
    /// What happens before the old content goes.
    #[command(flatten)]
    pub before: super::Before,
}

/// The examples in its help.
pub const EXAMPLES: &str = "\
Examples:
  git agentenv db copy
  git agentenv db copy feature-x --from main
  git agentenv db copy --from feature-x
  git agentenv db copy --from feature-x:before-migration
  git agentenv db copy --exclude-table-data 'audit_*' --jobs 4";

/// The main checkout, on any branch.
pub(super) const MAIN: &str = data::MAIN;

/// `db copy`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Answer<'a> {
    /// The database.
    pub(super) database: &'a str,
    /// The database whose content it has now.
    pub(super) from: String,
    /// How it was copied.
    pub(super) means: Means,
    /// The snapshot that holds the old content; null: nothing was kept.
    pub(super) snapshot: Option<String>,
}

impl Args {
    /// What of the source is copied, and how.
    pub(super) fn dump(&self) -> Dump {
        Dump {
            schema_only: self.schema_only,
            without_rows: self.exclude_table_data.clone(),
            jobs: self.jobs,
        }
    }
}

/// Copies the content.
pub fn run(args: &Args, ui: &Ui, target: &Target) -> Result<Exit> {
    if target.database.server.kind == Kind::Mysql && args.jobs.is_some() {
        let message = "MySQL and MariaDB dump a database with one process";
        return Err(error::usage(message).hint("omit `--jobs`").into());
    }
    let source = source(args, target)?;
    let name = &target.database.name;
    if source == *name {
        let message = format!("cannot copy `{source}` to itself");
        return Err(error::usage(message).into());
    }
    let what = format!("replaces database `{name}` by a copy of `{source}`");
    super::agree(ui, args.before.yes, args.before.no_snapshot, &what, "Replace it?")?;
    let _working = target.lock(ui)?;
    let step = ui.step(format!("copying {source} to {name}"));
    let how = Overwrite {
        force: args.force,
        before: (!args.before.no_snapshot).then_some("copy"),
        dump: args.dump(),
    };
    let (database, id) = (&target.database, &target.lease.id);
    let from = Source::Database(source.clone());
    let growth = growth::of_database(database, id, Some(&from));
    let overwrite = || snapshot::overwrite(database, id, Some(&from), &how);
    let (means, kept) = step.during(growth, overwrite)?;
    step.done();
    super::say_way_back(ui, (&target.lease, &target.service), kept.as_deref());
    answer(ui, Answer { database: name, from: source, means, snapshot: kept })
}

/// Says what was copied.
pub(super) fn answer(ui: &Ui, answer: Answer<'_>) -> Result<Exit> {
    ui.answer(&answer, || format!("{}\n", answer.database))
}

/// The database that the content comes from.
fn source(args: &Args, target: &Target) -> Result<String> {
    let Target { service, database, .. } = target;
    let place = &database.server.place;
    if args.from == MAIN {
        let config = target.context.config()?.unwrap_or_default();
        let same = config.services.get(service).filter(|service| service.place == *place);
        same.iter().try_for_each(|one| data::require_masked(service, one, args.unmasked))?;
        return same.map(|service| service.main.clone()).ok_or_else(|| {
            let message = format!("the configuration no longer has the service `{service}`");
            error::config(message).into()
        });
    }
    let of = (service.as_str(), Some(&database.server));
    let other = match snapshots::origin(&target.context, of, &args.from, &target.lease.id)? {
        Origin::Environment(other) => other,
        Origin::Snapshot(Source::Database(snapshot)) => return Ok(snapshot),
        Origin::Snapshot(_) => return Err(anyhow!("snapshot `{}` is of another kind", args.from)),
    };
    let same = |other: &&Part| {
        (other.kind, &other.service, &other.place) == (database.server.kind, service, place)
    };
    other.parts.iter().find(same).map(|part| part.holds.clone()).ok_or_else(|| {
        let message = format!("`{}` has no `{service}` on the same server", other.name);
        error::not_found(message).into()
    })
}
