//! Environments in JSON answers.

use crate::environment::state::{self, State};
use crate::model::lease::{Lease, Phase};
use crate::ui::Tone;
use indexmap::IndexMap;
use serde::Serialize;
use std::path::PathBuf;

/// An environment.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Environment {
    /// The environment's name: the branch, made valid for databases, hosts and Compose.
    pub name: String,
    /// The branch; null for a detached HEAD.
    pub branch: Option<String>,
    /// The absolute path of the worktree.
    pub path: PathBuf,
    /// The phase of its life.
    pub phase: Phase,
    /// The id of its lease.
    pub lease: String,
    /// The repository's main checkout; of a bare repository, its directory.
    pub main: PathBuf,
    /// The Compose project.
    pub project: String,
    /// The URL of its first port, with a host name of its own; null without ports.
    pub url: Option<String>,
    /// The absolute path of its environment file.
    pub env_file: PathBuf,
    /// Its ports, by variable.
    pub ports: IndexMap<String, u16>,
    /// Its parts of the shared servers, by the service's name in the configuration.
    pub services: IndexMap<String, Service>,
    /// All its variables.
    pub variables: IndexMap<String, String>,
    /// `post_add` hooks have not all succeeded yet.
    pub hooks_pending: bool,
}

/// An environment and its state.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Row {
    /// The environment.
    #[serde(flatten)]
    pub environment: Environment,
    /// How it is.
    #[serde(flatten)]
    pub state: State,
}

impl Row {
    /// Its state in the colour that says how good it is.
    pub fn painted_state(&self) -> String {
        let tone = match self.state.state {
            state::READY => Tone::Good,
            state::GONE | state::INCOMPLETE => Tone::Bad,
            _ => Tone::Wait,
        };
        tone.paint(self.state.state)
    }
}

/// A part of a shared server.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Service {
    /// The kind of server.
    pub kind: crate::model::config::Kind,
    /// The variable that names the part.
    pub variable: String,
    /// The database, the index in decimal, or the file relative to the worktree.
    pub holds: String,
    /// What it was created as a copy of: a database on the same server, or a dump. Missing: of nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

impl From<&Lease> for Environment {
    fn from(lease: &Lease) -> Self {
        let service = |part: &crate::model::lease::Part| Service {
            kind: part.kind,
            variable: part.variable.clone(),
            holds: part.holds.clone(),
            from: part.from.as_ref().map(ToString::to_string),
        };
        Environment {
            name: lease.name.clone(),
            branch: lease.branch.clone(),
            path: lease.path.clone(),
            phase: lease.phase,
            lease: lease.id.clone(),
            main: lease.main.clone(),
            project: lease.project.clone(),
            url: url(lease),
            env_file: lease.path.join(&lease.env_file),
            ports: lease.ports.clone(),
            services: lease
                .parts
                .iter()
                .map(|part| (part.service.clone(), service(part)))
                .collect(),
            variables: lease.vars.clone(),
            hooks_pending: lease.hooks_pending,
        }
    }
}

/// Where its application is reached: as configured, else the first port under a host name of the environment's own.
pub fn url(lease: &Lease) -> Option<String> {
    if lease.url.is_some() {
        return lease.url.clone();
    }
    let port = lease.ports.values().next()?;
    Some(format!("http://{}.localhost:{port}", lease.name))
}
