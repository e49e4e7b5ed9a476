//! What runs in environments that are removed: what `up` started ends, and the rest ends with `--force` or is named.

use super::carry_out::Job;
use super::{Removal, Run};
use crate::environment::processes::{self, GRACE, Machine, Stranger};
use crate::environment::removal_risks::{self, Loss};
use crate::environment::{closing, parts, teardown};
use crate::model::lease::{Lease, Phase};
use crate::service::removal::Servers;
use crate::sys::docker::Projects;
use crate::sys::process::Dir;
use crate::ui::Ui;
use anyhow::Result;
use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

/// How long a server has to notice that a client has ended.
const NOTICING: Duration = Duration::from_secs(3);

const PAUSE: Duration = Duration::from_millis(30);

impl Run<'_> {
    /// Ends what `up` started where a client of a server was seen, and refuses what has clients all the same.
    pub(super) fn end_own(&self, jobs: &mut [Job]) {
        let has_clients = |job: &&mut Job| {
            let is_seen = |loss: &Loss| loss.is_client() && !loss.needs_force;
            let Job { removal, ended } = &**job;
            let is_whole = ended.is_none() && removal.lease.phase == Phase::Ready;
            is_whole && !self.options.force && removal.removed.losses.iter().any(is_seen)
        };
        for job in jobs.iter_mut().filter(has_clients) {
            let lease = &mut job.removal.lease;
            let ended = processes::stop(&self.context.store, lease, GRACE);
            if let Err(error) = ended.and_then(|_| require_unused(&self.servers, lease)) {
                job.ended = Some(Err(error));
            }
        }
    }

    /// Ends what else runs in the worktrees of those that go, with `--force`.
    pub(super) fn end_others(&self, jobs: &[Job]) {
        let meant = jobs.iter().filter(|job| job.ended.is_none() && self.options.force);
        for Job { removal, .. } in meant {
            let lease = &removal.lease;
            let ended = closing::now_at(lease).and_then(|dir| processes::end_inside(lease, &dir));
            if let Err(error) = ended {
                self.ui.warn(format!("{error:#}"));
            }
        }
    }

    /// Keeps the names of what still runs in the worktrees of those that go, or listens on their
    /// ports.
    pub(super) fn name_others(&self, jobs: &mut [Job]) {
        let meant: Vec<&mut Job> = jobs.iter_mut().filter(|job| job.ended.is_none()).collect();
        let places: Vec<Place> = meant.iter().map(|job| Place::of(&job.removal.lease)).collect();
        for (job, running) in meant.into_iter().zip(strangers(&places)) {
            job.removal.removed.running = running;
        }
    }

    /// Ends what runs in worktrees that are closed: processes in those that `begun` names, and containers. What cannot be ended
    /// is added to `left`. Gives the places of those in which something could write until now.
    pub(super) fn end_begun(
        &self,
        removals: &[&Removal],
        mut begun: BTreeSet<String>,
        left: &mut [Vec<anyhow::Error>],
    ) -> Vec<usize> {
        let leases: Vec<&Lease> = removals.iter().map(|one| &one.lease).collect();
        // What could not be ended before cannot be now either.
        for (lease, _) in leases.iter().zip(&*left).filter(|(_, left)| !left.is_empty()) {
            begun.remove(&lease.id);
        }
        let ended = teardown::end_processes(&leases, &begun);
        left.iter_mut().zip(ended).for_each(|(left, ended)| left.extend(ended));
        let ran = !begun.is_empty() || removals.iter().any(|one| one.runs_own);
        let containers = containers(&self.servers, &leases, ran);
        let ended = teardown::end_containers(&containers, &leases);
        let mut wrote = Vec::new();
        for (at, ended) in ended.into_iter().enumerate() {
            // Of several, some may have ended in spite of an error.
            let had_container = containers.is_ok() && !matches!(ended, Ok(0));
            if had_container || begun.contains(&leases[at].id) {
                wrote.push(at);
            }
            left[at].extend(ended.err());
        }
        wrote
    }
}

/// Ends what `up` started, and the containers of stacks, before the worktrees are closed; gives what could not be ended of each.
pub(super) fn end_started(removals: &[&Removal]) -> Vec<Vec<anyhow::Error>> {
    let leases: Vec<&Lease> = removals.iter().map(|one| &one.lease).collect();
    // A container that Docker restarts would make the directories it mounts again, at the name that the worktree had. What
    // cannot be ended is tried, and named, later.
    let stacks = leases.iter().copied().filter(|lease| lease.compose_file.is_some());
    teardown::end_all(&stacks.collect::<Vec<_>>());
    let ran = removals.iter().filter(|one| one.runs_own).map(|one| one.lease.id.clone());
    teardown::end_processes(&leases, &ran.collect())
}

/// The containers to end before the look counts. Where there were none at the first look, what was started since is ended with
/// everything else: the engine needs longer to say so than all the rest takes.
fn containers(servers: &Servers, leases: &[&Lease], ran: bool) -> Result<Projects> {
    let had_none = |seen: &Projects| {
        leases.iter().all(|lease| seen.of(&lease.project, &lease.path).is_empty())
    };
    match servers.containers() {
        Ok(seen) if !ran && had_none(seen) => Ok(Projects::default()),
        _ => Projects::list(),
    }
}

/// An environment that goes, and where its worktree is now.
pub(super) struct Place(Lease, Dir);

impl Place {
    pub(super) fn of(lease: &Lease) -> Self {
        let dir = closing::now_at(lease).unwrap_or_else(|_| lease.path.clone());
        Place(lease.clone(), Dir::at(&dir))
    }
}

/// What runs in each of these environments that `up` did not start.
pub(super) fn strangers(places: &[Place]) -> Vec<Vec<Stranger>> {
    if places.is_empty() {
        return Vec::new();
    }
    let leases: Vec<&Lease> = places.iter().map(|Place(lease, _)| lease).collect();
    let any = leases.iter().map(|lease| lease.id.clone()).collect();
    let machine = Machine::read(&leases, any);
    places.iter().map(|Place(lease, dir)| machine.strangers(lease, dir)).collect()
}

/// Waits until the servers have noticed that processes ended; refuses when clients are left.
fn require_unused(servers: &Servers, lease: &Lease) -> Result<()> {
    let begin = Instant::now();
    loop {
        let looks = parts::look(servers, &[lease]).into_iter().flatten();
        let looks = lease.parts.iter().zip(looks);
        let mut losses: Vec<Loss> = looks
            .flat_map(|(part, look)| {
                look.map(|look| removal_risks::of_part(lease, part, &look, false))
            })
            .flatten()
            .collect();
        losses.retain(Loss::is_client);
        if losses.is_empty() || begin.elapsed() > NOTICING {
            return removal_risks::require_none(lease, &losses, false);
        }
        thread::sleep(PAUSE);
    }
}

/// Names what still runs, and the command that ends it.
pub fn say(ui: &Ui, running: &[Stranger]) {
    if running.is_empty() {
        return;
    }
    let names: String = running.iter().map(|one| format!("\n  {one}")).collect();
    let pids: Vec<String> = running.iter().map(|one| one.pid.to_string()).collect();
    ui.warn(format!("still running:{names}\nhint: end it: `kill {}`", pids.join(" ")));
}
