//! Deletes environments that are removed for good, side by side.

use super::parts::{self, Released};
use super::{Force, conclude, keep, unwanted_branch, worktree};
use crate::environment::trees::Trees;
use crate::environment::{closing, processes, trash, worktree as trees};
use crate::error;
use crate::model::config::Place;
use crate::model::lease::Lease;
use crate::service::removal::Servers;
use crate::sys::docker::{self, Projects};
use crate::sys::store::Store;
use crate::sys::{failpoint, parallel};
use crate::ui::Ui;
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long files are deleted at least before the rest is left to a process of their own. While the servers are at work it
/// costs nothing. In debug builds, which the tests strike at each step, the machine may be busy with other tests.
const FILES: Duration = Duration::from_millis(if cfg!(debug_assertions) { 5_000 } else { 50 });

/// How long containers of an environment that goes have to end by themselves.
const STOP: Duration = Duration::from_secs(5);

/// An environment whose lease is `removing`.
pub struct Going {
    /// Its lease.
    pub lease: Lease,
    /// What may go with it.
    pub force: Force,
    /// What could not be deleted so far.
    pub left: Vec<anyhow::Error>,
}

/// Ends what runs in these environments; gives what could not be ended of each.
pub fn end_all(leases: &[&Lease]) -> Vec<Vec<anyhow::Error>> {
    if leases.is_empty() {
        return Vec::new();
    }
    let mut left = end_processes(leases, &processes::running_in(leases));
    let ended = end_containers(&Projects::list(), leases);
    left.iter_mut().zip(ended).for_each(|(left, ended)| left.extend(ended.err()));
    left
}

/// Ends the processes of those of the environments in which something runs; gives what could not be
/// ended of each. One may be the compose of a killed `up`, which makes containers until it has
/// ended: list them after that.
pub fn end_processes(leases: &[&Lease], running: &BTreeSet<String>) -> Vec<Vec<anyhow::Error>> {
    parallel::each(leases, |lease| {
        let mut left = Vec::new();
        if running.contains(&lease.id) {
            keep(&mut left, "processes", processes::end(lease, processes::GRACE).map(drop));
        }
        left
    })
}

/// Removes the containers that were started in each of the worktrees; says how many. Without an engine there are none, unless
/// a part needs it.
pub fn end_containers(containers: &Result<Projects>, leases: &[&Lease]) -> Vec<Result<usize>> {
    parallel::each(leases, |lease| {
        let needs_docker = lease.parts.iter().any(|part| !matches!(part.place, Place::Host));
        let ended = match containers {
            Err(_) if !needs_docker => return Ok(0),
            Err(error) => Err(error::again(error)),
            Ok(containers) => remove_containers(containers, lease, STOP),
        };
        ended.map_err(|error| error.context("cannot release the containers"))
    })
}

/// Removes the containers that were started in the worktree, and the networks of its stack. Gives how many containers.
pub fn remove_containers(containers: &Projects, lease: &Lease, grace: Duration) -> Result<usize> {
    let removed = containers.remove(&lease.project, &lease.path, grace)?;
    if has_stack(lease) {
        docker::remove_networks(&lease.id)?;
    }
    Ok(removed.len())
}

/// Compose may have made networks and volumes for it, with the lease's id on them.
fn has_stack(lease: &Lease) -> bool {
    lease.compose_file.is_some()
}

/// Removes the volumes of the environment's stack: its data, like its databases.
pub fn remove_volumes(lease: &Lease) -> Result<()> {
    if has_stack(lease) { docker::remove_volumes(&lease.id) } else { Ok(()) }
}

/// The services of which an environment that is gone held nothing that was its own: what it named there stays.
pub type Stays = Vec<String>;

/// Deletes everything of environments in which nothing runs any more; the leases last.
///
/// # Errors
/// Of each, partial, naming what could not be deleted; the lease keeps it.
pub fn remove_all(
    ui: &Ui,
    store: &Store,
    servers: &Servers,
    going: Vec<Going>,
) -> Vec<Result<Stays>> {
    let trees = Trees::of(going.iter().map(|one| &one.lease));
    let taken = parallel::each(&going, |one| take(ui, store, one, &trees));
    let taken = going.into_iter().zip(taken).map(|(mut one, taken)| {
        let (lease, left) = taken.map_err(Err)?;
        one.left.extend(left);
        Ok(Going { lease, ..one })
    });
    let results = parallel::rest(taken, |mut rest| {
        discard_fragments(store, &mut rest);
        release(ui, store, servers, rest)
    });
    // What no process deletes, `prune` does.
    trash::empty_in_background(store).ok();
    results
}

/// Takes a worktree: gives the lease with what is recorded of it, and what could not be deleted.
///
/// # Errors
/// When nothing of it was deleted, and the rest has to stay, too.
fn take(
    ui: &Ui,
    store: &Store,
    one: &Going,
    trees: &Trees,
) -> Result<(Lease, Option<anyhow::Error>)> {
    let lease = &one.lease;
    let tree = trees.find(lease)?;
    let step = ui.about(&lease.name).step("worktree");
    let taken = worktree(store, lease, tree, one.force);
    let Err(error) = taken else {
        step.done();
        return Ok((Lease { remains: false, ..lease.clone() }, None));
    };
    let is_closed = closing::is_closed(lease)?;
    let remains = !is_closed && trees::has_remains(lease)?;
    if !remains && !is_closed {
        return Err(error);
    }
    let error = error.context("cannot release the worktree");
    Ok((Lease { remains, ..lease.clone() }, Some(error)))
}

fn discard_fragments(store: &Store, rest: &mut [Going]) {
    let mut by_repository: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
    for (at, one) in rest.iter().enumerate() {
        by_repository.entry(one.lease.repository.clone()).or_default().push(at);
    }
    for (repository, at) in by_repository {
        let leases: Vec<&Lease> = at.iter().map(|&at| &rest[at].lease).collect();
        let discarded = store
            .lock_repository(&repository)
            .and_then(|_lock| trees::discard_fragments(&repository, &leases));
        if let Err(error) = discarded {
            at.into_iter().for_each(|at| rest[at].left.push(error::again(&error)));
        }
    }
}

/// What came of the files of an environment and of its branch.
struct Beside {
    branch: Result<()>,
    volumes: Result<()>,
    /// The containers that were started after the last look.
    containers: Result<usize>,
    /// Whether all files are deleted.
    files: Result<bool>,
}

/// Releases the parts, and meanwhile deletes branches and files.
fn release(ui: &Ui, store: &Store, servers: &Servers, rest: Vec<Going>) -> Vec<Result<Stays>> {
    let done = AtomicBool::new(false);
    let at_once = failpoint::point("files-postponed").is_err();
    let files = |lease: &Lease| {
        let begin = Instant::now();
        let may_go_on = || !at_once && (!done.load(Ordering::SeqCst) || begin.elapsed() < FILES);
        trash::delete_files(lease, &may_go_on)
    };
    let beside = |one: &Going| Beside {
        branch: unwanted_branch(&ui.about(&one.lease.name), &one.lease),
        volumes: remove_volumes(&one.lease),
        containers: Ok(0),
        files: files(&one.lease),
    };
    let leases: Vec<(&Lease, Force)> = rest.iter().map(|one| (&one.lease, one.force)).collect();
    let released = || {
        let gone = parts::release(ui, servers, &leases);
        done.store(true, Ordering::SeqCst);
        gone
    };
    let names: Vec<&Lease> = rest.iter().map(|one| &one.lease).collect();
    let files = || {
        let beside = parallel::each(&rest, beside);
        trash::sync_gone(ui, &names);
        beside
    };
    let (begun, (mut beside, gone)) =
        parallel::both(Projects::list, || parallel::both(files, released));
    let ended = end_containers(&begun, &names);
    beside.iter_mut().zip(ended).for_each(|(one, ended)| one.containers = ended);
    let all = rest.into_iter().zip(beside).zip(gone);
    let finished = |((one, beside), gone): ((Going, Beside), Vec<Result<Released>>)| {
        let parts = one.lease.parts.iter().zip(&gone);
        let stays = parts.filter(|(_, gone)| matches!(gone, Ok(Released::Stays)));
        let stays = stays.map(|(part, _)| part.service.clone()).collect();
        finish(store, one, beside, gone).map(|()| stays)
    };
    all.map(finished).collect()
}

fn finish(store: &Store, one: Going, beside: Beside, gone: Vec<Result<Released>>) -> Result<()> {
    let Going { lease, mut left, .. } = one;
    keep(&mut left, "branch", beside.branch);
    keep(&mut left, "volumes", beside.volumes);
    let parts = parts::left(&lease, gone, &mut left);
    if left.is_empty() {
        left.extend(beside.containers.err());
    }
    match beside.files {
        Err(error) => left.push(error.context("cannot release the worktree")),
        Ok(false) if left.is_empty() => {
            failpoint::point("before-forgotten")?;
            if trash::discard(store, &lease).is_ok() {
                return failpoint::point("forgotten");
            }
            // A full disk: its record cannot be written, and its files are what fills it.
            if let Err(error) = trash::delete_files(&lease, &|| true) {
                left.push(error.context("cannot release the worktree"));
            }
        }
        Ok(_) => {}
    }
    conclude(store, &lease, parts, left)
}
