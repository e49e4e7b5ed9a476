//! What runs in environments that are removed: what `up` started ends, and the rest ends with `--force` or is named.

use super::Run;
use super::carry_out::Job;
use crate::environment::processes::{self, GRACE, Machine, Stranger};
use crate::environment::removal_risks::{self, Loss};
use crate::environment::{closing, parts};
use crate::model::lease::{Lease, Phase};
use crate::service::removal::Servers;
use crate::sys::process::Dir;
use crate::ui::Ui;
use anyhow::Result;
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
