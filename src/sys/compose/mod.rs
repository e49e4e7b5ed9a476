//! The shared servers, and the stacks of environments, through compose: `docker compose` (2 and later) or
//! `docker-compose` (1.29).

mod stack;
mod tool;

pub use stack::up;

use super::docker::{self, Container, Volume};
use super::exec::{Cmd, Output};
use super::fs;
use crate::model::config::Place;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// The compose file of the built-in servers.
pub const BUILT_IN: &str = include_str!("../infra.yml");

/// The compose project that they run in, unless the file names another.
pub const PROJECT: &str = "agentenv";

/// A compose file as compose gets it.
#[derive(Debug, Clone)]
pub struct Definition {
    /// The directory that its paths are relative to.
    pub dir: PathBuf,
    /// The compose project that it names; `None`: none.
    pub project: Option<String>,
    /// What it holds, without that name: version 1 rejects a top-level `name`.
    pub text: String,
}

/// The compose file that describes the shared servers, and how to call it.
#[derive(Debug, Clone)]
pub struct Infra {
    /// `None`: the built-in one.
    file: Option<Definition>,
    project: String,
    env: Vec<(String, String)>,
}

impl Infra {
    /// The servers of this file, or the built-in ones.
    pub fn of(file: Option<Definition>) -> Self {
        let named = file.as_ref().and_then(|file| file.project.clone());
        Infra { file, project: named.unwrap_or_else(|| PROJECT.to_owned()), env: Vec::new() }
    }

    /// The same in another compose project.
    pub fn in_project(mut self, name: impl Into<String>) -> Self {
        self.project = name.into();
        self
    }

    /// A variable for compose and the file, such as `AGENTENV_POSTGRES_PORT`.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// The compose project's name.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// Creates and starts what is not running yet. It does not wait until the servers answer.
    pub fn up(&self) -> Result<()> {
        self.call(&["up", "-d"])
    }

    /// Stops and removes the servers; their data only when `volumes` is set.
    ///
    /// # Errors
    /// As [`Infra::up`].
    pub fn down(&self, volumes: bool) -> Result<()> {
        self.call(if volumes { &["down", "-v"] } else { &["down"] })
    }

    /// The servers' containers, whether they run or not.
    pub fn status(&self) -> Result<Vec<Container>> {
        let all = docker::containers()?.into_iter();
        Ok(all.filter(|c| c.project == self.project).collect())
    }

    /// Whether one of these containers was made from this file, not from another that names the same project.
    pub fn made(&self, container: &Container) -> bool {
        fs::canonical(&container.dir) == fs::canonical(self.dir())
    }

    /// The directory that compose writes on the containers.
    fn dir(&self) -> &Path {
        // Not from where the user stands: compose would read that directory's `.env` and write the directory on the
        // containers, as if they belonged to that worktree.
        self.file.as_ref().map_or(Path::new("/"), |file| &file.dir)
    }

    /// Whether a server at this place, reached at this port, is one of these: by its container's name, or one of
    /// `containers`, which are these.
    pub fn runs(&self, (place, port): (&Place, u16), containers: &[Container]) -> bool {
        let is_of_project = match place {
            Place::Host => false,
            Place::Compose { project, .. } => *project == self.project,
            Place::Container(name) => is_named_for(&self.project, name),
        };
        is_of_project || containers.iter().any(|container| container.is_at(place, port))
    }

    /// The volumes that would be deleted with the servers.
    pub fn volumes(&self) -> Result<Vec<Volume>> {
        docker::volumes(&self.project)
    }

    /// Checks that compose is installed.
    pub fn is_callable(&self) -> Result<()> {
        self.compose().map(drop)
    }

    fn call(&self, args: &[&str]) -> Result<()> {
        let cmd = self.compose()?.args(["-p", &self.project, "-f", "-"]);
        let cmd = match &self.file {
            // In the directory of the file: version 1 reads the `.env` of where it stands, which may be a branch's.
            Some(Definition { dir, text, .. }) => {
                cmd.arg("--project-directory").arg(dir).dir(dir).stdin(text.clone())
            }
            None => cmd.stdin(BUILT_IN).dir(self.dir()),
        };
        let output = cmd.args(args).patience(None).output()?;
        if output.success() { Ok(()) } else { Err(self.failed(args[0], &output)) }
    }

    fn compose(&self) -> Result<Cmd> {
        let vars = self.env.iter();
        Ok(vars.fold(tool::installed()?, |cmd, (name, value)| cmd.env(name, value)))
    }

    fn failed(&self, what: &str, output: &Output) -> anyhow::Error {
        let what = format!("{what} of the servers (project `{}`)", self.project);
        let of_ports = "stop the process that listens there, or choose another `port` for the service; \
                        AGENTENV_POSTGRES_PORT and AGENTENV_REDIS_PORT set those of the built-in servers";
        tool::failed(&what, output, of_ports, "`docker compose logs` shows the reason")
    }
}

/// Whether version 1 or 2 of compose calls a container of the project so, which need not be there.
fn is_named_for(project: &str, container: &str) -> bool {
    ['-', '_'].into_iter().any(|between| {
        let own = container.strip_prefix(project).and_then(|rest| rest.strip_prefix(between));
        let number = own.and_then(|own| own.rsplit_once(between)).map(|(_, number)| number);
        number.is_some_and(|number| number.parse::<u32>().is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_of_a_project_are_known_by_their_names() {
        for name in ["shop-redis-1", "shop_my_redis_12"] {
            assert!(is_named_for("shop", name), "{name}");
        }
        for name in ["shop", "shop-redis", "shop-test-redis", "shopping-redis-1", "redis-1"] {
            assert!(!is_named_for("shop", name), "{name}");
        }
    }

    #[test]
    fn the_built_in_file_has_nothing_that_version_1_does_not_know() {
        let file: serde_yaml::Mapping = serde_yaml::from_str(BUILT_IN).unwrap();
        let keys: Vec<_> = file.keys().filter_map(|key| key.as_str()).collect();
        assert_eq!(keys, ["services", "volumes", "networks"]);
    }
}
