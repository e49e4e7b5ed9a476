//! The project's compose file, made over for an environment.

use crate::environment::files;
use crate::environment::workspace::Workspace;
use crate::model::compose::{self, FILE, Server, Stack};
use crate::model::config::{Config, Kind, Place};
use crate::model::lease::Lease;
use crate::model::{name, plan};
use crate::sys::store::Store;
use crate::sys::{docker, fs};
use crate::ui::Ui;
use anyhow::Result;
use serde_yaml::Mapping;

/// What the compose files of a project's environments are made with.
pub struct Project<'a> {
    store: &'a Store,
    config: &'a Config,
    /// The value of `{repo}` in templates.
    repo: String,
}

impl<'a> Project<'a> {
    /// Of the configuration that applies.
    pub fn of(workspace: &'a Workspace<'_>) -> Self {
        let Workspace { context, config, .. } = workspace;
        Project { store: &context.store, config, repo: name::repo_slug(&context.repo.name()) }
    }

    /// Writes the file of an environment whose configuration has a compose file. What is wrong with the branch's file
    /// is a warning: the environment is complete without, and compose refuses to start anything then.
    pub fn write(&self, ui: &Ui, lease: &Lease) -> Result<()> {
        let (Some(own), Some(section)) = (&lease.compose_file, &self.config.compose) else {
            return Ok(());
        };
        let from = &section.file;
        let file = match compose::load(from, &|path| read(lease, path)) {
            Ok(file) => file,
            Err(error) => {
                ui.warn(format!(
                    "no {own} for `{}`: {error:#}\nhint: once the file is right: `git agentenv adopt` in the worktree",
                    lease.name
                ));
                return files::remove_compose(lease);
            }
        };
        warn_of_missing(ui, lease, self.config, &file);
        let servers = servers(ui, lease)?;
        let stack = made_over(self.config, lease, &self.repo, file, &servers)?;
        for note in &stack.notes {
            ui.say(format!("{own}: {note}"));
        }
        let head = format!(
            "# {from} for the environment `{}` ({}).\n\
             # Do not edit: `git agentenv adopt` in the worktree writes it again.\n",
            lease.name, lease.id
        );
        files::write_compose(self.store, lease, own, &(head + &stack.text()))
    }

    /// Ignored files that the compose file needs, as patterns: each `env_file`, and the `.env` beside it.
    pub fn needed(&self, lease: &Lease) -> Vec<String> {
        let Some(section) = &self.config.compose else { return Vec::new() };
        let Ok(file) = compose::load(&section.file, &|path| read(lease, path)) else {
            return Vec::new();
        };
        let files = compose::env_files(&file).into_keys().chain([".env".to_owned()]);
        let paths = files.map(|file| beside(self.config, &file));
        paths.filter(|path| is_inside(path)).map(|path| format!("/{}", escaped(&path))).collect()
    }
}

fn made_over(
    config: &Config,
    lease: &Lease,
    repo: &str,
    file: Mapping,
    servers: &[Server],
) -> Result<Stack> {
    let env_file = |path: &str| read(lease, &beside(config, path));
    plan::with_values(lease, repo, |values| {
        let environment = compose::Environment {
            id: &lease.id,
            config,
            values: *values,
            servers,
            env_file: &env_file,
        };
        compose::of_environment(file, &environment)
    })
}

/// A path relative to the compose file, as one relative to the worktree.
fn beside(config: &Config, path: &str) -> String {
    let own = config.compose.as_ref().map_or(FILE.to_owned(), |one| compose::beside(&one.file));
    compose::join(own.trim_end_matches(FILE), path)
}

/// A file of the worktree, never one outside.
fn read(lease: &Lease, path: &str) -> Option<String> {
    let content = fs::read(&lease.path.join(path)).ok().flatten().filter(|_| is_inside(path))?;
    String::from_utf8(content).ok()
}

fn is_inside(path: &str) -> bool {
    !path.starts_with('/') && !path.starts_with("..") && !path.contains('$')
}

/// As a pattern of gitignore that means the path itself.
fn escaped(path: &str) -> String {
    let special = |c: char| "\\*?[ ".contains(c);
    path.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

fn warn_of_missing(ui: &Ui, lease: &Lease, config: &Config, file: &Mapping) {
    for (path, services) in compose::env_files(file) {
        let path = beside(config, &path);
        if is_inside(&path) && !lease.path.join(&path).exists() {
            ui.warn(format!(
                "{path} is missing, the `env_file` of {}: compose will not start\n\
                 hint: create it in the main checkout, where new environments get it from, or in the worktree",
                services.join(", ")
            ));
        }
    }
}

/// The shared servers that containers can reach.
fn servers(ui: &Ui, lease: &Lease) -> Result<Vec<Server>> {
    let mut places: Vec<(&Place, Server)> = Vec::new();
    for part in lease.parts.iter().filter(|part| part.kind != Kind::Sqlite) {
        if let Some((_, known)) = places.iter_mut().find(|(place, _)| **place == part.place) {
            known.services.push(part.service.clone());
            continue;
        }
        let mut server = Server {
            services: vec![part.service.clone()],
            kind: part.kind,
            image: None,
            host: String::new(),
            port: part.port,
            network: None,
        };
        if let Some(container) = docker::attached(&part.place)?.filter(|one| !one.is_on_host()) {
            let Some(network) = container.network() else {
                let name = &container.name;
                ui.warn(format!(
                    "containers cannot reach {}: {name} is on no network where containers have names\n\
                     hint: `docker network create app_local && docker network connect app_local {name}`, then \
                     `git agentenv adopt` in the worktree",
                    part.service
                ));
                continue;
            };
            server.network = Some(network.to_owned());
            server.port = part.kind.port().unwrap_or(part.port);
            server.image = Some(container.image);
            server.host = container.name;
        }
        places.push((&part.place, server));
    }
    Ok(places.into_iter().map(|(_, server)| server).collect())
}
