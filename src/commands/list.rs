//! `git agentenv list`: the environments.

use super::context::Context;
use super::view::Environment;
use super::{recover, select, table};
use crate::error::Exit;
use crate::model::lease::{Lease, Phase};
use crate::sys::{fs, net};
use crate::ui::Ui;
use anyhow::Result;
use serde::Serialize;

/// The arguments of `list`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Those of all repositories on this machine
    #[arg(short, long)]
    pub all: bool,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv list
  git agentenv list --all --json";

/// An environment and how it is, in JSON.
#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    environment: Environment,
    state: &'static str,
    listening: bool,
}

/// Prints the table.
///
/// # Errors
/// When the leases' directory cannot be read.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let leases = leases(args, ui)?;
    let rows: Vec<Row> = leases.iter().map(row).collect();
    ui.answer(&serde_json::json!({ "environments": rows }), || text(&rows, args.all))?;
    Ok(Exit::Done)
}

fn leases(args: &Args, ui: &Ui) -> Result<Vec<Lease>> {
    if !args.all {
        return select::current(&Context::here()?);
    }
    let (leases, broken) = crate::sys::store::Store::open()?.survey()?;
    for broken in broken {
        ui.warn(format!("cannot read the lease {}: {}", broken.file.display(), broken.why));
    }
    Ok(leases)
}

fn row(lease: &Lease) -> Row {
    let listening = lease.ports.values().any(|&port| net::is_listening(port));
    Row { environment: lease.into(), state: state(lease), listening }
}

/// At a glance, without asking git or a server.
fn state(lease: &Lease) -> &'static str {
    match lease.phase {
        Phase::Creating => "creating",
        Phase::Removing => "removing",
        Phase::Ready if recover::due(lease).is_ok_and(|due| due.is_some()) => "gone",
        Phase::Ready
            if !matches!(fs::stands(&lease.path.join(&lease.env_file)), Ok(fs::Stands::File)) =>
        {
            "incomplete"
        }
        Phase::Ready if lease.hooks_pending => "hooks pending",
        Phase::Ready => "ready",
    }
}

fn text(rows: &[Row], all: bool) -> String {
    if rows.is_empty() {
        return "no environments; `git agentenv add <branch>` makes one\n".to_owned();
    }
    let mut lines = vec![headings(all)];
    lines.extend(rows.iter().map(|row| cells(row, all)));
    table::render(&lines)
}

fn headings(all: bool) -> Vec<String> {
    let mut headings = vec!["BRANCH", "STATE", "PORTS", "SERVICES", "PATH"];
    if all {
        headings.insert(0, "REPOSITORY");
    }
    headings.into_iter().map(str::to_owned).collect()
}

fn cells(row: &Row, all: bool) -> Vec<String> {
    let environment = &row.environment;
    let ports: Vec<String> = environment.ports.values().map(u16::to_string).collect();
    let services: Vec<String> =
        environment.services.values().map(|service| service.holds.clone()).collect();
    let listening = if row.listening { "*" } else { "" };
    let mut cells = vec![
        environment.branch.clone().unwrap_or_else(|| "(detached)".to_owned()),
        row.state.to_owned(),
        ports.join(" ") + listening,
        services.join(" "),
        environment.path.display().to_string(),
    ];
    if all {
        let name = environment.main.file_name().unwrap_or_default().to_string_lossy().into_owned();
        cells.insert(0, name);
    }
    cells
}
