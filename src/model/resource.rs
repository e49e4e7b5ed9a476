//! A part of an environment as a typed value: what a lease keeps as text, with the server that it is on.

use super::config::{Commands, Kind, OWN};
use super::lease::{Lease, Part, Phase};
use super::server::Server;
use crate::error;
use anyhow::Result;
use std::fmt;
use std::path::{Component, Path, PathBuf};

/// What one environment holds of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// A Postgres database.
    Database(Database),
    /// A MySQL or MariaDB database.
    MysqlDatabase(Database),
    /// A Redis index.
    RedisIndex(RedisIndex),
    /// A database file in the worktree.
    File(File),
    /// What the configuration's own commands create.
    Custom(Custom),
}

/// A database on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// The server that it is on.
    pub server: Server,
    /// Its name.
    pub name: String,
    /// Names of the databases that tests make beside it: patterns with `*`.
    pub also: Vec<String>,
}

/// A Redis index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisIndex {
    /// The server that it is on.
    pub server: Server,
    /// Its number.
    pub index: u32,
    /// The run id of the server that had the index when the lease claimed it; `None`: not known.
    pub claimed_on: Option<String>,
}

/// What the configuration's own commands create: a virtual host, a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Custom {
    /// The server that it is on, in a container.
    pub server: Server,
    /// The service in the configuration.
    pub service: String,
    /// The variable that holds its name.
    pub variable: String,
    /// Its name.
    pub name: String,
    /// The commands.
    pub commands: Commands,
    /// The lease says that it was created for it.
    pub is_proven: bool,
}

/// A SQLite file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The worktree that it is in.
    pub worktree: PathBuf,
    /// Its path in the worktree, without `..`.
    pub path: PathBuf,
}

impl Lease {
    /// A part of this lease as a typed value.
    ///
    /// # Errors
    /// When the lease was edited by hand: no Redis index, or a file outside the worktree.
    pub fn resource(&self, part: &Part) -> Result<Resource> {
        let mut part = part.clone();
        if self.phase == Phase::Creating {
            // No test ran yet: what has such a name was there before.
            part.also.clear();
        }
        Resource::of(&part, &self.path)
    }
}

impl Resource {
    /// The part of an environment whose worktree is at this path.
    ///
    /// # Errors
    /// When the part holds no Redis index, or a file outside the worktree.
    pub fn of(part: &Part, worktree: &Path) -> Result<Self> {
        let Some(server) = Server::of_part(part) else {
            return Ok(Resource::File(File::new(worktree, &part.holds)?));
        };
        Ok(match part.kind {
            Kind::Redis => Resource::RedisIndex(RedisIndex {
                server,
                index: index(&part.holds)?,
                claimed_on: part.server_id.clone(),
            }),
            Kind::Mysql => Resource::MysqlDatabase(Database::of(server, part)),
            Kind::Custom => Resource::Custom(Custom {
                server,
                service: part.service.clone(),
                variable: part.variable.clone(),
                name: part.holds.clone(),
                commands: part.commands.clone().unwrap_or_default(),
                is_proven: part.server_id.is_some(),
            }),
            Kind::Postgres | Kind::Sqlite => Resource::Database(Database::of(server, part)),
        })
    }

    /// The server that it is on; `None` for a file.
    pub fn server(&self) -> Option<&Server> {
        match self {
            Resource::Database(database) | Resource::MysqlDatabase(database) => {
                Some(&database.server)
            }
            Resource::RedisIndex(index) => Some(&index.server),
            Resource::Custom(custom) => Some(&custom.server),
            Resource::File(_) => None,
        }
    }
}

impl Database {
    /// A database beside which there are no others.
    pub fn new(server: &Server, name: impl Into<String>) -> Self {
        Database { server: server.clone(), name: name.into(), also: Vec::new() }
    }

    /// The patterns of the databases beside it, for `LIKE`.
    pub fn likes(&self) -> Vec<String> {
        let like = |pattern: &String| {
            let escaped = pattern.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            escaped.replace('*', "%")
        };
        self.also.iter().map(like).collect()
    }

    fn of(server: Server, part: &Part) -> Self {
        let also = part.also.iter().map(|pattern| pattern.replacen(OWN, &part.holds, 1)).collect();
        Database { server, name: part.holds.clone(), also }
    }
}

impl File {
    /// A file at this path in a worktree.
    ///
    /// # Errors
    /// When it would lie outside the worktree.
    pub fn new(worktree: &Path, path: &str) -> Result<Self> {
        let file = File { worktree: worktree.to_owned(), path: PathBuf::from(path) };
        let inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        if path.is_empty() || !file.path.components().all(inside) {
            return Err(file.outside());
        }
        Ok(file)
    }

    /// Its full path. The file need not exist.
    pub fn full(&self) -> PathBuf {
        self.worktree.join(&self.path)
    }

    /// The error for a file that is not inside its worktree.
    pub fn outside(&self) -> anyhow::Error {
        let message = format!("sqlite file `{}` is not inside the worktree", self.path.display());
        error::config(message)
            .hint("`name` of a sqlite service is a path relative to the worktree")
            .into()
    }
}

fn index(text: &str) -> Result<u32> {
    text.parse().map_err(|_| error::config(format!("`{text}` is not a redis index")).into())
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Resource::Database(database) | Resource::MysqlDatabase(database) => {
                write!(f, "database `{}`", database.name)
            }
            Resource::RedisIndex(index) => write!(f, "redis index {}", index.index),
            Resource::File(file) => write!(f, "sqlite file `{}`", file.path.display()),
            Resource::Custom(custom) => custom.fmt(f),
        }
    }
}

impl fmt::Display for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.service, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Exit, exit_of};
    use crate::model::config::Place;

    fn part(kind: Kind, holds: &str) -> Part {
        Part {
            service: "x".to_owned(),
            kind,
            variable: "X".to_owned(),
            holds: holds.to_owned(),
            place: Place::Host,
            user: String::new(),
            port: 1,
            from: None,
            also: Vec::new(),
            password_env: None,
            server_id: None,
            commands: None,
        }
    }

    fn of(kind: Kind, holds: &str) -> Result<Resource> {
        Resource::of(&part(kind, holds), Path::new("/w"))
    }

    #[test]
    fn each_kind_has_its_own_type() {
        assert_eq!(of(Kind::Postgres, "app_x").unwrap().to_string(), "database `app_x`");
        assert_eq!(of(Kind::Mysql, "app_x").unwrap().to_string(), "database `app_x`");
        assert_eq!(of(Kind::Redis, "3").unwrap().to_string(), "redis index 3");
        let file = of(Kind::Sqlite, "data/x.db").unwrap();
        assert_eq!(file.to_string(), "sqlite file `data/x.db`");
        assert_eq!((file.server(), of(Kind::Redis, "3").unwrap().server().is_some()), (None, true));
    }

    #[test]
    fn what_a_lease_cannot_mean_is_a_configuration_error() {
        for holds in ["", "abc", "-1", "1 2", "99999999999"] {
            assert_eq!(exit_of(&of(Kind::Redis, holds).unwrap_err()), Exit::Config, "{holds}");
        }
        for holds in ["", "../x", "/x", "data/../../x"] {
            assert_eq!(exit_of(&of(Kind::Sqlite, holds).unwrap_err()), Exit::Config, "{holds}");
        }
    }
}
