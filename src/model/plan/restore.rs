//! The plan for an environment whose lease was lost: it keeps what it is proven to hold.

use super::{Facts, Plan, Request, Target, identity};
use crate::model::config::{Config, Kind, Place};
use anyhow::Result;
use indexmap::IndexMap;

/// What a worktree without a lease holds.
#[derive(Debug, Clone, Default)]
pub struct Held {
    /// Databases and Redis indexes that carry the lease's mark, by service.
    pub parts: IndexMap<String, String>,
    /// The second Redis servers on which they were found, with their ports, by service.
    pub seconds: IndexMap<String, (Place, u16)>,
    /// Ports from the environment file, by variable. Nothing marks a port, so only free ones of the range are kept.
    pub ports: IndexMap<String, u16>,
}

/// The plan of [`super::add`] with these slots; whatever is not held is chosen as for a new environment.
pub fn restore(config: &Config, facts: &Facts<'_>, request: &Request, held: &Held) -> Result<Plan> {
    let mut taken = facts.taken.clone();
    for value in held.parts.values() {
        taken.databases.remove(value);
        value.parse().ok().and_then(|index: u32| taken.indexes.remove(&index));
    }
    for name in misnamed(config, facts, request, held) {
        taken.names.entry(name).or_insert_with(|| "a name that its database does not have".into());
    }
    let plan = |held: &Held| {
        let own = |port: u16| held.ports.values().any(|&own| own == port);
        let facts = Facts {
            id: facts.id.clone(),
            repo_name: facts.repo_name.clone(),
            taken: &taken,
            port_free: &|port| own(port) || (facts.port_free)(port),
            ..*facts
        };
        super::add(&narrowed(config, held), &facts, request.clone())
    };
    let other_ports = Held { ports: IndexMap::new(), ..held.clone() };
    plan(held).or_else(|_| plan(&other_ports))
}

/// Each pool with only the slot that is held, and each name as it is.
fn narrowed(config: &Config, held: &Held) -> Config {
    let mut config = config.clone();
    for (variable, port) in &mut config.ports {
        let pinned = held.ports.get(variable).copied();
        let within = |&port: &u16, (first, last)| (first..=last).contains(&port);
        if let (Some(range), Some(pinned)) = (port.range, pinned)
            && within(&pinned, range)
        {
            port.range = Some((pinned, pinned));
        }
    }
    for (name, service) in &mut config.services {
        match (service.kind, held.parts.get(name)) {
            (Kind::Redis, Some(index)) => {
                service.range = index.parse().ok().map(|index| (index, index)).or(service.range);
                if let Some((place, port)) = held.seconds.get(name).cloned() {
                    (service.place, service.port) = (place, port);
                }
            }
            (_, Some(database)) => service.name.clone_from(database),
            (_, None) => {}
        }
    }
    config
}

/// Names that another database than the held one would belong to. When none fits, the branch was renamed since, and
/// any name will do.
fn misnamed(config: &Config, facts: &Facts<'_>, request: &Request, held: &Held) -> Vec<String> {
    let (Target::Branch { name: named, .. } | Target::Detached { named, .. }) = &request.target;
    let fits = |name: &String| {
        config.services.iter().all(|(service, settings)| {
            let database = held.parts.get(service).filter(|_| settings.kind != Kind::Redis);
            let expected = settings.part(&facts.repo_name, name).ok();
            database.is_none_or(|database| Some(database) == expected.as_ref())
        })
    };
    let names = identity::candidates(named, facts);
    if !names.iter().any(fits) {
        return Vec::new();
    }
    names.into_iter().filter(|name| !fits(name)).collect()
}
