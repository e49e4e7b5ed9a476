//! The start of a second Redis.

use super::{beside, is_known, is_used, second, seconds};
use crate::error;
use crate::model::config::Place;
use crate::model::lease::Phase;
use crate::model::overflow::DATABASES;
use crate::service::{self, Server, redis};
use crate::sys::docker::{self, PortTaken, Second};
use crate::sys::failpoint;
use crate::sys::store::{Remembered, Store};
use crate::ui::Ui;
use anyhow::Result;
use std::fmt;
use std::time::{Duration, Instant};

/// How long a server that was started has to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// The pause between two attempts to reach it.
const PAUSE: Duration = Duration::from_millis(20);

/// A second server could not be created, because another process has its port. Nothing names it any
/// more: the next attempt chooses another port.
#[derive(Debug)]
pub struct PortInUse(u16);

impl fmt::Display for PortInUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "port {} is in use", self.0)
    }
}

impl std::error::Error for PortInUse {}

/// Starts the server of a part, if it is a second one that does not answer. The part's lease is written: it keeps the server
/// from being removed.
///
/// # Errors
/// When it cannot be started, or does not answer in time.
pub fn start(ui: &Ui, store: &Store, server: &Server) -> Result<()> {
    start_or(ui, store, server, Ok)
}

/// As [`start`], for an environment that is being created.
///
/// # Errors
/// As [`start`]; [`PortInUse`] where another port can be chosen.
pub fn start_new(ui: &Ui, store: &Store, server: &Server) -> Result<()> {
    start_or(ui, store, server, |error| match is_known(store, server)? {
        true => Ok(error),
        false => forget(store, server).map(|()| PortInUse(server.port).into()),
    })
}

/// As [`start`]. `port_taken` makes the error where another process has the port of a new one.
fn start_or(
    ui: &Ui,
    store: &Store,
    server: &Server,
    port_taken: impl FnOnce(anyhow::Error) -> Result<anyhow::Error>,
) -> Result<()> {
    let Some((second, first)) = second(store, server) else { return Ok(()) };
    let _one = store.lock_infra(|| {
        ui.say("waiting for another git-agentenv that starts or stops the servers");
    })?;
    redis::require_engine(store, &server.place)?;
    if service::ping(server).is_ok() {
        return Ok(());
    }
    // It outlives the lease where this process is killed.
    store.remember_second(server, docker::address())?;
    failpoint::point("before-overflow")?;
    ui.say(format!("starting `{}`, the second Redis beside {}", second.name, first.title()));
    match bring_up(second, &first, server) {
        Ok(true) => warn_of_loss(ui, store, server)?,
        Ok(false) => {}
        Err(error) if error.is::<PortTaken>() => return Err(port_taken(error)?),
        Err(error) => return Err(error),
    }
    failpoint::point("overflow-started")
}

/// Deletes the record of one that was not created: the next attempt chooses another port.
fn forget(store: &Store, server: &Server) -> Result<()> {
    let mut all = seconds(store)?.into_iter();
    all.find(|one| one.server == *server).map_or(Ok(()), |one| store.forget_server(&one))
}

/// Says whose keys are not in a server that is new and empty.
fn warn_of_loss(ui: &Ui, store: &Store, server: &Server) -> Result<()> {
    let mut leases = store.leases()?;
    leases.retain(|lease| {
        lease.phase == Phase::Ready && lease.parts.iter().any(|part| part.place == server.place)
    });
    if !leases.is_empty() {
        let names: Vec<String> = leases.iter().map(|lease| format!("`{}`", lease.name)).collect();
        ui.warn(format!(
            "`{}` and its data were removed; it is made anew, without the keys of {}",
            server.title(),
            names.join(", ")
        ));
    }
    Ok(())
}

/// Starts those beside these servers that environments use, as after [`super::stop`]. One that does not start keeps none from it.
pub fn start_all(ui: &Ui, store: &Store, is_first: impl Fn(&Place) -> bool) -> Result<()> {
    for Remembered { server, .. } in beside(store, is_first)? {
        let is_used = is_used(store, &server);
        let started =
            is_used.and_then(|used| if used { start(ui, store, &server) } else { Ok(()) });
        if let Err(why) = started {
            ui.warn(format!("cannot start `{}`: {why:#}", server.title()));
        }
    }
    Ok(())
}

/// Gives whether it is new and empty.
pub(super) fn bring_up(second: Second<'_>, first: &Place, server: &Server) -> Result<bool> {
    if service::ping(server).is_ok() {
        return Ok(false);
    }
    let databases = DATABASES.to_string();
    let inside = server.kind.port().unwrap_or(server.port);
    // Behind the first one's own options: the last of two counts.
    let port = inside.to_string();
    let args = [
        ["--databases", &databases],
        ["--protected-mode", "no"],
        ["--port", &port],
        ["--dir", "/data"],
    ];
    let args = args.concat();
    let is_empty = second.start(first, (server.port, inside), &args)?;
    service::await_answer(server, Instant::now() + PATIENCE, PAUSE, || {
        let hint = format!("`docker logs {}` shows the reason", second.name);
        error::service(format!("`{}` does not answer", second.name)).hint(hint)
    })?;
    Ok(is_empty)
}
