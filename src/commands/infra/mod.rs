//! `git agentenv infra`: starts, stops and inspects the shared servers.

mod contents;
mod found;
mod users;

use contents::Losses;
use found::{Found, infra, ports, servers};

use crate::environment::data::known::{self, All};
use crate::environment::overflow;
use crate::error::{self, Exit};
use crate::model;
use crate::model::config::Config;
use crate::model::stock::Stock;
use crate::service::{self, Server};
use crate::sys::compose::Infra;
use crate::sys::lock::Lock;
use crate::sys::store::{Remembered, Store};
use crate::sys::{clock, docker};
use crate::ui::table::{self, Cells, Fit};
use crate::ui::{Tone, Ui};
use anyhow::Result;
use serde::Serialize;
use std::time::{Duration, Instant};

/// The arguments of `infra`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// The action
    #[command(subcommand)]
    pub what: What,
}

/// The action.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Start the servers and wait until they answer
    Up {
        /// How long to wait, in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 120)]
        timeout: u32,
    },
    /// Stop and remove the servers; their data stays
    Down {
        /// Delete the data as well; refused while an environment uses it, or something else is in it
        #[arg(long)]
        volumes: bool,
        /// Delete also what git-agentenv did not make, without a question
        #[arg(short, long, requires = "volumes")]
        force: bool,
    },
    /// Show each server and whether it answers
    Status,
}

const EXAMPLES: &str = "\
Examples:
  git agentenv infra up
  git agentenv infra status --json
  git agentenv infra down --volumes";

/// The pause between two attempts to reach a server.
const PAUSE: Duration = Duration::from_millis(200);

/// `infra up` and `infra status`: the shared servers.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Servers {
    /// The shared servers.
    servers: Vec<Status>,
}

/// `infra down`: the servers were stopped.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Down {
    /// The servers were stopped.
    down: bool,
    /// Their data was deleted.
    volumes: bool,
    /// The template databases and spares among it. Missing: there were none, or the data stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    templates: Option<Stock>,
}

/// A shared server.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "SharedServer"))]
struct Status {
    /// The service's name in the configuration.
    service: String,
    /// Where it runs.
    server: String,
    /// It is the second Redis of the service, for environments that found no index on the first.
    second: bool,
    /// The port on this machine where applications reach it.
    port: u16,
    /// The server answers.
    answers: bool,
    /// Why the server does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// Runs the action.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let config = Found::here()?;
    match args.what {
        What::Up { timeout } => up(ui, &config, Duration::from_secs(timeout.into())),
        What::Down { volumes, force } => down(ui, &config, volumes, force),
        What::Status => status(ui, &config),
    }
}

fn up(ui: &Ui, config: &Found, timeout: Duration) -> Result<Exit> {
    start(ui, config)?;
    let deadline = Instant::now() + timeout;
    for (name, server) in servers(&config.config) {
        let step = ui.step(format!("waiting for {name}"));
        service::await_answer(&server, deadline, PAUSE, || {
            error::service(format!("{name} does not answer"))
                .hint("see `docker logs` of its container")
        })?;
        step.done();
    }
    let infra = infra(config, config.file()?)?;
    let containers = infra.status()?;
    overflow::start_all(ui, &Store::open()?, |first| infra.runs((first, 0), &containers))?;
    status(ui, config)
}

/// Starts what does not run. Another process that waited for this one finds it running.
fn start(ui: &Ui, config: &Found) -> Result<()> {
    let _one = alone(ui)?;
    // Behind the wait, in which the file may change.
    let file = config.file()?;
    if let (Some(context), Some(file)) = (&config.context, &file) {
        file.require_trusted(context)?;
    }
    let infra = infra(config, file)?;
    users::require_none_of_others(config, &infra)?;
    let step = ui.step("starting servers");
    let ports = ports(&config.config);
    ports.into_iter().fold(infra, |infra, (name, port)| infra.env(name, port)).up()?;
    step.done();
    Ok(())
}

/// The lock around what compose does.
fn alone(ui: &Ui) -> Result<Lock> {
    let waiting = "waiting for another git-agentenv that starts or stops the servers";
    Store::open()?.lock_infra(|| ui.say(waiting))
}

fn down(ui: &Ui, config: &Found, volumes: bool, force: bool) -> Result<Exit> {
    let infra = infra(config, config.file()?)?;
    let _one = if volumes { agreed(ui, config, &infra, force)? } else { alone(ui)? };
    let templates = if volumes { templates(&config.config, &infra)? } else { None };
    if let Some(stock) = templates {
        ui.say(format!("deleting {} with the servers' data", stock.at(clock::now())));
    }
    let gone = if volumes { remembered(&infra)? } else { Vec::new() };
    let (store, containers) = (Store::open()?, infra.status()?);
    if volumes {
        overflow::sweep_before(ui, &store, |first| infra.runs((first, 0), &containers))?;
    }
    overflow::stop(&store, |first| infra.runs((first, 0), &containers))?;
    infra.down(volumes)?;
    gone.iter().try_for_each(|one| store.forget_server(one))?;
    let kept = if volumes { "their data is deleted" } else { "their data stays" };
    let answer = Down { down: true, volumes, templates };
    ui.answer(&answer, || format!("servers stopped and removed; {kept}\n"))
}

/// The lock, once the user has agreed to what is lost: a question does not keep others waiting.
///
/// # Errors
/// When environments use the servers, or something else is in their data that nobody agreed to lose.
fn agreed(ui: &Ui, config: &Found, infra: &Infra, force: bool) -> Result<Lock> {
    let mut agreed = Losses::default();
    loop {
        let one = alone(ui)?;
        users::require_none(config, infra)?;
        let losses = contents::losses(config, infra)?;
        if losses.are_within(&agreed) {
            return Ok(one);
        }
        if force {
            ui.warn(format!("deleting {losses}"));
            return Ok(one);
        }
        drop(one);
        losses.agree(ui)?;
        agreed = losses;
    }
}

/// The records of these servers, which have no templates once their data is deleted.
fn remembered(infra: &Infra) -> Result<Vec<Remembered>> {
    let containers = infra.status()?;
    let mut all = Store::open()?.remembered_servers()?;
    all.retain(|Remembered { server, .. }| infra.runs((&server.place, server.port), &containers));
    Ok(all)
}

/// The templates and spares on those of these servers that answer. They are made again when an environment needs them.
fn templates(config: &Config, infra: &Infra) -> Result<Option<Stock>> {
    let containers = infra.status()?;
    let here = known::configured(config)
        .filter(|server| infra.runs((&server.place, server.port), &containers));
    let stock = All::on_those_that_answer(&Store::open()?, here).stock();
    Ok((!stock.is_empty()).then_some(stock))
}

fn status(ui: &Ui, config: &Found) -> Result<Exit> {
    let mut all = servers(&config.config);
    all.extend(seconds(&all)?);
    let answer = Servers { servers: all.into_iter().map(of).collect() };
    let all = answer.servers.iter().all(|status| status.answers);
    ui.answer(&answer, || text(&answer.servers))?;
    Ok(if all { Exit::Done } else { Exit::Service })
}

/// The second servers beside these, but none that nobody needs and that does not run.
fn seconds(servers: &[(String, Server)]) -> Result<Vec<(String, Server)>> {
    let store = Store::open()?;
    let known = overflow::seconds(&store)?;
    let second = |(name, first): &(String, Server)| {
        let place = model::overflow::place(&first.place, store.id());
        let second = known.iter().find(|one| Some(&one.server.place) == place.as_ref())?;
        Some((name.clone(), second.server.clone()))
    };
    let mut seconds = Vec::new();
    for (name, second) in servers.iter().filter_map(second) {
        if overflow::is_used(&store, &second)? || service::ping(&second).is_ok() {
            seconds.push((name, second));
        }
    }
    Ok(seconds)
}

fn of((service, server): (String, Server)) -> Status {
    let answer = service::ping(&server);
    Status {
        service,
        server: docker::called(&server.place),
        second: model::overflow::first(&server.place).is_some(),
        port: server.port,
        answers: answer.is_ok(),
        why: answer.err().map(|error| format!("{error:#}")),
    }
}

fn text(statuses: &[Status]) -> String {
    if statuses.is_empty() {
        return "this project's configuration has no servers\n".to_owned();
    }
    let state = |status: &Status| match &status.why {
        None => Tone::Good.paint("answers"),
        Some(why) => Tone::Bad.paint(&format!("does not answer: {why}")),
    };
    let columns: [Cells<'_, Status>; 4] = [
        ("SERVICE", Fit::Whole, &|status| status.service.clone()),
        ("SERVER", Fit::Whole, &|status| status.server.clone()),
        ("PORT", Fit::Whole, &|status| status.port.to_string()),
        ("STATE", Fit::Whole, &state),
    ];
    // The reason is never cut: the user needs all of it.
    table::render(table::columns(statuses, &columns), None)
}
