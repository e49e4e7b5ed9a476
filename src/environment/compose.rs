//! The project's compose file, made over for an environment.

mod servers_file;

pub use servers_file::ServersFile;

use crate::environment::files;
use crate::environment::workspace::Workspace;
use crate::error;
use crate::model::compose::{self, FILE, Lost, Server, Stack};
use crate::model::config::{Config, Place};
use crate::model::hash::sha256;
use crate::model::lease::Lease;
use crate::model::{detect, plan, shell};
use crate::sys::fs::Stands;
use crate::sys::store::Store;
use crate::sys::{docker, fs, git};
use crate::ui::Ui;
use anyhow::Result;
use serde_yaml::Mapping;
use std::path::{Path, PathBuf};

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
        Project { store: &context.store, config, repo: context.slug() }
    }

    /// Writes the file of an environment whose configuration has a compose file. What is wrong with the branch's file
    /// is a warning: the environment is complete without, and compose refuses to start anything then.
    pub fn write(&self, ui: &Ui, lease: &Lease) -> Result<()> {
        let (Some(own), Some(section)) = (&lease.compose_file, &self.config.compose) else {
            return Ok(());
        };
        match compose::load(&section.file, &|path| read(&lease.path, path)) {
            Ok(file) => self.write_file(ui, lease, own, file),
            Err(error) => {
                ui.warn(format!(
                    "no {own} for `{}`: {error:#}\nhint: once the file is right: `git agentenv adopt` in the worktree",
                    lease.name
                ));
                files::remove_compose(lease)
            }
        }
    }

    /// Writes the file of an environment whose stack is about to be started, from the project's file as `is_trusted`
    /// judges it: what runs is what was approved. Gives its path; `None`: the project has no stack.
    ///
    /// # Errors
    /// When the project's file is wrong or not trusted, or the environment has no file for it.
    pub fn prepare(
        &self,
        ui: &Ui,
        lease: &Lease,
        is_trusted: impl FnOnce(&Approval) -> Result<()>,
    ) -> Result<Option<PathBuf>> {
        let Some(section) = &self.config.compose else { return Ok(None) };
        let Some(own) = &lease.compose_file else {
            let message = format!("`{}` has no compose file of its own", lease.name);
            let hint = format!("write it: `git agentenv adopt {}`", shell::path(&lease.path));
            return Err(error::refused(message).hint(hint).into());
        };
        let file = load(&lease.path, &section.file)?;
        is_trusted(&Approval::of(&lease.path, &section.file, &file)?)?;
        self.write_file(ui, lease, own, file)?;
        Ok(Some(lease.path.join(own)))
    }

    fn write_file(&self, ui: &Ui, lease: &Lease, own: &str, file: Mapping) -> Result<()> {
        let from = self.config.compose.as_ref().map_or("", |section| section.file.as_str());
        warn_of_missing(ui, lease, self.config, &file);
        let servers = servers(ui, lease)?;
        let (stack, lost) = made_over(self.config, lease, &self.repo, file, &servers)?;
        let head = format!(
            "# {from} for the environment `{}` ({}).\n\
             # Do not edit: `git agentenv adopt` in the worktree writes it again.\n",
            lease.name, lease.id
        );
        let text = head + &stack.text();
        if fs::read(&lease.path.join(own))?.is_some_and(|known| known == text.as_bytes()) {
            return Ok(());
        }
        for note in &stack.notes {
            ui.say(format!("{own}: {note}"));
        }
        lost.iter().filter(|one| !is_read(lease, one)).for_each(|one| warn_of_lost(ui, own, one));
        files::write_compose(self.store, lease, own, &text)
    }

    /// Ignored files that the compose file needs, as patterns: each `env_file`, and the `.env` beside it. A branch that nobody
    /// has read does not choose: only what the main checkout's own compose file names, too, and no directories.
    pub fn needed(&self, lease: &Lease) -> Vec<String> {
        let Some(section) = &self.config.compose else { return Vec::new() };
        let Ok(file) = load(&lease.path, &section.file) else { return Vec::new() };
        let of_main = of_main(self.config, lease);
        let files = compose::env_files(&file).into_keys().filter(|file| of_main.contains(file));
        let paths =
            files.chain([compose::DOTENV.to_owned()]).map(|file| beside(self.config, &file));
        let is_file = |path: &String| {
            is_inside(path)
                && fs::stands(&lease.main.join(path)).is_ok_and(|found| found != Stands::Directory)
        };
        paths.filter(is_file).map(|path| format!("/{}", files::escaped(&path))).collect()
    }
}

/// What `trust` approves of a compose file: its content with all that it includes, and what the `.env` beside it decides
/// of that, as one word in a list of commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval(Vec<String>);

impl Approval {
    /// It as a list of commands.
    pub fn commands(&self) -> &[String] {
        &self.0
    }

    /// Of the file in a checkout; `None`: the configuration names none.
    ///
    /// # Errors
    /// When the file is missing or wrong.
    pub fn at(checkout: &Path, config: &Config) -> Result<Option<Self>> {
        let Some(section) = &config.compose else { return Ok(None) };
        let file = load(checkout, &section.file)?;
        Ok(Some(Approval::of(checkout, &section.file, &file)?))
    }

    fn of(checkout: &Path, path: &str, file: &Mapping) -> Result<Self> {
        let built: String = compose::built(file).map(|name| format!(", builds {name}")).collect();
        let text = compose::text(file);
        let env = checkout.join(path).with_file_name(compose::DOTENV);
        let values = compose::deciding(&text, &dotenv(&env)?);
        let with = if values.is_empty() { "" } else { " with its .env" };
        let hash = sha256(text + &values);
        Ok(Approval(vec![format!("compose {path}{with} (sha256 {hash}){built}")]))
    }
}

/// The text of a `.env` as compose finds it, also through a link; it takes a directory of this name for none.
fn dotenv(path: &Path) -> Result<String> {
    let path = fs::canonical(path);
    let content = match fs::stands(&path)? {
        Stands::Directory => None,
        _ => fs::read(&path)?,
    };
    Ok(String::from_utf8_lossy(&content.unwrap_or_default()).into_owned())
}

fn load(checkout: &Path, file: &str) -> Result<Mapping> {
    compose::load(file, &|path| read(checkout, path))
        .map_err(|cause| error::config(format!("{cause:#}")).into())
}

fn made_over(
    config: &Config,
    lease: &Lease,
    repo: &str,
    file: Mapping,
    servers: &[Server],
) -> Result<(Stack, Vec<Lost>)> {
    let env_file = |path: &str| read(&lease.path, &beside(config, path));
    plan::with_values(lease, repo, |values| {
        let environment = compose::Environment {
            id: &lease.id,
            config,
            values: *values,
            servers,
            env_file: &env_file,
        };
        let lost = compose::lost(&file, &environment);
        Ok((compose::of_environment(file, &environment)?, lost))
    })
}

/// A path relative to the compose file, as one relative to the worktree.
fn beside(config: &Config, path: &str) -> String {
    let own = config.compose.as_ref().map_or(FILE.to_owned(), |one| compose::beside(&one.file));
    compose::join(own.trim_end_matches(FILE), path)
}

/// A file of a checkout, never one outside.
fn read(checkout: &Path, path: &str) -> Option<String> {
    let content = fs::read(&checkout.join(path)).ok().flatten().filter(|_| is_inside(path))?;
    String::from_utf8(content).ok()
}

fn is_inside(path: &str) -> bool {
    !path.starts_with('/') && !path.starts_with("..") && !path.contains('$')
}

/// The `env_file`s that the main checkout's compose file names.
fn of_main(config: &Config, lease: &Lease) -> Vec<String> {
    let file = config.compose.as_ref().and_then(|one| load(&lease.main, &one.file).ok());
    file.map(|file| compose::env_files(&file).into_keys().collect()).unwrap_or_default()
}

fn warn_of_missing(ui: &Ui, lease: &Lease, config: &Config, file: &Mapping) {
    let of_main = of_main(config, lease);
    let from = config.compose.as_ref().map_or("", |section| section.file.as_str());
    for (named, services) in compose::env_files(file) {
        let path = beside(config, &named);
        if is_inside(&path) && !lease.path.join(&path).exists() {
            let hint = match of_main.contains(&named) {
                true => "create it in the main checkout, where new environments get it from, or in the worktree".to_owned(),
                false => format!(
                    "create it in the worktree; new environments get no copy of it: {from} in the main checkout does not name it"
                ),
            };
            ui.warn(format!(
                "{path} is missing, the `env_file` of {}: compose will not start\nhint: {hint}",
                services.join(", ")
            ));
        }
    }
}

/// Whether code of the worktree reads a variable with the environment's part, which the compose file does not name. Where
/// git does not say it, nothing is claimed.
fn is_read(lease: &Lease, lost: &Lost) -> bool {
    let gems = read(&lease.path, "Gemfile").unwrap_or_default();
    if lost.variables.iter().any(|name| detect::is_read_anyway(&gems, name)) {
        return true;
    }
    let names = lost.variables.join("|");
    let pattern = format!("(^|[^a-z0-9_])({names})($|[^a-z0-9_])");
    git::naming(&lease.path, &pattern, &[])
        .map_or(true, |files| files.iter().any(|file| detect::may_read(file)))
}

fn warn_of_lost(ui: &Ui, own: &str, lost: &Lost) {
    let Lost { server, variables } = lost;
    ui.warn(format!(
        "{own}: the shared server stands for `{server}`, and nothing that the application reads holds {}: it uses the \
         main checkout's data there\n\
         hint: write `keep: [{server}]` under `compose:` in .agentenv.yaml, for a server of the environment's own; or make \
         the application read the variable",
        variables.join(" or ")
    ));
}

/// The shared servers that containers can reach.
fn servers(ui: &Ui, lease: &Lease) -> Result<Vec<Server>> {
    let mut places: Vec<(&Place, Server)> = Vec::new();
    for part in lease.parts.iter().filter(|part| part.port > 0) {
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
