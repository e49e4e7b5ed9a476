//! The second Redis of a server whose indexes are all held: it is started for the first environment that gets an index there,
//! and removed when no environment has one any more and it is empty.

use crate::error;
use crate::model::config::{Kind, Place, Service, default_service};
use crate::model::lease::{Lease, Part, Phase};
use crate::model::overflow::{self, DATABASES};
use crate::service::{self, Server, redis};
use crate::sys::docker::{self, PortTaken, Second};
use crate::sys::store::{Remembered, Store};
use crate::sys::{failpoint, trash};
use crate::ui::Ui;
use anyhow::Result;
use std::fmt;
use std::time::{Duration, Instant};

/// How long a server that was started has to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// The pause between two attempts to reach it.
const PAUSE: Duration = Duration::from_millis(20);

/// What became of a second server that no environment needs.
pub struct Swept {
    /// Its container.
    pub name: String,
    /// It was removed; else why it could not be.
    pub result: Result<()>,
}

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

/// Starts those beside these servers that environments use, as after [`stop`]. One that does not start keeps none from it.
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

fn beside(store: &Store, is_first: impl Fn(&Place) -> bool) -> Result<Vec<Remembered>> {
    let mut all = seconds(store)?;
    all.retain(|one| overflow::first(&one.server.place).is_some_and(|first| is_first(&first)));
    Ok(all)
}

/// Stops those beside servers that are about to be removed; what they hold stays. The caller holds the lock.
pub fn stop(store: &Store, is_first: impl Fn(&Place) -> bool) -> Result<()> {
    for one in beside(store, is_first)? {
        let Some((second, _)) = second(store, &one.server) else { continue };
        if second.find()?.is_some() {
            second.stop()?;
        }
    }
    Ok(())
}

/// Removes those that no environment uses, also none in the trash. One that holds keys stays.
pub fn sweep(store: &Store) -> Vec<Swept> {
    let all = seconds(store).unwrap_or_default();
    let swept = |one: &Remembered| {
        if !may_go(store, one)? {
            return Ok(false);
        }
        let _one = store.lock_infra(|| ())?;
        remove(store, one)
    };
    all.iter().filter_map(|one| outcome(one, swept(one))).collect()
}

/// As [`sweep_aloud`], of those beside servers that are about to be removed. The caller holds the lock.
pub fn sweep_before(ui: &Ui, store: &Store, is_first: impl Fn(&Place) -> bool) -> Result<()> {
    let all = beside(store, is_first)?;
    say(ui, all.iter().filter_map(|one| outcome(one, remove(store, one))));
    Ok(())
}

fn outcome(one: &Remembered, removed: Result<bool>) -> Option<Swept> {
    let result = removed.map(|removed| removed.then_some(())).transpose()?;
    Some(Swept { name: one.server.title(), result })
}

/// As [`sweep`], and says what it did.
pub fn sweep_aloud(ui: &Ui, store: &Store) {
    say(ui, sweep(store));
}

fn say(ui: &Ui, swept: impl IntoIterator<Item = Swept>) {
    for Swept { name, result } in swept {
        match result {
            Ok(()) => ui.say(format!("removed `{name}`: no environment has an index there")),
            Err(why) => ui.warn(format!(
                "cannot remove the second Redis `{name}`: {why:#}\nhint: `git agentenv prune` tries again"
            )),
        }
    }
}

/// The second servers that this store has started.
pub fn seconds(store: &Store) -> Result<Vec<Remembered>> {
    let mut all = store.remembered_servers()?;
    all.retain(|one| overflow::first(&one.server.place).is_some());
    Ok(all)
}

/// Those that no environment uses.
pub fn unused(store: &Store) -> Result<Vec<Server>> {
    let mut all = Vec::new();
    for Remembered { server, .. } in seconds(store)? {
        if !is_used(store, &server)? {
            all.push(server);
        }
    }
    Ok(all)
}

/// Those without a record: the engine creates what a process asked for that was killed, perhaps after `prune` looked.
pub fn strays(store: &Store) -> Result<Vec<Server>> {
    let known = seconds(store)?;
    let server = |(name, port)| {
        let place = Place::Container(name);
        overflow::first(&place)?;
        Server::of_service(&Service { place, port, ..default_service(Kind::Redis) })
    };
    let mut all: Vec<Server> = Second::all(store.id())?.into_iter().filter_map(server).collect();
    all.retain(|stray| known.iter().all(|one| one.server.place != stray.place));
    Ok(all)
}

/// Records [`strays`], so that they are removed as the others.
pub fn find_strays(store: &Store) -> Result<()> {
    strays(store)?.iter().try_for_each(|stray| store.remember_second(stray, docker::address()))
}

/// Whether an environment has an index there, or had one and is in the trash.
pub fn is_used(store: &Store, server: &Server) -> Result<bool> {
    is_named(store, server, |_| true)
}

/// Whether an environment that was complete once has an index there, and its address.
fn is_known(store: &Store, server: &Server) -> Result<bool> {
    is_named(store, server, |lease| lease.phase != Phase::Creating)
}

/// Whether one of these leases names it, also one in the trash.
fn is_named(store: &Store, server: &Server, counts: impl Fn(&Lease) -> bool) -> Result<bool> {
    let (leases, broken) = store.survey()?;
    let (kept, unreadable) = trash::survey(store)?;
    let all = leases.iter().chain(kept.iter().map(|one| &one.lease));
    let mut parts = all.filter(|lease| counts(lease)).flat_map(|lease| &lease.parts);
    let is_unknown = !unreadable.is_empty() || !broken.is_empty();
    Ok(is_unknown || parts.any(|part| part.place == server.place))
}

/// The environments that are being created and whose second Redis would have this port.
pub fn planned_at(store: &Store, port: u16) -> Result<Vec<Lease>> {
    let mut leases = store.leases()?;
    leases.retain(|lease| plans_at(lease, port));
    Ok(leases)
}

fn plans_at(lease: &Lease, port: u16) -> bool {
    let is_it = |part: &Part| part.port == port && overflow::first(&part.place).is_some();
    lease.phase == Phase::Creating && lease.parts.iter().any(is_it)
}

/// Whether nothing uses it, and it is in the engine that can be asked.
fn may_go(store: &Store, one: &Remembered) -> Result<bool> {
    let is_here = one.engine.as_ref().is_none_or(|engine| *engine == docker::address());
    Ok(is_here && !is_used(store, &one.server)?)
}

fn remove(store: &Store, one: &Remembered) -> Result<bool> {
    // Who gets an index there has written its lease before it waits for the lock, which is held.
    if !may_go(store, one)? {
        return Ok(false);
    }
    let Some((second, first)) = second(store, &one.server) else { return Ok(false) };
    if second.find()?.is_some() || second.has_data()? {
        // Nothing but a look proves that it is empty.
        bring_up(second, &first, &one.server)?;
        if !redis::inventory(&one.server)?.is_empty() {
            return Ok(false);
        }
        failpoint::point("before-overflow-removed")?;
        second.remove()?;
    }
    failpoint::point("overflow-removed")?;
    store.forget_server(one).map(|()| true)
}

/// Gives whether it is new and empty.
fn bring_up(second: Second<'_>, first: &Place, server: &Server) -> Result<bool> {
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

fn second<'a>(store: &'a Store, server: &'a Server) -> Option<(Second<'a>, Place)> {
    let (first, Place::Container(name)) = (overflow::first(&server.place)?, &server.place) else {
        return None;
    };
    Some((Second { name, store: store.id() }, first))
}
