//! The resources of environments that are removed, for all of them at once: one session for each Postgres server.

use super::postgres::removal::{self as postgres, Removal, Wanted};
use super::{Gone, Resource, Server, Session, State, inventory, mysql, redis, sqlite};
use crate::error;
use crate::model::config::{Kind, Place};
use crate::model::lease::Lease;
use crate::sys::docker::Projects;
use crate::sys::parallel::locked;
use crate::sys::{failpoint, parallel};
use anyhow::{Result, anyhow};
use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};
use std::thread;

/// A resource that is removed, and whose it is.
#[derive(Debug, Clone)]
pub struct Held {
    /// The resource.
    pub resource: Resource,
    /// The lease's id.
    pub id: String,
    /// Sessions on it are ended.
    pub force: bool,
    /// It goes also where an application deleted its mark.
    pub unmarked: bool,
}

/// What a resource that is to be removed is like.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// The sessions that use it and the databases that tests made beside it, each with its database or index.
    pub sessions: Vec<(String, Session)>,
    /// Redis only: it holds keys but no longer the mark, in these words.
    pub unmarked: Option<String>,
    /// Postgres only: the name that the database has instead, because it was renamed by hand.
    pub renamed: Option<String>,
    /// The bytes that a database of the lease, or an SQLite file, takes.
    pub size: Option<u64>,
}

/// The servers of environments that are removed.
pub struct Servers {
    postgres: BTreeMap<Server, Mutex<Removal>>,
    containers: OnceLock<Result<Projects>>,
}

impl Servers {
    /// Starts a session with each Postgres server of these leases; nothing waits until it is connected.
    pub fn of(leases: &[&Lease]) -> Self {
        let servers = leases.iter().flat_map(|lease| &lease.parts).filter_map(Server::of_part);
        let mut open = BTreeMap::new();
        for server in servers.filter(|server| server.kind == Kind::Postgres) {
            open.entry(server)
                .or_insert_with_key(|server| Mutex::new(Removal::begin(server.clone())));
        }
        Servers { postgres: open, containers: OnceLock::new() }
    }

    /// The containers of the engine, as they were when they were asked for first.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn containers(&self) -> &Result<Projects> {
        self.containers.get_or_init(Projects::list)
    }

    /// Looks at resources; the answers are in their order.
    pub fn look(&self, held: &[Held]) -> Vec<Result<Look>> {
        let other = |one: &Held| {
            self.locate(one);
            look(one)
        };
        self.each(held, |server, wanted| looks(server.look(wanted), wanted), other)
    }

    /// A removal lists the containers in any case: then Redis needs no process of its own to be found.
    fn locate(&self, held: &Held) {
        if let Resource::RedisIndex(index) = &held.resource
            && index.server.place != Place::Host
            && let Ok(containers) = self.containers()
        {
            redis::locate(&index.server.place, containers);
        }
    }

    /// Lets no client connect to Postgres databases from now on, and looks at all resources again.
    pub fn close(&self, held: &[Held]) -> Vec<Result<Look>> {
        self.each(held, |server, wanted| looks(server.close(wanted), wanted), look)
    }

    /// Lets clients connect again.
    pub fn open(&self, held: &[Held]) -> Vec<Result<()>> {
        self.each(held, |server, wanted| repeated(server.open(wanted), wanted), |_| Ok(()))
    }

    /// Drops, flushes or deletes resources that carry their lease's id.
    pub fn release(&self, held: &[Held]) -> Vec<Result<Gone>> {
        let alone = |one: &Wanted<'_>| {
            let resource = Resource::Database(one.database.clone());
            super::release(&resource, one.id, one.force)
        };
        self.each(
            held,
            |server, wanted| match server.drop(wanted) {
                Ok(gone) => wanted
                    .iter()
                    .zip(gone)
                    // What failed in a crowd says why when it is alone.
                    .map(|(one, gone)| gone.map_or_else(|| alone(one), dropped))
                    .collect(),
                Err(error) => repeated(Err(error), wanted),
            },
            |one| {
                if one.unmarked {
                    super::reclaim(&one.resource, &one.id)?;
                }
                super::release(&one.resource, &one.id, one.force)
            },
        )
    }

    /// Asks each Postgres server once, and of everything else one by one, all side by side.
    fn each<T: Send>(
        &self,
        held: &[Held],
        postgres: impl Fn(&mut Removal, &[Wanted<'_>]) -> Vec<Result<T>> + Sync,
        other: impl Fn(&Held) -> Result<T> + Sync,
    ) -> Vec<Result<T>> {
        let mut by_server: BTreeMap<&Server, Vec<usize>> = BTreeMap::new();
        let mut rest = Vec::new();
        for (at, one) in held.iter().enumerate() {
            let server = one.resource.server().filter(|server| self.postgres.contains_key(*server));
            match server {
                Some(server) => by_server.entry(server).or_default().push(at),
                None => rest.push(at),
            }
        }
        let mut answers: Vec<Option<Result<T>>> = held.iter().map(|_| None).collect();
        thread::scope(|scope| {
            let postgres = &postgres;
            let ask = |(server, at): (&Server, Vec<usize>)| {
                let wanted: Vec<Wanted<'_>> =
                    at.iter().filter_map(|&at| held[at].wanted()).collect();
                let session = &self.postgres[server];
                let ask = move || {
                    let mut session = locked(session);
                    postgres(&mut session, &wanted)
                };
                (at, scope.spawn(ask))
            };
            let started: Vec<_> = by_server.into_iter().map(ask).collect();
            let others = parallel::each(&rest, |&at| other(&held[at]));
            rest.iter().zip(others).for_each(|(&at, answer)| answers[at] = Some(answer));
            for (at, started) in started {
                let said = parallel::joined(started);
                at.into_iter().zip(said).for_each(|(at, answer)| answers[at] = Some(answer));
            }
        });
        let missing = || Err(anyhow!("no answer"));
        answers.into_iter().map(|answer| answer.unwrap_or_else(missing)).collect()
    }
}

impl Held {
    fn wanted(&self) -> Option<Wanted<'_>> {
        let Resource::Database(database) = &self.resource else { return None };
        Some(Wanted { database, id: &self.id, force: self.force })
    }
}

fn look(held: &Held) -> Result<Look> {
    if let Resource::MysqlDatabase(database) = &held.resource {
        return mysql::look(database, &held.id);
    }
    let unmarked = match &held.resource {
        Resource::RedisIndex(_) => match super::state(&held.resource, &held.id) {
            Ok(State::Unmarked(keys)) => Some(keys),
            _ => None,
        },
        _ => None,
    };
    let sessions = inventory::sessions(&held.resource, &held.id)?;
    let size = match &held.resource {
        Resource::File(file) => sqlite::detail(file).map(|detail| detail.bytes),
        _ => None,
    };
    Ok(Look { sessions, unmarked, size, ..Look::default() })
}

fn looks(found: Result<Vec<postgres::Look>>, wanted: &[Wanted<'_>]) -> Vec<Result<Look>> {
    match found {
        Ok(found) => {
            let look = |(found, wanted): (postgres::Look, &Wanted<'_>)| {
                let own = |session| (wanted.database.name.clone(), session);
                let sessions = found.sessions.into_iter().map(own).chain(found.beside).collect();
                let (size, renamed) = (found.size, found.renamed);
                Ok(Look { sessions, unmarked: None, renamed, size })
            };
            found.into_iter().zip(wanted).map(look).collect()
        }
        Err(error) => repeated(Err(error), wanted),
    }
}

fn dropped(gone: Gone) -> Result<Gone> {
    failpoint::point("database-released").map(|()| gone)
}

/// One answer of a server for each of the resources that it was asked about.
fn repeated<T: Clone>(answer: Result<T>, wanted: &[Wanted<'_>]) -> Vec<Result<T>> {
    let one = |_| answer.as_ref().cloned().map_err(error::again);
    wanted.iter().map(one).collect()
}
