//! The containers of an environment's compose stack, which run beside its processes.

use super::{State, Status, ended};
use crate::environment::compose::{Approval, Project};
use crate::environment::context::Context;
use crate::environment::hooks;
use crate::environment::teardown;
use crate::environment::workspace::Workspace;
use crate::model::compose;
use crate::model::lease::Lease;
use crate::model::shell;
use crate::sys::docker::{Container, Life, Projects};
use crate::sys::{fs, process};
use crate::ui::Ui;
use anyhow::Result;
use std::time::Duration;

/// Refuses unless the compose file of each of these environments was approved as it is.
pub fn require_trusted(workspace: &Workspace<'_>, leases: &[Lease]) -> Result<()> {
    let of = |lease: &Lease| match Approval::at(&lease.path, &workspace.config)? {
        Some(approval) => require_approved(workspace, lease, &approval),
        None => Ok(()),
    };
    leases.iter().try_for_each(of)
}

fn require_approved(workspace: &Workspace<'_>, lease: &Lease, approval: &Approval) -> Result<()> {
    let Context { store, repo } = workspace.context;
    let what = format!("the compose file of `{}` is", lease.name);
    let hint =
        format!("read it, then approve it: `git -C {} agentenv trust`", shell::path(&lease.path));
    hooks::require(store, &repo.common, approval.commands(), (&what, &hint))
}

/// Creates and starts the containers that do not run yet. The caller holds the lease's lock.
pub(super) fn start(workspace: &Workspace<'_>, lease: &Lease) -> Result<()> {
    let is_trusted = |approval: &Approval| require_approved(workspace, lease, approval);
    let project = Project::of(workspace);
    let Some(file) = project.prepare(workspace.ui, lease, is_trusted)? else { return Ok(()) };
    let step = workspace.ui.step(format!("containers of {}", lease.name));
    // The mark makes a compose that outlives a killed `up` one of the environment's processes.
    let with = |cmd| hooks::with_vars(cmd, lease).env(process::MARK, &lease.id);
    crate::sys::compose::up(&lease.project, &file, with)?;
    step.done();
    Ok(())
}

/// Stops and removes the containers and the networks of the stack; its volumes stay. Gives how many containers there
/// were. The caller holds the lease's lock.
pub(super) fn stop(lease: &Lease, grace: Duration) -> Result<usize> {
    if lease.compose_file.is_none() {
        return Ok(0);
    }
    teardown::remove_containers(&Projects::list()?, lease, grace)
}

/// The containers of environments' stacks, as the engine knew them at one moment.
pub struct Containers(Option<Projects>);

impl Containers {
    /// Asks the engine, if one of these environments has a stack.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn look<'a>(leases: impl IntoIterator<Item = &'a Lease>) -> Result<Self> {
        let has_stack = leases.into_iter().any(|lease| lease.compose_file.is_some());
        Ok(Containers(has_stack.then(Projects::list).transpose()?))
    }

    /// The same where the rest is shown without an engine: a warning says that containers are missing.
    pub fn seen<'a>(ui: &Ui, leases: impl IntoIterator<Item = &'a Lease>) -> Self {
        Containers::look(leases).unwrap_or_else(|error| {
            ui.warn(format!("containers are not shown: {error:#}"));
            Containers::none()
        })
    }

    /// Without asking.
    pub fn none() -> Self {
        Containers(None)
    }

    /// Whether a container of an environment's stack runs.
    pub(super) fn are_up(&self, lease: &Lease) -> bool {
        let projects = self.0.as_ref().filter(|_| lease.compose_file.is_some());
        projects.is_some_and(|projects| projects.is_up(&lease.project, &lease.path))
    }

    /// The containers of an environment, and the services of its stack that have none.
    pub(super) fn of(&self, lease: &Lease) -> Vec<Status> {
        let (Some(file), Some(projects)) = (&lease.compose_file, &self.0) else {
            return Vec::new();
        };
        let mut all = projects.of(&lease.project, &lease.path);
        all.sort_by_key(|one| {
            (one.service.clone(), one.number.parse::<u32>().ok(), one.name.clone())
        });
        let mut found: Vec<Status> = all.iter().map(|one| status(one)).collect();
        let text = fs::read(&lease.path.join(file)).ok().flatten().unwrap_or_default();
        for service in compose::started(&String::from_utf8_lossy(&text)) {
            if all.iter().all(|one| one.service != service) {
                found.push(bare(service, State::Stopped));
            }
        }
        found
    }
}

fn bare(name: String, state: State) -> Status {
    Status {
        name,
        container: None,
        state,
        exit: None,
        pid: None,
        uptime: None,
        memory: None,
        ports: Vec::new(),
        log: None,
    }
}

fn status(container: &Container) -> Status {
    let (state, exit, uptime) = match container.life() {
        Life::Up { seconds, unhealthy: false } => (State::Running, None, Some(seconds)),
        Life::Up { seconds, unhealthy: true } => (State::Starting, None, Some(seconds)),
        Life::Restarting => (State::Starting, None, None),
        Life::Ended(code) => (ended(Some(code)), Some(code), None),
        Life::Created => (State::Stopped, None, None),
    };
    Status {
        container: Some(container.name.clone()),
        exit,
        uptime,
        ports: container.ports(),
        ..bare(name(container), state)
    }
}

/// The service, with a number where it is not the first; the container of `compose run` has a name of its own.
fn name(container: &Container) -> String {
    let Container { name, service, number, .. } = container;
    match (container.is_of_service(), number.as_str()) {
        (true, "1") => service.clone(),
        (true, number) => format!("{service}-{number}"),
        (false, _) => name.clone(),
    }
}
