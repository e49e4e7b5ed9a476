//! Settles leases in bulk: one session for each server, and what stops one lease stops no other.

use super::{Due, due_with};
use crate::environment::processes::{self, Machine, Stranger};
use crate::environment::teardown::{self, Force, Going};
use crate::environment::trees::Trees;
use crate::environment::worktree::Neighbours;
use crate::environment::{removal_risks, remove, trash};
use crate::model::lease::{Lease, Phase};
use crate::service::removal::Servers;
use crate::sys::fs::{self, Stands};
use crate::sys::lock::Lock;
use crate::sys::parallel;
use crate::sys::process::Dir;
use crate::sys::store::Store;
use crate::ui::Ui;
use anyhow::{Result, anyhow};

/// So many leases are locked at the same time: each lock is an open file.
const AT_ONCE: usize = 100;

/// What came of looking at a lease.
#[derive(Debug)]
pub enum Settled {
    /// What it held was released, or would be.
    Settled(Box<Released>),
    /// Nothing is to be released.
    NotDue,
    /// Another process works on it.
    Busy,
}

/// A lease that was settled, or would be.
#[derive(Debug)]
pub struct Released {
    /// What it held.
    pub lease: Lease,
    /// Why.
    pub due: Due,
    /// What still runs where its worktree was, or listens on its ports.
    pub running: Vec<Stranger>,
}

/// How a lease that is due is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// What an unfinished `add` made is taken back.
    Undo,
    /// It is opened again.
    Reopen,
    /// It goes to the trash.
    Keep,
    /// It comes out of the trash.
    Restore,
    /// Everything that it holds is deleted.
    Remove,
}

/// A lease that is due and that no other process works on.
struct Job {
    lease: Lease,
    due: Due,
    _working: Lock,
}

impl From<Due> for Way {
    fn from(due: Due) -> Self {
        match due {
            Due::AddInterrupted => Way::Undo,
            Due::CloseInterrupted => Way::Reopen,
            Due::KeepInterrupted => Way::Keep,
            Due::RestoreInterrupted => Way::Restore,
            Due::RemoveInterrupted | Due::WorktreeGone | Due::RepositoryGone => Way::Remove,
        }
    }
}

/// Releases what those of the leases hold that are due; the answers are in the order of the leases. On an error the lease
/// stays on record. Without `--force`: what has live sessions or holds work stays.
pub fn settle_all(ui: &Ui, store: &Store, leases: &[Lease], dry_run: bool) -> Vec<Result<Settled>> {
    let mut settled = settle_once(ui, store, leases, dry_run);
    if !dry_run {
        settle_reopened(ui, store, &mut settled);
    }
    settled
}

/// Settles again what was opened again: its worktree may have been deleted since it was closed.
fn settle_reopened(ui: &Ui, store: &Store, settled: &mut [Result<Settled>]) {
    let reopened = |one: &Result<Settled>| match one {
        Ok(Settled::Settled(one)) if one.due == Due::CloseInterrupted => {
            store.lease(&one.lease.id).ok()?
        }
        _ => None,
    };
    let found = settled.iter().enumerate();
    let found = found.filter_map(|(place, one)| Some((place, reopened(one)?)));
    let (places, leases): (Vec<usize>, Vec<Lease>) = found.unzip();
    if leases.is_empty() {
        return;
    }
    for (place, again) in places.into_iter().zip(settle_once(ui, store, &leases, false)) {
        if !matches!(again, Ok(Settled::NotDue | Settled::Busy)) {
            settled[place] = again;
        }
    }
}

fn settle_once(ui: &Ui, store: &Store, leases: &[Lease], dry_run: bool) -> Vec<Result<Settled>> {
    let trees = Trees::of(leases);
    let looked = leases.iter().map(|lease| match due_among(&trees, lease) {
        Ok(Some(_)) => Ok(lease),
        Ok(None) => Err(Ok(Settled::NotDue)),
        Err(error) => Err(Err(error)),
    });
    parallel::rest(looked, |due| {
        let servers = Servers::of(if dry_run { &[] } else { &due });
        let settle = |some: &[&Lease]| settle_some(ui, store, &servers, some, dry_run);
        due.chunks(AT_ONCE).flat_map(settle).collect()
    })
}

/// As [`super::due`], of a repository whose worktrees were read.
fn due_among(trees: &Trees, lease: &Lease) -> Result<Option<Due>> {
    due_with(lease, &Neighbours::default(), || Ok(trees.find(lease)?.cloned()))
}

fn settle_some(
    ui: &Ui,
    store: &Store,
    servers: &Servers,
    leases: &[&Lease],
    dry_run: bool,
) -> Vec<Result<Settled>> {
    let locked = parallel::each(leases, |lease| store.try_lock_lease(&lease.id));
    // Read under the locks: a command may have finished since the leases were read.
    let trees = Trees::of(leases.iter().copied());
    let begin = |(lease, locked): (&&Lease, Result<Option<Lock>>)| {
        let working = locked.map_err(Err)?.ok_or(Ok(Settled::Busy))?;
        let lease = store.lease(&lease.id).map_err(Err)?.ok_or(Ok(Settled::NotDue))?;
        let due = due_among(&trees, &lease).map_err(Err)?.ok_or(Ok(Settled::NotDue))?;
        if !dry_run && lease.phase == Phase::Ready {
            trash::forget_stale(store, &lease).map_err(Err)?;
        }
        Ok(Job { lease, due, _working: working })
    };
    parallel::rest(leases.iter().zip(locked).map(begin), |jobs| {
        let running = strangers(&jobs);
        let done = if dry_run {
            jobs.iter().map(|_| Ok(true)).collect()
        } else {
            release(ui, store, servers, &jobs)
        };
        let answer = |((job, running), done): ((Job, Vec<Stranger>), Result<bool>)| match done? {
            true => {
                let Job { lease, due, .. } = job;
                Ok(Settled::Settled(Box::new(Released { lease, due, running })))
            }
            false => Ok(Settled::NotDue),
        };
        jobs.into_iter().zip(running).zip(done).map(answer).collect()
    })
}

/// What `up` did not start of what runs in the environments that go.
fn strangers(jobs: &[Job]) -> Vec<Vec<Stranger>> {
    let goes = |job: &Job| matches!(Way::from(job.due), Way::Undo | Way::Remove);
    let going: Vec<&Lease> = jobs.iter().filter(|job| goes(job)).map(|job| &job.lease).collect();
    if going.is_empty() {
        return jobs.iter().map(|_| Vec::new()).collect();
    }
    let machine = Machine::read(&going, processes::running_in(&going));
    let of = |job: &Job| {
        let lease = &job.lease;
        let mut found = match goes(job) {
            true => machine.strangers(lease, &Dir::at(&trash::beside(&lease.path, &lease.id))),
            false => Vec::new(),
        };
        // Something else has the place of the worktree by now, with what runs there.
        if job.due == Due::WorktreeGone && !matches!(fs::stands(&lease.path), Ok(Stands::Nothing)) {
            found.retain(|one| one.port.is_some());
        }
        found
    };
    jobs.iter().map(of).collect()
}

/// Says of each whether it was settled; `false`: it is not due any more.
fn release(ui: &Ui, store: &Store, servers: &Servers, jobs: &[Job]) -> Vec<Result<bool>> {
    let of = |way| jobs.iter().filter(|job| Way::from(job.due) == way).collect::<Vec<_>>();
    let unfinished = of(Way::Undo);
    let leases: Vec<&Lease> = unfinished.iter().map(|job| &job.lease).collect();
    let mut undone = teardown::undo_all(ui, store, servers, &leases).into_iter();
    let mut removed = remove_all(ui, store, servers, &of(Way::Remove)).into_iter();
    let mut one = |job: &Job| {
        let lease = &job.lease;
        let missing = || Err(anyhow!("`{}` was not settled", lease.name));
        let done = match Way::from(job.due) {
            Way::Remove => return removed.next().unwrap_or_else(missing),
            Way::Undo => undone.next().unwrap_or_else(|| missing().map(drop)),
            Way::Reopen => remove::reopen(store, servers, lease.clone()).map(drop),
            Way::Keep => trash::finish_keeping(ui, store, lease, false),
            Way::Restore => trash::finish_restoring(ui, store, lease),
        };
        done.map(|()| true)
    };
    jobs.iter().map(&mut one).collect()
}

/// Looks at what is due to be deleted, and deletes of it what would lose nothing and is still due then.
fn remove_all(ui: &Ui, store: &Store, servers: &Servers, jobs: &[&Job]) -> Vec<Result<bool>> {
    let leases: Vec<&Lease> = jobs.iter().map(|job| &job.lease).collect();
    let before = Trees::of(leases.iter().copied());
    let risks = removal_risks::of_all(store, &leases, &before, false, servers);
    // The look asks servers, which takes time: a worktree may be back since.
    let after = Trees::of(leases);
    let is_due = |job: &Job, risks: Result<removal_risks::Risks>| {
        removal_risks::require_none(&job.lease, &risks?.losses, false)?;
        Ok(due_among(&after, &job.lease)? == Some(job.due))
    };
    let agreed = jobs.iter().zip(risks).map(|(job, risks)| match is_due(job, risks) {
        Ok(true) => Ok(&job.lease),
        answer => Err(answer),
    });
    parallel::rest(agreed, |leases| {
        let removing = leases.into_iter().map(|lease| lease.clone().into_removing());
        let removing: Vec<Lease> = removing.collect();
        let saved = store.save_all(&removing.iter().collect::<Vec<_>>());
        let begun = saved.into_iter().zip(removing);
        let begun = begun.map(|(saved, lease)| saved.map(|()| lease).map_err(Err));
        parallel::rest(begun, |going| {
            let ended = teardown::end_all(&going.iter().collect::<Vec<_>>());
            let going = going.into_iter().zip(ended);
            let going = going.map(|(lease, left)| Going { lease, force: Force::default(), left });
            let removed = teardown::remove_all(ui, store, servers, going.collect());
            removed.into_iter().map(|removed| removed.map(|_| true)).collect()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_gone_or_was_being_removed_is_deleted() {
        let deleted = [Due::RemoveInterrupted, Due::WorktreeGone, Due::RepositoryGone];
        assert!(deleted.into_iter().all(|due| Way::from(due) == Way::Remove));
        let kept = [Due::CloseInterrupted, Due::KeepInterrupted, Due::RestoreInterrupted];
        let ways = kept.map(Way::from);
        assert_eq!(ways, [Way::Reopen, Way::Keep, Way::Restore]);
        assert_eq!(Way::from(Due::AddInterrupted), Way::Undo);
    }
}
