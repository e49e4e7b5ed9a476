//! Decides what `add` will do, before it changes anything.

mod identity;
mod rename;
mod restore;
mod slots;

#[cfg(test)]
mod tests;

pub use rename::rename;
pub use restore::{Held, restore};

use super::config::{Config, Hosts, Kind, Service, Values};
use super::lease::{Lease, Part, Phase, VERSION};
use super::slot::Taken;
use super::source::Source;
use super::{compose, overflow};
use crate::error;
use anyhow::Result;
use indexmap::IndexMap;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The user's request, with names resolved to commits.
#[derive(Debug, Clone)]
pub struct Request {
    /// The branch or commit to check out.
    pub target: Target,
    /// The worktree's path; `None`: as configured.
    pub path: Option<PathBuf>,
    /// The worktree exists and is adopted.
    pub adopted: bool,
    /// What its databases are copies of.
    pub data: Data,
}

/// What new databases are copies of.
#[derive(Debug, Clone, Default)]
pub enum Data {
    /// What the configuration says.
    #[default]
    Configured,
    /// By service; `None`: of nothing. The configuration says it for a service that is not in here.
    Chosen(BTreeMap<String, Option<Source>>),
}

impl Data {
    /// What a new database of this service is a copy of, in the repository of this main checkout.
    pub fn of(&self, name: &str, service: &Service, main: &Path) -> Option<Source> {
        match self {
            Data::Chosen(chosen) if chosen.contains_key(name) => chosen[name].clone(),
            _ => service.source(main),
        }
    }
}

/// The branch or commit to check out in the worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A branch.
    Branch {
        /// Its name.
        name: String,
        /// Its origin.
        start: Start,
    },
    /// A commit, on no branch.
    Detached {
        /// The commit.
        commit: String,
        /// The text that the environment is named after.
        named: String,
    },
}

impl Target {
    /// What the environment is named after.
    pub fn named(&self) -> &str {
        match self {
            Target::Branch { name, .. } => name,
            Target::Detached { named, .. } => named,
        }
    }
}

/// The origin of a branch, as `git switch` resolves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// A local branch.
    Existing,
    /// A branch of the only remote that has it.
    Remote {
        /// The remote's name.
        remote: String,
        /// Its commit.
        commit: String,
    },
    /// A new branch.
    New {
        /// The commit to start from.
        commit: String,
        /// What names it: a branch, a tag.
        from: Option<String>,
    },
}

/// The facts that the plan depends on.
pub struct Facts<'a> {
    /// The new lease's id.
    pub id: String,
    /// The common git directory.
    pub repository: &'a Path,
    /// The main checkout.
    pub main: &'a Path,
    /// The value of `{repo}` in templates.
    pub repo_name: String,
    /// Slots and names that are taken.
    pub taken: &'a Taken,
    /// Whether no process listens on this port.
    pub port_free: &'a dyn Fn(u16) -> bool,
    /// Whether this path is free: no file, and no other environment's worktree.
    pub path_free: &'a dyn Fn(&Path) -> bool,
}

/// What `add` will do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The record of everything to create.
    pub lease: Lease,
    /// The branch or commit to check out.
    pub target: Target,
    /// Ignored files of the main checkout that come along.
    pub include: Include,
}

/// Ignored files of the main checkout that come along: patterns in gitignore syntax.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Include {
    /// Files to copy, beside those of `.worktreeinclude`.
    pub copy: Vec<String>,
    /// Files and directories to link to.
    pub link: Vec<String>,
}

/// Chooses the name, path, slots and variables of a new environment. When a pool is exhausted, the error
/// names the holders.
pub fn add(config: &Config, facts: &Facts<'_>, request: Request) -> Result<Plan> {
    let identity = identity::choose(config, facts, &request)?;
    let ports = slots::ports(config, facts)?;
    let parts = parts(config, facts, &identity, &ports, &request.data)?;
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
                start: Start::New { commit, .. } | Start::Remote { commit, .. },
                ..
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
        compose_file: None,
        vars: IndexMap::new(),
        url: None,
    };
    set_variables(config, &mut lease, &facts.repo_name)?;
    let include = Include { copy: config.copy.clone(), link: config.link.clone() };
    Ok(Plan { lease, target: request.target, include })
}

/// Gives an environment its variables and its URL; `repo` is the value of `{repo}` in templates.
///
/// # Errors
/// When a value contains a character that environment files cannot hold. The lease is as it was then.
pub fn set_variables(config: &Config, lease: &mut Lease, repo: &str) -> Result<()> {
    let (vars, url) = with_values(lease, repo, |values| {
        Ok::<_, anyhow::Error>((config.vars(values)?, config.url_of(values)?))
    })?;
    lease.vars = vars;
    lease.url = url;
    lease.compose_file = config.compose.as_ref().map(|one| compose::beside(&one.file));
    Ok(())
}

/// Calls a function with the values of an environment; `repo` is the value of `{repo}` in templates.
pub fn with_values<T>(lease: &Lease, repo: &str, then: impl FnOnce(&Values<'_>) -> T) -> T {
    let parts =
        lease.parts.iter().map(|part| (part.variable.clone(), part.holds.clone())).collect();
    let elsewhere = lease.parts.iter().filter(|part| overflow::first(&part.place).is_some());
    let hosts: Hosts =
        elsewhere.map(|part| (part.service.clone(), ("localhost".to_owned(), part.port))).collect();
    then(&Values {
        repo,
        name: &lease.name,
        project: &lease.project,
        path: &lease.path.to_string_lossy(),
        main: &lease.main.to_string_lossy(),
        ports: &lease.ports,
        parts: &parts,
        hosts: Some(&hosts),
    })
}

fn parts(
    config: &Config,
    facts: &Facts<'_>,
    identity: &identity::Identity,
    ports: &IndexMap<String, u16>,
    data: &Data,
) -> Result<Vec<Part>> {
    let indexes = slots::indexes(config, facts, ports)?;
    let mut parts = Vec::new();
    for (name, service) in &config.services {
        let holds = match service.kind {
            Kind::Redis => indexes[name].number.to_string(),
            _ => identity.holds[name].clone(),
        };
        if service.kind == Kind::Sqlite && holds == config.env_file {
            let message = format!("services.{name}: the database would be the file `{holds}`");
            let hint = "that is the `env_file`: choose another `name` or another `env_file`";
            return Err(error::config(message).hint(hint).into());
        }
        let from = data.of(name, service, facts.main);
        let mut part = Part { from, ..part(name, service, holds) };
        if let Some((place, port)) = indexes.get(name).and_then(|index| index.second.clone()) {
            (part.place, part.port) = (place, port);
        }
        parts.push(part);
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
        from: None,
        also: service.also.clone(),
        password_env: service.password_env.clone(),
        server_id: None,
        commands: (service.kind == Kind::Custom).then(|| service.commands.clone()),
    }
}
