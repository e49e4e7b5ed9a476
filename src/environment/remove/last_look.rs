//! The last look before environments are destroyed: they are closed first, and opened again where something is found that
//! nobody agreed to.

use super::{Removal, RemoveOptions, Run, running};
use crate::environment::removal_risks::{self, Going, Loss};
use crate::environment::trees::Trees;
use crate::environment::{closing, parts, processes};
use crate::error::{Exit, Failure, exit_of};
use crate::model::lease::Lease;
use crate::service::removal::{Look, Servers};
use crate::sys::repo::Worktree;
use crate::sys::store::Store;
use crate::sys::{failpoint, interrupt, parallel};
use crate::ui::Ui;
use anyhow::Result;
use std::collections::BTreeSet;

/// What could not be ended of an environment.
type Left = Vec<anyhow::Error>;

/// What would be lost with a worktree, and what the servers say of its lease's parts.
type Found = (Result<Vec<Loss>>, Vec<Result<Look>>);

impl Run<'_> {
    /// Closes these environments and looks again. Gives what could not be ended of each that goes, or why it stays; that one
    /// is as it was, but for the processes that were ended.
    pub(super) fn last_look(&self, removals: &[&Removal]) -> Vec<Result<Left>> {
        let store = &self.context.store;
        let closing: Vec<Lease> =
            removals.iter().map(|one| one.lease.clone().into_closing()).collect();
        let begun = store.save_all(&closing.iter().collect::<Vec<_>>()).into_iter();
        let begun = begun.map(|saved| saved.and_then(|()| failpoint::point("closing")));
        // What is closed and not on record would stay closed after a kill.
        let recorded = removals.iter().zip(begun);
        let recorded = recorded.map(|(one, begun)| begun.map(|()| *one).map_err(Err));
        let ended = parallel::rest(recorded, |recorded| self.close_recorded(&recorded));
        let is_undone = ended.iter().any(Result::is_err);
        if is_undone {
            interrupt::undoing();
        }
        let opened = removals.iter().zip(ended).map(|(one, ended)| {
            ended.map_err(|error| put_back(store, &self.servers, &one.lease, error))
        });
        let ended = opened.collect();
        if is_undone {
            interrupt::undone();
        }
        ended
    }

    /// As [`Run::last_look`], of environments whose leases are `closing`. What stays is not opened again yet.
    fn close_recorded(&self, removals: &[&Removal]) -> Vec<Result<Left>> {
        if removals.is_empty() {
            return Vec::new();
        }
        let leases: Vec<&Lease> = removals.iter().map(|one| &one.lease).collect();
        let store = &self.context.store;
        let going = removal_risks::branches(store, &leases, self.options.delete_branch);
        let mut left = running::end_started(removals);
        let (begun, mut found) = self.close_and_look(&going, removals);
        // Until it had ended, it could write to what was looked at.
        for at in self.end_begun(removals, begun, &mut left) {
            let (_, again) = self.close_and_look(&going, &removals[at..=at]);
            found.splice(at..=at, again).for_each(drop);
        }
        self.judge_all(removals, found, left)
    }

    /// Closes worktrees and databases as far as they are open, and looks at them. `going` are the branches that go with them.
    /// Gives the ids of those in whose worktrees a process ran by its mark when they were closed: it may write until it has
    /// ended.
    fn close_and_look(
        &self,
        going: &Going<'_>,
        removals: &[&Removal],
    ) -> (BTreeSet<String>, Vec<Found>) {
        let leases: Vec<&Lease> = removals.iter().map(|one| &one.lease).collect();
        let ui = self.ui;
        let ((ran, trees), looks) = parallel::both(
            || close_trees(ui, going, &leases),
            || parts::close(&self.servers, &leases),
        );
        (ran, trees.into_iter().zip(looks).collect())
    }

    /// Judges what was found. The leases of those that go are `removing` then.
    fn judge_all(
        &self,
        removals: &[&Removal],
        found: Vec<Found>,
        left: Vec<Left>,
    ) -> Vec<Result<Left>> {
        let judged = removals.iter().zip(found).zip(left).map(|((one, (tree, looks)), left)| {
            let losses = failpoint::point("database-closed").and(tree)?;
            judge(self.options, one, losses, looks)?;
            Ok((one.lease.clone().into_removing(), left))
        });
        let judged = judged.map(|judged: Result<_>| judged.map_err(Err));
        parallel::rest(judged, |going: Vec<(Lease, Left)>| {
            let leases: Vec<&Lease> = going.iter().map(|(lease, _)| lease).collect();
            let saved = self.context.store.save_all(&leases).into_iter();
            saved.zip(going).map(|(saved, (_, left))| saved.map(|()| left)).collect()
        })
    }
}

/// Closes worktrees, and says what would be lost with each. One that cannot be closed is looked at where it is. The marks are
/// read in between: no process finds a closed worktree by its old name, and one that ended before had written before the look.
fn close_trees(
    ui: &Ui,
    going: &Going<'_>,
    leases: &[&Lease],
) -> (BTreeSet<String>, Vec<Result<Vec<Loss>>>) {
    let before = Trees::of(leases.iter().copied());
    let closed = parallel::each(leases, |lease| close_tree(ui, lease, before.find(lease)?));
    let ran = processes::marked_in(leases);
    // What ran until now may have changed what git has on record.
    let after = Trees::of(leases.iter().copied());
    let look = |lease: &&Lease| removal_risks::of_tree(lease, after.find(lease)?, going);
    let closed =
        leases.iter().zip(closed).map(|(lease, closed)| closed.map(|()| *lease).map_err(Err));
    let (synced, losses) = parallel::both(
        || closing::sync(leases),
        || parallel::rest(closed, |closed| parallel::each(&closed, look)),
    );
    let found = leases.iter().zip(losses).zip(synced).map(|((lease, losses), synced)| {
        match (losses, synced) {
            (Ok(_), Err(why)) if closing::is_closed(lease)? => {
                closing::open(lease)?;
                say_where(ui, lease, &why);
                look(lease)
            }
            (losses, _) => losses,
        }
    });
    (ran, found.collect())
}

fn close_tree(ui: &Ui, lease: &Lease, tree: Option<&Worktree>) -> Result<()> {
    if let Some(tree) = tree.filter(|tree| tree.is_present())
        && let Err(why) = closing::close(lease, tree)
    {
        if exit_of(&why) == Exit::Refused {
            return Err(why);
        }
        say_where(ui, lease, &why);
    }
    failpoint::point("worktree-closed")
}

fn say_where(ui: &Ui, lease: &Lease, why: &anyhow::Error) {
    let path = lease.path.display();
    ui.about(&lease.name).say(format!("deleting {path} where it is: {why:#}"));
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
            let message = format!("{error:#}; `{}` is still on record as closed", lease.name);
            let hint = "`git agentenv prune` opens it again";
            closed.context(Failure::new(exit, message).hint(hint))
        }
    }
}

/// Opens an environment again that was closed, as far as it was; its lease is `ready` then.
///
/// # Errors
/// When something has its place by now, it cannot be synced, or a server does not answer; the lease stays `closing`. None keeps
/// the others from being opened: who works in the directory needs no server for that.
pub fn reopen(store: &Store, servers: &Servers, lease: Lease) -> Result<Lease> {
    let opened = parts::open(servers, &[&lease]);
    let opened = opened.into_iter().flatten().collect::<Result<Vec<()>>>();
    let opened = opened.and_then(|_| failpoint::point("database-opened"));
    let tree = closing::open(&lease).and_then(|()| closing::sync(&[&lease]).into_iter().collect());
    match (opened, tree) {
        (Err(parts), Err(tree)) => return Err(tree.context(format!("{parts:#}"))),
        (parts, tree) => parts.and(tree)?,
    }
    let lease = lease.into_open();
    store.save(&lease)?;
    failpoint::point("opened")?;
    Ok(lease)
}
