//! What `add` will do, decided before anything is done.

mod identity;
mod slots;

#[cfg(test)]
mod tests;

use super::config::{Config, Kind, Service, Values};
use super::lease::{Lease, Part, Phase, VERSION};
use super::slot::Taken;
use crate::error;
use anyhow::Result;
use indexmap::IndexMap;
use std::path::{Path, PathBuf};

/// What the user asked for, with names resolved to commits.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is checked out.
    pub target: Target,
    /// Where the worktree goes; `None`: as the configuration says.
    pub path: Option<PathBuf>,
    /// The worktree is there already, and is taken over.
    pub adopted: bool,
}

/// What is checked out in the worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A branch.
    Branch {
        /// Its name.
        name: String,
        /// Where it comes from.
        start: Start,
    },
    /// A commit, on no branch.
    Detached {
        /// The commit.
        commit: String,
        /// What the environment is named after.
        named: String,
    },
}

/// Where a branch comes from, as `git switch` would find it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// It is there.
    Existing,
    /// The one remote that has it.
    Remote {
        /// The remote's name.
        remote: String,
        /// Its commit.
        commit: String,
    },
    /// It is new.
    New {
        /// The commit to start from.
        commit: String,
    },
}

/// What the plan rests on.
pub struct Facts<'a> {
    /// The new lease's id.
    pub id: String,
    /// The common git directory.
    pub repository: &'a Path,
    /// The main checkout.
    pub main: &'a Path,
    /// What stands for the repository in templates.
    pub repo_name: String,
    /// What others hold.
    pub taken: &'a Taken,
    /// Nobody listens on this port.
    pub port_free: &'a dyn Fn(u16) -> bool,
    /// Nothing stands at this path, and no other environment is to be there.
    pub path_free: &'a dyn Fn(&Path) -> bool,
}

/// What `add` will do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The record of everything that is going to be made.
    pub lease: Lease,
    /// What is checked out.
    pub target: Target,
}

/// Decides what an environment gets.
///
/// # Errors
/// When nothing is free any more (the message names the holders), or a value cannot be written.
pub fn add(config: &Config, facts: &Facts<'_>, request: Request) -> Result<Plan> {
    let identity = identity::choose(config, facts, &request)?;
    let ports = slots::ports(config, facts)?;
    let parts = parts(config, facts, &identity)?;
    let mut lease = Lease {
        version: VERSION,
        id: facts.id.clone(),
        phase: Phase::Creating,
        repository: facts.repository.to_owned(),
        main: facts.main.to_owned(),
        name: identity.name,
        path: identity.path,
        admin: None,
        branch: match &request.target {
            Target::Branch { name, .. } => Some(name.clone()),
            Target::Detached { .. } => None,
        },
        branch_created_at: match &request.target {
            Target::Branch {
                start: Start::New { commit } | Start::Remote { commit, .. }, ..
            } => Some(commit.clone()),
            _ => None,
        },
        delete_branch_at: None,
        remains: false,
        adopted: request.adopted,
        processes: IndexMap::new(),
        hooks_pending: !config.hooks.post_add.is_empty(),
        project: identity.project,
        ports,
        parts,
        env_file: config.env_file.clone(),
        vars: IndexMap::new(),
    };
    lease.vars = vars(config, &lease, &facts.repo_name)?;
    Ok(Plan { lease, target: request.target })
}

/// The variables of an environment, from what it holds; `repo` stands for the repository in templates.
///
/// # Errors
/// When a template wants what the lease does not hold, or a value cannot be written.
pub fn vars(config: &Config, lease: &Lease, repo: &str) -> Result<IndexMap<String, String>> {
    let parts =
        lease.parts.iter().map(|part| (part.variable.clone(), part.holds.clone())).collect();
    config.vars(&Values {
        repo,
        name: &lease.name,
        project: &lease.project,
        path: &lease.path.to_string_lossy(),
        ports: &lease.ports,
        parts: &parts,
    })
}

fn parts(config: &Config, facts: &Facts<'_>, identity: &identity::Identity) -> Result<Vec<Part>> {
    let mut chosen = Vec::new();
    let mut parts = Vec::new();
    for (name, service) in &config.services {
        let holds = match service.kind {
            Kind::Redis => slots::index(name, service, facts, &mut chosen)?.to_string(),
            Kind::Mysql => return Err(unsupported(name)),
            Kind::Postgres | Kind::Sqlite => identity.holds[name].clone(),
        };
        parts.push(part(name, service, holds));
    }
    Ok(parts)
}

fn part(name: &str, service: &Service, holds: String) -> Part {
    Part {
        service: name.to_owned(),
        kind: service.kind,
        variable: service.variable.clone(),
        holds,
        place: service.place.clone(),
        user: service.user.clone(),
        port: service.port,
    }
}

fn unsupported(service: &str) -> anyhow::Error {
    let message = format!("services.{service}: kind `mysql` is not supported yet");
    error::config(message).hint("use postgres, sqlite or redis").into()
}
