//! The last look before environments are destroyed: they are closed first, and opened again where something is found that
//! nobody agreed to.

use super::{Removal, RemoveOptions};
use crate::environment::removal_risks::{self, Going, Loss};
use crate::environment::trees::Trees;
use crate::environment::{closing, parts, processes, teardown};
use crate::error::{self, Exit, Failure, exit_of};
use crate::model::lease::Lease;
use crate::service::removal::{Look, Servers};
use crate::sys::docker::Projects;
use crate::sys::repo::Worktree;
use crate::sys::store::Store;
use crate::sys::{failpoint, interrupt, parallel};
use crate::ui::Ui;
use anyhow::{Result, anyhow};
use std::collections::BTreeSet;

/// Closes these environments and looks again. Gives what could not be ended of each that goes, or why it stays; that one is
/// as it was, but for the processes that were ended.
pub(super) fn close(
    ui: &Ui,
    store: &Store,
    servers: &Servers,
    options: RemoveOptions,
    removals: &[&Removal],
) -> Vec<Result<Vec<anyhow::Error>>> {
    let closing: Vec<Lease> = removals.iter().map(|one| one.lease.clone().into_closing()).collect();
    let begun = store.save_all(&closing.iter().collect::<Vec<_>>()).into_iter();
    let begun = begun.map(|saved| saved.and_then(|()| failpoint::point("closing")));
    let begun: Vec<Result<()>> = begun.collect();
    // What is closed and not on record would stay closed after a kill.
    let recorded = removals.iter().zip(&begun).filter(|(_, begun)| begun.is_ok());
    let recorded: Vec<&Removal> = recorded.map(|(one, _)| *one).collect();
    let mut closed = close_recorded(ui, store, servers, options, &recorded).into_iter();
    let ended = begun.into_iter().map(|begun| {
        begun.and_then(|()| closed.next().unwrap_or_else(|| Err(anyhow!("it was not closed"))))
    });
    let ended: Vec<Result<_>> = ended.collect();
    let is_undone = ended.iter().any(Result::is_err);
    if is_undone {
        interrupt::undoing();
    }
    let opened = removals
        .iter()
        .zip(ended)
        .map(|(one, ended)| ended.map_err(|error| put_back(store, servers, &one.lease, error)));
    let ended = opened.collect();
    if is_undone {
        interrupt::undone();
    }
    ended
}

/// As [`close`], of environments whose leases are `closing`. What stays is not opened again yet.
fn close_recorded(
    ui: &Ui,
    store: &Store,
    servers: &Servers,
    options: RemoveOptions,
    removals: &[&Removal],
) -> Vec<Result<Vec<anyhow::Error>>> {
    if removals.is_empty() {
        return Vec::new();
    }
    let leases: Vec<&Lease> = removals.iter().map(|one| &one.lease).collect();
    let going = removal_risks::branches(store, &leases, options.delete_branch);
    // A container that Docker restarts would make the directories it mounts again, at the name that the worktree had. What
    // cannot be ended is tried, and named, below.
    let stacks = leases.iter().copied().filter(|lease| lease.compose_file.is_some());
    teardown::end_all(&stacks.collect::<Vec<_>>());
    let ran = removals.iter().filter(|one| one.runs_own).map(|one| one.lease.id.clone());
    let ran: BTreeSet<String> = ran.collect();
    let mut left = teardown::end_processes(&leases, &ran);
    let (mut begun, mut found) = close_and_look(ui, servers, &going, removals);
    // What could not be ended before cannot be now either.
    for (lease, _) in leases.iter().zip(&left).filter(|(_, left)| !left.is_empty()) {
        begun.remove(&lease.id);
    }
    let ended = teardown::end_processes(&leases, &begun);
    left.iter_mut().zip(ended).for_each(|(left, ended)| left.extend(ended));
    let containers = containers(servers, &leases, !(ran.is_empty() && begun.is_empty()));
    let ended = teardown::end_containers(&containers, &leases);
    for (at, ended) in ended.into_iter().enumerate() {
        // Until they had ended, they could write to what was looked at. Of several, some may have ended in spite of an error.
        let had_container = containers.is_ok() && !matches!(ended, Ok(0));
        if had_container || begun.contains(&leases[at].id) {
            let (_, again) = close_and_look(ui, servers, &going, &removals[at..=at]);
            found.splice(at..=at, again).for_each(drop);
        }
        left[at].extend(ended.err());
    }
    let judged = removals.iter().zip(found).zip(left).map(|((one, (tree, looks)), left)| {
        let losses = failpoint::point("database-closed").and(tree)?;
        judge(options, one, losses, looks)?;
        Ok((one.lease.clone().into_removing(), left))
    });
    let judged = judged.map(|judged: Result<_>| judged.map_err(Err));
    parallel::rest(judged, |going: Vec<(Lease, Vec<anyhow::Error>)>| {
        let leases: Vec<&Lease> = going.iter().map(|(lease, _)| lease).collect();
        let saved = store.save_all(&leases).into_iter();
        saved.zip(going).map(|(saved, (_, left))| saved.map(|()| left)).collect()
    })
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

/// What would be lost with a worktree, and what the servers say of its lease's parts.
type Found = (Result<Vec<Loss>>, Vec<Result<Look>>);

/// Closes worktrees and databases as far as they are open, and looks at them. `going` are the branches that go with them. Gives
/// the ids of those in whose worktrees a process ran by its mark when they were closed: it may write until it has ended.
fn close_and_look(
    ui: &Ui,
    servers: &Servers,
    going: &Going<'_>,
    removals: &[&Removal],
) -> (BTreeSet<String>, Vec<Found>) {
    let leases: Vec<&Lease> = removals.iter().map(|one| &one.lease).collect();
    let ((ran, trees), looks) = parallel::both(
        || close_trees(ui, going, removals, &leases),
        || parts::close(servers, &leases),
    );
    (ran, trees.into_iter().zip(looks).collect())
}

/// Closes worktrees, and says what would be lost with each. One that cannot be closed is looked at where it is. The marks are
/// read in between: no process can go into a closed worktree, and one that ended before had written before the look.
fn close_trees(
    ui: &Ui,
    going: &Going<'_>,
    removals: &[&Removal],
    leases: &[&Lease],
) -> (BTreeSet<String>, Vec<Result<Vec<Loss>>>) {
    let trees = Trees::of(leases.iter().copied());
    let closed =
        parallel::each(removals, |one| close_tree(ui, &one.lease, trees.find(&one.lease)?));
    let ran = processes::marked_in(leases);
    let trees = Trees::of(leases.iter().copied());
    let closed =
        leases.iter().zip(closed).map(|(lease, closed)| closed.map(|()| *lease).map_err(Err));
    let look = |lease: &&Lease| removal_risks::of_tree(lease, trees.find(lease)?, going);
    let (synced, losses) = parallel::both(
        || closing::sync(leases),
        || parallel::rest(closed, |closed| parallel::each(&closed, look)),
    );
    let synced = |losses: Result<_>| synced.as_ref().map_err(error::again).and(losses);
    (ran, losses.into_iter().map(synced).collect())
}

fn close_tree(ui: &Ui, lease: &Lease, tree: Option<&Worktree>) -> Result<()> {
    if let Some(tree) = tree.filter(|tree| tree.is_present())
        && let Err(why) = closing::close(lease, tree)
    {
        if exit_of(&why) == Exit::Refused {
            return Err(why);
        }
        ui.about(&lease.name)
            .say(format!("deleting {} where it is: {why:#}", lease.path.display()));
    }
    failpoint::point("worktree-closed")
}

/// Refuses when something would be lost that the first look did not see. A server that does not answer loses nothing.
fn judge(
    options: RemoveOptions,
    one: &Removal,
    mut losses: Vec<Loss>,
    looks: Vec<Result<Look>>,
) -> Result<()> {
    for (part, look) in one.lease.parts.iter().zip(looks) {
        match look {
            Ok(look) => losses.extend(removal_risks::of_part(&one.lease, part, &look, false)),
            Err(error) if exit_of(&error) == Exit::Interrupted => return Err(error),
            Err(_) => {}
        }
    }
    losses.retain(|loss| !one.removed.losses.contains(loss));
    removal_risks::require_none(&one.lease, &losses, options.force)
}

/// The error with which an environment stays, after it was opened again.
fn put_back(
    store: &Store,
    servers: &Servers,
    lease: &Lease,
    error: anyhow::Error,
) -> anyhow::Error {
    match reopen(store, servers, lease.clone()) {
        Ok(_) => error,
        Err(closed) => {
            // Who interrupted is told so, whatever else came of it.
            let exit = match exit_of(&error) {
                Exit::Interrupted => Exit::Interrupted,
                _ => Exit::Partial,
            };
            let message = format!("{error:#}; `{}` is not open again", lease.name);
            let hint = "`git agentenv prune` opens it again";
            closed.context(Failure::new(exit, message).hint(hint))
        }
    }
}

/// Opens an environment again that was closed, as far as it was; its lease is `ready` then.
///
/// # Errors
/// When something has its place by now, or a server does not answer; the lease stays `closing`. Neither keeps the other from
/// being opened: who works in the directory needs no server for that.
pub fn reopen(store: &Store, servers: &Servers, lease: Lease) -> Result<Lease> {
    let opened = parts::open(servers, &[&lease]);
    let opened = opened.into_iter().flatten().collect::<Result<Vec<()>>>();
    let opened = opened.and_then(|_| failpoint::point("database-opened"));
    match (opened, closing::open(&lease)) {
        (Err(parts), Err(tree)) => return Err(tree.context(format!("{parts:#}"))),
        (parts, tree) => parts.and(tree)?,
    }
    let lease = lease.into_open();
    store.save(&lease)?;
    failpoint::point("opened")?;
    Ok(lease)
}
