//! The leases against what there is.

use super::{Finding, Fix};
use crate::environment::reclaim::{self, Due};
use crate::environment::{files, worktree};
use crate::model::config::Kind;
use crate::model::lease::{Lease, Part};
use crate::model::shell;
use crate::service::{self, State};
use crate::sys::fs::{self, Stands};
use crate::sys::{git, listeners};
use std::path::Path;

/// What one environment lacks.
pub(super) fn look(lease: &Lease, findings: &mut Vec<Finding>) {
    match reclaim::due(lease) {
        Ok(None) => match away(lease) {
            Some(finding) => findings.push(finding),
            None => whole(lease, findings),
        },
        Ok(Some(due)) => findings.push(interrupted(lease, due)),
        Err(error) => {
            let what = format!("cannot look at `{}`: {error:#}", lease.name);
            findings.push(Finding::error(what, look_at(&lease.repository)));
        }
    }
}

fn interrupted(lease: &Lease, due: Due) -> Finding {
    let why = match due {
        Due::AddInterrupted => "was never finished",
        Due::RemoveInterrupted => "is removed in part",
        Due::WorktreeGone => "has lost its worktree",
        Due::RepositoryGone => "has lost its repository",
    };
    let what = format!("`{}` ({}) {why}", lease.name, lease.path.display());
    Finding::error(what, "git agentenv prune").fix(Fix::Finish(Box::new(lease.clone())))
}

/// A worktree that is not in its place and yet not gone: nothing can be put back into it.
fn away(lease: &Lease) -> Option<Finding> {
    if reclaim::is_homeless(lease).ok()? {
        let (what, command) = reclaim::homeless(lease);
        return Some(Finding::error(format!("{what}; where the repository is now:"), command));
    }
    let tree = worktree::of(lease).ok()??;
    if fs::stands(&tree.path).ok()? != Stands::Nothing {
        return None;
    }
    let (name, path) = (&lease.name, tree.path.display());
    if let Some(place) = worktree::elsewhere(lease, &tree).ok()? {
        let what = format!("`{name}`: its worktree was moved away from {path}");
        return Some(Finding::error(what, worktree::repairing(&place)));
    }
    let what = format!("`{name}`: its worktree {path} is away, and locked");
    Some(Finding::warning(what, format!("git worktree unlock {}", shell::path(&tree.path))))
}

fn whole(lease: &Lease, findings: &mut Vec<Finding>) {
    let adopt = format!("git agentenv adopt {}", shell::path(&lease.path));
    let mend = || Fix::Mend(Box::new(lease.clone()));
    match files::is_current(lease) {
        Ok(true) => {}
        Ok(false) => {
            let what = format!("`{}`: {} is missing or changed", lease.name, lease.env_file);
            findings.push(Finding::error(what, &adopt).fix(mend()));
        }
        Err(error) => {
            let file = lease.path.join(&lease.env_file);
            let what = format!("`{}`: {error:#}", lease.name);
            findings.push(Finding::error(what, look_at(&file)));
        }
    }
    if !git::ignores(&lease.path, &lease.env_file).unwrap_or(true) {
        let what = format!("`{}`: git does not ignore {}", lease.name, lease.env_file);
        findings.push(Finding::warning(what, &adopt).fix(mend()));
    }
    for part in &lease.parts {
        findings.extend(of_part(lease, part, &adopt));
    }
    for (variable, port) in &lease.ports {
        findings.extend(taken(lease, variable, *port));
    }
    if lease.hooks_pending {
        let what = format!("`{}`: its post_add hooks have not all run", lease.name);
        findings.push(Finding::warning(what, adopt));
    }
}

fn look_at(path: &Path) -> String {
    format!("ls -ld {}", shell::path(path))
}

/// A server that does not answer is a finding of its own.
fn of_part(lease: &Lease, part: &Part, adopt: &str) -> Option<Finding> {
    let name = &lease.name;
    let thing = format!("{} {}", part.service, part.holds);
    match service::state(part, &lease.id, &lease.path).ok()? {
        State::Ours => None,
        // The application creates the file when it wants to.
        State::Missing if part.kind == Kind::Sqlite => None,
        State::Missing => {
            let mend = Fix::Mend(Box::new(lease.clone()));
            Some(Finding::error(format!("`{name}`: {thing} is missing"), adopt).fix(mend))
        }
        State::Unmarked(keys) => {
            let what = format!("`{name}`: {thing} has lost its mark: {keys}");
            Some(Finding::warning(what, adopt))
        }
        State::NotOurs(whose) => {
            let what = format!("`{name}`: {thing} is somebody else's now ({whose})");
            Some(Finding::error(what, format!("git agentenv remove {name}")))
        }
    }
}

/// Somebody who listens from outside the worktree.
fn taken(lease: &Lease, variable: &str, port: u16) -> Vec<Finding> {
    let outside = |listener: &listeners::Listener| {
        listener.dir.as_ref().is_some_and(|dir| !dir.starts_with(&lease.path))
    };
    let others = listeners::on(port).into_iter().filter(outside);
    others
        .map(|other| {
            let what = format!("`{}`: {variable} {port} is taken by {other}", lease.name);
            Finding::warning(what, format!("kill {}", other.pid))
        })
        .collect()
}
