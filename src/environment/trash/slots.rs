//! What a restored environment holds: what it held, and another slot where another environment took one meanwhile.

use crate::environment::occupancy;
use crate::environment::workspace::Workspace;
use crate::error;
use crate::model::config::Kind;
use crate::model::lease::{Lease, Part};
use crate::model::plan::{self, Data, Request, Start, Target};
use crate::model::slot::{Holder, Slot, Taken};
use crate::sys::net;
use anyhow::Result;
use std::collections::BTreeMap;

/// The lease of an environment that is to be restored. The parts that turned out to be `occupied` are in no lease.
/// It keeps what one of the `mains` uses.
pub(super) fn choose(
    workspace: &Workspace<'_>,
    was: &Lease,
    occupied: &[Part],
    mains: BTreeMap<Slot, Holder>,
) -> Result<Lease> {
    let (context, config) = (workspace.context, &workspace.config);
    let (mut taken, _) = occupancy::taken_but(&context.store, &context.repo, config, &was.id)?;
    taken.mains = mains;
    let holder = "something on the server that is not ours";
    occupied.iter().for_each(|part| taken.take(part.kind, &part.holds, holder));
    let mut lease = was.clone().into_restoring();
    if is_free(was, &taken) {
        return Ok(lease);
    }
    let planned = plan::add(config, &context.facts(was.id.clone(), &taken), request(was))?.lease;
    exchange(&mut lease, &planned, &taken)?;
    plan::set_variables(config, &mut lease, &context.slug())?;
    Ok(lease)
}

fn is_free(was: &Lease, taken: &Taken) -> bool {
    ports_are_free(was, taken)
        && was.parts.iter().all(|part| taken.is_free(part.kind, &part.holds))
        && !taken.names.contains_key(&was.name)
        && !taken.projects.contains_key(&was.project)
}

fn ports_are_free(was: &Lease, taken: &Taken) -> bool {
    was.ports.values().all(|port| !taken.ports.contains_key(port) && net::is_free(*port))
}

/// As for a worktree that is there: it has its place, and only the rest is chosen.
fn request(was: &Lease) -> Request {
    let named = || was.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let target = match &was.branch {
        Some(name) => Target::Branch { name: name.clone(), start: Start::Existing },
        None => Target::Detached { commit: String::new(), named: named() },
    };
    Request { target, path: Some(was.path.clone()), adopted: true, data: Data::default() }
}

/// Takes from the plan what is not free any more.
fn exchange(lease: &mut Lease, planned: &Lease, taken: &Taken) -> Result<()> {
    if taken.names.contains_key(&lease.name) {
        lease.name.clone_from(&planned.name);
    }
    if taken.projects.contains_key(&lease.project) {
        lease.project.clone_from(&planned.project);
    }
    if !ports_are_free(lease, taken) {
        for (variable, port) in &mut lease.ports {
            let free = planned.ports.get(variable);
            *port =
                *free.ok_or_else(|| unknown(&format!("ports.{variable}"), &port.to_string()))?;
        }
    }
    for part in lease.parts.iter_mut().filter(|part| !taken.is_free(part.kind, &part.holds)) {
        let same = |other: &&Part| (&other.service, other.kind) == (&part.service, part.kind);
        let free = planned.parts.iter().find(same);
        let free =
            free.ok_or_else(|| unknown(&format!("services.{}", part.service), &part.holds))?;
        part.holds.clone_from(&free.holds);
        if part.kind == Kind::Redis {
            // The free index may be one of a second server.
            (part.place, part.port) = (free.place.clone(), free.port);
        }
    }
    Ok(())
}

fn unknown(key: &str, value: &str) -> anyhow::Error {
    let message = format!("`{value}` is taken, and the configuration has no `{key}` any more");
    error::no_slot(message).hint(format!("add `{key}` to .agentenv.yaml again")).into()
}
