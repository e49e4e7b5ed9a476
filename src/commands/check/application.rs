//! `git agentenv check --app`: proves which databases and indexes an application connects to.

use super::{Args, require_own};
use crate::environment::arrivals::{self, Target, Watched};
use crate::environment::context::Context;
use crate::environment::processes;
use crate::environment::resolve;
use crate::error::{self, Exit};
use crate::sys::exec::Cmd;
use crate::ui::Ui;
use anyhow::{Context as _, Result};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How much is shown of what an application printed that did not connect.
const TAIL: usize = 10;

/// `check --app`: what an application connected to.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Answer {
    /// The environment.
    environment: String,
    /// It connected to each of the environment's parts, and to none of the main checkout's.
    ok: bool,
    /// The parts, by service.
    services: Vec<Part>,
    /// What it printed.
    log: PathBuf,
}

/// A part of the environment.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "WatchedPart"))]
struct Part {
    /// The service.
    service: String,
    /// The environment's database or index, in words.
    own: String,
    /// How many connections arrived there.
    connections: u64,
    /// The main checkout's; null: the configuration names none.
    main: Option<String>,
    /// How many connections arrived at the main checkout's.
    main_connections: u64,
    /// Those of them that were seen, in words.
    main_sessions: Vec<String>,
}

impl Part {
    fn of(watched: &Watched) -> Self {
        let Watched { service, own, main } = watched;
        let sessions = main.iter().flat_map(Target::sessions).map(ToString::to_string);
        Part {
            service: service.clone(),
            own: own.resource.to_string(),
            connections: own.connections(),
            main: main.as_ref().map(|main| main.resource.to_string()),
            main_connections: main.as_ref().map_or(0, Target::connections),
            main_sessions: sessions.collect(),
        }
    }

    fn is_isolated(&self) -> bool {
        self.connections > 0 && self.main_connections == 0
    }

    fn text(&self) -> String {
        let mut text = match self.connections {
            0 => format!("  {}: no connection to {}\n", self.service, self.own),
            1 => format!("  {}: 1 connection to {}\n", self.service, self.own),
            many => format!("  {}: {many} connections to {}\n", self.service, self.own),
        };
        if let Some(main) = self.main.as_ref().filter(|_| self.main_connections > 0) {
            let seen: Vec<String> =
                self.main_sessions.iter().map(|session| format!("\n    {session}")).collect();
            let count = self.main_connections;
            text.push_str(&format!(
                "  {}: {count} new to the main checkout's {main}{}\n",
                self.service,
                seen.concat()
            ));
        }
        text
    }
}

/// Runs the command and compares; exits 7 when it is not isolated.
pub(super) fn run(args: &Args, context: &Context, ui: &Ui) -> Result<Exit> {
    let lease = resolve::named_or_here(context, None)?;
    require_own(context, &lease)?;
    let log = arrivals::log(context, &lease)?;
    let (program, rest) = args.command.split_first().context("no command")?;
    let command = Cmd::new(program).args(rest);
    let limit = Duration::from_secs(args.within);
    let watched = arrivals::watch(context, &lease, command, limit, &log)?;
    if watched.is_empty() {
        let message = format!("`{}` has no database or index on a server", lease.name);
        return Err(error::usage(message).hint("add `services` to .agentenv.yaml").into());
    }
    let services: Vec<Part> = watched.iter().map(Part::of).collect();
    let ok = services.iter().all(Part::is_isolated);
    let answer = Answer { environment: lease.name.clone(), ok, services, log };
    ui.answer(&answer, || text(&answer))?;
    if ok {
        return Ok(Exit::Done);
    }
    explain(ui, &answer, args.within);
    Ok(Exit::Refused)
}

fn text(answer: &Answer) -> String {
    let word = if answer.ok { "isolated" } else { "not isolated" };
    let lines: String = answer.services.iter().map(Part::text).collect();
    format!("in `{}`: {word}\n{lines}", answer.environment)
}

fn explain(ui: &Ui, answer: &Answer, within: u64) {
    if answer.services.iter().any(|part| part.main_connections > 0) {
        ui.say(
            "hint: `git agentenv doctor` names variables that lead to the main checkout; stop other processes that use \
             its database or index, and check again",
        );
    }
    if answer.services.iter().any(|part| part.connections == 0) {
        let printed = match printed(&answer.log) {
            nothing if nothing.is_empty() => " nothing".to_owned(),
            lines => format!(":\n{lines}"),
        };
        ui.say(format!("the command, which had {within} s (`--within`), printed{printed}"));
    }
}

fn printed(log: &Path) -> String {
    let tail = processes::tail(log, TAIL).unwrap_or_default();
    tail.lines().map(|line| format!("  {line}\n")).collect::<String>().trim_end().to_owned()
}
