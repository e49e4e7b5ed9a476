//! `git agentenv status`: shows one environment whole.

use super::doctor::{self, Finding};
use crate::commands::completions::candidates;
use crate::commands::output::environment::Row;
use crate::commands::output::processes::described as process_state;
use crate::environment::context::Context;
use crate::environment::processes::{self, Containers, Status, Table};
use crate::environment::resolve;
use crate::environment::state::Glance;
use crate::error::Exit;
use crate::model::lease::Lease;
use crate::service::{Session, inventory};
use crate::sys::listeners::{self, Listener};
use crate::sys::parallel;
use crate::ui::{self, Tone, Ui, table};
use anyhow::Result;
use clap_complete::ArgValueCandidates;
use serde::Serialize;

/// The arguments of `status`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Environment [default: the current one]
    #[arg(value_name = "ENV", add = ArgValueCandidates::new(candidates::environments))]
    pub env: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv status
  git agentenv status feature-x
  git agentenv status feature-x --json";

/// `status`: one environment whole, with the fields of a row of `list`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Answer {
    #[serde(flatten)]
    row: Row,
    /// Processes that listen on its ports.
    listeners: Vec<OnPort>,
    /// Sessions on its databases and clients of its Redis indexes.
    sessions: Vec<OnService>,
    /// Its processes and containers.
    processes: Vec<Status>,
    /// What is wrong with it, and the command that repairs it.
    problems: Vec<Finding>,
}

/// A process that listens on one of the environment's ports.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct OnPort {
    /// The variable that holds the port.
    variable: String,
    /// The port.
    port: u16,
    #[serde(flatten)]
    listener: Listener,
}

/// A session on one of the environment's databases.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct OnService {
    /// The service.
    service: String,
    #[serde(flatten)]
    session: Session,
}

/// Shows it.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    let config = context.config_seen(ui);
    let lease = resolve::named_or_here(&context, args.env.as_deref())?;
    let (leases, glance) = Glance::take(|| Ok(vec![lease.clone()]))?;
    let lease = leases.into_iter().next().unwrap_or(lease);
    let step = ui.step("looking at the servers");
    let answer = Answer {
        row: Row { environment: (&lease).into(), state: glance.with_status(&lease) },
        listeners: on_ports(&lease),
        sessions: on_services(&lease),
        processes: processes::of(&Table::read(), &lease, &config, &Containers::seen(ui, [&lease])),
        problems: doctor::of_lease(&lease),
    };
    step.nothing();
    ui.answer(&answer, || text(&answer, ui::width()))
}

fn on_ports(lease: &Lease) -> Vec<OnPort> {
    let ports: Vec<(&String, &u16)> = lease.ports.iter().collect();
    let found = parallel::each(&ports, |(variable, port)| {
        let on = |listener| OnPort { variable: (*variable).clone(), port: **port, listener };
        listeners::on(**port).into_iter().map(on).collect::<Vec<_>>()
    });
    found.into_iter().flatten().collect()
}

fn on_services(lease: &Lease) -> Vec<OnService> {
    let found = parallel::each(&lease.parts, |part| {
        // A server that does not answer is one of the problems.
        let look = |resource| inventory::sessions(&resource, &lease.id);
        let sessions = lease.resource(part).and_then(look);
        let on = |(_, session)| OnService { service: part.service.clone(), session };
        sessions.unwrap_or_default().into_iter().map(on).collect::<Vec<_>>()
    });
    found.into_iter().flatten().collect()
}

fn text(answer: &Answer, width: Option<usize>) -> String {
    let environment = &answer.row.environment;
    let mut lines = vec![(String::new(), heading(answer))];
    let mut fact = |label: &str, value: String| lines.push((label.to_owned(), value));
    fact("path", environment.path.display().to_string());
    fact("branch", branch(answer));
    environment.url.iter().for_each(|url| fact("url", url.clone()));
    for (variable, port) in &environment.ports {
        let on = answer.listeners.iter().find(|on| on.port == *port);
        let on = on.map_or("nothing listens".to_owned(), |on| on.listener.to_string());
        fact(variable, format!("{port}  {on}"));
    }
    for (name, service) in &environment.services {
        let sessions = answer.sessions.iter().filter(|on| on.service == *name);
        let sessions: Vec<String> = sessions.map(|on| format!("\n{}", on.session)).collect();
        fact(name, format!("{}{}", service.holds, sessions.concat()));
    }
    for process in &answer.processes {
        fact(&process.name, process_state(process));
    }
    for problem in &answer.problems {
        fact("problem", format!("{}\nfix: {}", problem.what, problem.way_out()));
    }
    listed(&lines, width)
}

fn heading(answer: &Answer) -> String {
    let name = Tone::Strong.paint(&answer.row.environment.name);
    format!("{name}  {}", answer.row.painted_state())
}

fn branch(answer: &Answer) -> String {
    let branch = answer.row.environment.branch.as_deref().unwrap_or("(detached HEAD)");
    let Some(status) = &answer.row.state.facts.status else {
        return branch.to_owned();
    };
    let changed = match status.changed {
        0 => "clean".to_owned(),
        1 => "1 changed file".to_owned(),
        changed => format!("{changed} changed files"),
    };
    match &status.beside {
        Some(other) => {
            format!(
                "{branch}  {changed}, {} ahead of and {} behind {other}",
                status.ahead, status.behind
            )
        }
        None => format!("{branch}  {changed}"),
    }
}

/// One fact a line, the labels in a column; further lines of a fact, and what is wider than the terminal, stand under its first.
fn listed(facts: &[(String, String)], limit: Option<usize>) -> String {
    const MARGIN: usize = 4;
    let width = facts.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    let margin = format!("\n{:width$}    ", "");
    let line = |(label, value): &(String, String)| match label.as_str() {
        "" => format!("{value}\n"),
        _ => {
            let label = Tone::Quiet.paint(&format!("{label:<width$}"));
            let room = limit.map(|limit| limit.saturating_sub(width + MARGIN));
            let lines = value.lines().flat_map(|line| table::wrapped(line, room));
            format!("  {label}  {}\n", lines.collect::<Vec<_>>().join(&margin))
        }
    };
    facts.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_stays_within_the_terminal() {
        let facts =
            [("branch".to_owned(), "x  clean, 1 ahead of and 2 behind main\nmore".to_owned())];
        let expected =
            "  branch  x  clean, 1 ahead of\n          and 2 behind main\n          more\n";
        assert_eq!(listed(&facts, Some(30)), expected);
        assert_eq!(listed(&facts, None).lines().count(), 2);
    }
}
