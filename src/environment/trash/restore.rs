//! Brings an environment back from the trash.

use super::slots;
use super::{back, place, rebuilt};
use crate::environment::compose::Project;
use crate::environment::workspace::Workspace;
use crate::environment::{files, mains, overflow};
use crate::error;
use crate::model::lease::{self, Lease, Part};
use crate::model::shell;
use crate::model::trash::{Phase, Record};
use crate::service::trash::{self as parts, Returned};
use crate::service::{self, State};
use crate::sys::fs::{self, Stands};
use crate::sys::repo::Worktree;
use crate::sys::store::Store;
use crate::sys::{failpoint, git, interrupt, parallel, repo, trash};
use crate::ui::Ui;
use anyhow::{Result, anyhow};
use serde::Serialize;

/// An environment that was restored.
#[derive(Debug)]
pub struct Restored {
    /// The environment.
    pub lease: Lease,
    /// Its variables that have another value than before.
    pub changed: Vec<Changed>,
}

/// A variable that has another value, because another environment took what it held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Changed {
    /// Its name.
    pub variable: String,
    /// The value before the removal.
    pub was: String,
    /// The value now.
    pub now: String,
}

/// Restores an environment.
///
/// # Errors
/// Refused when its path or branch is in use; when a server does not answer, and what was begun is finished later.
pub fn restore(workspace: &Workspace<'_>, wanted: &Record) -> Result<Restored> {
    let Workspace { context, ui, .. } = workspace;
    let store = &context.store;
    let id = &wanted.lease.id;
    let name = &wanted.lease.name;
    let _working = context.lock_lease(ui, &wanted.lease)?;
    let record = rebuilt::record(store, id)?.filter(|record| record.phase != Phase::Deleting);
    let Some(record) = record else {
        let message = format!("`{name}` is no longer in the trash");
        return Err(error::not_found(message).into());
    };
    let (mut record, mut occupied) = (record, Vec::new());
    loop {
        let lease = match store.lease(id)? {
            Some(lease) if lease.phase == lease::Phase::Restoring && occupied.is_empty() => lease,
            Some(lease) if lease.phase == lease::Phase::Restoring => {
                reserve(workspace, &record, &occupied)?
            }
            Some(lease) if lease.phase == lease::Phase::Keeping => back::turn(store, &mut record)?,
            Some(_) => return Err(unfinished(&record)),
            None if !place::has_worktree(&record) => return Err(incomplete(&record)),
            None => reserve(workspace, &record, &occupied)?,
        };
        match advance(ui, store, &lease, &record)? {
            Outcome::Ready(lease) => {
                Project::of(workspace).write(ui, &lease)?;
                let changed = changed(&record.lease, &lease);
                return Ok(Restored { lease: *lease, changed });
            }
            Outcome::Taken(parts) => {
                for part in &parts {
                    ui.say(format!("{part} is taken; trying the next"));
                }
                occupied.extend(parts);
            }
        }
    }
}

/// Finishes the restoration of an environment whose lease is `restoring`.
pub fn finish(ui: &Ui, store: &Store, lease: &Lease) -> Result<()> {
    let Some(record) = rebuilt::record(store, &lease.id)? else {
        return Err(anyhow!("the record of `{}` in the trash is gone", lease.name));
    };
    match advance(ui, store, lease, &record)? {
        Outcome::Ready(_) => Ok(()),
        Outcome::Taken(parts) => {
            let taken: Vec<&str> = parts.iter().map(|part| part.holds.as_str()).collect();
            let message = format!("cannot restore `{}`: {} is taken", lease.name, taken.join(", "));
            let hint = format!("`git agentenv restore {}` takes another one", record.short_id());
            Err(error::refused(message).hint(hint).into())
        }
    }
}

/// How far it came.
enum Outcome {
    /// It is an environment again.
    Ready(Box<Lease>),
    /// These are another owner's by now.
    Taken(Vec<Part>),
}

/// Writes the lease, under the lock of the machine.
fn reserve(workspace: &Workspace<'_>, record: &Record, occupied: &[Part]) -> Result<Lease> {
    let store = &workspace.context.store;
    let mains = mains::slots(store, &workspace.context.repo.common);
    let _lock = workspace.context.lock(workspace.ui)?;
    require_free(workspace, record)?;
    let lease = slots::choose(workspace, &record.lease, occupied, mains)?;
    store.save(&lease)?;
    failpoint::point("restore-recorded")?;
    Ok(lease)
}

/// Refuses where the path or the branch is in use.
fn require_free(workspace: &Workspace<'_>, record: &Record) -> Result<()> {
    let Lease { path, branch, name, id, .. } = &record.lease;
    let leases = workspace.context.store.leases()?;
    let holder = leases.iter().find(|lease| lease.path == *path && lease.id != *id);
    let is_back = record.phase == Phase::Restoring && fs::stands(&record.place)? == Stands::Nothing;
    if holder.is_some() || (!is_back && fs::stands(path)? != Stands::Nothing) {
        let word = shell::path(path);
        let message = format!("cannot restore `{name}`: {} exists", path.display());
        let hint = match holder {
            Some(lease) => {
                format!("remove the environment there: `git agentenv remove {}`", lease.name)
            }
            None => format!("move it away: `mv {word} {word}.old`"),
        };
        return Err(error::refused(message).hint(hint).into());
    }
    let Some(branch) = branch else { return Ok(()) };
    let taken = repo::checked_out(&record.lease.repository)?;
    let is_own = |tree: &Worktree| tree.lease.as_deref() == Some(id);
    if let Some(holder) = taken.get(branch).filter(|tree| !tree.as_ref().is_some_and(is_own)) {
        let place = holder.as_ref().map_or(&record.lease.main, |tree| &tree.path);
        let message = format!(
            "cannot restore `{name}`: branch `{branch}` is checked out at {}",
            place.display()
        );
        let hint = "remove that worktree, or switch it to another branch";
        return Err(error::refused(message).hint(hint).into());
    }
    let tip = git::resolve(&record.lease.main, &format!("refs/heads/{branch}")).ok();
    if tip.is_some() && record.head.is_some() && tip != record.head {
        let message = format!("cannot restore `{name}`: branch `{branch}` has changed since");
        let word = shell::word(branch);
        let hint = format!(
            "rename it, and the branch comes back as it was: `git branch -m {word} <new name>`"
        );
        return Err(error::refused(message).hint(hint).into());
    }
    Ok(())
}

/// Every step is done only where it is not done yet.
fn advance(ui: &Ui, store: &Store, lease: &Lease, record: &Record) -> Result<Outcome> {
    let record = &Record { phase: Phase::Restoring, ..record.clone() };
    trash::save(store, record)?;
    failpoint::point("restoring")?;
    interrupt::check()?;
    let taken = services(ui, store, lease, record)?;
    if !taken.is_empty() {
        return Ok(Outcome::Taken(taken));
    }
    let step = ui.step("worktree");
    let main = &lease.main;
    if let (Some(branch), Some(head)) = (&lease.branch, &record.head) {
        git::recreate_branch(main, branch, head, &record.branch_settings, &lease.mark())?;
    }
    let admin = {
        let _lock = store.lock_repository(&lease.repository)?;
        place::put_back(record)?
    };
    // Without its worktree, `prune` releases it next.
    if fs::stands(&lease.path)? != Stands::Nothing {
        files::write_env(store, lease)?;
    }
    if lease.vars != record.lease.vars {
        files::remove_compose(lease)?;
    }
    step.done();
    let lease = lease.clone().into_ready(admin);
    store.save(&lease)?;
    failpoint::point("restored")?;
    git::let_go(main, &lease.id)?;
    trash::forget(store, &lease.id)?;
    failpoint::point("restore-forgotten")?;
    Ok(Outcome::Ready(Box::new(lease)))
}

/// Brings the parts back side by side; gives those that are taken.
fn services(ui: &Ui, store: &Store, lease: &Lease, record: &Record) -> Result<Vec<Part>> {
    let results = parallel::each(&lease.parts, |part| service(ui, store, lease, record, part));
    let mut taken = Vec::new();
    for (part, ours) in lease.parts.iter().zip(results) {
        if !ours.map_err(|error| later(lease, record, error))? {
            taken.push(part.clone());
        }
    }
    Ok(taken)
}

/// Whether a part is the environment's again.
fn service(ui: &Ui, store: &Store, lease: &Lease, record: &Record, part: &Part) -> Result<bool> {
    let what = part.to_string();
    let step = ui.step(&what);
    let same = |other: &&Part| other.service == part.service;
    let was = record.lease.parts.iter().find(same).unwrap_or(part);
    let file = trash::keys(store, &lease.id, &part.service);
    let (resource, was) = (lease.resource(part)?, record.lease.resource(was)?);
    if let Some(server) = resource.server() {
        overflow::start(ui, store, server)?;
    }
    match parts::put_back(&resource, &was, &lease.id, &file)? {
        Returned::Ours => step.done(),
        Returned::Taken => {
            step.nothing();
            return Ok(false);
        }
        Returned::Missing if service::state(&resource, &lease.id)? == State::Ours => {
            step.nothing();
        }
        Returned::Missing => {
            step.nothing();
            let adopt = format!("git agentenv adopt {}", shell::path(&lease.path));
            ui.warn(format!("{what} was not in the trash\nhint: create it: `{adopt}`"));
        }
    }
    Ok(true)
}

fn changed(was: &Lease, now: &Lease) -> Vec<Changed> {
    let differs = now.vars.iter().filter_map(|(variable, value)| {
        let before = was.vars.get(variable).map_or("", String::as_str);
        (before != value).then(|| Changed {
            variable: variable.clone(),
            was: before.to_owned(),
            now: value.clone(),
        })
    });
    differs.collect()
}

fn unfinished(record: &Record) -> anyhow::Error {
    let message = format!("cannot restore `{}`: it is an environment", record.lease.name);
    error::refused(message).hint("`git agentenv list` shows it").into()
}

fn incomplete(record: &Record) -> anyhow::Error {
    let name = &record.lease.name;
    let message = format!("cannot restore `{name}`: its worktree is not in the trash any more");
    error::refused(message)
        .hint("`git agentenv prune` deletes the rest when its time is over")
        .into()
}

fn later(lease: &Lease, record: &Record, error: anyhow::Error) -> anyhow::Error {
    let hint = error::hint_of(&error).map_or_else(String::new, |hint| format!("{hint}; "));
    let again = format!("git agentenv restore {}", record.short_id());
    let failure =
        error::Failure::new(error::exit_of(&error), format!("cannot restore `{}` yet", lease.name));
    error.context(failure.hint(format!("{hint}then `{again}` again")))
}
