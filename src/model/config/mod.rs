//! `.agentenv.yaml`: the configuration of a project's environments.

mod also;
mod defaults;
mod diagnostic;
mod embedded;
mod layout;
mod origin;
mod parse;
mod ports;
mod processes;
mod reader;
mod recipe;
mod services;
mod span;
#[cfg(test)]
mod tests;
mod trash;
mod unconfigured;
mod variables;
mod vars;
mod yaml;

pub use also::OWN;
pub use defaults::{DEFAULTS_YAML, SCHEMA, service as default_service};
pub use embedded::{EMBEDDED_FILE, embedded};
pub use origin::Origin;
pub use recipe::Recipe;
pub use unconfigured::{Signs, serverless, unconfigured};
pub use variables::is_free_name;
pub use vars::{Hosts, Values};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// The whole configuration. An omitted section has its default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// The worktree's path, relative to the main checkout: a template of `{repo}`, `{name}` and
    /// `{main}`.
    pub worktree: String,
    /// The environment file, relative to the worktree.
    pub env_file: String,
    /// The Compose project's name: a template.
    pub project: String,
    /// Where an environment's application is reached: a template; `None`: a host name of its own and the first port.
    pub url: Option<String>,
    /// The variables that hold a port.
    pub ports: IndexMap<String, Port>,
    /// The services, by name.
    pub services: IndexMap<String, Service>,
    /// Further variables: templates of those above.
    pub env: IndexMap<String, String>,
    /// What `up` starts in an environment, by name.
    pub processes: IndexMap<String, Process>,
    /// The application's own containers; `None`: the project has none, or environments do not start them.
    pub compose: Option<Compose>,
    /// Ignored files to copy from the main checkout, beside `.worktreeinclude`: gitignore patterns.
    pub copy: Vec<String>,
    /// Ignored files and directories to link to the main checkout's: gitignore patterns.
    pub link: Vec<String>,
    /// Commands that run in the worktree.
    pub hooks: Hooks,
    /// Where `remove` puts environments; `None`: a removal is final.
    pub trash: Option<Trash>,
    /// The source of the shared servers.
    pub infra: Infra,
}

impl Config {
    /// Every command line under `processes`.
    pub fn process_commands(&self) -> Vec<String> {
        let lines = |process: &Process| [Some(process.run.clone()), process.ready.clone()];
        self.processes.values().flat_map(lines).flatten().collect()
    }

    /// The command lines of custom services.
    pub fn service_commands(&self) -> Vec<String> {
        let custom = self.services.values().filter(|service| service.kind == Kind::Custom);
        let lines = |Commands { create, exists, drop }: &Commands| {
            [create, exists, drop].map(String::clone)
        };
        custom.flat_map(|service| lines(&service.commands)).collect()
    }
}

/// One variable that holds a port.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Port {
    /// The main checkout's port.
    pub main: u16,
    /// Ports that environments choose from, both ends included; `None` when it follows another.
    pub range: Option<(u16, u16)>,
    /// The variable that this one follows: both keep the distance of their main ports.
    pub follows: Option<String>,
}

/// The kind of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ServiceKind"))]
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
    /// Another server, in a container: what the service's own commands create for each environment.
    Custom,
}

impl Kind {
    /// The port that a server of this kind listens on inside its container.
    pub fn port(self) -> Option<u16> {
        match self {
            Kind::Postgres => Some(5432),
            Kind::Mysql => Some(3306),
            Kind::Redis => Some(6379),
            Kind::Sqlite | Kind::Custom => None,
        }
    }
}

/// Where a server runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// In the container of this name.
    Container(String),
    /// In a service of a Compose project.
    Compose {
        /// The Compose project.
        project: String,
        /// The service in it.
        service: String,
    },
    /// On this host, reached at localhost with the host's client programs.
    Host,
}

/// A shared server of which each environment owns a part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// What kind of server it is.
    pub kind: Kind,
    /// The variable that names the environment's part.
    pub variable: String,
    /// The database's name, a template; for sqlite the file, relative to the worktree. Unused by redis.
    pub name: String,
    /// The main checkout's database, file or index.
    pub main: String,
    /// What an environment's database is a copy of.
    pub from: Origin,
    /// How its template database is made; `None`: there is none, and `from` is copied itself.
    pub template: Option<Recipe>,
    /// Names of databases that tests make beside an environment's own, which go with it: patterns with `*`, in which
    /// [`OWN`] stands for the own name.
    pub also: Vec<String>,
    /// Redis indexes that environments choose from, both ends included.
    pub range: Option<(u32, u32)>,
    /// Where the server runs. Unused by sqlite.
    pub place: Place,
    /// The user to connect as.
    pub user: String,
    /// The port on this machine where applications reach it.
    pub port: u16,
    /// The variable that holds its password; never the password.
    #[serde(default)]
    pub password_env: Option<String>,
    /// What creates, finds and drops an environment's part; empty unless the kind is custom.
    #[serde(flatten)]
    pub commands: Commands,
}

/// What creates, finds and drops an environment's part of a custom server: command lines for the shell in its container, once
/// `trust` approved them. The service's variable holds the name there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commands {
    /// Creates it.
    pub create: String,
    /// Prints the names of all that exist, one on a line.
    pub exists: String,
    /// Drops it.
    pub drop: String,
}

/// A process of the application, for the shell, once `trust` approved it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// Its command line.
    pub run: String,
    /// A command that ends with 0 once the process is ready; `None`: its ports answer then.
    pub ready: Option<String>,
}

/// The application's compose file, which environments get a copy of that is made over for them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compose {
    /// The file, relative to the worktree.
    pub file: String,
    /// Database and cache services that each environment runs for itself, by their names in the file.
    pub keep: Vec<String>,
}

/// Commands that run in the worktree once `trust` has approved them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Hooks {
    /// Run after an environment was created.
    pub post_add: Vec<String>,
    /// Run before an environment is removed.
    pub pre_remove: Vec<String>,
}

/// The source of the shared servers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Infra {
    /// The project's own compose file, relative to the main checkout; `None`: the built-in one.
    pub file: Option<String>,
}

/// How long and how much the trash keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trash {
    /// How long a removed environment can be restored, in seconds.
    pub keep: u64,
    /// How large the repository's trash may become, in bytes: beyond it the oldest go first.
    pub limit: u64,
}
