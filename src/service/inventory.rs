//! What servers hold, beyond the resources of one environment.

use crate::model::config::{Kind, Place};
use crate::model::lease;
use crate::service::{Database, RedisIndex, Resource, Server, Session, mysql, postgres, redis};
use crate::sys::docker;
use anyhow::Result;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt;

/// A database that was found on a server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// Its mark: its comment, in Postgres.
    pub mark: Option<String>,
    /// The sessions on it.
    pub sessions: Vec<Session>,
}

impl Found {
    /// The id of the lease that it was created for.
    pub fn id(&self) -> Option<&str> {
        match &self.mark {
            Some(mark) => lease::id_of_mark(mark),
            None => self.name.strip_prefix(postgres::birth::PREFIX)?.split('_').next(),
        }
    }

    /// Whether no command of its lease needs it any more, if none is running. Of Postgres alone: on MySQL, the copy of a
    /// database that was being replaced may be all that there is.
    fn is_left_over(&self) -> bool {
        let old = |mark: &String| {
            self.id().map(|id| mark.starts_with(&lease::mark_of_copy(id, "old", "")))
        };
        self.mark.as_ref().is_none_or(|mark| old(mark) == Some(true))
    }
}

/// What carries a mark of ours on a server.
#[derive(Debug, Clone)]
pub struct Marked {
    /// The id of the lease that it was created for.
    pub id: String,
    /// The database or index.
    pub resource: Resource,
    /// An interrupted command left it: a copy that was not completed, or what a completed one has replaced; on MySQL, the
    /// lease's own database, whose events rest.
    pub is_left_over: bool,
}

/// Every database on a server that this program created or began to create, of all users and leases.
///
/// # Errors
/// When the server does not answer.
pub fn found(server: &Server) -> Result<Vec<Found>> {
    match server.kind {
        Kind::Postgres => postgres::inventory(server),
        Kind::Mysql => mysql::inventory(server),
        Kind::Redis | Kind::Sqlite | Kind::Custom => Ok(Vec::new()),
    }
}

/// These servers, each once, in their order: one container can be named by itself and by its Compose service.
pub fn distinct(servers: impl IntoIterator<Item = Server>) -> Vec<Server> {
    let mut servers: Vec<Server> = servers.into_iter().collect();
    let is_compose = |server: &Server| matches!(server.place, Place::Compose { .. });
    if servers.len() < 2 || !servers.iter().any(is_compose) {
        return servers;
    }
    let mut seen = BTreeSet::new();
    let is_new = |server: &Server| {
        let host = || format!("{}:{}", server.title(), server.port);
        let container = docker::find(&server.place).unwrap_or_else(|_| host());
        seen.insert((server.kind, container))
    };
    servers.retain(is_new);
    servers
}

/// The sessions that use this resource of the lease with this id now, and the databases that tests made beside it: each
/// with its database or index.
pub fn sessions(resource: &Resource, id: &str) -> Result<Vec<(String, Session)>> {
    let (holds, sessions) = match resource {
        Resource::Database(database) => return postgres::sessions(database, id),
        Resource::MysqlDatabase(database) => return mysql::sessions(database, id),
        Resource::RedisIndex(index) => (index.index.to_string(), redis::sessions(index)?),
        Resource::File(_) | Resource::Custom(_) => return Ok(Vec::new()),
    };
    Ok(sessions.into_iter().map(|session| (holds.clone(), session)).collect())
}

/// Everything on a server that carries a mark of ours.
pub fn marked(server: &Server) -> Result<Vec<Marked>> {
    let database = |name: &str| {
        let database = Database::new(server, name);
        match server.kind {
            Kind::Mysql => Resource::MysqlDatabase(database),
            _ => Resource::Database(database),
        }
    };
    let index = |index| {
        let server = server.clone();
        Resource::RedisIndex(RedisIndex { server, index, claimed_on: None })
    };
    let resting = match server.kind {
        Kind::Mysql => mysql::resting(server)?,
        _ => Vec::new(),
    };
    let is_own = |found: &Found, id: &str| found.mark.as_deref() == Some(&*lease::mark(id));
    Ok(match server.kind {
        Kind::Postgres | Kind::Mysql => found(server)?
            .iter()
            .filter_map(|found| {
                let (id, resource) = (found.id()?.to_owned(), database(&found.name));
                let is_left_over = match server.kind {
                    Kind::Mysql => is_own(found, &id) && resting.contains(&found.name),
                    _ => found.is_left_over(),
                };
                Some(Marked { id, resource, is_left_over })
            })
            .collect(),
        Kind::Redis => redis::inventory(server)?
            .iter()
            .filter_map(|found| {
                let (id, resource) = (found.id()?.to_owned(), index(found.index));
                Some(Marked { id, resource, is_left_over: false })
            })
            .collect(),
        Kind::Sqlite | Kind::Custom => Vec::new(),
    })
}

/// The databases or indexes on a server that carry the mark of this lease, copies that it keeps of them excluded.
pub fn held_by(server: &Server, id: &str) -> Result<Vec<String>> {
    let mark = lease::mark(id);
    let is_own = |found: &Option<String>| found.as_deref() == Some(mark.as_str());
    Ok(match server.kind {
        Kind::Postgres | Kind::Mysql => {
            let databases = found(server)?.into_iter();
            databases.filter(|one| is_own(&one.mark)).map(|one| one.name).collect()
        }
        Kind::Redis => {
            let indexes = redis::inventory(server)?.into_iter();
            indexes.filter(|one| is_own(&one.mark)).map(|one| one.index.to_string()).collect()
        }
        Kind::Sqlite | Kind::Custom => Vec::new(),
    })
}

/// Redis indexes that hold keys or have clients, each with its holder; none when the server does not answer at once.
pub fn occupied(server: &Server) -> Vec<(u32, String)> {
    let indexes = match server.kind {
        Kind::Redis => redis::occupied(server).unwrap_or_default(),
        _ => return Vec::new(),
    };
    let on = |(index, holder): (u32, String)| (index, format!("{holder} ({})", server.title()));
    indexes.into_iter().map(on).collect()
}

/// How many Redis indexes a server has; `None` when it does not answer at once.
pub fn databases(server: &Server) -> Option<u32> {
    (server.kind == Kind::Redis).then(|| redis::databases(server))?
}

/// Sessions in one line, for a message: who uses a database.
pub fn listed(sessions: &[Session]) -> String {
    let words: Vec<String> = sessions.iter().map(ToString::to_string).collect();
    words.join(", ")
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pid.is_none() && self.state.is_empty() {
            return f.write_str(&self.application);
        }
        let name = if self.application.is_empty() { "a session" } else { &self.application };
        let pid = self.pid.map(|pid| format!("pid {pid}"));
        let state = Some(self.state.clone()).filter(|state| !state.is_empty());
        let from = Some(format!("from {}", self.client));
        let told: Vec<String> = [pid, state, from].into_iter().flatten().collect();
        write!(f, "{name} ({})", told.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_says_what_is_known_of_it() {
        let session = |pid: Option<i64>, state: &str| Session {
            pid,
            application: String::new(),
            client: "local".to_owned(),
            state: state.to_owned(),
        };
        let said = |pid, state| session(pid, state).to_string();
        assert_eq!(said(Some(7), "idle"), "a session (pid 7, idle, from local)");
        // A user who is no superuser is not told the state.
        assert_eq!(said(Some(7), ""), "a session (pid 7, from local)");
        assert_eq!(said(None, "idle"), "a session (idle, from local)");
    }

    #[test]
    fn a_database_says_whose_it_is() {
        let of = |name: &str, mark: Option<&str>| Found {
            name: name.to_owned(),
            mark: mark.map(str::to_owned),
            sessions: Vec::new(),
        };
        let id = "0123456789abcdef01234567";
        assert_eq!(of("app_x", Some(&lease::mark(id))).id(), Some(id));
        assert_eq!(of(&format!("agentenv_{id}"), None).id(), Some(id));
        assert_eq!(of(&format!("agentenv_{id}_0a1b2c"), None).id(), Some(id));
        assert_eq!(of(&format!("agentenv_{id}_0a1b2c_3d4e5f"), None).id(), Some(id));
        assert_eq!(of("app_x", Some("mine")).id(), None);
        let left =
            |kind: &str| of("x", Some(&lease::mark_of_copy(id, kind, "app_x"))).is_left_over();
        assert!(of(&format!("agentenv_{id}_0a1b2c"), None).is_left_over() && left("old"));
        assert!(!of("app_x", Some(&lease::mark(id))).is_left_over() && !left("snapshot old"));
    }
}
