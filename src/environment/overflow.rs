//! The second Redis of a server whose indexes are all held: it is started for the first environment that gets an index there,
//! and removed when no environment has one any more and it is empty.

use crate::error;
use crate::model::config::Place;
use crate::model::lease::Phase;
use crate::model::overflow::{self, DATABASES};
use crate::service::{self, Server, redis};
use crate::sys::docker::Second;
use crate::sys::store::{Remembered, Store};
use crate::sys::{budget, failpoint, interrupt, trash};
use crate::ui::Ui;
use anyhow::Result;
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

/// Starts the server of a part, if it is a second one that does not answer. The part's lease is written: it keeps the server
/// from being removed.
///
/// # Errors
/// When it cannot be started, or does not answer in time.
pub fn start(ui: &Ui, store: &Store, server: &Server) -> Result<()> {
    let Some((second, first)) = second(store, server) else { return Ok(()) };
    let _one = store.lock_infra(|| {
        ui.say("waiting for another git-agentenv that starts or stops the servers");
    })?;
    if service::ping(server).is_ok() {
        return Ok(());
    }
    // It outlives the lease where this process is killed.
    store.remember_server(server)?;
    failpoint::point("before-overflow")?;
    ui.say(format!("starting `{}`, the second Redis beside {}", second.name, first.title()));
    if bring_up(second, &first, server)? {
        warn_of_loss(ui, store, server)?;
    }
    failpoint::point("overflow-started")
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

/// Starts those that environments use, as after [`stop`].
pub fn start_all(ui: &Ui, store: &Store) -> Result<()> {
    for one in seconds(store)? {
        if is_used(store, &one.server)? {
            start(ui, store, &one.server)?;
        }
    }
    Ok(())
}

/// Stops those beside servers that are about to be removed; what they hold stays. The caller holds the lock.
pub fn stop(store: &Store, is_first: impl Fn(&Place) -> bool) -> Result<()> {
    for one in seconds(store)? {
        let Some((second, first)) = second(store, &one.server) else { continue };
        if is_first(&first) && second.find()?.is_some() {
            second.stop()?;
        }
    }
    Ok(())
}

/// Removes those that no environment uses, also none in the trash. One that holds keys stays.
pub fn sweep(store: &Store) -> Vec<Swept> {
    let all = seconds(store).unwrap_or_default();
    let swept = |one: Remembered| {
        let result = remove(store, &one).map(|removed| removed.then_some(())).transpose()?;
        Some(Swept { name: one.server.title(), result })
    };
    all.into_iter().filter_map(swept).collect()
}

/// As [`sweep`], and says what it did.
pub fn sweep_aloud(ui: &Ui, store: &Store) {
    for Swept { name, result } in sweep(store) {
        match result {
            Ok(()) => ui.say(format!("removed `{name}`: no environment has an index there")),
            Err(why) => ui.warn(format!(
                "cannot remove `{name}`, which no environment uses: {why:#}\nhint: `git agentenv prune` tries again"
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

/// The names of those that no environment uses.
pub fn unused(store: &Store) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for one in seconds(store)? {
        if !is_used(store, &one.server)? {
            names.push(one.server.title());
        }
    }
    Ok(names)
}

/// Whether an environment has an index there, or had one and is in the trash.
pub fn is_used(store: &Store, server: &Server) -> Result<bool> {
    let leases = store.leases()?;
    let (kept, unreadable) = trash::survey(store)?;
    let mut parts =
        leases.iter().chain(kept.iter().map(|one| &one.lease)).flat_map(|one| &one.parts);
    Ok(!unreadable.is_empty() || parts.any(|part| part.place == server.place))
}

fn remove(store: &Store, one: &Remembered) -> Result<bool> {
    if is_used(store, &one.server)? {
        return Ok(false);
    }
    let _one = store.lock_infra(|| ())?;
    let Some((second, first)) = second(store, &one.server) else { return Ok(false) };
    // Who gets an index there has written its lease before it waits for this lock.
    if is_used(store, &one.server)? {
        return Ok(false);
    }
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
    let args = ["--databases", &databases, "--protected-mode", "no"];
    let is_empty = second.start(first, (server.port, inside), &args)?;
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = service::ping(server) {
        interrupt::check()?;
        budget::renew();
        if Instant::now() > deadline {
            let failure = error::service(format!("`{}` does not answer", second.name));
            let hint = format!("`docker logs {}` shows the reason", second.name);
            return Err(error.context(failure.hint(hint)));
        }
        std::thread::sleep(PAUSE);
    }
    Ok(is_empty)
}

fn second<'a>(store: &'a Store, server: &'a Server) -> Option<(Second<'a>, Place)> {
    let (first, Place::Container(name)) = (overflow::first(&server.place)?, &server.place) else {
        return None;
    };
    Some((Second { name, store: store.id() }, first))
}
