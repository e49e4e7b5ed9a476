//! What the compose projects of worktrees leave behind in the engine.

use super::{Container, ask, containers, engine, question, run};
use crate::model::compose::LEASE;
use crate::model::config::Place;
use crate::sys::exec::Cmd;
use crate::sys::fs;
use anyhow::Result;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long the engine has to stop and remove all of a project.
const PATIENCE: Duration = Duration::from_secs(60);

/// The containers of the engine.
#[derive(Default)]
pub struct Projects(Vec<Container>);

impl Projects {
    /// Asks the engine.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn list() -> Result<Self> {
        containers().map(Projects)
    }

    /// The container at a place that has its very name, or the one of its service that runs.
    pub(super) fn at(&self, place: &Place) -> Option<&Container> {
        let is_it = |one: &&Container| match place {
            Place::Host => false,
            Place::Container(name) => one.name == *name,
            Place::Compose { project, service } => {
                (&one.project, &one.service) == (project, service) && one.is_of_service()
            }
        };
        self.0.iter().find(|one| is_it(one) && one.is_up())
    }

    /// Whether a container of a project runs that was started in this worktree.
    pub fn is_up(&self, project: &str, worktree: &Path) -> bool {
        self.of(project, worktree).iter().any(|one| one.is_up())
    }

    /// A project's containers that were started in this worktree.
    pub fn of(&self, project: &str, worktree: &Path) -> Vec<&Container> {
        let all = self.0.iter().filter(|one| one.project == project);
        all.filter(|one| is_within(&one.dir, worktree)).collect()
    }

    /// Stops and removes a project's containers that were started in this worktree, their anonymous volumes, and the
    /// project's default network when nothing else of the project is left. Gives their names. They have `grace` to end
    /// by themselves.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn remove(&self, project: &str, worktree: &Path, grace: Duration) -> Result<Vec<String>> {
        // Two checkouts can use one project name: only the directory says whose containers these are.
        let ours = self.of(project, worktree);
        let others = self.0.iter().filter(|one| one.project == project).count() - ours.len();
        let names: Vec<String> = ours.into_iter().map(|one| one.name.clone()).collect();
        if names.is_empty() {
            return Ok(names);
        }
        let seconds = grace.as_secs().to_string();
        let stop = question("stop -t").args([&seconds, "--"]).args(&names);
        // What has ended or gone meanwhile makes `stop` fail; `rm` decides.
        run(stop.patience(Some(PATIENCE + grace)))?;
        let remove = question("rm -f -v --").args(&names);
        ask(remove.patience(Some(PATIENCE)), project)?;
        if others == 0 {
            remove_those(&[
                format!("com.docker.compose.project={project}"),
                "com.docker.compose.network=default".to_owned(),
            ])?;
        }
        Ok(names)
    }
}

/// Compose writes the directory as it was called, perhaps through a symbolic link; it may be gone or renamed by now.
fn is_within(dir: &Path, worktree: &Path) -> bool {
    dir.is_absolute() && real(dir, LINKS).starts_with(fs::canonical(worktree))
}

/// So many links are followed that lead to nothing.
const LINKS: u8 = 8;

/// As [`fs::canonical`], and a link to what is not there any more is followed, too.
fn real(path: &Path, links: u8) -> PathBuf {
    let (parent, name) = (path.parent(), path.file_name());
    match (parent, name, path.read_link()) {
        (Some(parent), _, Ok(to)) if links > 0 && !path.exists() => {
            real(&parent.join(to), links - 1)
        }
        (Some(parent), Some(name), _) if !path.exists() => real(parent, links).join(name),
        _ => fs::canonical(path),
    }
}

/// Removes the networks that carry a lease's id.
///
/// # Errors
/// When the engine refuses.
pub fn remove_networks(lease: &str) -> Result<()> {
    remove_those(&[format!("{LEASE}={lease}")])
}

/// Removes the networks that have all of these labels, each with its value.
fn remove_those(labels: &[String]) -> Result<()> {
    for network in networks(labels)? {
        // A network that is in use stays: the engine refuses, and that is right.
        run(question("network rm").arg(network))?;
    }
    Ok(())
}

fn networks(labels: &[String]) -> Result<Vec<String>> {
    if let Some(found) = engine::networks(labels)? {
        return Ok(found);
    }
    let filters = labels.iter().flat_map(|label| ["--filter".into(), format!("label={label}")]);
    lines(question("network ls -q").args(filters))
}

/// Removes the volumes that carry a lease's id.
///
/// # Errors
/// When the engine refuses: a container that is not the environment's may use one.
pub fn remove_volumes(lease: &str) -> Result<()> {
    let filter = format!("label={LEASE}={lease}");
    let volumes = lines(question("volume ls -q").args(["--filter", &filter]))?;
    if volumes.is_empty() {
        return Ok(());
    }
    let remove = question("volume rm --").args(&volumes);
    ask(remove.patience(Some(PATIENCE)), "").map(drop)
}

fn lines(cmd: Cmd) -> Result<Vec<String>> {
    Ok(ask(cmd, "")?.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_only_begins_alike_is_not_within() {
        let within = |dir: &str| is_within(Path::new(dir), Path::new("/no/such/app-x"));
        assert!(within("/no/such/app-x"));
        assert!(within("/no/such/app-x/backend"));
        assert!(!within("/no/such/app-xy"));
        assert!(!within("/no/such"));
        assert!(!within(""));
    }

    #[test]
    fn a_link_to_a_worktree_that_is_closed_is_followed() {
        let root = tempfile::tempdir().unwrap();
        let (tree, link) = (root.path().join("app-x"), root.path().join("link"));
        std::os::unix::fs::symlink("app-x", &link).unwrap();
        assert!(is_within(&link, &tree) && is_within(&link.join("backend"), &tree));
        let turning = root.path().join("turning");
        std::os::unix::fs::symlink("turning", &turning).unwrap();
        assert!(!is_within(&turning, &tree));
    }
}
