//! Compares the leases with what exists.

use super::{Finding, Fix, Level};
use crate::environment::files;
use crate::environment::part_problem::{self, Problem};
use crate::environment::processes::{State, Status, Table};
use crate::environment::reclaim::{self, Due};
use crate::environment::worktree::{self, Neighbours};
use crate::model::lease::{Lease, Part};
use crate::model::shell;
use crate::service;
use crate::sys::fs::{self, Stands};
use crate::sys::{git, listeners};
use std::path::Path;

/// The problems of one environment.
pub(super) fn look(lease: &Lease, table: &Table, findings: &mut Vec<Finding>) {
    match reclaim::due(lease) {
        Ok(None) => match away(lease) {
            Some(finding) => findings.push(finding),
            None => whole(lease, table, findings),
        },
        Ok(Some(due)) => findings.push(interrupted(lease, due)),
        Err(error) => {
            let what = format!("cannot inspect `{}`: {error:#}", lease.name);
            findings.push(Finding::error(what, look_at(&lease.repository)));
        }
    }
}

fn interrupted(lease: &Lease, due: Due) -> Finding {
    let why = match due {
        Due::AddInterrupted => "`add` was interrupted",
        Due::CloseInterrupted => "`remove` was interrupted before it deleted anything",
        Due::RemoveInterrupted => "removal was interrupted",
        Due::KeepInterrupted => "its move to the trash was interrupted",
        Due::RestoreInterrupted => "`restore` was interrupted",
        Due::WorktreeGone => "its worktree was deleted",
        Due::RepositoryGone => "its repository was deleted",
    };
    let what = format!("`{}` ({}): {why}", lease.name, lease.path.display());
    Finding::error(what, "git agentenv prune").fix(Fix::Finish(Box::new(lease.clone())))
}

/// A worktree that was moved or whose disk is unmounted: nothing can be restored in it.
fn away(lease: &Lease) -> Option<Finding> {
    if let Some((what, command)) = reclaim::unmounted(lease).ok()? {
        return Some(Finding::warning(
            format!("{what}; mount it, or if it is gone for good:"),
            command,
        ));
    }
    if let Some(homeless) = reclaim::homeless(lease, &Neighbours::default()).ok()? {
        let what = format!("{}; {}", homeless.what(lease), homeless.when());
        return Some(Finding::error(what, homeless.command(lease)));
    }
    let tree = worktree::of(lease).ok()??;
    if fs::stands(&tree.path).ok()? != Stands::Nothing {
        return None;
    }
    let (name, path) = (&lease.name, tree.path.display());
    if let Some(place) = worktree::elsewhere(lease, &tree).ok()? {
        let what = format!("`{name}`: its worktree was moved away from {path}");
        let fix = Fix::Move(Box::new(lease.clone()), place.clone());
        return Some(Finding::error(what, worktree::repairing(&place)).fix(fix));
    }
    let what = format!("`{name}`: worktree {path} is missing, but locked");
    Some(Finding::warning(what, format!("git worktree unlock {}", shell::path(&tree.path))))
}

fn whole(lease: &Lease, table: &Table, findings: &mut Vec<Finding>) {
    let adopt = format!("git agentenv adopt {}", shell::path(&lease.path));
    let repair = || Fix::Adopt(lease.path.clone());
    match files::is_current(lease) {
        Ok(true) => {}
        Ok(false) => {
            let what = format!("`{}`: {} is missing or changed", lease.name, lease.env_file);
            findings.push(Finding::error(what, &adopt).fix(repair()));
        }
        Err(error) => {
            let file = lease.path.join(&lease.env_file);
            let what = format!("`{}`: {error:#}", lease.name);
            findings.push(Finding::error(what, look_at(&file)));
        }
    }
    if !git::ignores(&lease.path, &lease.env_file).unwrap_or(true) {
        let what = format!("`{}`: git does not ignore {}", lease.name, lease.env_file);
        findings.push(Finding::warning(what, &adopt).fix(repair()));
    }
    for part in &lease.parts {
        findings.extend(of_part(lease, part, &adopt));
    }
    for (variable, port) in &lease.ports {
        findings.extend(taken(lease, variable, *port));
    }
    findings.extend(died(lease, table));
    if lease.hooks_pending {
        let what = format!("`{}`: not all of its post_add hooks ran", lease.name);
        findings.push(Finding::warning(what, adopt));
    }
}

/// Processes that `up` started and that did not end as they should.
fn died(lease: &Lease, table: &Table) -> Vec<Finding> {
    let finding = |one: Status| {
        let how = match (one.state, one.exit) {
            (State::Exited, Some(code)) => format!("ended with {code}"),
            _ => "was killed".to_owned(),
        };
        let what = format!("`{}`: process `{}` {how}", lease.name, one.name);
        Finding::warning(what, format!("git -C {} agentenv up", shell::path(&lease.path)))
    };
    table.died(lease).map(finding).collect()
}

fn look_at(path: &Path) -> String {
    format!("ls -ld {}", shell::path(path))
}

/// The problem of one part. A server that does not answer is a finding of its own.
fn of_part(lease: &Lease, part: &Part, adopt: &str) -> Option<Finding> {
    let name = &lease.name;
    let Some(problem) = part_problem::of(lease, part).ok()? else {
        return resting(lease, part, adopt);
    };
    let what = format!("`{name}`: {part} {problem}");
    Some(match problem {
        Problem::Missing => Finding::error(what, adopt).fix(Fix::Adopt(lease.path.clone())),
        Problem::Renamed(now) => {
            let hint = format!("in psql: {}", part_problem::rename_back(&now, part));
            Finding::hinted(Level::Error, what, hint)
        }
        Problem::Unmarked(_) => Finding::warning(what, adopt),
        Problem::NotOurs(_) => Finding::error(what, format!("git agentenv remove {name}")),
    })
}

/// A database whose events rest, as a command that was killed left them.
fn resting(lease: &Lease, part: &Part, adopt: &str) -> Option<Finding> {
    let resource = lease.resource(part).ok()?;
    let what = format!("`{}`: {part} has events that are switched off", lease.name);
    let rests = service::has_resting_events(&resource).unwrap_or_default();
    rests.then(|| Finding::error(what, adopt).fix(Fix::Adopt(lease.path.clone())))
}

/// Processes that listen on an environment's port from outside its worktree.
fn taken(lease: &Lease, variable: &str, port: u16) -> Vec<Finding> {
    let outside = |listener: &listeners::Listener| {
        listener.dir.as_ref().is_some_and(|dir| !dir.starts_with(&lease.path))
    };
    let others = listeners::on(port).into_iter().filter(outside);
    others
        .map(|other| {
            let what = format!("`{}`: {variable} {port} is used by {other}", lease.name);
            Finding::warning(what, format!("kill {}", other.pid))
        })
        .collect()
}
