//! `git agentenv check`: checks that the shell's variables match the current environment.

mod application;

#[cfg(test)]
pub(crate) use application::Answer as Watched;

use crate::environment::context::Context;
use crate::environment::{part_problem, resolve};
use crate::error::{self, Exit};
use crate::model::config::Config;
use crate::model::lease::Lease;
use crate::sys::{env, parallel};
use crate::ui::Ui;
use anyhow::Result;
use serde::Serialize;
use std::collections::HashMap;
use std::ffi::OsString;

/// The arguments of `check`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Also check that its databases and Redis indexes exist and are its own
    #[arg(long, conflicts_with = "app")]
    pub servers: bool,
    /// Run a command and prove that it connects to this environment's databases and indexes only
    #[arg(long, requires = "command")]
    pub app: bool,
    /// Give the command of `--app` so long to connect, in seconds; then end it
    #[arg(long, value_name = "SECONDS", default_value_t = 20, requires = "app")]
    pub within: u64,
    /// The command of `--app` and its arguments
    #[arg(last = true, requires = "app", value_name = "CMD")]
    pub command: Vec<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv check
  git agentenv check && python manage.py migrate
  git agentenv check --app -- python manage.py runserver --noreload
  git agentenv check --servers --json";

/// The owner of the main checkout's values. No environment has a name with a blank.
const MAIN: &str = "the main checkout";

/// `check`: whether the calling shell's variables match the environment.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Answer {
    /// The environment around the current directory; null: none.
    environment: Option<String>,
    /// All match.
    ok: bool,
    /// The variables that do not match.
    strays: Vec<Stray>,
    /// With `--servers`, the databases and Redis indexes that are missing or not its own.
    parts: Vec<Wrong>,
}

/// A database or Redis index that is missing or not the environment's own.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Wrong {
    /// The service's name in the configuration.
    service: String,
    /// The database or Redis index.
    holds: String,
    /// What is wrong with it.
    problem: String,
}

/// A variable whose value is not the environment's.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Stray {
    /// Its name.
    variable: String,
    /// The value in the calling shell.
    value: String,
    /// The value in the environment; null without one.
    expected: Option<String>,
    /// The environment that has this value; null when none has.
    belongs_to: Option<String>,
}

/// Compares the shell's variables with the environment's; exits 7 when one belongs elsewhere, or a part is not its own.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let context = Context::here()?;
    if args.app {
        return application::run(args, &context, ui);
    }
    let here = resolve::here(&context)?;
    let strays = strays(&context, here.as_ref())?;
    let environment = here.as_ref().map(|lease| lease.name.clone());
    let parts = match &here {
        Some(lease) if args.servers => wrong(lease)?,
        _ => Vec::new(),
    };
    let ok = strays.is_empty() && parts.is_empty();
    let answer = Answer { environment, ok, strays, parts };
    ui.answer(&answer, || text(&answer))?;
    if answer.ok {
        return Ok(Exit::Done);
    }
    if !answer.strays.is_empty() {
        ui.say(here.as_ref().map_or("open a new shell".to_owned(), way_out));
    }
    if !answer.parts.is_empty() {
        ui.say("see how to repair it: `git agentenv doctor`");
    }
    Ok(Exit::Refused)
}

fn text(answer: &Answer) -> String {
    let name = answer.environment.as_ref();
    let place = name.map_or("no environment".to_owned(), |name| format!("`{name}`"));
    if answer.ok {
        return format!("in {place}: ok\n");
    }
    let strays = answer.strays.iter().map(describe).collect();
    let parts = answer.parts.iter();
    let parts =
        parts.map(|part| format!("{} {} {}", part.service, part.holds, part.problem)).collect();
    let listed = |what: &str, lines: Vec<String>| match lines.is_empty() {
        true => String::new(),
        false => format!("in {place}, but {what}:\n  {}\n", lines.join("\n  ")),
    };
    listed("these variables are not its own", strays)
        + &listed("not everything on its servers is its own", parts)
}

/// The databases and Redis indexes of an environment that are missing or not its own.
///
/// # Errors
/// `Service` when a server does not answer.
fn wrong(lease: &Lease) -> Result<Vec<Wrong>> {
    let asked = parallel::each(&lease.parts, |part| part_problem::of(lease, part));
    let mut wrong = Vec::new();
    for (part, problem) in lease.parts.iter().zip(asked) {
        wrong.extend(problem?.map(|problem| Wrong {
            service: part.service.clone(),
            holds: part.holds.clone(),
            problem: problem.to_string(),
        }));
    }
    Ok(wrong)
}

/// Refuses when a variable of the calling shell belongs to another environment than this one.
pub fn require_own(context: &Context, lease: &Lease) -> Result<()> {
    let strays = strays(context, Some(lease))?;
    // A shell often has the main checkout's values; the command gets the environment's instead.
    let is_foreign =
        |stray: &&Stray| stray.belongs_to.as_deref().is_some_and(|owner| owner != MAIN);
    let foreign: Vec<&Stray> = strays.iter().filter(is_foreign).collect();
    let Some(first) = foreign.first() else {
        return Ok(());
    };
    let more = match foreign.len() {
        1 => String::new(),
        several => format!(", and {} more", several - 1),
    };
    let message =
        format!("this shell has another environment's variables: {}{more}", describe(first));
    let hint = format!("{}; or run it anyway: `--force`", way_out(lease));
    Err(error::refused(message).hint(hint).into())
}

fn way_out(lease: &Lease) -> String {
    let name = &lease.name;
    format!("open a new shell, or load these: eval \"$(git agentenv env {name} --format shell)\"")
}

/// The variables of this process that are named like an environment's, and have another value than `here` gives.
fn strays(context: &Context, here: Option<&Lease>) -> Result<Vec<Stray>> {
    let (leases, broken) = context.store.survey()?;
    let empty = indexmap::IndexMap::new();
    let own = here.map_or(&empty, |lease| &lease.vars);
    let mut names: Vec<&String> = own.keys().collect();
    if here.is_none() {
        names.extend(leases.iter().flat_map(|lease| lease.vars.keys()));
        names.sort();
        names.dedup();
    }
    let main = main_values(&context.config()?.unwrap_or_default());
    let mut strays = Vec::new();
    for name in names {
        let Some(value) = env::var(name).filter(|value| own.get(name) != Some(value)) else {
            continue;
        };
        let owner = leases.iter().find(|lease| lease.vars.get(name) == Some(&value));
        let owner = owner.map(|lease| lease.name.clone());
        let owner = owner.or_else(|| (main.get(name) == Some(&value)).then(|| MAIN.to_owned()));
        // It may belong to an environment whose lease cannot be read.
        if let (None, Some(first)) = (&owner, broken.first()) {
            return Err(first.failure(Exit::Failed).into());
        }
        if here.is_none() && owner.as_deref().is_none_or(|owner| owner == MAIN) {
            continue;
        }
        strays.push(Stray {
            variable: name.clone(),
            expected: own.get(name).cloned(),
            belongs_to: owner,
            value,
        });
    }
    Ok(strays)
}

/// The values that the main checkout keeps.
fn main_values(config: &Config) -> HashMap<String, String> {
    let ports = config.ports.iter().map(|(name, port)| (name.clone(), port.main.to_string()));
    let services = config.services.values();
    ports.chain(services.map(|service| (service.variable.clone(), service.main.clone()))).collect()
}

fn describe(stray: &Stray) -> String {
    let owner = match stray.belongs_to.as_deref() {
        Some(MAIN) => MAIN.to_owned(),
        Some(name) => format!("`{name}`"),
        None => "no environment".to_owned(),
    };
    let expected =
        stray.expected.as_ref().map_or(String::new(), |value| format!(", expected {value}"));
    format!("{}={} belongs to {owner}{expected}", stray.variable, stray.value)
}
