//! Moves an environment to the trash.

use super::{back, place, rebuilt};
use crate::environment::{part_problem, teardown, worktree};
use crate::error::{self, Exit, exit_of};
use crate::model::config::Trash;
use crate::model::lease::{self, Lease, Part};
use crate::model::trash::{Phase, Record, Seen, VERSION};
use crate::service::trash::{self as parts, Kept};
use crate::service::{self, inventory};
use crate::sys::store::Store;
use crate::sys::{clock, failpoint, fs, git, interrupt, parallel, trash};
use crate::ui::Ui;
use anyhow::Result;

/// How an environment is kept.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// How long, and how much.
    pub trash: Trash,
    /// Sessions on its databases are ended, and a Redis index is its own although an application flushed the mark.
    pub force: bool,
}

/// Moves an environment that passed every check to the trash. Its branch is deleted where the lease says so.
///
/// # Errors
/// Refused when its worktree or a part of it may not be moved, and then it is as it was; partial when a server does not
/// answer, and `prune` finishes that.
pub fn keep(ui: &Ui, store: &Store, lease: &Lease, wish: Wish) -> Result<Record> {
    let record = begin(store, lease, wish.trash)?;
    failpoint::point("trash-recorded")?;
    let lease = lease.clone().into_keeping();
    store.save(&lease)?;
    failpoint::point("keeping")?;
    finish(ui, store, &lease, wish.force)?;
    Ok(trash::record(store, &lease.id)?.unwrap_or(record))
}

fn begin(store: &Store, lease: &Lease, wish: Trash) -> Result<Record> {
    let Some(tree) = worktree::of(lease)?.filter(|tree| tree.is_present()) else {
        let message = format!("cannot keep `{}`: its worktree is gone", lease.name);
        let hint =
            format!("remove the rest for good: `git agentenv remove --no-keep {}`", lease.name);
        return Err(error::refused(message).hint(hint).into());
    };
    worktree::require_in_place(lease, &tree)?;
    for part in &lease.parts {
        parts::require(&lease.resource(part)?, &lease.id).map_err(|error| {
            let failure = error::refused(format!("cannot keep `{}`", lease.name));
            let hint =
                format!("remove it for good: `git agentenv remove --no-keep {}`", lease.name);
            error.context(failure.hint(hint))
        })?;
    }
    let settings = match &lease.branch {
        Some(branch) if lease.delete_branch_at.is_some() => {
            git::branch_settings(&lease.main, branch)?
        }
        _ => Vec::new(),
    };
    let record = Record {
        version: VERSION,
        phase: Phase::Keeping,
        removed_at: clock::now(),
        serial: trash::next_serial(store)?,
        seen: Seen::default(),
        keep: wish.keep,
        limit: wish.limit,
        place: place::choose(&tree.path, &lease.repository, &lease.id)?,
        head: git::resolve(&tree.path, "HEAD").ok(),
        branch_settings: settings,
        size: 0,
        lease: Lease {
            phase: lease::Phase::Ready,
            admin: Some(tree.admin.clone()),
            delete_branch_at: None,
            processes: Default::default(),
            ..lease.clone()
        },
    };
    trash::save(store, &record)?;
    Ok(record)
}

/// Moves to the trash what is not there yet of an environment whose lease is `keeping`. The lease goes last. The parts go
/// first: a server may refuse what git would have allowed.
///
/// # Errors
/// As [`keep`].
pub fn finish(ui: &Ui, store: &Store, lease: &Lease, force: bool) -> Result<()> {
    let Some(mut record) = trash::record(store, &lease.id)? else {
        // How long it was to be kept is not known any more.
        rebuilt::say(ui, lease);
        return back::bring_back(ui, store, lease).map(drop);
    };
    if record.phase != Phase::Keeping {
        return store.forget(&lease.id);
    }
    let mut left = Vec::new();
    left.extend(teardown::end_all(&[lease]).into_iter().flatten());
    hold(store, lease, &mut record)?;
    let mut moved = services(ui, store, lease, &record, force);
    if !moved.iter().any(is_refused) {
        moved.push(move_worktree(ui, store, lease, &mut record).map(|()| fs::size(&record.place)));
    }
    if let Some(at) = moved.iter().position(is_refused) {
        let why = moved.swap_remove(at).map(drop);
        return why.map_err(|why| take_back(ui, store, record, why));
    }
    record.size = moved.iter().flatten().sum();
    left.extend(moved.into_iter().filter_map(Result::err));
    if left.is_empty() {
        note(&mut left, "branch", teardown::unwanted_branch(ui, lease));
    }
    if let Some(failure) = partial(lease, &left) {
        return Err(failure);
    }
    record.phase = Phase::Kept;
    trash::save(store, &record)?;
    failpoint::point("kept")?;
    store.forget(&lease.id)?;
    failpoint::point("forgotten")
}

fn is_refused(moved: &Result<u64>) -> bool {
    moved.as_ref().is_err_and(|error| exit_of(error) == Exit::Refused)
}

/// The error with which an environment stays, after what was moved of it is back.
fn take_back(ui: &Ui, store: &Store, record: Record, why: anyhow::Error) -> anyhow::Error {
    interrupt::undoing();
    let name = record.lease.name.clone();
    let back = back::take_back(ui, store, record);
    interrupt::undone();
    match back {
        Ok(_) => {
            ui.say(format!("`{name}` stays as it was"));
            why
        }
        Err(error) => {
            let failure = error::partial(format!("{why:#}; not all of `{name}` is back yet"));
            let hint = "fix that, then `git agentenv prune` brings it back";
            error.context(failure.hint(hint))
        }
    }
}

fn move_worktree(ui: &Ui, store: &Store, lease: &Lease, record: &mut Record) -> Result<()> {
    let step = ui.step("worktree");
    let _lock = store.lock_repository(&lease.repository)?;
    let before = record.clone();
    place::take(&before, |other| {
        other.clone_into(&mut record.place);
        trash::save(store, record)
    })?;
    step.done();
    Ok(())
}

/// While the worktree is in its place: later its commits are held already.
fn hold(store: &Store, lease: &Lease, record: &mut Record) -> Result<()> {
    if let Some(tree) = worktree::of(lease)?.filter(|tree| tree.is_present()) {
        record.head = git::hold(&lease.main, &tree.path, &tree.admin, &lease.id)?;
        trash::save(store, record)?;
    }
    Ok(())
}

/// Moves the parts side by side; gives the bytes of each, or why it stays.
fn services(
    ui: &Ui,
    store: &Store,
    lease: &Lease,
    record: &Record,
    force: bool,
) -> Vec<Result<u64>> {
    parallel::each(&record.lease.parts, |part| service(ui, store, lease, part, force))
}

fn service(ui: &Ui, store: &Store, lease: &Lease, part: &Part, force: bool) -> Result<u64> {
    let what = part.to_string();
    let step = ui.step(&what);
    let resource = lease.resource(part)?;
    let file = trash::keys(store, &lease.id, &part.service);
    // Only before its keys are in the file: afterwards the index may be another environment's.
    if (force || part.server_id.is_some()) && fs::stands(&file)? == fs::Stands::Nothing {
        service::reclaim(&resource, &lease.id)?;
    }
    let kept = parts::keep(&resource, &lease.id, force, &file)
        .map_err(|error| error.context(format!("cannot move {what} to the trash")))?;
    match kept {
        Kept::InTrash(size) => {
            step.done();
            return Ok(size);
        }
        Kept::Missing => {
            step.nothing();
            if let Some(now) = part_problem::renamed(lease, part)? {
                part_problem::leave_renamed(ui, lease, part, &now, force)?;
            }
        }
        Kept::NotOurs(whose) => {
            step.nothing();
            ui.warn(format!("skipping {what}: it belongs to another owner ({whose})"));
        }
        Kept::Busy(sessions) => {
            step.nothing();
            let message = format!("{what} is in use by {}", inventory::listed(&sessions));
            let hint = "end these sessions, or `--force` ends them";
            return Err(error::refused(message).hint(hint).into());
        }
    }
    Ok(0)
}

fn note(left: &mut Vec<anyhow::Error>, what: &str, result: Result<()>) {
    if let Err(error) = result {
        left.push(error.context(format!("cannot remove the {what}")));
    }
}

fn partial(lease: &Lease, left: &[anyhow::Error]) -> Option<anyhow::Error> {
    if left.is_empty() {
        return None;
    }
    let failure = error::left(&format!("partly moved `{}` to the trash", lease.name), left);
    Some(failure.hint("fix that, then `git agentenv prune` moves the rest").into())
}
