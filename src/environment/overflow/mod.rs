//! The second Redis of a server whose indexes are all held: it is started for the first environment that gets an index there,
//! and removed when no environment has one any more and it is empty.

mod start;
mod sweep;

pub use self::start::{PortInUse, start, start_all, start_new};
pub use self::sweep::{Swept, stop, sweep, sweep_aloud, sweep_before};
use crate::model::config::{Kind, Place, Service, default_service};
use crate::model::lease::{Lease, Part, Phase};
use crate::model::overflow;
use crate::service::Server;
use crate::sys::docker::{self, Second};
use crate::sys::store::{Remembered, Store};
use crate::sys::trash;
use anyhow::Result;

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

fn beside(store: &Store, is_first: impl Fn(&Place) -> bool) -> Result<Vec<Remembered>> {
    let mut all = seconds(store)?;
    all.retain(|one| overflow::first(&one.server.place).is_some_and(|first| is_first(&first)));
    Ok(all)
}

fn second<'a>(store: &'a Store, server: &'a Server) -> Option<(Second<'a>, Place)> {
    let (first, Place::Container(name)) = (overflow::first(&server.place)?, &server.place) else {
        return None;
    };
    Some((Second { name, store: store.id() }, first))
}
