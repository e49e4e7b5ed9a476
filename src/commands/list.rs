//! `git agentenv list`: lists environments.

use crate::commands::output::environment::Row;
use crate::environment::context::Context;
use crate::environment::state::{Glance, State};
use crate::error::Exit;
use crate::model::config::Kind;
use crate::model::lease::Lease;
use crate::sys::parallel;
use crate::sys::store::Store;
use crate::ui::table::{self, Column, Fit};
use crate::ui::{self, Tone, Ui};
use anyhow::Result;

/// The arguments of `list`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// List the environments of all repositories on this machine
    #[arg(short, long)]
    pub all: bool,
    /// Show changed files, and commits ahead of and behind the upstream or the main branch
    #[arg(short, long)]
    pub status: bool,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv list
  git agentenv list --status
  git agentenv list --all --json";

/// Prints the table.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let (mut leases, glance) = Glance::take(|| leases(args, ui))?;
    leases.sort_by(|a, b| (&a.main, &a.branch, &a.name).cmp(&(&b.main, &b.branch, &b.name)));
    let rows: Vec<Row> = if args.status {
        let step = ui.step("reading git status");
        let rows = parallel::each(&leases, |lease| row(lease, glance.with_status(lease)));
        step.nothing();
        rows
    } else {
        leases.iter().map(|lease| row(lease, glance.of(lease))).collect()
    };
    ui.answer(&serde_json::json!({ "environments": rows }), || text(&rows, args.all))?;
    Ok(Exit::Done)
}

fn row(lease: &Lease, state: State) -> Row {
    Row { environment: lease.into(), state }
}

fn leases(args: &Args, ui: &Ui) -> Result<Vec<Lease>> {
    if !args.all {
        return Context::here()?.leases();
    }
    let (leases, broken) = Store::open()?.survey()?;
    for broken in broken {
        ui.warn(format!("cannot read lease {}: {}", broken.file.display(), broken.why));
    }
    Ok(leases)
}

fn text(rows: &[Row], all: bool) -> String {
    if rows.is_empty() {
        return "no environments; create one with `git agentenv add <branch>`\n".to_owned();
    }
    let column = |heading, fit, cell: &dyn Fn(&Row) -> String| Column {
        heading,
        fit,
        cells: rows.iter().map(cell).collect(),
    };
    let mut columns = vec![
        column("BRANCH", Fit::Cut(14), &branch),
        column("STATE", Fit::Whole, &Row::painted_state),
        column("PORTS", Fit::Cut(9), &ports),
        column("CHANGES", Fit::Whole, &changes),
        column("COMMITS", Fit::Cut(9), &commits),
        column("PATH", Fit::CutStart(16), &|row| row.environment.path.display().to_string()),
        column("DATABASE", Fit::Drop(20), &|row| held(row, |kind| kind != Kind::Redis)),
        column("REDIS", Fit::Drop(5), &|row| held(row, |kind| kind == Kind::Redis)),
    ];
    if all {
        columns.insert(0, column("REPOSITORY", Fit::Cut(10), &repository));
    }
    table::render(columns, ui::width())
}

fn repository(row: &Row) -> String {
    row.environment.main.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn branch(row: &Row) -> String {
    row.environment.branch.clone().unwrap_or_else(|| "(detached)".to_owned())
}

fn ports(row: &Row) -> String {
    let star = |port: &u16| if row.state.listening_on.contains(port) { "*" } else { "" };
    let ports = row.environment.ports.values().map(|port| format!("{port}{}", star(port)));
    ports.collect::<Vec<_>>().join(" ")
}

fn held(row: &Row, wanted: fn(Kind) -> bool) -> String {
    let services = row.environment.services.values().filter(|service| wanted(service.kind));
    services.map(|service| service.holds.as_str()).collect::<Vec<_>>().join(" ")
}

fn changes(row: &Row) -> String {
    match row.state.status.as_ref().map(|status| status.changed) {
        None => String::new(),
        Some(0) => "clean".to_owned(),
        Some(changed) => Tone::Wait.paint(&changed.to_string()),
    }
}

fn commits(row: &Row) -> String {
    let Some((status, beside)) =
        row.state.status.as_ref().and_then(|s| Some((s, s.beside.as_ref()?)))
    else {
        return String::new();
    };
    match (status.ahead, status.behind) {
        (0, 0) => format!("= {beside}"),
        (ahead, 0) => format!("+{ahead} {beside}"),
        (0, behind) => format!("-{behind} {beside}"),
        (ahead, behind) => format!("+{ahead} -{behind} {beside}"),
    }
}
