//! `.agentenv.yaml`: what a project wants for each of its environments.

mod defaults;
mod diagnostic;
mod embedded;
mod layout;
mod parse;
mod ports;
mod processes;
mod reader;
mod services;
mod span;
#[cfg(test)]
mod tests;
mod variables;
mod vars;
mod yaml;

pub use defaults::{DEFAULTS_YAML, SCHEMA};
pub use embedded::{EMBEDDED_FILE, embedded};
pub use variables::is_free_name;
pub use vars::Values;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// The whole configuration. A section that the file leaves out has its default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Where a worktree goes, relative to the main checkout: a template of `{repo}` and `{name}`.
    pub worktree: String,
    /// The file that is written into each worktree, relative to it.
    pub env_file: String,
    /// The compose project's name: a template.
    pub project: String,
    /// The variables that hold a port.
    pub ports: IndexMap<String, Port>,
    /// The services, by their names in this file.
    pub services: IndexMap<String, Service>,
    /// Further variables: templates made of those above.
    pub env: IndexMap<String, String>,
    /// What `up` starts in an environment, by name.
    pub processes: IndexMap<String, Process>,
    /// Commands to run in the worktree.
    pub hooks: Hooks,
    /// Where the shared servers come from.
    pub infra: Infra,
}

impl Config {
    /// Every command line under `processes`.
    pub fn process_commands(&self) -> Vec<String> {
        let lines = |process: &Process| [Some(process.run.clone()), process.ready.clone()];
        self.processes.values().flat_map(lines).flatten().collect()
    }
}

/// One variable that holds a port.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Port {
    /// The main checkout's port.
    pub main: u16,
    /// Ports that environments choose from, both ends included; `None` when it follows another.
    pub range: Option<(u16, u16)>,
    /// The variable whose distance from its own main port this one keeps.
    pub follows: Option<String>,
}

/// What kind of server a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// PostgreSQL: a database for each environment.
    Postgres,
    /// MySQL or MariaDB: a database for each environment.
    Mysql,
    /// A database file inside the worktree.
    Sqlite,
    /// Redis: an index (SELECT) for each environment.
    Redis,
}

impl Kind {
    /// The port that such a server listens on, inside its container.
    pub fn port(self) -> Option<u16> {
        match self {
            Kind::Postgres => Some(5432),
            Kind::Mysql => Some(3306),
            Kind::Redis => Some(6379),
            Kind::Sqlite => None,
        }
    }
}

/// Where a server runs, as seen from this machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// In the container of this name.
    Container(String),
    /// In a compose project's service.
    Compose {
        /// The compose project.
        project: String,
        /// The service in it.
        service: String,
    },
    /// On this host, reached at localhost by the host's own client programs.
    Host,
}

/// A shared server of which each environment owns a part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// What kind of server it is.
    pub kind: Kind,
    /// The variable that says which part is the environment's own.
    pub variable: String,
    /// The database's name, a template; for sqlite the file, relative to the worktree. Unused by redis.
    pub name: String,
    /// The main checkout's database, file or index.
    pub main: String,
    /// Redis indexes that environments choose from, both ends included.
    pub range: Option<(u32, u32)>,
    /// Where the server runs. Unused by sqlite.
    pub place: Place,
    /// The user to connect as.
    pub user: String,
    /// The port on this machine where applications reach it.
    pub port: u16,
}

/// A process of the application, for the shell, once `trust` approved it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// Its command line.
    pub run: String,
    /// A command that ends with 0 once the process is ready; `None`: its ports answer then.
    pub ready: Option<String>,
}

/// Commands that run in the worktree, once `trust` approved them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Hooks {
    /// After everything of an environment was made.
    pub post_add: Vec<String>,
    /// Before anything of it is taken away.
    pub pre_remove: Vec<String>,
}

/// Where the shared servers come from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Infra {
    /// A compose file of the project's own, relative to the main checkout; `None`: the built-in one.
    pub file: Option<String>,
}
