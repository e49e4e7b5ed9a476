//! The processes of environments as the answers show them.

use super::environment::url;
use super::failed::Failed;
use crate::environment::processes::{self, Containers, State, Status, Table};
use crate::model::config::Config;
use crate::model::lease::Lease;
use crate::model::measure::{duration, size};
use crate::ui::table::{self, Cells, Fit};
use crate::ui::{self, Tone, Ui};
use serde::Serialize;
use std::path::PathBuf;

/// `up`, `restart`, `wait` and `ps`: what runs in environments.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Processes {
    /// The environments that were meant.
    pub environments: Vec<Application>,
    /// Those of several for which the command failed; missing: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<Failed>,
}

/// What runs in one environment.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Application {
    /// The environment.
    pub name: String,
    /// Its worktree.
    pub path: PathBuf,
    /// Where its first port is reached in a browser.
    pub url: Option<String>,
    /// Its processes and containers.
    pub processes: Vec<Status>,
}

impl Processes {
    /// Looks at the processes and containers of these environments.
    pub fn of(ui: &Ui, leases: &[Lease], config: &Config) -> Processes {
        let containers = Containers::seen(ui, leases);
        let table = Table::read();
        let one = |lease: &Lease| Application {
            name: lease.name.clone(),
            path: lease.path.clone(),
            url: url(lease),
            processes: processes::of(&table, lease, config, &containers),
        };
        Processes { environments: leases.iter().map(one).collect(), failed: Vec::new() }
    }

    /// Beside what failed.
    pub fn beside(self, failed: Vec<Failed>) -> Processes {
        Processes { failed, ..self }
    }

    /// The table of `ps`.
    pub fn text(&self) -> String {
        let rows: Vec<(&Application, &Status)> = self
            .environments
            .iter()
            .flat_map(|one| one.processes.iter().map(move |process| (one, process)))
            .collect();
        if self.environments.is_empty() {
            return "no environments\n".to_owned();
        }
        if rows.is_empty() {
            return "no processes; name them under `processes:` or `compose:` in .agentenv.yaml\n"
                .to_owned();
        }
        let ports = |ports: &[u16]| ports.iter().map(u16::to_string).collect::<Vec<_>>().join(" ");
        let columns: [Cells<'_, (&Application, &Status)>; 7] = [
            ("ENVIRONMENT", Fit::Cut(11), &|(one, _)| one.name.clone()),
            ("PROCESS", Fit::Cut(8), &|(_, process)| process.name.clone()),
            ("STATE", Fit::Whole, &|(_, process)| state(process)),
            ("PID", Fit::Drop(3), &|(_, process)| words(process.pid, |pid| pid.to_string())),
            ("UPTIME", Fit::Drop(6), &|(_, process)| words(process.uptime, duration)),
            ("MEMORY", Fit::Drop(6), &|(_, process)| words(process.memory, size)),
            ("PORTS", Fit::Cut(5), &|(_, process)| ports(&process.ports)),
        ];
        let of_one = usize::from(self.environments.len() <= 1);
        table::render(table::columns(&rows, &columns[of_one..]), ui::width())
    }
}

/// A process in a few words: its state, and what is known while it runs.
pub fn described(process: &Status) -> String {
    let known = [process.pid.map(|pid| format!("pid {pid}")), process.uptime.map(duration)];
    let known = known.into_iter().chain([process.memory.map(size)]).flatten();
    let known = known.map(|word| format!("  {word}"));
    state(process) + &known.collect::<String>()
}

fn state(process: &Status) -> String {
    match (process.state, process.exit) {
        (State::Running, _) => Tone::Good.paint("running"),
        (State::Starting, _) => Tone::Bad.paint("starting"),
        (State::Exited, Some(0)) => "exited".to_owned(),
        (State::Exited, code) => {
            Tone::Bad.paint(&format!("exited {}", words(code, |code| code.to_string())))
        }
        (State::Killed, _) => Tone::Bad.paint("killed"),
        (State::Stopped, _) => Tone::Quiet.paint("stopped"),
    }
}

fn words<T>(value: Option<T>, words: impl FnOnce(T) -> String) -> String {
    value.map(words).unwrap_or_default()
}
