//! The parts of several leases at once.

use crate::model::lease::Lease;
use crate::service::removal::{Held, Look, Servers};
use anyhow::{Result, anyhow};

/// What the servers say of the parts of each of the leases, in the order of the lease's parts.
pub fn look(servers: &Servers, leases: &[&Lease]) -> Vec<Vec<Result<Look>>> {
    let held: Vec<_> = leases.iter().map(|lease| (*lease, false)).collect();
    each(&held, |held| servers.look(held))
}

/// What `ask` answers for the parts of each of the leases, in the order of the lease's parts. Each lease comes with whether
/// sessions on its parts are ended.
pub fn each<T>(
    leases: &[(&Lease, bool)],
    ask: impl FnOnce(&[Held]) -> Vec<Result<T>>,
) -> Vec<Vec<Result<T>>> {
    let held = |lease: &Lease, force| {
        let part = |part| {
            let resource = lease.resource(part)?;
            Ok(Held { resource, id: lease.id.clone(), force })
        };
        lease.parts.iter().map(part).collect::<Vec<Result<Held>>>()
    };
    let all: Vec<_> = leases.iter().map(|(lease, force)| held(lease, *force)).collect();
    let known: Vec<Held> = all.iter().flatten().flatten().cloned().collect();
    let mut answers = ask(&known).into_iter();
    let mut answer = |_| answers.next().unwrap_or_else(|| Err(anyhow!("no answer")));
    let of_lease = |parts: Vec<Result<Held>>| {
        parts.into_iter().map(|part| part.and_then(&mut answer)).collect()
    };
    all.into_iter().map(of_lease).collect()
}
