//! The parts of several leases at once.

use crate::environment::teardown::Force;
use crate::model::lease::Lease;
use crate::service::removal::{Held, Look, Servers};
use crate::sys::parallel;
use anyhow::Result;

/// What the servers say of the parts of each of the leases, in the order of the lease's parts.
pub fn look(servers: &Servers, leases: &[&Lease]) -> Vec<Vec<Result<Look>>> {
    unforced(leases, |held| servers.look(held))
}

/// As [`look`], after they were closed.
pub fn close(servers: &Servers, leases: &[&Lease]) -> Vec<Vec<Result<Look>>> {
    unforced(leases, |held| servers.close(held))
}

/// Opens them again.
pub fn open(servers: &Servers, leases: &[&Lease]) -> Vec<Vec<Result<()>>> {
    unforced(leases, |held| servers.open(held))
}

/// As [`each`], where nothing may be destroyed.
fn unforced<T>(
    leases: &[&Lease],
    ask: impl FnOnce(&[Held]) -> Vec<Result<T>>,
) -> Vec<Vec<Result<T>>> {
    let held: Vec<_> = leases.iter().map(|lease| (*lease, Force::default())).collect();
    each(&held, ask)
}

/// What `ask` answers for the parts of each of the leases, in the order of the lease's parts. Each
/// lease comes with what may be destroyed.
pub fn each<T>(
    leases: &[(&Lease, Force)],
    ask: impl FnOnce(&[Held]) -> Vec<Result<T>>,
) -> Vec<Vec<Result<T>>> {
    let all = leases.iter().flat_map(|&(lease, force)| {
        lease.parts.iter().map(move |part| {
            let resource = lease.resource(part).map_err(Err)?;
            // On the server that had the index empty when it was claimed, its keys are the
            // environment's, marked or not.
            let is_claimed = lease.was_whole() && part.server_id.is_some();
            let unmarked = force.unmarked || is_claimed;
            Ok(Held { resource, id: lease.id.clone(), force: force.sessions, unmarked })
        })
    });
    let mut answers = parallel::rest(all, |held| ask(&held)).into_iter();
    let of_lease =
        |(lease, _): &(&Lease, Force)| answers.by_ref().take(lease.parts.len()).collect();
    leases.iter().map(of_lease).collect()
}
