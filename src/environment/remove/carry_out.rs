//! Removes environments that were checked, side by side. What keeps one of them does not stop the others.

use super::running::{self, Place};
use super::{Removal, RemoveOptions, Removed, Run};
use crate::environment::teardown::{self, Force, Going};
use crate::environment::{hooks, overflow, removal_risks, trash};
use crate::error::{self, Failure};
use crate::model::config::Trash;
use crate::model::lease::{Lease, Phase};
use crate::service::removal::Servers;
use crate::sys::store::Store;
use crate::sys::{clock, failpoint, parallel};
use crate::ui::Ui;
use anyhow::{Result, anyhow};

/// An environment on its way, and how it ended.
pub(super) struct Job {
    pub(super) removal: Removal,
    /// Until when the trash keeps it, or `None`.
    pub(super) ended: Option<Result<Option<u64>>>,
}

impl Run<'_> {
    /// Removes environments that were checked. Gives what came of each, in their order.
    pub fn carry_out(mut self, removals: Vec<Removal>) -> Vec<Result<Removed>> {
        if let Err(error) = &self.config {
            return removals.iter().map(|_| Err(error::again(error))).collect();
        }
        let mut jobs: Vec<Job> =
            removals.into_iter().map(|removal| Job { removal, ended: None }).collect();
        if self.hooks(&mut jobs) {
            // New sessions: hooks can take long, and do anything to a server.
            let leases: Vec<&Lease> = jobs.iter().map(|job| &job.removal.lease).collect();
            self.servers = Servers::of(&leases);
        }
        self.end_own(&mut jobs);
        self.choose_tips(&mut jobs);
        self.to_trash(&mut jobs);
        self.destroy(&mut jobs);
        overflow::sweep_aloud(self.ui, &self.context.store);
        jobs.into_iter().map(|job| self.answer(job)).collect()
    }

    /// Runs the `pre_remove` hooks of the environments side by side; says whether there were any.
    fn hooks(&self, jobs: &mut [Job]) -> bool {
        let hooks = self.config().map_or(&[][..], |config| &config.hooks.pre_remove);
        if hooks.is_empty() || self.options.no_hooks {
            return false;
        }
        let trusted = hooks::require_trusted(self.context, hooks);
        let (ui, force) = (self.ui, self.options.force);
        let ran = parallel::each(jobs, |job| {
            let lease = &job.removal.lease;
            if lease.phase != Phase::Ready || !lease.path.is_dir() {
                return Ok(());
            }
            let trusted = trusted.as_ref().map_err(error::again);
            let ran = trusted.and_then(|()| hooks::run(&ui.about(&lease.name), lease, hooks));
            ran.or_else(|error| hook_failed(ui, force, lease, error))
        });
        for (job, ran) in jobs.iter_mut().zip(ran) {
            job.ended = ran.err().map(Err);
        }
        true
    }

    /// The commits at which branches are deleted that are to go: what is committed later is not lost.
    fn choose_tips(&self, jobs: &mut [Job]) {
        for job in jobs {
            let lease = &mut job.removal.lease;
            let tip = |branch: &String| self.context.repo.branch(branch);
            if self.options.delete_branch {
                lease.delete_branch_at = lease.branch.as_ref().and_then(tip);
            } else if lease.phase == Phase::Ready {
                // What an earlier removal meant that did not come to it.
                lease.delete_branch_at = None;
            }
        }
    }

    /// Moves to the trash what belongs there.
    fn to_trash(&self, jobs: &mut [Job]) {
        let wish = self.options.wish(self.config());
        if wish.is_some() {
            self.end_others(jobs);
            self.name_others(jobs);
        }
        let (ui, store) = (self.ui, &self.context.store);
        let begun = parallel::each(jobs, |job| job.announce(store, wish));
        let leases = jobs.iter().zip(&begun).filter(|(_, begun)| matches!(begun, Some(Ok(()))));
        let leases: Vec<&Lease> = leases.map(|(job, _)| &job.removal.lease).collect();
        let going = removal_risks::branches(store, &leases, self.options.delete_branch);
        let way = Way { ui, store, options: self.options, wish, going };
        let ways: Vec<_> = jobs.iter().zip(begun).collect();
        let moved = parallel::each(&ways, |(job, begun)| job.to_trash(&way, begun.as_ref()));
        for (job, moved) in jobs.iter_mut().zip(moved) {
            job.ended = job.ended.take().or(moved);
        }
        trash::empty_in_background(store).ok();
    }

    /// Closes, looks again and destroys what is left of the jobs.
    fn destroy(&self, jobs: &mut [Job]) {
        let store = &self.context.store;
        let left = self.close(jobs);
        self.end_others(jobs);
        let going = left.into_iter().map(|(at, left)| {
            let Removal { lease, force, .. } = &jobs[at].removal;
            let force =
                Force { work: *force, sessions: *force, unmarked: *force && lease.was_whole() };
            (at, Going { lease: lease.clone().into_removing(), force, left })
        });
        let (at, going): (Vec<usize>, Vec<Going>) = going.unzip();
        let places: Vec<Place> = going.iter().map(|one| Place::of(&one.lease)).collect();
        let (running, removed) = parallel::both(
            || running::strangers(&places),
            || teardown::remove_all(self.ui, store, &self.servers, going),
        );
        for (at, (running, removed)) in at.into_iter().zip(running.into_iter().zip(removed)) {
            let Job { removal: Removal { removed: said, .. }, ended } = &mut jobs[at];
            said.running = running;
            *ended = Some(removed.map(|stays| {
                said.services.retain(|taken| !stays.contains(&taken.service));
                None
            }));
        }
    }

    /// Closes environments that are ready, and continues what an earlier removal or `add` did not
    /// finish. Gives the places of those whose leases are `removing` now, each with what could not
    /// be ended.
    fn close(&self, jobs: &mut [Job]) -> Vec<(usize, Vec<anyhow::Error>)> {
        let store = &self.context.store;
        let open = (0..jobs.len()).filter(|&at| jobs[at].ended.is_none());
        let is_whole = |at: &usize| jobs[*at].removal.lease.phase == Phase::Ready;
        let (whole, begun): (Vec<usize>, Vec<usize>) = open.partition(is_whole);
        let removals: Vec<&Removal> = whole.iter().map(|&at| &jobs[at].removal).collect();
        let mut closed = self.last_look(&removals);
        let leases: Vec<&Lease> = begun.iter().map(|&at| &jobs[at].removal.lease).collect();
        let left = teardown::end_all(&leases);
        let removing: Vec<Lease> =
            leases.into_iter().map(|lease| lease.clone().into_removing()).collect();
        let saved = store.save_all(&removing.iter().collect::<Vec<_>>());
        closed.extend(saved.into_iter().zip(left).map(|(saved, left)| saved.map(|()| left)));
        let mut going = Vec::new();
        for (at, closed) in whole.into_iter().chain(begun).zip(closed) {
            match closed.and_then(|left| failpoint::point("removing").map(|()| left)) {
                Ok(left) => going.push((at, left)),
                Err(error) => jobs[at].ended = Some(Err(error)),
            }
        }
        going
    }

    fn answer(&self, job: Job) -> Result<Removed> {
        let Removal { lease, mut removed, .. } = job.removal;
        let ended = job.ended.unwrap_or_else(|| Err(anyhow!("`{}` was not removed", lease.name)));
        removed.kept_until = ended?;
        let gone = |branch: &String| self.context.repo.branch(branch).is_none();
        removed.branch_deleted =
            self.options.delete_branch && lease.branch.as_ref().is_some_and(gone);
        let taken: Vec<String> = removed.services.iter().map(ToString::to_string).collect();
        let branch = removal_risks::branch(lease.branch.as_deref(), removed.branch_deleted);
        let all = [Some(taken.join(", ")), branch].into_iter().flatten();
        let all: Vec<String> = all.filter(|words| !words.is_empty()).collect();
        let what = if all.is_empty() { String::new() } else { format!(": {}", all.join("; ")) };
        self.ui.say(format!("removed environment `{}`{what}", lease.name));
        running::say(self.ui, &removed.running);
        Ok(removed)
    }
}

/// Without `--force`, the environment stays.
fn hook_failed(ui: &Ui, force: bool, lease: &Lease, error: anyhow::Error) -> Result<()> {
    if force {
        ui.warn(format!("{error:#}; removing `{}` anyway", lease.name));
        return Ok(());
    }
    let message = format!("cannot remove `{}`: a pre_remove hook failed", lease.name);
    let hint = "fix the hook, or skip the hooks with `--no-hooks`";
    let failure = Failure::new(error::exit_of(&error), message).hint(hint);
    Err(error.context(failure))
}

/// The way to the trash of all environments of a command.
struct Way<'a> {
    ui: &'a Ui,
    store: &'a Store,
    options: RemoveOptions,
    wish: Option<Trash>,
    /// The branches that go: two that go together do not keep each other's commits.
    going: removal_risks::Going<'a>,
}

impl Job {
    /// Puts on record that it goes, with its branch: another removal must not count on that. `None` where it does not go to
    /// the trash. A kill leaves it `closing`, as it is.
    fn announce(&self, store: &Store, wish: Option<Trash>) -> Option<Result<()>> {
        let lease = &self.removal.lease;
        let goes = self.ended.is_none() && lease.phase == Phase::Ready && wish.is_some();
        goes.then(|| store.save(&lease.clone().into_closing()))
    }

    /// Moves it to the trash; `None` where it does not belong there.
    fn to_trash(&self, way: &Way<'_>, begun: Option<&Result<()>>) -> Option<Result<Option<u64>>> {
        let (Removal { lease, force, .. }, Way { ui, store, .. }) = (&self.removal, way);
        match (self.ended.is_none(), lease.phase, begun, way.wish) {
            (true, Phase::Keeping, ..) => {
                Some(trash::finish_keeping(ui, store, lease, *force).map(|()| None))
            }
            (_, _, Some(Err(error)), _) => Some(Err(error::again(error))),
            (_, _, Some(Ok(())), Some(wish)) => {
                let wish = trash::Wish { trash: wish, force: *force };
                let kept = self.look(way).and_then(|()| trash::keep(ui, store, lease, wish));
                Some(match kept {
                    Ok(record) => Ok(Some(record.expires_at(clock::now()))),
                    Err(error) => Err(withdraw(store, lease, error)),
                })
            }
            _ => None,
        }
    }

    /// Refuses what the first look did not see.
    fn look(&self, way: &Way<'_>) -> Result<()> {
        let Removal { lease, removed, .. } = &self.removal;
        let mut losses = removal_risks::of_worktree(lease, &way.going)?;
        losses.retain(|loss| !removed.losses.contains(loss));
        removal_risks::require_none(lease, &losses, way.options.force)
    }
}

/// The error with which an environment stays: of what [`Job::announce`] put on record nothing is left.
fn withdraw(store: &Store, lease: &Lease, error: anyhow::Error) -> anyhow::Error {
    let open = Lease { delete_branch_at: None, ..lease.clone() };
    let withdrawn = store.lease(&lease.id).and_then(|recorded| match recorded {
        Some(recorded) if recorded.phase == Phase::Closing => store.save(&open),
        _ => Ok(()),
    });
    match withdrawn {
        Ok(()) => error,
        Err(left) => left.context(format!("{error:#}")),
    }
}
