//! `git agentenv db`: the database of an environment.

pub mod copy;
pub mod psql;
pub mod shell;
pub mod snapshot;
pub mod template;

use crate::commands::completions::candidates;
use crate::environment::context::Context;
use crate::environment::resolve;
use crate::error::{self, Exit};
use crate::model::config::Kind;
use crate::model::lease::{Lease, Part};
use crate::model::suggest;
use crate::service::postgres::snapshot as snapshots;
use crate::service::{Database, Gone, Resource, mysql, postgres};
use crate::ui::Ui;
use anyhow::Result;
use clap_complete::ArgValueCandidates;
use serde::Serialize;

/// The arguments of `db`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// The subcommand
    #[command(subcommand)]
    pub what: What,
    /// Service to use when the environment has several databases
    #[arg(long, global = true, value_name = "NAME")]
    pub service: Option<String>,
}

/// The subcommands of `db`.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Open psql, run `-c` commands, or read SQL from stdin
    #[command(after_long_help = psql::EXAMPLES)]
    Psql(psql::Args),
    /// Open the client of the database: psql, mariadb or sqlite3
    #[command(after_long_help = shell::EXAMPLES)]
    Shell(shell::Args),
    /// Empty the database; on Postgres, keep the old content as a snapshot
    #[command(after_long_help = EXAMPLES)]
    Reset(Reset),
    /// Replace its content by a copy of another database; keep the old content as a snapshot
    #[command(after_long_help = copy::EXAMPLES)]
    Copy(copy::Args),
    /// Save, restore, list and delete snapshots
    #[command(subcommand, after_long_help = snapshot::EXAMPLES)]
    Snapshot(snapshot::What),
    /// List, refresh and drop the templates that new databases are copied from
    #[command(subcommand, after_long_help = template::EXAMPLES)]
    Template(template::What),
}

/// The arguments of `db reset`.
#[derive(Debug, clap::Args)]
pub struct Reset {
    /// Environment [default: the one around the current directory]
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub env: Option<String>,
    /// End the sessions on the database
    #[arg(short, long)]
    pub force: bool,
    /// What happens before the old content goes.
    #[command(flatten)]
    pub before: Before,
}

/// Options of the commands that overwrite a database.
#[derive(Debug, clap::Args)]
pub struct Before {
    /// Do not keep the old content as a snapshot
    #[arg(long)]
    pub no_snapshot: bool,
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub yes: bool,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv db shell
  git agentenv db reset && git agentenv run -- python manage.py migrate
  git agentenv db copy --from main
  git agentenv db snapshot save before-migration";

/// The database that a command works on.
pub struct Target {
    /// The repository, and the leases.
    pub context: Context,
    /// The environment.
    pub lease: Lease,
    /// The service that the database belongs to.
    pub service: String,
    /// The database.
    pub database: Database,
}

/// Runs the subcommand.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let service = args.service.as_deref();
    let find = |env: &Option<String>| target(env.as_deref(), service, &[Kind::Postgres]);
    match &args.what {
        What::Psql(psql) => psql::run(psql, &find(&psql.env)?),
        What::Shell(shell) => shell::run(shell, service),
        What::Reset(reset) => {
            let kinds = [Kind::Postgres, Kind::Mysql];
            empty(reset, ui, &target(reset.env.as_deref(), service, &kinds)?)
        }
        What::Copy(copy) => copy::run(copy, ui, &find(&copy.env)?),
        What::Template(template) => template::run(template, ui, args.service.as_deref()),
        What::Snapshot(snapshot) => snapshot::run(snapshot, ui, &find(snapshot.env())?),
    }
}

/// `db reset`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Emptied<'a> {
    /// The database.
    database: &'a str,
    /// It is empty.
    empty: bool,
    /// The snapshot that holds the old content; null: nothing was kept.
    snapshot: Option<String>,
}

fn empty(args: &Reset, ui: &Ui, target: &Target) -> Result<Exit> {
    let name = &target.database.name;
    // MySQL cannot rename a database, so nothing is kept there.
    let no_snapshot = args.before.no_snapshot || target.database.server.kind == Kind::Mysql;
    agree(ui, args.before.yes, no_snapshot, &format!("empties database `{name}`"), "Empty it?")?;
    let _working = target.lock(ui)?;
    let step = ui.step(format!("emptying {name}"));
    let kept = match target.database.server.kind {
        Kind::Mysql => empty_mysql(args, target).map(|()| None),
        _ => {
            let before = (!no_snapshot).then_some("reset");
            let (database, id) = (&target.database, &target.lease.id);
            snapshots::overwrite(database, id, None, args.force, before).map(|(_, kept)| kept)
        }
    }?;
    step.done();
    say_way_back(ui, target, kept.as_deref());
    let answer = Emptied { database: name, empty: true, snapshot: kept };
    ui.answer(&answer, || format!("{name}\n"))?;
    Ok(Exit::Done)
}

fn empty_mysql(args: &Reset, target: &Target) -> Result<()> {
    let name = &target.database.name;
    match mysql::reset(&target.database, &target.lease.id, args.force)? {
        Gone::Dropped | Gone::Missing => Ok(()),
        Gone::Busy(sessions) => Err(postgres::in_use(name, &sessions)),
        Gone::NotOurs(whose) => {
            let message = format!("database `{name}` is not this environment's ({whose})");
            Err(error::refused(message).into())
        }
    }
}

/// Asks on a terminal before a database is overwritten.
fn agree(ui: &Ui, yes: bool, no_snapshot: bool, what: &str, question: &str) -> Result<()> {
    if yes || !ui.can_ask() {
        return Ok(());
    }
    let kept = if no_snapshot { "deletes" } else { "keeps a snapshot of" };
    ui.agree(&format!("this {what} and {kept} the old content"), question, !no_snapshot)
}

/// Names the snapshot of what was overwritten, and the command that restores it.
fn say_way_back(ui: &Ui, target: &Target, snapshot: Option<&str>) {
    if let Some(snapshot) = snapshot {
        let name = &target.lease.name;
        ui.say(format!(
            "kept the old content as snapshot `{snapshot}`; restore it with `git agentenv db snapshot restore {snapshot} {name}`"
        ));
    }
}

fn target(env: Option<&str>, service: Option<&str>, kinds: &[Kind]) -> Result<Target> {
    let context = Context::here()?;
    let lease = resolve::named_or_here(&context, env)?;
    let part = part(&lease, service, kinds)?;
    let service = part.service.clone();
    match lease.resource(part)? {
        Resource::Database(database) | Resource::MysqlDatabase(database) => {
            Ok(Target { context, lease, service, database })
        }
        other => Err(error::usage(format!("{other} is not a database on a server")).into()),
    }
}

/// The part of this service, or the only one of these kinds.
fn part<'a>(lease: &'a Lease, service: Option<&str>, kinds: &[Kind]) -> Result<&'a Part> {
    let databases: Vec<&Part> =
        lease.parts.iter().filter(|part| kinds.contains(&part.kind)).collect();
    let called = match kinds {
        [Kind::Postgres] => "Postgres database",
        _ => "database",
    };
    let names = || databases.iter().map(|part| part.service.as_str());
    match (service, databases.as_slice()) {
        (None, [only]) => Ok(only),
        (None, []) => {
            let message = format!("`{}` has no {called}", lease.name);
            let failure = error::not_found(message);
            Err(match lease.parts.iter().find(|part| part.kind == Kind::Sqlite) {
                Some(file) => failure.hint(format!(
                    "its SQLite file is {}: copy or delete that file",
                    lease.path.join(&file.holds).display()
                )),
                None => failure,
            }
            .into())
        }
        (None, _) => {
            let message = format!("`{}` has several databases", lease.name);
            let hint = format!(
                "choose one with `--service`; {}",
                suggest::suggestion("", names().collect::<Vec<_>>())
            );
            Err(error::usage(message).hint(hint).into())
        }
        (Some(wanted), _) => {
            let found = databases.iter().find(|part| part.service == wanted);
            found.copied().ok_or_else(|| {
                let message = format!("`{}` has no {called} of a service `{wanted}`", lease.name);
                let hint = suggest::suggestion(wanted, names().collect::<Vec<_>>());
                error::not_found(message).hint(hint).into()
            })
        }
    }
}

impl Target {
    /// Locks the environment against other processes.
    ///
    /// # Errors
    /// `NotFound` when the environment was removed meanwhile.
    pub fn lock(&self, ui: &Ui) -> Result<crate::sys::lock::Lock> {
        let waiting =
            || ui.say(format!("waiting for the process that works on `{}`", self.lease.name));
        Ok(self.context.store.lock_current(&self.lease, waiting)?.0)
    }
}
