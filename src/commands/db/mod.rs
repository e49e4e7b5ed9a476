//! `git agentenv db`: the database of an environment.

pub mod copy;
pub mod file;
pub mod psql;
pub mod reset;
pub mod shell;
pub mod snapshot;
pub mod status;
pub mod template;

use crate::environment::context::Context;
use crate::environment::resolve;
use crate::error::{self, Exit};
use crate::model::config::Kind;
use crate::model::lease::{Lease, Part};
use crate::model::suggest;
use crate::service::{Database, Resource};
use crate::ui::Ui;
use anyhow::Result;

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

/// The kinds of services that have a database.
const KINDS: [Kind; 3] = [Kind::Postgres, Kind::Mysql, Kind::Sqlite];

/// The subcommands of `db`.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Open psql, run `-c` commands, or read SQL from stdin
    #[command(after_long_help = psql::EXAMPLES)]
    Psql(psql::Args),
    /// Open the client of the database: psql, mariadb or sqlite3
    #[command(after_long_help = shell::EXAMPLES)]
    Shell(shell::Args),
    /// Show size, age, sessions and snapshots of the databases
    #[command(after_long_help = status::EXAMPLES)]
    Status(status::Args),
    /// Reset the database to its template, else empty it; keep the old content as a snapshot
    #[command(after_long_help = reset::EXAMPLES)]
    Reset(reset::Args),
    /// Replace the database by a copy of another one; keep the old content as a snapshot
    #[command(after_long_help = copy::EXAMPLES)]
    Copy(copy::Args),
    /// Save, restore, list and delete snapshots
    #[command(subcommand, after_long_help = snapshot::EXAMPLES)]
    Snapshot(snapshot::What),
    /// List, refresh and drop the templates that new databases are copied from
    #[command(subcommand, after_long_help = template::EXAMPLES)]
    Template(template::What),
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

/// The help of `--help`.
pub const ABOUT: &str = "\
Open, reset, copy or snapshot an environment's database

Works on the environment's own database, never on the main checkout's. `reset`, `copy` and \
`snapshot restore` replace the content, and keep the old as a snapshot, of which each command keeps three; they \
refuse while sessions are connected, unless `--force` ends these sessions. Snapshots are databases on the same \
server, for SQLite files. They belong to the environment and are dropped with it.

A copy ends no session on its source. Postgres copies the source while it is idle, else `pg_dump` does; MySQL and \
MariaDB dump it, and wait 15 s for a locked table; SQLite copies the file, or backs it up online while it is written \
to. Owner, privileges, settings, locale, extensions and large objects come along, except MySQL's privileges, which \
are on the names of databases: who lacks them is named, with the statement that grants the same.

Databases of the key `also` belong to an environment if their owner is the own database's and they have no comment; \
on MySQL, which knows no owner, if they have no mark and no table that is older than the own database. A name that \
holds the longer name of another database is that one's: `test_app_a_b` belongs to `app_a_b`, not to `app_a`.

MySQL and MariaDB cannot rename a database: what is a rename on Postgres is a dump there, without spares and \
`--jobs`. `reset` and `copy` put the old content back when the new one fails; after a kill, `snapshot restore` has \
it. Code that names its own database, and the history of a table, cannot be copied: they are named, and `--no-keep` \
or `--no-snapshot` goes without a copy.";

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
    let any = |env: &Option<String>| any(env.as_deref(), service, &KINDS);
    match &args.what {
        What::Psql(psql) => psql::run(psql, &find(&psql.env)?),
        What::Shell(shell) => shell::run(shell, service),
        What::Reset(args) => match any(&args.env)? {
            Any::Server(target) => reset::run(args, ui, &target),
            Any::File(target) => file::reset(args, ui, &target),
        },
        What::Copy(args) => match any(&args.env)? {
            Any::Server(target) => copy::run(args, ui, &target),
            Any::File(target) => file::copy(args, ui, &target),
        },
        What::Status(args) => status::run(args, ui, service),
        What::Template(template) => template::run(template, ui, args.service.as_deref()),
        What::Snapshot(args) => match any(args.env())? {
            Any::Server(target) => snapshot::run(args, ui, &target),
            Any::File(target) => file::snapshot(args, ui, &target),
        },
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
fn say_way_back(ui: &Ui, (lease, service): (&Lease, &str), snapshot: Option<&str>) {
    if let Some(snapshot) = snapshot {
        let restore = restore(lease, service, snapshot);
        ui.say(format!(
            "kept the old content as snapshot `{snapshot}`; restore it with `{restore}`"
        ));
    }
}

/// The command that restores a snapshot.
fn restore(lease: &Lease, service: &str, snapshot: &str) -> String {
    let command = format!("git agentenv db snapshot restore {snapshot} {}", lease.name);
    match lease.parts.iter().filter(|part| KINDS.contains(&part.kind)).count() {
        0 | 1 => command,
        _ => format!("{command} --service {service}"),
    }
}

/// A database on a server, or in a file.
enum Any {
    Server(Box<Target>),
    File(Box<file::Target>),
}

fn any(env: Option<&str>, service: Option<&str>, kinds: &[Kind]) -> Result<Any> {
    let context = Context::here()?;
    let lease = match env {
        Some(env) => resolve::unmistakable(&context, env)?,
        None => resolve::named_or_here(&context, None)?,
    };
    let part = part(&lease, service, kinds)?.clone();
    Ok(match lease.resource(&part)? {
        Resource::Database(database) | Resource::MysqlDatabase(database) => {
            Any::Server(Box::new(Target { context, lease, service: part.service, database }))
        }
        Resource::File(file) => Any::File(Box::new(file::Target { context, lease, part, file })),
        other => return Err(error::usage(format!("{other} is not a database")).into()),
    })
}

fn target(env: Option<&str>, service: Option<&str>, kinds: &[Kind]) -> Result<Target> {
    match any(env, service, kinds)? {
        Any::Server(target) => Ok(*target),
        Any::File(target) => {
            let message = format!("{} is not a database on a server", target.part.holds);
            Err(error::usage(message).into())
        }
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
                    "its SQLite file is {}: `git agentenv db shell` opens it",
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
    /// `NotFound` when the environment was removed meanwhile; `Refused` when it is not complete.
    pub fn lock(&self, ui: &Ui) -> Result<crate::sys::lock::Lock> {
        let (working, lease) = self.context.lock_current(ui, &self.lease)?;
        resolve::require_complete(&lease)?;
        Ok(working)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::Place;

    #[test]
    fn of_several_databases_the_command_that_restores_names_the_service() {
        let lease = "{version: 1, id: 012345670000000000000001, phase: removing, repository: /r/.git, main: /r, name: x,
            path: /r-x, branch: x, project: x, ports: {}, parts: [], env_file: .env.worktree, vars: {}}";
        let mut lease: Lease = serde_yaml::from_str(lease).unwrap();
        let part = |service: &str, kind| Part {
            service: service.to_owned(),
            kind,
            variable: "DB".to_owned(),
            holds: "x".to_owned(),
            place: Place::Host,
            user: "postgres".to_owned(),
            port: 5432,
            from: None,
            also: Vec::new(),
            password_env: None,
            server_id: None,
            commands: None,
        };
        let command = "git agentenv db snapshot restore before-copy-1 x";
        lease.parts = vec![part("main", Kind::Postgres), part("cache", Kind::Redis)];
        assert_eq!(restore(&lease, "main", "before-copy-1"), command);
        lease.parts.push(part("other", Kind::Sqlite));
        assert_eq!(restore(&lease, "main", "before-copy-1"), format!("{command} --service main"));
    }
}
