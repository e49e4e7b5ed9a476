//! Releases what has no lease any more, and what an interrupted command left of an environment that has one.

use super::{Entry, Report, templates};
use crate::environment::context::{Context, current_dir};
use crate::environment::orphans::{self, Orphan, Silent};
use crate::model::lease::Phase;
use crate::model::shell;
use crate::service::{self, Gone, Resource, State, inventory, postgres};
use crate::sys::repo::Repo;
use crate::sys::store::Store;
use crate::ui::Ui;
use anyhow::{Result, anyhow};

/// Releases what leases hold that were lost, and what interrupted commands left.
pub(super) fn release_all(ui: &Ui, store: &Store, report: &mut Report) {
    let context = current_dir()
        .and_then(|dir| Ok(Context { repo: Repo::discover(&dir)?, store: store.clone() }))
        .ok();
    let config = context.as_ref().and_then(|context| context.config().ok()?);
    let here = context.as_ref().map(|context| context.repo.common.as_path());
    let lost = match orphans::find(store, config.as_ref(), here) {
        Ok(lost) => lost,
        Err(error) => return report.keep("databases without a lease", &error),
    };
    templates::unused(ui, store, config.as_ref(), report);
    for Silent { server, why } in lost.templates_unknown {
        ui.say(format!("cannot look for templates on {server}: {why:#}"));
    }
    for silent in lost.silent {
        report.keep(&silent.server, &silent.why);
    }
    for (orphan, path) in lost.in_use {
        let adopt = format!("git agentenv adopt {}", shell::path(&path));
        let why = anyhow!("worktree {} uses it, but its lease was lost: `{adopt}`", path.display());
        report.keep(&orphan.name(), &why);
    }
    for (left, environment) in &lost.left_over {
        let name = left.name();
        match (clear(store, left, report.dry_run), &left.resource) {
            (Ok(false), _) => {}
            (Ok(true), Resource::MysqlDatabase(_)) => {
                let what = format!(
                    "its events were switched off by an interrupted command of `{environment}`"
                );
                report.repaired.push(Entry::of(name, what));
            }
            (Ok(true), _) => {
                let verb = report.verb();
                ui.say(format!("{verb} {name}: an interrupted command of `{environment}` left it"));
                report.pruned.push(Entry::of(name, left.holds()));
            }
            (Err(error), _) => report.keep(&name, &error),
        }
    }
    for orphan in lost.orphans {
        let name = orphan.name();
        match release(store, &orphan, report.dry_run) {
            Ok(false) => {}
            Ok(true) => {
                ui.say(format!("{} {name}: its lease was lost", report.verb()));
                report.pruned.push(Entry::of(name, orphan.holds()));
            }
            Err(error) => report.keep(&name, &error),
        }
    }
}

/// Drops one orphan; `false` when there is nothing to drop any more: another process has just released it, or works
/// on it.
fn release(store: &Store, orphan: &Orphan, dry_run: bool) -> Result<bool> {
    let Some(_working) = store.try_lock_lost(&orphan.id)? else { return Ok(false) };
    if store.lease(&orphan.id)?.is_some() {
        return Ok(false);
    }
    if dry_run {
        return still_there(orphan);
    }
    let dropped = drop_orphan(orphan)?;
    store.forget(&orphan.id)?;
    Ok(dropped)
}

/// Drops what an interrupted command left, and lets events run again that it kept from running; `false`: another process
/// works on the environment, or was quicker.
fn clear(store: &Store, left: &Orphan, dry_run: bool) -> Result<bool> {
    let Some(_working) = store.try_lock_lease(&left.id)? else { return Ok(false) };
    if store.lease(&left.id)?.is_none_or(|lease| lease.phase != Phase::Ready) {
        return Ok(false);
    }
    match &left.resource {
        Resource::MysqlDatabase(_) if !service::has_resting_events(&left.resource)? => Ok(false),
        _ if dry_run => still_there(left),
        Resource::Database(database) => postgres::drop_left_over(database, &left.id),
        Resource::MysqlDatabase(_) => service::reclaim(&left.resource, &left.id).map(|_| true),
        _ => Ok(false),
    }
}

fn still_there(orphan: &Orphan) -> Result<bool> {
    Ok(service::state(&orphan.resource, &orphan.id)? != State::Missing)
}

fn drop_orphan(orphan: &Orphan) -> Result<bool> {
    match service::release(&orphan.resource, &orphan.id, false)? {
        Gone::Dropped => Ok(true),
        // Its name belongs to another environment by now.
        Gone::Missing | Gone::Renamed(_) | Gone::NotOurs(_) => Ok(false),
        Gone::Busy(sessions) => Err(anyhow!("in use by {}", inventory::listed(&sessions))),
    }
}
