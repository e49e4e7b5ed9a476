//! Environments in JSON answers.

use crate::environment::state::{self, State};
use crate::model::lease::{Lease, Phase};
use crate::ui::Tone;
use indexmap::IndexMap;
use serde::Serialize;
use std::path::PathBuf;

/// An environment, in JSON.
#[derive(Debug, Clone, Serialize)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Its branch; `null`: a detached HEAD.
    pub branch: Option<String>,
    /// Its worktree.
    pub path: PathBuf,
    /// `ready`, `creating` or `removing`.
    pub phase: Phase,
    /// The id of its lease.
    pub lease: String,
    /// The repository's main checkout.
    pub main: PathBuf,
    /// The compose project.
    pub project: String,
    /// Where its first port is reached in a browser, apart from other environments' cookies.
    pub url: Option<String>,
    /// The environment file.
    pub env_file: PathBuf,
    /// Ports by variable.
    pub ports: IndexMap<String, u16>,
    /// Its parts of the shared servers, by service.
    pub services: IndexMap<String, Service>,
    /// All variables.
    pub variables: IndexMap<String, String>,
    /// `post_add` hooks have not all succeeded yet.
    pub hooks_pending: bool,
}

/// An environment and how it is, in JSON.
#[derive(Debug, Serialize)]
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

/// A part of a shared server, in JSON.
#[derive(Debug, Clone, Serialize)]
pub struct Service {
    /// `postgres`, `redis` or `sqlite`.
    pub kind: crate::model::config::Kind,
    /// The variable that names it.
    pub variable: String,
    /// The database, the index or the file.
    pub holds: String,
    /// What it was created as a copy of: a database or a dump.
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

/// Where the first port is reached, under a host name of the environment's own.
pub fn url(lease: &Lease) -> Option<String> {
    let port = lease.ports.values().next()?;
    Some(format!("http://{}.localhost:{port}", lease.name))
}
